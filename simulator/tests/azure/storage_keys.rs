//! Keys of storage accounts: both ways at any time, what makes one unusable, and how a newer version comes.

use serde_json::{Value, json};

use crate::common::{Azure, ENCRYPTION_USER, GROUP, assignment, grant, identity, key, storage, vault};
use crate::storage_accounts::plain;

const KEY: &str = "/properties/encryption/keyvaultproperties";

fn vault_uri(name: &str) -> String {
    key(name, "").replace("/keys/", "/")
}

/// A change to a key, fetched by an identity of the account, or by its own.
fn change(vault: &str, name: &str, fetcher: Option<&str>) -> Value {
    let mut encryption = json!({
        "keySource": "Microsoft.Keyvault",
        "keyvaultproperties": { "keyvaulturi": vault_uri(vault), "keyname": name },
    });
    if let Some(fetcher) = fetcher {
        encryption["identity"] = json!({ "userAssignedIdentity": identity(fetcher) });
    }
    json!({ "properties": { "encryption": encryption } })
}

/// An account that has two identities.
fn with_identities() -> Value {
    let mut body = plain();
    body["identity"] = json!({ "type": "UserAssigned",
        "userAssignedIdentities": { identity("hub-keys"): {}, identity("no-role"): {} } });
    body
}

fn keyed(vault: &str, name: &str) -> Value {
    let mut body = with_identities();
    let change = change(vault, name, Some("hub-keys"));
    body["properties"]["encryption"] = change["properties"]["encryption"].clone();
    body
}

/// The URL of the newest version of a key.
async fn newest(azure: &Azure, vault_name: &str, name: &str) -> String {
    let found = azure
        .get(&format!("{}/keys/{name}", vault(vault_name)))
        .await
        .expect(200);
    found
        .at("/properties/keyUriWithVersion")
        .as_str()
        .unwrap()
        .to_owned()
}

async fn to_key(azure: &Azure, name: &str, action: Value) {
    let change = json!({ "key": format!("{}/keys/{name}", vault("main")), "action": action });
    azure.control("POST", "/keys", Some(&change)).await.expect(200);
}

#[tokio::test]
async fn a_key_at_creation_needs_an_identity_that_is_there() {
    let azure = Azure::start().await;
    let made = azure.make_storage("made", &keyed("main", "one")).await;
    let encryption = &made["properties"]["encryption"];
    assert_eq!(encryption["keySource"], "Microsoft.Keyvault");
    assert_eq!(
        encryption["identity"]["userAssignedIdentity"],
        identity("hub-keys")
    );
    let key = made.pointer(KEY).unwrap();
    assert_eq!(
        key["currentVersionedKeyIdentifier"],
        newest(&azure, "main", "one").await
    );
    assert_eq!(key["keyversion"], Value::Null);
    assert_eq!(
        key["currentVersionedKeyExpirationTimestamp"],
        "1970-01-01T00:00:00Z"
    );

    let mut body = plain();
    body["identity"] = json!({ "type": "SystemAssigned" });
    body["properties"]["encryption"] = change("main", "one", None)["properties"]["encryption"].clone();
    azure
        .put(&storage("other"), &body)
        .await
        .refused(400, "BadRequest", "Missing pre-requisites");
    azure.get(&storage("other")).await.expect(404);
}

#[tokio::test]
async fn the_system_assigned_identity_comes_first() {
    let azure = Azure::start().await;
    let mut body = plain();
    body["identity"] = json!({ "type": "SystemAssigned" });
    let made = azure.make_storage("made", &body).await;
    let one = change("main", "one", None);
    azure.patch(&storage("made"), &one).await.refused(
        403,
        "KeyVaultAuthenticationFailure",
        "authentication issue",
    );
    let role = grant(ENCRYPTION_USER, made["identity"]["principalId"].as_str().unwrap());
    azure.put(&assignment(&vault("main"), 1), &role).await.expect(201);
    let after = azure.patch(&storage("made"), &one).await.expect(200);
    assert_eq!(after.at("/properties/encryption/keySource"), "Microsoft.Keyvault");
}

