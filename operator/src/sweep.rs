//! The sweep: looks everything over for changes that others made, and wakes the objects concerned.
//!
//! Invariant: reads = pages of each list + keys, vaults and grants in use, whatever the number of objects; no writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyholder_azure::{ArmError, Cause, wire};
use keyholder_crds::condition::ConditionType;
use keyholder_crds::{AIHub, Reason};
use keyholder_planner::validate::{KeyUser, ValidEncryption};
use keyholder_planner::{ArmId, Declared, validate};
use kube::ResourceExt;
use kube_runtime::reflector::{ObjectRef, Store};
use serde_json::Value;

use crate::controller::{Guarded, Waker};
use crate::identity::{Azure, Identities};
use crate::inventory::{Groups, Hubs, SharedIds};
use crate::metrics::Metrics;
use crate::observe::convert;

/// How long an identity's principal is taken as read: it stays the same while the identity exists.
const LASTING: Duration = Duration::from_mins(10);

/// What the sweeper works with.
pub struct Sweeper {
    /// All watched objects.
    pub stores: Vec<Store<Guarded>>,
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
    object: ObjectRef<Guarded>,
    hub: ArmId,
    group: Option<String>,
    vault: Option<ArmId>,
    key: Option<String>,
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
                    .entry(interest.hub.subscription().to_lowercase())
                    .or_default()
                    .push(interest);
            }
            for (subscription, interests) in &by_subscription {
                failures += self.sweep_lists(&azure, subscription, interests).await;
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
        for object in self.stores.iter().flat_map(Store::state) {
            let Ok(hub) = &object.0 else { continue };
            let Ok(azure) = self.identities.serving(&hub.namespace().unwrap_or_default()) else {
                continue;
            };
            let Ok(valid) = validate(hub, &self.owner_id) else {
                continue;
            };
            let entry = by_principal
                .entry(azure.principal.clone())
                .or_insert_with(|| (azure, Vec::new()));
            let mut interest = interest(ObjectRef::from_obj(object.as_ref()), hub, valid);
            if let Some(vault) = &mut interest.vault {
                shared.share(vault);
            }
            if let Some(KeyUser::UserAssigned(id)) = &mut interest.user {
                shared.share(id);
            }
            entry.1.push(interest);
        }
        by_principal.into_values().collect()
    }

    async fn sweep_lists(&self, azure: &Azure, subscription: &str, interests: &[&Interest]) -> u64 {
        let mut failures = 0;
        let before = azure.inventory.known_hubs(subscription).await;
        match azure.inventory.refresh_hubs(subscription).await {
            Ok(after) => {
                for interest in interests {
                    if hub_changed(before.as_deref(), &after, &interest.hub) {
                        self.waker.wake(interest.object.clone());
                    }
                }
            }
            Err(error) => failures += failed(subscription, "hubs", &error),
        }
        if interests.iter().all(|interest| interest.group.is_none()) {
            return failures;
        }
        let before = azure.inventory.known_groups(subscription).await;
        match azure.inventory.refresh_groups(subscription).await {
            Ok(after) => {
                for interest in interests {
                    if group_changed(before.as_deref(), &after, interest.group.as_deref()) {
                        self.waker.wake(interest.object.clone());
                    }
                }
            }
            Err(error) => failures += failed(subscription, "resources", &error),
        }
        failures
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
                    users
                        .entry((path, wire::KEYS_VERSION))
                        .or_default()
                        .push(interest);
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
                Some(KeyUser::SystemAssigned) => own_principal(azure, &interest.hub).await,
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
        let objects: Vec<_> = self.stores.iter().flat_map(Store::state).collect();
        let undecodable = objects.iter().filter(|object| object.0.is_err()).count();
        let conditions = objects
            .iter()
            .filter_map(|object| object.0.as_ref().ok())
            .flat_map(|hub| hub.status.iter().flat_map(|status| &status.conditions))
            .filter_map(|condition| {
                let r#type: ConditionType = condition.type_.parse().ok()?;
                let reason: Reason = condition.reason.parse().ok()?;
                Some((r#type, condition.status.clone(), reason))
            });
        self.metrics.estate(conditions, undecodable);
    }
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

/// The principal of a hub's own identity, as the list of hubs has it.
async fn own_principal(azure: &Azure, hub: &ArmId) -> Option<String> {
    let hubs = azure.inventory.known_hubs(hub.subscription()).await?;
    hubs.get(hub.lower().as_str())?
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

fn interest(object: ObjectRef<Guarded>, hub: &AIHub, valid: Declared) -> Interest {
    let group = hub
        .status
        .as_ref()
        .and_then(|status| status.managed_resource_group.as_ref())
        .map(|group| group.name.to_lowercase());
    let (vault, key, user) = match valid.encryption {
        ValidEncryption::CustomerManaged {
            vault, key, identity, ..
        } => (Some(vault), Some(key.to_string()), Some(identity)),
        ValidEncryption::MicrosoftManaged => (None, None, None),
    };
    Interest {
        object,
        hub: valid.id,
        group,
        vault,
        key,
        user,
    }
}

fn hub_changed(before: Option<&Hubs>, after: &Hubs, id: &ArmId) -> bool {
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
