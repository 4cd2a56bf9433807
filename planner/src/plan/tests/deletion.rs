//! A hub whose object is being deleted.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;

fn deleting(hub: &Declared, status: &ResourceStatus, observed: &Observed, now: i64) -> Pass {
    pass(hub, status, observed, now, true, &accepted())
}

/// The status of a hub whose deletion was accepted, and what is read of it.
fn being_deleted() -> (Declared, ResourceStatus, Observed) {
    let (hub, status) = ready_hub();
    let observed = created(&hub);
    let status = deleting(&hub, &status, &observed, 100).report.status;
    (hub, status, observed)
}

#[test]
fn a_deletion_is_told_and_timed() {
    let (hub, status) = ready_hub();
    let pass = deleting(&hub, &status, &created(&hub), 100);
    let write = pass.plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::Delete);
    assert_eq!(write.id, hub.id);
    assert_eq!(write.started_at, at_second(100));
    assert_eq!(write.bound, status.bound);
    assert_eq!(pass.plan.next, Next::At(at_second(110)));
    assert_eq!(pass.plan.finalizer, FinalizerStep::Keep);
    let purge = Declared {
        deletion_policy: DeletionPolicy::DeleteAndPurge,
        ..hub
    };
    let pass = deleting(&purge, &status, &created(&purge), 100);
    assert_eq!(pass.plan.write.unwrap().request, Request::Delete { purge: true });
}

#[test]
fn while_azure_works_on_the_hub_nothing_is_sent() {
    let (hub, status) = ready_hub();
    for (state, reason) in [
        ("Deleting", "Deleting"),
        ("Updating", "Updating"),
        ("Creating", "Updating"),
    ] {
        let observed = Observed {
            live: Fact::Known(live(&hub, state)),
            ..created(&hub)
        };
        let pass = deleting(&hub, &status, &observed, 100);
        assert_eq!(
            (pass.plan.write, pass.plan.finalizer),
            (None, FinalizerStep::Keep)
        );
        assert_eq!(pass.plan.next, Next::At(at_second(110)));
        assert_eq!(
            condition(&pass.report.status, ConditionType::Provisioned).1,
            reason
        );
    }
}

#[test]
fn a_deletion_that_failed_is_told_and_tried_again() {
    let (hub, status, observed) = being_deleted();
    let failed = Observed {
        operation: OperationSeen::Failed {
            code: "ScopeLocked".to_owned(),
            message: "a lock".to_owned(),
        },
        ..observed.clone()
    };
    let told = deleting(&hub, &status, &failed, 110);
    assert_eq!(
        (told.plan.write, told.plan.finalizer),
        (None, FinalizerStep::Keep)
    );
    assert_eq!(told.report.next, Next::At(at_second(140)));
    assert_eq!(
        condition(&told.report.status, ConditionType::Provisioned).1,
        "Locked"
    );
    assert_eq!(
        told.report.status.operation.as_ref().unwrap().state,
        OperationState::Failed
    );
    let early = deleting(&hub, &told.report.status, &observed, 139);
    assert_eq!(
        (early.plan.write, early.report.status),
        (None, told.report.status.clone())
    );
    let again = deleting(&hub, &told.report.status, &observed, 140);
    let write = again.plan.write.unwrap();
    assert_eq!(
        (write.kind, write.started_at),
        (OperationKind::Delete, at_second(100))
    );
}

#[test]
fn another_operation_does_not_hold_a_deletion_up() {
    let (hub, mut status, observed) = being_deleted();
    let operation = status.operation.as_mut().unwrap();
    operation.kind = OperationKind::ChangeKey;
    operation.state = OperationState::Failed;
    let pass = deleting(&hub, &status, &observed, 101);
    assert_eq!(pass.plan.write.unwrap().started_at, at_second(101));
}

