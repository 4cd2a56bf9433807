//! Status, conditions and events.

use super::*;
use crate::fixtures::{accepted, *};
use crate::observed::{Fact, GroupResource, Observed, OperationSeen};
use crate::validate::{Declared, Validate};

fn hub() -> Declared {
    object("Delete").validate("owner", None).unwrap()
}

fn create(executed: &Executed) -> Report {
    let hub = hub();
    pass(
        &hub,
        &ResourceStatus::default(),
        &ready_for_creation(&hub),
        0,
        false,
        executed,
    )
    .report
}

fn why(reason: Reason, retry_at: Option<Timestamp>) -> Why {
    Why {
        reason,
        message: "because".to_owned(),
        retry_at,
    }
}

/// Worlds in each of which a pass has something else to say.
fn worlds(hub: &Declared) -> Vec<Observed> {
    let all = created(hub);
    let mut worlds = vec![
        all.clone(),
        ready_for_creation(hub),
        Observed {
            live: Fact::Known(live(hub, "Failed")),
            ..all.clone()
        },
        Observed {
            live: Fact::Known(live(hub, "Updating")),
            ..all.clone()
        },
        Observed {
            live: Fact::Unknown(why(Reason::AzureUnreachable, None)),
            ..all.clone()
        },
        Observed {
            key: Fact::Absent,
            ..all.clone()
        },
        Observed {
            vault: Fact::Absent,
            ..all.clone()
        },
        Observed {
            role_assignments: Fact::Known(Vec::new()),
            ..all.clone()
        },
        Observed {
            managed_group: Fact::Absent,
            ..all.clone()
        },
        Observed {
            operation: OperationSeen::Unreadable(why(Reason::Throttled, Some(at_second(9)))),
            ..all.clone()
        },
    ];
    let mut stranger = group();
    stranger.push(GroupResource {
        r#type: "Some/thing".to_owned(),
        name: "x".to_owned(),
        state: None,
    });
    worlds.push(Observed {
        managed_group: Fact::Known(stranger),
        ..all
    });
    worlds
}

#[test]
fn reporting_the_same_twice_changes_nothing() {
    let (ready, ready_status) = ready_hub();
    let mut said = std::collections::BTreeSet::new();
    for status in [ResourceStatus::default(), ready_status] {
        for observed in worlds(&ready) {
            let nothing = Executed::Nothing;
            let first = pass(&ready, &status, &observed, 100, false, &nothing).report;
            let second = pass(&ready, &first.status, &observed, 200, false, &nothing).report;
            assert_eq!(second.status, first.status);
            assert_eq!(second.notes, [], "no event is repeated");
            said.insert(condition(&first.status, ConditionType::Ready).1);
            let shown = |of| judge::was(&first.status, of, Truth::True);
            let (reconciling, stalled) = (shown(ConditionType::Reconciling), shown(ConditionType::Stalled));
            let is_ready = shown(ConditionType::Ready);
            assert_eq!(
                usize::from(reconciling) + usize::from(stalled) + usize::from(is_ready),
                1,
                "exactly one of Ready, Reconciling and Stalled is True"
            );
            for one in &first.status.conditions {
                assert_eq!(one.observed_generation, Some(1));
            }
        }
    }
    assert!(said.len() >= 7, "{said:?}");
}

#[test]
fn a_transition_time_moves_with_the_status_alone() {
    let (hub, status) = ready_hub();
    let time = |status: &ResourceStatus, of| judge::stored(status, of).unwrap().last_transition_time.clone();
    let ready_at = Time(at_second(20));
    assert_eq!(time(&status, ConditionType::Ready), ready_at);
    // True stays True, with another reason.
    let observed = worlds(&hub).pop().unwrap();
    let warned = pass(&hub, &status, &observed, 100, false, &accepted())
        .report
        .status;
    assert_eq!(
        condition(&warned, ConditionType::ManagedResourceGroupHealthy).1,
        "ForeignResource"
    );
    assert_eq!(
        time(&warned, ConditionType::ManagedResourceGroupHealthy),
        ready_at
    );
    // True becomes False.
    let damaged = Observed {
        managed_group: Fact::Absent,
        ..created(&hub)
    };
    let missing = pass(&hub, &warned, &damaged, 300, false, &accepted())
        .report
        .status;
    for of in [ConditionType::Ready, ConditionType::ManagedResourceGroupHealthy] {
        assert_eq!(time(&missing, of), Time(at_second(300)));
    }
    assert_eq!(time(&missing, ConditionType::KeyApplied), ready_at);
}

