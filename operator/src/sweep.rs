//! The sweep: looks everything over for changes that others made, and wakes the objects concerned.
//!
//! Invariant: reads = pages of each list + keys, vaults and grants in use, whatever the number of objects; no writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyholder_azure::{ArmError, Cause, wire};
use keyholder_crds::condition::ConditionType;
use keyholder_crds::{Reason, ResourceStatus};
use keyholder_planner::validate::{KeyUser, ValidEncryption};
use keyholder_planner::{ArmId, Declared, Validate};
use serde_json::Value;

use crate::controller::{Objects, Subject, Waker};
use crate::family::{Family, Lookup};
use crate::identity::{Azure, Identities};
use crate::inventory::{Groups, Resources, SharedIds};
use crate::metrics::Metrics;
use crate::observe::at_rest::AtRestType;
use crate::observe::convert;
use crate::resource::{ResourceType, list_of};

/// How long an identity's principal is taken as read: it stays the same while the identity exists.
const LASTING: Duration = Duration::from_mins(10);

/// What the sweeper works with.
pub struct Sweeper {
    /// All watched objects.
    pub stores: Vec<Arc<dyn Objects>>,
    /// Whose projects they are.
    pub family: Arc<Family>,
    /// Identities.
    pub identities: Arc<Identities>,
    /// First part of the owner tag.
    pub owner_id: String,
    /// Wakes objects.
    pub waker: Waker,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Between two sweeps.
    pub interval: Duration,
}

/// One object, and what in Azure it rests on.
struct Interest {
    object: Subject,
    resource: ArmId,
    /// Of a project.
    parent: Option<ArmId>,
    group: Option<String>,
    /// What stands in its managed group and among its dependents.
    around: Vec<ArmId>,
    vault: Option<ArmId>,
    key: Option<String>,
    /// The version in use, where it is not the key's newest: the key itself tells nothing of it.
    older_version: Option<String>,
    user: Option<KeyUser>,
}

/// Vaults, keys, identities and grants as the sweep before saw them.
type Seen = HashMap<(String, String), Option<Value>>;

