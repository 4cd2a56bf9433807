//! Which of get, wrap and unwrap a principal has on a key: by role assignments, or by the vault's access policies.
//!
//! Invariant: a right is [`Right::Held`] only on proof. What cannot be decided from what was read is
//! [`Right::Unknown`], never granted and never missing.

use std::collections::BTreeMap;

use crate::arm_id::ArmId;
use crate::observed::{AccessPolicy, Fact, RoleAssignment, RoleDefinition};

/// One right on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Not granted by anything that was read.
    Missing,
    /// Something might grant it: a conditional assignment, or a role that could not be read.
    Unknown,
    /// Granted.
    Held,
}

/// The rights that a service needs to encrypt with a key (azure-facts: role Key Vault Crypto Service Encryption User).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Read the key.
    pub get: Right,
    /// Wrap with it.
    pub wrap: Right,
    /// Unwrap with it.
    pub unwrap: Right,
}

impl Rights {
    /// The weakest of the three decides.
    #[must_use]
    pub fn all(&self) -> Right {
        self.get.min(self.wrap).min(self.unwrap)
    }

    /// Names of those that are missing.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        [("get", self.get), ("wrap", self.wrap), ("unwrap", self.unwrap)]
            .into_iter()
            .filter_map(|(name, right)| (right == Right::Missing).then_some(name))
            .collect()
    }
}

const READ: &str = "Microsoft.KeyVault/vaults/keys/read";
const WRAP: &str = "Microsoft.KeyVault/vaults/keys/wrap/action";
const UNWRAP: &str = "Microsoft.KeyVault/vaults/keys/unwrap/action";

/// Rights by role assignments, for a vault with RBAC. `assignments` are those of one principal, its groups included.
#[must_use]
pub fn by_roles(
    assignments: &[RoleAssignment],
    definitions: &BTreeMap<String, Fact<RoleDefinition>>,
    key: &ArmId,
) -> Rights {
    let right = |action: &str| {
        assignments
            .iter()
            .filter(|assignment| key.is_within(&assignment.scope))
            .map(|assignment| {
                match definitions.get(&assignment.role_definition_id.to_ascii_lowercase()) {
                    Some(Fact::Known(role)) if !allows(role, action) => Right::Missing,
                    Some(Fact::Known(_)) if assignment.conditional => Right::Unknown,
                    Some(Fact::Known(_)) => Right::Held,
                    // An assignment of a role that does not exist grants nothing.
                    Some(Fact::Absent) => Right::Missing,
                    Some(Fact::Unknown(_)) | None => Right::Unknown,
                }
            })
            .max()
            .unwrap_or(Right::Missing)
    };
    Rights {
        get: right(READ),
        wrap: right(WRAP),
        unwrap: right(UNWRAP),
    }
}

/// Whether a role allows a data action: one of its permissions lists it and does not except it.
fn allows(role: &RoleDefinition, action: &str) -> bool {
    role.permissions.iter().any(|(actions, not_actions)| {
        actions.iter().any(|pattern| matches(pattern, action))
            && !not_actions.iter().any(|pattern| matches(pattern, action))
    })
}

/// Azure's wildcard: `*` stands for any text, also across `/`; case does not count.
fn matches(pattern: &str, action: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let action = action.to_ascii_lowercase();
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| action.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

/// Whether a policy of somebody else gives get, wrap and unwrap: it may be a group's that the principal is in, which ARM
/// cannot tell.
#[must_use]
pub fn others_hold(policies: &[AccessPolicy], principal: &str) -> bool {
    policies
        .iter()
        .filter(|policy| !policy.object_id.eq_ignore_ascii_case(principal))
        .any(|policy| by_policies(std::slice::from_ref(policy), &policy.object_id).all() == Right::Held)
}

/// Rights by access policies, for a vault without RBAC, as far as they name the principal itself.
#[must_use]
pub fn by_policies(policies: &[AccessPolicy], principal: &str) -> Rights {
    let right = |permission: &str| {
        let held = policies
            .iter()
            .filter(|policy| policy.object_id.eq_ignore_ascii_case(principal))
            .flat_map(|policy| &policy.keys)
            .any(|have| have.eq_ignore_ascii_case(permission) || have.eq_ignore_ascii_case("all"));
        if held { Right::Held } else { Right::Missing }
    };
    Rights {
        get: right("get"),
        wrap: right("wrapKey"),
        unwrap: right("unwrapKey"),
    }
}

#[cfg(test)]
mod tests;
