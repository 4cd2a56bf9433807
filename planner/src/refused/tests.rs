use super::*;

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ai";

fn hit() -> PolicyHit {
    PolicyHit {
        assignment: format!("{GROUP}/providers/Microsoft.Authorization/policyAssignments/closed"),
        definition: "/providers/Microsoft.Authorization/policyDefinitions/d".to_owned(),
        name: Some("No public hubs".to_owned()),
        field: Some("properties.publicNetworkAccess NotEquals Disabled".to_owned()),
        value: None,
    }
}

fn locked(named: &str) -> String {
    let text = format!(
        "ScopeLocked: The scope '{GROUP}/x' cannot perform write operation because following scope(s) are locked: {named}. \
         Please remove the lock and try again."
    );
    message(Reason::Locked, &text, None, None)
}

#[test]
fn a_locked_scope_is_named_with_the_command_that_lists_its_locks() {
    let resource = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research");
    for (scope, command) in [
        (GROUP, "az lock list --resource-group rg-ai --subscription 00000000-0000-0000-0000-000000000001 --output table".to_owned()),
        (
            "/subscriptions/00000000-0000-0000-0000-000000000001",
            "az lock list --subscription 00000000-0000-0000-0000-000000000001 --output table".to_owned(),
        ),
        (resource.as_str(), format!("az lock list --resource {resource} --output table")),
    ] {
        let told = locked(&format!("'{scope}'"));
        assert!(told.ends_with(&format!("\nCure:\n{command}")), "{told}");
    }
}

#[test]
fn a_lock_that_is_named_can_be_deleted() {
    let one = format!("{GROUP}/providers/Microsoft.Authorization/locks/keep");
    let told = locked(&format!("'{one}','{GROUP}'"));
    let (_, cure) = told.split_once("Cure:\n").unwrap();
    let lines: Vec<&str> = cure.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines.first(),
        Some(&format!("az lock delete --ids {one}").as_str())
    );
}

#[test]
fn words_that_name_nothing_get_no_cure() {
    for text in ["", "ScopeLocked: no", "are locked: nothing"] {
        assert_eq!(message(Reason::Locked, text, None, None), text);
    }
    assert_eq!(message(Reason::PolicyDenied, "no", None, None), "no");
    assert_eq!(message(Reason::Throttled, "later", Some(&hit()), None), "later");
}

#[test]
fn a_policy_is_named_with_its_assignment_and_field() {
    let hub = crate::fixtures::id("Microsoft.MachineLearningServices/workspaces", "research");
    let told = message(Reason::PolicyDenied, "Azure's words", Some(&hit()), Some(&hub));
    assert_eq!(
        told,
        format!(
            "Azure Policy refuses it because of properties.publicNetworkAccess NotEquals Disabled: policy \"No public \
             hubs\", /providers/Microsoft.Authorization/policyDefinitions/d, assigned by \
             {GROUP}/providers/Microsoft.Authorization/policyAssignments/closed.\nAzure's words\nCure:\n\
             az policy assignment show --name closed --scope {GROUP}\n\
             az policy exemption create --name keyholder-research --policy-assignment \
             {GROUP}/providers/Microsoft.Authorization/policyAssignments/closed --exemption-category Waiver --scope {GROUP}"
        )
    );
}

#[test]
fn a_name_that_is_kept_can_be_purged_or_avoided() {
    let hub = crate::fixtures::id("Microsoft.MachineLearningServices/workspaces", "research");
    let told = message(Reason::NameReserved, "Azure's words", None, Some(&hub));
    assert!(told.starts_with("Azure's words\nPurging it deletes"), "{told}");
    assert!(told.contains("another spec.azureName"), "{told}");
    assert!(
        told.ends_with(&format!("\nCure:\n{}", cure::purge_hub(&hub))),
        "{told}"
    );
    assert!(!message(Reason::NameReserved, "Azure's words", None, None).contains("Cure"));
}

#[test]
fn who_may_not_is_told_which_roles_there_are() {
    let told = message(Reason::OperatorNotAuthorized, "Azure's words", None, None);
    assert!(told.starts_with("Azure's words\n"), "{told}");
    for part in [
        "Keyholder Observer",
        "Keyholder Writer",
        "deploy/azure",
        "spec.subscriptionId",
    ] {
        assert!(told.contains(part), "{told}");
    }
}
