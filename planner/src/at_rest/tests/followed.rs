//! Writes to dependents that nobody asks for any more and that may still have effect, and tries that failed.

use keyholder_crds::{Operation, OperationState};

use super::enforce::{enforcing, finds, verdict, with_key};
use super::*;
use crate::fixtures::{PACE, at_second, stored};
use crate::observed::{OperationSeen, Stored};

fn bare() -> Stored {
    stored(AtRest::Microsoft)
}

/// A hub whose write to its dependent was noted at 101 and may never have been sent.
fn noted() -> (Declared, ResourceStatus) {
    let (hub, status) = enforcing(STORAGE);
    let told = finds(&hub, &status, &bare(), 100).report.status;
    let write = finds(&hub, &told, &bare(), 101).plan.write.unwrap();
    (hub, crate::intent::intent(&told, &write, at_second(101), PACE))
}

fn operation(status: &ResourceStatus) -> Option<&Operation> {
    status.dependents.first()?.operation.as_ref()
}

fn until(status: &ResourceStatus) -> i64 {
    let operation = operation(status).unwrap();
    operation
        .not_before
        .as_ref()
        .unwrap()
        .0
        .duration_since(at_second(0))
        .as_secs()
}

fn audits(hub: &Declared) -> Declared {
    let mut hub = hub.clone();
    hub.generation = 2;
    hub.dependents[0].enforcement = None;
    hub
}

#[test]
fn a_write_that_may_still_arrive_is_waited_for_though_it_is_only_audited_by_now() {
    let (hub, noted) = noted();
    let audited = audits(&hub);
    let waits = finds(&audited, &noted, &bare(), 102);
    assert_eq!(operation(&waits.report.status), operation(&noted));
    assert_eq!(waits.plan.next, Next::At(at_second(until(&noted))));
    // It is in nobody's way.
    assert_eq!(condition(&waits.report.status, ConditionType::Ready).0, "True");
    // Who asks for it again waits too.
    let again = Declared { generation: 3, ..hub };
    let told = finds(&again, &waits.report.status, &bare(), 103);
    assert_eq!(told.plan.write, None);
    assert_eq!(operation(&told.report.status), operation(&noted));
    // It did arrive: Azure is at work on it beyond that time.
    let busy = Stored {
        provisioning_state: Some("Updating".to_owned()),
        ..bare()
    };
    let late = finds(&audited, &noted, &busy, 5000);
    assert_eq!(operation(&late.report.status), operation(&noted));
    assert_eq!(
        operation(&finds(&audited, &noted, &bare(), 5000).report.status),
        None
    );
}

#[test]
fn a_write_to_one_that_is_not_named_any_more_keeps_its_place_until_it_is_over() {
    let (hub, noted) = noted();
    let none = Declared {
        dependents: Vec::new(),
        generation: 2,
        ..hub
    };
    let observed = created(&none);
    let looks = |now| {
        pass(&none, &noted, &observed, now, false, &Executed::Nothing)
            .report
            .status
    };
    let waits = looks(102);
    assert_eq!(operation(&waits), operation(&noted));
    let place = &waits.dependents[0];
    assert_eq!(place.reason, None);
    assert!(
        place
            .message
            .as_ref()
            .unwrap()
            .contains("does not name it any more")
    );
    assert_eq!(condition(&waits, ConditionType::Ready).0, "True");
    assert!(crate::judge::stored(&waits, ConditionType::DependentsEncrypted).is_none());
    assert!(looks(5000).dependents.is_empty());
}

#[test]
fn a_write_to_one_that_is_not_named_any_more_comes_to_its_end() {
    let (hub, mut running) = noted();
    let none = Declared {
        dependents: Vec::new(),
        generation: 2,
        ..hub
    };
    let observed = created(&none);
    let looks = |status: &ResourceStatus, now| {
        pass(&none, status, &observed, now, false, &Executed::Nothing)
            .report
            .status
    };
    running.dependents[0].operation.as_mut().unwrap().state = OperationState::Running;
    let verifying = looks(&running, 110);
    assert_eq!(operation(&verifying).unwrap().state, OperationState::Verifying);
    assert!(looks(&verifying, until(&verifying)).dependents.is_empty());
}

#[test]
fn a_write_that_may_still_arrive_is_not_over_because_another_spec_is_met() {
    let (hub, noted) = noted();
    let edited = Declared {
        generation: 2,
        ..hub.clone()
    };
    assert_eq!(
        operation(&finds(&hub, &noted, &with_key(KEY), 102).report.status),
        None
    );
    let told = finds(&edited, &noted, &with_key(KEY), 102);
    assert_eq!(operation(&told.report.status), operation(&noted));
    assert_eq!(verdict(&told).1, "Updating");
}

