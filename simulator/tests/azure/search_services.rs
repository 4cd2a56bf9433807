//! Search services: made, changed, deleted, and what they enforce.

use serde_json::{Value, json};

use crate::common::{Azure, GROUP, SUBSCRIPTION, identity};

const ENCRYPTION: &str = "/properties/encryptionWithCmk";
const STATE: &str = "/properties/provisioningState";
const KIND: &str = "Microsoft.Search/searchServices";

fn search(name: &str) -> String {
    format!("{GROUP}/providers/{KIND}/{name}")
}

fn plain() -> Value {
    json!({ "location": "westeurope", "sku": { "name": "basic" }, "properties": { "disableLocalAuth": true } })
}

fn enforcing(enforcement: &str) -> Value {
    json!({ "properties": { "encryptionWithCmk": { "enforcement": enforcement } } })
}

impl Azure {
    async fn make_search(&self, name: &str, body: &Value) -> Value {
        let begun = self.put(&search(name), body).await.expect(201);
        assert_eq!(begun.at(STATE), "provisioning");
        // What it says of itself is all that there is to ask.
        assert_eq!(
            (begun.header("azure-asyncoperation"), begun.header("location")),
            ("", "")
        );
        loop {
            let found = self.get(&search(name)).await.expect(200);
            if found.at(STATE) != "provisioning" {
                return found.body;
            }
        }
    }
}

#[tokio::test]
async fn a_service_from_its_creation_to_its_end() {
    let azure = Azure::start().await;
    let mut body = plain();
    body["identity"] = json!({ "type": "SystemAssigned,UserAssigned",
        "userAssignedIdentities": { identity("hub-keys"): {} } });
    let made = azure.make_search("made", &body).await;
    assert_eq!(made.pointer(STATE).unwrap(), "succeeded");
    assert_eq!(made["properties"]["status"], "running");
    assert_eq!(made["properties"]["replicaCount"], 1);
    // As search spells it.
    assert_eq!(made["identity"]["type"], "SystemAssigned, UserAssigned");
    let encryption = made.pointer(ENCRYPTION).unwrap();
    let none = json!({ "enforcement": "Unspecified", "encryptionComplianceStatus": "Compliant" });
    assert_eq!(encryption, &none);
    azure.delete(&search("made")).await.expect(200);
    azure.delete(&search("made")).await.expect(204);
    azure.get(&search("made")).await.expect(404);
}

#[tokio::test]
async fn a_creation_under_way() {
    let azure = Azure::with(&json!({ "operationSeconds": 3600 })).await;
    azure.put(&search("made"), &plain()).await.expect(201);
    azure.put(&search("made"), &plain()).await.expect(201);
    for answer in [
        azure.put(&search("made"), &enforced_from_the_beginning()).await,
        azure.patch(&search("made"), &enforcing("Enabled")).await,
        azure.delete(&search("made")).await,
    ] {
        answer.refused(409, "Conflict", "Another operation is in progress");
    }
}

fn enforced_from_the_beginning() -> Value {
    let mut body = plain();
    body["properties"] = enforcing("Enabled")["properties"].clone();
    body
}

#[tokio::test]
async fn a_creation_that_fails_can_be_made_good() {
    let azure = Azure::start().await;
    let fault = json!({ "method": "PUT", "type": KIND, "times": 1,
        "action": { "failOperation": { "code": "ServiceUnavailable" } } });
    azure.fault(&fault).await;
    let failed = azure.make_search("made", &plain()).await;
    assert_eq!(failed.pointer(STATE).unwrap(), "failed");
    let made = azure.make_search("made", &enforced_from_the_beginning()).await;
    assert_eq!(made.pointer(ENCRYPTION).unwrap()["enforcement"], "Enabled");
}

