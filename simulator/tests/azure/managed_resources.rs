//! What is in a managed resource group: it names the hub's key, nobody but Microsoft writes to it, and it can be tampered with.

use serde_json::{Value, json};

use crate::common::{Azure, hub, key, managed_group, vault, workspace};

const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const SEARCH: &str = "Microsoft.Search/searchServices";
const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
const KEY: &str = "/properties/encryption/keyvaultproperties";
const SOURCE: &str = "/properties/encryption/keySource";

/// The resource of a type in a hub's group.
async fn inside(azure: &Azure, hub: &Value, kind: &str) -> Value {
    let list = azure
        .get(&format!("{}/providers/{kind}", managed_group(hub)))
        .await
        .expect(200);
    let items = list.at("/value").as_array().unwrap();
    assert_eq!(items.len(), 1, "{}", list.text);
    azure.get(items[0]["id"].as_str().unwrap()).await.expect(200).body
}

async fn version(azure: &Azure, name: &str) -> String {
    let found = azure
        .get(&format!("{}/keys/{name}", vault("main")))
        .await
        .expect(200);
    let url = found.at("/properties/keyUriWithVersion").as_str().unwrap();
    url.rsplit('/').next().unwrap().to_owned()
}

/// A hub with the version of a key that is the newest now.
async fn pinned(azure: &Azure, name: &str) -> (Value, String) {
    let version = version(azure, name).await;
    let url = format!("{}/{version}", key("main", name));
    (hub("main", &format!("{name}/{version}")), url)
}

#[tokio::test]
async fn they_name_the_hubs_key() {
    let azure = Azure::start().await;
    let (body, url) = pinned(&azure, "one").await;
    let hub = azure.create("hub", &body).await;
    let version = url.rsplit('/').next().unwrap();
    let storage = inside(&azure, &hub, STORAGE).await;
    assert_eq!(storage.pointer(SOURCE).unwrap(), "Microsoft.Keyvault");
    let found = storage.pointer(KEY).unwrap();
    assert_eq!(found["keyvaulturi"], key("main", "").replace("/keys/", "/"));
    assert_eq!(found["keyname"], "one");
    assert_eq!(found["keyversion"], version);
    assert_eq!(found["currentVersionedKeyIdentifier"], url);
    let cosmos = inside(&azure, &hub, COSMOS).await;
    assert_eq!(cosmos["properties"]["keyVaultKeyUri"], key("main", "one"));
    assert_eq!(cosmos["properties"]["keyVaultKeyUriVersion"], version);
    let status = &cosmos["properties"]["customerManagedKeyStatus"];
    assert_eq!(status, "Access to the configured customer managed key confirmed.");
    let search = inside(&azure, &hub, SEARCH).await;
    let encryption = &search["properties"]["encryptionWithCmk"];
    assert_eq!(encryption["enforcement"], "Enabled");
    assert_eq!(encryption["encryptionComplianceStatus"], "Compliant");
}

#[tokio::test]
async fn a_hub_whose_key_has_no_version() {
    let azure = Azure::start().await;
    let hub = azure.create("hub", &hub("main", "one")).await;
    let storage = inside(&azure, &hub, STORAGE).await;
    let found = storage.pointer(KEY).unwrap();
    assert_eq!(found["keyversion"], Value::Null);
    let url = format!("{}/{}", key("main", "one"), version(&azure, "one").await);
    assert_eq!(found["currentVersionedKeyIdentifier"], url);
    let cosmos = inside(&azure, &hub, COSMOS).await;
    assert_eq!(cosmos["properties"]["keyVaultKeyUri"], key("main", "one"));
    // Both follow the newest version, as anywhere else.
    azure.settings(&json!({ "keyVersionSeconds": 0 })).await;
    let rotate = json!({ "key": format!("{}/keys/one", vault("main")), "action": "rotate" });
    azure.control("POST", "/keys", Some(&rotate)).await.expect(200);
    let newest = version(&azure, "one").await;
    let storage = inside(&azure, &hub, STORAGE).await;
    let found = &storage.pointer(KEY).unwrap()["currentVersionedKeyIdentifier"];
    assert_eq!(found, &format!("{}/{newest}", key("main", "one")));
    let cosmos = inside(&azure, &hub, COSMOS).await;
    assert_eq!(cosmos["properties"]["keyVaultKeyUriVersion"], newest);
}

