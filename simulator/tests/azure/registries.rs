//! Container registries: made, changed and deleted, and their key, which comes with their creation and never goes.

use serde_json::{Value, json};

use crate::common::{Answer, Azure, GROUP, SUBSCRIPTION, identity, key, vault};

const KIND: &str = "Microsoft.ContainerRegistry/registries";
const STATE: &str = "/properties/provisioningState";
const ENCRYPTION: &str = "/properties/encryption";
const IN_USE: &str = "/properties/encryption/keyVaultProperties/versionedKeyIdentifier";

fn registry(name: &str) -> String {
    format!("{GROUP}/providers/{KIND}/{name}")
}

/// A registry with Microsoft's keys.
fn plain(tier: &str) -> Value {
    json!({ "location": "westeurope", "sku": { "name": tier }, "properties": { "adminUserEnabled": true } })
}

fn encryption(url: &str, client: &str) -> Value {
    json!({ "encryption": { "status": "enabled", "keyVaultProperties": { "keyIdentifier": url, "identity": client } } })
}

fn disabled() -> Value {
    json!({ "properties": { "encryption": { "status": "disabled" } } })
}

impl Azure {
    async fn make_registry(&self, name: &str, body: &Value) -> Answer {
        let begun = self.put(&registry(name), body).await.expect(201);
        assert_eq!(begun.at(STATE), "Creating", "{}", begun.text);
        assert_eq!(begun.header("location"), "");
        let end = self.end_of(&begun).await;
        assert_eq!(end["status"], "Succeeded", "{end}");
        self.get(&registry(name)).await.expect(200)
    }

    /// A Premium registry with a key that an identity fetches; it has both.
    async fn keyed_registry(&self, url: &str, fetcher: &str) -> Value {
        let mut body = plain("Premium");
        body["identity"] = json!({ "type": "UserAssigned",
            "userAssignedIdentities": { identity("hub-keys"): {}, identity("no-role"): {} } });
        body["properties"] = encryption(url, &self.client_id(fetcher).await);
        body
    }

    /// The message of a creation that fails inside its operation.
    async fn fail_registry(&self, name: &str, body: &Value) -> String {
        let begun = self.put(&registry(name), body).await.expect(201);
        let end = self.end_of(&begun).await;
        assert_eq!(end["error"]["code"], "BadRequest", "{end}");
        assert_eq!(self.get(&registry(name)).await.expect(200).at(STATE), "Failed");
        end["error"]["message"].as_str().unwrap().to_owned()
    }

    async fn newest_one(&self) -> Value {
        let found = self.get(&format!("{}/keys/one", vault("main"))).await.expect(200);
        found.at("/properties/keyUriWithVersion").clone()
    }
}

#[tokio::test]
async fn a_registry_from_its_creation_to_its_end() {
    let azure = Azure::start().await;
    let made = azure.make_registry("Made1", &plain("Standard")).await;
    assert_eq!(made.at(STATE), "Succeeded");
    assert_eq!(made.at("/properties/loginServer"), "made1.azurecr.io");
    assert_eq!(
        made.at("/sku"),
        &json!({ "name": "Standard", "tier": "Standard" })
    );
    assert_eq!(made.at(ENCRYPTION), &json!({ "status": "disabled" }));
    let kept = azure
        .put(
            &registry("made1"),
            &json!({ "location": "West Europe", "sku": { "name": "Basic" } }),
        )
        .await
        .expect(200);
    assert_eq!(kept.at("/sku/tier"), "Basic");
    assert_eq!(kept.at("/properties/adminUserEnabled"), true);
    for scope in [SUBSCRIPTION, GROUP] {
        let list = azure.get(&format!("{scope}/providers/{KIND}")).await.expect(200);
        assert_eq!(list.at("/value").as_array().unwrap().len(), 1);
    }
    let other = format!("{SUBSCRIPTION}/resourceGroups/second");
    azure
        .put(&other, &json!({ "location": "westeurope" }))
        .await
        .expect(201);
    azure
        .put(&format!("{other}/providers/{KIND}/made1"), &plain("Basic"))
        .await
        .refused(
            409,
            "AlreadyInUse",
            "The registry DNS name made1.azurecr.io is already in use.",
        );

    let deleted = azure.delete(&registry("made1")).await.expect(202);
    assert_eq!(deleted.header("azure-asyncoperation"), "");
    while azure.get(deleted.header("location")).await.status != 204 {}
    azure.delete(&registry("made1")).await.expect(204);
    azure.get(&registry("made1")).await.expect(404);
}

