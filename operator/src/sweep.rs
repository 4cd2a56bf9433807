//! The sweep: looks everything over for changes that others made, and wakes the objects concerned.
//!
//! Invariant: reads = pages of each list + keys, vaults and grants in use, whatever the number of objects; no writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyholder_azure::{ArmError, Cause, wire};
use keyholder_crds::condition::ConditionType;
use keyholder_crds::{Reason, ResourceStatus};
use keyholder_planner::validate::KeyUser;
use keyholder_planner::{ArmId, Validate};
use serde_json::Value;

use crate::controller::{Objects, Subject, Waker};
use crate::family::{Family, Lookup};
use crate::identity::{Azure, Identities};
use crate::inventory::Groups;
use crate::inventory::lists::{Item, Lists, SharedIds};
use crate::metrics::Metrics;
use crate::observe::{at_rest, convert};
use crate::resource::{ApiType, ResourceType, list_of};

mod interest;

use interest::Interest;

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
            let own = interests.iter().flat_map(|interest| {
                let ids = std::iter::once(&interest.resource).chain(&interest.parent);
                ids.map(move |id| (id, interest))
            });
            let of_own = |id: &ArmId| Some(&ResourceType::of(id).api);
            let resources = &azure.inventory.resources;
            failures += self.sweep_lists(resources, of_own, own, "resources").await;
            let around = interests
                .iter()
                .flat_map(|interest| interest.around.iter().map(move |id| (id, interest)));
            let at_rest = &azure.inventory.at_rest;
            failures += self.sweep_lists(at_rest, at_rest::of, around, "encryption").await;
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
            let mut interest = Interest::of(subject, object.status(), declared);
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

    /// Each list that these resources are in is read once.
    async fn sweep_lists<'a, T: Item>(
        &self,
        lists: &Lists<T>,
        of_type: impl Fn(&ArmId) -> Option<&'static ApiType<T>>,
        resources: impl Iterator<Item = (&'a ArmId, &'a Interest)>,
        what: &str,
    ) -> u64 {
        let mut failures = 0;
        let mut by_list: BTreeMap<String, Vec<(&ArmId, &Interest)>> = BTreeMap::new();
        for (id, interest) in resources {
            by_list.entry(list_of(id)).or_default().push((id, interest));
        }
        lists.overtaken.keep(&by_list);
        for (path, listed) in by_list {
            let Some(kind) = listed.first().and_then(|(id, _)| of_type(id)) else {
                continue;
            };
            let began = Instant::now();
            let before = lists.known(&path).await;
            match lists.refresh(kind, &path).await {
                Ok(after) => {
                    let overtaken = lists.overtaken.told_again(&path, began);
                    for (id, interest) in listed {
                        let id = id.lower();
                        let is_same = before
                            .as_ref()
                            .is_some_and(|before| before.get(id.as_str()) == after.get(id.as_str()));
                        if !is_same || overtaken.contains(&id) {
                            self.waker.wake(interest.object.clone());
                        }
                    }
                }
                Err(error) => failures += failed(&path, what, &error),
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
    let known = azure.inventory.resources.known(&list_of(id)).await?;
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
