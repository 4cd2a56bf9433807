//! One hub through its life: each step from the status that the step before has reported.

use keyholder_crds::{ConditionType, OperationKind, OperationState, Reason, ResourceStatus};

use super::*;
use crate::fixtures::*;
use crate::validate::Validate;

mod creation;
mod deletion;
mod fight;
mod grant;
mod network;
mod policies;
mod tries;
mod upkeep;

#[test]
fn a_hub_is_created_polled_and_ready() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let first = pass(
        &hub,
        &ResourceStatus::default(),
        &ready_for_creation(&hub),
        0,
        false,
        &accepted(),
    );
    let write = first.plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::Create);
    let Request::Put(body) = &write.request else {
        panic!("{:?}", write.request)
    };
    assert_eq!(
        body.pointer("/tags/keyholder-owner").unwrap(),
        "owner/ml-platform/research"
    );
    assert_eq!(
        body.pointer("/properties/encryption/keyVaultProperties/keyIdentifier")
            .unwrap(),
        KEY
    );
    let status = first.report.status;
    assert_eq!(
        condition(&status, ConditionType::Provisioned),
        ("False".to_owned(), "Creating".to_owned())
    );
    assert_eq!(status.operation.as_ref().unwrap().state, OperationState::Running);
    assert_eq!(first.report.next, Next::At(at_second(10)));

    let running = Observed {
        operation: OperationSeen::Running {
            poll_at: at_second(20),
        },
        ..Observed::nothing()
    };
    let second = pass(&hub, &status, &running, 10, false, &accepted());
    assert_eq!(second.plan.write, None);
    assert_eq!(second.report.status, status, "polling writes no status");

    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..created(&hub)
    };
    let third = pass(&hub, &status, &done, 20, false, &accepted());
    assert_eq!(third.plan.write, None);
    let status = third.report.status;
    assert_eq!(
        condition(&status, ConditionType::Ready),
        ("True".to_owned(), "AllConditionsMet".to_owned())
    );
    assert_eq!(status.operation, None);
    assert!(crate::judge::stored(&status, ConditionType::Reconciling).is_none());
}

#[test]
fn a_converged_hub_is_left_alone_and_its_status_does_not_change() {
    let (hub, status) = ready_hub();
    let again = pass(&hub, &status, &created(&hub), 1000, false, &accepted());
    assert_eq!(again.plan.write, None);
    assert_eq!(again.report.status, status);
    assert_eq!(again.report.next, Next::Change);
    assert!(again.report.notes.is_empty());
}

#[test]
fn without_purge_protection_nothing_is_created_and_the_cure_is_named() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let mut observed = ready_for_creation(&hub);
    if let Fact::Known(vault) = &mut observed.vault {
        vault.purge_protection = false;
    }
    let pass = pass(&hub, &ResourceStatus::default(), &observed, 0, false, &accepted());
    assert_eq!(pass.plan.write, None);
    let status = pass.report.status;
    let stored = crate::judge::stored(&status, ConditionType::PrerequisitesMet).unwrap();
    assert_eq!(stored.reason, Reason::PurgeProtectionDisabled.to_string());
    assert!(
        stored.message.contains("az keyvault update"),
        "{}",
        stored.message
    );
    assert_eq!(condition(&status, ConditionType::Stalled).0, "True");
}

#[test]
fn a_new_key_version_is_followed_and_an_ignored_write_is_told() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    if let Fact::Known(found) = &mut observed.key {
        found.others = vec![found.current.clone()];
        found.current = key_version(NEXT_KEY, 100);
    }
    let first = pass(&hub, &status, &observed, 200, false, &accepted());
    let write = first.plan.write.unwrap();
    assert_eq!(
        (write.kind, write.intent.as_str()),
        (OperationKind::ChangeKey, NEXT_KEY)
    );

    // Azure says that it is done, and shows the old key, twice.
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..observed.clone()
    };
    let second = pass(&hub, &first.report.status, &done, 210, false, &accepted());
    assert_eq!(second.plan.write, None);
    assert_eq!(
        second.report.status.operation.as_ref().unwrap().state,
        OperationState::Verifying
    );
    let third = pass(&hub, &second.report.status, &observed, 220, false, &accepted());
    assert_eq!(third.plan.write, None);
    assert_eq!(
        third.report.status.operation.as_ref().unwrap().state,
        OperationState::Ignored
    );
    let told = condition(&third.report.status, ConditionType::KeyApplied);
    assert_eq!(told, ("False".to_owned(), "WriteIgnored".to_owned()));
}

