//! Roles that come through groups, roles with a condition, and deny assignments as ARM lists them.

use serde_json::json;

use crate::common::{
    Azure, ENCRYPTION_USER, GROUP, HUB_KEYS, NO_ROLE, SUBSCRIPTION, assignment, grant, hub, hub_as,
    managed_group, vault,
};

const OUTER: &str = "55555555-0000-0000-0000-000000000002";
const GRANTER: &str = "
    !(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}) OR (
      @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]
        ForAnyOfAnyValues:GuidEquals {e147488a-f6f5-4113-8e2d-b22465e65bf6}
      AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType]
        ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'})";

async fn groups() -> Azure {
    let azure = Azure::start().await;
    let seed = json!({ "groups": [
        { "name": "inner", "objectId": "55555555-0000-0000-0000-000000000001", "members": ["no-role"] },
        { "name": "outer", "objectId": OUTER, "members": ["inner"] },
    ] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure
}

fn to_group(role: &str, id: &str) -> serde_json::Value {
    let mut body = grant(role, id);
    body["properties"]["principalType"] = json!("Group");
    body
}

#[tokio::test]
async fn a_role_of_a_group_is_its_members() {
    let azure = groups().await;
    let body = hub_as("no-role", "main", "one");
    azure.fail("hub", &body).await;
    let made = azure
        .put(&assignment(&vault("main"), 1), &to_group(ENCRYPTION_USER, OUTER))
        .await
        .expect(201);
    assert_eq!(made.at("/properties/principalType"), "Group");
    azure.create("hub", &body).await;
}

#[tokio::test]
async fn assigned_to_counts_groups_and_principal_id_does_not() {
    let azure = groups().await;
    azure
        .put(&assignment(GROUP, 1), &to_group(ENCRYPTION_USER, OUTER))
        .await
        .expect(201);
    for (filter, count) in [
        (format!("assignedTo('{NO_ROLE}')"), 1),
        (format!("principalId eq '{NO_ROLE}'"), 0),
        (format!("principalId eq '{OUTER}'"), 1),
        (format!("atScope() and assignedTo('{HUB_KEYS}')"), 1),
    ] {
        let list = azure
            .get(&format!(
                "{GROUP}/providers/Microsoft.Authorization/roleAssignments?$filter={filter}"
            ))
            .await
            .expect(200);
        assert_eq!(list.at("/value").as_array().unwrap().len(), count, "{filter}");
    }
}

#[tokio::test]
async fn the_kind_of_principal_must_be_the_right_one() {
    let azure = groups().await;
    azure
        .put(&assignment(GROUP, 1), &grant(ENCRYPTION_USER, OUTER))
        .await
        .refused(400, "UnmatchedPrincipalType", "has type 'Group'");
    let error = azure
        .control(
            "POST",
            "/seed",
            Some(&json!({ "groups": [{ "name": "x", "members": ["nobody"] }] })),
        )
        .await
        .expect(400);
    assert!(error.text.contains("no principal nobody"), "{}", error.text);
}

#[tokio::test]
async fn a_constrained_granter_gives_one_role_alone() {
    let azure = groups().await;
    let seed = json!({ "roleAssignments": [{
        "principal": "stranger", "role": "User Access Administrator", "scope": GROUP, "condition": GRANTER,
    }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let stranger = async |number: u32, body: &serde_json::Value| {
        azure
            .send("stranger", "PUT", &assignment(GROUP, number), Some(body))
            .await
    };
    let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    stranger(1, &grant(reader, NO_ROLE))
        .await
        .refused(403, "AuthorizationFailed", "roleAssignments/write");
    stranger(1, &to_group(ENCRYPTION_USER, OUTER)).await.refused(
        403,
        "AuthorizationFailed",
        "roleAssignments/write",
    );
    stranger(1, &grant(ENCRYPTION_USER, NO_ROLE)).await.expect(201);
    // What the condition does not speak of is as without it.
    azure
        .send("stranger", "DELETE", &assignment(GROUP, 1), None)
        .await
        .expect(200);
    let list = azure
        .get(&format!(
            "{GROUP}/providers/Microsoft.Authorization/roleAssignments?$filter=principalId eq '22222222-0000-0000-0001-000000000004'"
        ))
        .await
        .expect(200);
    assert_eq!(list.at("/value/0/properties/conditionVersion"), "2.0");
}

#[tokio::test]
async fn deny_assignments_are_listed() {
    let azure = Azure::start().await;
    let list = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/denyAssignments");
    assert_eq!(azure.get(&list).await.expect(200).at("/value"), &json!([]));
    let made = azure.create("hub", &hub("main", "one")).await;
    let scope = managed_group(&made);
    let found = azure.get(&list).await.expect(200);
    assert_eq!(found.at("/value/0/properties/scope"), &json!(scope));
    assert_eq!(found.at("/value/0/properties/isSystemProtected"), true);
    assert_eq!(
        found.at("/value/0/properties/permissions/0/notActions/0"),
        "*/read"
    );
    assert_eq!(
        found.at("/value/0/properties/excludePrincipals/0/id"),
        "22222222-0000-0000-0001-000000000005"
    );
    assert_eq!(
        azure
            .get(&format!("{list}?$filter=atScope()"))
            .await
            .expect(200)
            .at("/value"),
        &json!([])
    );
    let inside = format!("{scope}/providers/Microsoft.Authorization/denyAssignments?$filter=atScope()");
    assert_eq!(
        azure.get(&inside).await.expect(200).at("/value/0"),
        found.at("/value/0")
    );
    let id = found.at("/value/0/id").as_str().unwrap();
    azure.get(id).await.expect(200);
    azure.delete(id).await.expect(403);
    azure
        .send("microsoft", "DELETE", id, None)
        .await
        .refused(405, "MethodNotAllowed", "Azure alone");
    azure
        .get(&id.replace(&scope, GROUP))
        .await
        .refused(404, "DenyAssignmentNotFound", "");
}
