//! Cures as commands: Azure CLI, complete, ready to be copied from a condition's message.
//!
//! Invariant: a message with a cure is a text, a line `Cure:`, and lines that each start with `az `. Nothing in them is a
//! placeholder.

use crate::arm_id::ArmId;
use crate::key_store::KeyStore;
use crate::name::{KeyName, KeyVersion, Location};
use crate::observed::Permissions;

/// A message with the commands that cure what it tells.
#[must_use]
pub fn message(text: &str, commands: &[String]) -> String {
    if commands.is_empty() {
        return text.to_owned();
    }
    format!("{text}\nCure:\n{}", commands.join("\n"))
}

/// A message's text and its commands.
pub(crate) fn split(message: &str) -> (&str, impl Iterator<Item = &str>) {
    let (text, commands) = message.split_once("\nCure:\n").unwrap_or((message, ""));
    (text, commands.lines())
}

/// As much of a message as fits into `bytes`, in whole lines: half a command would be worse than none.
#[must_use]
pub fn within(text: &str, bytes: usize) -> String {
    const MORE: &str = "\nThe rest stands in the condition.";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut short = String::new();
    for line in text.lines() {
        let separator = usize::from(!short.is_empty());
        if short.len() + separator + line.len() + MORE.len() > bytes {
            break;
        }
        if separator > 0 {
            short.push('\n');
        }
        short.push_str(line);
    }
    // A heading without a command below it says nothing.
    let short = short.strip_suffix("\nCure:").unwrap_or(&short);
    if short.is_empty() {
        return text.to_owned();
    }
    format!("{short}{MORE}")
}

fn place(id: &ArmId) -> String {
    let name = match KeyStore::of(id) {
        KeyStore::Vault => "--name",
        KeyStore::ManagedHsm => "--hsm-name",
    };
    format!(
        "{name} {} --resource-group {} --subscription {}",
        word(id.name()),
        word(id.resource_group()),
        id.subscription()
    )
}

/// The vault or managed HSM of a key.
fn of(store: &ArmId) -> String {
    let option = match KeyStore::of(store) {
        KeyStore::Vault => "--vault-name",
        KeyStore::ManagedHsm => "--hsm-name",
    };
    format!("{option} {}", store.name())
}

/// The command that changes a vault or a managed HSM.
fn update(store: &ArmId) -> String {
    let command = match KeyStore::of(store) {
        KeyStore::Vault => "update",
        KeyStore::ManagedHsm => "update-hsm",
    };
    format!("az keyvault {command} {}", place(store))
}

/// One word for a shell: quoted where the shell would read it otherwise, such as a group's name with parentheses.
fn word(text: &str) -> String {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    if plain {
        text.to_owned()
    } else {
        format!("\"{text}\"")
    }
}

/// Registers a resource provider.
#[must_use]
pub fn register(namespace: &str, subscription: &str) -> String {
    format!("az provider register --namespace {namespace} --subscription {subscription}")
}

/// Creates a resource group.
#[must_use]
pub fn create_group(group: &str, location: &Location, subscription: &str) -> String {
    format!(
        "az group create --name {} --location {location} --subscription {subscription}",
        word(group)
    )
}

/// Creates a user-assigned identity.
#[must_use]
pub fn create_identity(id: &ArmId, location: &Location) -> String {
    format!("az identity create {} --location {location}", place(id))
}

/// Creates a storage account.
#[must_use]
pub fn create_storage_account(id: &ArmId, location: &Location) -> String {
    format!("az storage account create {} --location {location}", place(id))
}

/// Creates a vault that is fit for customer-managed keys.
#[must_use]
pub fn create_vault(id: &ArmId, location: &Location) -> String {
    format!(
        "az keyvault create {} --location {location} --enable-purge-protection true --enable-rbac-authorization true",
        place(id)
    )
}

/// Creates a vault; of managed HSMs, which cost much and need people to activate them, it lists those of the region that are there.
#[must_use]
pub fn key_store_in(id: &ArmId, location: &Location) -> String {
    match KeyStore::of(id) {
        KeyStore::Vault => create_vault(id, location),
        KeyStore::ManagedHsm => format!(
            "az keyvault list --resource-type hsm --subscription {} --query \"[?location=='{location}'].id\" --output tsv",
            id.subscription()
        ),
    }
}

