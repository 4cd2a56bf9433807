//! Accounts after their deletion: kept, restored, purged.

use serde_json::{Value, json};

use crate::account_requests::{account, plain};
use crate::common::{Azure, GROUP, SUBSCRIPTION, assert_has, vault};

const PROVIDER: &str = "providers/Microsoft.CognitiveServices";

fn deleted(name: &str) -> String {
    format!("{SUBSCRIPTION}/{PROVIDER}/locations/westeurope/resourceGroups/ai/deletedAccounts/{name}")
}

async fn list(azure: &Azure) -> Vec<Value> {
    let path = format!("{SUBSCRIPTION}/{PROVIDER}/deletedAccounts");
    let answer = azure.get(&path).await.expect(200);
    answer.at("/value").as_array().unwrap().clone()
}

fn restoring() -> Value {
    let mut body = plain();
    body["properties"]["restore"] = json!(true);
    body
}

async fn age(azure: &Azure, name: &str) {
    let age = json!({ "resourceId": account(name), "days": 1 });
    azure.control("POST", "/age", Some(&age)).await.expect(200);
}

#[tokio::test]
async fn a_deleted_account_is_kept_and_comes_back() {
    let azure = Azure::start().await;
    let mut body = azure.keyed("main", "one").await;
    body["properties"]["customSubDomainName"] = json!("contoso");
    let before = azure.make("ai", &body).await;
    azure.remove_account("ai").await;
    azure.delete(&account("ai")).await.expect(204);

    let found = azure.get(&deleted("ai")).await.expect(200);
    assert_eq!(found.at("/id"), &json!(deleted("ai")));
    assert_eq!(
        found.at("/type"),
        "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts"
    );
    let time = |name: &str| -> jiff::Timestamp {
        let text = found.at(&format!("/properties/{name}")).as_str().unwrap();
        text.parse().unwrap()
    };
    let kept = time("scheduledPurgeDate").duration_since(time("deletionDate"));
    assert_eq!(kept.as_hours(), 48);
    assert_eq!(
        found.at("/properties/encryption"),
        &before["properties"]["encryption"]
    );
    assert_eq!(list(&azure).await, std::slice::from_ref(&found.body));

    azure.put(&account("ai"), &plain()).await.refused(
        409,
        "FlagMustBeSetForRestore",
        "has been soft-deleted",
    );
    azure
        .put(&account("other"), &body)
        .await
        .refused(409, "CustomDomainInUse", "contoso");

    let begun = azure.put(&account("ai"), &restoring()).await.expect(201);
    assert_eq!(begun.at("/properties/restore"), &Value::Null);
    assert_eq!(azure.done("ai", &begun).await, before);
    assert!(list(&azure).await.is_empty());
    // Where nothing was deleted, the flag is one more word.
    let made = azure.make("new", &restoring()).await;
    assert_eq!(made["properties"].get("restore"), None);
}

#[tokio::test]
async fn it_comes_back_only_after_its_vault() {
    let azure = Azure::start().await;
    azure.make("ai", &azure.keyed("main", "one").await).await;
    azure.remove_account("ai").await;
    azure.delete(&vault("main")).await.expect(200);
    let begun = azure.put(&account("ai"), &restoring()).await.expect(201);
    assert_has(&azure.failure(&begun).await.1, "Key store not found");
    azure.get(&account("ai")).await.expect(404);
    azure.get(&deleted("ai")).await.expect(200);
    let recover = crate::vaults::body(&json!({ "createMode": "recover" }));
    azure.put(&vault("main"), &recover).await.expect(200);
    let begun = azure.put(&account("ai"), &restoring()).await.expect(201);
    azure.done("ai", &begun).await;
}

#[tokio::test]
async fn it_goes_after_48_hours() {
    let azure = Azure::start().await;
    azure.make("ai", &plain()).await;
    azure.remove_account("ai").await;
    age(&azure, "ai").await;
    azure.get(&deleted("ai")).await.expect(200);
    age(&azure, "ai").await;
    azure.get(&deleted("ai")).await.expect(404);
    azure.make("ai", &plain()).await;
}

#[tokio::test]
async fn a_purge_needs_its_right_at_the_subscription() {
    let azure = Azure::start().await;
    azure.make("ai", &plain()).await;
    azure.remove_account("ai").await;
    let action = "locations/resourceGroups/deletedAccounts/delete";
    let purger = |scope: &str| {
        json!({
            "roleDefinitions": [{ "Name": "Purger", "Actions": [format!("Microsoft.CognitiveServices/{action}")] }],
            "roleAssignments": [{ "principal": "writer", "role": "Purger", "scope": scope }],
        })
    };
    azure
        .control("POST", "/seed", Some(&purger(GROUP)))
        .await
        .expect(200);
    azure
        .send("writer", "DELETE", &deleted("ai"), None)
        .await
        .refused(403, "AuthorizationFailed", action);
    azure
        .control("POST", "/seed", Some(&purger(SUBSCRIPTION)))
        .await
        .expect(200);
    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    let begun = azure
        .send("writer", "DELETE", &deleted("ai"), None)
        .await
        .expect(202);
    let again = azure.delete(&deleted("ai")).await.expect(202);
    assert_eq!(
        begun.header("azure-asyncoperation"),
        again.header("azure-asyncoperation")
    );
    azure
        .put(&account("ai"), &restoring())
        .await
        .refused(409, "RequestConflict", "Another operation");
}

#[tokio::test]
async fn a_purged_account_is_gone() {
    let azure = Azure::start().await;
    azure.make("ai", &plain()).await;
    azure.remove_account("ai").await;
    let begun = azure.delete(&deleted("ai")).await.expect(202);
    assert_eq!(azure.end_of(&begun).await["status"], "Succeeded");
    azure
        .get(&deleted("ai"))
        .await
        .refused(404, "ResourceNotFound", "ai");
    azure.delete(&deleted("ai")).await.expect(204);
    azure.make("ai", &plain()).await;
}

#[tokio::test]
async fn who_may_read_them() {
    let azure = Azure::start().await;
    azure.make("ai", &plain()).await;
    azure.remove_account("ai").await;
    let path = format!("{SUBSCRIPTION}/{PROVIDER}/deletedAccounts");
    for (path, action) in [
        (path, "Microsoft.CognitiveServices/deletedAccounts/read"),
        (
            deleted("ai"),
            "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts/read",
        ),
    ] {
        azure.send("reader", "GET", &path, None).await.expect(200);
        azure
            .send("stranger", "GET", &path, None)
            .await
            .refused(403, "AuthorizationFailed", action);
        azure
            .send("owner", "PATCH", &path, Some(&json!({})))
            .await
            .refused(405, "MethodNotAllowed", "method");
    }
}

#[tokio::test]
async fn a_group_takes_its_accounts_along_and_they_are_kept() {
    let azure = Azure::start().await;
    azure.make("ai", &plain()).await;
    azure.delete(GROUP).await.expect(200);
    assert_eq!(list(&azure).await.len(), 1);
    azure
        .put(GROUP, &json!({ "location": "westeurope" }))
        .await
        .expect(201);
    let mut body = plain();
    body["identity"] = json!({ "type": "SystemAssigned" });
    azure
        .put(&account("ai"), &body)
        .await
        .refused(409, "FlagMustBeSetForRestore", "purge");
}