#[test]
fn a_missing_prerequisite_does_not_hide_whose_the_hub_is_or_that_it_is_gone() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let mut observed = ready_for_creation(&hub);
    observed.key = Fact::not_read();
    let hindered = pass(&hub, &ResourceStatus::default(), &observed, 0, false, &accepted());
    let mut observed = created(&hub);
    if let Fact::Known(live) = &mut observed.live {
        live.tags.clear();
    }
    let seen = pass(&hub, &hindered.report.status, &observed, 30, false, &accepted());
    assert_eq!(
        condition(&seen.report.status, ConditionType::Stalled).1,
        "NotOwned"
    );

    let (hub, mut status) = ready_hub();
    status.conditions.retain(|one| one.type_ != "PrerequisitesMet");
    let hindering = hindered.report.status.conditions.into_iter();
    status
        .conditions
        .extend(hindering.filter(|one| one.type_ == "PrerequisitesMet"));
    let observed = ready_for_creation(&hub);
    let gone = pass(&hub, &status, &observed, 30, false, &accepted());
    assert_eq!(
        condition(&gone.report.status, ConditionType::Stalled).1,
        "DeletedInAzure"
    );
}

#[test]
fn another_object_that_owns_the_hub_is_named_if_its_tag_tells_it() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let mut observed = created(&hub);
    for (tag, part) in [
        (
            "contoso/ml-team/churn",
            "the tag of object churn in namespace ml-team of the installation with ownerId contoso. Choose another name",
        ),
        ("contoso", "It is somebody else's: choose another name"),
        ("a/b/c/d", "It is somebody else's: choose another name"),
    ] {
        if let Fact::Known(live) = &mut observed.live {
            live.tags.clear();
            live.tags.insert("Keyholder-Owner".to_owned(), tag.to_owned());
        }
        let seen = pass(&hub, &ResourceStatus::default(), &observed, 0, false, &accepted());
        let told = crate::judge::stored(&seen.report.status, ConditionType::Provisioned).unwrap();
        assert_eq!(told.reason, "NotOwned");
        assert!(told.message.contains(part), "{tag}: {}", told.message);
    }
}

#[test]
fn somebody_elses_hub_is_never_written_nor_deleted() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let mut observed = created(&hub);
    if let Fact::Known(live) = &mut observed.live {
        live.tags.clear();
    }
    let seen = pass(&hub, &ResourceStatus::default(), &observed, 0, false, &accepted());
    assert_eq!(seen.plan.write, None);
    assert_eq!(
        condition(&seen.report.status, ConditionType::Provisioned).1,
        "NotOwned"
    );
    let gone = pass(&hub, &seen.report.status, &observed, 1, true, &accepted());
    assert_eq!(
        (gone.plan.write, gone.plan.finalizer),
        (None, FinalizerStep::Remove)
    );
}

#[test]
fn a_hub_deleted_behind_our_back_is_not_created_again() {
    let (hub, status) = ready_hub();
    let observed = ready_for_creation(&hub);
    let pass = pass(&hub, &status, &observed, 100, false, &accepted());
    assert_eq!(pass.plan.write, None);
    assert_eq!(
        condition(&pass.report.status, ConditionType::Provisioned).1,
        "DeletedInAzure"
    );
    assert_eq!(pass.report.status.bound, None);
}

#[test]
fn a_resource_missing_from_the_managed_group_is_named() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    observed.managed_group = Fact::Known(group().into_iter().skip(1).collect());
    let pass = pass(&hub, &status, &observed, 100, false, &accepted());
    let stored =
        crate::judge::stored(&pass.report.status, ConditionType::ManagedResourceGroupHealthy).unwrap();
    assert_eq!(stored.reason, "ResourceMissing");
    assert!(
        stored.message.contains("Microsoft.DocumentDB/databaseAccounts"),
        "{}",
        stored.message
    );
    assert_eq!(
        condition(&pass.report.status, ConditionType::Ready),
        ("False".to_owned(), "ResourceMissing".to_owned())
    );
}

#[test]
fn deletion_follows_its_policy_and_the_finalizer_goes_last() {
    let (hub, status) = ready_hub();
    let first = pass(&hub, &status, &created(&hub), 100, true, &accepted());
    assert_eq!(
        first.plan.write.unwrap().request,
        Request::Delete { purge: false }
    );
    assert_eq!(first.plan.finalizer, FinalizerStep::Keep);
    let second = pass(
        &hub,
        &first.report.status,
        &ready_for_creation(&hub),
        120,
        true,
        &accepted(),
    );
    assert_eq!(
        (second.plan.write, second.plan.finalizer),
        (None, FinalizerStep::Remove)
    );

    let retained = object("Retain").validate("owner", None).unwrap();
    let kept = pass(&retained, &status, &created(&retained), 100, true, &accepted());
    assert_eq!(
        (kept.plan.write, kept.plan.finalizer),
        (None, FinalizerStep::Remove)
    );
    assert!(
        kept.report
            .notes
            .iter()
            .any(|note| note.reason == Reason::Retained)
    );
}

