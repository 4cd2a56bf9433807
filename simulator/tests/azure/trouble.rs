//! What fails only inside the operation, after Azure said "accepted".

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::common::{
    Azure, ENCRYPTION_USER, HUB_KEYS, NO_ROLE, assert_has, assignment, grant, hub, hub_as, key, vault,
    workspace,
};

#[tokio::test]
async fn purge_protection() {
    let azure = Azure::start().await;
    let message = azure.fail("hub", &hub("loose", "one")).await;
    assert_has(&message, "CMK workspaces should have purge protection enabled");
    assert_has(&message, &vault("loose"));
    azure
        .patch(
            &vault("loose"),
            &json!({ "properties": { "enablePurgeProtection": true } }),
        )
        .await
        .expect(200);
    azure.create("hub", &hub("loose", "one")).await;
}

#[tokio::test]
async fn keys_that_cannot_wrap() {
    let azure = Azure::start().await;
    let cases = [
        ("missing", "was not found in its vault (KeyNotFound)"),
        ("blocked", "disabled key"),
        ("ended", "expired or not yet valid"),
        ("not-yet", "expired or not yet valid"),
        ("curve", "is of type EC"),
    ];
    for (name, part) in cases {
        let message = azure.fail("hub", &hub("main", name)).await;
        assert_has(&message, part);
        assert_has(&message, &key("main", name));
    }
}

#[tokio::test]
async fn keys_that_are_not_of_the_vault() {
    let azure = Azure::start().await;
    for url in [
        key("other", "one"),
        key("main", "one").replace("/keys/", "/secrets/"),
        "main/one".to_owned(),
    ] {
        let mut body = hub("main", "one");
        body["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"] = json!(url);
        assert_has(&azure.fail("hub", &body).await, "is not a key of the key vault");
    }
}

#[tokio::test]
async fn a_version_of_a_key() {
    let azure = Azure::start().await;
    let versions = azure
        .get(&format!("{}/keys/one/versions", vault("main")))
        .await
        .expect(200);
    let url = versions
        .at("/value/0/properties/keyUriWithVersion")
        .as_str()
        .unwrap();
    let mut body = hub("main", "one");
    body["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"] = json!(url);
    azure.create("hub", &body).await;
    let absent = format!("{}/{}", key("main", "one"), "0".repeat(32));
    body["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"] = json!(absent);
    assert_has(&azure.fail("other", &body).await, "KeyNotFound");
}

#[tokio::test]
async fn vaults_that_do_not_fit() {
    let azure = Azure::start().await;
    for (name, part) in [
        ("absent", "was not found"),
        ("away", "must be in the region"),
        ("foreign", "must be in the tenant"),
        ("closed", "ForbiddenByFirewall"),
    ] {
        let message = azure.fail("hub", &hub(name, "one")).await;
        assert_has(&message, part);
        assert_has(&message, &vault(name));
    }
    // A closed vault that lets trusted services in is one that fits.
    azure.create("hub", &hub("trusting", "one")).await;
}

#[tokio::test]
async fn an_identity_without_a_role() {
    let azure = Azure::start().await;
    let message = azure.fail("hub", &hub_as("no-role", "main", "one")).await;
    assert_has(&message, &format!("object id {NO_ROLE} lacks get, wrap, unwrap"));
    // A role that only reads is not enough.
    let reader = "21090545-7ca7-4776-b22c-e363652d74d2";
    let key_id = format!("{}/keys/one", vault("main"));
    azure
        .put(&assignment(&key_id, 1), &grant(reader, NO_ROLE))
        .await
        .expect(201);
    let message = azure.fail("hub", &hub_as("no-role", "main", "one")).await;
    assert_has(&message, &format!("object id {NO_ROLE} lacks wrap, unwrap"));
    // The right one, on another key.
    let other = format!("{}/keys/two", vault("main"));
    azure
        .put(&assignment(&other, 2), &grant(ENCRYPTION_USER, NO_ROLE))
        .await
        .expect(201);
    assert_has(
        &azure.fail("hub", &hub_as("no-role", "main", "one")).await,
        "lacks wrap, unwrap",
    );
    azure
        .put(&assignment(&key_id, 3), &grant(ENCRYPTION_USER, NO_ROLE))
        .await
        .expect(201);
    azure.create("hub", &hub_as("no-role", "main", "one")).await;
}

