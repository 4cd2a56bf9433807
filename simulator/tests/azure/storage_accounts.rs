//! Storage accounts: made, changed, listed, deleted, with Microsoft's keys.

use serde_json::{Value, json};

use crate::common::{Answer, Azure, GROUP, SUBSCRIPTION, identity, storage};

/// A storage account with Microsoft's keys.
pub fn plain() -> Value {
    json!({
        "kind": "StorageV2",
        "sku": { "name": "Standard_LRS" },
        "location": "westeurope",
        "tags": { "for": "tests" },
        "properties": { "allowBlobPublicAccess": false },
    })
}

impl Azure {
    /// What a creation that was accepted ends with: 200 with the account, or a refusal.
    pub async fn located(&self, accepted: &Answer) -> Answer {
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        loop {
            let answer = self.get(accepted.header("location")).await;
            if answer.status != 202 {
                return answer;
            }
        }
    }

    /// Makes a storage account, and gives it back as it is then.
    pub async fn make_storage(&self, name: &str, body: &Value) -> Value {
        let accepted = self.put(&storage(name), body).await;
        self.located(&accepted).await.expect(200);
        self.get(&storage(name)).await.expect(200).body
    }
}

#[tokio::test]
async fn an_account_from_its_creation_to_its_end() {
    let azure = Azure::with(&json!({ "retryAfterSeconds": 17 })).await;
    let accepted = azure.put(&storage("made"), &plain()).await.expect(202);
    assert_eq!(accepted.text, "");
    assert_eq!(accepted.header("retry-after"), "17");
    // Storage tells where to ask by this header alone.
    assert_eq!(accepted.header("azure-asyncoperation"), "");
    let made = azure.located(&accepted).await.expect(200);
    assert_eq!(made.at("/id"), storage("made").as_str());
    assert_eq!(made.at("/properties/provisioningState"), "Succeeded");
    let encryption = made.at("/properties/encryption");
    assert_eq!(encryption["keySource"], "Microsoft.Storage");
    assert_eq!(encryption["keyvaultproperties"], Value::Null);
    assert_eq!(encryption["services"]["blob"]["keyType"], "Account");
    let endpoint = made.at("/properties/primaryEndpoints/blob");
    assert_eq!(endpoint, "https://made.blob.core.windows.net/");

    azure.delete(&storage("made")).await.expect(200);
    azure.delete(&storage("made")).await.expect(204);
    azure
        .get(&storage("made"))
        .await
        .refused(404, "ResourceNotFound", "made");
}

#[tokio::test]
async fn a_creation_under_way() {
    let azure = Azure::with(&json!({ "operationSeconds": 3600 })).await;
    let accepted = azure.put(&storage("made"), &plain()).await.expect(202);
    let again = azure.put(&storage("made"), &plain()).await.expect(202);
    assert_eq!(again.header("location"), accepted.header("location"));
    let state = azure.get(&storage("made")).await.expect(200);
    assert_eq!(state.at("/properties/provisioningState"), "Creating");
    let mut other = plain();
    other["tags"] = json!({});
    for answer in [
        azure.put(&storage("made"), &other).await,
        azure.patch(&storage("made"), &json!({ "tags": {} })).await,
        azure.delete(&storage("made")).await,
    ] {
        answer.refused(409, "StorageAccountOperationInProgress", "in progress");
    }
}

