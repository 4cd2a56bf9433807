//! Keys made, changed, rotated, deleted, recovered and purged in their vault.

use serde_json::{Value, json};

use crate::common::{Azure, hub, key, vault, vault_refused, workspace};

#[tokio::test]
async fn a_key_made_in_the_vault_is_there_for_resource_manager() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let body = json!({ "kty": "RSA", "key_size": 4096, "attributes": { "exp": 32_503_680_000_i64 },
        "tags": { "for": "hubs" } });
    let made = azure
        .key_request("POST", "main/keys/fresh/create", Some(&body))
        .await
        .expect(200);
    let found = azure
        .get(&format!("{}/keys/fresh", vault("main")))
        .await
        .expect(200);
    assert_eq!(found.at("/properties/keyUriWithVersion"), made.at("/key/kid"));
    assert_eq!(found.at("/properties/keySize"), 4096);
    assert_eq!(found.at("/properties/attributes/exp"), &json!(32_503_680_000_i64));
    assert_eq!(found.at("/tags/for"), "hubs");
    azure.create("hub", &hub("main", "fresh")).await;
    // Once more it is a new version, and the old one stays.
    let again = azure
        .key_request("POST", "main/keys/FRESH/create", Some(&json!({ "kty": "RSA" })))
        .await
        .expect(200);
    assert_ne!(again.at("/key/kid"), made.at("/key/kid"));
    assert!(
        again
            .at("/key/kid")
            .as_str()
            .unwrap()
            .starts_with(&key("main", "fresh"))
    );
    assert!(again.at("/attributes/created").as_i64() > made.at("/attributes/created").as_i64());
    let versions = azure
        .get(&format!("{}/keys/fresh/versions", vault("main")))
        .await
        .expect(200);
    assert_eq!(versions.at("/value").as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_no_key_can_be() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    for (name, body, part) in [
        ("a_b", json!({ "kty": "RSA" }), "a_b"),
        ("ab", json!({}), "kty"),
        ("ab", json!({ "kty": "oct" }), "oct"),
        ("ab", json!({ "kty": "RSA", "key_size": 1024 }), "1024"),
        ("ab", json!({ "kty": "EC", "crv": "P-256K" }), "P-256K"),
    ] {
        let answer = azure
            .key_request("POST", &format!("main/keys/{name}/create"), Some(&body))
            .await;
        vault_refused(&answer, 400, "BadParameter", None, part);
    }
}

#[tokio::test]
async fn attributes_of_a_version() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let versions = azure
        .get(&format!("{}/keys/one/versions", vault("main")))
        .await
        .expect(200);
    let current = azure.key_request("GET", "main/keys/one", None).await.expect(200);
    let old = versions
        .at("/value")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .find(|name| !current.at("/key/kid").as_str().unwrap().ends_with(name))
        .unwrap();
    let disable = json!({ "attributes": { "enabled": false }, "tags": { "is": "old" } });
    let changed = azure
        .key_request("PATCH", &format!("main/keys/one/{old}"), Some(&disable))
        .await
        .expect(200);
    assert_eq!(changed.at("/attributes/enabled"), false);
    let arm = azure
        .get(&format!("{}/keys/one/versions/{old}", vault("main")))
        .await
        .expect(200);
    assert_eq!(arm.at("/properties/attributes/enabled"), false);
    // The current one is as it was.
    let after = azure.key_request("GET", "main/keys/one", None).await.expect(200);
    assert_eq!(after.body, current.body);
    let answer = azure
        .key_request(
            "PATCH",
            "main/keys/one/00000000000000000000000000000000",
            Some(&disable),
        )
        .await;
    vault_refused(&answer, 404, "KeyNotFound", None, "one");
}

#[tokio::test]
async fn rotation_and_its_policy() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let policy = azure
        .key_request("GET", "main/keys/two/rotationpolicy", None)
        .await
        .expect(200);
    assert_eq!(policy.at("/lifetimeActions/0/action/type"), "Notify");
    assert_eq!(policy.at("/lifetimeActions/0/trigger/timeBeforeExpiry"), "P30D");
    let wanted = json!({
        "lifetimeActions": [{ "trigger": { "timeAfterCreate": "P18M" }, "action": { "type": "Rotate" } }],
        "attributes": { "expiryTime": "P2Y" },
    });
    let set = azure
        .key_request("PUT", "main/keys/two/rotationpolicy", Some(&wanted))
        .await
        .expect(200);
    assert_eq!(set.at("/lifetimeActions/0/action/type"), "Rotate");
    let read = azure
        .key_request("GET", "main/keys/two/rotationpolicy", None)
        .await
        .expect(200);
    assert_eq!(read.body, set.body);
    // Azure Resource Manager shows it in its own words.
    let arm = azure
        .get(&format!("{}/keys/two", vault("main")))
        .await
        .expect(200);
    let shown = arm.at("/properties/rotationPolicy");
    assert_eq!(shown["lifetimeActions"][0]["action"]["type"], "rotate");
    assert_eq!(shown["attributes"]["expiryTime"], "P2Y");
    // A version made by rotation ends when the policy says; those before stay as they are.
    let before = azure.key_request("GET", "main/keys/two", None).await.expect(200);
    assert_eq!(before.at("/attributes/exp"), &Value::Null);
    let after = azure
        .key_request("POST", "main/keys/two/rotate", None)
        .await
        .expect(200);
    let length =
        after.at("/attributes/exp").as_i64().unwrap() - after.at("/attributes/created").as_i64().unwrap();
    assert!((729..=732).contains(&(length / 86_400)), "{length}");
    assert_ne!(after.at("/key/kid"), before.at("/key/kid"));
    assert_eq!(
        azure
            .key_request("GET", "main/keys/two/rotationpolicy", None)
            .await
            .body,
        set.body
    );
    let short = json!({ "lifetimeActions": [
        { "trigger": { "timeAfterCreate": "P6D" }, "action": { "type": "Rotate" } }] });
    let answer = azure
        .key_request("PUT", "main/keys/two/rotationpolicy", Some(&short))
        .await;
    vault_refused(&answer, 400, "BadParameter", None, "seven days");
    let answer = azure.key_request("POST", "main/keys/missing/rotate", None).await;
    vault_refused(&answer, 404, "KeyNotFound", None, "missing");
}

