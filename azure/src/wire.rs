//! Azure's types as the wire has them: the members this project reads, and the api-version each is read with.
//!
//! Invariant: whatever Azure may leave out is an `Option`, `null` counts as left out, unknown members are skipped, and a
//! wrong type is an error with the member's path.

use serde::de::DeserializeOwned;
use serde_json::Value;

mod account;
mod at_rest;
mod authorization;
mod limits;
mod project;
mod resources;
mod vault;
mod workspace;

#[cfg(test)]
mod tests;

pub use account::{Account, AccountEncryption, AccountKey, AccountProperties, Sku};
pub use at_rest::{
    DataResource, DatabaseAccount, DatabaseAccountProperties, EncryptionWithCmk, Registry,
    RegistryEncryption, RegistryKey, RegistryProperties, SearchService, SearchServiceProperties,
    StorageAccount, StorageAccountProperties, StorageEncryption, StorageIdentity, StorageKey,
};
pub use authorization::{
    Permission, RoleAssignment, RoleAssignmentProperties, RoleDefinition, RoleDefinitionProperties,
};
pub use limits::{
    ContentEvaluation, EffectDetails, FieldRestriction, FieldRestrictions, PolicyEvaluation, PolicyReference,
    Restrictions, Usage, UsageName,
};
pub use project::{CapabilityHost, CapabilityHostProperties, Project, ProjectProperties};
pub use resources::{
    GenericResource, Provider, ResourceGroup, ResourceGroupProperties, UserAssignedIdentity,
    UserAssignedIdentityProperties,
};
pub use vault::{
    AccessPolicy, AccessPolicyPermissions, Key, KeyAttributes, KeyProperties, LifetimeAction,
    LifetimeActionType, LifetimeTrigger, ManagedHsm, ManagedHsmProperties, NetworkAcls, RotationPolicy,
    SecurityDomainProperties, Vault, VaultProperties,
};
pub use workspace::{
    AssignedIdentity, Encryption, EncryptionIdentity, Identity, KeyVaultProperties, ManagedNetwork,
    Workspace, WorkspaceProperties,
};

/// `Microsoft.MachineLearningServices/workspaces`.
pub const WORKSPACES_VERSION: &str = "2026-05-01";
/// `Microsoft.CognitiveServices/accounts`, their `projects` and the `capabilityHosts` of these.
pub const ACCOUNTS_VERSION: &str = "2026-07-01";
/// `Microsoft.KeyVault/vaults` and `managedHSMs`.
pub const VAULTS_VERSION: &str = "2026-02-01";
/// `Microsoft.KeyVault/vaults/keys`, `managedHSMs/keys` and their `versions`.
pub const KEYS_VERSION: &str = "2025-05-01";
/// `Microsoft.ManagedIdentity/userAssignedIdentities`.
pub const IDENTITIES_VERSION: &str = "2024-11-30";
/// `Microsoft.Authorization/roleAssignments`.
pub const ROLE_ASSIGNMENTS_VERSION: &str = "2022-04-01";
/// `Microsoft.Authorization/roleDefinitions`.
pub const ROLE_DEFINITIONS_VERSION: &str = "2022-04-01";
/// `Microsoft.Resources/resourceGroups`.
pub const RESOURCE_GROUPS_VERSION: &str = "2025-04-01";
/// Lists of resources of any type.
pub const RESOURCES_VERSION: &str = "2025-04-01";
/// `Microsoft.DocumentDB/databaseAccounts`.
pub const DATABASE_ACCOUNTS_VERSION: &str = "2026-03-15";
/// `Microsoft.ContainerRegistry/registries`.
pub const REGISTRIES_VERSION: &str = "2025-11-01";
/// `Microsoft.Search`: `searchServices`, `locations/usages`.
pub const SEARCH_VERSION: &str = "2025-05-01";
/// `Microsoft.Storage`: `storageAccounts`, `locations/usages`.
pub const STORAGE_VERSION: &str = "2026-04-01";
/// `Microsoft.PolicyInsights/checkPolicyRestrictions`.
pub const POLICY_RESTRICTIONS_VERSION: &str = "2024-10-01";
/// Registration of resource providers.
pub const PROVIDERS_VERSION: &str = "2025-04-01";

/// An answer of Azure that is not of the published type.
#[derive(Debug, thiserror::Error)]
#[error("Azure's {what} is not of the published type at {at}")]
pub struct WireError {
    what: &'static str,
    at: String,
    #[source]
    source: serde_json::Error,
}

impl WireError {
    /// The member that is wrong, such as `properties.encryption.status`.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }
}

/// Reads a type off a value. `what` names it in the error.
///
/// # Errors
/// When a member has another type than the published one.
pub fn read<T: DeserializeOwned>(what: &'static str, value: &Value) -> Result<T, WireError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let at = error.path().to_string();
        WireError {
            what,
            at,
            source: error.into_inner(),
        }
    })
}
