//! The key of a workspace: who fetches it, and what machine learning says when it cannot be used.

use jiff::Timestamp;
use serde_json::Value;

use crate::encryption::{Fetcher, KeyUse, Unusable, check};
use crate::refusal::Refusal;
use crate::text::{at, member};
use crate::types::VAULTS;
use crate::world::World;

/// The vault of a workspace's key.
const NAMED: &str = "/properties/encryption/keyVaultProperties/keyVaultArmId";
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
pub(crate) fn check_key(world: &World, workspace: &Value, key: &str, now: Timestamp) -> Result<(), Refusal> {
    let vault = at(workspace, NAMED).unwrap_or_default();
    let wanted = KeyUse {
        // No source confirms a managed HSM (managed HSMs are named by Foundry's page for accounts alone).
        vault: world.get(vault).filter(|one| one.kind() == VAULTS),
        key,
        location: Some(at(workspace, "/location").unwrap_or_default()),
        tenant: at(workspace, "/properties/tenantId").unwrap_or_default(),
        // Documents differ between 2048 and 3072.
        least_bits: None,
        needs_access_policies: false,
        fetcher: fetcher(world, workspace),
    };
    check(world, &wanted, now).map_err(|why| Refusal::bad_request("BadRequest", worded(&why, vault, key)))
}

fn worded(why: &Unusable, vault: &str, key: &str) -> String {
    match why {
        Unusable::NoVault => format!("The key vault {vault} was not found."),
        Unusable::NoSoftDelete => format!("The key vault {vault} must have soft delete enabled."),
        Unusable::NoPurgeProtection => format!(
            "CMK workspaces should have purge protection enabled on their key vault; {vault} has not."
        ),
        Unusable::OtherRegion => format!("The key vault {vault} must be in the region of the workspace."),
        Unusable::OtherTenant => format!("The key vault {vault} must be in the tenant of the workspace."),
        Unusable::Firewall => format!(
            "Access to the key vault {vault} was denied (ForbiddenByFirewall): its network rules do not let trusted \
             Microsoft services in."
        ),
        Unusable::NotActive => format!("The managed HSM {vault} is not activated."),
        Unusable::NotOfVault => format!("{key} is not a key of the key vault {vault}."),
        Unusable::NoKey => format!("The key {key} was not found in its vault (KeyNotFound)."),
        Unusable::Disabled => {
            format!("Operation wrap is not allowed on the disabled key {key} (KeyDisabled).")
        }
        Unusable::OutOfTime => {
            format!("Operation wrap is not allowed on the key {key}: it is expired or not yet valid.")
        }
        Unusable::NotRsa(kty) => format!("The key {key} is of type {kty}; RSA or RSA-HSM is needed."),
        Unusable::TooSmall(bits) => format!("The key {key} has {bits} bits only."),
        Unusable::NoFetcher(why) => why.clone(),
        Unusable::Lacks { principal, rights } => format!(
            "The identity with object id {principal} lacks {} on the key {key} (Forbidden).",
            rights.join(", ")
        ),
    }
}

fn fetcher(world: &World, workspace: &Value) -> Result<Fetcher, String> {
    let named =
        at(workspace, "/properties/encryption/identity/userAssignedIdentity").filter(|id| !id.is_empty());
    if let Some(id) = named {
        let assigned = workspace
            .pointer("/identity/userAssignedIdentities")
            .is_some_and(|assigned| member(assigned, id).is_some());
        if !assigned {
            return Err(format!("The identity {id} is not assigned to the workspace."));
        }
        let principal = world
            .identity_principal(id)
            .ok_or_else(|| format!("The identity {id} was not found."))?;
        return Ok(Fetcher {
            principal: principal.object_id.clone(),
            is_granted: false,
        });
    }
    let principal = at(workspace, "/identity/principalId")
        .ok_or("The workspace has no system-assigned identity, and encryption.identity names none.")?;
    Ok(Fetcher {
        principal: principal.to_owned(),
        is_granted: world.settings.grants_system_assigned,
    })
}
