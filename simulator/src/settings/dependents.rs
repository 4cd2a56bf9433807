//! The switches of what hubs and accounts rest on: storage accounts and accounts of Cosmos DB.

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

/// What no source settles about accounts of Cosmos DB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DatabaseAccounts {
    /// Whether an account can go over to a key of another vault. No source tells; nothing in the published type prevents it.
    pub other_vault: bool,
}