#[test]
fn ready_has_the_reason_of_the_first_that_does_not_hold() {
    let (hub, status) = ready_hub();
    let spoiled: [(ConditionType, Reason); 5] = [
        (
            ConditionType::ManagedResourceGroupHealthy,
            Reason::ResourceMissing,
        ),
        (ConditionType::KeyHealthy, Reason::KeyDisabled),
        (ConditionType::KeyApplied, Reason::RotationPending),
        (ConditionType::Provisioned, Reason::Updating),
        (ConditionType::TransitionAllowed, Reason::VaultSwitchForbidden),
    ];
    let mut status = status;
    for (of, reason) in spoiled {
        set(
            &mut status,
            of,
            &Verdict::no(reason, "no"),
            hub.generation,
            at_second(100),
        );
        summarise(&mut status, |_| false, &hub, at_second(100));
        assert_eq!(
            condition(&status, ConditionType::Ready),
            ("False".to_owned(), reason.to_string())
        );
        let (shown, other) = if judge::needs_somebody(reason) {
            (ConditionType::Stalled, ConditionType::Reconciling)
        } else {
            (ConditionType::Reconciling, ConditionType::Stalled)
        };
        assert_eq!(condition(&status, shown), ("True".to_owned(), reason.to_string()));
        assert!(judge::stored(&status, other).is_none());
    }
    let order: Vec<ConditionType> = status
        .conditions
        .iter()
        .map(|one| one.type_.parse().unwrap())
        .collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn prerequisites_count_until_the_object_is_bound() {
    let (hub, mut status) = ready_hub();
    let failed = Verdict::no(Reason::VaultNotFound, "no");
    set(
        &mut status,
        ConditionType::PrerequisitesMet,
        &failed,
        1,
        at_second(1),
    );
    summarise(&mut status, |_| false, &hub, at_second(1));
    assert_eq!(condition(&status, ConditionType::Ready).0, "True");
    status.bound = None;
    summarise(&mut status, |_| false, &hub, at_second(1));
    assert_eq!(condition(&status, ConditionType::Ready).1, "VaultNotFound");
}

#[test]
fn ignorance_hinders_only_what_ready_needs() {
    let (hub, status) = ready_hub();
    for (of, ready) in [
        (ConditionType::TransitionAllowed, true),
        (ConditionType::Provisioned, false),
        (ConditionType::KeyApplied, false),
        (ConditionType::KeyHealthy, true),
        (ConditionType::ManagedResourceGroupHealthy, true),
    ] {
        let mut unknown = status.clone();
        set(
            &mut unknown,
            of,
            &Verdict::unknown(Reason::Throttled, "later"),
            1,
            at_second(1),
        );
        summarise(&mut unknown, |_| false, &hub, at_second(1));
        let expected = if ready { "True" } else { "Unknown" };
        assert_eq!(condition(&unknown, ConditionType::Ready).0, expected, "{of}");
        let mut absent = status.clone();
        remove(&mut absent, of);
        summarise(&mut absent, |_| false, &hub, at_second(1));
        assert_eq!(condition(&absent, ConditionType::Ready).0, expected, "{of}");
    }
}

#[test]
fn an_accepted_write_is_bound_noted_and_told() {
    let report = create(&accepted());
    let operation = report.status.operation.unwrap();
    assert_eq!(operation.state, OperationState::Running);
    assert_eq!(operation.url.as_deref(), Some("https://localhost/operation"));
    assert!(report.status.bound.is_some());
    assert_eq!(report.next, Next::At(at_second(10)));
    let created = report
        .notes
        .iter()
        .find(|note| note.reason == Reason::Created)
        .unwrap();
    assert!(!created.warning && created.message.contains("/workspaces/research"));

    let done = create(&Executed::Done);
    assert_eq!(done.next, Next::At(at_second(0)));
    assert_eq!(done.status.operation.unwrap().url, None);
}

#[test]
fn a_write_that_was_not_sent_leaves_no_trace() {
    for executed in [Executed::NotSent, Executed::Nothing] {
        let report = create(&executed);
        assert_eq!((report.status.operation, report.status.bound), (None, None));
        assert!(report.notes.iter().all(|note| note.reason != Reason::Created));
    }
}

#[test]
fn a_write_that_waits_for_its_turn_says_so_and_leaves_no_trace() {
    let report = create(&Executed::Waits(why(Reason::Pending, Some(at_second(7)))));
    assert_eq!(
        (report.status.operation.clone(), report.status.bound.clone()),
        (None, None)
    );
    assert_eq!(report.next, Next::At(at_second(7)));
    assert_eq!(
        condition(&report.status, ConditionType::Provisioned),
        ("False".to_owned(), "Pending".to_owned())
    );
}

#[test]
fn a_refused_write_is_tried_again_and_an_unknown_outcome_looked_at() {
    let refused = create(&Executed::Refused(why(Reason::PolicyDenied, None)));
    assert_eq!(refused.next, Next::Backoff);
    let operation = refused.status.operation.as_ref().unwrap();
    assert_eq!(operation.state, OperationState::Failed);
    assert_eq!(operation.not_before, Some(Time(at_second(30))));
    assert_eq!(
        condition(&refused.status, ConditionType::Provisioned),
        ("False".to_owned(), "PolicyDenied".to_owned())
    );
    for reason in [Reason::AzureUnreachable, Reason::AzureAnswerInvalid] {
        let unknown = create(&Executed::Refused(why(reason, Some(at_second(7)))));
        assert_eq!(unknown.next, Next::At(at_second(7)));
        let operation = unknown.status.operation.unwrap();
        assert_eq!(
            (operation.state, operation.not_before),
            (OperationState::Intended, Some(Time(at_second(5)))),
            "it may still arrive, also when it was first tried long ago"
        );
        assert!(unknown.status.bound.is_some());
        let told = judge::stored_reason(
            &ResourceStatus {
                conditions: unknown.status.conditions,
                ..ResourceStatus::default()
            },
            ConditionType::Provisioned,
        );
        assert_eq!(told, Some(reason));
    }
}

#[test]
fn each_kind_of_write_has_its_event() {
    let (mut hub, status) = ready_hub();
    let observed = created(&hub);
    let note_of = |hub: &Declared, status: &ResourceStatus, observed: &Observed, deleting| {
        let pass = pass(hub, status, observed, 100, deleting, &accepted());
        assert!(pass.plan.write.is_some());
        pass.report.notes.into_iter().next().unwrap()
    };
    let note = |hub: &Declared, observed: &Observed, deleting| note_of(hub, &status, observed, deleting);
    let deleted = note(&hub, &observed, true);
    assert_eq!(deleted.reason, Reason::Deleted);
    let kept = "for 14 days, and bill its managed resource group azureml-rg-research as long. With user-assigned identities alone it may be permanent.";
    assert!(deleted.message.ends_with(kept), "{}", deleted.message);
    hub.deletion_policy = DeletionPolicy::DeleteAndPurge;
    assert!(
        note(&hub, &observed, true)
            .message
            .contains("deletion and purge of")
    );
    hub.deletion_policy = DeletionPolicy::Delete;
    hub.system_assigned = true;
    let deleted = note(&hub, &observed, true);
    assert!(
        deleted.message.ends_with("azureml-rg-research as long."),
        "{}",
        deleted.message
    );
    let without_group = ResourceStatus {
        managed_resource_group: None,
        ..status.clone()
    };
    let deleted = note_of(&hub, &without_group, &observed, true);
    assert!(
        deleted.message.ends_with("keep the hub for 14 days."),
        "{}",
        deleted.message
    );
    let updated = note(&hub, &observed, false);
    assert_eq!(
        (updated.reason, updated.message.as_str()),
        (Reason::Updated, "Azure accepted a change of identity.")
    );
    let mut rotated = observed;
    if let Fact::Known(key) = &mut rotated.key {
        key.others = vec![key.current.clone()];
        key.current = key_version(NEXT_KEY, 100);
    }
    let changed = note(&hub, &rotated, false);
    assert_eq!(changed.reason, Reason::KeyChanged);
    assert!(changed.message.contains(NEXT_KEY));
}

#[test]
fn ready_and_stalled_are_told_once_when_they_change() {
    let hub = hub();
    let first = create(&accepted()).status;
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..created(&hub)
    };
    let ready = pass(&hub, &first, &done, 20, false, &accepted()).report;
    assert_eq!(
        ready.notes,
        [Note {
            warning: false,
            reason: Reason::AllConditionsMet,
            message: "The hub is as declared.".to_owned(),
        }]
    );
    let damaged = Observed {
        managed_group: Fact::Absent,
        ..created(&hub)
    };
    let stalled = pass(&hub, &ready.status, &damaged, 40, false, &accepted()).report;
    let told: Vec<(bool, Reason)> = stalled
        .notes
        .iter()
        .map(|note| (note.warning, note.reason))
        .collect();
    assert_eq!(told, [(true, Reason::Missing)]);
}

