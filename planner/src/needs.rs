//! What a pass must read after it has read the hub itself.
//!
//! Invariant: a hub at rest needs its key, its vault, its identity's access and its managed group, which hubs share;
//! everything else is read only around a creation.

use std::collections::BTreeMap;

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{
    AdoptionPolicy, DeletionPolicy, ManagementPolicy, OperationKind, OperationState, ResourceStatus,
};

use crate::arm_id::ArmId;
use crate::key_store::KeyStore;
use crate::name::{KeyName, KeyVersion};
use crate::observed::{Fact, Live, Why};
use crate::preflight;
use crate::transition;
use crate::validate::{Declared, KeyUser, ValidEncryption};

/// Whose role assignments at the key are to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessOf {
    /// Nobody's.
    Nobody,
    /// Those of this user-assigned identity: its principal is read first.
    UserAssigned(ArmId),
    /// Those of this principal.
    Principal(String),
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Resource group, providers and user-assigned identities.
    pub preflight: bool,
    /// Namespaces of the providers, when `preflight`.
    pub providers: &'static [&'static str],
    /// User-assigned identities, when `preflight` or for `access`.
    pub identities: Vec<ArmId>,
    /// Storage accounts and vaults that must exist, when `preflight`.
    pub associated: Vec<ArmId>,
    /// Vault and key.
    pub key: bool,
    /// Which vault, when `key`.
    pub vault: Option<ArmId>,
    /// Which key, when `key`.
    pub key_name: Option<KeyName>,
    /// Versions of the key that are decided on besides the current one. One of them that is not in [`LiveKey`] afterwards
    /// does not exist, so the key is Known only when each has been answered.
    ///
    /// [`LiveKey`]: crate::observed::LiveKey
    pub versions: Vec<KeyVersion>,
    /// Role assignments at the key, with the definitions they name, when the vault has RBAC.
    pub access: bool,
    /// Whose, when `access`.
    pub access_of: AccessOf,
    /// The parent of a project.
    pub parent: Option<ArmId>,
    /// The projects of a resource that is to be deleted.
    pub projects: bool,
    /// Path of the resource of the same name that was deleted and may be kept.
    pub deleted: Option<String>,
    /// What policies would do to the resource as it is declared.
    pub policy: bool,
    /// Namespaces whose quotas in the hub's region are to be read.
    pub quotas: &'static [&'static str],
    /// Name of the managed resource group whose content is to be read, with the encryption of what is in it.
    pub managed_group: Option<String>,
    /// Dependents whose encryption is to be read.
    pub dependents: Vec<ArmId>,
    /// The capability hosts of a project.
    pub capability_hosts: bool,
}

impl Needs {
    /// Nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            preflight: false,
            providers: &[],
            identities: Vec::new(),
            associated: Vec::new(),
            key: false,
            vault: None,
            key_name: None,
            versions: Vec::new(),
            access: false,
            access_of: AccessOf::Nobody,
            parent: None,
            projects: false,
            deleted: None,
            policy: false,
            quotas: &[],
            managed_group: None,
            dependents: Vec::new(),
            capability_hosts: false,
        }
    }
}

/// Says what to read, after the hub was read.
#[must_use]
pub fn needs(declared: &Declared, status: &ResourceStatus, deleting: bool, live: &Fact<Live>) -> Needs {
    match live {
        Fact::Absent if deleting && declared.deletion_policy == DeletionPolicy::DeleteAndPurge => Needs {
            deleted: declared.kind.rules().deleted(declared),
            ..Needs::nothing()
        },
        Fact::Known(live) if deleting => Needs {
            projects: declared.kind.rules().may_have_projects(live)
                && declared.deletion_policy != DeletionPolicy::Retain
                && is_owned(declared, live)
                && !is_in_progress(live),
            ..Needs::nothing()
        },
        _ if deleting => Needs::nothing(),
        Fact::Unknown(_) => Needs::nothing(),
        Fact::Absent if waits_for_creation(status) || was_created(status) => Needs::nothing(),
        Fact::Absent => creation(declared, status, None),
        Fact::Known(live) if !is_watched(declared, live) || is_in_progress(live) => Needs::nothing(),
        Fact::Known(live) if has_failed(live) => creation(declared, status, Some(live)),
        Fact::Known(live) => upkeep(declared, status, live),
    }
}

/// What a project waits for before anything is to be read or done: its parent's object says that it is not in order, or has no
/// projects.
#[must_use]
pub fn waits_for_parent<'a>(
    declared: &'a Declared,
    status: &ResourceStatus,
    deleting: bool,
) -> Option<&'a Why> {
    let project = declared.kind.rules().parent()?;
    let untouched = !deleting && status.bound.is_none() && status.operation.is_none();
    project.waits_for.as_ref().filter(|_| untouched)
}