#[tokio::test]
async fn a_creation_under_way() {
    let azure = Azure::with(&json!({ "operationSeconds": 3600 })).await;
    for _ in 0..2 {
        azure.put(&registry("made1"), &plain("Basic")).await.expect(201);
    }
    for answer in [
        azure.put(&registry("made1"), &plain("Premium")).await,
        azure.patch(&registry("made1"), &json!({ "tags": {} })).await,
        azure.delete(&registry("made1")).await,
    ] {
        answer.refused(409, "Conflict", "Another operation is in progress");
    }
}

#[tokio::test]
async fn a_key_comes_with_the_creation_alone_and_stays() {
    let azure = Azure::start().await;
    let keyed = azure.keyed_registry(&key("main", "one"), "hub-keys").await;
    let made = azure.make_registry("keyed", &keyed).await;
    let told = made.at(ENCRYPTION);
    assert_eq!(told["status"], "enabled");
    assert_eq!(told["keyVaultProperties"]["keyRotationEnabled"], true);
    assert_eq!(made.at(IN_USE), &azure.newest_one().await);
    azure.make_registry("plain", &plain("Premium")).await;

    // Azure's own words are not known.
    for answer in [
        azure
            .patch(
                &registry("plain"),
                &json!({ "identity": keyed["identity"], "properties": keyed["properties"] }),
            )
            .await,
        azure.put(&registry("plain"), &keyed).await,
        azure.patch(&registry("keyed"), &disabled()).await,
    ] {
        answer.refused(400, "BadRequest", "'properties.encryption' of the registry '");
    }
    azure
        .patch(&registry("keyed"), &json!({ "sku": { "name": "Standard" } }))
        .await
        .refused(400, "BadRequest", "it needs Premium");
    azure.settings(&json!({ "forbiddenChange": "Ignore" })).await;
    let after = azure.patch(&registry("keyed"), &disabled()).await.expect(200);
    assert_eq!(after.at(ENCRYPTION), told);
}

