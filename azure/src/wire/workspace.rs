//! `Microsoft.MachineLearningServices/workspaces`: hubs, projects and plain workspaces.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// ARM id, in Azure's spelling.
    pub id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// `Hub`, `Project`, `Default`, …; templates send it in lower case too.
    pub kind: Option<String>,
    /// Tags.
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// Managed identities.
    pub identity: Option<Identity>,
    /// Everything else.
    pub properties: Option<WorkspaceProperties>,
}

/// The managed identities of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// `None`, `SystemAssigned`, `UserAssigned`, `SystemAssigned,UserAssigned`; some resource providers write a space after
    /// the comma.
    pub r#type: Option<String>,
    /// Object id of the system-assigned identity.
    pub principal_id: Option<String>,
    /// Its tenant.
    pub tenant_id: Option<String>,
    /// User-assigned identities by ARM id, whose case may differ from what was sent (azure-rest-api-specs #30625).
    pub user_assigned_identities: Option<BTreeMap<String, Option<AssignedIdentity>>>,
}

/// A user-assigned identity on a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignedIdentity {
    /// Object id.
    pub principal_id: Option<String>,
    /// Client id.
    pub client_id: Option<String>,
}

/// A workspace's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceProperties {
    /// `Unknown`, `Updating`, `Creating`, `Deleting`, `Succeeded`, `Failed`, `Canceled`; absent means succeeded.
    pub provisioning_state: Option<String>,
    /// Azure's own id of the workspace.
    pub workspace_id: Option<String>,
    /// Tenant.
    pub tenant_id: Option<String>,
    /// Name for people.
    pub friendly_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The hub's own secret store. Fixed at creation.
    pub key_vault: Option<String>,
    /// Storage account. Fixed at creation.
    pub storage_account: Option<String>,
    /// The hub of a project.
    pub hub_resource_id: Option<String>,
    /// Customer-managed key; absent with Microsoft-managed keys.
    pub encryption: Option<Encryption>,
    /// Encrypted data on Microsoft's side, without a managed resource group. Fixed at creation.
    #[serde(rename = "enableServiceSideCMKEncryption")]
    pub enable_service_side_cmk_encryption: Option<bool>,
    /// High business impact. Fixed at creation, and turned on by the service where a customer-managed key is used.
    pub hbi_workspace: Option<bool>,
    /// `Enabled` or `Disabled`.
    pub public_network_access: Option<String>,
    /// Managed network.
    pub managed_network: Option<ManagedNetwork>,
    /// ARM id of the identity that acts for the workspace.
    pub primary_user_assigned_identity: Option<String>,
    /// Name, not id, of the managed resource group.
    pub service_provisioned_resource_group: Option<String>,
}

/// How a workspace is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// `Enabled` or `Disabled`.
    pub status: Option<String>,
    /// Vault and key.
    pub key_vault_properties: Option<KeyVaultProperties>,
    /// The identity that fetches the key.
    pub identity: Option<EncryptionIdentity>,
}

/// Vault and key of an encrypted workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyVaultProperties {
    /// ARM id of the vault.
    pub key_vault_arm_id: Option<String>,
    /// URL of the key, with its version.
    pub key_identifier: Option<String>,
    /// Client id of the identity that fetches the key.
    pub identity_client_id: Option<String>,
}

/// The identity that fetches a workspace's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionIdentity {
    /// ARM id of a user-assigned identity.
    pub user_assigned_identity: Option<String>,
}

/// A workspace's managed network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedNetwork {
    /// `Disabled`, `AllowInternetOutbound`, `AllowOnlyApprovedOutbound`.
    pub isolation_mode: Option<String>,
}