#[tokio::test]
async fn what_it_enforces_and_whether_its_objects_comply() {
    let azure = Azure::start().await;
    let seed = json!({ "searchServices": [
        { "id": search("complies"), "body": plain() },
        { "id": search("does-not"), "body": plain(), "objectsComply": false },
    ] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    for (name, enforced) in [("complies", "Compliant"), ("does-not", "NonCompliant")] {
        for (enforcement, status) in [
            ("Enabled", enforced),
            ("Disabled", "Compliant"),
            ("Unspecified", "Compliant"),
        ] {
            let mut change = enforcing(enforcement);
            // What only Azure says counts for nothing.
            change["properties"]["encryptionWithCmk"]["encryptionComplianceStatus"] = json!("Compliant");
            let before = azure.get(&search(name)).await.body;
            let after = azure
                .send("careless", "PATCH", &search(name), Some(&change))
                .await
                .expect(200);
            let found = after.at(ENCRYPTION);
            assert_eq!(found["enforcement"], enforcement);
            assert_eq!(
                found["encryptionComplianceStatus"], status,
                "{name} {enforcement}"
            );
            assert_eq!(after.at("/properties/disableLocalAuth"), true);
            assert_ne!(after.at("/properties/eTag"), &before["properties"]["eTag"]);
            assert_eq!(azure.get(&search(name)).await.body, after.body);
        }
    }
    let after = azure
        .put(&search("does-not"), &enforced_from_the_beginning())
        .await
        .expect(200);
    let found = after.at(&format!("{ENCRYPTION}/encryptionComplianceStatus"));
    assert_eq!(found, "NonCompliant");
    azure
        .patch(&search("complies"), &enforcing("Sometimes"))
        .await
        .refused(400, "InvalidRequestContent", "enforcement");
    // No stable version names a key.
    let key = json!({ "properties": { "encryptionWithCmk": { "serviceLevelEncryptionKey": {} } } });
    azure.patch(&search("complies"), &key).await.refused(
        400,
        "InvalidRequestContent",
        "serviceLevelEncryptionKey",
    );
    azure
        .patch(&search("complies"), &json!({ "location": "northeurope" }))
        .await
        .refused(409, "InvalidResourceLocation", "complies");
}

#[tokio::test]
async fn rights_policies_locks_and_pages() {
    let azure = Azure::with(&json!({ "pageSize": 1 })).await;
    for name in ["a-1", "a-2"] {
        azure.make_search(name, &plain()).await;
    }
    for (method, body, verb) in [
        ("GET", None, "read"),
        ("PUT", Some(plain()), "write"),
        ("PATCH", Some(enforcing("Enabled")), "write"),
        ("DELETE", None, "delete"),
    ] {
        azure
            .send("stranger", method, &search("a-1"), body.as_ref())
            .await
            .refused(403, "AuthorizationFailed", &format!("{KIND}/{verb}"));
    }
    let first = azure
        .send("reader", "GET", &format!("{SUBSCRIPTION}/providers/{KIND}"), None)
        .await
        .expect(200);
    assert_eq!(first.at("/value/0/name"), "a-1");
    let second = azure
        .get(first.at("/nextLink").as_str().unwrap())
        .await
        .expect(200);
    let listed = second.at("/value/0").pointer(ENCRYPTION).unwrap();
    assert_eq!(listed["encryptionComplianceStatus"], "Compliant");
    assert_eq!(second.at("/nextLink"), &Value::Null);
    let policy = json!({
        "id": format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/cmk"),
        "displayName": "Own keys",
        "definition": "/providers/Microsoft.Authorization/policyDefinitions/356da939-f20a-4bb9-86f8-5db445b0e354",
        "effect": "deny",
        "if": [
            { "field": "type", "equals": KIND },
            { "field": format!("{KIND}/encryptionWithCmk.enforcement"), "notEquals": "Enabled" },
        ],
    });
    let lock = json!({ "level": "CanNotDelete", "id": format!("{}/providers/Microsoft.Authorization/locks/keep", search("a-1")) });
    let seed = json!({ "policyAssignments": [policy], "locks": [lock] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure.patch(&search("a-1"), &enforcing("Disabled")).await.refused(
        403,
        "RequestDisallowedByPolicy",
        "a-1",
    );
    azure
        .patch(&search("a-1"), &enforcing("Enabled"))
        .await
        .expect(200);
    azure
        .delete(&search("a-1"))
        .await
        .refused(409, "ScopeLocked", "a-1");
}