impl Sweeper {
    /// Sweeps for ever.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut seen = Seen::new();
        loop {
            ticks.tick().await;
            let started = Instant::now();
            let failures = self.sweep(&mut seen).await;
            self.metrics.sweep(started.elapsed().as_secs_f64(), failures);
            self.count_estate();
        }
    }

    async fn sweep(&self, seen: &mut Seen) -> u64 {
        let mut failures = 0;
        let mut still_in_use = BTreeSet::new();
        self.metrics.forget_azure_left();
        for (azure, interests) in self.interests() {
            let mut by_subscription: BTreeMap<String, Vec<&Interest>> = BTreeMap::new();
            for interest in &interests {
                by_subscription
                    .entry(interest.resource.subscription().to_lowercase())
                    .or_default()
                    .push(interest);
            }
            failures += self.sweep_resources(&azure, &interests).await;
            failures += self.sweep_at_rest(&azure, &interests).await;
            for (subscription, interests) in &by_subscription {
                failures += self.sweep_groups(&azure, subscription, interests).await;
            }
            failures += self.sweep_keys(&azure, &interests, seen, &mut still_in_use).await;
            failures += self
                .sweep_grants(&azure, &interests, seen, &mut still_in_use)
                .await;
            self.count_requests(&azure);
        }
        seen.retain(|key, _| still_in_use.contains(key));
        failures
    }

    /// Every decoded, valid object, by the identity that acts for it.
    fn interests(&self) -> Vec<(Arc<Azure>, Vec<Interest>)> {
        let mut by_principal: BTreeMap<_, (Arc<Azure>, Vec<Interest>)> = BTreeMap::new();
        let mut shared = SharedIds::default();
        let mut look = |subject: Subject, object: Option<&dyn Validate>| {
            let Some(object) = object else { return };
            let Ok(azure) = self.identities.serving(&subject.namespace) else {
                return;
            };
            let Lookup::Found(Ok(parent)) = self.family.parent(object, &self.owner_id) else {
                return;
            };
            let Ok(declared) = object.validate(&self.owner_id, parent.as_ref()) else {
                return;
            };
            let entry = by_principal
                .entry(azure.principal.clone())
                .or_insert_with(|| (azure, Vec::new()));
            let mut interest = interest(subject, object.status(), declared);
            if let Some(vault) = &mut interest.vault {
                shared.share(vault);
            }
            if let Some(KeyUser::UserAssigned(id)) = &mut interest.user {
                shared.share(id);
            }
            entry.1.push(interest);
        };
        for store in &self.stores {
            store.each(&mut look);
        }
        by_principal.into_values().collect()
    }

    /// The resources that objects stand for, and the parents of projects: each list is read once.
    async fn sweep_resources(&self, azure: &Azure, interests: &[Interest]) -> u64 {
        let mut failures = 0;
        let mut by_list: BTreeMap<String, Vec<(&ArmId, &Interest)>> = BTreeMap::new();
        for interest in interests {
            for id in std::iter::once(&interest.resource).chain(&interest.parent) {
                by_list.entry(list_of(id)).or_default().push((id, interest));
            }
        }
        azure.inventory.overtaken.keep(&by_list);
        for (path, listed) in by_list {
            let Some(kind) = listed.first().map(|(id, _)| ResourceType::of(id)) else {
                continue;
            };
            let began = Instant::now();
            let before = azure.inventory.known(&path).await;
            match azure.inventory.refresh(kind, &path).await {
                Ok(after) => {
                    let overtaken = azure.inventory.overtaken.told_again(&path, began);
                    for (id, interest) in listed {
                        if resource_changed(before.as_deref(), &after, id) || overtaken.contains(&id.lower())
                        {
                            self.waker.wake(interest.object.clone());
                        }
                    }
                }
                Err(error) => failures += failed(&path, "resources", &error),
            }
        }
        failures
    }

    /// What the resources around them are encrypted with: each list is read once.
    async fn sweep_at_rest(&self, azure: &Azure, interests: &[Interest]) -> u64 {
        let mut failures = 0;
        let mut by_list: BTreeMap<String, Vec<(&ArmId, &Interest)>> = BTreeMap::new();
        for interest in interests {
            for id in &interest.around {
                by_list.entry(list_of(id)).or_default().push((id, interest));
            }
        }
        azure.inventory.overtaken_at_rest.keep(&by_list);
        for (path, listed) in by_list {
            let Some(kind) = listed.first().and_then(|(id, _)| AtRestType::of(id)) else {
                continue;
            };
            let began = Instant::now();
            let before = azure.inventory.known_at_rest(&path).await;
            match azure.inventory.refresh_at_rest(kind, &path).await {
                Ok(after) => {
                    let overtaken = azure.inventory.overtaken_at_rest.told_again(&path, began);
                    for (id, interest) in listed {
                        let id = id.lower();
                        let before = before.as_deref().and_then(|before| before.get(id.as_str()));
                        if before != after.get(id.as_str()) || overtaken.contains(&id) {
                            self.waker.wake(interest.object.clone());
                        }
                    }
                }
                Err(error) => failures += failed(&path, "encryption", &error),
            }
        }
        failures
    }

    /// What the resource groups hold that Microsoft manages.
    async fn sweep_groups(&self, azure: &Azure, subscription: &str, interests: &[&Interest]) -> u64 {
        if interests.iter().all(|interest| interest.group.is_none()) {
            return 0;
        }
        let before = azure.inventory.known_groups(subscription).await;
        match azure.inventory.refresh_groups(subscription).await {
            Ok(after) => {
                for interest in interests {
                    if group_changed(before.as_deref(), &after, interest.group.as_deref()) {
                        self.waker.wake(interest.object.clone());
                    }
                }
                0
            }
            Err(error) => failed(subscription, "resources", &error),
        }
    }

    /// Vaults and keys in use, and the identities that unwrap: each is read once.
    async fn sweep_keys(
        &self,
        azure: &Azure,
        interests: &[Interest],
        seen: &mut Seen,
        still_in_use: &mut BTreeSet<(String, String)>,
    ) -> u64 {
        let mut failures = 0;
        let mut users: BTreeMap<(String, &'static str), Vec<&Interest>> = BTreeMap::new();
        for interest in interests {
            if let Some(KeyUser::UserAssigned(id)) = &interest.user {
                users
                    .entry((id.lower(), wire::IDENTITIES_VERSION))
                    .or_default()
                    .push(interest);
            }
            if let Some(vault) = &interest.vault {
                users
                    .entry((vault.lower(), wire::VAULTS_VERSION))
                    .or_default()
                    .push(interest);
                if let Some(key) = &interest.key {
                    let path = format!("{}/keys/{}", vault.lower(), key.to_lowercase());
                    let version = interest.older_version.as_ref();
                    let version = version.map(|version| format!("{path}/versions/{version}"));
                    for path in std::iter::once(path).chain(version) {
                        users
                            .entry((path, wire::KEYS_VERSION))
                            .or_default()
                            .push(interest);
                    }
                }
            }
        }
        for ((path, version), users) in users {
            let mark = (azure.principal.uid.clone(), path.clone());
            still_in_use.insert(mark.clone());
            match azure.inventory.reader.sweep(&path, version).await {
                Ok(reading) => self.compare(seen, mark, reading.found().cloned(), &users),
                Err(error) => failures += failed(&path, "key, vault or identity", &error),
            }
        }
        failures
    }

    /// Who may use the keys: each pair of a key and a principal is read once.
    async fn sweep_grants(
        &self,
        azure: &Azure,
        interests: &[Interest],
        seen: &mut Seen,
        still_in_use: &mut BTreeSet<(String, String)>,
    ) -> u64 {
        let mut failures = 0;
        let mut users: BTreeMap<(String, String), Vec<&Interest>> = BTreeMap::new();
        for interest in interests {
            let (Some(vault), Some(key)) = (&interest.vault, &interest.key) else {
                continue;
            };
            let principal = match &interest.user {
                Some(KeyUser::UserAssigned(id)) => principal_of(azure, id).await,
                Some(KeyUser::SystemAssigned) => own_principal(azure, &interest.resource).await,
                None => None,
            };
            // One that is not known so far is read by the object's own pass.
            if let Some(principal) = principal {
                let key = vault.child("keys", key).lower();
                users.entry((key, principal)).or_default().push(interest);
            }
        }
        for ((key, principal), users) in users {
            let mark = (azure.principal.uid.clone(), format!("{key} {principal}"));
            still_in_use.insert(mark.clone());
            match azure.inventory.refresh_assignments(&key, &principal).await {
                Ok(listed) => {
                    let mut items = listed.items.clone();
                    items.sort_by_key(ToString::to_string);
                    self.compare(seen, mark, Some(Value::Array(items)), &users);
                }
                Err(error) => failures += failed(&key, "role assignments", &error),
            }
        }
        failures
    }

    /// Wakes the users of something that is not as it was. At the first sight too: it may have changed since the objects
    /// were judged.
    fn compare(&self, seen: &mut Seen, mark: (String, String), now: Option<Value>, users: &[&Interest]) {
        if seen.get(&mark) != Some(&now) {
            for user in users {
                self.waker.wake(user.object.clone());
            }
        }
        seen.insert(mark, now);
    }

    /// What the identity has asked of Azure, and what it may still ask.
    fn count_requests(&self, azure: &Azure) {
        let identity = &azure.principal.service_account;
        let requests = azure.inventory.arm.requests();
        let budget = azure.inventory.arm.budget();
        self.metrics
            .azure_requests(identity, requests.reads + requests.polls + requests.writes);
        self.metrics.azure_withheld(identity, budget.withheld());
        for account in budget.accounts(tokio::time::Instant::now()) {
            self.metrics.azure_left(
                identity,
                &account.subscription,
                account.kind.as_str(),
                account.left,
            );
        }
    }

    fn count_estate(&self) {
        let mut undecodable = 0;
        let mut conditions = HashMap::new();
        let mut look = |_: Subject, object: Option<&dyn Validate>| match object {
            None => undecodable += 1,
            Some(object) => {
                for condition in standing(object.status()) {
                    *conditions.entry(condition).or_default() += 1;
                }
            }
        };
        for store in &self.stores {
            store.each(&mut look);
        }
        self.metrics.estate(conditions, undecodable);
    }
}

