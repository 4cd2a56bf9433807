//! What storage accounts, AI Search services and accounts of Cosmos DB say of their encryption.

use serde::Deserialize;

/// `Microsoft.Storage/storageAccounts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct StorageAccount {
    /// Everything that matters here.
    pub properties: Option<StorageAccountProperties>,
}

/// A storage account's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct StorageAccountProperties {
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
    /// URL of the version in use.
    #[serde(rename = "currentVersionedKeyIdentifier")]
    pub current_versioned_key_identifier: Option<String>,
}

/// `Microsoft.Search/searchServices`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SearchService {
    /// Everything that matters here.
    pub properties: Option<SearchServiceProperties>,
}

/// A search service's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchServiceProperties {
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct DatabaseAccount {
    /// Everything that matters here.
    pub properties: Option<DatabaseAccountProperties>,
}

/// The properties of an account of Cosmos DB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseAccountProperties {
    /// URL of its key, without version; absent with Microsoft's.
    pub key_vault_key_uri: Option<String>,
    /// The version in use.
    pub key_vault_key_uri_version: Option<String>,
}
