//! Reads Azure for one object into one [`Observed`].
//!
//! Invariant: what could not be read is `Unknown` with its reason. Absence needs Azure's own 404 for the resource; that
//! a list lacks it is a reason to ask, not an answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use keyholder_azure::{ArmError, Cause, KeyVaults, OperationState, Reading, wire};
use keyholder_crds::{DependentStatus, Reason, ResourceStatus};
use keyholder_planner::at_rest::{in_group, is_place_of};
use keyholder_planner::key_store::KeyStore;
use keyholder_planner::needs::{AccessOf, waits_for_parent};
use keyholder_planner::observed::{Live, OperationSeen, Permissions, Stored};
use keyholder_planner::plan::Pace;
use keyholder_planner::validate::{STORAGE_ACCOUNT, ValidDependent};
use keyholder_planner::{ArmId, Declared, Fact, Observed, Why, needs};
use serde_json::Value;
use url::Url;

use crate::identity::Azure;
use crate::inventory::lists::{Item, Lists};
use crate::inventory::{Age, Inventory};
use crate::resource::{ApiType, ResourceType, list_of};

pub mod account;
pub mod at_rest;
pub mod convert;
pub mod key_store;
mod keys;
mod limits;
pub mod project;
mod refusals;

pub use refusals::why;

/// Role definitions and registrations change rarely; a wrong one is read anew before anything is said for the worse.
const SLOW: Duration = Duration::from_mins(10);

/// Reads what this pass needs.
pub async fn observe(
    azure: &Azure,
    hub: &Declared,
    status: &ResourceStatus,
    deleting: bool,
    age: Age,
    pace: Pace,
) -> Observed {
    let look = Look {
        inventory: &azure.inventory,
        vaults: azure.vaults.as_ref(),
        quotas: azure.quotas,
        age,
        withheld_until: Mutex::new(None),
    };
    let mut observed = look.all(hub, status, deleting, pace).await;
    observed.withheld_until = look
        .withheld_until
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    observed
}

