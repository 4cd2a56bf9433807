//! Which resource holds a key: a vault or a managed HSM.
//!
//! Invariant: a vault and a managed HSM are never the same, whatever their names: each has its name alone among its own kind
//! (the hosts differ: `vault.azure.net` and `managedhsm.azure.net`).

use crate::arm_id::ArmId;
use crate::validate::{MANAGED_HSM, VAULT};

/// A kind of key store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyStore {
    /// `Microsoft.KeyVault/vaults`
    Vault,
    /// `Microsoft.KeyVault/managedHSMs`
    ManagedHsm,
}

impl KeyStore {
    /// Of a key store's ARM id.
    #[must_use]
    pub fn of(id: &ArmId) -> Self {
        if id.is_type(MANAGED_HSM) {
            Self::ManagedHsm
        } else {
            Self::Vault
        }
    }

    /// Of what a spec names: a bare name is a vault's.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        ArmId::parse(text).map_or(Self::Vault, |id| Self::of(&id))
    }

    /// Of a key store's host after its own name, such as `managedhsm.azure.net` or `managedhsm.usgovcloudapi.net`: the first label tells
    /// in every cloud, as azurerm has it.
    #[must_use]
    pub fn of_suffix(suffix: &str) -> Self {
        let first = suffix.split('.').next().unwrap_or_default();
        if first.eq_ignore_ascii_case("managedhsm") {
            Self::ManagedHsm
        } else {
            Self::Vault
        }
    }

    /// Its ARM type.
    #[must_use]
    pub const fn arm_type(self) -> &'static str {
        match self {
            Self::Vault => VAULT,
            Self::ManagedHsm => MANAGED_HSM,
        }
    }

    /// For people, in the middle of a sentence.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::ManagedHsm => "managed HSM",
        }
    }

    /// The same at the beginning of a sentence.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Vault => "Vault",
            Self::ManagedHsm => "Managed HSM",
        }
    }

    /// How one is noted of which nothing but the name is known.
    pub(crate) fn noted(self, name: &str) -> String {
        match self {
            Self::Vault => name.to_owned(),
            Self::ManagedHsm => format!("/providers/{MANAGED_HSM}/{name}").to_ascii_lowercase(),
        }
    }

    /// Of what was noted.
    pub(crate) fn of_noted(text: &str) -> Self {
        let part = format!("/providers/{MANAGED_HSM}/").to_ascii_lowercase();
        if text.to_ascii_lowercase().contains(&part) {
            Self::ManagedHsm
        } else {
            Self::Vault
        }
    }
}

/// Whether both are the same key store, each noted by its ARM id or, if that is not known, by its name. One that was moved to another
/// group is the same.
pub(crate) fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    let store = |noted: Option<&str>| {
        noted.map(|noted| {
            let name = noted.rsplit('/').next().unwrap_or_default();
            (KeyStore::of_noted(noted), name.to_ascii_lowercase())
        })
    };
    store(one) == store(other)
}

#[cfg(test)]
mod tests;
