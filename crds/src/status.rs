//! The status blocks: facts that were observed or done, never wishes, and nothing that changes with the clock.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

use crate::agents::AgentCoverage;
use crate::compute::ComputeEncryption;
use crate::dependents::{AtRestEncryption, DependentStatus};
use crate::encryption::{DataLocation, EncryptionMode};

/// What was observed of an Azure resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The resource's ARM id, from the moment it was first seen in Azure. It stays when the resource is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,

    /// The one-way choices this object is bound to, from before the first write to Azure until Azure says that the
    /// resource does not exist. Lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,

    /// The encryption that Azure reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionStatus>,

    /// What the disks of the hub's compute are encrypted with, as Microsoft documents it for a hub such as this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_encryption: Option<ComputeEncryption>,

    /// The resource group that Microsoft manages for the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_resource_group: Option<ManagedResourceGroupStatus>,

    /// What spec.dependents names, and a service-side hub's storage account, with what each is encrypted with; and what it does not name any more,
    /// until the last change sent to it is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<DependentStatus>,

    /// Of a project of an account: where what its agents keep lies. The account's key does not encrypt it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_coverage: Option<AgentCoverage>,

    /// The access to the key that Keyholder gave, by spec.encryption.customerManagedKey.access: Grant. It is not given a
    /// second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_grant: Option<AccessGrant>,

    /// The write to Azure that is intended or under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,

    /// The checks made before the resource is created, in the order they were made. Once it is there, those that passed say no
    /// more than that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preflight: Vec<PreflightCheck>,

    /// Conditions; docs/conditions.md lists every type and reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Short texts for the columns of kubectl get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// One-way choices, as ARM would compare them: lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bound {
    /// ARM id of the resource.
    #[schemars(length(max = 1024))]
    pub resource_id: String,
    /// Azure region, without spaces.
    #[schemars(length(max = 64))]
    pub location: String,
    /// Who holds the key; absent for a project, which is encrypted as its parent is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<EncryptionMode>,
    /// ARM id of a project's parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub parent: Option<String>,
    /// Kind and name of the object that named the parent, such as AIHub/research; not in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub parent_object: Option<String>,
    /// Where the hub's own data is; absent in Microsoft-managed mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_location: Option<DataLocation>,
    /// ARM id of the key's vault or managed HSM; absent in Microsoft-managed mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub vault: Option<String>,
    /// ARM id of the user-assigned identity that unwraps; absent when the system-assigned identity does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub key_identity: Option<String>,
    /// ARM id of the hub's storage account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub storage_account: Option<String>,
    /// ARM id of the hub's own key vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub key_vault: Option<String>,
    /// Whether the hub holds data of high business impact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_business_impact: Option<bool>,
    /// How the hub's managed network is isolated, in lower case, as Azure has it or is about to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub managed_network_isolation: Option<String>,
    /// The account's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub account_kind: Option<String>,
    /// Whether the account allows projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_project_management: Option<bool>,
    /// The account's subdomain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub custom_sub_domain_name: Option<String>,
}

/// Encryption as Azure reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionStatus {
    /// Who holds the key.
    pub mode: EncryptionMode,
    /// URL of the key in use, with its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_identifier: Option<String>,
    /// Version of the key in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the key in use was first read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Time>,
    /// Newest usable version of the declared key in its vault or managed HSM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_version: Option<String>,
    /// Every key version that this resource was ever seen with. Data written under one of them may still need it: do not
    /// disable or delete any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<KeyVersionStatus>,
}

/// A key version that the resource has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyVersionStatus {
    /// URL of the key with its version.
    pub key_identifier: String,
    /// Since when the history of this object knows of it.
    pub history_since: Time,
}

/// A role assignment that Keyholder made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessGrant {
    /// ARM id of the role assignment.
    pub role_assignment: String,
    /// Object id of the principal that got the role.
    pub principal_id: String,
    /// When Azure was seen to have it.
    pub granted_at: Time,
}

/// The resource group that Microsoft manages for the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedResourceGroupStatus {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub state: ManagedResourceGroupState,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ManagedResource>,
}

/// Whether the managed resource group is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display)]
pub enum ManagedResourceGroupState {
    /// It exists.
    Present,
    /// Azure says it does not exist.
    Missing,
}

/// One resource in the managed resource group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedResource {
    /// ARM resource type.
    pub r#type: String,
    /// Name of the resource.
    pub name: String,
    /// Azure's provisioning state, or Missing when the resource was there and is not any more.
    pub state: String,
    /// What it is encrypted with; absent for what Azure tells no encryption of, and where it was not read so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<AtRestEncryption>,
    /// The URL of its key, with the version in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_identifier: Option<String>,
}

/// A write to Azure: noted before it is sent, dropped when its result was read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// What is done.
    pub kind: OperationKind,
    /// How far it is.
    pub state: OperationState,
    /// What it is to lead to: a key identifier, the names of the fields changed, or the ARM id.
    pub intent: String,
    /// The generation of the spec that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// When the intent was noted.
    pub started_at: Time,
    /// Where Azure reports on the operation, once Azure has accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// No call to Azure is made for this object before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
}

/// Kinds of writes to Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum OperationKind {
    /// The identity is given access to the key.
    Grant,
    /// The resource is created.
    Create,
    /// Another key or key version is applied.
    ChangeKey,
    /// Other declared fields are changed.
    Update,
    /// The resource is deleted.
    Delete,
    /// A dependent is encrypted.
    EncryptDependent,
}

/// How far a write to Azure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum OperationState {
    /// Noted; whether Azure has it is not known.
    Intended,
    /// Azure has accepted it and works on it.
    Running,
    /// Azure reports success; what was read back does not show it so far.
    Verifying,
    /// Azure reports a failure; it is tried again from notBefore on, or when the spec changes.
    Failed,
    /// Azure reports success and kept the old value, read twice; it is tried again from notBefore on, or when the spec changes.
    Ignored,
}

impl OperationState {
    /// Whether the write may be, or come, into effect.
    #[must_use]
    pub const fn may_have_effect(self) -> bool {
        !matches!(self, Self::Failed | Self::Ignored)
    }
}

/// One check made before creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreflightCheck {
    /// What was checked.
    pub check: PreflightCheckName,
    /// What came of it.
    pub result: CheckResult,
    /// What was found and, where it failed, what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What preflight looks at.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, Display, EnumIter,
)]
pub enum PreflightCheckName {
    /// The resource providers are registered in the subscription.
    Providers,
    /// The resource group exists.
    ResourceGroup,
    /// The hub or the account that a project belongs to is there and in order.
    Parent,
    /// The resource's name is free.
    Name,
    /// The user-assigned identities exist.
    Identity,
    /// The storage account and the key vault that the hub works with exist.
    AssociatedResources,
    /// The key's vault or managed HSM exists, in the right region and tenant, with soft delete and purge protection, and lets the service in.
    Vault,
    /// The key exists, is of a usable kind and size, enabled and valid.
    Key,
    /// The identity may get, wrap and unwrap with the key.
    Access,
    /// Azure Policy lets the hub through.
    Policy,
    /// The subscription has room for what Azure puts into the managed resource group.
    Quota,
    /// What the choice puts into the subscription, and who pays for it. Never fails.
    Cost,
}

/// Outcome of a preflight check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display)]
pub enum CheckResult {
    /// As it must be.
    Passed,
    /// Not as it must be: nothing is created.
    Failed,
    /// It could not be found out.
    Unknown,
}

/// Short texts for printer columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// vault/key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Key version in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Name in Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_name: Option<String>,
}