impl Look<'_> {
    async fn all(&self, hub: &Declared, status: &ResourceStatus, deleting: bool, pace: Pace) -> Observed {
        let look = self;
        let mut observed = Observed::nothing();
        if waits_for_parent(hub, status, deleting).is_some() {
            return observed;
        }
        if let Some(url) = status
            .operation
            .as_ref()
            .and_then(|operation| operation.url.as_deref())
        {
            observed.operation = look.operation(&hub.id, url, pace).await;
            if matches!(
                observed.operation,
                OperationSeen::Running { .. } | OperationSeen::Unreadable(_)
            ) {
                return observed;
            }
        }
        observed.live = match look.live(&hub.id).await {
            Fact::Known(live) => Fact::Known(keyholder_planner::with_known_vault(live, hub, status)),
            other => other,
        };

        let needs = needs(hub, status, deleting, &observed.live);
        if let Some(parent) = &needs.parent {
            observed.parent = look.parent(parent).await;
        }
        if needs.projects {
            observed.projects = look.projects(&hub.id).await;
        }
        if needs.capability_hosts {
            observed.capability_hosts = look.capability_hosts(&hub.id).await;
        }
        let subscription = hub.id.subscription().to_owned();
        let key_id = needs
            .vault
            .as_ref()
            .zip(needs.key_name.as_ref())
            .map(|(vault, key)| vault.child("keys", key.as_str()));
        if needs.key
            && let (Some(vault), Some(key_id)) = (&needs.vault, &key_id)
        {
            let wanted = needs.versions.iter().map(ToString::to_string).collect();
            let key_id = key_id.lower();
            (observed.vault, observed.key) = futures::join!(look.vault(vault), look.key(&key_id, wanted));
            if observed.key == Fact::Absent
                // A managed HSM is none of the vaults that a token goes to.
                && KeyStore::of(vault) == KeyStore::Vault
                && let (Some(vaults), Some(live)) = (look.vaults, observed.vault.known())
                && let Some(key) = &needs.key_name
            {
                observed.deleted_key = keys::deleted_key(vaults, &live.uri, key.as_str()).await;
            }
        }
        if needs.preflight {
            let group = format!(
                "/subscriptions/{subscription}/resourceGroups/{}",
                hub.id.resource_group()
            );
            observed.resource_group = look
                .read(
                    &group,
                    wire::RESOURCE_GROUPS_VERSION,
                    SLOW,
                    convert::resource_group,
                )
                .await;
            for namespace in needs.providers {
                let path = format!("/subscriptions/{subscription}/providers/{namespace}");
                let registered = look
                    .read(&path, wire::PROVIDERS_VERSION, SLOW, convert::registered)
                    .await;
                observed.providers.insert((*namespace).to_owned(), registered);
            }
        }
        for id in &needs.associated {
            let version = if id.is_type(STORAGE_ACCOUNT) {
                wire::STORAGE_VERSION
            } else {
                wire::VAULTS_VERSION
            };
            let exists = look.read(&id.lower(), version, Duration::ZERO, |_| Ok(())).await;
            observed.associated.push((id.clone(), exists));
        }
        for id in &needs.identities {
            let identity = look
                .read(id.as_str(), wire::IDENTITIES_VERSION, SLOW, convert::identity)
                .await;
            observed.identities.push((id.clone(), identity));
        }
        if needs.access
            && (observed.vault.known()).is_none_or(|vault| vault.permissions == Permissions::Roles)
            && let Some(key_id) = &key_id
        {
            let principal = match &needs.access_of {
                AccessOf::Nobody => Fact::Absent,
                AccessOf::Principal(principal) => Fact::Known(principal.clone()),
                AccessOf::UserAssigned(id) => principal_of(id, &observed),
            };
            match principal {
                Fact::Known(principal) => {
                    (observed.role_assignments, observed.role_definitions) =
                        look.access(&key_id.lower(), &principal).await;
                }
                Fact::Absent => {}
                Fact::Unknown(why) => observed.role_assignments = Fact::Unknown(why),
            }
        }
        if let Some(path) = &needs.deleted {
            let version = ResourceType::of(&hub.id).api.version;
            observed.deleted = match look.inventory.reader.read_alone(path, version).await {
                Ok(reading) => found(&reading, path, convert::deleted),
                Err(error) => Fact::Unknown(look.why(&error)),
            };
        }
        if needs.policy {
            observed.policy = look.policy(hub, &observed).await;
        }
        for namespace in needs.quotas.iter().filter(|_| look.quotas) {
            let usages = look.usages(hub, namespace).await;
            observed.usages.insert((*namespace).to_owned(), usages);
        }
        let mut at_rest = needs.dependents.clone();
        if let Some(group) = &needs.managed_group {
            observed.managed_group = look.managed_group(&subscription, group).await;
            let resources = observed.managed_group.known().map(Vec::as_slice);
            at_rest.extend(in_group(&subscription, group, resources.unwrap_or_default()));
        }
        for id in at_rest {
            let is_enforced = |one: &ValidDependent| one.id == id && one.enforcement.is_some();
            let is_followed = |one: &DependentStatus| one.operation.is_some() && is_place_of(one, &id);
            let written = hub.dependents.iter().any(is_enforced) || status.dependents.iter().any(is_followed);
            let stored = look.at_rest(&id, written).await;
            observed.at_rest.push((id, stored));
        }
        for dependent in &status.dependents {
            let url = dependent.operation.as_ref().and_then(|one| one.url.as_deref());
            if let (Some(url), Ok(id)) = (url, ArmId::parse(&dependent.resource_id)) {
                let seen = look.operation(&id, url, pace).await;
                observed.dependent_operations.push((id, seen));
            }
        }
        observed
    }
}

struct Look<'a> {
    inventory: &'a Inventory,
    vaults: Option<&'a KeyVaults>,
    quotas: bool,
    age: Age,
    /// The last time that a request was sent away to, for want of budget.
    withheld_until: Mutex<Option<Timestamp>>,
}

