//! Changes of a hub: what PATCH and PUT let through, and what they do not.

use serde_json::{Value, json};

use crate::common::{Azure, hub, identity, key, plain_hub, storage, vault, workspace};

const KEY: &str = "/properties/encryption/keyVaultProperties/keyIdentifier";

fn encryption(members: &Value) -> Value {
    json!({ "properties": { "encryption": members } })
}

fn other_key(url: &str) -> Value {
    encryption(&json!({ "keyVaultProperties": { "keyIdentifier": url } }))
}

#[tokio::test]
async fn another_key_of_the_same_vault() {
    let azure = Azure::start().await;
    let before = azure.create("hub", &hub("main", "one")).await;
    let accepted = azure
        .patch(&workspace("hub"), &other_key(&key("main", "two")))
        .await
        .expect(202);
    assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
    let mut after = azure.get(&workspace("hub")).await.expect(200).body;
    assert_eq!(after.pointer(KEY), Some(&json!(key("main", "two"))));
    // And nothing else is changed.
    *after.pointer_mut(KEY).unwrap() = json!(key("main", "one"));
    assert_eq!(after, before);
}

#[tokio::test]
async fn while_the_key_is_changed() {
    let azure = Azure::start().await;
    azure.create("hub", &hub("main", "one")).await;
    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    azure
        .patch(&workspace("hub"), &other_key(&key("main", "two")))
        .await
        .expect(202);
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(hub.at("/properties/provisioningState"), "Updating");
    assert_eq!(hub.at(KEY), &json!(key("main", "one")));
    azure
        .patch(&workspace("hub"), &json!({ "tags": {} }))
        .await
        .refused(409, "Conflict", "in progress");
    azure
        .delete(&workspace("hub"))
        .await
        .refused(409, "Conflict", "in progress");
}

#[tokio::test]
async fn the_same_key_once_more_is_no_operation() {
    let azure = Azure::start().await;
    azure.create("hub", &hub("main", "one")).await;
    azure
        .patch(&workspace("hub"), &other_key(&key("main", "one")))
        .await
        .expect(200);
    azure
        .put(&workspace("hub"), &hub("main", "one"))
        .await
        .expect(200);
}

