//! "Tell me when Azure holds a different key than I declared, whatever a 200 said."

use serde_json::{Value, json};
use testbed::azure::names;

use crate::common::{WORKSPACES, hub, key_id, key_in_azure, merge, rotate, start, writes};

fn to_key(key: &str) -> String {
    format!(r#"{{"spec":{{"encryption":{{"customerManagedKey":{{"key":"{key}"}}}}}}}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_of_the_same_vault_is_applied_and_remembered() {
    let scenario = start("key-other").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let patch = to_key(names::OTHER_KEY);
    merge(&scenario, "research", &patch);
    let ready = scenario.until_ready("research").await.unwrap();

    assert!(
        key_in_azure(&scenario, "research")
            .await
            .contains("/keys/ai-hub-next/")
    );
    let versions = ready
        .at("/status/encryption/versions")
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(versions.len(), 2, "both keys are still needed: {versions:?}");
    let all = writes(&scenario, "research").await;
    assert_eq!(all, [("PUT".to_owned(), 202), ("PATCH".to_owned(), 202)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_azure_ignores_is_told() {
    let scenario = start("key-ignored").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let fault = json!({ "principal": "operator", "method": "PATCH", "action": "ignoreWrite" });
    scenario.azure.control().fault(&fault).await.unwrap();
    let patch = to_key(names::OTHER_KEY);
    merge(&scenario, "research", &patch);
    let told = scenario
        .until_says("research", "KeyApplied", "WriteIgnored")
        .await
        .unwrap();
    assert!(told.is("Ready", "False"), "{told}");
    assert!(
        key_in_azure(&scenario, "research")
            .await
            .contains("/keys/ai-hub/")
    );
    assert_eq!(
        writes(&scenario, "research").await.len(),
        2,
        "it is not sent again and again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_somebody_else_applied_is_taken_back() {
    let scenario = start("key-elsewhere").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let declared = key_in_azure(&scenario, "research").await;

    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let other = key_id(names::OTHER_KEY);
    let key = alice.get(&other, "2025-05-01").await.unwrap();
    let url = key
        .pointer("/properties/keyUriWithVersion")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned();
    let body = json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": url } } } });
    alice
        .patch(&names::hub("research"), WORKSPACES, &body)
        .await
        .unwrap();

    scenario
        .until("research", "seen with another key", |hub| {
            hub.says("KeyApplied", "KeyMismatch")
        })
        .await
        .unwrap();
    scenario.until_ready("research").await.unwrap();
    assert_eq!(key_in_azure(&scenario, "research").await, declared);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_followed() {
    let scenario = start("key-version").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let before = key_in_azure(&scenario, "research").await;
    rotate(&scenario).await;
    let followed = scenario
        .until("research", "Ready with the new version", |hub| {
            hub.is_ready() && hub.text("/status/encryption/keyIdentifier") != before
        })
        .await
        .unwrap();
    let after = key_in_azure(&scenario, "research").await;
    assert_ne!(before, after);
    assert_eq!(followed.text("/status/encryption/keyIdentifier"), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_key_is_told_before_data_is_unreachable() {
    let scenario = start("key-disabled").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let key = key_id(names::KEY);
    scenario
        .azure
        .control()
        .key(&key, &json!("disable"))
        .await
        .unwrap();
    let told = scenario
        .until_says("research", "KeyHealthy", "KeyDisabled")
        .await
        .unwrap();
    assert!(told.is("Ready", "False"), "{told}");
    scenario
        .azure
        .control()
        .key(&key, &json!("enable"))
        .await
        .unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_change_that_fails_leaves_the_old_key_and_says_why() {
    let scenario = start("key-refused").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let action =
        json!({ "failOperation": { "code": "BadRequest", "message": "the vault was not reachable" } });
    let fault = json!({ "principal": "operator", "method": "PATCH", "nth": 1, "action": action });
    scenario.azure.control().fault(&fault).await.unwrap();
    let patch = to_key(names::OTHER_KEY);
    merge(&scenario, "research", &patch);
    let told = scenario
        .until("research", "told of the failure", |hub| {
            hub.conditions()
                .iter()
                .any(|one| one.message.contains("the vault was not reachable"))
        })
        .await
        .unwrap();
    assert!(told.is("Ready", "False"), "{told}");
    // It is tried again, and then succeeds.
    scenario.until_ready("research").await.unwrap();
    assert!(
        key_in_azure(&scenario, "research")
            .await
            .contains("/keys/ai-hub-next/")
    );
}
