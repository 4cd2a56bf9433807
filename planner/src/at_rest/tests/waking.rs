//! When a dependent is looked at again, and how long a write to one is waited for.

use keyholder_crds::{Operation, OperationState};

use super::enforce::*;
use super::*;
use crate::fixtures::{Pass, accepted, at_second, stored};
use crate::observed::{OperationSeen, Stored};

fn bare() -> Stored {
    stored(AtRest::Microsoft)
}

fn busy() -> Stored {
    Stored {
        provisioning_state: Some("Updating".to_owned()),
        ..bare()
    }
}

fn begun(hub: &Declared, status: &ResourceStatus) -> ResourceStatus {
    let first = finds(hub, status, &bare(), 100).report.status;
    finds(hub, &first, &bare(), 101).report.status
}

/// A pass that finds Azure at work on it, and its operation as `seen`.
fn at_work(hub: &Declared, status: &ResourceStatus, seen: OperationSeen, now: i64) -> Pass {
    let id = &hub.dependents[0].id;
    let mut observed = created(hub);
    observed.at_rest = vec![(id.clone(), Fact::Known(busy()))];
    observed.dependent_operations = vec![(id.clone(), seen)];
    pass(hub, status, &observed, now, false, &accepted())
}

fn failed() -> OperationSeen {
    OperationSeen::Failed {
        code: "KeyVaultPolicyError".to_owned(),
        message: "not recoverable".to_owned(),
    }
}

fn operation(status: &ResourceStatus) -> Option<&Operation> {
    status.dependents[0].operation.as_ref()
}

#[test]
fn one_that_is_not_as_declared_is_looked_at_again() {
    let (hub, status) = enforcing(STORAGE);
    let next = |pass: &Pass| match pass.plan.next {
        Next::At(then) => then.duration_since(at_second(0)).as_secs(),
        other => panic!("{other:?}"),
    };
    let mut observed = created(&hub);
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Absent)];
    let absent = pass(&hub, &status, &observed, 100, false, &accepted());
    assert_eq!(next(&absent), 130);
    let others = Stored {
        tags: [("keyholder-owner".to_owned(), "o/n/x".to_owned())].into(),
        ..bare()
    };
    assert_eq!(next(&finds(&hub, &status, &others, 100)), 130);
    assert_eq!(next(&finds(&hub, &status, &busy(), 100)), 110);
    let found = finds(&hub, &status, &bare(), 100);
    assert_eq!(next(&found), 100);
    let written = finds(&hub, &found.report.status, &bare(), 101);
    assert!(written.plan.write.is_some());
    assert_eq!(next(&written), 131);
}

#[test]
fn while_azure_is_at_work_on_one_nothing_is_sent_and_no_write_is_taken_for_ignored() {
    let (hub, status) = enforcing(STORAGE);
    let first = finds(&hub, &status, &busy(), 100);
    let second = finds(&hub, &first.report.status, &busy(), 101);
    assert_eq!(
        (second.plan.write.clone(), verdict(&second).1.as_str()),
        (None, "Updating")
    );

    let begun = begun(&hub, &status);
    let mut status = begun.clone();
    for now in [110, 200, 10_000] {
        status = at_work(&hub, &status, OperationSeen::None, now).report.status;
        assert_eq!(operation(&status), operation(&begun));
    }
    // Unless its own URL says otherwise.
    let ended = at_work(&hub, &status, failed(), 10_001);
    assert_eq!(verdict(&ended).1, "ProvisioningFailed");
}

#[test]
fn another_spec_or_somebody_elses_mark_ends_the_wait_for_the_next_try() {
    let (mut hub, status) = enforcing(STORAGE);
    let begun = begun(&hub, &status);
    let ended = at_work(&hub, &begun, failed(), 110).report.status;
    assert_eq!(operation(&ended).unwrap().state, OperationState::Failed);
    assert_eq!(finds(&hub, &ended, &bare(), 111).plan.write, None);
    let theirs = Stored {
        tags: [(ENCRYPTION_TAG.to_owned(), "o/n/x/AIHub".to_owned())].into(),
        ..bare()
    };
    let taken = finds(&hub, &ended, &theirs, 111);
    assert_eq!(
        (verdict(&taken).1.as_str(), operation(&taken.report.status)),
        ("NotOwned", None)
    );
    hub.generation += 1;
    assert!(finds(&hub, &ended, &bare(), 111).plan.write.is_some());
}
