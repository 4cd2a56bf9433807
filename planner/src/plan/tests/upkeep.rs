//! A hub that exists.

use serde_json::json;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::CheckResult;

use super::*;
use crate::observed::Live;

fn next(hub: &Declared, status: &ResourceStatus, observed: &Observed, now: i64) -> Pass {
    pass(hub, status, observed, now, false, &accepted())
}

fn seen(observed: &mut Observed) -> &mut Live {
    let Fact::Known(live) = &mut observed.live else {
        panic!()
    };
    live
}

/// The key has a newer version.
fn rotate(observed: &mut Observed) {
    let Fact::Known(found) = &mut observed.key else {
        panic!()
    };
    found.others = vec![found.current.clone()];
    found.current = key_version(NEXT_KEY, 100);
}

#[test]
fn a_key_is_changed_before_anything_else() {
    let (mut hub, status) = ready_hub();
    hub.system_assigned = true;
    let mut observed = created(&hub);
    seen(&mut observed).system_assigned = false;
    let update = next(&hub, &status, &observed, 100).plan.write.unwrap();
    assert_eq!(
        (update.kind, update.intent.as_str()),
        (OperationKind::Update, "identity")
    );
    rotate(&mut observed);
    let change = next(&hub, &status, &observed, 100).plan.write.unwrap();
    assert_eq!(
        (change.kind, change.intent.as_str()),
        (OperationKind::ChangeKey, NEXT_KEY)
    );
    assert_eq!(change.started_at, at_second(100));
    assert_eq!(
        change.request,
        Request::Patch(
            json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": NEXT_KEY } } } })
        )
    );
}

#[test]
fn checks_that_passed_say_no_more_once_the_hub_is_there() {
    let (hub, status) = ready_hub();
    let mut before = status.clone();
    before.preflight[0].message = Some("worth knowing before".to_owned());
    before.preflight[1].result = CheckResult::Unknown;
    before.preflight[1].message = Some("nobody knows".to_owned());
    let after = next(&hub, &before, &created(&hub), 100).report.status;
    let told: Vec<_> = after
        .preflight
        .iter()
        .filter_map(|check| check.message.as_deref())
        .collect();
    assert_eq!(after.preflight.len(), status.preflight.len());
    assert_eq!(told, ["nobody knows"]);
}

#[test]
fn a_hub_that_azure_changes_is_waited_for() {
    let (hub, status) = ready_hub();
    for (state, reason) in [("Updating", "Updating"), ("Deleting", "Deleting")] {
        let observed = Observed {
            live: Fact::Known(live(&hub, state)),
            ..created(&hub)
        };
        let pass = next(&hub, &status, &observed, 100);
        assert_eq!(
            (pass.plan.write, pass.plan.next),
            (None, Next::At(at_second(110)))
        );
        assert_eq!(
            condition(&pass.report.status, ConditionType::Provisioned).1,
            reason
        );
    }
    let mut creating = status;
    creating.operation = Some(operation(OperationKind::Create, OperationState::Running));
    let observed = Observed {
        live: Fact::Known(live(&hub, "Creating")),
        ..created(&hub)
    };
    let pass = next(&hub, &creating, &observed, 100);
    assert_eq!(
        condition(&pass.report.status, ConditionType::Provisioned).1,
        "Creating"
    );
}

fn operation(kind: OperationKind, state: OperationState) -> keyholder_crds::Operation {
    let json = serde_json::json!({
        "kind": kind, "state": state, "intent": "tags", "startedAt": at_second(0).to_string(),
    });
    serde_json::from_value(json).unwrap()
}

/// Each kind of operation on a hub that is as declared: over, or not.
#[test]
fn an_operation_is_over_when_its_intent_is_read_back() {
    let (hub, status) = ready_hub();
    let observed = created(&hub);
    let left = |kind, intent: &str| {
        let mut status = status.clone();
        let mut operation = operation(kind, OperationState::Running);
        intent.clone_into(&mut operation.intent);
        status.operation = Some(operation);
        next(&hub, &status, &observed, 100).report.status.operation
    };
    assert_eq!(left(OperationKind::Create, "x"), None);
    assert_eq!(left(OperationKind::Update, "tags"), None);
    assert_eq!(left(OperationKind::ChangeKey, &KEY.to_uppercase()), None);
    let changing = left(OperationKind::ChangeKey, NEXT_KEY).unwrap();
    assert_eq!(changing.state, OperationState::Verifying);
    // Deleting an object cannot be taken back; a stray operation is looked at again.
    assert_eq!(
        left(OperationKind::Delete, "x").unwrap().state,
        OperationState::Verifying
    );
}

