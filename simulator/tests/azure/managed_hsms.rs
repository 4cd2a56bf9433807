//! Managed HSMs: read by Azure Resource Manager, and keys of accounts.

use serde_json::{Value, json};

use crate::account_requests::{account, change, own, plain};
use crate::common::{Azure, ENCRYPTION_USER, GROUP, HUB_KEYS, TENANT, assert_has, assignment, grant, port};

fn hsm(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.KeyVault/managedHSMs/{name}")
}

fn seeded(name: &str, properties: &Value) -> Value {
    json!({ "id": hsm(name), "location": "westeurope", "properties": properties,
        "keys": [{ "name": "one", "versions": 2 }, { "name": "curve", "kty": "EC-HSM", "keySize": 256 }] })
}

fn role(name: &str, principal: &str, role: &str, scope: &str) -> Value {
    json!({ "hsm": hsm(name), "principal": principal, "role": role, "scope": scope })
}

async fn seed(azure: &Azure, seed: &Value) {
    azure.control("POST", "/seed", Some(seed)).await.expect(200);
}

/// With an HSM that is as it should be, and two that are not.
async fn start(settings: &Value) -> Azure {
    let azure = Azure::with(settings).await;
    let asleep = json!({ "securityDomainProperties": { "activationStatus": "NotActivated" } });
    let roles = ["asleep", "loose"].map(|one| role(one, "hub-keys", "Managed HSM Crypto User", "/"));
    let seed_of = json!({
        "managedHsms": [
            seeded("pool", &json!({})),
            seeded("asleep", &asleep),
            seeded("loose", &json!({ "enablePurgeProtection": false })),
        ],
        "hsmRoleAssignments": roles,
    });
    seed(&azure, &seed_of).await;
    azure
}

async fn keyed(azure: &Azure, hsm: &str, key: &str) -> Value {
    let mut encryption = own("main", key, &azure.client_id("hub-keys").await);
    encryption["keyVaultProperties"]["keyVaultUri"] =
        json!(format!("https://{hsm}.managedhsm.localhost:{}/", port()));
    encryption
}

