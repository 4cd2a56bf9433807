//! Vaults after their deletion: kept, recovered, purged; and whose name is free.

use serde_json::{Value, json};

use crate::common::{
    Answer, Azure, BARE, ENCRYPTION_USER, GROUP, HUB_KEYS, SUBSCRIPTION, assert_has, assignment, grant, hub,
    vault,
};
use crate::vaults::body;

fn deleted(name: &str) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{name}")
}

async fn list(azure: &Azure) -> Vec<Value> {
    let path = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults");
    let answer = azure.get(&path).await.expect(200);
    answer.at("/value").as_array().unwrap().clone()
}

async fn purge(azure: &Azure, name: &str) -> Answer {
    azure
        .send("owner", "POST", &format!("{}/purge", deleted(name)), None)
        .await
}

#[tokio::test]
async fn a_deleted_vault_comes_back_with_its_keys_and_without_its_roles() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let before = azure.get(&vault("main")).await.expect(200);
    let key = azure
        .get(&format!("{}/keys/one", vault("main")))
        .await
        .expect(200);
    azure
        .key_request("DELETE", "main/keys/two", None)
        .await
        .expect(200);
    azure.delete(&vault("main")).await.expect(200);
    azure.get(&vault("main")).await.expect(404);
    azure.delete(&vault("main")).await.expect(204);
    let message = azure.fail("hub", &hub("main", "one")).await;
    assert_has(&message, "was not found");
    let token = azure.token_for("writer", &crate::common::vault_audience()).await;
    let request = azure
        .client
        .get(crate::common::vault_url("main/keys"))
        .bearer_auth(token);
    assert!(request.send().await.is_err());

    let found = azure.get(&deleted("main")).await.expect(200);
    assert_eq!(found.at("/properties/vaultId"), &json!(vault("main")));
    assert_eq!(found.at("/properties/purgeProtectionEnabled"), true);
    let time = |name: &str| -> jiff::Timestamp {
        let text = found.at(&format!("/properties/{name}")).as_str().unwrap();
        text.parse().unwrap()
    };
    let kept = time("scheduledPurgeDate").duration_since(time("deletionDate"));
    assert_eq!(kept.as_hours(), 90 * 24);
    assert_eq!(list(&azure).await, std::slice::from_ref(&found.body));

    azure.put(&vault("main"), &body(&json!({}))).await.refused(
        409,
        "ConflictError",
        "already exists in deleted state",
    );
    let recovered = azure
        .put(&vault("main"), &body(&json!({ "createMode": "recover" })))
        .await
        .expect(200);
    assert_eq!(recovered.body, before.body);
    assert!(list(&azure).await.is_empty());
    let after = azure
        .get(&format!("{}/keys/one", vault("main")))
        .await
        .expect(200);
    assert_eq!(after.body, key.body);
    // What somebody may do there has to be said anew.
    let answer = azure.key_request("GET", "main/keys/one", None).await;
    crate::common::vault_refused(&answer, 403, "Forbidden", Some("ForbiddenByRbac"), "read");
    azure.make_officer("main").await;
    azure
        .key_request("POST", "main/deletedkeys/two/recover", None)
        .await
        .expect(200);
    azure.create("other", &hub("main", "one")).await;
}

#[tokio::test]
async fn roles_at_the_vault_go_with_it() {
    let azure = Azure::start().await;
    let path = assignment(&vault("other"), 7);
    azure
        .put(&path, &grant(ENCRYPTION_USER, HUB_KEYS))
        .await
        .expect(201);
    azure.delete(&vault("other")).await.expect(200);
    azure
        .put(&vault("other"), &body(&json!({ "createMode": "recover" })))
        .await
        .expect(200);
    azure.get(&path).await.expect(404);
}