impl Look<'_> {
    /// The age that a shared reading may have in this pass, when `slow` is what it may have at the most.
    fn age(&self, slow: Duration) -> Duration {
        match self.age {
            Age::Swept => SLOW,
            Age::Recent(age) => age.max(slow),
            Age::Now => Duration::ZERO,
        }
    }

    /// What a failed request means, with a note if it was not sent.
    fn why(&self, error: &ArmError) -> Why {
        let why = why(error, Timestamp::now());
        if matches!(error.cause(), Cause::Withheld { .. }) {
            let mut until = self.withheld_until.lock().unwrap_or_else(PoisonError::into_inner);
            *until = (*until).max(why.retry_at);
        }
        why
    }

    async fn operation(&self, hub: &ArmId, url: &str, pace: Pace) -> OperationSeen {
        let Ok(parsed) = Url::parse(url) else {
            // The resource tells instead.
            return OperationSeen::None;
        };
        let answer = self.inventory.arm.operation(&parsed).await;
        let now = Timestamp::now();
        match answer {
            Ok(OperationState::Running { retry_after, .. }) => {
                let wait = retry_after
                    .and_then(|after| jiff::SignedDuration::try_from(after).ok())
                    .unwrap_or(pace.poll);
                OperationSeen::Running {
                    poll_at: now.saturating_add(wait).unwrap_or(Timestamp::MAX),
                }
            }
            Ok(OperationState::Succeeded) => OperationSeen::Succeeded,
            Ok(OperationState::Failed(fault)) => refusals::failed(&fault, hub),
            Ok(OperationState::Canceled) => OperationSeen::Failed {
                code: "Canceled".to_owned(),
                message: "the operation was canceled".to_owned(),
            },
            Ok(OperationState::Unknown) => OperationSeen::None,
            Err(error) => OperationSeen::Unreadable(self.why(&error)),
        }
    }

    async fn live(&self, id: &ArmId) -> Fact<Live> {
        let kind = &ResourceType::of(id).api;
        if self.age == Age::Swept {
            match self.inventory.resources.get(kind, &list_of(id)).await {
                Ok(listed) => match listed.get(id.lower().as_str()).map(AsRef::as_ref) {
                    Some(Ok(live)) => return Fact::Known(live.clone()),
                    Some(Err(error)) => return not_understood(id.as_str(), error),
                    None => {}
                },
                Err(error) => return Fact::Unknown(self.why(&error)),
            }
        }
        // Around the object's own writes its own reading counts, not a shared one.
        self.alone(id, kind, &self.inventory.resources).await
    }

    /// Reads a resource by itself. What is found otherwise than its list tells is noted for the next list.
    async fn alone<T: Item>(&self, id: &ArmId, kind: &ApiType<T>, lists: &Lists<T>) -> Fact<T> {
        let read = match self.inventory.reader.read_alone(id.as_str(), kind.version).await {
            Ok(reading) => found(&reading, id.as_str(), kind.convert),
            Err(error) => return Fact::Unknown(self.why(&error)),
        };
        if let Some(listed) = lists.known(&list_of(id)).await {
            let told = listed.get(id.lower().as_str()).map(AsRef::as_ref);
            if told.map(Result::as_ref) != read.known().map(Ok) {
                lists.overtaken.note(id);
            }
        }
        read
    }

    /// What a project rests on, which many share.
    async fn parent(&self, id: &ArmId) -> Fact<Live> {
        let kind = &ResourceType::of(id).api;
        // The list that the sweep keeps, for passes of both ages: what woke this one must be seen by it.
        if self.age != Age::Now
            && let Ok(listed) = self.inventory.resources.get(kind, &list_of(id)).await
            && let Some(Ok(live)) = listed.get(id.lower().as_str()).map(AsRef::as_ref)
        {
            return Fact::Known(live.clone());
        }
        match self
            .inventory
            .reader
            .read(&id.lower(), kind.version, Duration::ZERO)
            .await
        {
            Ok(reading) => found(&reading, id.as_str(), kind.convert),
            Err(error) => Fact::Unknown(self.why(&error)),
        }
    }

    /// What a resource is encrypted with. The list serves until something is to be said for the worse; of one that is `written` to, until
    /// something may have to be done.
    async fn at_rest(&self, id: &ArmId, written: bool) -> Fact<Stored> {
        let Some(kind) = at_rest::of(id) else {
            return Fact::not_read();
        };
        if written && self.age != Age::Swept {
            return self.alone(id, kind, &self.inventory.at_rest).await;
        }
        // Where the list cannot be read, each resource is asked for by itself.
        if self.age != Age::Now
            && let Ok(listed) = self.inventory.at_rest.get(kind, &list_of(id)).await
            && let Some(found) = listed.get(id.lower().as_str())
        {
            return match found.as_ref() {
                Ok(stored) => Fact::Known(stored.clone()),
                Err(error) => not_understood(id.as_str(), error),
            };
        }
        self.read(&id.lower(), kind.version, Duration::ZERO, kind.convert)
            .await
    }

    /// The projects of a resource, as they are now.
    async fn projects(&self, id: &ArmId) -> Fact<Vec<ArmId>> {
        let Some((kind, list)) = ResourceType::projects_of(id) else {
            return Fact::Absent;
        };
        let listed = match self.inventory.resources.now(&kind.api, &list).await {
            Ok(listed) => listed,
            Err(error) => return Fact::Unknown(self.why(&error)),
        };
        let mut projects = Vec::new();
        for live in listed.values() {
            match live.as_ref() {
                Ok(live) if live.project.as_ref().is_some_and(|one| one.parent == *id) => {
                    projects.push(live.id.clone());
                }
                Ok(_) => {}
                // It may be another tenant's: it is not named.
                Err(error) => return not_understood("one of the projects", error),
            }
        }
        projects.sort();
        Fact::Known(projects)
    }

    async fn read<T>(
        &self,
        path: &str,
        version: &str,
        slow: Duration,
        convert: impl FnOnce(&Value) -> Result<T, convert::ConvertError>,
    ) -> Fact<T> {
        match self.inventory.reader.read(path, version, self.age(slow)).await {
            Ok(reading) => found(&reading, path, convert),
            Err(error) => Fact::Unknown(self.why(&error)),
        }
    }

    async fn managed_group(
        &self,
        subscription: &str,
        name: &str,
    ) -> Fact<Vec<keyholder_planner::observed::GroupResource>> {
        if self.age == Age::Swept {
            match self.inventory.groups(subscription).await {
                Ok(groups) => {
                    if let Some(resources) = groups.get(name.to_lowercase().as_str()) {
                        let resources = resources.iter().map(|one| one.as_ref().clone());
                        return Fact::Known(resources.collect());
                    }
                    // That nothing is listed does not say that the group is gone: it is asked for.
                }
                Err(error) => return Fact::Unknown(self.why(&error)),
            }
        }
        let group = format!("/subscriptions/{subscription}/resourceGroups/{name}");
        match self
            .inventory
            .reader
            .read_alone(&group, wire::RESOURCE_GROUPS_VERSION)
            .await
        {
            Ok(reading) if reading.found().is_none() => return Fact::Absent,
            Ok(_) => {}
            Err(error) => return Fact::Unknown(self.why(&error)),
        }
        let path = format!("{group}/resources");
        let query = [("$expand", "createdTime,changedTime,provisioningState")];
        match self
            .inventory
            .arm
            .list(&path, wire::RESOURCES_VERSION, &query)
            .await
        {
            Ok(listed) => {
                let mut resources: Vec<_> = listed.items.iter().filter_map(convert::group_resource).collect();
                resources.sort_by(|a, b| (&a.r#type, &a.name).cmp(&(&b.r#type, &b.name)));
                Fact::Known(resources)
            }
            Err(error) => Fact::Unknown(self.why(&error)),
        }
    }
}

/// The service principal of a user-assigned identity that was read.
fn principal_of(id: &ArmId, observed: &Observed) -> Fact<String> {
    match observed.identities.iter().find(|(one, _)| one == id) {
        Some((_, Fact::Known(identity))) => Fact::Known(identity.principal_id.clone()),
        Some((_, Fact::Unknown(why))) => Fact::Unknown(why.clone()),
        Some((_, Fact::Absent)) | None => Fact::Absent,
    }
}

fn found<T>(
    reading: &Reading,
    path: &str,
    convert: impl FnOnce(&Value) -> Result<T, convert::ConvertError>,
) -> Fact<T> {
    match reading.found() {
        None => Fact::Absent,
        Some(value) => {
            convert(value).map_or_else(|error| not_understood(path, &error.to_string()), Fact::Known)
        }
    }
}

fn not_understood<T>(path: &str, error: &str) -> Fact<T> {
    Fact::Unknown(Why {
        reason: Reason::AzureAnswerInvalid,
        message: format!("Azure's answer about {path} cannot be understood: {error}"),
        retry_at: None,
    })
}
