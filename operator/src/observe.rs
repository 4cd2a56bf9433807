//! Reads Azure for one object into one [`Observed`].
//!
//! Invariant: what could not be read is `Unknown` with its reason. Absence needs Azure's own 404 for the resource; that
//! a list lacks it is a reason to ask, not an answer.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use jiff::Timestamp;
use keyholder_azure::{ArmError, ErrorClass, OperationState, Reading, wire};
use keyholder_crds::{AIHubStatus, Reason};
use keyholder_planner::needs::AccessOf;
use keyholder_planner::observed::{LiveHub, LiveKey, LiveVault, OperationSeen, RoleAssignment};
use keyholder_planner::plan::Pace;
use keyholder_planner::{ArmId, Fact, Observed, ValidHub, Why, needs};
use serde_json::Value;
use url::Url;

use crate::identity::Azure;
use crate::inventory::{Age, Inventory};

pub mod convert;

/// Role definitions and registrations change rarely; a wrong one is read anew before anything is said for the worse.
const SLOW: Duration = Duration::from_mins(10);

/// Reads what this pass needs.
pub async fn observe(
    azure: &Azure,
    hub: &ValidHub,
    status: &AIHubStatus,
    deleting: bool,
    age: Age,
    pace: Pace,
) -> Observed {
    let look = Look {
        inventory: &azure.inventory,
        age,
    };
    let mut observed = Observed::nothing();
    if let Some(url) = status
        .operation
        .as_ref()
        .and_then(|operation| operation.url.as_deref())
    {
        observed.operation = look.operation(url, pace).await;
        if matches!(
            observed.operation,
            OperationSeen::Running { .. } | OperationSeen::Unreadable(_)
        ) {
            return observed;
        }
    }
    observed.hub = look.hub(&hub.id).await;

    let needs = needs(hub, status, deleting, &observed.hub);
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
    for id in &needs.identities {
        let identity = look
            .read(id.as_str(), wire::IDENTITIES_VERSION, SLOW, convert::identity)
            .await;
        observed.identities.push((id.clone(), identity));
    }
    if needs.access
        && observed.vault.known().is_none_or(|vault| vault.rbac)
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
    if let Some(group) = &needs.managed_group {
        observed.managed_group = look.managed_group(&subscription, group).await;
    }
    observed
}

