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

/// Azure's words, as they go through the classification.
fn unauthorized(action: &str, scope: &str) -> String {
    let text = format!(
        "AuthorizationFailed: The client '66666666-0000-0000-0000-000000000001' with object id '66666666-0000-0000-0000-000000000002' \
         does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid."
    );
    message(Reason::OperatorNotAuthorized, &text, None, None)
}

#[test]
fn the_role_that_is_missing_is_given_by_a_command() {
    const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";
    let hub = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research");
    let cure = |role: &str, scope: &str| {
        format!(
            "\nCure:\naz role assignment create --assignee-object-id 66666666-0000-0000-0000-000000000002 --assignee-principal-type \
             ServicePrincipal --role \"{role}\" --scope {scope}"
        )
    };
    for (action, scope, role, at) in [
        (
            "Microsoft.MachineLearningServices/workspaces/read",
            hub.as_str(),
            "Keyholder Observer",
            SUBSCRIPTION,
        ),
        (
            "Microsoft.MachineLearningServices/workspaces/write",
            &hub,
            "Keyholder Writer",
            GROUP,
        ),
        (
            "Microsoft.Storage/storageAccounts/write",
            &hub,
            "Keyholder Encryptor",
            GROUP,
        ),
        (PURGES, SUBSCRIPTION, "Keyholder Purger", SUBSCRIPTION),
    ] {
        let told = unauthorized(action, scope);
        assert!(told.ends_with(&cure(role, at)), "{told}");
    }
    let identity = format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/hub");
    let linked = format!(
        "LinkedAuthorizationFailed: The client 'c' with object id '66666666-0000-0000-0000-000000000002' has permission to perform \
         action 'Microsoft.MachineLearningServices/workspaces/write' on scope '{hub}'; however, it does not have permission to \
         perform action(s) 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s) '{identity}' \
         (respectively) or the linked scope(s) are invalid."
    );
    let told = message(Reason::OperatorNotAuthorized, &linked, None, None);
    assert!(told.ends_with(&cure("Keyholder Writer", GROUP)), "{told}");
    // The Granter is assigned with a condition, and no role has the last.
    for action in [
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.MachineLearningServices/workspaces/hubs/write",
    ] {
        assert!(!unauthorized(action, &hub).contains("Cure"), "{action}");
    }
    for scope in ["/", "/subscriptions/mine", "/subscriptions/$(id)"] {
        let told = unauthorized("Microsoft.Storage/storageAccounts/read", scope);
        assert!(!told.contains("Cure"), "{told}");
    }
}

#[test]
fn the_roles_have_the_actions_of_their_files() {
    for file in [
        include_str!("../../../deploy/azure/roles/observer.json"),
        include_str!("../../../deploy/azure/roles/writer.json"),
        include_str!("../../../deploy/azure/roles/purger.json"),
    ] {
        let role: serde_json::Value = serde_json::from_str(file).unwrap();
        for action in role["Actions"].as_array().unwrap() {
            let action = action.as_str().unwrap();
            assert_eq!(role_of(action), role["Name"].as_str(), "{action}");
        }
    }
    let file = include_str!("../../../deploy/azure/roles/encryptor.json");
    let role: serde_json::Value = serde_json::from_str(file).unwrap();
    let actions = role["Actions"].as_array().unwrap().iter();
    let own: Vec<&str> = actions
        .filter_map(serde_json::Value::as_str)
        .filter(|action| !WRITES.contains(action))
        .collect();
    assert_eq!(own, ENCRYPTS);
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