/// Changes that Azure's PATCH does not know, each with what the refusal names.
fn forbidden() -> Vec<(Value, &'static str)> {
    vec![
        (other_key(&key("other", "one")), "keyVaultArmId"),
        (
            encryption(&json!({ "keyVaultProperties": { "keyVaultArmId": vault("other") } })),
            "properties.encryption.keyVaultProperties.keyVaultArmId",
        ),
        (
            encryption(&json!({ "status": "Disabled" })),
            "properties.encryption.status",
        ),
        (
            encryption(&json!({ "identity": { "userAssignedIdentity": identity("no-role") } })),
            "properties.encryption.identity",
        ),
        (
            encryption(&json!({ "cosmosDbResourceId": "/x" })),
            "properties.encryption.cosmosDbResourceId",
        ),
        (
            json!({ "properties": { "hbiWorkspace": false } }),
            "properties.hbiWorkspace",
        ),
        (
            json!({ "properties": { "storageAccount": storage("another") } }),
            "properties.storageAccount",
        ),
        (
            json!({ "properties": { "keyVault": vault("main") } }),
            "properties.keyVault",
        ),
        (
            json!({ "properties": { "enableServiceSideCMKEncryption": true } }),
            "properties.enableServiceSideCMKEncryption",
        ),
        (
            json!({ "properties": { "hubResourceId": workspace("x") } }),
            "properties.hubResourceId",
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused() {
    let azure = Azure::start().await;
    let before = azure.create("hub", &hub("main", "one")).await;
    for (change, part) in forbidden() {
        azure
            .patch(&workspace("hub"), &change)
            .await
            .refused(400, "BadRequest", part);
    }
    assert_eq!(azure.get(&workspace("hub")).await.body, before);
}

#[tokio::test]
async fn or_ignored_as_the_switch_says() {
    let azure = Azure::with(&json!({ "forbiddenChange": "Ignore" })).await;
    let before = azure.create("hub", &hub("main", "one")).await;
    for (change, _) in forbidden() {
        azure.patch(&workspace("hub"), &change).await.expect(200);
        assert_eq!(azure.get(&workspace("hub")).await.body, before, "{change}");
    }
}

#[tokio::test]
async fn a_put_changes_no_more_than_a_patch() {
    let azure = Azure::start().await;
    let before = azure.create("hub", &hub("main", "one")).await;
    azure
        .put(&workspace("hub"), &hub("other", "one"))
        .await
        .refused(400, "BadRequest", "keyVaultArmId");
    azure
        .put(&workspace("hub"), &plain_hub())
        .await
        .refused(400, "BadRequest", "properties.encryption");
    let mut moved = hub("main", "one");
    moved["location"] = json!("northeurope");
    azure
        .put(&workspace("hub"), &moved)
        .await
        .refused(409, "InvalidResourceLocation", "another location");
    assert_eq!(azure.get(&workspace("hub")).await.body, before);
    let accepted = azure.put(&workspace("hub"), &hub("main", "two")).await;
    assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
    assert_eq!(
        azure.get(&workspace("hub")).await.at(KEY),
        &json!(key("main", "two"))
    );
}

#[tokio::test]
async fn a_hub_with_microsofts_keys_gets_no_other() {
    let azure = Azure::start().await;
    let before = azure.create("hub", &plain_hub()).await;
    let wanted = json!({ "properties": {
        "encryption": hub("main", "one")["properties"]["encryption"].clone() } });
    azure
        .patch(&workspace("hub"), &wanted)
        .await
        .refused(400, "BadRequest", "properties.encryption");
    azure.settings(&json!({ "forbiddenChange": "Ignore" })).await;
    azure.patch(&workspace("hub"), &wanted).await.expect(200);
    assert_eq!(azure.get(&workspace("hub")).await.body, before);
}

#[tokio::test]
async fn tags_are_replaced_and_the_rest_is_merged() {
    let azure = Azure::start().await;
    let mut body = plain_hub();
    body["tags"] = json!({ "a": "1", "b": "2" });
    azure.create("hub", &body).await;
    azure
        .patch(&workspace("hub"), &json!({ "tags": { "c": "3" } }))
        .await
        .expect(200);
    let change = json!({ "properties": { "description": "Of tests" } });
    azure.patch(&workspace("hub"), &change).await.expect(200);
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(hub.at("/tags"), &json!({ "c": "3" }));
    assert_eq!(hub.at("/properties/description"), "Of tests");
    assert_eq!(hub.at("/properties/friendlyName"), "Hub");
}

#[tokio::test]
async fn members_in_any_case_are_the_same_member() {
    let azure = Azure::start().await;
    let mut body = hub("loose", "one");
    let properties = body["properties"].as_object_mut().unwrap();
    let mut encryption = properties.remove("encryption").unwrap();
    let status = encryption.as_object_mut().unwrap().remove("status").unwrap();
    encryption["STATUS"] = status;
    properties.insert("Encryption".to_owned(), encryption);
    let accepted = azure
        .send("careless", "PUT", &workspace("hub"), Some(&body))
        .await;
    let end = azure.finish(&accepted).await;
    crate::common::assert_has(end["error"]["message"].as_str().unwrap(), "purge protection");
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(hub.at("/properties/encryption/status"), "Enabled");

    azure.create("other", &plain_hub()).await;
    for (name, value) in [
        ("PublicNetworkAccess", "Disabled"),
        ("publicnetworkaccess", "Enabled"),
    ] {
        let change = json!({ "Properties": { name: value } });
        azure
            .send("careless", "PATCH", &workspace("other"), Some(&change))
            .await
            .expect(200);
        let other = azure.get(&workspace("other")).await.expect(200);
        assert_eq!(other.at("/properties/publicNetworkAccess"), value);
    }
}

#[tokio::test]
async fn identities_come_and_go_by_patch() {
    let azure = Azure::start().await;
    azure.create("hub", &hub("main", "one")).await;
    let assigned = |answer: &crate::common::Answer| -> Vec<String> {
        let all = answer.at("/identity/userAssignedIdentities");
        all.as_object().unwrap().keys().cloned().collect()
    };
    let add = json!({ "identity": { "type": "UserAssigned",
        "userAssignedIdentities": { identity("no-role"): {} } } });
    let after = azure.patch(&workspace("hub"), &add).await.expect(200);
    assert_eq!(assigned(&after), [identity("hub-keys"), identity("no-role")]);
    let take = json!({ "identity": { "type": "UserAssigned",
        "userAssignedIdentities": { identity("no-role"): null } } });
    let after = azure.patch(&workspace("hub"), &take).await.expect(200);
    assert_eq!(assigned(&after), [identity("hub-keys")]);
}