#[tokio::test]
async fn there_and_back_at_any_time() {
    let azure = Azure::start().await;
    azure.make_storage("made", &with_identities()).await;
    // The vault may be in another region, or another one later.
    for name in ["away", "main"] {
        let after = azure
            .patch(&storage("made"), &change(name, "one", Some("hub-keys")))
            .await
            .expect(200);
        let current = after.at(&format!("{KEY}/currentVersionedKeyIdentifier"));
        assert_eq!(current, newest(&azure, name, "one").await.as_str());
    }
    let source = |source: &str| json!({ "properties": { "encryption": { "keySource": source } } });
    let after = azure
        .patch(&storage("made"), &source("Microsoft.Storage"))
        .await
        .expect(200);
    assert_eq!(after.at("/properties/encryption/keySource"), "Microsoft.Storage");
    assert_eq!(after.at(KEY), &Value::Null);
    assert_eq!(after.at("/properties/encryption/identity"), &Value::Null);

    azure
        .patch(&storage("made"), &source("Microsoft.Keyvault"))
        .await
        .refused(400, "BadRequest", "keyvaulturi");
    let mut without = change("main", "one", Some("hub-keys"));
    without["properties"]["encryption"]
        .as_object_mut()
        .unwrap()
        .remove("keySource");
    azure
        .patch(&storage("made"), &without)
        .await
        .refused(400, "MissingEncryptionKeySource", "KeySource");
    // What an account has is merged with what is said.
    azure
        .patch(&storage("made"), &change("main", "one", Some("hub-keys")))
        .await
        .expect(200);
    let two = json!({ "properties": { "encryption": { "keyvaultproperties": { "keyname": "two" } } } });
    let after = azure.patch(&storage("made"), &two).await.expect(200);
    assert_eq!(
        after.at(&format!("{KEY}/keyvaulturi")),
        vault_uri("main").as_str()
    );
    let current = after.at(&format!("{KEY}/currentVersionedKeyIdentifier"));
    assert_eq!(current, newest(&azure, "main", "two").await.as_str());
}

#[tokio::test]
async fn what_makes_a_key_unusable() {
    let azure = Azure::start().await;
    let tiny = json!({ "vaults": [{ "id": vault("new"), "location": "westeurope",
        "keys": [{ "name": "one", "keySize": 1024 }] }] });
    azure.control("POST", "/seed", Some(&tiny)).await.expect(200);
    azure.make_storage("made", &with_identities()).await;
    let (good, bad) = (Some("hub-keys"), Some("no-role"));
    let authentication = "KeyVaultAuthenticationFailure";
    let policy = "KeyVaultPolicyError";
    for (vault, key, fetcher, status, code, part) in [
        (
            "loose",
            "one",
            good,
            409,
            policy,
            "Keyvault policy recoverable is not set",
        ),
        ("main", "one", bad, 403, authentication, "authentication issue"),
        (
            "main",
            "blocked",
            good,
            403,
            authentication,
            "authentication issue",
        ),
        ("main", "ended", good, 403, authentication, "authentication issue"),
        (
            "main",
            "not-yet",
            good,
            403,
            authentication,
            "authentication issue",
        ),
        ("closed", "one", good, 403, authentication, "authentication issue"),
        ("absent", "one", good, 400, "BadRequest", "no key vault"),
        ("foreign", "one", good, 400, "BadRequest", "tenant"),
        ("main", "none", good, 400, "BadRequest", "not found"),
        ("main", "curve", good, 400, "BadRequest", "type EC"),
        ("new", "one", good, 400, "BadRequest", "1024 bits"),
        ("main", "one", None, 400, "BadRequest", "Missing pre-requisites"),
        (
            "main",
            "one",
            Some("absent"),
            400,
            "BadRequest",
            "Missing pre-requisites",
        ),
    ] {
        azure
            .patch(&storage("made"), &change(vault, key, fetcher))
            .await
            .refused(status, code, part);
    }
    let after = azure.get(&storage("made")).await.expect(200);
    assert_eq!(after.at("/properties/encryption/keySource"), "Microsoft.Storage");
    azure
        .settings(&json!({ "storageAccounts": { "keyRefused": "BadRequest" } }))
        .await;
    for (vault, fetcher, code) in [("loose", good, policy), ("main", bad, authentication)] {
        azure
            .patch(&storage("made"), &change(vault, "one", fetcher))
            .await
            .refused(400, code, "");
    }
}

