//! The steps that stories are made of.

use reqwest::Method;
use serde_json::Value;
use testbed::azure::RestClient;
use testbed::azure::names::{ALICE, KEY, LOOSE_VAULT, MICROSOFT, OTHER_KEY, VAULT, group};
use testbed::binaries::repository;
use testbed::{Error, Object};

use crate::stage::{Stage, hub_id, in_namespace};
use crate::story::{Told, promised};

/// The api-versions with which the story looks into Azure.
pub const WORKSPACES: &str = "2026-05-01";
const RESOURCES: &str = "2025-04-01";
const SEARCH: &str = "2025-05-01";

/// The hub of the main story, from `examples/managed-group`.
const HUB: &str = "research";

/// A vault that Azure would refuse half an hour later is refused before anything is created.
pub async fn unprotected_vault(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/vault-without-purge-protection"])?;
    let refused = "refused for its vault's missing purge protection";
    let hub = stage
        .until("unprotected", refused, |hub| {
            hub.says("PrerequisitesMet", "PurgeProtectionDisabled")
        })
        .await?;
    read_out(&hub, "PrerequisitesMet");
    let writes: Vec<String> = writes_to(stage, "unprotected").await?;
    promised(writes.is_empty(), "nothing was created in Azure", || {
        writes.join(", ")
    })?;
    println!(
        "   Azure was asked, and nothing was created there: vault {LOOSE_VAULT} has no purge protection."
    );
    stage.must(&[
        "delete",
        "--filename=examples/vault-without-purge-protection",
        "--timeout=60s",
    ])?;
    Ok(())
}

/// From YAML to Ready, and the key looked up in Azure.
pub async fn from_yaml_to_ready(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/managed-group"])?;
    stage.until(HUB, "Ready", Object::is_ready).await?;
    let alice = stage.sign_in(ALICE).await?;
    let key = key_in_azure(&alice, HUB).await?;
    promised(
        is_key(&key, KEY),
        "the hub in Azure is encrypted with the declared key",
        || format!("its key is \"{key}\""),
    )?;
    println!("   Azure, asked by somebody else ({ALICE}), says that the hub's key is\n     {key}");
    let group = managed_group(stage, HUB).await?;
    let resources = resources_of(&alice, &group).await?;
    for resource in &resources {
        println!(
            "     {group} holds {} {}",
            text(resource, "/type"),
            text(resource, "/name")
        );
    }
    promised(
        resources.len() >= 3,
        "the managed resource group holds Cosmos DB, AI Search and Storage",
        || format!("it holds {} resources", resources.len()),
    )
}

/// What users look at.
pub async fn what_kubectl_shows(stage: &mut Stage) -> Told {
    let table = stage.must(&["get", "aihubs", &in_namespace()])?;
    promised(
        table.contains(&format!("{VAULT}/{KEY}")),
        "the table shows vault and key",
        || table.clone(),
    )?;
    let described = stage.must(&["describe", "aihub", HUB, &in_namespace()])?;
    promised(
        described.contains("KeyInUse"),
        "the description tells the key's state",
        || described.clone(),
    )
}

/// The one-way door is shut at apply.
pub async fn way_back_refused(stage: &mut Stage) -> Told {
    let before = stage.hub(HUB).await?;
    let path = repository().join("examples/managed-group/hub.yaml");
    let example = std::fs::read_to_string(&path).map_err(Error::file("reading", &path))?;
    let changed = microsoft_managed(&example);
    println!("   The same manifest, with mode: MicrosoftManaged and without a key of its own:");
    let said = stage.type_with_input(&["apply", "--filename=-"], &changed)?;
    promised(!said.success, "kubectl apply is refused", || said.stdout.clone())?;
    promised(
        said.stderr.contains("spec.encryption.mode"),
        "the refusal names the field",
        || said.stderr.clone(),
    )?;
    let after = stage.hub(HUB).await?;
    let same = before.object().metadata.generation == after.object().metadata.generation;
    promised(same, "the hub is as it was", || after.to_string())
}