#[test]
fn an_update_that_is_not_read_back_is_ignored_and_the_hub_is_not_ready() {
    let (hub, mut status) = ready_hub();
    let mut observed = created(&hub);
    seen(&mut observed).tags.insert(
        "keyholder-owner".to_owned(),
        "owner/ml-platform/research".to_owned(),
    );
    let hub = Declared {
        tags: [("team".to_owned(), "research".to_owned())].into(),
        ..hub
    };
    let first = next(&hub, &status, &observed, 100);
    assert_eq!(first.plan.write.unwrap().intent, "tags");
    status = first.report.status;
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..observed.clone()
    };
    status = next(&hub, &status, &done, 110).report.status;
    assert_eq!(
        status.operation.as_ref().unwrap().state,
        OperationState::Verifying
    );
    assert_eq!(
        condition(&status, ConditionType::Ready),
        ("False".to_owned(), "Updating".to_owned())
    );
    let ignored = next(&hub, &status, &observed, 115);
    assert_eq!(
        condition(&ignored.report.status, ConditionType::Ready),
        ("False".to_owned(), "WriteIgnored".to_owned())
    );
    let told = crate::judge::stored(&ignored.report.status, ConditionType::Provisioned).unwrap();
    assert!(told.message.contains("a change of tags"), "{}", told.message);
    assert_eq!(ignored.plan.write, None);
    assert_eq!(
        ignored.report.status.operation.as_ref().unwrap().state,
        OperationState::Ignored
    );
    assert_eq!(
        condition(&ignored.report.status, ConditionType::KeyApplied).1,
        "KeyInUse"
    );
    // Until then nothing is sent; another intent, or another spec, is sent at once.
    status = ignored.report.status;
    assert_eq!(next(&hub, &status, &observed, 200).plan.write, None);
    let mut other = hub.clone();
    other.system_assigned = true;
    assert_eq!(
        next(&other, &status, &observed, 200).plan.write.unwrap().intent,
        "identity, tags"
    );
    other = hub.clone();
    other.generation = 2;
    assert_eq!(
        next(&other, &status, &observed, 200).plan.write.unwrap().intent,
        "tags"
    );
    assert!(next(&hub, &status, &observed, 115 + 3600).plan.write.is_some());
}

#[test]
fn a_failed_change_of_key_is_told_and_tried_again_from_its_first_try() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    rotate(&mut observed);
    let first = next(&hub, &status, &observed, 100);
    let failed = Observed {
        operation: OperationSeen::Failed {
            code: "X".to_owned(),
            message: "no".to_owned(),
        },
        ..observed.clone()
    };
    let told = next(&hub, &first.report.status, &failed, 110);
    assert_eq!(told.plan.write, None);
    assert_eq!(
        condition(&told.report.status, ConditionType::Provisioned).1,
        "ProvisioningFailed"
    );
    assert_eq!(told.report.next, Next::At(at_second(140)));
    let again = next(&hub, &told.report.status, &observed, 140)
        .plan
        .write
        .unwrap();
    assert_eq!(again.started_at, at_second(100));
}

/// Azure refuses a change of tags: the hub is not as declared, however often it is looked at.
#[test]
fn a_refused_update_keeps_the_hub_from_being_ready() {
    let (mut hub, status) = ready_hub();
    let observed = created(&hub);
    hub.tags.insert("team".to_owned(), "research".to_owned());
    for (reason, later) in [
        (Reason::PolicyDenied, "PolicyDenied"),
        (Reason::AzureUnreachable, "Updating"),
    ] {
        let why = Why {
            reason,
            message: "because".to_owned(),
            retry_at: None,
        };
        let refused = pass(
            &hub,
            &status,
            &observed,
            100,
            false,
            &crate::report::Executed::Refused(why),
        );
        assert_eq!(
            condition(&refused.report.status, ConditionType::Ready).1,
            reason.to_string()
        );
        let waiting = next(&hub, &refused.report.status, &observed, 101);
        assert_eq!(waiting.plan.write, None);
        assert_eq!(
            condition(&waiting.report.status, ConditionType::Ready),
            ("False".to_owned(), later.to_owned())
        );
    }
}

