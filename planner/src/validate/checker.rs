//! The checks of one spec, each adding to the list of mistakes.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use keyholder_crds::vocabulary::{ENCRYPTION_TAG, OWNER_TAG};
use keyholder_crds::{
    AdoptionPolicy, CustomerManagedKey, DataLocation, DeletionPolicy, Dependent, EncryptionMode, Identity,
    KeyAccess, ManagementPolicy, PublicNetworkAccess, UnverifiedTransition,
};

use super::{Declared, FieldError, KeyUser, MANAGED_HSM, USER_ASSIGNED_IDENTITY, VAULT, ValidEncryption};
use crate::arm_id::ArmId;
use crate::key_store::KeyStore;
use crate::kind::Kind;
use crate::name::{KeyName, KeyVersion, Location, VaultName};

/// What the specs of all kinds have.
#[derive(Clone, Copy)]
pub(crate) struct Common<'a> {
    pub metadata: &'a ObjectMeta,
    pub subscription_id: &'a str,
    pub resource_group: &'a str,
    pub location: &'a str,
    pub azure_name: Option<&'a str>,
    pub identity: &'a Identity,
    /// Who holds the key; `None`: whoever holds the parent's.
    pub mode: Option<EncryptionMode>,
    pub data_location: Option<DataLocation>,
    pub customer_managed_key: Option<&'a CustomerManagedKey>,
    pub public_network_access: Option<PublicNetworkAccess>,
    pub dependents: &'a [Dependent],
    pub tags: &'a BTreeMap<String, String>,
    pub deletion_policy: DeletionPolicy,
    pub management_policy: ManagementPolicy,
    pub adoption_policy: AdoptionPolicy,
    pub suspend: bool,
    pub allow_unverified: &'a [UnverifiedTransition],
    /// What people call such a resource, in the middle of a sentence.
    pub noun: &'static str,
    /// Its ARM type, with the names of what it is within.
    pub arm_type: &'a str,
    /// Whether it is a choice where its data is.
    pub has_data_location: bool,
}

pub(crate) struct Checker<'a> {
    errors: Vec<FieldError>,
    pub(super) spec: &'a Common<'a>,
}

impl<'a> Checker<'a> {
    pub fn new(spec: &'a Common<'a>) -> Self {
        Self {
            errors: Vec::new(),
            spec,
        }
    }

    /// Checks what all kinds have; `kind` is what the kind itself found, `fits_azure` its rule for names.
    ///
    /// # Errors
    /// All that was found, by the kind too.
    pub fn declared(
        mut self,
        owner_id: &str,
        kind: Option<Kind>,
        fits_azure: fn(&str) -> Result<(), &'static str>,
    ) -> Result<Declared, Vec<FieldError>> {
        let spec = self.spec;
        let namespace = spec.metadata.namespace.clone().unwrap_or_default();
        let name = spec.metadata.name.clone().unwrap_or_default();
        let owner_tag = format!("{owner_id}/{namespace}/{name}");
        self.that(
            owner_tag.len() <= 256,
            "metadata.name",
            format!(
                "the owner tag {owner_tag:?} is longer than the 256 characters that Azure allows: choose a shorter name"
            ),
        );
        self.that(
            is_guid(spec.subscription_id),
            "spec.subscriptionId",
            "it is not a GUID",
        );
        self.that(
            is_group_name(spec.resource_group),
            "spec.resourceGroup",
            "it is not a name that Azure takes for a resource group",
        );
        let azure_name = self.azure_name(&name, fits_azure);
        let location = Location::parse(spec.location)
            .map_err(|error| self.fail("spec.location", error))
            .ok();
        let user_assigned = self.identities();
        let system_assigned = spec.identity.system_assigned.unwrap_or(false);
        let encryption = self.encryption(&user_assigned, system_assigned);
        let dependents = self.dependents(encryption.as_ref());
        self.tags();
        match (azure_name, location, encryption, kind) {
            (Some(azure_name), Some(location), Some(encryption), Some(kind)) if self.errors.is_empty() => {
                Ok(Declared {
                    namespace,
                    name,
                    uid: spec.metadata.uid.clone(),
                    generation: spec.metadata.generation.unwrap_or_default(),
                    id: ArmId::of(
                        spec.subscription_id,
                        spec.resource_group,
                        spec.arm_type,
                        &azure_name,
                    ),
                    location,
                    owner_tag,
                    user_assigned,
                    system_assigned,
                    encryption,
                    public_network_access: spec.public_network_access,
                    dependents,
                    tags: spec.tags.clone(),
                    deletion_policy: spec.deletion_policy,
                    management_policy: spec.management_policy,
                    adoption_policy: spec.adoption_policy,
                    suspend: spec.suspend,
                    allow_unverified: spec.allow_unverified.to_vec(),
                    kind,
                })
            }
            _ => Err(self.errors),
        }
    }

    pub fn fail(&mut self, path: &str, message: impl fmt::Display) {
        self.errors.push(FieldError {
            path: path.to_owned(),
            message: message.to_string(),
        });
    }

    pub fn that(&mut self, holds: bool, path: &str, message: impl fmt::Display) {
        if !holds {
            self.fail(path, message);
        }
    }

