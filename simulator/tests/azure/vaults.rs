//! Vaults, keys, identities and groups, by Azure Resource Manager.

use serde_json::{Value, json};

use crate::common::{Azure, GROUP, SUBSCRIPTION, TENANT, identity, key, vault};

pub fn body(properties: &Value) -> Value {
    let mut body = json!({ "location": "westeurope", "properties": {
        "tenantId": TENANT, "sku": { "family": "A", "name": "standard" } } });
    for (name, value) in properties.as_object().unwrap() {
        body["properties"][name] = value.clone();
    }
    body
}

#[tokio::test]
async fn a_new_vault() {
    let azure = Azure::start().await;
    let made = azure.put(&vault("new"), &body(&json!({}))).await.expect(201);
    let properties = made.at("/properties");
    assert_eq!(properties["vaultUri"], key("new", "").replace("keys/", ""));
    assert_eq!(properties["enableSoftDelete"], true);
    assert_eq!(properties["enableRbacAuthorization"], true);
    // Off is absent.
    assert_eq!(properties.get("enablePurgeProtection"), None);
    azure.put(&vault("new"), &body(&json!({}))).await.expect(200);
}

#[tokio::test]
async fn purge_protection_is_irreversible() {
    let azure = Azure::start().await;
    let flag = |value: Value| json!({ "enablePurgeProtection": value });
    azure
        .put(&vault("new"), &body(&flag(json!(false))))
        .await
        .refused(
            400,
            "BadRequest",
            "\"enablePurgeProtection\" cannot be set to false",
        );
    azure
        .put(&vault("new"), &body(&flag(json!(true))))
        .await
        .expect(201);
    for method in ["PUT", "PATCH"] {
        azure
            .send("owner", method, &vault("new"), Some(&body(&flag(json!(false)))))
            .await
            .refused(400, "BadRequest", "irreversible");
    }
    // Left out or null it stays.
    azure.put(&vault("new"), &body(&json!({}))).await.expect(200);
    azure
        .patch(&vault("new"), &json!({ "properties": flag(Value::Null) }))
        .await
        .expect(200);
    let found = azure.get(&vault("new")).await.expect(200);
    assert_eq!(found.at("/properties/enablePurgeProtection"), true);
}

#[tokio::test]
async fn soft_delete_is_irreversible() {
    let azure = Azure::start().await;
    azure
        .patch(
            &vault("main"),
            &json!({ "properties": { "enableSoftDelete": false } }),
        )
        .await
        .refused(400, "BadRequest", "\"enableSoftDelete\"");
}

#[tokio::test]
async fn keys() {
    let azure = Azure::start().await;
    let path = format!("{}/keys/new", vault("main"));
    let wanted =
        json!({ "properties": { "kty": "RSA", "keySize": 4096, "attributes": { "enabled": true } } });
    let made = azure.put(&path, &wanted).await.expect(200);
    assert_eq!(made.at("/properties/keyUri"), &json!(key("main", "new")));
    let version = made.at("/properties/keyUriWithVersion").as_str().unwrap();
    assert_eq!(version.rsplit('/').next().unwrap().len(), 32);
    // A PUT makes a key, and changes none.
    let other = json!({ "properties": { "kty": "EC", "attributes": { "enabled": false } } });
    let after = azure.put(&path, &other).await.expect(200);
    assert_eq!(after.body, made.body);
    azure
        .put(&format!("{path}/versions/{}", "0".repeat(32)), &wanted)
        .await
        .refused(400, "BadRequest", "version");
}

#[tokio::test]
async fn identities_and_groups() {
    let azure = Azure::start().await;
    let made = azure
        .put(&identity("new"), &json!({ "location": "westeurope" }))
        .await
        .expect(201);
    let principal = made.at("/properties/principalId").clone();
    assert_eq!(principal.as_str().unwrap().len(), 36);
    let again = azure
        .put(
            &identity("new"),
            &json!({ "location": "westeurope", "tags": { "a": "b" } }),
        )
        .await
        .expect(200);
    assert_eq!(again.at("/properties/principalId"), &principal);
    let group = format!("{SUBSCRIPTION}/resourceGroups/new");
    let wanted = json!({ "location": "westeurope", "tags": { "a": "b" } });
    azure.put(&group, &wanted).await.expect(201);
    azure.put(&group, &wanted).await.expect(200);
    azure
        .put(&group, &json!({ "location": "northeurope" }))
        .await
        .refused(409, "InvalidResourceGroupLocation", "another location");
    assert_eq!(azure.get(&group).await.at("/tags/a"), "b");
}

#[tokio::test]
async fn ids_in_any_case() {
    let azure = Azure::start().await;
    let path = format!("{}?api-version=2026-02-01", vault("main").to_lowercase());
    let found = azure.get(&path).await.expect(200);
    assert_eq!(found.at("/id"), &json!(vault("main")));
}

#[tokio::test]
async fn dates_can_be_shifted() {
    let azure = Azure::start().await;
    let path = format!("{}/keys/one", vault("main"));
    let before = azure
        .get(&path)
        .await
        .at("/properties/attributes/created")
        .as_i64();
    let age = json!({ "resourceId": path, "days": 2 });
    azure.control("POST", "/age", Some(&age)).await.expect(200);
    let after = azure
        .get(&path)
        .await
        .at("/properties/attributes/created")
        .as_i64();
    assert_eq!(before.unwrap() - after.unwrap(), 2 * 24 * 3600);
    let absent = json!({ "resourceId": GROUP.replace("/ai", "/none"), "days": 2 });
    azure.control("POST", "/age", Some(&absent)).await.expect(404);
}