/// The hub's own key cannot be read for a moment after a write to the dependent failed.
#[test]
fn one_that_failed_is_not_sent_at_once_when_the_key_can_be_read_again() {
    let (hub, noted) = noted();
    let mut observed = created(&hub);
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Known(bare()))];
    let looks = |status: &ResourceStatus, observed: &Observed, now| {
        pass(&hub, status, observed, now, false, &crate::fixtures::accepted())
    };
    let mut running = noted;
    let sent = running.dependents[0].operation.as_mut().unwrap();
    sent.state = OperationState::Running;
    let mut failed = observed.clone();
    failed.dependent_operations = vec![(
        hub.dependents[0].id.clone(),
        OperationSeen::Failed {
            code: "X".to_owned(),
            message: "no".to_owned(),
        },
    )];
    let told = looks(&running, &failed, 110).report.status;
    assert_eq!(operation(&told).unwrap().state, OperationState::Failed);
    let mut disabled = observed.clone();
    let Fact::Known(key) = &mut disabled.key else {
        panic!("a key")
    };
    key.current.enabled = false;
    let hindered = looks(&told, &disabled, 111).report.status;
    assert_eq!(operation(&hindered), operation(&told));
    assert_eq!(looks(&hindered, &observed, 112).plan.write, None);
    assert!(looks(&hindered, &observed, until(&told)).plan.write.is_some());
    // What waits for somebody is told in its own words, and forgets the try.
    let mut marked = observed;
    let theirs = Stored {
        tags: [(ENCRYPTION_TAG.to_owned(), "another/of/theirs/AIHub".to_owned())].into(),
        ..bare()
    };
    marked.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Known(theirs))];
    let pass = looks(&told, &marked, 111);
    assert_eq!(verdict(&pass).1, "NotOwned");
    assert_eq!(operation(&pass.report.status), None);
}

/// The operation's URL tells nothing, for want of a right; the storage account has the key.
#[test]
fn a_write_that_may_not_be_looked_at_is_over_once_nobody_asks_for_it() {
    let (hub, noted) = noted();
    let mut running = noted;
    let sent = running.dependents[0].operation.as_mut().unwrap();
    sent.state = OperationState::Running;
    (sent.not_before, sent.url) = (None, Some("https://localhost/operation".to_owned()));
    let refused = |reason| {
        OperationSeen::Unreadable(crate::Why {
            reason,
            message: "told".to_owned(),
            retry_at: None,
        })
    };
    let none = Declared {
        dependents: Vec::new(),
        generation: 2,
        ..hub.clone()
    };
    let edited = Declared { generation: 2, ..hub };
    for hub in [&none, &edited] {
        let mut observed = created(hub);
        let id = crate::ArmId::parse(&running.dependents[0].resource_id).unwrap();
        observed.at_rest = vec![(id.clone(), Fact::Known(with_key(KEY)))];
        let mut looks = |status: &ResourceStatus, reason, now| {
            observed.dependent_operations = vec![(id.clone(), refused(reason))];
            pass(hub, status, &observed, now, false, &Executed::Nothing)
                .report
                .status
        };
        let trouble = looks(&running, Reason::AzureUnreachable, 110);
        assert_eq!(operation(&trouble).unwrap().state, OperationState::Running);
        let verifies = looks(&running, Reason::OperatorNotAuthorized, 110);
        assert_eq!(operation(&verifies).unwrap().state, OperationState::Verifying);
        let over = looks(&verifies, Reason::OperatorNotAuthorized, 200);
        assert_eq!(operation(&over), None);
        assert_eq!(condition(&over, ConditionType::Ready).0, "True");
    }
}

/// It does not show in time, and whether it is to have the key is not known for a moment.
#[test]
fn a_write_that_does_not_show_is_not_taken_for_ignored_while_the_key_cannot_be_read() {
    let (hub, noted) = noted();
    let mut verifying = noted;
    let sent = verifying.dependents[0].operation.as_mut().unwrap();
    sent.state = OperationState::Verifying;
    let mut observed = created(&hub);
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Known(bare()))];
    let unread = Observed {
        key: Fact::not_read(),
        ..observed.clone()
    };
    let accepted = crate::fixtures::accepted();
    let blind = pass(&hub, &verifying, &unread, 500, false, &accepted);
    assert_eq!(verdict(&blind).1, "Pending");
    let again = pass(&hub, &blind.report.status, &observed, 600, false, &accepted);
    assert!(again.plan.write.is_some());
}