    /// The name in Azure. Reserved words: Microsoft Learn, "Resolve errors for reserved resource names"
    /// (ReservedResourceName).
    fn azure_name(&mut self, object: &str, fits: fn(&str) -> Result<(), &'static str>) -> Option<String> {
        let name = self.spec.azure_name.unwrap_or(object);
        let path = if self.spec.azure_name.is_some() {
            "spec.azureName"
        } else {
            "metadata.name"
        };
        if let Err(rule) = fits(name) {
            let noun = self.spec.noun;
            self.fail(
                path,
                format!("{name:?} is not a name that Azure takes for a {noun} ({rule}): set spec.azureName"),
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

    pub fn reference(
        &mut self,
        path: &str,
        text: &str,
        kind: &str,
        rule: &str,
        valid: impl Fn(&str) -> bool,
    ) -> Option<ArmId> {
        let id = if text.starts_with('/') {
            match ArmId::parse(text) {
                Ok(id) if !is_guid(id.subscription()) => {
                    let message =
                        format!("the subscription in {text:?} is not a GUID: give the name or the ARM id");
                    self.fail(path, message);
                    return None;
                }
                Ok(id) if id.is_type(kind) => id,
                Ok(id) => {
                    self.fail(
                        path,
                        format!(
                            "{text:?} is the id of a {}, not of a {kind}: give the name or the ARM id of one",
                            id.resource_type()
                        ),
                    );
                    return None;
                }
                Err(error) => {
                    self.fail(path, error);
                    return None;
                }
            }
        } else {
            ArmId::of(self.spec.subscription_id, self.spec.resource_group, kind, text)
        };
        // A text that is no id is a name, with all its slashes.
        let name = if text.starts_with('/') { id.name() } else { text };
        if valid(name) {
            Some(id)
        } else {
            self.fail(
                path,
                format!(
                    "{name:?} is not a name that Azure takes for a {kind} ({rule}): give the name or the ARM id"
                ),
            );
            None
        }
    }

    pub fn vault(&mut self, path: &str, text: &str) -> Option<ArmId> {
        self.reference(path, text, VAULT, "3 to 24 letters, digits and -", |name| {
            VaultName::parse(name).is_ok()
        })
    }

    /// A vault, or a managed HSM by its id.
    fn key_store(&mut self, path: &str, text: &str) -> Option<ArmId> {
        match KeyStore::of_text(text) {
            KeyStore::Vault => self.vault(path, text),
            KeyStore::ManagedHsm => {
                let fits = |name: &str| VaultName::parse(name).is_ok();
                self.reference(path, text, MANAGED_HSM, "3 to 24 letters, digits and -", fits)
            }
        }
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
        let declared = self.spec;
        match (declared.mode, declared.customer_managed_key) {
            (None, _) => Some(ValidEncryption::Inherited),
            (Some(EncryptionMode::MicrosoftManaged), None) => {
                self.that(
                    declared.data_location.is_none(),
                    "spec.encryption.dataLocation",
                    "dataLocation is a choice of customer-managed keys alone: leave it out with mode MicrosoftManaged",
                );
                Some(ValidEncryption::MicrosoftManaged)
            }
            (Some(EncryptionMode::MicrosoftManaged), Some(_)) => {
                self.fail(
                    "spec.encryption.customerManagedKey",
                    "mode MicrosoftManaged must not have it: leave it out",
                );
                None
            }
            (Some(EncryptionMode::CustomerManaged), None) => {
                self.fail(
                    "spec.encryption.customerManagedKey",
                    "mode CustomerManaged needs it: name vault and key",
                );
                None
            }
            (Some(EncryptionMode::CustomerManaged), Some(key)) => self.key(
                key,
                declared
                    .has_data_location
                    .then(|| declared.data_location.unwrap_or_default()),
                user_assigned,
                system_assigned,
            ),
        }
    }

    fn key(
        &mut self,
        declared: &CustomerManagedKey,
        data_location: Option<DataLocation>,
        user_assigned: &[ArmId],
        system_assigned: bool,
    ) -> Option<ValidEncryption> {
        const PATH: &str = "spec.encryption.customerManagedKey";
        let vault = self.key_store(&format!("{PATH}.vault"), &declared.vault);
        self.that(
            declared.access == KeyAccess::Verify || KeyStore::of_text(&declared.vault) == KeyStore::Vault,
            &format!("{PATH}.access"),
            "Keyholder cannot give access to a managed HSM, which holds its role assignments itself: leave access out and give it there",
        );
        let key = KeyName::parse(&declared.key)
            .map_err(|error| self.fail(&format!("{PATH}.key"), error))
            .ok();
        let version = declared
            .version
            .as_deref()
            .map(KeyVersion::parse)
            .transpose()
            .map_err(|error| self.fail(&format!("{PATH}.version"), error))
            .ok();
        let path = format!("{PATH}.identity");
        let identity = match &declared.identity {
            Some(text) => {
                let id = self.identity(&path, text)?;
                self.that(
                    user_assigned.contains(&id),
                    &path,
                    format!(
                        "{text:?} is not among the {}'s identities: add it to spec.identity.userAssigned",
                        self.spec.noun
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
            version: version?,
            identity,
            access: declared.access,
        })
    }

    /// Azure's limits on tags (azure-resource-manager/management/tag-resources).
    fn tags(&mut self) {
        let spec = self.spec;
        for (name, value) in spec.tags {
            let path = format!("spec.tags[{name}]");
            self.that(
                ![OWNER_TAG, ENCRYPTION_TAG]
                    .iter()
                    .any(|own| name.eq_ignore_ascii_case(own)),
                &path,
                format!("the tags {OWNER_TAG} and {ENCRYPTION_TAG} are Keyholder's own: leave them out"),
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

pub(crate) fn is_guid(text: &str) -> bool {
    let mut groups = text
        .split('-')
        .map(|group| (group.len(), group.chars().all(|c| c.is_ascii_hexdigit())));
    [8, 4, 4, 4, 12]
        .into_iter()
        .all(|length| groups.next() == Some((length, true)))
        && groups.next().is_none()
}

pub(crate) fn is_group_name(text: &str) -> bool {
    (1..=90).contains(&text.chars().count())
        && !text.ends_with('.')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')'))
}