/// `left`: what is there already, an earlier try or a resource without the key, whose own identity exists.
fn creation(declared: &Declared, status: &ResourceStatus, left: Option<&Live>) -> Needs {
    let mut needs = Needs {
        preflight: true,
        providers: preflight::providers(declared),
        identities: declared.user_assigned.clone(),
        associated: preflight::associated(declared)
            .into_iter()
            .map(|one| one.id)
            .collect(),
        deleted: declared.kind.rules().deleted(declared).filter(|_| left.is_none()),
        parent: parent(declared),
        policy: true,
        quotas: preflight::quotas(declared),
        // One that failed after it was in order is judged as any other.
        capability_hosts: left.is_some() && declared.kind.rules().has_agents(),
        dependents: left.map_or_else(Vec::new, |_| dependents(declared, status)),
        ..Needs::nothing()
    };
    if let ValidEncryption::CustomerManaged {
        vault,
        key,
        version,
        identity,
        ..
    } = &declared.encryption
    {
        needs.key = true;
        needs.vault = Some(vault.clone());
        needs.key_name = Some(key.clone());
        let in_use = left
            .and_then(|live| live.encryption.as_ref())
            .filter(|encryption| encryption.key.key() == key)
            .and_then(|encryption| encryption.key.version());
        needs.versions = version.iter().chain(in_use).cloned().collect();
        needs.versions.dedup();
        needs.access_of = match identity {
            KeyUser::UserAssigned(id) => AccessOf::UserAssigned(id.clone()),
            KeyUser::SystemAssigned => left
                .and_then(|live| live.system_assigned_principal.clone())
                .map_or(AccessOf::Nobody, AccessOf::Principal),
        };
        needs.access = tells_access(&needs);
    }
    needs
}