/// A creation may have been taken though nothing shows so far: the object stays until that is settled.
#[test]
fn a_creation_under_way_holds_the_object() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let nothing = ready_for_creation(&hub);
    let first = pass(&hub, &ResourceStatus::default(), &nothing, 0, false, &accepted());
    let mut status = first.report.status;
    let pass = deleting(&hub, &status, &nothing, 2);
    assert_eq!(
        (pass.plan.write, pass.plan.finalizer),
        (None, FinalizerStep::Keep)
    );
    assert_eq!(pass.plan.next, Next::At(at_second(7)));

    for (kind, state, finalizer) in [
        (
            OperationKind::Create,
            OperationState::Intended,
            FinalizerStep::Keep,
        ),
        (
            OperationKind::Create,
            OperationState::Failed,
            FinalizerStep::Remove,
        ),
        (
            OperationKind::Update,
            OperationState::Intended,
            FinalizerStep::Remove,
        ),
    ] {
        let operation = status.operation.as_mut().unwrap();
        operation.kind = kind;
        operation.state = state;
        operation.not_before = None;
        let pass = deleting(&hub, &status, &nothing, 2);
        assert_eq!(
            (pass.plan.write, pass.plan.finalizer),
            (None, finalizer),
            "{kind} {state}"
        );
    }
    status.operation = None;
    assert_eq!(
        deleting(&hub, &status, &nothing, 2).plan.finalizer,
        FinalizerStep::Remove
    );
}

#[test]
fn what_is_retained_goes_at_once_whatever_is_read() {
    let (mut hub, status, observed) = being_deleted();
    hub.deletion_policy = DeletionPolicy::Retain;
    let unknown = Observed {
        operation: OperationSeen::Running {
            poll_at: at_second(500),
        },
        ..Observed::nothing()
    };
    for observed in [observed, unknown, Observed::nothing()] {
        let pass = deleting(&hub, &status, &observed, 101);
        assert_eq!(
            (pass.plan.write, pass.plan.finalizer),
            (None, FinalizerStep::Remove)
        );
    }
}

/// Azure reports the creation as done, and somebody was quicker to delete the hub.
#[test]
fn a_hub_that_went_before_it_was_seen_does_not_hold_the_object_for_ever() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let nothing = ready_for_creation(&hub);
    let status = pass(&hub, &ResourceStatus::default(), &nothing, 0, false, &accepted())
        .report
        .status;
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..nothing.clone()
    };
    let first = deleting(&hub, &status, &done, 20);
    assert_eq!(first.plan.next, Next::At(at_second(25)));
    let last = deleting(&hub, &first.report.status, &nothing, 25);
    assert_eq!(last.plan.finalizer, FinalizerStep::Remove);
}

#[test]
fn a_write_that_may_still_arrive_is_waited_for_and_ready_is_not_said_meanwhile() {
    let (hub, mut status) = ready_hub();
    let observed = created(&hub);
    status.operation = Some(keyholder_crds::Operation {
        kind: OperationKind::ChangeKey,
        state: OperationState::Intended,
        intent: NEXT_KEY.to_owned(),
        generation: None,
        started_at: Time(at_second(50)),
        url: None,
        not_before: Some(Time(at_second(105))),
    });
    let early = deleting(&hub, &status, &observed, 104);
    assert_eq!(
        (early.plan.write, early.plan.next),
        (None, Next::At(at_second(105)))
    );
    assert_eq!(condition(&early.report.status, ConditionType::Ready).0, "False");
    let write = deleting(&hub, &status, &observed, 105).plan.write.unwrap();
    assert_eq!(
        (write.kind, write.started_at),
        (OperationKind::Delete, at_second(105))
    );
}

#[test]
fn a_deletion_that_azure_ignored_is_told() {
    let (hub, status, observed) = being_deleted();
    let first = deleting(&hub, &status, &observed, 110).report.status;
    let second = deleting(&hub, &first, &observed, 115).report.status;
    assert_eq!(second.operation.as_ref().unwrap().state, OperationState::Ignored);
    let told = deleting(&hub, &second, &observed, 116).report.status;
    for status in [second, told] {
        assert_eq!(condition(&status, ConditionType::Stalled).1, "WriteIgnored");
    }
}