/// Lists the vaults, or managed HSMs, of a tenant.
#[must_use]
pub fn key_stores_of(like: &ArmId, tenant: &str) -> String {
    let kind = match KeyStore::of(like) {
        KeyStore::Vault => "",
        KeyStore::ManagedHsm => " --resource-type hsm",
    };
    format!("az keyvault list{kind} --query \"[?properties.tenantId=='{tenant}'].id\" --output tsv")
}

/// Activates a managed HSM, by certificates of three people any two of whom can restore it.
#[must_use]
pub fn activate(hsm: &ArmId) -> String {
    let name = hsm.name();
    format!(
        "az keyvault security-domain download --hsm-name {name} --subscription {} --sd-wrapping-keys {name}-1.cer {name}-2.cer {name}-3.cer \
         --sd-quorum 2 --security-domain-file {name}-security-domain.json",
        hsm.subscription()
    )
}

/// Turns soft delete on; Azure offers it for old vaults only as a property.
#[must_use]
pub fn soft_delete(vault: &ArmId) -> String {
    format!(
        "az resource update --ids {} --set properties.enableSoftDelete=true",
        word(vault.as_str())
    )
}

/// Turns purge protection on.
#[must_use]
pub fn purge_protection(vault: &ArmId) -> String {
    format!("{} --enable-purge-protection true", update(vault))
}

/// Lets trusted Microsoft services through a vault's firewall.
#[must_use]
pub fn trusted_services(vault: &ArmId) -> String {
    format!("{} --bypass AzureServices", update(vault))
}

/// Creates a key, or a new version of it.
#[must_use]
pub fn create_key(vault: &ArmId, key: &str) -> String {
    let kty = match KeyStore::of(vault) {
        KeyStore::Vault => "RSA",
        KeyStore::ManagedHsm => "RSA-HSM",
    };
    format!(
        "az keyvault key create {} --name {key} --kty {kty} --size 3072 --subscription {}",
        of(vault),
        vault.subscription()
    )
}

/// Lists a key's versions.
#[must_use]
pub fn list_versions(vault: &ArmId, key: &KeyName) -> String {
    format!(
        "az keyvault key list-versions {} --name {key} --subscription {}",
        of(vault),
        vault.subscription()
    )
}

/// Enables one version of a key.
#[must_use]
pub fn enable_key(vault: &ArmId, key: &KeyName, version: &KeyVersion) -> String {
    format!(
        "az keyvault key set-attributes {} --name {key} --version {version} --enabled true --subscription {}",
        of(vault),
        vault.subscription()
    )
}

/// Recovers a soft-deleted key.
#[must_use]
pub fn recover_key(vault: &ArmId, key: &KeyName) -> String {
    format!(
        "az keyvault key recover {} --name {key} --subscription {}",
        of(vault),
        vault.subscription()
    )
}

/// Purges a hub that Azure keeps after its deletion.
#[must_use]
pub fn purge_hub(hub: &ArmId) -> String {
    format!(
        "az rest --method delete --uri \"{}?api-version=2026-05-01&forceToPurge=true\"",
        hub.as_str()
    )
}

/// Takes an account back that Azure keeps after its deletion.
#[must_use]
pub fn recover_account(account: &ArmId, location: &Location) -> String {
    format!(
        "az cognitiveservices account recover --location {location} {}",
        place(account)
    )
}

/// The opposite: gives up what Azure keeps of a deleted account.
#[must_use]
pub fn purge_account(account: &ArmId, location: &Location) -> String {
    format!(
        "az cognitiveservices account purge --location {location} {}",
        place(account)
    )
}

/// Puts a tag back that marks a resource as an object's.
#[must_use]
pub fn tag_resource(hub: &ArmId, tag: &str, value: &str) -> String {
    format!(
        "az resource tag --ids {} --is-incremental --tags {tag}={value}",
        word(hub.as_str())
    )
}

