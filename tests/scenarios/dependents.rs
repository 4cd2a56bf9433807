//! "Keys do not pass down: show me which resources are encrypted with which key."

use serde_json::json;
use testbed::Object;
use testbed::azure::names;

use crate::common::{example, hub, key_in_azure, operator_log, start};

const STORAGE: &str = "2026-04-01";

fn storage() -> String {
    names::resource(names::AI_GROUP, "Microsoft.Storage/storageAccounts", "aihubdata")
}

/// What is told of the first dependent.
fn told(hub: &Object) -> (&str, &str) {
    let one = |field: &str| hub.text(&format!("/status/dependents/0/{field}"));
    (one("encryption"), one("keyIdentifier"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_account_with_microsofts_key_is_a_warning_until_it_has_one_of_yours() {
    let scenario = start("dependents").await;
    let manifest = example("dependents").replace("deletionPolicy: Retain", "deletionPolicy: DeleteAndPurge");
    scenario.apply(&manifest).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    assert!(ready.says("DependentsEncrypted", "AuditFinding"), "{ready}");
    assert_eq!(told(&ready), ("MicrosoftManaged", ""));
    let message = ready.condition("DependentsEncrypted").unwrap().message;
    assert!(
        message.contains(": policy: Enforce gives it this object's; by hand: docs/dependents.md"),
        "{message}"
    );

    let within = format!("{}/blobServices/default", storage());
    for resource in ["rg-ai/aihubdata", &within] {
        let refused = scenario
            .apply(&manifest.replace("resource: aihubdata", &format!("resource: {resource}")))
            .unwrap();
        assert!(!refused.success, "{refused:?}");
        for part in ["spec.dependents[0].resource: ", "not a resource: give its name"] {
            assert!(refused.stderr.contains(part), "{refused:?}");
        }
    }

    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let body = alice.storage_encryption().await.unwrap();
    alice.patch(&storage(), STORAGE, &body).await.unwrap();
    let encrypted = scenario
        .until_says("research", "DependentsEncrypted", "AllEncrypted")
        .await
        .unwrap();
    assert_eq!(told(&encrypted).0, "CustomerManaged");
    assert!(told(&encrypted).1.contains(names::KEY), "{:?}", told(&encrypted));
    assert!(encrypted.is_ready(), "{encrypted}");
    // It was looked at, and nothing was written to it.
    let log = operator_log(&scenario).await;
    let writes = log
        .iter()
        .filter(|one| one.is_write() && one.path().contains("storageAccounts"));
    assert_eq!(writes.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_side_hubs_storage_account_is_looked_at_unasked() {
    let scenario = start("dependents-unasked").await;
    let manifest =
        example("service-side").replace("deletionPolicy: Retain", "deletionPolicy: DeleteAndPurge");
    scenario.apply(&manifest).unwrap().ok().unwrap();
    let name = manifest.split("name: ").nth(1).unwrap().lines().next().unwrap();
    let ready = scenario.until_ready(name).await.unwrap();
    assert!(ready.says("DependentsEncrypted", "AuditFinding"), "{ready}");
    assert_eq!(told(&ready), ("MicrosoftManaged", ""));
    assert!(
        ready
            .text("/status/dependents/0/resourceId")
            .ends_with("aihubdata")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_registries_one_is_told_with_its_key_and_one_cannot_get_any() {
    const KIND: &str = "Microsoft.ContainerRegistry/registries";
    let scenario = start("dependents-registries").await;
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let id = format!("{}/keys/{}", names::vault(names::VAULT), names::KEY);
    let key = alice.get(&id, "2025-05-01").await.unwrap();
    let url = |name: &str| {
        key.pointer(&format!("/properties/{name}"))
            .unwrap()
            .as_str()
            .unwrap()
    };
    let hubs = names::identity(names::HUB_IDENTITY);
    let client = alice.get(&hubs, "2024-11-30").await.unwrap();
    let made = |name: &str, more: serde_json::Value| {
        let mut body = json!({ "location": names::LOCATION, "sku": { "name": name } });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "id": names::resource(names::AI_GROUP, KIND, name), "body": body })
    };
    let keyed = json!({
        "identity": { "type": "UserAssigned", "userAssignedIdentities": { hubs: {} } },
        "properties": { "encryption": { "status": "enabled", "keyVaultProperties": {
            "keyIdentifier": url("keyUri"), "identity": client.pointer("/properties/clientId"),
        } } },
    });
    let seed = json!({ "registries": [made("Premium", keyed), made("Standard", json!({}))] });
    scenario.azure.control().seed(&seed.to_string()).await.unwrap();

    let of = |policy: &str| {
        let entry =
            |name: &str| format!("    - resource: {name}\n      type: {KIND}\n      policy: {policy}\n");
        hub("research").replace(
            "spec:\n",
            &format!("spec:\n  dependents:\n{}{}", entry("Premium"), entry("Standard")),
        )
    };
    let refused = scenario.apply(&of("Enforce")).unwrap();
    for part in [
        "spec.dependents[0].policy: ",
        "a registry gets its key at its creation alone: set policy: Audit",
    ] {
        assert!(refused.stderr.contains(part), "{refused:?}");
    }
    scenario.apply(&of("Audit")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    assert!(ready.says("DependentsEncrypted", "AuditFinding"), "{ready}");
    assert_eq!(told(&ready), ("CustomerManaged", url("keyUriWithVersion")));
    assert_eq!(ready.text("/status/dependents/1/encryption"), "MicrosoftManaged");
    let message = ready.condition("DependentsEncrypted").unwrap().message;
    let text = "a registry gets one of yours at its creation alone, in Premium: make another one and move the images by az acr import";
    assert!(
        message.contains("/Standard: ") && message.contains(text),
        "{message}"
    );
    assert!(!message.contains("/Premium: "), "{message}");
    let log = operator_log(&scenario).await;
    let kind = KIND.to_lowercase();
    let of_registries: Vec<_> = log
        .iter()
        .filter(|one| one.path().to_lowercase().contains(&kind))
        .collect();
    assert!(!of_registries.is_empty());
    assert!(
        of_registries.iter().all(|one| one.method == "GET"),
        "{of_registries:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_managed_group_is_told_with_its_key_and_one_that_lost_it_too() {
    let scenario = start("group-keys").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    let resources = ready
        .at("/status/managedResourceGroup/resources")
        .as_array()
        .unwrap()
        .clone();
    let told: Vec<(&str, Option<&str>)> = resources
        .iter()
        .map(|one| (one["encryption"].as_str().unwrap(), one["keyIdentifier"].as_str()))
        .collect();
    let key = key_in_azure(&scenario, "research").await;
    assert_eq!(
        told,
        [
            ("CustomerManaged", Some(key.as_str())),
            ("Enforced", None),
            ("CustomerManaged", Some(key.as_str())),
        ]
    );

    let group = ready.text("/status/managedResourceGroup/name");
    let name = resources[2]["name"].as_str().unwrap();
    let storage = names::resource(group, "Microsoft.Storage/storageAccounts", name);
    let microsoft = scenario.azure.sign_in(names::MICROSOFT).await.unwrap();
    let back = json!({ "properties": { "encryption": { "keySource": "Microsoft.Storage" } } });
    microsoft.patch(&storage, STORAGE, &back).await.unwrap();
    let lost = scenario
        .until_says("research", "ManagedResourceGroupHealthy", "NotEncrypted")
        .await
        .unwrap();
    assert!(lost.is("Ready", "False") && lost.is("Stalled", "True"), "{lost}");
    let message = lost.condition("ManagedResourceGroupHealthy").unwrap().message;
    assert!(message.contains(name), "{message}");
}
