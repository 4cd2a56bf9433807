//! What storage accounts, AI Search services, accounts of Cosmos DB and container registries say of their encryption.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Identity;

/// What they have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct DataResource<Properties> {
    /// Region.
    pub location: Option<String>,
    /// Tags.
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// Identities.
    pub identity: Option<Identity>,
    /// What its type alone has.
    pub properties: Option<Properties>,
}

/// `Microsoft.Storage/storageAccounts`.
pub type StorageAccount = DataResource<StorageAccountProperties>;

/// A storage account's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageAccountProperties {
    /// `Creating`, `ResolvingDNS`, `Succeeded`.
    pub provisioning_state: Option<String>,
    /// Its encryption.
    pub encryption: Option<StorageEncryption>,
}

/// A storage account's encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct StorageEncryption {
    /// `Microsoft.Storage` or `Microsoft.Keyvault`, in whatever case.
    #[serde(rename = "keySource")]
    pub key_source: Option<String>,
    /// The key. Azure writes the names within in lower case.
    #[serde(rename = "keyvaultproperties")]
    pub key_vault_properties: Option<StorageKey>,
    /// Who unwraps.
    pub identity: Option<StorageIdentity>,
}

/// Who unwraps the key of a storage account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageIdentity {
    /// ARM id; absent when the account's own identity does.
    pub user_assigned_identity: Option<String>,
}

/// The key of a storage account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct StorageKey {
    /// Its name.
    #[serde(rename = "keyname")]
    pub key_name: Option<String>,
    /// URL of its vault.
    #[serde(rename = "keyvaulturi")]
    pub key_vault_uri: Option<String>,
    /// Its version; empty when the account follows its key.
    #[serde(rename = "keyversion")]
    pub key_version: Option<String>,
    /// URL of the version in use.
    #[serde(rename = "currentVersionedKeyIdentifier")]
    pub current_versioned_key_identifier: Option<String>,
}

/// `Microsoft.Search/searchServices`.
pub type SearchService = DataResource<SearchServiceProperties>;

/// A search service's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchServiceProperties {
    /// `provisioning`, `succeeded`, `failed`.
    pub provisioning_state: Option<String>,
    /// Whether its objects must have a key of the customer's.
    pub encryption_with_cmk: Option<EncryptionWithCmk>,
}

/// Whether a search service's objects must have a key of the customer's, and whether they do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionWithCmk {
    /// `Enabled`, `Disabled`, `Unspecified`.
    pub enforcement: Option<String>,
    /// `Compliant`, `NonCompliant`.
    pub encryption_compliance_status: Option<String>,
}

/// `Microsoft.DocumentDB/databaseAccounts`.
pub type DatabaseAccount = DataResource<DatabaseAccountProperties>;

/// The properties of an account of Cosmos DB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseAccountProperties {
    /// `Succeeded`, `Updating` and others: the type has no list of them.
    pub provisioning_state: Option<String>,
    /// URL of its key, without version; absent with Microsoft's.
    pub key_vault_key_uri: Option<String>,
    /// Who unwraps: `FirstPartyIdentity`, `SystemAssignedIdentity`, `UserAssignedIdentity=ID`.
    pub default_identity: Option<String>,
    /// The version in use.
    pub key_vault_key_uri_version: Option<String>,
}

/// `Microsoft.ContainerRegistry/registries`.
pub type Registry = DataResource<RegistryProperties>;

/// A container registry's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryProperties {
    /// `Creating`, `Updating`, `Deleting`, `Succeeded`, `Failed`, `Canceled`.
    pub provisioning_state: Option<String>,
    /// Its encryption.
    pub encryption: Option<RegistryEncryption>,
}

/// A container registry's encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryEncryption {
    /// `enabled` with a key of the customer's, `disabled` without.
    pub status: Option<String>,
    /// The key.
    pub key_vault_properties: Option<RegistryKey>,
}

/// The key of a container registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryKey {
    /// Its URL; without version when the registry follows it.
    pub key_identifier: Option<String>,
    /// URL of the version in use.
    pub versioned_key_identifier: Option<String>,
}
