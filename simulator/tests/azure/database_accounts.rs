//! Accounts of Cosmos DB: made, changed and deleted, their key, and what becomes of one whose key is out of reach.

use serde_json::{Value, json};

use crate::common::{
    Answer, Azure, ENCRYPTION_USER, GROUP, SUBSCRIPTION, assert_has, assignment, grant, identity, key, vault,
};

const KEY: &str = "/properties/keyVaultKeyUri";
const VERSION: &str = "/properties/keyVaultKeyUriVersion";
const STATUS: &str = "/properties/customerManagedKeyStatus";
const STATE: &str = "/properties/provisioningState";
const CONFIRMED: &str = "Access to the configured customer managed key confirmed.";

fn database(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/{name}")
}

/// An account with Microsoft's keys, and an identity that may use the others.
fn plain() -> Value {
    json!({
        "kind": "GlobalDocumentDB",
        "location": "westeurope",
        "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity("hub-keys"): {}, identity("no-role"): {} } },
        "properties": {
            "databaseAccountOfferType": "Standard",
            "locations": [{ "locationName": "westeurope", "failoverPriority": 0 }],
            "defaultIdentity": fetcher("hub-keys"),
        },
    })
}

fn fetcher(name: &str) -> String {
    format!("UserAssignedIdentity={}", identity(name))
}

fn keyed(vault: &str, name: &str) -> Value {
    let mut body = plain();
    body["properties"]["keyVaultKeyUri"] = json!(key(vault, name));
    body
}

fn properties(change: &Value) -> Value {
    json!({ "properties": change })
}

impl Azure {
    async fn make_database(&self, name: &str, body: &Value) -> Answer {
        let begun = self.put(&database(name), body).await;
        assert_eq!(begun.at(STATE), "Creating", "{}", begun.text);
        assert_eq!((begun.status, begun.header("location")), (200, ""));
        let end = self.end_of(&begun).await;
        assert_eq!(end["status"], "Succeeded", "{end}");
        self.get(&database(name)).await.expect(200)
    }

    async fn change_database(&self, name: &str, change: &Value) -> Answer {
        let begun = self.patch(&database(name), &properties(change)).await;
        assert_eq!(begun.at(STATE), "Updating", "{}", begun.text);
        let end = self.end_of(&begun).await;
        assert_eq!(end["status"], "Succeeded", "{end}");
        self.get(&database(name)).await.expect(200)
    }

    async fn status_of(&self, name: &str) -> String {
        let account = self.get(&database(name)).await.expect(200);
        account.at(STATUS).as_str().unwrap().to_owned()
    }

    async fn do_to_key(&self, action: &Value) {
        let change = json!({ "key": format!("{}/keys/one", vault("main")), "action": action });
        self.control("POST", "/keys", Some(&change)).await.expect(200);
    }
}

