//! `Microsoft.CognitiveServices/accounts`, and those that were deleted.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Identity;

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// ARM id, in Azure's spelling.
    pub id: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// `AIServices`, `OpenAI`, …
    pub kind: Option<String>,
    /// Pricing tier.
    pub sku: Option<Sku>,
    /// Tags.
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// Managed identities.
    pub identity: Option<Identity>,
    /// Everything else.
    pub properties: Option<AccountProperties>,
}

/// A pricing tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Sku {
    /// Its name, such as `S0`.
    pub name: Option<String>,
}

/// An account's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountProperties {
    /// `Accepted`, `Creating`, `Deleting`, `Moving`, `Failed`, `Succeeded`, `ResolvingDNS`, `Canceled`.
    pub provisioning_state: Option<String>,
    /// Absent with Microsoft's key (terraform-provider-azurerm #28368).
    pub encryption: Option<AccountEncryption>,
    /// The name in its endpoint.
    pub custom_sub_domain_name: Option<String>,
    /// Whether it may have projects.
    pub allow_project_management: Option<bool>,
    /// Reachability from public networks.
    pub public_network_access: Option<String>,
}

/// An account's encryption.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountEncryption {
    /// `Microsoft.CognitiveServices` or `Microsoft.KeyVault`.
    pub key_source: Option<String>,
    /// The key.
    pub key_vault_properties: Option<AccountKey>,
}

/// An account's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountKey {
    /// The vault's URI.
    pub key_vault_uri: Option<String>,
    /// The key's name.
    pub key_name: Option<String>,
    /// Its version; empty or absent when the service follows the key.
    pub key_version: Option<String>,
    /// Client id of the user-assigned identity that unwraps; absent for the account's own.
    pub identity_client_id: Option<String>,
}