#[test]
fn what_stays_in_azure_is_told() {
    let (mut hub, status) = ready_hub();
    hub.deletion_policy = DeletionPolicy::Retain;
    let retained = |status: &ResourceStatus, deleting| {
        let notes = pass(&hub, status, &created(&hub), 100, deleting, &accepted())
            .report
            .notes;
        notes.iter().any(|note| note.reason == Reason::Retained)
    };
    assert!(retained(&status, true));
    assert!(!retained(&status, false));
    assert!(
        !retained(&ResourceStatus::default(), true),
        "nothing was ever seen there"
    );
}

#[test]
fn columns_are_short() {
    let (hub, status) = ready_hub();
    let summary = status.summary.unwrap();
    assert_eq!(summary.key.as_deref(), Some("corp-keys/ai-hub"));
    assert_eq!(
        summary.version.as_deref(),
        Some("0123456789abcdef0123456789abcdef")
    );
    assert_eq!(summary.azure_name.as_deref(), Some("research"));
    // While another key is declared the version in use is none of its.
    let (_, status) = ready_hub();
    let mut other = hub.clone();
    let ValidEncryption::CustomerManaged { key, .. } = &mut other.encryption else {
        panic!("a key")
    };
    *key = crate::name::KeyName::parse("other").unwrap();
    let observed = Observed::nothing();
    let summary = super::summary(&input(&other, &status, &observed, 0), &status);
    assert_eq!(
        (summary.key.as_deref(), summary.version),
        (Some("corp-keys/other"), None)
    );
    let plain = Declared {
        encryption: ValidEncryption::MicrosoftManaged,
        ..hub
    };
    let observed = Observed::nothing();
    let status = ResourceStatus::default();
    let summary = super::summary(&input(&plain, &status, &observed, 0), &status);
    assert_eq!((summary.key, summary.version), (None, None));
}

