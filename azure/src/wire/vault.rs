//! `Microsoft.KeyVault/vaults` and `managedHSMs`, their `keys` and `keys/versions`, by Azure Resource Manager.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vault {
    /// ARM id.
    pub id: Option<String>,
    /// Name, unique in the world.
    pub name: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// Tags.
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// Everything else.
    pub properties: Option<VaultProperties>,
}

/// A vault's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultProperties {
    /// Tenant whose identities it admits.
    pub tenant_id: Option<String>,
    /// URL of its data plane.
    pub vault_uri: Option<String>,
    /// Absent means on.
    pub enable_soft_delete: Option<bool>,
    /// Days, 7 to 90.
    pub soft_delete_retention_in_days: Option<i64>,
    /// Absent means off; once on, it stays on.
    pub enable_purge_protection: Option<bool>,
    /// Role assignments decide rather than access policies. Absent on an existing vault means access policies.
    pub enable_rbac_authorization: Option<bool>,
    /// In force only without role assignments.
    pub access_policies: Option<Vec<AccessPolicy>>,
    /// Firewall.
    pub network_acls: Option<NetworkAcls>,
    /// `enabled` or `disabled`, in any case.
    pub public_network_access: Option<String>,
    /// `Succeeded` or `RegisteringDns`.
    pub provisioning_state: Option<String>,
}

/// What one principal may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessPolicy {
    /// Tenant of the principal.
    pub tenant_id: Option<String>,
    /// Object id of the principal; may be a group's.
    pub object_id: Option<String>,
    /// Client id of the application on whose behalf, if any.
    pub application_id: Option<String>,
    /// What it may do.
    pub permissions: Option<AccessPolicyPermissions>,
}

/// Permissions of an access policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessPolicyPermissions {
    /// On keys: `get`, `wrapKey`, `unwrapKey`, `all`, …, in any case.
    pub keys: Option<Vec<String>>,
}

/// A managed HSM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedHsm {
    /// ARM id.
    pub id: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// Everything else.
    pub properties: Option<ManagedHsmProperties>,
}

/// A managed HSM's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedHsmProperties {
    /// Tenant whose identities it admits.
    pub tenant_id: Option<String>,
    /// URL of its data plane.
    pub hsm_uri: Option<String>,
    /// Absent means on.
    pub enable_soft_delete: Option<bool>,
    /// Absent is taken for off.
    pub enable_purge_protection: Option<bool>,
    /// Firewall.
    pub network_acls: Option<NetworkAcls>,
    /// `Enabled` or `Disabled`.
    pub public_network_access: Option<String>,
    /// What its keys rest on.
    pub security_domain_properties: Option<SecurityDomainProperties>,
}

/// A managed HSM's security domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityDomainProperties {
    /// `Active`, `NotActivated`, `Failed` or `Unknown`.
    pub activation_status: Option<String>,
}

/// A vault's firewall.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAcls {
    /// `AzureServices` (the default) or `None`: whether trusted Microsoft services get through.
    pub bypass: Option<String>,
    /// `Allow` or `Deny`.
    pub default_action: Option<String>,
}

/// A key, or one version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// ARM id.
    pub id: Option<String>,
    /// Name of the key, or of the version.
    pub name: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// Tags.
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// Everything else.
    pub properties: Option<KeyProperties>,
}

/// A key's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyProperties {
    /// `RSA`, `RSA-HSM`, `EC`, `EC-HSM`.
    pub kty: Option<String>,
    /// Bits.
    pub key_size: Option<i64>,
    /// Operations it may be used for.
    pub key_ops: Option<Vec<String>>,
    /// URL without version.
    pub key_uri: Option<String>,
    /// URL with the current version.
    pub key_uri_with_version: Option<String>,
    /// State and times.
    pub attributes: Option<KeyAttributes>,
    /// What happens to it in time.
    pub rotation_policy: Option<RotationPolicy>,
}

/// A key's state; times are seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyAttributes {
    /// Whether it may be used.
    pub enabled: Option<bool>,
    /// Not before.
    pub nbf: Option<i64>,
    /// Expires.
    pub exp: Option<i64>,
    /// Created.
    pub created: Option<i64>,
    /// Last changed.
    pub updated: Option<i64>,
    /// `Recoverable`, `Purgeable`, …: anything with `Purgeable` in it means that purge protection is off.
    pub recovery_level: Option<String>,
}

/// What happens to a key in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationPolicy {
    /// Actions and when they happen.
    pub lifetime_actions: Option<Vec<LifetimeAction>>,
}

/// One action on a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifetimeAction {
    /// What.
    pub action: Option<LifetimeActionType>,
    /// When.
    pub trigger: Option<LifetimeTrigger>,
}

/// What happens to a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifetimeActionType {
    /// `rotate` or `notify`, in any case.
    pub r#type: Option<String>,
}

/// When something happens to a key; ISO 8601 durations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LifetimeTrigger {
    /// After its creation.
    pub time_after_create: Option<String>,
    /// Before it expires.
    pub time_before_expiry: Option<String>,
}
