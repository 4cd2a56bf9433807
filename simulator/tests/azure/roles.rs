//! Role assignments: their filters, and how long they take.

use serde_json::{Value, json};

use crate::common::{
    Azure, ENCRYPTION_USER, GROUP, HUB_KEYS, NO_ROLE, SUBSCRIPTION, assignment, grant, vault,
};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const STRANGER: &str = "22222222-0000-0000-0001-000000000004";

/// Scopes of the assignments that a list holds.
async fn scopes(azure: &Azure, scope: &str, filter: &str) -> Vec<String> {
    let list = azure
        .get(&format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments?$filter={filter}"
        ))
        .await
        .expect(200);
    list.at("/value")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["properties"]["scope"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn filters() {
    let azure = Azure::start().await;
    let key = format!("{}/keys/one", vault("main"));
    for (number, scope) in [(1, vault("main")), (2, key.clone()), (3, vault("other"))] {
        azure
            .put(&assignment(&scope, number), &grant(ENCRYPTION_USER, HUB_KEYS))
            .await
            .expect(201);
    }
    let mine = format!("assignedTo('{HUB_KEYS}')");
    let at_scope = format!("atScope() and {mine}");
    assert_eq!(
        scopes(&azure, &key, &at_scope).await,
        [GROUP, &vault("main"), &key]
    );
    assert_eq!(
        scopes(&azure, &vault("main"), &at_scope).await,
        [GROUP, &vault("main")]
    );
    // Without atScope() what is below comes too.
    assert_eq!(
        scopes(&azure, &vault("main"), &mine).await,
        [GROUP, &vault("main"), &key]
    );
    let direct = format!("principalId eq '{HUB_KEYS}'");
    assert_eq!(scopes(&azure, GROUP, &direct).await.len(), 4);
    assert_eq!(scopes(&azure, SUBSCRIPTION, "atScope()").await, [SUBSCRIPTION; 4]);
    assert!(
        scopes(&azure, &key, &format!("assignedTo('{NO_ROLE}')"))
            .await
            .is_empty()
    );
    azure
        .get(&format!(
            "{key}/providers/Microsoft.Authorization/roleAssignments?$filter=type eq 'x'"
        ))
        .await
        .refused(400, "InvalidFilter", "type eq");
}

#[tokio::test]
async fn grants_and_their_refusals() {
    let azure = Azure::start().await;
    let path = assignment(GROUP, 1);
    let made = azure.put(&path, &grant(READER, NO_ROLE)).await.expect(201);
    assert_eq!(made.at("/id"), path.as_str());
    assert_eq!(made.at("/properties/principalId"), NO_ROLE);
    assert_eq!(azure.get(&path).await.expect(200).body, made.body);
    azure.put(&path, &grant(READER, NO_ROLE)).await.expect(200);
    azure.put(&path, &grant(READER, HUB_KEYS)).await.refused(
        400,
        "RoleAssignmentUpdateNotPermitted",
        "not allowed to be updated",
    );
    azure
        .put(&assignment(GROUP, 2), &grant(READER, NO_ROLE))
        .await
        .refused(409, "RoleAssignmentExists", "already exists");
    azure
        .put(
            &assignment(GROUP, 2),
            &grant("88888888-0000-0000-0000-000000000000", NO_ROLE),
        )
        .await
        .refused(400, "RoleDefinitionDoesNotExist", "88888888");
    azure
        .put(
            &assignment(GROUP, 2),
            &grant(READER, "88888888-0000-0000-0000-000000000000"),
        )
        .await
        .refused(400, "PrincipalNotFound", "88888888");
    azure
        .get(&assignment(GROUP, 2))
        .await
        .refused(404, "RoleAssignmentNotFound", "44444444");
    azure.delete(&assignment(GROUP, 2)).await.expect(204);
}

#[tokio::test]
async fn a_grant_takes_its_time() {
    let azure = Azure::with(&json!({ "propagationSeconds": 3600 })).await;
    azure
        .put(&assignment(GROUP, 1), &grant(READER, STRANGER))
        .await
        .expect(201);
    // It is listed at once, and has no effect yet.
    assert_eq!(
        scopes(&azure, GROUP, &format!("assignedTo('{STRANGER}')")).await,
        [GROUP]
    );
    azure
        .send("stranger", "GET", GROUP, None)
        .await
        .refused(403, "AuthorizationFailed", "read'");
    azure.delete(&assignment(GROUP, 1)).await.expect(200);
    azure.settings(&json!({ "propagationSeconds": 0 })).await;
    azure
        .put(&assignment(GROUP, 2), &grant(READER, STRANGER))
        .await
        .expect(201);
    azure.send("stranger", "GET", GROUP, None).await.expect(200);
}

#[tokio::test]
async fn a_withdrawal_takes_its_time() {
    let azure = Azure::start().await;
    let path = assignment(GROUP, 1);
    azure.put(&path, &grant(READER, STRANGER)).await.expect(201);
    azure.settings(&json!({ "propagationSeconds": 3600 })).await;
    azure.delete(&path).await.expect(200);
    // It is gone from lists at once, and has its effect still.
    assert!(
        scopes(&azure, GROUP, &format!("assignedTo('{STRANGER}')"))
            .await
            .is_empty()
    );
    azure.get(&path).await.expect(404);
    azure.send("stranger", "GET", GROUP, None).await.expect(200);
}

#[tokio::test]
async fn a_withdrawal_without_delay() {
    let azure = Azure::start().await;
    let path = assignment(GROUP, 1);
    azure.put(&path, &grant(READER, STRANGER)).await.expect(201);
    azure.send("stranger", "GET", GROUP, None).await.expect(200);
    azure.delete(&path).await.expect(200);
    azure
        .send("stranger", "GET", GROUP, None)
        .await
        .refused(403, "AuthorizationFailed", "read'");
}

#[tokio::test]
async fn definitions() {
    let azure = Azure::start().await;
    let base = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions");
    let found = azure
        .get(&format!(
            "{base}?$filter=roleName eq 'Key Vault Crypto Service Encryption User'"
        ))
        .await
        .expect(200);
    assert_eq!(found.at("/value/0/name"), ENCRYPTION_USER);
    assert_eq!(found.at("/value/1"), &Value::Null);
    let one = azure.get(&format!("{base}/{ENCRYPTION_USER}")).await.expect(200);
    assert_eq!(
        one.at("/properties/permissions/0/dataActions"),
        &json!([
            "Microsoft.KeyVault/vaults/keys/read",
            "Microsoft.KeyVault/vaults/keys/wrap/action",
            "Microsoft.KeyVault/vaults/keys/unwrap/action",
        ])
    );
    azure
        .get(&format!("{base}/88888888-0000-0000-0000-000000000000"))
        .await
        .refused(404, "RoleDefinitionDoesNotExist", "88888888");
    azure
        .put(&format!("{base}/{ENCRYPTION_USER}"), &json!({}))
        .await
        .refused(405, "MethodNotAllowed", "seed");
}