/// A stored message stays while only the id of the request differs, and goes with anything else.
#[test]
fn a_message_is_kept_while_nothing_else_is_said() {
    let mut status = ResourceStatus::default();
    let verdict = |reason, id: &str| Verdict::no(reason, format!("no (request {id})"));
    let of = ConditionType::Provisioned;
    set(
        &mut status,
        of,
        &verdict(Reason::Throttled, "1a"),
        1,
        at_second(0),
    );
    let worded = |verdict: &Verdict, generation| super::conditions::worded(&status, of, verdict, generation);
    assert_eq!(worded(&verdict(Reason::Throttled, "2b"), 1), "no (request 1a)");
    assert_eq!(worded(&verdict(Reason::Throttled, "2b"), 2), "no (request 2b)");
    assert_eq!(
        worded(&verdict(Reason::AzureUnreachable, "2b"), 1),
        "no (request 2b)"
    );
    assert_eq!(
        worded(&Verdict::unknown(Reason::Throttled, "no (request 2b)"), 1),
        "no (request 2b)"
    );
    assert_eq!(
        worded(&Verdict::no(Reason::Throttled, "yes (request 2b)".to_owned()), 1),
        "yes (request 2b)"
    );
}

#[test]
fn a_check_is_kept_while_nothing_else_is_said() {
    use keyholder_crds::{CheckResult, PreflightCheck, PreflightCheckName};
    let check = |name, result, id: &str| PreflightCheck {
        check: name,
        result,
        message: Some(format!("no (request {id})")),
    };
    let stored = [check(PreflightCheckName::Key, CheckResult::Unknown, "1a")];
    let same = [check(PreflightCheckName::Key, CheckResult::Unknown, "2b")];
    assert_eq!(kept(&stored, &same), stored);
    for other in [
        check(PreflightCheckName::Key, CheckResult::Failed, "2b"),
        check(PreflightCheckName::Vault, CheckResult::Unknown, "2b"),
    ] {
        assert_eq!(kept(&stored, std::slice::from_ref(&other)), [other]);
    }
}

#[test]
fn what_waits_for_somebody_does_so_too_while_azure_cannot_be_read() {
    let (mut hub, status) = ready_hub();
    hub.location = crate::name::Location::parse("eastus").unwrap();
    hub.generation = 2;
    let refused = pass(&hub, &status, &created(&hub), 100, false, &accepted())
        .report
        .status;
    assert_eq!(
        condition(&refused, ConditionType::Stalled).1,
        "ImmutableFieldChanged"
    );
    let unread = Observed {
        live: Fact::Unknown(why(Reason::AzureUnreachable, None)),
        ..created(&hub)
    };
    let later = pass(&hub, &refused, &unread, 200, false, &accepted())
        .report
        .status;
    assert_eq!(
        condition(&later, ConditionType::Stalled),
        ("True".to_owned(), "ImmutableFieldChanged".to_owned())
    );
}