#[tokio::test]
async fn a_creation_that_fails_leaves_nothing() {
    let azure = Azure::start().await;
    let fault = json!({ "method": "PUT", "type": "Microsoft.Storage/storageAccounts", "times": 1,
        "action": { "failOperation": { "code": "InternalError" } } });
    azure.fault(&fault).await;
    let accepted = azure.put(&storage("made"), &plain()).await.expect(202);
    let end = azure.located(&accepted).await;
    assert_eq!(end.at("/error/code"), "InternalError", "{}", end.text);
    azure.get(&storage("made")).await.expect(404);
    azure.make_storage("made", &plain()).await;
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_say() {
    let azure = Azure::start().await;
    azure.make_storage("made", &plain()).await;
    let change = json!({ "properties": { "minimumTlsVersion": "TLS1_2", "provisioningState": "Creating" } });
    let after = azure
        .send("careless", "PATCH", &storage("made"), Some(&change))
        .await
        .expect(200);
    assert_eq!(after.at("/properties/minimumTlsVersion"), "TLS1_2");
    assert_eq!(after.at("/properties/allowBlobPublicAccess"), false);
    assert_eq!(after.at("/properties/provisioningState"), "Succeeded");
    assert_eq!(after.at("/tags/for"), "tests");
    let mut body = plain();
    body["tags"] = json!({ "a": "b" });
    body["properties"] = json!({});
    let after = azure.put(&storage("made"), &body).await.expect(200);
    assert_eq!(after.at("/properties/minimumTlsVersion"), "TLS1_2");
    assert_eq!(after.at("/tags"), &json!({ "a": "b" }));
    assert_eq!(azure.get(&storage("made")).await.body, after.body);

    let elsewhere = json!({ "location": "northeurope" });
    azure
        .patch(&storage("made"), &elsewhere)
        .await
        .refused(409, "InvalidResourceLocation", "made");
    azure
        .patch(&storage("absent"), &change)
        .await
        .refused(404, "ResourceNotFound", "absent");
    let unknown =
        json!({ "properties": { "encryption": { "keyvaultproperties": { "keyIdentifier": "x" } } } });
    azure.patch(&storage("made"), &unknown).await.refused(
        400,
        "InvalidRequestContent",
        "keyvaultproperties.keyIdentifier",
    );
}

#[tokio::test]
async fn what_is_set_at_creation_alone() {
    let azure = Azure::start().await;
    let mut body = plain();
    body["properties"]["encryption"] = json!({
        "keySource": "Microsoft.Storage",
        "requireInfrastructureEncryption": true,
        "services": { "queue": { "keyType": "Account" } },
    });
    azure.make_storage("made", &body).await;
    let encryption = |encryption: Value| json!({ "properties": { "encryption": encryption } });
    for (change, name) in [
        (json!({ "properties": { "isHnsEnabled": true } }), "isHnsEnabled"),
        (
            encryption(json!({ "requireInfrastructureEncryption": false })),
            "requireInfrastructureEncryption",
        ),
        (
            encryption(json!({ "services": { "queue": { "keyType": "Service" } } })),
            "keyType",
        ),
        (
            encryption(json!({ "services": { "table": { "keyType": "Account" } } })),
            "keyType",
        ),
    ] {
        azure
            .patch(&storage("made"), &change)
            .await
            .refused(400, "AccountPropertyCannotBeUpdated", name);
    }
    let after = azure.put(&storage("made"), &body).await.expect(200);
    assert_eq!(
        after.at("/properties/encryption/requireInfrastructureEncryption"),
        true
    );
}

#[tokio::test]
async fn names() {
    let azure = Azure::start().await;
    for (name, code) in [("a", "InvalidResourceName"), ("Made", "AccountNameInvalid")] {
        azure.put(&storage(name), &plain()).await.refused(400, code, name);
    }
    let elsewhere = storage("artifacts").replace("/resourceGroups/ai/", "/resourceGroups/more/");
    let group = json!({ "location": "westeurope" });
    azure
        .put(&format!("{SUBSCRIPTION}/resourceGroups/more"), &group)
        .await
        .expect(201);
    azure
        .put(&elsewhere, &plain())
        .await
        .refused(409, "StorageAccountAlreadyExists", "artifacts");
}

#[tokio::test]
async fn rights_locks_policies_and_pages() {
    let azure = Azure::with(&json!({ "pageSize": 1 })).await;
    azure.make_storage("made", &plain()).await;
    for (method, body, action) in [
        ("GET", None, "Microsoft.Storage/storageAccounts/read"),
        (
            "PATCH",
            Some(json!({ "tags": {} })),
            "Microsoft.Storage/storageAccounts/write",
        ),
        ("PUT", Some(plain()), "Microsoft.Storage/storageAccounts/write"),
        ("DELETE", None, "Microsoft.Storage/storageAccounts/delete"),
    ] {
        azure
            .send("stranger", method, &storage("made"), body.as_ref())
            .await
            .refused(403, "AuthorizationFailed", action);
    }
    azure
        .send("reader", "GET", &storage("made"), None)
        .await
        .expect(200);
    // Who gives an account an identity needs a right on it too.
    let right = json!({ "principal": "writer", "role": "Storage Writer", "scope": GROUP });
    let seed = json!({ "roleAssignments": [right], "roleDefinitions": [{ "Name": "Storage Writer",
        "Actions": ["Microsoft.Storage/storageAccounts/write"], "AssignableScopes": [GROUP] }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let change = json!({ "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity("hub-keys"): {} } } });
    azure
        .send("writer", "PATCH", &storage("made"), Some(&change))
        .await
        .refused(403, "LinkedAuthorizationFailed", "assign/action");

    for scope in [SUBSCRIPTION, GROUP] {
        let kind = "providers/Microsoft.Storage/storageAccounts";
        let first = azure.get(&format!("{scope}/{kind}")).await.expect(200);
        assert_eq!(first.at("/value/0/name"), "artifacts");
        let second = azure
            .get(first.at("/nextLink").as_str().unwrap())
            .await
            .expect(200);
        assert_eq!(
            second.at("/value/0/properties/encryption/keySource"),
            "Microsoft.Storage"
        );
        assert_eq!(second.at("/nextLink"), &Value::Null);
    }
    let policy = json!({
        "id": format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/cmk"),
        "displayName": "Own keys",
        "definition": "/providers/Microsoft.Authorization/policyDefinitions/6fac406b-40ca-413b-bf8e-0bf964659c25",
        "effect": "deny",
        "if": [
            { "field": "type", "equals": "Microsoft.Storage/storageAccounts" },
            { "field": "Microsoft.Storage/storageAccounts/encryption.keySource", "notEquals": "Microsoft.Keyvault" },
        ],
    });
    let lock = json!({ "level": "CanNotDelete", "id": format!("{GROUP}/providers/Microsoft.Authorization/locks/keep") });
    let seed = json!({ "policyAssignments": [policy], "locks": [lock] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure
        .patch(&storage("made"), &json!({ "tags": {} }))
        .await
        .refused(403, "RequestDisallowedByPolicy", "made");
    azure
        .delete(&storage("made"))
        .await
        .refused(409, "ScopeLocked", GROUP);
}

#[tokio::test]
async fn seeded_by_a_body() {
    let azure = Azure::start().await;
    let body =
        json!({ "location": "westeurope", "sku": { "name": "Premium_LRS" }, "kind": "BlockBlobStorage" });
    let seed = json!({ "storageAccounts": [{ "id": storage("made"), "body": body }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let made = azure.get(&storage("made")).await.expect(200);
    assert_eq!(made.at("/sku/tier"), "Premium");
    for wrong in [
        json!({ "id": storage("made") }),
        json!({ "id": storage("made"), "body": { "location": "westeurope" } }),
        json!({ "id": storage("made"), "location": "westeurope", "body": body }),
    ] {
        let seed = json!({ "storageAccounts": [wrong] });
        azure.control("POST", "/seed", Some(&seed)).await.expect(400);
    }
}
