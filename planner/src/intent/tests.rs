//! What stands in Kubernetes before a write is on its way.

use super::*;
use crate::fixtures::*;
use crate::plan::plan;
use crate::validate::Validate;
use keyholder_crds::OperationKind;

#[test]
fn what_is_noted_names_the_write_what_it_binds_and_until_when_nothing_else_is_sent() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let observed = ready_for_creation(&hub);
    let before = ResourceStatus::default();
    let write = plan(&input(&hub, &before, &observed, 0)).write.unwrap();
    let noted = intent(&before, &write, at_second(1), PACE);
    let operation = noted.operation.clone().unwrap();
    assert_eq!(
        (operation.kind, operation.state),
        (OperationKind::Create, OperationState::Intended)
    );
    assert_eq!(operation.intent, hub.id.to_string());
    assert_eq!(operation.started_at, Time(at_second(0)));
    assert_eq!(operation.not_before, Some(Time(at_second(6))));
    assert_eq!(operation.url, None);
    assert!(write.bound.is_some());
    assert_eq!(noted.bound, write.bound);
}

#[test]
fn all_else_that_is_known_stays() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    let mut declared = hub;
    declared.tags.insert("team".to_owned(), "a".to_owned());
    observed.operation = crate::observed::OperationSeen::None;
    let write = plan(&input(&declared, &status, &observed, 100)).write.unwrap();
    let noted = intent(&status, &write, at_second(100), PACE);
    assert_eq!(noted.operation.as_ref().unwrap().kind, OperationKind::Update);
    // An update binds to nothing new, and does not let go of what the hub is bound to.
    let unbinding = Write { bound: None, ..write };
    assert_eq!(
        intent(&status, &unbinding, at_second(100), PACE).bound,
        status.bound
    );
    assert_eq!(
        ResourceStatus {
            operation: status.operation.clone(),
            ..noted
        },
        status
    );
}
