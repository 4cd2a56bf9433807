//! From the spec's strings to types, with every mistake at once.
//!
//! Invariant: a [`Declared`] holds nothing that would have to be checked again, and each reference is a whole ARM id.

use std::collections::BTreeMap;
use std::fmt;

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{
    AdoptionPolicy, DataLocation, DeletionPolicy, KeyAccess, Managed, ManagementPolicy, ParentRef,
    PublicNetworkAccess, UnverifiedTransition,
};

use crate::arm_id::ArmId;
use crate::kind::Kind;
use crate::matrix::Profile;
use crate::name::{KeyName, KeyVersion, Location};
use crate::parent::Parent;
use crate::transition;

mod checker;
mod dependents;

pub(crate) use checker::{Checker, Common, is_group_name, is_guid};

/// ARM type of a hub.
pub const WORKSPACE: &str = "Microsoft.MachineLearningServices/workspaces";
/// ARM type of an account.
pub const ACCOUNT: &str = "Microsoft.CognitiveServices/accounts";
/// ARM type of a project of an account.
pub const ACCOUNT_PROJECT: &str = "Microsoft.CognitiveServices/accounts/projects";
/// ARM type of a key vault.
pub const VAULT: &str = "Microsoft.KeyVault/vaults";
/// ARM type of a managed HSM.
pub const MANAGED_HSM: &str = "Microsoft.KeyVault/managedHSMs";
/// ARM type of a storage account.
pub const STORAGE_ACCOUNT: &str = "Microsoft.Storage/storageAccounts";
/// ARM type of a user-assigned identity.
pub const USER_ASSIGNED_IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// One field that cannot be as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where, such as `spec.encryption.customerManagedKey.vault`.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

/// Who unwraps with the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyUser {
    /// A user-assigned identity.
    UserAssigned(ArmId),
    /// The resource's own identity, which comes into being with the resource.
    SystemAssigned,
}

/// How the resource is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidEncryption {
    /// As the parent is.
    Inherited,
    /// Microsoft holds the key.
    MicrosoftManaged,
    /// The key is in a vault or a managed HSM of the user's.
    CustomerManaged {
        /// Where a hub's own data is; `None` for other kinds.
        data_location: Option<DataLocation>,
        /// The key's vault or managed HSM.
        vault: ArmId,
        /// The key.
        key: KeyName,
        /// The pinned version.
        version: Option<KeyVersion>,
        /// Who unwraps.
        identity: KeyUser,
        /// What is done about its access.
        access: KeyAccess,
    },
}

impl ValidEncryption {
    /// Where a hub's own data is; `None` with Microsoft-managed keys and for other kinds.
    #[must_use]
    pub fn data_location(&self) -> Option<DataLocation> {
        match self {
            Self::Inherited | Self::MicrosoftManaged => None,
            Self::CustomerManaged { data_location, .. } => *data_location,
        }
    }
}

/// A resource that the key does not pass down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidDependent {
    /// The resource.
    pub id: ArmId,
    /// How it is given the object's key; `None`: its encryption is looked at alone.
    pub enforcement: Option<Enforcement>,
}

/// How a dependent is given the object's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enforcement {
    /// Whether one that no object encrypts is taken over.
    pub adopts: bool,
    /// Whether changes are made that Azure does not take back.
    pub irreversible: bool,
}

impl ValidDependent {
    /// One that is looked at alone.
    #[must_use]
    pub fn audited(id: ArmId) -> Self {
        Self {
            id,
            enforcement: None,
        }
    }
}

/// A spec as types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Uid of the object.
    pub uid: Option<String>,
    /// Generation of the spec.
    pub generation: i64,
    /// The resource.
    pub id: ArmId,
    /// Its region.
    pub location: Location,
    /// Value of the tag that marks the resource as this object's.
    pub owner_tag: String,
    /// User-assigned identities, each once, in the spec's order.
    pub user_assigned: Vec<ArmId>,
    /// Whether the resource has an identity of its own.
    pub system_assigned: bool,
    /// Its encryption.
    pub encryption: ValidEncryption,
    /// Reachability from public networks, where declared.
    pub public_network_access: Option<PublicNetworkAccess>,
    /// Resources that the key does not pass down to.
    pub dependents: Vec<ValidDependent>,
    /// Declared tags, without the owner's.
    pub tags: BTreeMap<String, String>,
    /// What deleting the object does.
    pub deletion_policy: DeletionPolicy,
    /// Whether anything is written.
    pub management_policy: ManagementPolicy,
    /// Whether a resource without an owner is taken over.
    pub adoption_policy: AdoptionPolicy,
    /// Whether everything that would be written is held back.
    pub suspend: bool,
    /// Transitions let through on the user's word.
    pub allow_unverified: Vec<UnverifiedTransition>,
    /// What its kind alone declares.
    pub kind: Kind,
}

impl Declared {
    /// The user-assigned identity that Azure is told to use: the one that unwraps, else the first.
    ///
    /// Azure needs it when there is no system-assigned identity (terraform-provider-azurerm, docs of `ai_foundry`).
    #[must_use]
    pub fn primary_identity(&self) -> Option<&ArmId> {
        match &self.encryption {
            ValidEncryption::CustomerManaged {
                identity: KeyUser::UserAssigned(id),
                ..
            } => Some(id),
            _ => self.user_assigned.first(),
        }
    }

    /// Whether Microsoft creates a managed resource group for the resource.
    #[must_use]
    pub fn has_managed_group(&self) -> bool {
        self.encryption.data_location() == Some(DataLocation::ManagedResourceGroup)
    }

    /// Declared tags and the owner's, which one that is only observed need not have.
    #[must_use]
    pub fn all_tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        if self.management_policy == ManagementPolicy::Full {
            tags.insert(OWNER_TAG.to_owned(), self.owner_tag.clone());
        }
        tags
    }

    /// The tag that marks a dependent as encrypted by this object.
    #[must_use]
    pub fn encryption_tag(&self) -> String {
        format!("{}/{}", self.owner_tag, self.kind.rules().object())
    }

    /// The row of the transition matrix that holds for it.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.kind.rules().profile(&transition::of_declared(self))
    }
}

/// A custom resource whose spec can be checked.
pub trait Validate: Managed {
    /// Whose project it is, if it is one.
    fn parent_ref(&self) -> Option<&ParentRef> {
        None
    }

    /// Checks the spec; `parent`: what is known of the parent that [`parent_ref`](Self::parent_ref) names.
    ///
    /// # Errors
    /// Every field that cannot be as it is, with its path and the cure.
    fn validate(&self, owner_id: &str, parent: Option<&Parent>) -> Result<Declared, Vec<FieldError>>;
}

/// Whether an object whose spec is not valid may go without anything being deleted in Azure: its policy retains, or
/// nothing was ever written or seen there.
#[must_use]
pub fn may_go_unread(object: &impl Managed) -> bool {
    let untouched = object.status().is_none_or(|status| {
        status.bound.is_none() && status.operation.is_none() && status.resource_id.is_none()
    });
    untouched || object.deletion_policy() == DeletionPolicy::Retain
}

/// Whether nothing in Azure is known to be the object's.
#[must_use]
pub fn is_unbound(object: &impl Managed) -> bool {
    object.status().is_none_or(|status| status.bound.is_none())
}

#[cfg(test)]
mod tests;