async fn newest(azure: &Azure, name: &str) -> String {
    let found = azure
        .get(&format!("{}/keys/{name}", vault("main")))
        .await
        .expect(200);
    let url = found.at("/properties/keyUriWithVersion").as_str().unwrap();
    url.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_account_from_its_creation_to_its_end() {
    let azure = Azure::start().await;
    let made = azure.make_database("made", &keyed("main", "one")).await;
    assert_eq!(made.at(KEY), key("main", "one").as_str());
    assert_eq!(made.at(VERSION), newest(&azure, "one").await.as_str());
    assert_eq!(made.at(STATUS), CONFIRMED);
    assert_eq!(made.at(STATE), "Succeeded");
    assert_eq!(
        made.at("/properties/documentEndpoint"),
        "https://made.documents.azure.com:443/"
    );
    let gone = azure.delete(&database("made")).await.expect(202);
    azure.finish(&gone).await;
    azure.get(&database("made")).await.expect(404);
    azure.delete(&database("made")).await.expect(204);
}

#[tokio::test]
async fn one_operation_at_a_time() {
    let azure = Azure::with(&json!({ "operationSeconds": 3600 })).await;
    let begun = azure.put(&database("made"), &plain()).await.expect(200);
    let again = azure.put(&database("made"), &plain()).await.expect(200);
    let header = "azure-asyncoperation";
    assert_eq!(again.header(header), begun.header(header));
    for answer in [
        azure.put(&database("made"), &keyed("main", "one")).await,
        azure.patch(&database("made"), &properties(&json!({}))).await,
        azure.delete(&database("made")).await,
    ] {
        answer.refused(
            412,
            "PreconditionFailed",
            "requires exclusive lock on this service made",
        );
    }
}

#[tokio::test]
async fn a_key_comes_later_and_does_not_go() {
    let azure = Azure::start().await;
    let made = azure.make_database("made", &plain()).await;
    assert_eq!(made.at(KEY), &Value::Null);
    assert_eq!(made.at(STATUS), &Value::Null);
    let begun = azure
        .patch(
            &database("made"),
            &properties(&json!({ "keyVaultKeyUri": key("main", "one") })),
        )
        .await;
    // Until then there is none.
    assert_eq!(begun.at(KEY), &Value::Null);
    azure.end_of(&begun).await;
    let after = azure.get(&database("made")).await.expect(200);
    assert_eq!(after.at(KEY), key("main", "one").as_str());

    for none in [json!(null), json!("")] {
        azure
            .patch(&database("made"), &properties(&json!({ "keyVaultKeyUri": none })))
            .await
            .refused(400, "BadRequest", "keyVaultKeyUri");
    }
    // What a request does not say stays; another key of the vault is taken.
    let begun = azure.put(&database("made"), &plain()).await;
    azure.end_of(&begun).await;
    let after = azure
        .change_database("made", &json!({ "keyVaultKeyUri": key("main", "two") }))
        .await;
    assert_eq!(after.at(KEY), key("main", "two").as_str());
    assert_eq!(after.at(VERSION), newest(&azure, "two").await.as_str());
    azure.settings(&json!({ "forbiddenChange": "Ignore" })).await;
    let after = azure
        .change_database("made", &json!({ "keyVaultKeyUri": null }))
        .await;
    assert_eq!(after.at(KEY), key("main", "two").as_str());
}

#[tokio::test]
async fn another_vault() {
    let azure = Azure::start().await;
    azure.make_database("made", &keyed("main", "one")).await;
    let other = json!({ "keyVaultKeyUri": key("other", "one") });
    azure
        .patch(&database("made"), &properties(&other))
        .await
        .refused(400, "BadRequest", "keyVaultKeyUri");
    azure
        .settings(&json!({ "databaseAccounts": { "otherVault": true } }))
        .await;
    let after = azure.change_database("made", &other).await;
    assert_eq!(after.at(KEY), key("other", "one").as_str());
}

#[tokio::test]
async fn what_is_refused_at_once() {
    let azure = Azure::start().await;
    let version = newest(&azure, "one").await;
    for (name, value, part) in [
        (
            "keyVaultKeyUri",
            json!(key("main", &format!("one/{version}"))),
            "without the version",
        ),
        ("keyVaultKeyUri", json!("https://main"), "not the URI of a key"),
        ("defaultIdentity", json!("Somebody"), "defaultIdentity"),
    ] {
        let mut body = plain();
        body["properties"][name] = value;
        azure
            .put(&database("made"), &body)
            .await
            .refused(400, "BadRequest", part);
    }
    let mut body = keyed("main", "one");
    body["identity"] = json!({ "type": "SystemAssigned" });
    body["properties"]["defaultIdentity"] = json!("SystemAssignedIdentity");
    azure
        .put(&database("made"), &body)
        .await
        .refused(400, "BadRequest", "SystemAssignedIdentity");
    azure.get(&database("made")).await.expect(404);
    // First without, and then with it.
    body["properties"]["defaultIdentity"] = json!("FirstPartyIdentity");
    let made = azure.make_database("made", &body).await;
    let role = grant(
        ENCRYPTION_USER,
        made.at("/identity/principalId").as_str().unwrap(),
    );
    azure.put(&assignment(&vault("main"), 1), &role).await.expect(201);
    let after = azure
        .change_database("made", &json!({ "defaultIdentity": "SystemAssignedIdentity" }))
        .await;
    assert_eq!(after.at(STATUS), CONFIRMED);
}

#[tokio::test]
async fn a_creation_that_fails_stays_failed() {
    let azure = Azure::start().await;
    for (name, vault, key, fetched_by, code, part) in [
        ("a-1", "loose", "one", "hub-keys", "BadRequest", "wrap or unwrap"),
        (
            "a-2",
            "main",
            "none",
            "hub-keys",
            "BadRequest",
            "key is not found",
        ),
        (
            "a-3",
            "absent",
            "one",
            "hub-keys",
            "BadRequest",
            "Key Vault was not found",
        ),
        (
            "a-4",
            "main",
            "blocked",
            "hub-keys",
            "Forbidden",
            "disabled or expired",
        ),
        (
            "a-5",
            "main",
            "ended",
            "hub-keys",
            "Forbidden",
            "disabled or expired",
        ),
        ("a-6", "closed", "one", "hub-keys", "Forbidden", "access rules"),
        (
            "a-7",
            "main",
            "one",
            "no-role",
            "Forbidden",
            "no longer has permission",
        ),
        ("a-8", "main", "one", "absent", "BadRequest", "default identity"),
    ] {
        let mut body = keyed(vault, key);
        body["properties"]["defaultIdentity"] = json!(fetcher(fetched_by));
        let begun = azure.put(&database(name), &body).await;
        let end = azure.end_of(&begun).await;
        assert_eq!(end["error"]["code"], code, "{end}");
        assert_has(end["error"]["message"].as_str().unwrap(), part);
        assert_eq!(azure.get(&database(name)).await.at(STATE), "Failed");
    }
    azure.put(&database("a-1"), &keyed("main", "one")).await.refused(
        400,
        "BadRequest",
        "is in a failed provisioning state",
    );
    let gone = azure.delete(&database("a-1")).await.expect(202);
    azure.finish(&gone).await;
    // The vault may be in another region.
    azure.make_database("a-1", &keyed("away", "one")).await;
}

#[tokio::test]
async fn a_change_that_fails_leaves_the_old_key() {
    let azure = Azure::start().await;
    azure.make_database("made", &keyed("main", "two")).await;
    let begun = azure
        .patch(
            &database("made"),
            &properties(&json!({ "keyVaultKeyUri": key("main", "blocked") })),
        )
        .await;
    let end = azure.end_of(&begun).await;
    assert_eq!(end["error"]["code"], "Forbidden", "{end}");
    let after = azure.get(&database("made")).await.expect(200);
    assert_eq!(after.at(KEY), key("main", "two").as_str());
    assert_eq!(after.at(STATE), "Succeeded");
}

#[tokio::test]
async fn out_of_reach_and_back() {
    let azure = Azure::start().await;
    azure.make_database("made", &keyed("main", "one")).await;
    for (away, back, part) in [
        (json!("disable"), json!("enable"), "disabled or expired"),
        (
            json!({ "expire": 1_000_000_000 }),
            json!({ "expire": 32_503_680_000_i64 }),
            "disabled or expired",
        ),
        (json!("delete"), json!("recover"), "key is not found"),
    ] {
        azure.do_to_key(&away).await;
        let status = azure.status_of("made").await;
        assert_has(&status, "Access to your account is currently revoked because");
        assert_has(&status, part);
        azure
            .patch(&database("made"), &json!({ "tags": { "a": "b" } }))
            .await
            .refused(403, "Forbidden", part);
        azure.do_to_key(&back).await;
        assert_eq!(azure.status_of("made").await, CONFIRMED);
    }
    // One of the two things that are left to do: another identity. What it may do shows afterwards.
    azure.do_to_key(&json!("disable")).await;
    azure
        .change_database("made", &json!({ "defaultIdentity": fetcher("no-role") }))
        .await;
    azure.do_to_key(&json!("enable")).await;
    assert_has(&azure.status_of("made").await, "no longer has permission");
    let role = grant(ENCRYPTION_USER, crate::common::NO_ROLE);
    azure.put(&assignment(&vault("main"), 1), &role).await.expect(201);
    assert_eq!(azure.status_of("made").await, CONFIRMED);
    // And the other.
    azure.do_to_key(&json!("disable")).await;
    let gone = azure.delete(&database("made")).await.expect(202);
    azure.finish(&gone).await;
}

#[tokio::test]
async fn cosmos_dbs_own_application_is_asked_for_access_where_there_is_one() {
    let azure = Azure::start().await;
    let mut body = keyed("main", "one");
    body["properties"]["defaultIdentity"] = json!("FirstPartyIdentity");
    let made = azure.make_database("made", &body).await;
    assert_eq!(made.at(STATUS), CONFIRMED);
    let object = "77777777-0000-0000-0000-000000000001";
    let seed = json!({ "principals": [{ "name": "cosmos", "objectId": object,
        "clientId": "a232010e-820c-4083-83bb-3ace5fc29d0b" }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    assert_has(&azure.status_of("made").await, "no longer has permission");
    let role = grant(ENCRYPTION_USER, object);
    azure.put(&assignment(&vault("main"), 1), &role).await.expect(201);
    assert_eq!(azure.status_of("made").await, CONFIRMED);
}

#[tokio::test]
async fn the_newest_version_is_found_by_itself() {
    let azure = Azure::start().await;
    azure.make_database("made", &keyed("main", "one")).await;
    let old = newest(&azure, "one").await;
    azure.do_to_key(&json!("rotate")).await;
    assert_eq!(azure.get(&database("made")).await.at(VERSION), old.as_str());
    let age = json!({ "resourceId": database("made"), "days": 1 });
    azure.control("POST", "/age", Some(&age)).await.expect(200);
    let new = newest(&azure, "one").await;
    let list = azure
        .get(&format!(
            "{SUBSCRIPTION}/providers/Microsoft.DocumentDB/databaseAccounts"
        ))
        .await
        .expect(200);
    assert_eq!(list.at("/value/0").pointer(VERSION).unwrap(), new.as_str());
    assert_eq!(list.at("/value/0").pointer(STATUS).unwrap(), CONFIRMED);
}

#[tokio::test]
async fn seeded_with_rights_as_everywhere() {
    let azure = Azure::start().await;
    let seed = json!({ "databaseAccounts": [{ "id": database("made"), "body": keyed("main", "one") }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let made = azure
        .send("reader", "GET", &database("made"), None)
        .await
        .expect(200);
    assert_eq!(made.at(VERSION), newest(&azure, "one").await.as_str());
    let kind = "Microsoft.DocumentDB/databaseAccounts";
    for (method, body, verb) in [
        ("GET", None, "read"),
        ("PUT", Some(plain()), "write"),
        ("PATCH", Some(json!({ "tags": {} })), "write"),
        ("DELETE", None, "delete"),
    ] {
        azure
            .send("stranger", method, &database("made"), body.as_ref())
            .await
            .refused(403, "AuthorizationFailed", &format!("{kind}/{verb}"));
    }
    // Azure Policy 1f905d99-2ab7-462c-a6b0-f709acca6c8f.
    let policy = json!({
        "id": format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/cmk"),
        "displayName": "Own keys",
        "definition": "/providers/Microsoft.Authorization/policyDefinitions/1f905d99-2ab7-462c-a6b0-f709acca6c8f",
        "effect": "deny",
        "if": [{ "field": "type", "equals": kind }, { "field": format!("{kind}/keyVaultKeyUri"), "exists": false }],
    });
    let lock = json!({ "level": "ReadOnly", "id": format!("{}/providers/Microsoft.Authorization/locks/keep", database("made")) });
    let seed = json!({ "policyAssignments": [policy], "locks": [lock] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure
        .put(&database("other"), &plain())
        .await
        .refused(403, "RequestDisallowedByPolicy", "other");
    azure
        .patch(&database("made"), &json!({ "tags": {} }))
        .await
        .refused(409, "ScopeLocked", "made");
}