/// What the conditions of an object say.
fn standing(status: Option<&ResourceStatus>) -> impl Iterator<Item = (ConditionType, String, Reason)> {
    let conditions = status.into_iter().flat_map(|status| &status.conditions);
    conditions.filter_map(|condition| {
        let r#type: ConditionType = condition.type_.parse().ok()?;
        let reason: Reason = condition.reason.parse().ok()?;
        Some((r#type, condition.status.clone(), reason))
    })
}

/// The principal of a user-assigned identity, as it was read before; identities do not change it.
async fn principal_of(azure: &Azure, id: &ArmId) -> Option<String> {
    let reading = azure
        .inventory
        .reader
        .read(id.as_str(), wire::IDENTITIES_VERSION, LASTING)
        .await
        .ok()?;
    let identity = convert::identity(reading.found()?).ok()?;
    Some(identity.principal_id)
}

/// The principal of a resource's own identity, as the list of its type has it.
async fn own_principal(azure: &Azure, id: &ArmId) -> Option<String> {
    let known = azure.inventory.known(&list_of(id)).await?;
    known
        .get(id.lower().as_str())?
        .as_ref()
        .as_ref()
        .ok()?
        .system_assigned_principal
        .clone()
}

fn failed(what: &str, of: &str, error: &ArmError) -> u64 {
    if matches!(error.cause(), Cause::Withheld { .. }) {
        tracing::debug!(
            what,
            of,
            "the sweep leaves what is left to others; it tries again next time"
        );
        return 0;
    }
    tracing::warn!(
        what,
        of,
        error = keyholder_azure::chain(error),
        "the sweep could not read this; it tries again next time"
    );
    1
}

fn interest(object: Subject, status: Option<&ResourceStatus>, declared: Declared) -> Interest {
    let group = status
        .and_then(|status| status.managed_resource_group.as_ref())
        .map(|group| group.name.to_lowercase());
    let around = around(status, &declared);
    let (vault, key, user) = match declared.encryption {
        ValidEncryption::CustomerManaged {
            vault, key, identity, ..
        } => (Some(vault), Some(key.to_string()), Some(identity)),
        ValidEncryption::Inherited | ValidEncryption::MicrosoftManaged => (None, None, None),
    };
    Interest {
        parent: declared.kind.parent().cloned(),
        object,
        resource: declared.id,
        group,
        around,
        older_version: status
            .and_then(|status| status.encryption.as_ref())
            .filter(|encryption| encryption.latest_version != encryption.version)
            .and_then(|encryption| encryption.version.as_deref())
            .map(str::to_lowercase),
        vault,
        key,
        user,
    }
}

/// The resources whose encryption an object tells.
fn around(status: Option<&ResourceStatus>, declared: &Declared) -> Vec<ArmId> {
    let group = status.and_then(|status| status.managed_resource_group.as_ref());
    let told = group.into_iter().flat_map(|group| {
        let told = group.resources.iter().filter(|one| one.encryption.is_some());
        told.map(|one| ArmId::of(declared.id.subscription(), &group.name, &one.r#type, &one.name))
    });
    told.chain(declared.dependents.iter().map(|one| one.id.clone()))
        .collect()
}

fn resource_changed(before: Option<&Resources>, after: &Resources, id: &ArmId) -> bool {
    let id = id.lower();
    before.is_none_or(|before| before.get(id.as_str()) != after.get(id.as_str()))
}

fn group_changed(before: Option<&Groups>, after: &Groups, group: Option<&str>) -> bool {
    let Some(group) = group else { return false };
    before.is_none_or(|before| before.get(group) != after.get(group))
}

#[cfg(test)]
mod tests {
    use keyholder_planner::observed::GroupResource;

    use super::*;

    fn resource(name: &str) -> Arc<GroupResource> {
        Arc::new(GroupResource {
            r#type: "T".to_owned(),
            name: name.to_owned(),
            state: None,
        })
    }

    #[test]
    fn a_resource_that_went_is_a_change_of_its_group_alone() {
        let before = Groups::from([
            (Arc::from("a"), vec![resource("one"), resource("two")]),
            (Arc::from("b"), vec![resource("three")]),
        ]);
        let mut after = before.clone();
        after.insert(Arc::from("a"), vec![resource("one")]);
        assert!(group_changed(Some(&before), &after, Some("a")));
        assert!(!group_changed(Some(&before), &after, Some("b")));
        assert!(!group_changed(Some(&before), &after, None));
    }

    #[test]
    fn a_group_that_went_whole_is_a_change() {
        let before = Groups::from([(Arc::from("a"), vec![resource("one")])]);
        assert!(group_changed(Some(&before), &Groups::new(), Some("a")));
    }
}