#[test]
fn a_refused_spec_is_looked_at_again_and_nothing_is_written() {
    let (mut hub, status) = ready_hub();
    let mut observed = created(&hub);
    rotate(&mut observed);
    hub.tags.insert("team".to_owned(), "research".to_owned());
    hub.location = crate::name::Location::parse("eastus").unwrap();
    let pass = next(&hub, &status, &observed, 100);
    assert_eq!(
        (pass.plan.write, pass.plan.next),
        (None, Next::At(at_second(130)))
    );
    assert_eq!(
        condition(&pass.report.status, ConditionType::TransitionAllowed).1,
        "ImmutableFieldChanged"
    );
}

/// What is noted agrees with the spec, and Azure has something else.
#[test]
fn what_azure_has_counts_as_much_as_what_was_noted() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    seen(&mut observed).service_side = true;
    let pass = next(&hub, &status, &observed, 100);
    assert_eq!(pass.plan.write, None);
    assert_eq!(
        condition(&pass.report.status, ConditionType::TransitionAllowed).1,
        "DataLocationSwitchForbidden"
    );
}

#[test]
fn a_keys_date_is_waited_for() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    if let Fact::Known(found) = &mut observed.key {
        found.current.expires = Some(at_second(500));
    }
    assert_eq!(
        next(&hub, &status, &observed, 100).plan.next,
        Next::At(at_second(500))
    );
}

#[test]
fn a_polled_operation_names_when_to_ask_and_an_unreadable_one_is_asked_again() {
    let (hub, mut status) = ready_hub();
    status.operation = Some(operation(OperationKind::ChangeKey, OperationState::Running));
    let mut observed = Observed::nothing();
    for (kind, reason) in [
        (Some(OperationKind::Create), "Creating"),
        (Some(OperationKind::Delete), "Deleting"),
        (Some(OperationKind::ChangeKey), "Updating"),
        (None, "Updating"),
    ] {
        observed.operation = OperationSeen::Running {
            poll_at: at_second(9),
        };
        status.operation = kind.map(|kind| operation(kind, OperationState::Running));
        let pass = next(&hub, &status, &observed, 0);
        assert_eq!((pass.plan.write, pass.plan.next), (None, Next::At(at_second(9))));
        assert_eq!(
            condition(&pass.report.status, ConditionType::Provisioned).1,
            reason
        );
    }
    for (retry_at, expected) in [
        (None, Next::Backoff),
        (Some(at_second(7)), Next::At(at_second(7))),
    ] {
        observed.operation = OperationSeen::Unreadable(Why {
            reason: Reason::Throttled,
            message: "later".to_owned(),
            retry_at,
        });
        let pass = next(&hub, &status, &observed, 0);
        assert_eq!((pass.plan.write, pass.plan.next), (None, expected));
        assert_eq!(
            condition(&pass.report.status, ConditionType::Provisioned),
            ("Unknown".to_owned(), "Throttled".to_owned())
        );
    }
}

#[test]
fn a_change_that_may_still_arrive_is_not_overtaken_by_another() {
    let (hub, mut status) = ready_hub();
    let mut observed = created(&hub);
    let operation = |kind, intent: &str| {
        Some(keyholder_crds::Operation {
            kind,
            state: OperationState::Intended,
            intent: intent.to_owned(),
            generation: None,
            started_at: Time(at_second(100)),
            url: None,
            not_before: Some(Time(at_second(105))),
        })
    };
    status.operation = operation(OperationKind::Update, "tags");
    rotate(&mut observed);
    let early = next(&hub, &status, &observed, 104);
    assert_eq!(
        (early.plan.write, early.plan.next),
        (None, Next::At(at_second(105)))
    );
    assert!(next(&hub, &status, &observed, 105).plan.write.is_some());

    // What waits for it keeps the hub from being ready.
    status.operation = operation(OperationKind::ChangeKey, NEXT_KEY);
    let mut observed = created(&hub);
    seen(&mut observed).tags.remove("team");
    let hub = Declared {
        tags: [("team".to_owned(), "research".to_owned())].into(),
        ..hub
    };
    let early = next(&hub, &status, &observed, 104);
    assert_eq!(early.plan.write, None);
    assert_eq!(condition(&early.report.status, ConditionType::Ready).0, "False");
}