/// Recovers a soft-deleted vault, or a managed HSM, which is looked for in its region (key-vault, managed-hsm/recovery).
#[must_use]
pub fn recover_vault(vault: &ArmId, location: &Location) -> String {
    match KeyStore::of(vault) {
        KeyStore::Vault => format!("az keyvault recover {}", place(vault)),
        KeyStore::ManagedHsm => format!(
            "az keyvault recover {} --location {location} --subscription {}",
            of(vault),
            vault.subscription()
        ),
    }
}

/// Gives the operator's identity a role in a subscription, or in one of its resource groups (deploy/azure/README.md).
#[must_use]
pub fn assign_role(role: &str, principal: &str, subscription: &str, group: Option<&str>) -> String {
    let group = group.map_or_else(String::new, |group| format!("/resourceGroups/{group}"));
    format!(
        "az role assignment create --assignee-object-id {principal} --assignee-principal-type ServicePrincipal --role \"{role}\" --scope {}",
        word(&format!("/subscriptions/{subscription}{group}"))
    )
}

/// Lets a principal use a key: a role assignment at the key, an access policy of the vault, or a role assignment in the managed HSM
/// (azure-ai-docs, concepts-encryption-keys-portal, names the role).
#[must_use]
pub fn grant(vault: &ArmId, key: &KeyName, principal: &str, permissions: &Permissions) -> String {
    match permissions {
        Permissions::Roles => format!(
            "az role assignment create --assignee-object-id {principal} --assignee-principal-type ServicePrincipal \
             --role \"Key Vault Crypto Service Encryption User\" --scope {}",
            word(vault.child("keys", key.as_str()).as_str())
        ),
        Permissions::Policies(_) => format!(
            "az keyvault set-policy {} --object-id {principal} --key-permissions get wrapKey unwrapKey",
            place(vault)
        ),
        Permissions::Local => format!(
            "az keyvault role assignment create {} --role \"Managed HSM Crypto User\" --scope /keys/{key} \
             --assignee-object-id {principal} --assignee-principal-type ServicePrincipal",
            of(vault)
        ),
    }
}

/// Shows a policy's assignment; its scope stands before it.
#[must_use]
pub fn show_policy_assignment(id: &str) -> String {
    let name = id.rsplit('/').next().unwrap_or_default();
    let scope = id
        .to_lowercase()
        .rfind("/providers/microsoft.authorization/")
        .and_then(|end| id.get(..end))
        .unwrap_or_default();
    format!(
        "az policy assignment show --name {} --scope {}",
        word(name),
        word(scope)
    )
}

/// Exempts a hub's resource group from a policy's assignment: an exemption cannot name what does not exist.
#[must_use]
pub fn exempt(assignment: &str, hub: &ArmId) -> String {
    format!(
        "az policy exemption create --name keyholder-{} --policy-assignment {} --exemption-category Waiver --scope {}",
        word(hub.name()),
        word(assignment),
        word(&format!(
            "/subscriptions/{}/resourceGroups/{}",
            hub.subscription(),
            hub.resource_group()
        ))
    )
}

/// Lists the locks of a subscription, a resource group or a resource.
#[must_use]
pub fn list_locks(scope: &str) -> String {
    let segments: Vec<&str> = scope.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        [_, subscription] => format!("az lock list --subscription {subscription} --output table"),
        [_, subscription, _, group] => format!(
            "az lock list --resource-group {} --subscription {subscription} --output table",
            word(group)
        ),
        _ => format!("az lock list --resource {} --output table", word(scope)),
    }
}

/// Deletes a lock.
#[must_use]
pub fn delete_lock(id: &str) -> String {
    format!("az lock delete --ids {}", word(id))
}

/// Lists what counts against a quota.
#[must_use]
pub fn list_of(namespace: &str, subscription: &str) -> String {
    let kind = match namespace {
        "Microsoft.Search" => "Microsoft.Search/searchServices",
        _ => "Microsoft.Storage/storageAccounts",
    };
    format!("az resource list --resource-type {kind} --subscription {subscription} --output table")
}

#[cfg(test)]
mod tests;
