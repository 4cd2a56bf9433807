//! The encryption block that every kind shares.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

use crate::{formats, rules};

/// Who holds the key that encrypts the resource at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum EncryptionMode {
    /// A key in a key vault (or, for an account, a managed HSM) of yours. For a hub this is a choice of creation: Azure offers no way to or from it later.
    CustomerManaged,
    /// A key that Microsoft holds.
    MicrosoftManaged,
}

/// Where Azure keeps the data that the hub itself writes (projects, runs, indexes).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, EnumIter,
)]
pub enum DataLocation {
    /// In Cosmos DB, Azure AI Search and Storage that Microsoft creates in a managed resource group of your
    /// subscription, which bills them.
    #[default]
    ManagedResourceGroup,
    /// In Microsoft's own stores, encrypted for each document with your key; no managed resource group.
    ServiceSide,
}

/// What Keyholder does about the identity's access to the key.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, EnumIter,
)]
pub enum KeyAccess {
    /// Looks whether it is there, and says what is missing.
    #[default]
    Verify,
    /// Gives it, once, before the resource is first encrypted with the key: the role Key Vault Crypto Service Encryption User at
    /// the key. A grant that goes later is reported, and never given again.
    Grant,
}

/// How the resource is encrypted at rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::key_given_exactly_when_customer_managed())]
#[x_kube(validation = rules::data_location_only_when_customer_managed())]
pub struct Encryption {
    /// Who holds the key: CustomerManaged or MicrosoftManaged. It cannot be changed once the hub exists.
    pub mode: EncryptionMode,

    /// Where Azure keeps the hub's own data when the key is yours: ManagedResourceGroup or ServiceSide. Left out it
    /// means ManagedResourceGroup. It cannot be changed once the hub exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_location: Option<DataLocation>,

    /// The key, when mode is CustomerManaged; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_managed_key: Option<CustomerManagedKey>,
}

impl Encryption {
    /// The data location that is meant: absent in Microsoft-managed mode, the default where it is left out.
    #[must_use]
    pub fn effective_data_location(&self) -> Option<DataLocation> {
        match self.mode {
            EncryptionMode::CustomerManaged => Some(self.data_location.unwrap_or_default()),
            EncryptionMode::MicrosoftManaged => None,
        }
    }
}

/// A key in a key vault or a managed HSM, and the identity that unwraps with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::access_to_an_hsm_is_not_granted())]
pub struct CustomerManagedKey {
    /// The key vault: its name, or its whole ARM id when it is in another resource group or subscription. It needs
    /// soft delete and purge protection, and must be in the resource's region and tenant. An Azure AI services account can have
    /// a key of a managed HSM instead, named by its whole ARM id (…/providers/Microsoft.KeyVault/managedHSMs/NAME). It cannot be
    /// changed once the resource exists; the key can.
    #[schemars(length(max = 1024))]
    #[x_kube(validation = formats::key_store())]
    pub vault: String,

    /// The key's name in the vault or managed HSM (not its URL): an RSA or RSA-HSM key of at least 2048 bits.
    #[schemars(length(max = 127))]
    #[x_kube(validation = formats::key())]
    pub key: String,

    /// Pins one version of the key (32 hexadecimal digits). Left out, the newest usable version is applied;
    /// an Azure AI services account follows its key by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = formats::key_version())]
    pub version: Option<String>,

    /// The user-assigned identity that unwraps with the key: one of spec.identity.userAssigned. Left out, the
    /// resource's system-assigned identity does. It cannot be changed once the resource is encrypted with the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = formats::identity())]
    pub identity: Option<String>,

    /// Verify looks whether the identity may use the key. Grant gives it the role Key Vault Crypto Service Encryption User
    /// at the key if it is missing: once, before the resource is first encrypted with it, in vaults with RBAC. It needs the role
    /// Keyholder Granter of deploy/azure. What is withdrawn later is reported and never given again. A managed HSM holds its role
    /// assignments itself, where Keyholder can neither see nor give any: Grant is refused there.
    #[serde(default)]
    pub access: KeyAccess,
}