/// Those that are declared, and those that a write may still reach.
fn dependents(declared: &Declared, status: &ResourceStatus) -> Vec<ArmId> {
    let mut ids: Vec<ArmId> = declared.dependents.iter().map(|one| one.id.clone()).collect();
    let written = status.dependents.iter().filter(|one| one.operation.is_some());
    for id in written.filter_map(|one| ArmId::parse(&one.resource_id).ok()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn parent(declared: &Declared) -> Option<ArmId> {
    declared.kind.parent().cloned()
}

fn upkeep(declared: &Declared, status: &ResourceStatus, live: &Live) -> Needs {
    let mut needs = Needs {
        policy: may_be_fought(status),
        parent: parent(declared),
        dependents: dependents(declared, status),
        capability_hosts: declared.kind.rules().has_agents(),
        ..Needs::nothing()
    };
    let Some(encryption) = &live.encryption else {
        let asks_for_a_key = matches!(declared.encryption, ValidEncryption::CustomerManaged { .. });
        if asks_for_a_key && !is_refused(declared, status, live) {
            // The key is applied after the same checks as before a creation.
            return creation(declared, status, Some(live));
        }
        return needs;
    };
    needs.key = encryption.vault.is_some();
    needs.versions = encryption.key.version().cloned().into_iter().collect();
    needs.vault.clone_from(&encryption.vault);
    needs.key_name = Some(encryption.key.key().clone());
    // While a change is refused the hub stays managed with the key it has.
    if let ValidEncryption::CustomerManaged {
        vault, key, version, ..
    } = &declared.encryption
        && !is_refused(declared, status, live)
    {
        needs.key = true;
        needs.vault = Some(vault.clone());
        needs.key_name = Some(key.clone());
        needs.versions.extend(
            version
                .iter()
                .filter(|version| Some(*version) != encryption.key.version())
                .cloned(),
        );
    }
    // A grant that is withdrawn is to be seen at rest too: the sweep reads it once for all hubs of a key and an identity.
    needs.access_of = match (&encryption.identity, &live.system_assigned_principal) {
        (Some(id), _) => AccessOf::UserAssigned(id.clone()),
        (None, Some(principal)) => AccessOf::Principal(principal.clone()),
        (None, None) => AccessOf::Nobody,
    };
    needs.access = tells_access(&needs);
    needs.identities = encryption.identity.iter().cloned().collect();
    if !live.service_side {
        needs.managed_group.clone_from(&live.managed_group);
    }
    needs
}

/// Whether role assignments can tell of the access: those at a managed HSM say nothing (key-vault, managed-hsm/access-control).
fn tells_access(needs: &Needs) -> bool {
    let in_hsm = (needs.vault.as_ref()).is_some_and(|vault| KeyStore::of(vault) == KeyStore::ManagedHsm);
    needs.access_of != AccessOf::Nobody && !in_hsm
}

/// A resource as it was read, with the ARM id of its key's vault where the spec or the status knows it.
#[must_use]
pub fn with_known_vault(live: Live, declared: &Declared, status: &ResourceStatus) -> Live {
    let bound = status.bound.as_ref().and_then(|bound| bound.vault.as_deref());
    let bound = bound.and_then(|vault| ArmId::parse(vault).ok());
    let declared = match &declared.encryption {
        ValidEncryption::CustomerManaged { vault, .. } => Some(vault),
        ValidEncryption::Inherited | ValidEncryption::MicrosoftManaged => None,
    };
    live.with_vault(declared.into_iter().chain(&bound))
}

/// Whether the resource is of the declared kind and carries the object's tag.
pub(crate) fn is_owned(declared: &Declared, live: &Live) -> bool {
    declared.kind.rules().is(live) && is_marked(declared, &live.tags)
}

/// Whether the resource is looked at as the object's: its own, or any one of its kind where nothing is written.
pub(crate) fn is_watched(declared: &Declared, live: &Live) -> bool {
    is_owned(declared, live)
        || (declared.management_policy == ManagementPolicy::ObserveOnly && declared.kind.rules().is(live))
}

/// Whether the resource may be taken over: it is of the kind and no object owns it.
pub(crate) fn is_adoptable(declared: &Declared, live: &Live) -> bool {
    declared.adoption_policy == AdoptionPolicy::Adopt
        && declared.kind.rules().is(live)
        && !live.tags.keys().any(|name| name.eq_ignore_ascii_case(OWNER_TAG))
}

/// Whether the object's tag is among these.
pub(crate) fn is_marked(declared: &Declared, tags: &BTreeMap<String, String>) -> bool {
    tags.iter()
        .any(|(name, value)| name.eq_ignore_ascii_case(OWNER_TAG) && *value == declared.owner_tag)
}

fn state_is(live: &Live, states: &[&str]) -> bool {
    live.provisioning_state
        .as_deref()
        .is_some_and(|state| states.iter().any(|one| state.eq_ignore_ascii_case(one)))
}

/// Whether Azure works on the hub: any state that is not terminal (azure-resource-manager-rpc, Addendum).
pub(crate) fn is_in_progress(live: &Live) -> bool {
    is_unsettled(live.provisioning_state.as_deref())
}

/// Whether a provisioning state is none of those that Azure leaves a resource in.
pub(crate) fn is_unsettled(state: Option<&str>) -> bool {
    let settled = ["Succeeded", "Failed", "Canceled", "Cancelled"];
    state.is_some_and(|state| !settled.iter().any(|one| state.eq_ignore_ascii_case(one)))
}

/// Whether Azure gave up on the hub.
pub(crate) fn has_failed(live: &Live) -> bool {
    state_is(live, &["Failed", "Canceled", "Cancelled"])
}

/// Whether Azure deletes the hub.
pub(crate) fn is_deleting(live: &Live) -> bool {
    state_is(live, &["Deleting"])
}

/// Whether the spec asks for something that this hub cannot become.
pub(crate) fn is_refused(declared: &Declared, status: &ResourceStatus, live: &Live) -> bool {
    let kind = &declared.kind;
    let declared = transition::of_declared(declared);
    status
        .bound
        .as_ref()
        .is_some_and(|bound| !transition::refusals(kind, &declared, bound).is_empty())
        || !transition::refusals(kind, &declared, &transition::of_live(kind, live, &declared)).is_empty()
}

/// Whether the hub was seen, and was in order or has no creation of it unfinished: its absence means that somebody
/// deleted it.
pub(crate) fn was_created(status: &ResourceStatus) -> bool {
    status.resource_id.is_some()
        && (has_been_ready(status)
            || status
                .operation
                .as_ref()
                .is_none_or(|operation| operation.kind != OperationKind::Create))
}

/// Whether the resource was once encrypted with a key of the user's.
pub(crate) fn has_been_encrypted(status: &ResourceStatus) -> bool {
    status
        .encryption
        .as_ref()
        .is_some_and(|encryption| !encryption.versions.is_empty())
}

/// Whether Azure has once shown the resource in order, so that it may hold data.
pub(crate) fn has_been_ready(status: &ResourceStatus) -> bool {
    status.encryption.is_some()
}

/// Azure has the creation and has not shown its hub: nothing is decided so far. One that is verified may have to be made
/// anew, which must not wait for another pass.
fn waits_for_creation(status: &ResourceStatus) -> bool {
    status.operation.as_ref().is_some_and(|operation| {
        operation.kind == OperationKind::Create && operation.state == OperationState::Running
    })
}

/// Whether a change was written and does not show: a policy may have undone it.
fn may_be_fought(status: &ResourceStatus) -> bool {
    status.operation.as_ref().is_some_and(|operation| {
        operation.kind == OperationKind::Update
            && matches!(
                operation.state,
                OperationState::Verifying | OperationState::Ignored
            )
    })
}

#[cfg(test)]
mod tests;
