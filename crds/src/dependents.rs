//! What a hub or an account works with and its key does not pass down to.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

use crate::policy::AdoptionPolicy;
use crate::status::Operation;
use crate::{formats, rules};

/// A resource that is encrypted by itself: the key does not pass down to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::dependent_is_of_its_type())]
#[x_kube(validation = rules::cosmos_db_has_no_way_back())]
#[x_kube(validation = rules::registries_get_their_key_at_creation())]
pub struct Dependent {
    /// Its name, or its whole ARM id when it is in another resource group or subscription.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = formats::dependent())]
    pub resource: String,

    /// Its type in Azure.
    pub r#type: DependentType,

    /// Audit: what it is encrypted with is told. Enforce: it is given the object's own key, unwrapped by the same user-assigned identity,
    /// once the object has it and it is in order; of AI Search, whose objects have keys of their own, it is enforced that they have one. A
    /// container registry gets its key at its creation alone, and can only be audited.
    #[serde(default)]
    pub policy: DependentPolicy,

    /// With policy Enforce, whether a resource that no object encrypts so far is taken over: its tag keyholder-encryption is written.
    /// Without it the tag must be there before.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// With policy Enforce, lets Keyholder make a change that Azure does not take back: the first key of Cosmos DB, or of an account that
    /// allows projects.
    #[serde(default)]
    pub allow_irreversible: bool,
}

/// What is done about the encryption of a dependent.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter,
)]
pub enum DependentPolicy {
    /// It is told.
    #[default]
    Audit,
    /// It is set.
    Enforce,
}

/// Types of resources whose encryption is looked at.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
)]
pub enum DependentType {
    /// A storage account.
    #[serde(rename = "Microsoft.Storage/storageAccounts")]
    #[strum(serialize = "Microsoft.Storage/storageAccounts")]
    StorageAccount,
    /// An AI services account.
    #[serde(rename = "Microsoft.CognitiveServices/accounts")]
    #[strum(serialize = "Microsoft.CognitiveServices/accounts")]
    AIServicesAccount,
    /// An AI Search service.
    #[serde(rename = "Microsoft.Search/searchServices")]
    #[strum(serialize = "Microsoft.Search/searchServices")]
    SearchService,
    /// A Cosmos DB account.
    #[serde(rename = "Microsoft.DocumentDB/databaseAccounts")]
    #[strum(serialize = "Microsoft.DocumentDB/databaseAccounts")]
    DatabaseAccount,
    /// A container registry.
    #[serde(rename = "Microsoft.ContainerRegistry/registries")]
    #[strum(serialize = "Microsoft.ContainerRegistry/registries")]
    Registry,
}

/// What a resource is encrypted with at rest, as far as Azure tells.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumIter,
)]
pub enum AtRestEncryption {
    /// A key of yours: keyIdentifier.
    CustomerManaged,
    /// A key of Microsoft's.
    MicrosoftManaged,
    /// AI Search lets only objects be that have a key of yours. Which keys they have Azure Resource Manager does not tell.
    Enforced,
    /// The same, and some objects have no such key.
    EnforcedNotCompliant,
    /// AI Search lets objects be without a key of yours. Which have one Azure Resource Manager does not tell.
    NotEnforced,
    /// The resource does not exist.
    NotFound,
    /// It could not be found out: message.
    Unknown,
}

/// What is known of a dependent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DependentStatus {
    /// Its ARM id.
    pub resource_id: String,
    /// What it is encrypted with.
    pub encryption: AtRestEncryption,
    /// The URL of its key, with the version in use where Azure tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_identifier: Option<String>,
    /// Of one with policy Enforce that is not as declared: why, as DependentsEncrypted has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What there is to say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The write to it that is intended or under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
}