#[test]
fn what_waits_for_somebody_stalls_whatever_its_reason() {
    let (mut hub, status) = ready_hub();
    let observed = Observed {
        key: Fact::Absent,
        ..created(&hub)
    };
    let crate::validate::ValidEncryption::CustomerManaged { key, .. } = &mut hub.encryption else {
        panic!()
    };
    *key = crate::name::KeyName::parse("nokey").unwrap();
    let pass = next(&hub, &status, &observed, 100);
    let said = |status: &ResourceStatus, of| condition(status, of);
    assert_eq!(
        said(&pass.report.status, ConditionType::Stalled),
        ("True".to_owned(), "KeyMismatch".to_owned())
    );
    // Nothing new is learned: it stays so.
    let again = Observed {
        key: Fact::not_read(),
        ..created(&hub)
    };
    let kept = next(&hub, &pass.report.status, &again, 200);
    assert_eq!(said(&kept.report.status, ConditionType::Ready).0, "False");
    let stalled = pass.report.status;
    let input = input(&hub, &stalled, &again, 200);
    let mut silent = plan(&input);
    silent.judgement = crate::judge::Judgement::kept(&stalled);
    let held = crate::report::report(&input, &silent, &crate::report::Executed::Nothing);
    assert_eq!(
        said(&held.status, ConditionType::Stalled),
        ("True".to_owned(), "KeyMismatch".to_owned())
    );
}

#[test]
fn a_hub_that_lost_its_tag_is_told_how_to_get_it_back() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    seen(&mut observed).tags.clear();
    let pass = next(&hub, &status, &observed, 100);
    let told = crate::judge::stored(&pass.report.status, ConditionType::Provisioned).unwrap();
    assert_eq!(told.reason, "NotOwned");
    assert!(
        told.message.contains("az resource tag")
            && told
                .message
                .contains("keyholder-owner=owner/ml-platform/research"),
        "{}",
        told.message
    );
    let fresh = next(&hub, &ResourceStatus::default(), &observed, 100);
    let told = crate::judge::stored(&fresh.report.status, ConditionType::Provisioned).unwrap();
    assert!(told.message.contains("choose another name"), "{}", told.message);
}

#[test]
fn a_hub_of_the_name_that_was_never_seen_in_order_is_somebody_elses() {
    let (hub, mut status) = ready_hub();
    status.encryption = None;
    assert!(status.bound.is_some());
    let mut observed = created(&hub);
    seen(&mut observed).tags.clear();
    let pass = next(&hub, &status, &observed, 100);
    let told = crate::judge::stored(&pass.report.status, ConditionType::Provisioned).unwrap();
    assert!(told.message.contains("somebody else's"), "{}", told.message);
}

#[test]
fn an_update_that_shows_is_over_whatever_else_is_wanted_by_now() {
    let (mut hub, mut status) = ready_hub();
    hub.public_network_access = Some(keyholder_crds::PublicNetworkAccess::Disabled);
    let mut verifying = operation(OperationKind::Update, OperationState::Verifying);
    verifying.not_before = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at_second(
        1000,
    )));
    status.operation = Some(verifying);
    let write = next(&hub, &status, &created(&hub), 100).plan.write.unwrap();
    assert_eq!(write.intent, "publicNetworkAccess");
}

/// The same field, changed again before the first change was read back.
#[test]
fn a_second_change_of_a_field_is_made_and_nobody_is_blamed() {
    let (mut hub, status) = ready_hub();
    let tags = |hub: &mut Declared, value: &str, generation| {
        hub.tags.insert("stage".to_owned(), value.to_owned());
        hub.generation = generation;
    };
    tags(&mut hub, "a", 2);
    let mut observed = created(&hub);
    seen(&mut observed).tags.remove("stage");
    let done = crate::report::Executed::Done;
    let first = pass(&hub, &status, &observed, 100, false, &done);
    assert_eq!(first.plan.write.as_ref().unwrap().intent, "tags");
    tags(&mut hub, "b", 3);
    let waits = pass(&hub, &first.report.status, &observed, 101, false, &done);
    assert_eq!(waits.plan.write, None);
    assert_eq!(
        waits.report.status.operation.as_ref().unwrap().state,
        OperationState::Verifying
    );
    // The first shows by now.
    seen(&mut observed)
        .tags
        .insert("stage".to_owned(), "a".to_owned());
    let second = pass(&hub, &waits.report.status, &observed, 106, false, &done);
    let Request::Patch(body) = second.plan.write.unwrap().request else {
        panic!()
    };
    assert_eq!(body["tags"]["stage"], "b");
    assert_eq!(second.report.status.operation.unwrap().generation, Some(3));
}
