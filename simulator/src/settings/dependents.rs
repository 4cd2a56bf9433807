//! The switches of what hubs and accounts rest on: storage accounts.

use serde::{Deserialize, Serialize};

/// What no source settles about storage accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StorageAccounts {
    /// With which status a key is refused. Reports of KeyVaultPolicyError and KeyVaultAuthenticationFailure that show a status
    /// have 400; a 403 without its code is reported too (terraform-azurerm-avm-res-storage-storageaccount #391).
    pub key_refused: KeyRefused,
}

impl Default for StorageAccounts {
    fn default() -> Self {
        Self {
            key_refused: KeyRefused::ByCause,
        }
    }
}

/// The status of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyRefused {
    /// 409 where the vault has no purge protection, 403 where the key cannot be fetched.
    ByCause,
    /// 400 for all.
    BadRequest,
}
