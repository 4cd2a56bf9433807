//! "When my key gets a new version, my AI resources follow, and I know which old versions are still needed."

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testbed::Scenario;

use crate::common::{hub, key_in_azure, merge, operator_log, rotate, settings};

const HUBS: usize = 50;
/// Within which the hubs of the key take the new version.
const SPREAD: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_hubs_of_one_key_take_a_new_version_one_after_the_other() {
    let mut settings = settings("rotation-fifty");
    let spread = ("KEYHOLDER_ROTATION_SPREAD".to_owned(), format!("{SPREAD}s"));
    settings.environment.push(spread);
    let scenario = Scenario::start(settings).await.unwrap();
    let names: Vec<String> = (0..HUBS).map(|index| format!("hub-{index}")).collect();
    let manifests: Vec<String> = names.iter().map(|name| hub(name)).collect();
    scenario.apply(&manifests.join("\n---\n")).unwrap().ok().unwrap();
    for name in &names {
        scenario.until_ready(name).await.unwrap();
    }
    let before = key_in_azure(&scenario, "hub-0").await;
    rotate(&scenario).await;
    for name in &names {
        let followed = scenario
            .until(name, "Ready with the new version", |hub| {
                hub.is_ready() && hub.text("/status/encryption/keyIdentifier") != before
            })
            .await
            .unwrap();
        let needed: Vec<&str> = followed
            .at("/status/encryption/versions")
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["keyIdentifier"].as_str())
            .collect();
        let after = followed.text("/status/encryption/keyIdentifier");
        assert_eq!(
            needed,
            [before.as_str(), after],
            "what was ever applied stays listed"
        );
        assert!(
            followed
                .at("/status/encryption/versions/0/historySince")
                .is_string()
        );
    }
    let mut patches: BTreeMap<String, usize> = BTreeMap::new();
    let mut seconds: BTreeMap<String, usize> = BTreeMap::new();
    for one in operator_log(&scenario)
        .await
        .iter()
        .filter(|one| one.method == "PATCH")
    {
        *patches.entry(one.path().to_lowercase()).or_default() += 1;
        *seconds
            .entry(one.at.chars().take("2026-01-01T00:00:00".len()).collect())
            .or_default() += 1;
    }
    println!("PATCHes by second: {seconds:?}");
    assert_eq!(patches.len(), HUBS);
    assert!(patches.values().all(|count| *count == 1), "{patches:?}");
    let most = seconds.values().max().unwrap();
    assert!(*most <= HUBS / 4, "{most} in one second: {seconds:?}");
    assert!(seconds.len() >= SPREAD / 4, "{seconds:?}");
}

/// A pinned hub stays, and goes back to no older version when the pin goes.
#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_hub_does_not_follow() {
    let scenario = Scenario::start(settings("rotation-pin")).await.unwrap();
    let manifest = hub("research");
    scenario.apply(&manifest).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let before = key_in_azure(&scenario, "research").await;
    let version = before.rsplit('/').next().unwrap().to_owned();
    let pin = |version: Value| {
        let patch = json!({ "spec": { "encryption": { "customerManagedKey": { "version": version } } } });
        merge(&scenario, "research", &patch.to_string());
    };
    pin(json!(version));
    scenario.until_ready("research").await.unwrap();
    rotate(&scenario).await;
    let told = scenario
        .until("research", "told of the newer version", |hub| {
            hub.is_ready() && hub.text("/status/encryption/latestVersion") != version
        })
        .await
        .unwrap();
    assert_eq!(told.text("/status/encryption/version"), version);
    assert_eq!(key_in_azure(&scenario, "research").await, before);
    pin(Value::Null);
    scenario
        .until("research", "Ready with the new version", |hub| {
            hub.is_ready() && hub.text("/status/encryption/version") != version
        })
        .await
        .unwrap();
    assert_ne!(key_in_azure(&scenario, "research").await, before);
}
