//! "My key is about to expire, was disabled, lost its permission: tell me before the data is unreachable."
//!
//! What goes wrong is seen within a sweep, and heals by itself.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value, json};
use testbed::Scenario;
use testbed::azure::{RestClient, names};

use crate::common::{hub, key_id, merge, operator_log, rotate, settings, start};

const VAULTS: &str = "2026-02-01";
const ASSIGNMENTS: &str = "2022-04-01";

fn key() -> String {
    key_id(names::KEY)
}

async fn ready(name: &str) -> (Scenario, RestClient) {
    let scenario = start(name).await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    (scenario, alice)
}

/// The role assignments of the hub's identity at the vault.
async fn grants(azure: &RestClient) -> Vec<Value> {
    let identity = azure
        .get(&names::identity(names::HUB_IDENTITY), "2024-11-30")
        .await
        .unwrap();
    let principal = identity["properties"]["principalId"].as_str().unwrap();
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20'{principal}'",
        names::vault(names::VAULT)
    );
    let listed = azure.get(&path, ASSIGNMENTS).await.unwrap();
    listed["value"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_grant_is_told_never_given_again_and_heals_when_it_is() {
    let (scenario, alice) = ready("health-grant").await;
    let grants = grants(&alice).await;
    assert!(!grants.is_empty());
    for grant in &grants {
        let id = grant["id"].as_str().unwrap();
        alice
            .send(Method::DELETE, id, ASSIGNMENTS, None)
            .await
            .unwrap()
            .ok("DELETE", id)
            .unwrap();
    }
    let told = scenario
        .until_says("research", "KeyHealthy", "AccessLost")
        .await
        .unwrap();
    assert!(told.is("Ready", "False") && told.is("Stalled", "True"), "{told}");
    let writes = operator_log(&scenario)
        .await
        .into_iter()
        .filter(|one| one.is_write() && one.path().to_lowercase().contains("/roleassignments/"))
        .count();
    assert_eq!(writes, 0, "a grant that was withdrawn is not given again");
    for grant in &grants {
        let body = json!({ "properties": {
            "roleDefinitionId": grant["properties"]["roleDefinitionId"],
            "principalId": grant["properties"]["principalId"],
            "principalType": "ServicePrincipal",
        } });
        let name = "77777777-0000-0000-0000-000000000001";
        let id = grant["id"]
            .as_str()
            .unwrap()
            .replace(grant["name"].as_str().unwrap(), name);
        alice.put(&id, ASSIGNMENTS, &body).await.unwrap();
    }
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_firewall_is_told_and_heals_when_it_opens() {
    let (scenario, alice) = ready("health-firewall").await;
    let vault = names::vault(names::VAULT);
    let rules = |bypass: &str| json!({ "properties": { "networkAcls": { "defaultAction": "Deny", "bypass": bypass } } });
    alice.patch(&vault, VAULTS, &rules("None")).await.unwrap();
    let told = scenario
        .until_says("research", "KeyHealthy", "VaultBlocksTrustedServices")
        .await
        .unwrap();
    assert!(told.is("Ready", "False"), "{told}");
    let message = told.condition("KeyHealthy").unwrap().message;
    assert!(
        message.contains("az keyvault update") && message.contains("--bypass AzureServices"),
        "{message}"
    );
    alice
        .patch(&vault, VAULTS, &rules("AzureServices"))
        .await
        .unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_expires_soon_is_a_warning_until_a_new_version_is_followed() {
    let (scenario, _) = ready("health-expiry").await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let control = scenario.azure.control();
    control
        .key(&key(), &json!({ "expire": now + 20 * 86_400 }))
        .await
        .unwrap();
    let told = scenario
        .until_says("research", "KeyHealthy", "KeyExpiringSoon")
        .await
        .unwrap();
    assert!(
        told.is("KeyHealthy", "True") && told.is("Ready", "True"),
        "{told}"
    );
    let events = scenario
        .run(&["get", "events", "--output=jsonpath={.items[*].reason}"])
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(events.matches("KeyExpiringSoon").count(), 1, "{events}");
    rotate(&scenario).await;
    scenario
        .until("research", "without the warning", |hub| {
            hub.is_ready() && hub.says("KeyHealthy", "KeyUsable")
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_past_its_date_is_told_and_a_new_version_cures_it() {
    let (scenario, _) = ready("health-expired").await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let control = scenario.azure.control();
    control.key(&key(), &json!({ "expire": now - 60 })).await.unwrap();
    scenario
        .until_says("research", "KeyHealthy", "KeyExpired")
        .await
        .unwrap();
    rotate(&scenario).await;
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_deleted_is_told() {
    let (scenario, _) = ready("health-deleted").await;
    scenario
        .azure
        .control()
        .key(&key(), &json!("delete"))
        .await
        .unwrap();
    let told = scenario
        .until_says("research", "KeyHealthy", "KeyDeleted")
        .await
        .unwrap();
    assert!(told.is("Ready", "False"), "{told}");
    let message = told.condition("KeyHealthy").unwrap().message;
    assert!(message.contains("az keyvault key recover"), "{message}");
    assert!(
        !message.contains("it can be recovered"),
        "nobody asked the vault: {message}"
    );
    scenario
        .azure
        .control()
        .key(&key(), &json!("recover"))
        .await
        .unwrap();
    scenario.until_ready("research").await.unwrap();
}

/// The vault itself tells whether a key that is gone can be recovered. That it does not answer is no verdict.
#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_may_be_asked_tells_until_when_a_key_can_be_recovered() {
    let mut settings = settings("health-vault");
    let asks = ("KEYHOLDER_KEY_VAULT_DATA_PLANE".to_owned(), "true".to_owned());
    settings.environment.push(asks);
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let control = scenario.azure.control();
    control.key(&key(), &json!("delete")).await.unwrap();
    // Without the role the vault refuses: the key is gone all the same, and nothing is said of its recovery.
    let told = scenario
        .until_says("research", "KeyHealthy", "KeyDeleted")
        .await
        .unwrap();
    let message = told.condition("KeyHealthy").unwrap().message;
    assert!(!message.contains("it can be recovered"), "{message}");
    let reader = json!({ "roleAssignments": [
        { "principal": names::OPERATOR, "role": "Keyholder Key Reader", "scope": names::vault(names::VAULT) },
    ] });
    control.seed(&reader.to_string()).await.unwrap();
    scenario
        .run(&["label", "aihub", "research", "look=again"])
        .unwrap()
        .ok()
        .unwrap();
    scenario
        .until("research", "told until when its key is kept", |hub| {
            hub.condition("KeyHealthy")
                .is_some_and(|one| one.message.contains("it can be recovered until"))
        })
        .await
        .unwrap();
    control.key(&key(), &json!("recover")).await.unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_somebody_deleted_is_told() {
    let (scenario, alice) = ready("health-identity").await;
    let identity = names::identity(names::HUB_IDENTITY);
    alice.delete(&identity, "2024-11-30").await.unwrap();
    let told = scenario
        .until_says("research", "KeyHealthy", "IdentityNotFound")
        .await
        .unwrap();
    assert!(
        told.is("KeyHealthy", "False") && told.is("Ready", "False"),
        "{told}"
    );
}

/// The key itself tells nothing of the versions that it had before.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_in_use_that_somebody_disables_is_told_within_a_sweep() {
    let (scenario, _) = ready("health-older").await;
    let before = scenario.hub("research").await.unwrap();
    let version = before.text("/status/encryption/version").to_owned();
    let pin = json!({ "spec": { "encryption": { "customerManagedKey": { "version": version } } } });
    merge(&scenario, "research", &pin.to_string());
    rotate(&scenario).await;
    scenario
        .until("research", "told of the newer version", |hub| {
            hub.is_ready() && hub.text("/status/encryption/latestVersion") != version
        })
        .await
        .unwrap();
    let control = scenario.azure.control();
    let older = format!("{}/versions/{version}", key());
    control.key(&older, &json!("disable")).await.unwrap();
    let told = scenario
        .until_says("research", "KeyHealthy", "KeyDisabled")
        .await
        .unwrap();
    assert!(told.is("Ready", "False"), "{told}");
    control.key(&older, &json!("enable")).await.unwrap();
    scenario.until_ready("research").await.unwrap();
}