#[tokio::test]
async fn a_deleted_key_and_its_recovery() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let before = azure.key_request("GET", "main/keys/one", None).await.expect(200);
    let deleted = azure
        .key_request("DELETE", "main/keys/one", None)
        .await
        .expect(200);
    assert_eq!(deleted.at("/key"), before.at("/key"));
    let days =
        deleted.at("/scheduledPurgeDate").as_i64().unwrap() - deleted.at("/deletedDate").as_i64().unwrap();
    assert_eq!(days, 90 * 86_400);
    assert!(
        deleted
            .at("/recoveryId")
            .as_str()
            .unwrap()
            .ends_with("/deletedkeys/one")
    );
    // It is gone everywhere.
    let answer = azure.key_request("GET", "main/keys/one", None).await;
    vault_refused(&answer, 404, "KeyNotFound", None, "one");
    azure
        .get(&format!("{}/keys/one", vault("main")))
        .await
        .expect(404);
    let message = azure.fail("hub", &hub("main", "one")).await;
    crate::common::assert_has(&message, "KeyNotFound");
    // Its name is taken, in both ways.
    let answer = azure
        .key_request("POST", "main/keys/one/create", Some(&json!({ "kty": "RSA" })))
        .await;
    vault_refused(
        &answer,
        409,
        "Conflict",
        Some("ObjectIsDeletedButRecoverable"),
        "deleted but recoverable state",
    );
    azure
        .put(
            &format!("{}/keys/one", vault("main")),
            &json!({ "properties": { "kty": "RSA" } }),
        )
        .await
        .refused(409, "Conflict", "deleted but recoverable state");
    let list = azure
        .key_request("GET", "main/deletedkeys", None)
        .await
        .expect(200);
    assert_eq!(list.at("/value/0/kid"), &json!(key("main", "one")));
    assert_eq!(
        azure.key_request("GET", "main/deletedkeys/one", None).await.body,
        deleted.body
    );
    // Nobody purges under purge protection.
    let answer = azure.key_request("DELETE", "main/deletedkeys/one", None).await;
    vault_refused(&answer, 403, "Forbidden", None, "purge protection is enabled");
    azure
        .key_request("POST", "main/deletedkeys/one/recover", None)
        .await
        .expect(200);
    let after = azure.key_request("GET", "main/keys/one", None).await.expect(200);
    assert_eq!(after.body, before.body);
    let versions = azure
        .key_request("GET", "main/keys/one/versions", None)
        .await
        .expect(200);
    assert_eq!(versions.at("/value").as_array().unwrap().len(), 2);
    let answer = azure
        .key_request("POST", "main/deletedkeys/one/recover", None)
        .await;
    vault_refused(&answer, 404, "KeyNotFound", None, "one");
    azure.delete(&workspace("hub")).await;
    azure.create("other", &hub("main", "one")).await;
}

#[tokio::test]
async fn a_purged_key_and_its_successor() {
    let azure = Azure::start().await;
    azure.make_officer("loose").await;
    let before = azure.key_request("GET", "loose/keys/one", None).await.expect(200);
    assert_eq!(before.at("/attributes/recoveryLevel"), "Recoverable+Purgeable");
    azure
        .key_request("DELETE", "loose/keys/one", None)
        .await
        .expect(200);
    azure
        .key_request("DELETE", "loose/deletedkeys/one", None)
        .await
        .expect(204);
    let answer = azure.key_request("GET", "loose/deletedkeys/one", None).await;
    vault_refused(&answer, 404, "KeyNotFound", None, "one");
    let made = azure
        .key_request("POST", "loose/keys/one/create", Some(&json!({ "kty": "RSA" })))
        .await
        .expect(200);
    // No version is ever named again.
    assert_ne!(made.at("/key/kid"), before.at("/key/kid"));
}

#[tokio::test]
async fn what_the_control_api_deletes_can_be_recovered() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let path = format!("{}/keys/two", vault("main"));
    for action in ["rotate", "delete"] {
        let change = json!({ "key": path, "action": action });
        azure.control("POST", "/keys", Some(&change)).await.expect(200);
    }
    azure.get(&path).await.expect(404);
    azure
        .key_request("POST", "main/deletedkeys/two/recover", None)
        .await
        .expect(200);
    let versions = azure.get(&format!("{path}/versions")).await.expect(200);
    assert_eq!(versions.at("/value").as_array().unwrap().len(), 2);
    let gone = json!({ "key": format!("{path}x"), "action": "delete" });
    azure.control("POST", "/keys", Some(&gone)).await.expect(404);
}