/// Another key of the same vault, applied and looked up.
pub async fn another_key(stage: &mut Stage) -> Told {
    change_key(stage, HUB, OTHER_KEY).await
}

/// Declares another key for a hub, and looks it up in Azure.
pub async fn change_key(stage: &mut Stage, name: &str, key: &str) -> Told {
    let patch = format!(r#"{{"spec":{{"encryption":{{"customerManagedKey":{{"key":"{key}"}}}}}}}}"#);
    stage.must(&[
        "patch",
        "aihub",
        name,
        &in_namespace(),
        "--type=merge",
        "--patch",
        &patch,
    ])?;
    let hub = stage
        .until(name, "Ready with its new key, or refused it", |hub| {
            hub.is_ready() || hub.says("KeyApplied", "WriteIgnored")
        })
        .await?;
    promised(hub.is_ready(), "the hub is Ready with its new key", || {
        hub.to_string()
    })?;
    let alice = stage.sign_in(ALICE).await?;
    let found = key_in_azure(&alice, name).await?;
    promised(
        is_key(&found, key),
        &format!("the hub in Azure is encrypted with key {key}"),
        || format!("its key is \"{found}\""),
    )?;
    println!("   Azure says that the hub's key is now\n     {found}");
    Ok(())
}

/// The managed resource group is Microsoft's; when something there is missing, it is said.
pub async fn managed_group_damaged(stage: &mut Stage) -> Told {
    let group = managed_group(stage, HUB).await?;
    let alice = stage.sign_in(ALICE).await?;
    let search = resources_of(&alice, &group)
        .await?
        .into_iter()
        .find(|resource| text(resource, "/type").eq_ignore_ascii_case("Microsoft.Search/searchServices"))
        .map(|resource| text(&resource, "/id").to_owned())
        .unwrap_or_default();
    println!("   {ALICE}, who owns the subscription, deletes the search service in {group}:");
    let refused = alice.send(Method::DELETE, &search, SEARCH, None).await?;
    println!("     {} {}", refused.status, text(&refused.body, "/error/code"));
    promised(refused.status == 403, "a deny assignment keeps her out", || {
        refused.body.to_string()
    })?;
    println!("   Microsoft's own service, which may, deletes it:");
    let microsoft = stage.sign_in(MICROSOFT).await?;
    let accepted = microsoft.send(Method::DELETE, &search, SEARCH, None).await?;
    promised(accepted.status < 300, "the deletion is accepted", || {
        accepted.body.to_string()
    })?;
    println!("     {}", accepted.status);
    let reported = "reported to lack a resource";
    let hub = stage
        .until(HUB, reported, |hub| {
            hub.says("ManagedResourceGroupHealthy", "ResourceMissing")
        })
        .await?;
    read_out(&hub, "ManagedResourceGroupHealthy");
    Ok(())
}

/// Deletion that leaves nothing: not the hub, not its managed group.
pub async fn deletion(stage: &mut Stage) -> Told {
    let name = managed_group(stage, HUB).await?;
    delete(stage, HUB, "DeleteAndPurge").await?;
    let (hub, kept) = left_in_azure(stage, &name).await?;
    promised(hub == 404, "the hub is gone from Azure", || {
        format!("Azure still has hub {HUB}")
    })?;
    promised(
        kept == 404,
        "its managed resource group is gone from Azure",
        || format!("Azure still has resource group {name}, and bills what is in it"),
    )?;
    println!("   Azure says: no hub {HUB}, no resource group {name}.");
    Ok(())
}

/// What Azure answers to somebody who asks for the hub of the main story, and for the managed resource group that it has or had.
pub async fn left_in_azure(stage: &Stage, managed_group: &str) -> Result<(u16, u16), Error> {
    let alice = stage.sign_in(ALICE).await?;
    let hub = alice.send(Method::GET, &hub_id(HUB), WORKSPACES, None).await?;
    let kept = alice
        .send(Method::GET, &group(managed_group), RESOURCES, None)
        .await?;
    Ok((hub.status, kept.status))
}

/// Sets the deletion policy of a hub, deletes it, and waits until it is gone from Kubernetes.
pub async fn delete(stage: &mut Stage, name: &str, policy: &str) -> Told {
    let patch = format!(r#"{{"spec":{{"deletionPolicy":"{policy}"}}}}"#);
    stage.must(&[
        "patch",
        "aihub",
        name,
        &in_namespace(),
        "--type=merge",
        "--patch",
        &patch,
    ])?;
    stage.must(&["delete", "aihub", name, &in_namespace(), "--timeout=60s"])?;
    Ok(())
}

/// Reads out a condition's message.
pub fn read_out(hub: &Object, condition: &str) {
    if let Some(found) = hub.condition(condition) {
        println!("   {}: {}", found.reason, found.message.replace('\n', "\n     "));
    }
}

/// The key that Azure says a hub has; empty when it has none.
pub async fn key_in_azure(azure: &RestClient, hub: &str) -> Result<String, Error> {
    let body = azure.get(&hub_id(hub), WORKSPACES).await?;
    Ok(text(&body, "/properties/encryption/keyVaultProperties/keyIdentifier").to_owned())
}

/// Whether `identifier` is a version of `key` in the vault of the examples.
fn is_key(identifier: &str, key: &str) -> bool {
    identifier.to_lowercase().contains(&format!("{VAULT}.")) && identifier.contains(&format!("/keys/{key}/"))
}

/// The name of a hub's managed resource group.
pub async fn managed_group(stage: &Stage, name: &str) -> Result<String, Error> {
    Ok(stage
        .hub(name)
        .await?
        .text("/status/managedResourceGroup/name")
        .to_owned())
}

async fn resources_of(azure: &RestClient, name: &str) -> Result<Vec<Value>, Error> {
    let body = azure
        .get(&format!("{}/resources", group(name)), RESOURCES)
        .await?;
    Ok(body
        .get("value")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default())
}

/// The operator's writes about a hub.
pub async fn writes_to(stage: &Stage, hub: &str) -> Result<Vec<String>, Error> {
    let id = hub_id(hub).to_lowercase();
    let mut writes = writes_of(stage).await?;
    writes.retain(|write| write.to_lowercase().contains(&format!(" {id} ")));
    Ok(writes)
}

/// All the operator's writes to Azure Resource Manager.
pub async fn writes_of(stage: &Stage) -> Result<Vec<String>, Error> {
    let log = stage.azure().operator_log().await?;
    let writes = log
        .iter()
        .filter(|exchange| exchange.is_write() && exchange.path().starts_with("/subscriptions"));
    Ok(writes
        .map(|exchange| format!("{} {} {}", exchange.method, exchange.path(), exchange.status))
        .collect())
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The manifest with a key that Microsoft manages.
fn microsoft_managed(manifest: &str) -> String {
    let mut within = false;
    let mut changed = String::new();
    for line in manifest.lines() {
        let indent = line.len() - line.trim_start().len();
        if indent <= 2 {
            within = line.trim() == "encryption:";
        }
        if within && line.trim_start().starts_with("mode:") {
            changed.push_str("    mode: MicrosoftManaged\n");
        } else if !within || indent <= 2 {
            changed.push_str(line);
            changed.push('\n');
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_encryption_of_the_example_is_changed() {
        let manifest = "spec:\n  encryption:\n    # why\n    mode: CustomerManaged\n    customerManagedKey:\n      key: k\n  tags: {}\n";
        assert_eq!(
            microsoft_managed(manifest),
            "spec:\n  encryption:\n    mode: MicrosoftManaged\n  tags: {}\n"
        );
    }

    #[test]
    fn a_key_identifier_is_compared_with_vault_and_name() {
        let identifier = "https://corp-keys.vault.azure.net/keys/ai-hub/0123456789abcdef0123456789abcdef";
        assert!(is_key(identifier, "ai-hub"));
        assert!(!is_key(identifier, "ai-hub-next"));
        assert!(!is_key(
            "https://other-keys.vault.azure.net/keys/ai-hub/01",
            "ai-hub"
        ));
        assert!(!is_key("", "ai-hub"));
    }
}
