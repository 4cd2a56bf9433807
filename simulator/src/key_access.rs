//! Who may do what with the keys of a vault: by role if the vault has RBAC, else by its access policies. A managed HSM has roles of its
//! own.
//!
//! Invariant: with RBAC the access policies are kept and not looked at (key-vault, rbac-guide).

use jiff::Timestamp;
use serde_json::Value;

use crate::managed_hsms::is_hsm;
use crate::roles::Plane;
use crate::text::at;
use crate::world::{Resource, World};

/// A right on keys, in both of Key Vault's permission models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// The data action below `Microsoft.KeyVault/vaults/` (role-based-access-control, permissions/security).
    pub(crate) action: &'static str,
    /// The word of an access policy (Microsoft.KeyVault/vaults, accessPolicies).
    pub(crate) permission: &'static str,
}

impl Right {
    const fn new(action: &'static str, permission: &'static str) -> Self {
        Self { action, permission }
    }
}

pub(crate) const GET: Right = Right::new("keys/read", "get");
pub(crate) const LIST: Right = Right::new("keys/read", "list");
pub(crate) const CREATE: Right = Right::new("keys/create/action", "create");
pub(crate) const UPDATE: Right = Right::new("keys/update/action", "update");
pub(crate) const DELETE: Right = Right::new("keys/delete", "delete");
pub(crate) const RECOVER: Right = Right::new("keys/recover/action", "recover");
pub(crate) const PURGE: Right = Right::new("keys/purge/action", "purge");
pub(crate) const ROTATE: Right = Right::new("keys/rotate/action", "rotate");
pub(crate) const WRAP: Right = Right::new("keys/wrap/action", "wrapKey");
pub(crate) const UNWRAP: Right = Right::new("keys/unwrap/action", "unwrapKey");
pub(crate) const GET_POLICY: Right = Right::new("keyrotationpolicies/read", "getrotationpolicy");
pub(crate) const SET_POLICY: Right = Right::new("keyrotationpolicies/write", "setrotationpolicy");

/// Whether a vault has RBAC.
pub(crate) fn has_rbac(vault: &Value) -> bool {
    vault
        .pointer("/properties/enableRbacAuthorization")
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

impl World {
    /// Whether a principal has a right on `scope`, the ARM id of a key or of the vault itself.
    pub(crate) fn has_right(
        &self,
        principal: &str,
        right: Right,
        vault: &Resource,
        scope: &str,
        now: Timestamp,
    ) -> bool {
        if is_hsm(vault) {
            return self.has_local_right(principal, right, vault, scope);
        }
        if has_rbac(&vault.body) {
            let action = format!("Microsoft.KeyVault/vaults/{}", right.action);
            return self.has(principal, Plane::Data, &action, scope, now);
        }
        // `all` is everything but to purge.
        let means = |word: &str| {
            word.eq_ignore_ascii_case(right.permission)
                || (word.eq_ignore_ascii_case("all") && right.permission != PURGE.permission)
        };
        let who = self.with_groups(principal);
        vault
            .body
            .pointer("/properties/accessPolicies")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|policy| at(policy, "/objectId").is_some_and(|id| who.contains(&id.to_lowercase())))
            .filter_map(|policy| policy.pointer("/permissions/keys").and_then(Value::as_array))
            .flatten()
            .filter_map(Value::as_str)
            .any(means)
    }
}

/// Whether a vault's network rules keep everybody out but those they name. `publicNetworkAccess: disabled` overrides them.
pub(crate) fn is_closed(vault: &Value) -> bool {
    is_private(vault)
        || at(vault, "/properties/networkAcls/defaultAction")
            .is_some_and(|action| action.eq_ignore_ascii_case("Deny"))
}

/// Whether a vault is reached by private endpoints alone.
pub(crate) fn is_private(vault: &Value) -> bool {
    at(vault, "/properties/publicNetworkAccess").is_some_and(|access| access.eq_ignore_ascii_case("disabled"))
}

/// Whether trusted Microsoft services pass a vault's network rules.
pub(crate) fn admits_trusted_services(vault: &Value) -> bool {
    let bypass = at(vault, "/properties/networkAcls/bypass").unwrap_or("AzureServices");
    !is_closed(vault) || bypass.eq_ignore_ascii_case("AzureServices")
}