struct Look<'a> {
    inventory: &'a Inventory,
    age: Age,
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

    async fn operation(&self, url: &str, pace: Pace) -> OperationSeen {
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
            Ok(OperationState::Failed(fault)) => {
                let cause = fault.innermost();
                OperationSeen::Failed {
                    code: cause.code().to_owned(),
                    message: cause.message().to_owned(),
                }
            }
            Ok(OperationState::Canceled) => OperationSeen::Failed {
                code: "Canceled".to_owned(),
                message: "the operation was canceled".to_owned(),
            },
            Ok(OperationState::Unknown) => OperationSeen::None,
            Err(error) => OperationSeen::Unreadable(why(&error, now)),
        }
    }

    async fn hub(&self, id: &ArmId) -> Fact<LiveHub> {
        if self.age == Age::Swept {
            match self.inventory.hubs(id.subscription()).await {
                Ok(hubs) => match hubs.get(&id.lower()) {
                    Some(Ok(hub)) => return Fact::Known(hub.clone()),
                    Some(Err(error)) => return not_understood(id.as_str(), error),
                    None => {}
                },
                Err(error) => return Fact::Unknown(why(&error, Timestamp::now())),
            }
        }
        // Around the object's own writes its own reading counts, not a shared one.
        match self
            .inventory
            .reader
            .read_alone(id.as_str(), wire::WORKSPACES_VERSION)
            .await
        {
            Ok(reading) => found(&reading, id.as_str(), convert::hub),
            Err(error) => Fact::Unknown(why(&error, Timestamp::now())),
        }
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
            Err(error) => Fact::Unknown(why(&error, Timestamp::now())),
        }
    }

    async fn vault(&self, id: &ArmId) -> Fact<LiveVault> {
        self.read(&id.lower(), wire::VAULTS_VERSION, Duration::ZERO, convert::vault)
            .await
    }

    /// The key with its current version, and the other versions that matter: the pinned one, the one in use, and when
    /// the current one cannot be used, all.
    async fn key(&self, id: &str, wanted: Vec<String>) -> Fact<LiveKey> {
        let id = id.to_lowercase();
        let mut key = match self
            .read(&id, wire::KEYS_VERSION, Duration::ZERO, convert::key)
            .await
        {
            Fact::Known(key) => key,
            other => return other,
        };
        if !key.current.enabled
            || key
                .current
                .expires
                .is_some_and(|expires| expires <= Timestamp::now())
        {
            let path = format!("{id}/versions");
            return match self
                .inventory
                .reader
                .read_list(&path, wire::KEYS_VERSION, &[], self.age(Duration::ZERO))
                .await
            {
                Ok(versions) => match versions
                    .items
                    .iter()
                    .map(convert::key_version)
                    .collect::<Result<Vec<_>, _>>()
                {
                    Ok(versions) => {
                        key.others = versions
                            .into_iter()
                            .filter(|one| one.identifier != key.current.identifier)
                            .collect();
                        Fact::Known(key)
                    }
                    Err(error) => not_understood(&path, &error.to_string()),
                },
                Err(error) => Fact::Unknown(why(&error, Timestamp::now())),
            };
        }
        for version in wanted {
            let known = std::iter::once(&key.current).chain(&key.others);
            if known.into_iter().any(|one| {
                one.identifier
                    .version()
                    .is_some_and(|known| known.as_str().eq_ignore_ascii_case(&version))
            }) {
                continue;
            }
            let path = format!("{id}/versions/{version}");
            match self
                .read(&path, wire::KEYS_VERSION, Duration::ZERO, convert::key_version)
                .await
            {
                Fact::Known(version) => key.others.push(version),
                Fact::Absent => {}
                Fact::Unknown(why) => return Fact::Unknown(why),
            }
        }
        Fact::Known(key)
    }

    /// Role assignments that reach the key, and the definitions of the roles they give.
    async fn access(
        &self,
        key_id: &str,
        principal: &str,
    ) -> (
        Fact<Vec<RoleAssignment>>,
        BTreeMap<String, Fact<keyholder_planner::observed::RoleDefinition>>,
    ) {
        let path = format!(
            "{}/providers/Microsoft.Authorization/roleAssignments",
            key_id.to_lowercase()
        );
        let filter = format!("atScope() and assignedTo('{principal}')");
        let age = self.age(Duration::ZERO);
        let query = [("$filter", filter.as_str())];
        let listed = self
            .inventory
            .reader
            .read_list(&path, wire::ROLE_ASSIGNMENTS_VERSION, &query, age)
            .await;
        let assignments = match listed {
            Ok(listed) => match listed
                .items
                .iter()
                .map(convert::role_assignment)
                .collect::<Result<Vec<_>, _>>()
            {
                Ok(assignments) => assignments,
                Err(error) => return (not_understood(&path, &error.to_string()), BTreeMap::new()),
            },
            Err(error) => return (Fact::Unknown(why(&error, Timestamp::now())), BTreeMap::new()),
        };
        let mut definitions = BTreeMap::new();
        for assignment in &assignments {
            let id = assignment.role_definition_id.to_lowercase();
            if let Entry::Vacant(entry) = definitions.entry(id) {
                let path = entry.key().clone();
                let definition = self
                    .read(
                        &path,
                        wire::ROLE_DEFINITIONS_VERSION,
                        SLOW,
                        convert::role_definition,
                    )
                    .await;
                entry.insert(definition);
            }
        }
        (Fact::Known(assignments), definitions)
    }

    async fn managed_group(
        &self,
        subscription: &str,
        name: &str,
    ) -> Fact<Vec<keyholder_planner::observed::GroupResource>> {
        if self.age == Age::Swept {
            match self.inventory.groups(subscription).await {
                Ok(groups) => {
                    if let Some(resources) = groups.get(&name.to_lowercase()) {
                        return Fact::Known(resources.clone());
                    }
                    // That nothing is listed does not say that the group is gone: it is asked for.
                }
                Err(error) => return Fact::Unknown(why(&error, Timestamp::now())),
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
            Err(error) => return Fact::Unknown(why(&error, Timestamp::now())),
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
            Err(error) => Fact::Unknown(why(&error, Timestamp::now())),
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

/// What a failed request means for a condition.
pub fn why(error: &ArmError, now: Timestamp) -> Why {
    let reason = match error.class() {
        ErrorClass::Credential | ErrorClass::Unauthorized => Reason::CredentialRejected,
        ErrorClass::Forbidden | ErrorClass::LinkedAuthorization | ErrorClass::DenyAssignment => {
            Reason::OperatorNotAuthorized
        }
        ErrorClass::PolicyDenied => Reason::PolicyDenied,
        ErrorClass::Locked => Reason::Locked,
        ErrorClass::ProviderNotRegistered => Reason::ProviderNotRegistered,
        ErrorClass::QuotaExceeded => Reason::QuotaExceeded,
        ErrorClass::Throttled => Reason::Throttled,
        ErrorClass::Transient | ErrorClass::Unreachable => Reason::AzureUnreachable,
        ErrorClass::BadAnswer => Reason::AzureAnswerInvalid,
        ErrorClass::Conflict => Reason::Updating,
        ErrorClass::NotFound | ErrorClass::PreconditionFailed | ErrorClass::Invalid => {
            Reason::ProvisioningFailed
        }
    };
    let retry_at = error
        .retry_after()
        .and_then(|after| jiff::SignedDuration::try_from(after).ok())
        .map(|after| now.saturating_add(after).unwrap_or(Timestamp::MAX));
    Why {
        reason,
        message: error.chain(),
        retry_at,
    }
}
