//! Capability hosts of accounts and their projects: made, read, listed, deleted, and never changed.

use serde_json::{Value, json};

use crate::account_requests::{account, parent, project};
use crate::common::{Answer, Azure};

fn of_account(name: &str) -> String {
    format!("{}/capabilityHosts/{name}", account("ai"))
}

fn of_project(name: &str) -> String {
    format!("{}/capabilityHosts/{name}", project("chat"))
}

fn enabling() -> Value {
    json!({ "properties": { "capabilityHostKind": "Agents" } })
}

fn standard() -> Value {
    json!({ "properties": {
        "storageConnections": ["files"], "threadStorageConnections": ["cosmos"], "vectorStoreConnections": ["search"],
    } })
}

impl Azure {
    /// With the project `chat` of the account `ai`.
    async fn with_project() -> Self {
        let azure = Self::with_parent(&json!({})).await;
        azure.make_project("chat").await;
        azure
    }

    async fn make_host(&self, id: &str, body: &Value) -> Value {
        let begun = self.put(id, body).await.expect(201);
        assert_eq!(begun.at("/properties/provisioningState"), "Creating");
        assert_eq!(self.end_of(&begun).await["status"], "Succeeded");
        self.get(id).await.expect(200).body
    }
}

#[tokio::test]
async fn as_they_are_made_read_listed_and_deleted() {
    let azure = Azure::with_project().await;
    let made = azure
        .make_host(&of_account("agents"), &json!({ "properties": {} }))
        .await;
    let expected = json!({
        "id": of_account("agents"), "name": "agents", "type": "Microsoft.CognitiveServices/accounts/capabilityHosts",
        "properties": { "capabilityHostKind": "Agents", "provisioningState": "Succeeded" },
    });
    assert_eq!(made, expected);
    let made = azure.make_host(&of_project("mine"), &standard()).await;
    assert_eq!(
        made["type"],
        "Microsoft.CognitiveServices/accounts/projects/capabilityHosts"
    );
    assert_eq!(made["properties"]["threadStorageConnections"], json!(["cosmos"]));

    let listed = |of: String| {
        let azure = &azure;
        async move {
            let list = format!("{of}/capabilityHosts");
            azure.get(&list).await.expect(200).at("/value").clone()
        }
    };
    assert_eq!(listed(project("chat")).await, json!([made]));
    assert_eq!(listed(account("ai")).await, json!([expected]));
    azure
        .get(&format!("{}/capabilityHosts", project("absent")))
        .await
        .refused(404, "ResourceNotFound", "absent");

    let begun = azure.delete(&of_project("mine")).await.expect(202);
    assert_eq!(azure.end_of(&begun).await["status"], "Succeeded");
    azure.delete(&of_project("mine")).await.expect(204);
    assert_eq!(listed(project("chat")).await, json!([]));
    assert_eq!(listed(account("ai")).await, json!([expected]));
}

#[tokio::test]
async fn one_in_each_place_that_is_never_changed() {
    let azure = Azure::with_project().await;
    azure.put(&of_project("mine"), &standard()).await.refused(
        400,
        "BadRequest",
        "unless its account has one",
    );
    let first = azure.make_host(&of_account("agents"), &enabling()).await;
    azure.put(&of_account("other"), &enabling()).await.refused(
        409,
        "Conflict",
        "There is an existing Capability Host with name: agents, provisioning state: Succeeded",
    );
    // The same once more is no change.
    let again = azure.put(&of_account("agents"), &enabling()).await.expect(200);
    assert_eq!(again.body, first);
    azure
        .put(&of_account("agents"), &standard())
        .await
        .refused(400, "BadRequest", "not supported");
    azure
        .patch(&of_account("agents"), &json!({ "properties": {} }))
        .await
        .refused(405, "MethodNotAllowed", "");
    assert_eq!(azure.get(&of_account("agents")).await.body, first);

    azure.make_host(&of_project("mine"), &standard()).await;
    azure
        .put(&of_project("other"), &standard())
        .await
        .refused(409, "Conflict", "name: mine");
    // As the published types have it.
    azure
        .send("careless", "PUT", &of_project("mine"), Some(&enabling()))
        .await
        .refused(400, "InvalidRequestContent", "capabilityHostKind");
}

#[tokio::test]
async fn the_account_is_busy_meanwhile() {
    let azure = Azure::with_project().await;
    azure.make_host(&of_account("agents"), &enabling()).await;
    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    let begun = azure.put(&of_project("mine"), &standard()).await.expect(201);
    let again = azure.put(&of_project("mine"), &standard()).await.expect(201);
    assert_eq!(
        begun.header("azure-asyncoperation"),
        again.header("azure-asyncoperation")
    );
    let others: Vec<Answer> = vec![
        azure.patch(&project("chat"), &json!({ "tags": {} })).await,
        azure.delete(&project("chat")).await,
        azure.delete(&of_project("mine")).await,
        azure.delete(&of_account("agents")).await,
        azure.patch(&account("ai"), &json!({ "tags": {} })).await,
    ];
    for answer in others {
        answer.refused(409, "RequestConflict", &format!("'{}'", account("ai")));
    }
    // Another account does not wait.
    azure.put(&account("other"), &parent()).await.expect(201);
}

#[tokio::test]
async fn one_that_failed_is_made_anew() {
    let azure = Azure::with_project().await;
    azure
        .fault(&json!({
            "method": "PUT", "times": 1, "action": { "failOperation": { "code": "Conflict", "message": "no" } },
        }))
        .await;
    let begun = azure.put(&of_account("agents"), &enabling()).await.expect(201);
    azure.failure(&begun).await;
    let failed = azure.get(&of_account("agents")).await.expect(200);
    assert_eq!(failed.at("/properties/provisioningState"), "Failed");
    azure.make_host(&of_account("agents"), &enabling()).await;
}

#[tokio::test]
async fn they_go_with_what_they_lie_in() {
    let azure = Azure::with_project().await;
    azure.make_host(&of_account("agents"), &enabling()).await;
    azure.make_host(&of_project("mine"), &standard()).await;
    azure.remove_project("chat").await;
    azure.get(&of_project("mine")).await.expect(404);
    azure.remove_account("ai").await;
    azure.get(&of_account("agents")).await.expect(404);
    azure.put(&of_account("agents"), &enabling()).await.refused(
        404,
        "ParentResourceNotFound",
        &account("ai"),
    );
}

#[tokio::test]
async fn they_are_read_by_right_and_made_by_a_seed() {
    let azure = Azure::with_project().await;
    let seed = json!({
        "capabilityHosts": [{ "id": of_account("agents"), "body": enabling() }],
        "projectCapabilityHosts": [{ "id": of_project("mine"), "body": standard() }],
    });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let found = azure.get(&of_project("mine")).await.expect(200);
    assert_eq!(found.at("/properties/provisioningState"), "Succeeded");
    let list = format!("{}/capabilityHosts", project("chat"));
    azure.send("stranger", "GET", &list, None).await.refused(
        403,
        "AuthorizationFailed",
        "'Microsoft.CognitiveServices/accounts/projects/capabilityHosts/read'",
    );
    let wrong = json!({ "capabilityHosts": [{ "id": of_project("mine"), "body": standard() }] });
    let refused = azure.control("POST", "/seed", Some(&wrong)).await;
    assert!(refused.text.contains("capabilityHosts: "), "{}", refused.text);
}