#[tokio::test]
async fn nobody_purges_a_protected_vault() {
    let azure = Azure::start().await;
    azure.delete(&vault("main")).await.expect(200);
    purge(&azure, "main").await.refused(
        405,
        "MethodNotAllowed",
        "Operation 'DeletedVaultPurge' is not allowed.",
    );
    // It goes by itself when its time has come.
    for (days, status) in [(89, 200), (1, 404)] {
        let age = json!({ "resourceId": vault("main"), "days": days });
        azure.control("POST", "/age", Some(&age)).await.expect(200);
        azure.get(&deleted("main")).await.expect(status);
    }
    azure.put(&vault("main"), &body(&json!({}))).await.expect(201);
    azure
        .get(&format!("{}/keys/one", vault("main")))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_purged_vault_is_gone_for_good() {
    let azure = Azure::start().await;
    azure.delete(&vault("loose")).await.expect(200);
    azure
        .send("reader", "POST", &format!("{}/purge", deleted("loose")), None)
        .await
        .refused(403, "AuthorizationFailed", "locations/deletedVaults/purge/action");
    let accepted = purge(&azure, "loose").await;
    let end = azure.finish(&accepted).await;
    assert_eq!(end["status"], "Succeeded");
    azure
        .get(&deleted("loose"))
        .await
        .refused(404, "DeletedVaultNotFound", "loose");
    purge(&azure, "loose").await.expect(404);
    azure
        .put(&vault("loose"), &body(&json!({ "createMode": "recover" })))
        .await
        .refused(404, "VaultNotFound", "recovered");
    azure.put(&vault("loose"), &body(&json!({}))).await.expect(201);
    azure
        .get(&format!("{}/keys/one", vault("loose")))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_deleted_key_goes_when_its_time_has_come() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    azure
        .key_request("DELETE", "main/keys/one", None)
        .await
        .expect(200);
    let id = format!("{}/keys/one", vault("main"));
    for (days, status) in [(89, 200), (1, 404)] {
        let age = json!({ "resourceId": id, "days": days });
        azure.control("POST", "/age", Some(&age)).await.expect(200);
        azure
            .key_request("GET", "main/deletedkeys/one", None)
            .await
            .expect(status);
    }
}

#[tokio::test]
async fn a_group_takes_its_vaults_along_and_they_are_kept() {
    let azure = Azure::start().await;
    azure.delete(GROUP).await.expect(200);
    let names: Vec<Value> = list(&azure).await.iter().map(|one| one["name"].clone()).collect();
    assert!(names.contains(&json!("main")), "{names:?}");
    azure
        .put(GROUP, &json!({ "location": "westeurope" }))
        .await
        .expect(201);
    azure
        .put(&vault("main"), &body(&json!({ "createMode": "recover" })))
        .await
        .expect(200);
    azure
        .get(&format!("{}/keys/one", vault("main")))
        .await
        .expect(200);
}

#[tokio::test]
async fn names_are_unique_everywhere() {
    let azure = Azure::start().await;
    let elsewhere = format!("{BARE}/resourceGroups/bare/providers/Microsoft.KeyVault/vaults/MAIN");
    let register = format!("{BARE}/providers/Microsoft.KeyVault/register");
    azure.send("owner", "POST", &register, None).await.expect(200);
    azure.put(&elsewhere, &body(&json!({}))).await.refused(
        409,
        "VaultAlreadyExists",
        "'MAIN' is already in use",
    );
    azure.delete(&vault("main")).await.expect(200);
    azure.put(&elsewhere, &body(&json!({}))).await.refused(
        409,
        "VaultAlreadyExists",
        "'MAIN' is already in use",
    );

    let ask = async |name: &str| {
        let path = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/checkNameAvailability");
        let body = json!({ "name": name, "type": "Microsoft.KeyVault/vaults" });
        azure
            .send("owner", "POST", &path, Some(&body))
            .await
            .expect(200)
            .body
    };
    assert_eq!(ask("free").await, json!({ "nameAvailable": true }));
    for (name, reason) in [
        ("main", "AlreadyExists"),
        ("other", "AlreadyExists"),
        ("a", "AccountNameInvalid"),
    ] {
        let answer = ask(name).await;
        assert_eq!(answer["nameAvailable"], false);
        assert_eq!(answer["reason"], reason);
    }
}

#[tokio::test]
async fn retention_is_set_once() {
    let azure = Azure::start().await;
    azure.make_officer("new").await;
    let days = |days: i64| body(&json!({ "softDeleteRetentionInDays": days }));
    for wrong in [6, 91] {
        azure
            .put(&vault("new"), &days(wrong))
            .await
            .refused(400, "BadRequest", "softDeleteRetentionInDays");
    }
    azure.put(&vault("new"), &days(7)).await.expect(201);
    azure
        .put(&vault("new"), &days(8))
        .await
        .refused(400, "BadRequest", "can't be modified");
    let after = azure.put(&vault("new"), &body(&json!({}))).await.expect(200);
    assert_eq!(after.at("/properties/softDeleteRetentionInDays"), 7);
    let path = format!("{}/keys/short", vault("new"));
    let made = azure
        .put(&path, &json!({ "properties": { "kty": "RSA" } }))
        .await
        .expect(200);
    let level = made.at("/properties/attributes/recoveryLevel");
    assert_eq!(level, "CustomizedRecoverable+Purgeable");
    // It is the vault's, as it is now.
    let protect = json!({ "properties": { "enablePurgeProtection": true } });
    azure.patch(&vault("new"), &protect).await.expect(200);
    let found = azure.get(&path).await.expect(200);
    let level = found.at("/properties/attributes/recoveryLevel");
    assert_eq!(level, "CustomizedRecoverable");
    azure
        .key_request("DELETE", "new/keys/short", None)
        .await
        .expect(200);
    let found = azure
        .key_request("GET", "new/deletedkeys/short", None)
        .await
        .expect(200);
    let kept = found.at("/scheduledPurgeDate").as_i64().unwrap() - found.at("/deletedDate").as_i64().unwrap();
    assert_eq!(kept, 7 * 86_400);
    assert_eq!(found.at("/attributes/recoverableDays"), 7);
}

#[tokio::test]
async fn the_permission_model_is_the_creations() {
    let azure = Azure::start().await;
    let at = |version: &str| format!("{}?api-version={version}", vault("new"));
    let made = azure.put(&at("2025-05-01"), &body(&json!({}))).await.expect(201);
    assert_eq!(made.at("/properties/enableRbacAuthorization"), &Value::Null);
    let later = azure.put(&at("2026-02-01"), &body(&json!({}))).await.expect(200);
    assert_eq!(later.at("/properties/enableRbacAuthorization"), &Value::Null);
    let main = azure
        .put(&vault("main"), &body(&json!({ "enablePurgeProtection": true })))
        .await
        .expect(200);
    assert_eq!(main.at("/properties/enableRbacAuthorization"), true);
}

#[tokio::test]
async fn a_key_is_not_deleted_by_resource_manager() {
    let azure = Azure::start().await;
    azure
        .delete(&format!("{}/keys/one", vault("main")))
        .await
        .refused(405, "MethodNotAllowed", "in its vault");
}
