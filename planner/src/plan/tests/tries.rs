//! Writes that failed, or that may still arrive: what the next pass knows of them, and what it does not know.

use super::*;
use crate::observed::Live;
use crate::report::Executed;

fn next(hub: &Declared, status: &ResourceStatus, observed: &Observed, now: i64) -> Pass {
    pass(hub, status, observed, now, false, &accepted())
}

/// The same, with a key that could not be read.
fn without_key(observed: Observed) -> Observed {
    Observed {
        key: Fact::not_read(),
        ..observed
    }
}

/// The same, with a tag more.
fn tagged(hub: Declared) -> Declared {
    Declared {
        tags: [("team".to_owned(), "research".to_owned())].into(),
        ..hub
    }
}

/// A hub whose change to a newer version of its key failed at 110, and what is read of it.
fn failed_to_rotate() -> (Declared, ResourceStatus, Observed) {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    let Fact::Known(key) = &mut observed.key else {
        panic!("a key")
    };
    key.others = vec![key.current.clone()];
    key.current = key_version(NEXT_KEY, 100);
    let sent = next(&hub, &status, &observed, 100).report.status;
    let failed = Observed {
        operation: OperationSeen::Failed {
            code: "X".to_owned(),
            message: "no".to_owned(),
        },
        ..observed.clone()
    };
    let told = next(&hub, &sent, &failed, 110).report.status;
    assert_eq!(told.operation.as_ref().unwrap().state, OperationState::Failed);
    (hub, told, observed)
}

#[test]
fn a_key_that_failed_is_remembered_while_it_cannot_be_read() {
    let (hub, told, observed) = failed_to_rotate();
    let unread = without_key(observed.clone());
    let blind = next(&hub, &told, &unread, 115).report.status;
    assert_eq!(blind.operation, told.operation);
    assert_eq!(next(&hub, &blind, &observed, 120).plan.write, None, "not at once");
    // Nor does the count of tries begin anew.
    let late = next(&hub, &told, &unread, 5000);
    assert_eq!(late.plan.next, Next::At(at_second(5030)));
    assert_eq!(late.report.status.operation, told.operation);
    assert_eq!(
        condition(&late.report.status, ConditionType::Ready).1,
        "ProvisioningFailed"
    );
    let again = next(&hub, &late.report.status, &observed, 5030)
        .plan
        .write
        .unwrap();
    assert_eq!(again.started_at, at_second(100));
}

#[test]
fn what_else_is_declared_does_not_make_a_key_that_cannot_be_read_forgotten() {
    let (hub, told, observed) = failed_to_rotate();
    let tagged = tagged(hub);
    let unread = without_key(observed);
    let blind = next(&tagged, &told, &unread, 115);
    assert_eq!(blind.plan.write, None);
    assert_eq!(blind.report.status.operation, told.operation);
}

#[test]
fn a_refused_spec_forgets_what_failed() {
    let (hub, told, observed) = failed_to_rotate();
    let refused = Declared {
        location: crate::name::Location::parse("eastus").unwrap(),
        generation: 2,
        ..hub
    };
    let unread = without_key(observed);
    let pass = next(&refused, &told, &unread, 115);
    assert_eq!(
        condition(&pass.report.status, ConditionType::TransitionAllowed).0,
        "False"
    );
    assert_eq!(pass.report.status.operation, None);
}

#[test]
fn a_key_that_failed_is_not_sent_at_once_when_what_hindered_it_is_gone() {
    let (hub, told, observed) = failed_to_rotate();
    // The newer version is disabled, and enabled again.
    let mut disabled = observed.clone();
    let Fact::Known(key) = &mut disabled.key else {
        panic!("a key")
    };
    key.current.enabled = false;
    let hindered = next(&hub, &told, &disabled, 115);
    assert_eq!(hindered.plan.write, None);
    assert_eq!(
        next(&hub, &hindered.report.status, &observed, 116).plan.write,
        None
    );
    assert!(
        next(&hub, &hindered.report.status, &observed, 140)
            .plan
            .write
            .is_some()
    );
    // After its time nothing of it is left.
    assert_eq!(next(&hub, &told, &disabled, 5000).report.status.operation, None);
}