#[tokio::test]
async fn an_hsm_and_its_keys_as_they_are_read() {
    let azure = start(&json!({})).await;
    let found = azure.get(&hsm("POOL")).await.expect(200);
    assert_eq!(found.at("/type"), "Microsoft.KeyVault/managedHSMs");
    assert_eq!(found.at("/properties/tenantId"), TENANT);
    assert_eq!(
        found.at("/properties/securityDomainProperties/activationStatus"),
        "Active"
    );
    let uri = format!("https://pool.managedhsm.localhost:{}/", port());
    assert_eq!(found.at("/properties/hsmUri"), &json!(uri));
    assert_eq!(found.at("/properties/vaultUri"), &Value::Null);

    let key = azure.get(&format!("{}/keys/one", hsm("pool"))).await.expect(200);
    assert_eq!(key.at("/type"), "Microsoft.KeyVault/managedHSMs/keys");
    assert_eq!(key.at("/properties/kty"), "RSA-HSM");
    assert_eq!(key.at("/properties/keyUri"), &json!(format!("{uri}keys/one")));
    assert_eq!(key.at("/properties/attributes/recoveryLevel"), "Recoverable");
    assert_eq!(key.at("/location"), &Value::Null);
    let versions = azure
        .get(&format!("{}/keys/one/versions", hsm("pool")))
        .await
        .expect(200);
    assert_eq!(versions.at("/value").as_array().unwrap().len(), 2);
    let kind = "Microsoft.KeyVault/managedHSMs/keys/versions";
    assert_eq!(versions.at("/value/0/type"), kind);
    let all = azure
        .get(&format!("{GROUP}/providers/Microsoft.KeyVault/managedHSMs"))
        .await
        .expect(200);
    assert_eq!(all.at("/value").as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_can_be_written() {
    let azure = start(&json!({})).await;
    let protect = json!({ "properties": { "enablePurgeProtection": true } });
    let after = azure.patch(&hsm("loose"), &protect).await.expect(200);
    assert_eq!(after.at("/properties/enablePurgeProtection"), true);
    let off = json!({ "properties": { "enablePurgeProtection": false } });
    azure
        .patch(&hsm("loose"), &off)
        .await
        .refused(400, "BadRequest", "irreversible");
    let new = json!({ "location": "westeurope", "properties": {} });
    azure
        .put(&hsm("new"), &new)
        .await
        .refused(400, "BadRequest", "of its seed alone");
    azure
        .delete(&hsm("pool"))
        .await
        .refused(405, "MethodNotAllowed", "managed HSMs");

    let key = json!({ "properties": { "keySize": 2048 } });
    let made = azure
        .put(&format!("{}/keys/new", hsm("pool")), &key)
        .await
        .expect(200);
    assert_eq!(made.at("/properties/kty"), "RSA-HSM");
    let asleep = azure.put(&format!("{}/keys/new", hsm("asleep")), &key).await;
    asleep.refused(400, "BadRequest", "is not activated");
}

#[tokio::test]
async fn only_the_hsms_own_roles_count() {
    let azure = start(&json!({})).await;
    let mut body = plain();
    body["properties"]["encryption"] = keyed(&azure, "pool", "one").await;
    // A role of Resource Manager gives nothing; nor does a local one that does not unwrap, or one at another key.
    azure
        .put(&assignment(&hsm("pool"), 1), &grant(ENCRYPTION_USER, HUB_KEYS))
        .await
        .expect(201);
    let of = |role_name: &str, scope: &str| role("pool", "hub-keys", role_name, scope);
    let others = json!({ "hsmRoleAssignments":
        [of("Managed HSM Crypto Auditor", "/keys"), of("Managed HSM Crypto User", "/keys/curve")] });
    seed(&azure, &others).await;
    let begun = azure.put(&account("ai"), &body).await.expect(201);
    let (code, message) = azure.failure(&begun).await;
    assert_eq!(code, "Forbidden");
    assert_has(
        &message,
        &format!("object id {HUB_KEYS} lacks wrap, unwrap on the key"),
    );

    let own_role = role("pool", HUB_KEYS, "Managed HSM Crypto User", "/keys/one");
    seed(&azure, &json!({ "hsmRoleAssignments": [own_role] })).await;
    let made = azure.make("ai", &body).await;
    assert_eq!(made["properties"]["encryption"], body["properties"]["encryption"]);
    // No answer of Resource Manager has it.
    let path = format!(
        "{}/keys/one/providers/Microsoft.Authorization/roleAssignments",
        hsm("pool")
    );
    let listed = azure.get(&path).await.expect(200).text;
    assert_has(&listed, ENCRYPTION_USER);
    assert!(
        !listed.contains("Crypto User") && !listed.contains("/keys/one\""),
        "{listed}"
    );
}

#[tokio::test]
async fn what_makes_a_key_of_an_hsm_unusable() {
    let azure = start(&json!({})).await;
    let all = role(
        "pool",
        "hub-keys",
        "Managed HSM Crypto Service Encryption User",
        "/",
    );
    seed(&azure, &json!({ "hsmRoleAssignments": [all] })).await;
    azure.make("ai", &plain()).await;
    for (hsm, key, code, part) in [
        ("absent", "one", "BadRequest", "Key store not found"),
        ("asleep", "one", "BadRequest", "is not activated"),
        ("loose", "one", "BadRequest", "recoverable and not purgeable"),
        ("pool", "none", "BadRequest", "KeyNotFound"),
        ("pool", "curve", "BadRequest", "Key version not supported"),
    ] {
        let wanted = change(&keyed(&azure, hsm, key).await);
        let begun = azure.patch(&account("ai"), &wanted).await.expect(202);
        let (found, message) = azure.failure(&begun).await;
        assert_eq!(found, code, "{hsm} {key}: {message}");
        assert_has(&message, part);
    }
    let wanted = change(&keyed(&azure, "pool", "one").await);
    let begun = azure.patch(&account("ai"), &wanted).await.expect(202);
    azure.done("ai", &begun).await;
    // A vault of whatever name is another key store.
    let vault = change(&own("main", "one", &azure.client_id("hub-keys").await));
    azure
        .patch(&account("ai"), &vault)
        .await
        .refused(400, "BadRequest", "keyVaultUri");
}

#[tokio::test]
async fn an_account_of_azure_openai() {
    let azure = start(&json!({ "accounts": { "openAiUserAssigned": true } })).await;
    let all = role("pool", "hub-keys", "Managed HSM Crypto User", "/");
    seed(&azure, &json!({ "hsmRoleAssignments": [all] })).await;
    let mut body = plain();
    body["kind"] = json!("OpenAI");
    body["properties"]["encryption"] = keyed(&azure, "pool", "one").await;
    let begun = azure.put(&account("ai"), &body).await.expect(201);
    assert_has(&azure.failure(&begun).await.1, "takes no key of a managed HSM");
    azure
        .settings(&json!({ "accounts": { "openAiManagedHsm": true } }))
        .await;
    azure.make("ai", &body).await;
    azure
        .settings(&json!({ "accounts": { "openAiAccessPoliciesOnly": true } }))
        .await;
    let begun = azure.put(&account("policies"), &body).await.expect(201);
    assert_has(&azure.failure(&begun).await.1, "lacks get, wrap, unwrap");
}

#[tokio::test]
async fn wrong_seeds_say_where() {
    let azure = start(&json!({})).await;
    let vault = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/main");
    for (seed, part) in [
        (
            json!({ "managedHsms": [{ "id": vault, "location": "x" }] }),
            "is not the ARM id of a managed HSM",
        ),
        (
            json!({ "hsmRoleAssignments": [role("pool", "hub-keys", "King", "/")] }),
            "no local role King",
        ),
        (
            json!({ "hsmRoleAssignments": [role("pool", "nobody", "Managed HSM Crypto User", "/")] }),
            "no principal nobody",
        ),
    ] {
        let answer = azure.control("POST", "/seed", Some(&seed)).await.expect(400);
        assert_has(&answer.text, part);
    }
}