#[test]
fn what_cannot_be_read_is_neither_created_nor_let_go() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let why = Why {
        reason: Reason::AzureUnreachable,
        message: "no route".to_owned(),
        retry_at: None,
    };
    let observed = Observed {
        live: Fact::Unknown(why),
        ..ready_for_creation(&hub)
    };
    for deleting in [false, true] {
        let pass = pass(
            &hub,
            &ResourceStatus::default(),
            &observed,
            0,
            deleting,
            &accepted(),
        );
        assert_eq!(
            (pass.plan.write, pass.plan.finalizer),
            (None, FinalizerStep::Keep)
        );
        assert_eq!(pass.report.next, Next::Backoff);
    }
}

/// The hub was in order, failed, is written again, and vanishes: it may have held data.
#[test]
fn a_hub_that_failed_after_success_is_put_right_but_never_replaced() {
    let (hub, status) = ready_hub();
    let broken = Observed {
        live: Fact::Known(live(&hub, "Failed")),
        ..ready_for_creation(&hub)
    };
    let again = pass(&hub, &status, &broken, 100, false, &accepted());
    let write = again.plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::Update);
    assert!(matches!(write.request, Request::Put(_)));

    for absent_at in [110, 10_000] {
        let observed = Observed {
            operation: OperationSeen::Succeeded,
            ..ready_for_creation(&hub)
        };
        let gone = pass(
            &hub,
            &again.report.status,
            &observed,
            absent_at,
            false,
            &accepted(),
        );
        assert_eq!(gone.plan.write, None);
        assert_eq!(
            condition(&gone.report.status, ConditionType::Provisioned).1,
            "DeletedInAzure"
        );
    }

    // The same with a creation in the status of a hub that was in order.
    let mut stale = again.report.status;
    stale.operation.as_mut().unwrap().kind = OperationKind::Create;
    let gone = pass(
        &hub,
        &stale,
        &ready_for_creation(&hub),
        10_000,
        false,
        &accepted(),
    );
    assert_eq!(gone.plan.write, None);
}

/// A hub that never was in order holds nothing: its creation is tried again, also when it is gone.
#[test]
fn a_creation_that_failed_is_tried_again() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let first = pass(
        &hub,
        &ResourceStatus::default(),
        &ready_for_creation(&hub),
        0,
        false,
        &accepted(),
    );
    let failed = Observed {
        live: Fact::Known(live(&hub, "Failed")),
        operation: OperationSeen::Failed {
            code: "QuotaExceeded".to_owned(),
            message: "no more hubs".to_owned(),
        },
        ..ready_for_creation(&hub)
    };
    let second = pass(&hub, &first.report.status, &failed, 20, false, &accepted());
    assert_eq!(second.plan.write, None, "it waits before it tries again");
    assert_eq!(
        condition(&second.report.status, ConditionType::Provisioned),
        ("False".to_owned(), "QuotaExceeded".to_owned())
    );
    assert_eq!(second.report.next, Next::At(at_second(50)));
    for observed in [
        Observed {
            operation: OperationSeen::None,
            ..failed
        },
        ready_for_creation(&hub),
    ] {
        let early = pass(&hub, &second.report.status, &observed, 49, false, &accepted());
        assert_eq!(early.plan.write, None);
        let third = pass(&hub, &second.report.status, &observed, 50, false, &accepted());
        let write = third.plan.write.unwrap();
        assert_eq!(
            (write.kind, write.started_at),
            (OperationKind::Create, at_second(0))
        );
    }
}

#[test]
fn what_was_held_back_for_a_moment_is_not_judged() {
    let until = |seconds| Observed {
        withheld_until: Some(at_second(seconds)),
        ..Observed::nothing()
    };
    assert_eq!(held_back(&Observed::nothing(), at_second(0)), None);
    assert_eq!(held_back(&until(5), at_second(0)), Some(Next::At(at_second(5))));
    // What lasts is told.
    assert_eq!(held_back(&until(60), at_second(0)), None);
}

#[test]
fn a_throttled_write_is_tried_again_when_azure_says() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let refused = crate::report::Executed::Refused(crate::observed::Why {
        reason: Reason::Throttled,
        message: "later".to_owned(),
        retry_at: Some(at_second(7)),
    });
    let status = ResourceStatus::default();
    let first = pass(&hub, &status, &ready_for_creation(&hub), 0, false, &refused);
    let operation = first.report.status.operation.as_ref().unwrap();
    assert_eq!(operation.state, OperationState::Failed);
    assert_eq!(operation.not_before.as_ref().unwrap().0, at_second(7));
    let early = pass(
        &hub,
        &first.report.status,
        &ready_for_creation(&hub),
        6,
        false,
        &accepted(),
    );
    assert_eq!(early.plan.write, None);
    let again = pass(
        &hub,
        &first.report.status,
        &ready_for_creation(&hub),
        7,
        false,
        &accepted(),
    );
    assert!(again.plan.write.is_some());
}
