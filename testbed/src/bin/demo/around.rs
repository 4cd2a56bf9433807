//! What is around a hub: its dependents, to which its key does not pass down, and what somebody does to what Azure keeps for it.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::Object;
use testbed::azure::names::{AI_GROUP, ALICE, MICROSOFT, OTHER_KEY, VAULT, resource, vault};

use crate::stage::{Stage, hub_id};
use crate::steps::{self, key_in_azure, read_out};
use crate::story::{Told, promised};

const STORAGE: &str = "2026-04-01";
const STORAGE_ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";
const HUB: &str = "research";

/// The hub's own storage account has Microsoft's key.
pub async fn keys_do_not_pass_down(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/dependents"])?;
    let ready = stage.until(HUB, "Ready", Object::is_ready).await?;
    read_out(&ready, "DependentsEncrypted");
    promised(
        ready.says("DependentsEncrypted", "AuditFinding"),
        "the hub is Ready, with a warning about its storage account",
        || ready.to_string(),
    )
}

/// Its owner gives it one.
pub async fn encrypted_by_its_owner(stage: &mut Stage) -> Told {
    let alice = stage.sign_in(ALICE).await?;
    let body = alice.storage_encryption().await?;
    println!("   {ALICE} encrypts the storage account, as `az storage account update` would.");
    alice
        .patch(&resource(AI_GROUP, STORAGE_ACCOUNTS, "aihubdata"), STORAGE, &body)
        .await?;
    let told = stage
        .until(HUB, "told that it is encrypted", |hub| {
            hub.says("DependentsEncrypted", "AllEncrypted")
        })
        .await?;
    println!("   status.dependents: {}", told.at("/status/dependents"));
    Ok(())
}

/// It goes back to Microsoft's key, and Keyholder is told to see to it.
pub async fn encrypted_by_the_hub(stage: &mut Stage) -> Told {
    let id = resource(AI_GROUP, STORAGE_ACCOUNTS, "aihubdata");
    let alice = stage.sign_in(ALICE).await?;
    println!("   {ALICE} leads the storage account back to Microsoft's key.");
    let back = json!({ "properties": { "encryption": { "keySource": "Microsoft.Storage" } } });
    alice.patch(&id, STORAGE, &back).await?;
    stage
        .until(HUB, "told that it has Microsoft's key", |hub| {
            hub.says("DependentsEncrypted", "AuditFinding")
        })
        .await?;
    stage.must(&["apply", "--filename=examples/dependents-enforced"])?;
    let ready = stage
        .until(HUB, "Ready, with its key in the storage account", |hub| {
            hub.is_ready() && hub.says("DependentsEncrypted", "AllEncrypted")
        })
        .await?;
    println!("   status.dependents: {}", ready.at("/status/dependents"));
    let account = alice.get(&id, STORAGE).await?;
    let mark = account
        .pointer("/tags/keyholder-encryption")
        .and_then(Value::as_str);
    println!("   Its tag keyholder-encryption: {}", mark.unwrap_or("none"));
    promised(
        mark.is_some(),
        "the storage account carries the hub's mark",
        || account.to_string(),
    )?;
    steps::delete(stage, HUB, "DeleteAndPurge").await
}

/// What Azure put into the managed group has the hub's key.
pub async fn whose_keys(stage: &mut Stage) -> Told {
    let hub = stage.hub(HUB).await?;
    let resources = hub
        .at("/status/managedResourceGroup/resources")
        .as_array()
        .cloned()
        .unwrap_or_default();
    for one in &resources {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
        println!(
            "   {:<40} {} {}",
            text("type"),
            text("encryption"),
            text("keyIdentifier")
        );
    }
    let told = resources.len() == 3
        && resources.iter().all(|one| {
            one.get("encryption")
                .is_some_and(|told| told != "MicrosoftManaged")
        });
    promised(told, "each of the three is told with its encryption", || {
        hub.to_string()
    })
}

/// Somebody who can leads one of them back to Microsoft's key.
pub async fn led_back(stage: &mut Stage) -> Told {
    let id = storage_of_the_group(stage).await?;
    let microsoft = stage.sign_in(MICROSOFT).await?;
    println!("   Microsoft's own service leads the storage account back to Microsoft's key.");
    let back = json!({ "properties": { "encryption": { "keySource": "Microsoft.Storage" } } });
    microsoft.patch(&id, STORAGE, &back).await?;
    let told = stage
        .until(HUB, "told that one has lost its key", |hub| {
            hub.says("ManagedResourceGroupHealthy", "NotEncrypted")
        })
        .await?;
    read_out(&told, "ManagedResourceGroupHealthy");
    promised(told.is("Ready", "False"), "the hub is not Ready", || {
        told.to_string()
    })
}

/// And gives it the key again.
pub async fn encrypted_again(stage: &mut Stage) -> Told {
    let id = storage_of_the_group(stage).await?;
    let alice = stage.sign_in(ALICE).await?;
    let body = alice.storage_encryption().await?;
    let microsoft = stage.sign_in(MICROSOFT).await?;
    microsoft.patch(&id, STORAGE, &body).await?;
    stage.until(HUB, "Ready", Object::is_ready).await?;
    Ok(())
}

/// Somebody gives the hub another key: it is put back.
pub async fn another_key_by_hand(stage: &mut Stage) -> Told {
    let alice = stage.sign_in(ALICE).await?;
    let declared = key_in_azure(&alice, HUB).await?;
    let other = alice
        .get(&format!("{}/keys/{OTHER_KEY}", vault(VAULT)), "2025-05-01")
        .await?;
    let url = other.pointer("/properties/keyUriWithVersion");
    println!("   {ALICE} gives the hub key {OTHER_KEY}, past Kubernetes.");
    let body = json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": url } } } });
    let answer = alice
        .send(Method::PATCH, &hub_id(HUB), steps::WORKSPACES, Some(&body))
        .await?;
    promised(answer.status < 300, "Azure takes it", || answer.body.to_string())?;
    stage
        .until(HUB, "told to have another key", |hub| {
            !hub.is("KeyApplied", "True")
        })
        .await?;
    stage.until(HUB, "Ready", Object::is_ready).await?;
    let now = key_in_azure(&alice, HUB).await?;
    promised(now == declared, "the hub has its declared key again", || {
        now.clone()
    })?;
    steps::delete(stage, HUB, "DeleteAndPurge").await
}

async fn storage_of_the_group(stage: &Stage) -> Result<String, testbed::Error> {
    let hub = stage.hub(HUB).await?;
    let resources = hub.at("/status/managedResourceGroup/resources");
    let storage = resources
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one.get("type").is_some_and(|kind| kind == STORAGE_ACCOUNTS));
    let name = storage
        .and_then(|one| one.get("name")?.as_str())
        .unwrap_or_default();
    let group = hub.text("/status/managedResourceGroup/name");
    Ok(resource(group, STORAGE_ACCOUNTS, name))
}