#[test]
fn an_update_that_may_still_arrive_is_waited_for_though_nobody_wants_it_any_more() {
    let (hub, status) = ready_hub();
    let observed = created(&hub);
    let tagged = tagged(hub.clone());
    let write = next(&tagged, &status, &observed, 100).plan.write.unwrap();
    assert_eq!(write.intent, "tags");
    let noted = crate::intent::intent(&status, &write, at_second(100), PACE);
    let hub = Declared { generation: 2, ..hub };
    let waits = next(&hub, &noted, &observed, 101);
    let until = noted.operation.as_ref().unwrap().not_before.as_ref().unwrap().0;
    assert_eq!((waits.plan.write, waits.plan.next), (None, Next::At(until)));
    assert_eq!(waits.report.status.operation, noted.operation);
    assert_eq!(
        condition(&waits.report.status, ConditionType::Ready).1,
        "Updating"
    );
    // Of the same spec: what is not wanted has arrived.
    let mut arrived = observed.clone();
    let Fact::Known(Live { tags, .. }) = &mut arrived.live else {
        panic!("a hub")
    };
    tags.insert("team".to_owned(), "research".to_owned());
    assert_eq!(next(&tagged, &noted, &arrived, 101).report.status.operation, None);
    let over = next(&hub, &noted, &observed, 5000).report.status;
    assert_eq!(over.operation, None);
}

/// The tag that failed is not wanted any more, and the key cannot be read.
#[test]
fn what_is_not_wanted_any_more_is_forgotten_though_the_key_cannot_be_read() {
    let (hub, status) = ready_hub();
    let observed = created(&hub);
    let tagged = Declared {
        tags: [("team".to_owned(), "research".to_owned())].into(),
        generation: 2,
        ..hub.clone()
    };
    let why = crate::Why {
        reason: Reason::PolicyDenied,
        message: "a policy".to_owned(),
        retry_at: None,
    };
    let refused = pass(&tagged, &status, &observed, 100, false, &Executed::Refused(why));
    let refused = refused.report.status;
    assert_eq!(condition(&refused, ConditionType::Ready).1, "PolicyDenied");
    let unread = without_key(observed);
    let back = Declared { generation: 3, ..hub };
    let healed = next(&back, &refused, &unread, 200).report.status;
    assert_eq!(healed.operation, None);
    assert_eq!(condition(&healed, ConditionType::Ready).0, "True");
    // So is a key that failed for another spec.
    let (hub, told, observed) = failed_to_rotate();
    let unread = without_key(observed);
    let edited = Declared { generation: 2, ..hub };
    assert_eq!(next(&edited, &told, &unread, 115).report.status.operation, None);
}

#[test]
fn what_is_written_after_a_key_that_failed_counts_its_own_tries() {
    let (hub, told, observed) = failed_to_rotate();
    let tagged = tagged(hub);
    let unread = without_key(observed);
    let write = next(&tagged, &told, &unread, 5000).plan.write.unwrap();
    assert_eq!(
        (write.intent.as_str(), write.started_at),
        ("tags", at_second(5000))
    );
}

#[test]
fn a_hub_that_has_the_declared_key_again_is_ready_whatever_failed() {
    let (hub, told, observed) = failed_to_rotate();
    let mut without = observed.clone();
    let Fact::Known(key) = &mut without.key else {
        panic!("a key")
    };
    key.current.enabled = false;
    let pass = next(&hub, &told, &without, 115);
    assert_eq!(condition(&pass.report.status, ConditionType::Ready).0, "True");
    // The next try waits for its time all the same.
    assert_eq!(pass.report.status.operation, told.operation);
    assert_eq!(next(&hub, &pass.report.status, &observed, 116).plan.write, None);
}

#[test]
fn what_azure_said_of_a_failure_stands_and_nothing_else() {
    let (hub, told, observed) = failed_to_rotate();
    let why = crate::Why {
        reason: Reason::AzureUnreachable,
        message: "no route".to_owned(),
        retry_at: None,
    };
    let dark = Observed {
        live: Fact::Unknown(why),
        ..observed.clone()
    };
    let blind = next(&hub, &told, &dark, 120).report.status;
    assert_eq!(condition(&blind, ConditionType::Provisioned).0, "Unknown");
    let unread = without_key(observed);
    let seen = next(&hub, &blind, &unread, 130).report.status;
    let provisioned = crate::judge::stored(&seen, ConditionType::Provisioned).unwrap();
    assert_eq!(provisioned.reason, "ProvisioningFailed");
    assert!(provisioned.message.contains(NEXT_KEY), "{provisioned:?}");
    assert_eq!(seen.operation, told.operation);
}

#[test]
fn a_newer_version_does_not_wait_for_one_that_failed() {
    const THIRD: &str = "https://corp-keys.vault.azure.net/keys/ai-hub/33333333333333333333333333333333";
    let (hub, told, mut observed) = failed_to_rotate();
    let Fact::Known(key) = &mut observed.key else {
        panic!("a key")
    };
    key.others.push(key.current.clone());
    key.current = key_version(THIRD, 112);
    let write = next(&hub, &told, &observed, 115).plan.write.unwrap();
    assert_eq!((write.intent.as_str(), write.started_at), (THIRD, at_second(115)));
}