#[tokio::test]
async fn a_role_that_has_not_got_through_yet() {
    let azure = Azure::with(&json!({ "propagationSeconds": 3600 })).await;
    azure
        .put(&assignment(&vault("main"), 1), &grant(ENCRYPTION_USER, NO_ROLE))
        .await
        .expect(201);
    let message = azure.fail("hub", &hub_as("no-role", "main", "one")).await;
    assert_has(&message, "lacks get, wrap, unwrap");
}

#[tokio::test]
async fn a_role_gets_through_in_its_time() {
    let azure = Azure::with(&json!({ "propagationSeconds": 0.2 })).await;
    azure
        .put(&assignment(&vault("main"), 1), &grant(ENCRYPTION_USER, NO_ROLE))
        .await
        .expect(201);
    loop {
        let accepted = azure
            .put(&workspace("hub"), &hub_as("no-role", "main", "one"))
            .await;
        let end = azure.finish(&accepted).await;
        if end["status"] == "Succeeded" {
            return;
        }
        assert_has(end["error"]["message"].as_str().unwrap(), "lacks");
    }
}

#[tokio::test]
async fn access_policies() {
    let azure = Azure::start().await;
    // Where policies count, roles do not.
    let message = azure.fail("hub", &hub("policies", "one")).await;
    assert_has(&message, &format!("object id {HUB_KEYS} lacks get, wrap, unwrap"));
    azure.create("other", &hub_as("no-role", "policies", "one")).await;
}

#[tokio::test]
async fn the_identity_must_be_assigned() {
    let azure = Azure::start().await;
    let mut body = hub("main", "one");
    body["identity"] = json!({ "type": "SystemAssigned" });
    assert_has(
        &azure.fail("hub", &body).await,
        "is not assigned to the workspace",
    );
    body["identity"] = json!({ "type": "None" });
    body["properties"]["encryption"]
        .as_object_mut()
        .unwrap()
        .remove("identity");
    assert_has(&azure.fail("hub", &body).await, "no system-assigned identity");
}

#[tokio::test]
async fn the_stores_must_be_there() {
    let azure = Azure::start().await;
    let mut body = hub("main", "one");
    body["properties"]["storageAccount"] = json!(crate::common::storage("absent"));
    assert_has(&azure.fail("hub", &body).await, "storageAccount");
    let mut body = hub("main", "one");
    body["properties"]["keyVault"] = json!(vault("absent"));
    assert_has(&azure.fail("hub", &body).await, "keyVault");
}

#[tokio::test]
async fn a_key_that_goes_bad_after_it_was_chosen() {
    let azure = Azure::start().await;
    azure.create("hub", &hub("main", "one")).await;
    let two = format!("{}/keys/two", vault("main"));
    let now = Timestamp::now().as_second();
    let change = json!({ "properties": { "encryption": { "keyVaultProperties": {
        "keyIdentifier": key("main", "two") } } } });
    for (action, part) in [
        (json!("disable"), "disabled key"),
        (json!({ "expire": now - 10 }), "expired"),
        (json!("delete"), "KeyNotFound"),
    ] {
        let body = json!({ "key": two, "action": action });
        azure.control("POST", "/keys", Some(&body)).await.expect(200);
        let end = end_of(&azure, &change).await;
        assert_eq!(end["status"], "Failed");
        assert_has(end["error"]["message"].as_str().unwrap(), part);
        let enable = json!({ "key": two, "action": "enable" });
        azure.control("POST", "/keys", Some(&enable)).await;
    }
}

async fn end_of(azure: &Azure, change: &Value) -> Value {
    let accepted = azure.patch(&workspace("hub"), change).await;
    azure.finish(&accepted).await
}

#[tokio::test]
async fn providers_of_the_managed_group() {
    let azure = Azure::start().await;
    let bare = format!("{}/resourceGroups/bare", crate::common::BARE);
    for namespace in [
        "Microsoft.MachineLearningServices",
        "Microsoft.Storage",
        "Microsoft.KeyVault",
    ] {
        azure
            .send(
                "owner",
                "POST",
                &format!("{}/providers/{namespace}/register", crate::common::BARE),
                None,
            )
            .await
            .expect(200);
    }
    let path = format!("{bare}/providers/Microsoft.MachineLearningServices/workspaces/hub");
    let accepted = azure.put(&path, &hub("main", "one")).await;
    let end = azure.finish(&accepted).await;
    assert_eq!(end["error"]["code"], "MissingSubscriptionRegistration", "{end}");
    assert_has(end["error"]["message"].as_str().unwrap(), "Microsoft.DocumentDB");
}
