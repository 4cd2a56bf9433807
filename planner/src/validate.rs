//! From the spec's strings to types, with every mistake at once.
//!
//! Invariant: a [`ValidHub`] holds nothing that would have to be checked again, and each reference is a whole ARM id.

use std::collections::BTreeMap;
use std::fmt;

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{
    AIHub, DataLocation, DeletionPolicy, EncryptionMode, KeyAccess, PublicNetworkAccess, UnverifiedTransition,
};

use crate::arm_id::ArmId;
use crate::name::{KeyName, KeyVersion, Location};

mod checker;

use checker::{Checker, is_group_name, is_guid};

/// ARM type of a hub.
pub const WORKSPACE: &str = "Microsoft.MachineLearningServices/workspaces";
/// ARM type of a key vault.
pub const VAULT: &str = "Microsoft.KeyVault/vaults";
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
    /// The hub's own identity, which comes into being with the hub.
    SystemAssigned,
}

/// How the hub is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidEncryption {
    /// Microsoft holds the key.
    MicrosoftManaged,
    /// The key is in a vault of the user's.
    CustomerManaged {
        /// Where the hub's own data is.
        data_location: DataLocation,
        /// The key's vault.
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
    /// Where the hub's own data is; `None` with Microsoft-managed keys.
    #[must_use]
    pub fn data_location(&self) -> Option<DataLocation> {
        match self {
            Self::MicrosoftManaged => None,
            Self::CustomerManaged { data_location, .. } => Some(*data_location),
        }
    }
}

/// A hub's spec as types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidHub {
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Uid of the object.
    pub uid: Option<String>,
    /// Generation of the spec.
    pub generation: i64,
    /// The hub.
    pub id: ArmId,
    /// Its region.
    pub location: Location,
    /// Value of the tag that marks the hub as this object's.
    pub owner_tag: String,
    /// User-assigned identities, each once, in the spec's order.
    pub user_assigned: Vec<ArmId>,
    /// Whether the hub has an identity of its own.
    pub system_assigned: bool,
    /// Its storage account.
    pub storage_account: ArmId,
    /// Its own key vault.
    pub key_vault: ArmId,
    /// Its encryption.
    pub encryption: ValidEncryption,
    /// Whether it holds data of high business impact; always so with a customer-managed key.
    pub high_business_impact: bool,
    /// Reachability from public networks, where declared.
    pub public_network_access: Option<PublicNetworkAccess>,
    /// Declared tags, without the owner's.
    pub tags: BTreeMap<String, String>,
    /// What deleting the object does.
    pub deletion_policy: DeletionPolicy,
    /// Transitions let through on the user's word.
    pub allow_unverified: Vec<UnverifiedTransition>,
}

impl ValidHub {
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

    /// Whether Microsoft creates a managed resource group for the hub.
    #[must_use]
    pub fn has_managed_group(&self) -> bool {
        self.encryption.data_location() == Some(DataLocation::ManagedResourceGroup)
    }

    /// Declared tags and the owner's.
    #[must_use]
    pub fn all_tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        tags.insert(OWNER_TAG.to_owned(), self.owner_tag.clone());
        tags
    }
}

/// Checks a hub's spec.
///
/// # Errors
/// Every field that cannot be as it is, with its path and the cure.
pub fn validate(hub: &AIHub, owner_id: &str) -> Result<ValidHub, Vec<FieldError>> {
    let spec = &hub.spec;
    let mut check = Checker {
        errors: Vec::new(),
        spec,
    };
    let namespace = hub.metadata.namespace.clone().unwrap_or_default();
    let name = hub.metadata.name.clone().unwrap_or_default();
    let owner_tag = format!("{owner_id}/{namespace}/{name}");
    check.that(
        owner_tag.len() <= 256,
        "metadata.name",
        format!(
            "the owner tag {owner_tag:?} is longer than the 256 characters that Azure allows: choose a shorter name"
        ),
    );

    check.that(
        is_guid(&spec.subscription_id),
        "spec.subscriptionId",
        "it is not a GUID",
    );
    check.that(
        is_group_name(&spec.resource_group),
        "spec.resourceGroup",
        "it is not a name that Azure takes for a resource group",
    );
    let azure_name = check.azure_name(&name);
    let location = Location::parse(&spec.location)
        .map_err(|error| check.fail("spec.location", error))
        .ok();
    let storage_account = check.reference(
        "spec.storageAccount",
        &spec.storage_account,
        STORAGE_ACCOUNT,
        "3 to 24 lower-case letters and digits",
        |text| (3..=24).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric()),
    );
    let key_vault = check.vault("spec.keyVault", &spec.key_vault);
    let user_assigned = check.identities();
    let system_assigned = spec.identity.system_assigned.unwrap_or(false);
    check.that(
        system_assigned || !spec.identity.user_assigned.is_empty(),
        "spec.identity",
        "a hub needs an identity: name one in userAssigned, or set systemAssigned: true",
    );
    let encryption = check.encryption(&user_assigned, system_assigned);
    check.tags();

    let customer_managed = spec.encryption.mode == EncryptionMode::CustomerManaged;
    check.that(
        !customer_managed || spec.high_business_impact.unwrap_or(true),
        "spec.highBusinessImpact",
        "Azure turns high business impact on for a hub with a customer-managed key: leave it out or set it to true",
    );

    match (azure_name, location, storage_account, key_vault, encryption) {
        (Some(azure_name), Some(location), Some(storage_account), Some(key_vault), Some(encryption))
            if check.errors.is_empty() =>
        {
            Ok(ValidHub {
                namespace,
                name,
                uid: hub.metadata.uid.clone(),
                generation: hub.metadata.generation.unwrap_or_default(),
                id: ArmId::of(
                    &spec.subscription_id,
                    &spec.resource_group,
                    WORKSPACE,
                    &azure_name,
                ),
                location,
                owner_tag,
                user_assigned,
                system_assigned,
                storage_account,
                key_vault,
                encryption,
                high_business_impact: spec.high_business_impact.unwrap_or(customer_managed),
                public_network_access: spec.public_network_access,
                tags: spec.tags.clone(),
                deletion_policy: spec.deletion_policy,
                allow_unverified: spec.allow_unverified.clone(),
            })
        }
        _ => Err(check.errors),
    }
}

/// Whether an object whose spec is not valid may go without anything being deleted in Azure: its policy retains, or
/// nothing was ever written or seen there.
#[must_use]
pub fn may_go_unread(hub: &AIHub) -> bool {
    let untouched = hub.status.as_ref().is_none_or(|status| {
        status.bound.is_none() && status.operation.is_none() && status.resource_id.is_none()
    });
    untouched || hub.spec.deletion_policy == DeletionPolicy::Retain
}

#[cfg(test)]
mod tests;
