//! `AIHub`: an Azure AI hub (`Microsoft.MachineLearningServices/workspaces` of kind Hub).

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

use crate::dependents::Dependent;
use crate::encryption::Encryption;
use crate::network::ManagedNetwork;
use crate::policy::{AdoptionPolicy, ManagementPolicy};
use crate::status::ResourceStatus;
use crate::{formats, rules};

/// The declared state of an Azure AI hub.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "keyholder.dev",
    version = "v1alpha1",
    kind = "AIHub",
    namespaced,
    status = "ResourceStatus",
    shortname = "hub",
    shortname = "hubs",
    category = "keyholder",
    doc = "An Azure AI hub and the key that encrypts it.",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Mode","type":"string","jsonPath":".spec.encryption.mode"}"#,
    printcolumn = r#"{"name":"Key","type":"string","jsonPath":".status.summary.key"}"#,
    printcolumn = r#"{"name":"Version","type":"string","jsonPath":".status.summary.version"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Azure-Name","type":"string","jsonPath":".status.summary.azureName","priority":1}"#,
    printcolumn = r#"{"name":"Managed-Group","type":"string","jsonPath":".status.managedResourceGroup.name","priority":1}"#,
    validation = rules::name_fits_azure(),
    validation = rules::mode_unchanged(),
    validation = rules::data_location_unchanged(),
    validation = rules::vault_unchanged(&rules::HUB, "vault"),
    validation = rules::key_identity_unchanged(&rules::HUB),
    validation = rules::group_unchanged(&rules::HUB),
    validation = rules::azure_name_unchanged(&rules::HUB),
    validation = rules::location_unchanged(&rules::HUB),
    validation = rules::storage_account_unchanged(),
    validation = rules::key_vault_unchanged(),
    validation = rules::high_business_impact_unchanged(),
    validation = rules::network::isolation_stays()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::high_business_impact_comes_with_a_customer_managed_key())]
#[x_kube(validation = rules::key_identity_is_one_of_its_own())]
#[x_kube(validation = rules::somebody_unwraps())]
#[x_kube(validation = rules::enforced_dependents_can_have_the_key())]
#[x_kube(validation = rules::key_is_in_a_vault())]
pub struct AIHubSpec {
    /// The Azure subscription (a GUID). It cannot be changed once the hub exists.
    #[schemars(length(max = 36))]
    #[x_kube(validation = formats::subscription())]
    pub subscription_id: String,

    /// The resource group, which must exist. It cannot be changed once the hub exists.
    #[schemars(length(min = 1, max = 90))]
    #[x_kube(validation = formats::resource_group())]
    pub resource_group: String,

    /// The Azure region, such as westeurope: the region of the key vault too. It cannot be changed once the hub exists.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = formats::location())]
    pub location: String,

    /// The hub's name in Azure: 3 to 33 letters, digits, - and _. Left out, it is the name of this object. It cannot
    /// be changed once the hub exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 33))]
    #[x_kube(validation = formats::azure_name())]
    pub azure_name: Option<String>,

    /// The managed identities that the hub carries.
    pub identity: Identity,

    /// The hub's default storage account: its name, or its whole ARM id when it is elsewhere. It cannot be changed
    /// once the hub exists. A key does not pass down to it.
    #[schemars(length(max = 1024))]
    #[x_kube(validation = formats::storage_account())]
    pub storage_account: String,

    /// The key vault in which the hub keeps its own secrets (connections): its name, or its whole ARM id. It may be
    /// another than that of the encryption key. It cannot be changed once the hub exists.
    #[schemars(length(max = 1024))]
    #[x_kube(validation = formats::vault())]
    pub key_vault: String,

    /// How the hub is encrypted at rest. There is no default: leaving it out is not a choice.
    pub encryption: Encryption,

    /// Whether the hub holds data of high business impact: scratch disks of compute are encrypted and Microsoft
    /// collects less telemetry. Azure turns it on with a customer-managed key. It cannot be changed once the hub exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_business_impact: Option<bool>,

    /// Whether the hub is reachable from public networks: Enabled or Disabled. Left out, Azure's choice stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_network_access: Option<PublicNetworkAccess>,

    /// The network that Azure manages for the hub's compute. Left out, Azure's choice stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_network: Option<ManagedNetwork>,

    /// Resources that the hub works with and its key does not pass down to: what each is encrypted with is told in status.dependents, and
    /// DependentsEncrypted warns of those that have no key of yours. Nothing is written to those whose policy is Audit. A service-side
    /// hub's storage account is looked at unasked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub dependents: Vec<Dependent>,

    /// Tags for the hub in Azure. Tags that others put there stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[x_kube(validation = rules::tag_limits())]
    #[schemars(extend("maxProperties" = 49))]
    pub tags: BTreeMap<String, String>,

    /// Full lets Keyholder create, change and delete the hub. ObserveOnly writes nothing to Azure: it looks at a hub, whoever made
    /// it, and says where it differs.
    #[serde(default)]
    pub management_policy: ManagementPolicy,

    /// What is done about a hub of this name that is there already and that no object owns: Never leaves it alone, Adopt takes it over
    /// (its tag keyholder-owner is written), once its encryption and everything else that Azure fixes are as declared.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// What happens to the hub in Azure when this object is deleted: Retain leaves it, Delete deletes it (Azure may
    /// keep it recoverable, and its managed resource group billed, for 14 days), DeleteAndPurge deletes it for good.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// While true, nothing is written to Azure; what would be written is said. Everything else goes on.
    #[serde(default)]
    pub suspend: bool,

    /// Transitions that no source of Azure's confirms, let through on your own word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub allow_unverified: Vec<UnverifiedTransition>,
}

/// The managed identities of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::some_identity())]
pub struct Identity {
    /// User-assigned identities: names, or whole ARM ids when they are in another resource group or subscription.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 1024)))]
    #[x_kube(validation = formats::identities())]
    pub user_assigned: Vec<String>,

    /// Whether the resource has an identity of its own, which comes into being with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_assigned: Option<bool>,
}

/// Reachability from public networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum PublicNetworkAccess {
    /// Reachable from public networks.
    Enabled,
    /// Reachable through private endpoints alone.
    Disabled,
}

/// What deleting the Kubernetes object does to the Azure resource.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter,
)]
pub enum DeletionPolicy {
    /// The resource stays in Azure as it is.
    #[default]
    Retain,
    /// The resource is deleted; where Azure keeps deleted resources for a while, it can still be recovered.
    Delete,
    /// The resource is deleted and purged: nothing can be recovered.
    DeleteAndPurge,
}

/// A transition that neither Microsoft's documents nor anybody's experience confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum UnverifiedTransition {
    /// A service-side hub whose key is unwrapped by a user-assigned identity.
    ServiceSideUserAssignedIdentity,
    /// A new version of the key on a service-side hub.
    ServiceSideKeyRotation,
    /// An account of kind OpenAI whose key is unwrapped by a user-assigned identity: Azure's pages contradict each other.
    OpenAIUserAssignedIdentity,
    /// An account of kind OpenAI with a key of a managed HSM: Azure's pages contradict each other.
    OpenAIManagedHsm,
    /// An account of kind OpenAI with a key of a vault that decides by role assignments: Azure's pages contradict each other.
    OpenAIRoleBasedVault,
}