#[tokio::test]
async fn what_a_key_needs() {
    let azure = Azure::start().await;
    let hub_keys = azure.client_id("hub-keys").await;
    let mut basic = azure.keyed_registry(&key("main", "one"), "hub-keys").await;
    basic["sku"]["name"] = json!("Basic");
    azure
        .put(&registry("basic"), &basic)
        .await
        .refused(400, "BadRequest", "it needs Premium");
    let mut bare = plain("Basic");
    bare["properties"]["encryption"] = json!({ "status": "enabled" });
    azure.put(&registry("basic"), &bare).await.refused(
        400,
        "InvalidEncryptionKeyVaultProperties",
        "for registry basic. Property Identity and KeyIdentifier must be set when encryption is enabled.",
    );
    azure.get(&registry("basic")).await.expect(404);

    for (number, (url, fetcher, part)) in [
        (key("main", "one"), "no-role", "Failed to access KeyId '"),
        (key("main", "none"), "hub-keys", "Failed to access KeyId '"),
        (key("main", "blocked"), "hub-keys", "permission on key '"),
        (key("closed", "one"), "hub-keys", "Failed to access KeyId '"),
        (key("loose", "one"), "hub-keys", "purge protection"),
        (key("main", "curve"), "hub-keys", "RSA or RSA-HSM is needed"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = azure.keyed_registry(&url, fetcher).await;
        let said = azure.fail_registry(&format!("failed{number}"), &body).await;
        assert!(said.contains(part), "{url}: {said}");
    }
    let mut strange = azure.keyed_registry(&key("main", "one"), "hub-keys").await;
    strange["identity"] =
        json!({ "type": "UserAssigned", "userAssignedIdentities": { identity("no-role"): {} } });
    let said = azure.fail_registry("strange", &strange).await;
    assert!(
        said.contains(&format!("does not have access to identity '{hub_keys}'")),
        "{said}"
    );
    azure
        .patch(&registry("strange"), &json!({ "tags": {} }))
        .await
        .refused(409, "Conflict", "failed");
    let good = azure.keyed_registry(&key("main", "one"), "hub-keys").await;
    azure.make_registry("strange", &good).await;
}

#[tokio::test]
async fn the_key_changes_and_its_versions_are_followed() {
    let azure = Azure::start().await;
    let hub_keys = azure.client_id("hub-keys").await;
    let first = azure.newest_one().await;
    let first = first.as_str().unwrap();
    for (name, url) in [("following", key("main", "one")), ("pinned", first.to_owned())] {
        let body = azure.keyed_registry(&url, "hub-keys").await;
        azure.make_registry(name, &body).await;
    }
    let rotate = json!({ "key": format!("{}/keys/one", vault("main")), "action": "rotate" });
    azure.control("POST", "/keys", Some(&rotate)).await.expect(200);
    let in_use = async |name: &str| azure.get(&registry(name)).await.expect(200).at(IN_USE).clone();
    assert_eq!(in_use("following").await, first);
    // A storage account would look in 24 days.
    azure.settings(&json!({ "keyVersionSeconds": 24 * 86_400 })).await;
    for name in ["following", "pinned"] {
        let age = json!({ "resourceId": registry(name), "days": 1 });
        azure.control("POST", "/age", Some(&age)).await.expect(200);
    }
    assert_eq!(in_use("following").await, azure.newest_one().await);
    assert_eq!(in_use("pinned").await, first);

    let to = |url: &str, client: &str| json!({ "properties": encryption(url, client) });
    let follow = to(&key("main", "one"), &hub_keys);
    let after = azure.patch(&registry("pinned"), &follow).await.expect(200);
    assert_eq!(after.at(IN_USE), &azure.newest_one().await);
    let other = to(&key("other", "one"), &hub_keys);
    let after = azure.patch(&registry("pinned"), &other).await.expect(200);
    assert!(
        after
            .at(IN_USE)
            .as_str()
            .unwrap()
            .starts_with(&key("other", "one"))
    );
    let nobody = azure.client_id("no-role").await;
    azure
        .patch(&registry("pinned"), &to(&key("other", "one"), &nobody))
        .await
        .refused(400, "BadRequest", "Failed to access KeyId '");
    let alone = json!({ "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity("hub-keys"): null } } });
    azure.patch(&registry("pinned"), &alone).await.refused(
        400,
        "BadRequest",
        "does not have access to identity",
    );
}

#[tokio::test]
async fn seeded_with_rights_as_everywhere() {
    let azure = Azure::start().await;
    let body = azure.keyed_registry(&key("main", "one"), "no-role").await;
    let seed = json!({ "registries": [{ "id": registry("made1"), "body": body }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let made = azure
        .send("reader", "GET", &registry("made1"), None)
        .await
        .expect(200);
    assert_eq!(made.at(IN_USE), &azure.newest_one().await);
    for (method, body, verb) in [
        ("GET", None, "read"),
        ("PUT", Some(plain("Basic")), "write"),
        ("PATCH", Some(json!({ "tags": {} })), "write"),
        ("DELETE", None, "delete"),
    ] {
        azure
            .send("stranger", method, &registry("made1"), body.as_ref())
            .await
            .refused(403, "AuthorizationFailed", &format!("{KIND}/{verb}"));
    }
}
