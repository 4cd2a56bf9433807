//! Keys of accounts: what is looked at inside the operation, and what can be changed.

use serde_json::{Value, json};

use crate::account_requests::{account, change, microsofts, own, plain, vault_uri};
use crate::common::{Azure, ENCRYPTION_USER, GROUP, assert_has, assignment, grant, vault};

const NAME: &str = "/properties/encryption/keyVaultProperties/keyName";

fn key_of(account: &Value) -> &Value {
    account.pointer(NAME).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_key_at_creation_needs_one_request_with_an_identity_that_is_there() {
    let azure = Azure::start().await;
    let body = azure.keyed("main", "one").await;
    let made = azure.make("ai", &body).await;
    assert_eq!(made["properties"]["encryption"], body["properties"]["encryption"]);
}

#[tokio::test]
async fn the_system_assigned_identity_needs_two() {
    let azure = Azure::start().await;
    let mut body = plain();
    body["identity"] = json!({ "type": "SystemAssigned" });
    let mut keyed = body.clone();
    keyed["properties"]["encryption"] = own("main", "one", "");
    let begun = azure.put(&account("ai"), &keyed).await.expect(201);
    let (code, message) = azure.failure(&begun).await;
    assert_eq!(code, "Forbidden");
    assert_has(&message, "lacks get, wrap, unwrap on the key");
    let failed = azure.get(&account("ai")).await.expect(200);
    assert_eq!(failed.at("/properties/provisioningState"), "Failed");
    let principal = failed.at("/identity/principalId").clone();

    let made = azure.make("ai", &body).await;
    assert_eq!(made["identity"]["principalId"], principal);
    assert_eq!(made["properties"].get("encryption"), None);
    let role = grant(ENCRYPTION_USER, principal.as_str().unwrap());
    azure.put(&assignment(&vault("main"), 1), &role).await.expect(201);
    let begun = azure
        .patch(&account("ai"), &change(&own("main", "one", "")))
        .await
        .expect(202);
    assert_eq!(begun.at("/properties/provisioningState"), "Accepted");
    // Until then the key is the old one.
    assert_eq!(begun.at(NAME), &Value::Null);
    assert_eq!(key_of(&azure.done("ai", &begun).await), "one");
}

#[tokio::test]
async fn what_makes_a_key_unusable() {
    let azure = Azure::start().await;
    let tiny = json!({ "vaults": [{ "id": vault("new"), "location": "westeurope",
        "keys": [{ "name": "one", "keySize": 1024 }] }] });
    azure.control("POST", "/seed", Some(&tiny)).await.expect(200);
    let (good, bad) = (
        azure.client_id("hub-keys").await,
        azure.client_id("no-role").await,
    );
    azure.make("ai", &plain()).await;
    let bad_request = "BadRequest";
    for (vault, key, client, code, part) in [
        ("absent", "one", &good, bad_request, "Key store not found"),
        ("away", "one", &good, bad_request, "Key store not found"),
        (
            "loose",
            "one",
            &good,
            bad_request,
            "The encryption key must be recoverable and not purgeable",
        ),
        ("foreign", "one", &good, bad_request, "tenant"),
        ("closed", "one", &good, "Forbidden", "ForbiddenByFirewall"),
        ("main", "none", &good, bad_request, "KeyNotFound"),
        ("main", "blocked", &good, "Forbidden", "KeyDisabled"),
        ("main", "ended", &good, "Forbidden", "expired"),
        ("main", "not-yet", &good, "Forbidden", "not yet valid"),
        ("main", "curve", &good, bad_request, "Key version not supported"),
        ("new", "one", &good, bad_request, "Key version not supported"),
        ("main", "one", &bad, "Forbidden", "lacks get, wrap, unwrap"),
        (
            "main",
            "one",
            &"33333333-0000-0000-0000-000000000001".to_owned(),
            bad_request,
            "KeyVaultProperties is invalid",
        ),
        ("main", "", &good, bad_request, "KeyVaultProperties is invalid"),
    ] {
        let encryption = change(&own(vault, key, client));
        let begun = azure.patch(&account("ai"), &encryption).await.expect(202);
        let (found, message) = azure.failure(&begun).await;
        assert_eq!(found, code, "{vault} {key}: {message}");
        assert_has(&message, part);
        let after = azure.get(&account("ai")).await.expect(200);
        assert_eq!(after.at("/properties/provisioningState"), "Succeeded");
        assert_eq!(after.at("/properties/encryption"), &Value::Null);
    }
    // Private, with trusted services let in; and by access policy.
    for (vault, client) in [("trusting", &good), ("policies", &bad)] {
        let mut body = plain();
        body["properties"]["encryption"] = own(vault, "one", client);
        azure.make(vault, &body).await;
    }
}

#[tokio::test]
async fn a_failed_change_leaves_the_old_key() {
    let azure = Azure::with(&json!({ "failedChangeLeaves": "Failed" })).await;
    azure.make("ai", &azure.keyed("main", "one").await).await;
    let blocked = change(&json!({ "keyVaultProperties": { "keyName": "blocked" } }));
    let begun = azure.patch(&account("ai"), &blocked).await.expect(202);
    azure.failure(&begun).await;
    let after = azure.get(&account("ai")).await.expect(200);
    assert_eq!(after.at("/properties/provisioningState"), "Failed");
    assert_eq!(after.at(NAME), "one");
}

#[tokio::test]
async fn other_keys_and_versions_of_the_vault() {
    let azure = Azure::start().await;
    let client = azure.client_id("hub-keys").await;
    azure.make("ai", &azure.keyed("main", "one").await).await;
    // The same key in other words is no change.
    let mut same = own("main", "ONE", &client);
    same["keyVaultProperties"]
        .as_object_mut()
        .unwrap()
        .remove("keyVersion");
    azure.patch(&account("ai"), &change(&same)).await.expect(200);
    azure
        .patch(&account("ai"), &json!({ "tags": { "a": "b" } }))
        .await
        .expect(200);

    let mut body = azure.keyed("main", "two").await;
    let begun = azure.put(&account("ai"), &body).await.expect(200);
    assert_eq!(begun.at("/properties/provisioningState"), "Accepted");
    assert_eq!(key_of(&azure.done("ai", &begun).await), "two");

    let versions = azure
        .get(&format!("{}/keys/one/versions", vault("main")))
        .await
        .expect(200);
    let version = versions.at("/value/0/name").as_str().unwrap();
    body["properties"]["encryption"]["keyVaultProperties"]["keyName"] = json!("one");
    body["properties"]["encryption"]["keyVaultProperties"]["keyVersion"] = json!(version);
    let begun = azure.put(&account("ai"), &body).await.expect(200);
    let pinned = azure.done("ai", &begun).await;
    let found = "/properties/encryption/keyVaultProperties/keyVersion";
    assert_eq!(pinned.pointer(found).unwrap(), version);

    // A PATCH merges: what is left out stays, and empty is none.
    let named = |version: Value| change(&json!({ "keyVaultProperties": version }));
    let key = named(json!({ "keyVaultUri": vault_uri("main"), "keyName": "one" }));
    azure.patch(&account("ai"), &key).await.expect(200);
    let begun = azure
        .patch(&account("ai"), &named(json!({ "keyVersion": "" })))
        .await
        .expect(202);
    let followed = azure.done("ai", &begun).await;
    assert_eq!(followed.pointer(found).unwrap(), "");
    let begun = azure
        .patch(&account("ai"), &named(json!({ "keyVersion": "0".repeat(32) })))
        .await
        .expect(202);
    assert_has(&azure.failure(&begun).await.1, "KeyNotFound");
}

#[tokio::test]
async fn a_patch_that_replaces() {
    let azure = Azure::start().await;
    let mut body = azure.keyed("main", "one").await;
    let versions = azure
        .get(&format!("{}/keys/one/versions", vault("main")))
        .await
        .expect(200);
    let version = versions.at("/value/0/name").clone();
    body["properties"]["encryption"]["keyVaultProperties"]["keyVersion"] = version;
    azure.make("ai", &body).await;
    azure
        .settings(&json!({ "accounts": { "patchReplacesEncryption": true } }))
        .await;
    let client = azure.client_id("hub-keys").await;
    let mut follow = own("main", "one", &client);
    follow["keyVaultProperties"]
        .as_object_mut()
        .unwrap()
        .remove("keyVersion");
    let begun = azure.patch(&account("ai"), &change(&follow)).await.expect(202);
    let after = azure.done("ai", &begun).await;
    assert_eq!(after["properties"]["encryption"], follow);
}

#[tokio::test]
async fn the_way_back_to_microsofts_keys() {
    let azure = Azure::start().await;
    azure.make("plain", &azure.keyed("main", "one").await).await;
    let begun = azure.patch(&account("plain"), &microsofts()).await.expect(202);
    let after = azure.done("plain", &begun).await;
    assert_eq!(after["properties"].get("encryption"), None);
    azure.patch(&account("plain"), &microsofts()).await.expect(200);

    let mut body = azure.keyed("main", "one").await;
    body["properties"]["allowProjectManagement"] = json!(true);
    azure.make("projects", &body).await;
    azure.patch(&account("projects"), &microsofts()).await.refused(
        400,
        "BadRequest",
        "properties.encryption.keySource",
    );
    azure.settings(&json!({ "forbiddenChange": "Ignore" })).await;
    let after = azure.patch(&account("projects"), &microsofts()).await.expect(200);
    assert_eq!(after.at(NAME), "one");
}

#[tokio::test]
async fn a_put_without_encryption() {
    let azure = Azure::start().await;
    azure.make("ai", &azure.keyed("main", "one").await).await;
    let after = azure.put(&account("ai"), &plain()).await.expect(200);
    assert_eq!(after.at(NAME), "one");
    assert_eq!(after.header("azure-asyncoperation"), "");
    azure
        .settings(&json!({ "accounts": { "putWithoutEncryption": "Reverts" } }))
        .await;
    let begun = azure.put(&account("ai"), &plain()).await.expect(200);
    let after = azure.done("ai", &begun).await;
    assert_eq!(after["properties"].get("encryption"), None);
}

#[tokio::test]
async fn another_vault() {
    let azure = Azure::start().await;
    let mut projects = azure.keyed("main", "one").await;
    projects["properties"]["allowProjectManagement"] = json!(true);
    azure.make("projects", &projects).await;
    azure.make("plain", &azure.keyed("main", "one").await).await;
    let other = change(&own("other", "one", &azure.client_id("hub-keys").await));
    for name in ["projects", "plain"] {
        azure
            .patch(&account(name), &other)
            .await
            .refused(400, "BadRequest", "keyVaultUri");
    }
    azure
        .settings(&json!({ "accounts": { "otherVault": true } }))
        .await;
    azure
        .patch(&account("projects"), &other)
        .await
        .refused(400, "BadRequest", "keyVaultUri");
    let begun = azure.patch(&account("plain"), &other).await.expect(202);
    let after = azure.done("plain", &begun).await;
    let found = "/properties/encryption/keyVaultProperties/keyVaultUri";
    assert_eq!(after.pointer(found).unwrap(), &json!(vault_uri("other")));
}

#[tokio::test]
async fn accounts_of_azure_openai() {
    let azure = Azure::start().await;
    let mut body = azure.keyed("main", "one").await;
    body["kind"] = json!("OpenAI");
    let begun = azure.put(&account("ai"), &body).await.expect(201);
    assert_has(&azure.failure(&begun).await.1, "KeyVaultProperties is invalid");
    azure
        .settings(&json!({ "accounts": { "openAiUserAssigned": true } }))
        .await;
    azure.make("ai", &body).await;

    let upgrade = json!({ "kind": "AIServices" });
    azure
        .patch(&account("ai"), &upgrade)
        .await
        .refused(400, "BadRequest", "'kind'");
    azure
        .settings(&json!({ "accounts": { "kindChangesWithKey": true, "openAiAccessPoliciesOnly": true } }))
        .await;
    let begun = azure.put(&account("roles"), &body).await.expect(201);
    assert_has(&azure.failure(&begun).await.1, "lacks get, wrap, unwrap");
    body["properties"]["encryption"] = own("policies", "one", &azure.client_id("no-role").await);
    azure.make("policies", &body).await;
    let after = azure.patch(&account("ai"), &upgrade).await.expect(200);
    assert_eq!(after.at("/kind"), "AIServices");
}

#[tokio::test]
async fn lies_faults_and_lag() {
    let azure = Azure::start().await;
    azure.make("ai", &azure.keyed("main", "one").await).await;
    let two = change(&json!({ "keyVaultProperties": { "keyName": "two" } }));
    azure.settings(&json!({ "lies": { "dropKeyWrite": true } })).await;
    let begun = azure.patch(&account("ai"), &two).await.expect(202);
    assert_eq!(key_of(&azure.done("ai", &begun).await), "one");
    azure
        .settings(&json!({ "lies": { "dropKeyWrite": false } }))
        .await;

    let kind = "Microsoft.CognitiveServices/accounts";
    let fault = |action: Value| json!({ "method": "PATCH", "type": kind, "times": 1, "action": action });
    azure.fault(&fault(json!("ignoreWrite"))).await;
    let ignored = azure.patch(&account("ai"), &two).await.expect(200);
    assert_eq!(ignored.at(NAME), "one");
    azure
        .fault(&fault(
            json!({ "failOperation": { "code": "ServiceUnavailable" } }),
        ))
        .await;
    let begun = azure.patch(&account("ai"), &two).await.expect(202);
    assert_eq!(azure.failure(&begun).await.0, "ServiceUnavailable");
    // Done, and not seen yet (terraform-provider-azurerm #23353).
    azure.fault(&fault(json!({ "lagSeconds": 3600 }))).await;
    let begun = azure.patch(&account("ai"), &two).await.expect(202);
    assert_eq!(key_of(&azure.done("ai", &begun).await), "one");
}

#[tokio::test]
async fn policies_and_locks_hold_for_accounts() {
    let azure = Azure::start().await;
    let kind = "Microsoft.CognitiveServices/accounts";
    let policy = json!({
        "id": format!("{}/providers/Microsoft.Authorization/policyAssignments/cmk", crate::common::SUBSCRIPTION),
        "displayName": "Own keys",
        "definition": "/providers/Microsoft.Authorization/policyDefinitions/67121cc7-ff39-4ab8-b7e3-95b84dab487d",
        "effect": "deny",
        "if": [
            { "field": "type", "equals": kind },
            { "field": format!("{kind}/encryption.keySource"), "notEquals": "Microsoft.KeyVault" },
        ],
    });
    let seed = json!({ "policyAssignments": [policy] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure
        .put(&account("ai"), &plain())
        .await
        .refused(403, "RequestDisallowedByPolicy", "ai");
    azure.make("ai", &azure.keyed("main", "one").await).await;
    azure
        .patch(&account("ai"), &microsofts())
        .await
        .refused(403, "RequestDisallowedByPolicy", "ai");
    let mut content = plain();
    content["type"] = json!(kind);
    content["name"] = json!("next");
    let path =
        format!("{GROUP}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions?api-version=2024-10-01");
    let asked = json!({ "resourceDetails": { "resourceContent": content, "apiVersion": "2026-07-01" } });
    let told = azure
        .send("reader", "POST", &path, Some(&asked))
        .await
        .expect(200);
    let evaluation = told.at("/contentEvaluationResult/policyEvaluations/0/evaluationResult");
    assert_eq!(evaluation, "NonCompliant");

    let lock = json!({ "locks": [{ "level": "CanNotDelete",
        "id": format!("{GROUP}/providers/Microsoft.Authorization/locks/keep") }] });
    azure.control("POST", "/seed", Some(&lock)).await.expect(200);
    azure
        .delete(&account("ai"))
        .await
        .refused(409, "ScopeLocked", GROUP);
}