#[tokio::test]
async fn they_follow_the_hub_to_another_key() {
    for follows in [true, false] {
        let azure = Azure::with(&json!({ "managedGroupFollowsKey": follows })).await;
        let (body, _) = pinned(&azure, "one").await;
        let hub = azure.create("hub", &body).await;
        let url = format!("{}/{}", key("main", "two"), version(&azure, "two").await);
        let change =
            json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": url } } } });
        let accepted = azure.patch(&workspace("hub"), &change).await.expect(202);
        assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
        let storage = inside(&azure, &hub, STORAGE).await;
        let cosmos = inside(&azure, &hub, COSMOS).await;
        let name = if follows { "two" } else { "one" };
        assert_eq!(storage.pointer(KEY).unwrap()["keyname"], name);
        assert_eq!(cosmos["properties"]["keyVaultKeyUri"], key("main", name));
        if follows {
            assert_eq!(
                storage.pointer(KEY).unwrap()["currentVersionedKeyIdentifier"],
                url
            );
        }
    }
}

#[tokio::test]
async fn the_search_service_can_be_led_astray_too() {
    let azure = Azure::start().await;
    let hub = azure.create("hub", &hub("main", "one")).await;
    let id = inside(&azure, &hub, SEARCH).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let off = json!({ "properties": { "encryptionWithCmk": { "enforcement": "Disabled" } } });
    azure
        .patch(&id, &off)
        .await
        .refused(403, "DenyAssignmentAuthorizationFailed", "Machine Learning");
    azure
        .send("microsoft", "PATCH", &id, Some(&off))
        .await
        .expect(200);
    let after = azure.get(&id).await.expect(200);
    assert_eq!(after.at("/properties/encryptionWithCmk/enforcement"), "Disabled");
}

#[tokio::test]
async fn only_microsoft_tampers_with_them() {
    let azure = Azure::start().await;
    let hub = azure.create("hub", &hub("main", "one")).await;
    let id = inside(&azure, &hub, STORAGE).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let back = json!({ "properties": { "encryption": { "keySource": "Microsoft.Storage" } } });
    azure
        .patch(&id, &back)
        .await
        .refused(403, "DenyAssignmentAuthorizationFailed", "Machine Learning");
    azure.send("stranger", "GET", &id, None).await.refused(
        403,
        "AuthorizationFailed",
        "Microsoft.Storage/storageAccounts/read",
    );
    azure.send("reader", "GET", &id, None).await.expect(200);
    let other = json!({ "properties": { "encryption": { "keyvaultproperties": { "keyname": "two" } } } });
    let after = azure
        .send("microsoft", "PATCH", &id, Some(&other))
        .await
        .expect(200);
    assert_eq!(after.at(KEY)["keyname"], "two");
    azure
        .send("microsoft", "PATCH", &id, Some(&back))
        .await
        .expect(200);
    let after = azure.get(&id).await.expect(200);
    assert_eq!(after.at(SOURCE), "Microsoft.Storage");
    // A change of the hub's key does not bring it back.
    let change = json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": key("main", "two") } } } });
    let accepted = azure.patch(&workspace("hub"), &change).await.expect(202);
    azure.finish(&accepted).await;
    assert_eq!(azure.get(&id).await.at(SOURCE), "Microsoft.Storage");
    let cosmos = inside(&azure, &hub, COSMOS).await;
    assert_eq!(cosmos["properties"]["keyVaultKeyUri"], key("main", "two"));
}
