//! Accounts and their projects: what one lets the other do.

use serde_json::json;

use crate::account_requests::{account, change, own, parent, plain, project, project_body};
use crate::common::{Answer, Azure, GROUP};

#[tokio::test]
async fn a_project_needs_an_account_that_lets_it_be() {
    let azure = Azure::start().await;
    azure
        .put(&project("chat"), &project_body())
        .await
        .refused(404, "ParentResourceNotFound", &account("ai"));
    azure.make("ai", &plain()).await;
    let text =
        "Project can only be created under AIServices Kind account with allowProjectManagement set to true.";
    azure
        .put(&project("chat"), &project_body())
        .await
        .refused(400, "BadRequest", text);
    let allow = json!({ "properties": { "allowProjectManagement": true } });
    azure.patch(&account("ai"), &allow).await.expect(200);
    azure.make_project("chat").await;
}

#[tokio::test]
async fn an_account_that_failed_has_no_projects() {
    let azure = Azure::start().await;
    let mut body_of_account = azure.keyed("loose", "one").await;
    body_of_account["properties"]["allowProjectManagement"] = json!(true);
    let begun = azure.put(&account("ai"), &body_of_account).await.expect(201);
    azure.failure(&begun).await;
    azure.put(&project("chat"), &project_body()).await.refused(
        400,
        "BadRequest",
        "Parent account does not provision correctly",
    );
}

/// Each request that a busy account refuses.
async fn others(azure: &Azure) -> Vec<Answer> {
    let mut other = project_body();
    other["properties"]["displayName"] = json!("Other");
    vec![
        azure.put(&project("new"), &project_body()).await,
        azure.put(&project("there"), &other).await,
        azure.patch(&project("there"), &json!({ "tags": {} })).await,
        azure.delete(&project("there")).await,
        azure.patch(&account("ai"), &json!({ "tags": {} })).await,
        azure.put(&account("ai"), &parent()).await,
    ]
}

#[tokio::test]
async fn one_operation_at_a_time() {
    let azure = Azure::with_parent(&json!({})).await;
    azure.make_project("there").await;
    azure.make("other", &parent()).await;
    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    let begun = azure.put(&project("chat"), &project_body()).await.expect(201);
    let again = azure.put(&project("chat"), &project_body()).await.expect(201);
    assert_eq!(
        begun.header("azure-asyncoperation"),
        again.header("azure-asyncoperation")
    );
    let text = format!(
        "Another operation is being performed on the parent resource '{}'",
        account("ai")
    );
    for answer in others(&azure).await {
        answer.refused(409, "RequestConflict", &text);
    }
    azure
        .settings(&json!({ "accounts": { "busy": "NotTerminal" } }))
        .await;
    for answer in others(&azure).await {
        answer.refused(409, "RequestConflict", "provisioning state is not terminal");
    }
    azure.get(&project("there")).await.expect(200);
    // Another account does not wait.
    let elsewhere = format!("{}/projects/chat", account("other"));
    azure.put(&elsewhere, &project_body()).await.expect(201);
}

#[tokio::test]
async fn an_account_that_is_busy() {
    let azure = Azure::with(&json!({ "operationSeconds": 3600 })).await;
    azure.put(&account("ai"), &parent()).await.expect(201);
    let text = "Another operation is being performed on the parent resource";
    azure
        .put(&project("chat"), &project_body())
        .await
        .refused(409, "RequestConflict", text);

    let azure = Azure::with_parent(&json!({})).await;
    azure.make_project("there").await;
    let keyed = change(&own("main", "one", &azure.client_id("hub-keys").await));
    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    azure.patch(&account("ai"), &keyed).await.expect(202);
    for answer in others(&azure).await {
        answer.refused(409, "RequestConflict", text);
    }
}

#[tokio::test]
async fn an_account_with_projects_is_not_deleted() {
    let azure = Azure::with_parent(&json!({})).await;
    azure.make_project("one").await;
    azure.make_project("two").await;
    let named = "'Microsoft.CognitiveServices/accounts/ai/projects/one, Microsoft.CognitiveServices/accounts/ai/projects/two'";
    azure
        .delete(&account("ai"))
        .await
        .refused(409, "CannotDeleteResource", named);
    let found = azure.get(&account("ai")).await.expect(200);
    assert_eq!(found.at("/properties/provisioningState"), "Succeeded");
    azure.remove_project("one").await;
    azure.remove_project("two").await;
    azure.remove_account("ai").await;
}

#[tokio::test]
async fn projects_keep_an_account_as_it_is() {
    let azure = Azure::with_parent(&json!({})).await;
    azure.make_project("chat").await;
    let back = json!({ "kind": "OpenAI", "properties": { "allowProjectManagement": false } });
    azure
        .patch(&account("ai"), &back)
        .await
        .refused(400, "BadRequest", "has projects");
    azure.remove_project("chat").await;
    azure.patch(&account("ai"), &back).await.expect(200);
}

#[tokio::test]
async fn a_deleted_group_takes_projects_for_good() {
    let azure = Azure::with_parent(&json!({})).await;
    azure.make_project("chat").await;
    azure.delete(GROUP).await.expect(200);
    let group = json!({ "location": "westeurope" });
    azure.put(GROUP, &group).await.expect(201);
    let restore = json!({ "kind": "AIServices", "location": "westeurope", "sku": { "name": "S0" },
        "properties": { "restore": true } });
    let begun = azure.put(&account("ai"), &restore).await.expect(201);
    azure.done("ai", &begun).await;
    azure.get(&project("chat")).await.expect(404);
}