#[tokio::test]
async fn a_creation_looks_again_at_its_end() {
    let azure = Azure::with(&json!({ "operationSeconds": 0.5 })).await;
    let accepted = azure
        .put(&storage("made"), &keyed("main", "one"))
        .await
        .expect(202);
    to_key(&azure, "one", json!("disable")).await;
    azure
        .located(&accepted)
        .await
        .refused(403, "KeyVaultAuthenticationFailure", "");
    azure.get(&storage("made")).await.expect(404);
}

#[tokio::test]
async fn an_expired_key_goes_on_and_is_not_set_anew() {
    let azure = Azure::start().await;
    azure.make_storage("made", &keyed("main", "one")).await;
    azure.make_storage("plain", &with_identities()).await;
    to_key(&azure, "one", json!({ "expire": 1_000_000_000 })).await;
    let after = azure
        .patch(&storage("made"), &json!({ "tags": { "a": "b" } }))
        .await
        .expect(200);
    assert_eq!(after.at("/properties/encryption/keySource"), "Microsoft.Keyvault");
    azure
        .patch(&storage("plain"), &change("main", "one", Some("hub-keys")))
        .await
        .refused(403, "KeyVaultAuthenticationFailure", "authentication issue");
}

#[tokio::test]
async fn without_a_version_the_newest_is_found_once_a_day() {
    let azure = Azure::start().await;
    azure.make_storage("following", &keyed("main", "one")).await;
    let old = newest(&azure, "main", "one").await;
    let mut pinned = keyed("main", "one");
    pinned["properties"]["encryption"]["keyvaultproperties"]["keyversion"] = json!(old.rsplit('/').next());
    azure.make_storage("pinned", &pinned).await;
    to_key(&azure, "one", json!("rotate")).await;
    let new = newest(&azure, "main", "one").await;
    assert_ne!(new, old);
    let current = async |name: &str| {
        let account = azure.get(&storage(name)).await.expect(200);
        let key = account.at(KEY).clone();
        (
            key["currentVersionedKeyIdentifier"].as_str().unwrap().to_owned(),
            key["lastKeyRotationTimestamp"].as_str().unwrap().to_owned(),
        )
    };
    let (before, set_at) = current("following").await;
    assert_eq!(before, old);
    for name in ["following", "pinned"] {
        let age = json!({ "resourceId": storage(name), "days": 1 });
        azure.control("POST", "/age", Some(&age)).await.expect(200);
    }
    let (after, rotated_at) = current("following").await;
    assert_eq!(after, new);
    assert!(rotated_at > set_at, "{rotated_at} {set_at}");
    assert_eq!(current("pinned").await.0, old);

    // A list shows it too; and a version that cannot be used is not followed.
    azure.settings(&json!({ "keyVersionSeconds": 0 })).await;
    to_key(&azure, "one", json!("rotate")).await;
    to_key(&azure, "one", json!("disable")).await;
    assert_eq!(current("following").await.0, new);
    to_key(&azure, "one", json!("enable")).await;
    let list = azure
        .get(&format!("{GROUP}/providers/Microsoft.Storage/storageAccounts"))
        .await
        .expect(200);
    let items = list.at("/value").as_array().unwrap();
    let listed = items.iter().find(|one| one["name"] == "following").unwrap();
    let listed = listed.pointer(KEY).unwrap();
    assert_eq!(
        listed["currentVersionedKeyIdentifier"],
        newest(&azure, "main", "one").await
    );
    // From a version to none leads only an empty one.
    let follow = json!({ "properties": { "encryption": { "keyvaultproperties": { "keyversion": "" } } } });
    azure.patch(&storage("pinned"), &follow).await.expect(200);
    assert_eq!(current("pinned").await.0, newest(&azure, "main", "one").await);
}
