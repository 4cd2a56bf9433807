//! Projects whose creation failed.

use super::*;

#[test]
fn it_waits_for_its_parent_by_itself() {
    let project = declared(&json!({ "systemAssignedIdentity": true }), &hub());
    let mut observed = ready(&project);
    let created = decide(&project, &ResourceStatus::default(), &observed).1.status;
    let left = Live {
        provisioning_state: Some("Failed".to_owned()),
        ..live(&project)
    };
    observed.live = Fact::Known(left);
    let Fact::Known(parent) = &mut observed.parent else {
        panic!("a hub")
    };
    parent.provisioning_state = Some("Updating".to_owned());
    let (plan, report) = decide(&project, &created, &observed);
    assert_eq!(plan.write, None);
    assert_eq!(
        reason_of(&report, ConditionType::Provisioned),
        Some(Reason::ProvisioningFailed)
    );
    assert!(message_of(&report, ConditionType::Provisioned).contains("is Updating"));
    assert!(stored(&report.status, ConditionType::Stalled).is_none());
}
