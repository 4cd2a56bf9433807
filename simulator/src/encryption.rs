//! Whether a workspace can be encrypted with a key: looked at inside the operation, as the workspace's own identity.
//!
//! Sources: hub-encryption-keys-portal (vault, region, tenant, key), azure-docs issue 108584 (purge protection, after the
//! operation was accepted), key-vault about-keys-details (an expired key wraps no more).

use jiff::Timestamp;
use serde_json::Value;

use crate::key_access::{GET, UNWRAP, WRAP, admits_trusted_services};
use crate::refusal::Refusal;
use crate::text::{at, member};
use crate::types::{KEYS, VERSIONS};
use crate::world::{Resource, World};

/// The vault of a workspace's key.
const VAULT: &str = "/properties/encryption/keyVaultProperties/keyVaultArmId";
/// The URL of a workspace's key.
pub(crate) const KEY: &str = "/properties/encryption/keyVaultProperties/keyIdentifier";

/// Whether a workspace has a customer-managed key.
pub(crate) fn is_customer_managed(workspace: &Value) -> bool {
    at(workspace, "/properties/encryption/status")
        .is_some_and(|status| status.eq_ignore_ascii_case("Enabled"))
}

/// Whether a workspace's metadata are on Microsoft's side.
pub(crate) fn is_service_side(workspace: &Value) -> bool {
    workspace
        .pointer("/properties/enableServiceSideCMKEncryption")
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

/// Looks whether `workspace` can use `key`, a URL.
pub(crate) fn check(world: &World, workspace: &Value, key: &str, now: Timestamp) -> Result<(), Refusal> {
    let no = |message: String| Err(Refusal::bad_request("BadRequest", message));
    let vault_id = at(workspace, VAULT).unwrap_or_default();
    let Some(vault) = world.get(vault_id) else {
        return no(format!("The key vault {vault_id} was not found."));
    };
    let flag = |name: &str| {
        vault
            .body
            .pointer(&format!("/properties/{name}"))
            .and_then(Value::as_bool)
    };
    if flag("enableSoftDelete") == Some(false) {
        return no(format!("The key vault {vault_id} must have soft delete enabled."));
    }
    if flag("enablePurgeProtection") != Some(true) {
        return no(format!(
            "CMK workspaces should have purge protection enabled on their key vault; {vault_id} has not."
        ));
    }
    let same = |pointer: &str| {
        at(&vault.body, pointer)
            .zip(at(workspace, pointer))
            .is_none_or(|(a, b)| a.replace(' ', "").eq_ignore_ascii_case(&b.replace(' ', "")))
    };
    if !same("/location") {
        return no(format!(
            "The key vault {vault_id} must be in the region of the workspace."
        ));
    }
    if !same("/properties/tenantId") {
        return no(format!(
            "The key vault {vault_id} must be in the tenant of the workspace."
        ));
    }
    if !admits_trusted_services(&vault.body) {
        return no(format!(
            "Access to the key vault {vault_id} was denied (ForbiddenByFirewall): its network rules do not let trusted \
             Microsoft services in."
        ));
    }
    usable(world, vault, key, now)?;
    let (principal, who) = user_of_key(world, workspace)?;
    if world.settings.grants_system_assigned && who == User::System {
        return Ok(());
    }
    let key_id = key_ids(vault, key).map(|(key, _)| key).unwrap_or_default();
    let missing = missing_rights(world, vault, &key_id, &principal, now);
    if missing.is_empty() {
        Ok(())
    } else {
        no(format!(
            "The identity with object id {principal} lacks {} on the key {key} (Forbidden).",
            missing.join(", ")
        ))
    }
}

/// The ARM ids of a key and of its version, when the URL is one of this vault.
fn key_ids(vault: &Resource, key: &str) -> Option<(String, Option<String>)> {
    let url = url::Url::parse(key).ok()?;
    let own = url::Url::parse(at(&vault.body, "/properties/vaultUri")?).ok()?;
    if url.host_str() != own.host_str() || url.port() != own.port() {
        return None;
    }
    let mut segments = url.path_segments()?;
    if segments.next() != Some("keys") {
        return None;
    }
    let id = format!("{}/keys/{}", vault.id(), segments.next()?);
    let version = segments
        .next()
        .filter(|version| !version.is_empty())
        .map(|version| format!("{id}/versions/{version}"));
    Some((id, version))
}

fn usable(world: &World, vault: &Resource, url: &str, now: Timestamp) -> Result<(), Refusal> {
    let no = |message: String| Err(Refusal::bad_request("BadRequest", message));
    let Some((id, version)) = key_ids(vault, url) else {
        return no(format!("{url} is not a key of the key vault {}.", vault.id()));
    };
    let id = version.unwrap_or(id);
    let Some(key) = world
        .get(&id)
        .filter(|one| one.kind() == KEYS || one.kind() == VERSIONS)
    else {
        return no(format!("The key {url} was not found in its vault (KeyNotFound)."));
    };
    let attribute = |name: &str| key.body.pointer(&format!("/properties/attributes/{name}"));
    if attribute("enabled").and_then(Value::as_bool) == Some(false) {
        return no(format!(
            "Operation wrap is not allowed on the disabled key {url} (KeyDisabled)."
        ));
    }
    let time = |name: &str| attribute(name).and_then(Value::as_i64);
    if time("exp").is_some_and(|exp| exp <= now.as_second())
        || time("nbf").is_some_and(|nbf| nbf > now.as_second())
    {
        return no(format!(
            "Operation wrap is not allowed on the key {url}: it is expired or not yet valid."
        ));
    }
    let kty = at(&key.body, "/properties/kty").unwrap_or_default();
    if !kty.to_ascii_uppercase().starts_with("RSA") {
        return no(format!(
            "The key {url} is of type {kty}; RSA or RSA-HSM is needed."
        ));
    }
    Ok(())
}

/// Who fetches the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    System,
    UserAssigned,
}

fn user_of_key(world: &World, workspace: &Value) -> Result<(String, User), Refusal> {
    let named =
        at(workspace, "/properties/encryption/identity/userAssignedIdentity").filter(|id| !id.is_empty());
    let no = |message: String| Err(Refusal::bad_request("BadRequest", message));
    if let Some(id) = named {
        let assigned = workspace
            .pointer("/identity/userAssignedIdentities")
            .is_some_and(|assigned| member(assigned, id).is_some());
        if !assigned {
            return no(format!("The identity {id} is not assigned to the workspace."));
        }
        return match world.identity_principal(id) {
            Some(principal) => Ok((principal.object_id.clone(), User::UserAssigned)),
            None => no(format!("The identity {id} was not found.")),
        };
    }
    match at(workspace, "/identity/principalId") {
        Some(principal) => Ok((principal.to_owned(), User::System)),
        None => no(
            "The workspace has no system-assigned identity, and encryption.identity names none.".to_owned(),
        ),
    }
}

fn missing_rights(
    world: &World,
    vault: &Resource,
    key_id: &str,
    principal: &str,
    now: Timestamp,
) -> Vec<&'static str> {
    [("get", GET), ("wrap", WRAP), ("unwrap", UNWRAP)]
        .into_iter()
        .filter_map(|(name, right)| (!world.has_right(principal, right, vault, key_id, now)).then_some(name))
        .collect()
}
