//! From the spec's strings to types, with every mistake at once.
//!
//! Invariant: a [`ValidHub`] holds nothing that would have to be checked again, and each reference is a whole ARM id.

use std::collections::BTreeMap;
use std::fmt;

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{
    AIHub, AIHubSpec, CustomerManagedKey, DataLocation, DeletionPolicy, EncryptionMode, PublicNetworkAccess,
    UnverifiedTransition,
};

use crate::arm_id::ArmId;
use crate::name::{KeyName, KeyVersion, Location, VaultName};

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
#[expect(
    clippy::large_enum_variant,
    reason = "one for each object, and nearly always the large one"
)]
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

struct Checker<'a> {
    errors: Vec<FieldError>,
    spec: &'a AIHubSpec,
}

impl Checker<'_> {
    fn fail(&mut self, path: &str, message: impl fmt::Display) {
        self.errors.push(FieldError {
            path: path.to_owned(),
            message: message.to_string(),
        });
    }

    fn that(&mut self, holds: bool, path: &str, message: impl fmt::Display) {
        if !holds {
            self.fail(path, message);
        }
    }

    /// The hub's name in Azure. Reserved words: Microsoft Learn, "Resolve errors for reserved resource names"
    /// (ReservedResourceName).
    fn azure_name(&mut self, object: &str) -> Option<String> {
        let name = self.spec.azure_name.as_deref().unwrap_or(object);
        let path = if self.spec.azure_name.is_some() {
            "spec.azureName"
        } else {
            "metadata.name"
        };
        let fits = (3..=33).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !fits {
            self.fail(
                path,
                format!(
                    "{name:?} is not a name that Azure takes for a hub (3 to 33 letters, digits, - and _): set spec.azureName"
                ),
            );
            return None;
        }
        let upper = name.to_ascii_uppercase();
        let reserved = ["MICROSOFT", "WINDOWS"]
            .into_iter()
            .find(|word| upper.contains(word))
            .or_else(|| ["LOGIN", "XBOX"].into_iter().find(|word| upper.starts_with(word)));
        if let Some(word) = reserved {
            self.fail(
                path,
                format!(
                    "Azure reserves the word {word} in names (ReservedResourceName): choose another spec.azureName than {name:?}"
                ),
            );
            return None;
        }
        Some(name.to_owned())
    }

    fn reference(
        &mut self,
        path: &str,
        text: &str,
        kind: &str,
        rule: &str,
        valid: impl Fn(&str) -> bool,
    ) -> Option<ArmId> {
        let id = if text.starts_with('/') {
            match ArmId::parse(text) {
                Ok(id) if id.is_type(kind) => id,
                Ok(id) => {
                    self.fail(
                        path,
                        format!("{text:?} is the id of a {}, not of a {kind}", id.resource_type()),
                    );
                    return None;
                }
                Err(error) => {
                    self.fail(path, error);
                    return None;
                }
            }
        } else {
            ArmId::of(&self.spec.subscription_id, &self.spec.resource_group, kind, text)
        };
        if valid(id.name()) {
            Some(id)
        } else {
            self.fail(
                path,
                format!(
                    "{:?} is not a name that Azure takes for a {kind} ({rule}): give the name or the ARM id",
                    id.name()
                ),
            );
            None
        }
    }

    fn vault(&mut self, path: &str, text: &str) -> Option<ArmId> {
        self.reference(path, text, VAULT, "3 to 24 letters, digits and -", |name| {
            VaultName::parse(name).is_ok()
        })
    }

    fn identity(&mut self, path: &str, text: &str) -> Option<ArmId> {
        self.reference(
            path,
            text,
            USER_ASSIGNED_IDENTITY,
            "3 to 128 letters, digits, - and _",
            |name| {
                (3..=128).contains(&name.len())
                    && name.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && name
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            },
        )
    }

    fn identities(&mut self) -> Vec<ArmId> {
        let mut ids: Vec<ArmId> = Vec::new();
        let spec = self.spec;
        for (index, text) in spec.identity.user_assigned.iter().enumerate() {
            if let Some(id) = self.identity(&format!("spec.identity.userAssigned[{index}]"), text)
                && !ids.contains(&id)
            {
                ids.push(id);
            }
        }
        ids
    }

    fn encryption(&mut self, user_assigned: &[ArmId], system_assigned: bool) -> Option<ValidEncryption> {
        let declared = &self.spec.encryption;
        match (declared.mode, &declared.customer_managed_key) {
            (EncryptionMode::MicrosoftManaged, None) => {
                self.that(
                    declared.data_location.is_none(),
                    "spec.encryption.dataLocation",
                    "dataLocation is a choice of customer-managed keys alone: leave it out with mode MicrosoftManaged",
                );
                Some(ValidEncryption::MicrosoftManaged)
            }
            (EncryptionMode::MicrosoftManaged, Some(_)) => {
                self.fail(
                    "spec.encryption.customerManagedKey",
                    "mode MicrosoftManaged must not have it: leave it out",
                );
                None
            }
            (EncryptionMode::CustomerManaged, None) => {
                self.fail(
                    "spec.encryption.customerManagedKey",
                    "mode CustomerManaged needs it: name vault and key",
                );
                None
            }
            (EncryptionMode::CustomerManaged, Some(key)) => self.key(
                key,
                declared.data_location.unwrap_or_default(),
                user_assigned,
                system_assigned,
            ),
        }
    }

    fn key(
        &mut self,
        declared: &CustomerManagedKey,
        data_location: DataLocation,
        user_assigned: &[ArmId],
        system_assigned: bool,
    ) -> Option<ValidEncryption> {
        const PATH: &str = "spec.encryption.customerManagedKey";
        let vault = self.vault(&format!("{PATH}.vault"), &declared.vault);
        let key = KeyName::parse(&declared.key)
            .map_err(|error| self.fail(&format!("{PATH}.key"), error))
            .ok();
        let version = match declared.version.as_deref().map(KeyVersion::parse).transpose() {
            Ok(version) => version,
            Err(error) => {
                self.fail(&format!("{PATH}.version"), error);
                return None;
            }
        };
        let path = format!("{PATH}.identity");
        let identity = match &declared.identity {
            Some(text) => {
                let id = self.identity(&path, text)?;
                self.that(
                    user_assigned.contains(&id),
                    &path,
                    format!(
                        "{text:?} is not among the hub's identities: add it to spec.identity.userAssigned"
                    ),
                );
                KeyUser::UserAssigned(id)
            }
            None => {
                self.that(
                    system_assigned,
                    &path,
                    "nobody can unwrap with the key: name one of spec.identity.userAssigned, or set spec.identity.systemAssigned: true",
                );
                KeyUser::SystemAssigned
            }
        };
        Some(ValidEncryption::CustomerManaged {
            data_location,
            vault: vault?,
            key: key?,
            version,
            identity,
        })
    }

    /// Azure's limits on tags (azure-resource-manager/management/tag-resources).
    fn tags(&mut self) {
        let spec = self.spec;
        for (name, value) in &spec.tags {
            let path = format!("spec.tags[{name}]");
            self.that(
                !name.eq_ignore_ascii_case(OWNER_TAG),
                &path,
                format!("the tag {OWNER_TAG} is Keyholder's own: leave it out"),
            );
            let long = name.chars().count() > 512 || value.chars().count() > 256;
            self.that(
                !long,
                &path,
                "Azure takes a name of at most 512 characters and a value of at most 256",
            );
            self.that(
                !name.is_empty() && !name.contains(['<', '>', '%', '&', '\\', '?', '/']),
                &path,
                "Azure takes no empty tag name and none with < > % & \\ ? /",
            );
        }
        self.that(
            spec.tags.len() <= 49,
            "spec.tags",
            "Azure takes 50 tags, and one is Keyholder's: declare at most 49",
        );
    }
}

fn is_guid(text: &str) -> bool {
    let mut groups = text
        .split('-')
        .map(|group| (group.len(), group.chars().all(|c| c.is_ascii_hexdigit())));
    [8, 4, 4, 4, 12]
        .into_iter()
        .all(|length| groups.next() == Some((length, true)))
        && groups.next().is_none()
}

fn is_group_name(text: &str) -> bool {
    (1..=90).contains(&text.chars().count())
        && !text.ends_with('.')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')'))
}
