//! A year of one key that fifty objects of all kinds use: each follows as its service does, and each version that was ever used is known.
//!
//! Time passes for the key alone: its dates move back.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use testbed::azure::names;
use testbed::{Object, Scenario};

use crate::common::{account, hub, key_id, operator_log, project, rotate, settings};

const KEYS: &str = "2025-05-01";
const HUBS: usize = 20;
const PINNED: usize = 4;
const ACCOUNTS: usize = 16;
/// Of hubs, and as many of accounts.
const PROJECTS: usize = 5;
/// A version is good for so many days.
const DAYS_OF_A_VERSION: i64 = 180;

struct Year {
    scenario: Scenario,
    hubs: Vec<String>,
    pinned: Vec<String>,
    accounts: Vec<String>,
    of_hubs: Vec<String>,
    of_accounts: Vec<String>,
}

fn names_of(kind: &str, prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|index| format!("{kind}/{prefix}-{index}"))
        .collect()
}

fn bare(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

impl Year {
    async fn begin() -> Self {
        let scenario = Scenario::start(settings("year")).await.unwrap();
        let year = Self {
            scenario,
            hubs: names_of("AIHub", "hub", HUBS),
            pinned: names_of("AIHub", "pinned", PINNED),
            accounts: names_of("AIServicesAccount", "account", ACCOUNTS),
            of_hubs: names_of("AIProject", "of-hub", PROJECTS),
            of_accounts: names_of("AIProject", "of-account", PROJECTS),
        };
        year.new_version_ends().await;
        let version = year.version().await;
        let pin = |name: &String| {
            let key = "key: ai-hub\n";
            hub(bare(name)).replace(key, &format!("{key}      version: {version}\n"))
        };
        let of_hub = |(name, parent): (&String, &String)| project(bare(name), "AIHub", bare(parent));
        let of_account =
            |(name, parent): (&String, &String)| project(bare(name), "AIServicesAccount", bare(parent));
        let manifests: Vec<String> = year
            .hubs
            .iter()
            .map(|name| hub(bare(name)))
            .chain(year.pinned.iter().map(pin))
            .chain(year.accounts.iter().map(|name| account(bare(name))))
            .chain(year.of_hubs.iter().zip(&year.hubs).map(of_hub))
            .chain(year.of_accounts.iter().zip(&year.accounts).map(of_account))
            .collect();
        assert_eq!(manifests.len(), 50);
        year.scenario
            .apply(&manifests.join("\n---\n"))
            .unwrap()
            .ok()
            .unwrap();
        for name in year.all() {
            year.scenario.until_ready(name).await.unwrap();
        }
        year
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        let projects = self.of_hubs.iter().chain(&self.of_accounts);
        self.hubs
            .iter()
            .chain(&self.accounts)
            .chain(projects)
            .chain(&self.pinned)
    }

    /// The key's current version.
    async fn version(&self) -> String {
        let alice = self.scenario.azure.sign_in(names::ALICE).await.unwrap();
        let key = alice.get(&key_id(names::KEY), KEYS).await.unwrap();
        let uri = key["properties"]["keyUriWithVersion"].as_str().unwrap();
        bare(uri).to_owned()
    }

    /// The current version gets its end, as a rotation policy would give it.
    async fn new_version_ends(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let end = i64::try_from(now).unwrap() + DAYS_OF_A_VERSION * 86_400;
        let control = self.scenario.azure.control();
        control
            .key(&key_id(names::KEY), &json!({ "expire": end }))
            .await
            .unwrap();
    }

    /// Days pass for the key and all its versions.
    async fn days_pass(&self, days: u32) {
        let alice = self.scenario.azure.sign_in(names::ALICE).await.unwrap();
        let path = format!("{}/versions", key_id(names::KEY));
        let listed = alice.get(&path, KEYS).await.unwrap();
        let versions = listed["value"].as_array().unwrap().iter();
        let control = self.scenario.azure.control();
        for version in versions.map(|one| one["id"].as_str().unwrap()) {
            control.age(version, days).await.unwrap();
        }
        control.age(&key_id(names::KEY), days).await.unwrap();
    }

    /// The key gets a new version; all that follow it are waited for.
    async fn turns(&self) {
        rotate(&self.scenario).await;
        self.new_version_ends().await;
        let version = self.version().await;
        let knows = |object: &Object| {
            object.is_ready() && object.at("/status/encryption").to_string().contains(&version)
        };
        for name in self.hubs.iter().chain(&self.accounts).chain(&self.of_hubs) {
            self.scenario
                .until(name, "told of the new version", knows)
                .await
                .unwrap();
        }
    }

    /// How many versions each object was ever seen with.
    async fn versions(&self, names: &[String]) -> Vec<usize> {
        let mut counts = Vec::new();
        for name in names {
            let object = self.scenario.hub(name).await.unwrap();
            counts.push(
                object
                    .at("/status/encryption/versions")
                    .as_array()
                    .map_or(0, Vec::len),
            );
        }
        counts
    }

    /// The operator's writes by the last segment of what they were to.
    async fn writes(&self) -> BTreeMap<String, Vec<String>> {
        let mut writes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in operator_log(&self.scenario).await {
            if one.is_write()
                && (200..300).contains(&one.status)
                && !one.path().contains("checkPolicyRestrictions")
            {
                writes
                    .entry(bare(one.path()).to_owned())
                    .or_default()
                    .push(one.method);
            }
        }
        writes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_objects_of_all_kinds_live_through_it() {
    let year = Year::begin().await;
    // Four turns in 360 days: the version that the pins hold ends at day 180.
    for (turn, days) in [90, 70, 100, 100].into_iter().enumerate() {
        year.days_pass(days).await;
        if turn == 1 {
            // Day 160: who is pinned has twenty days left, and hears it; nobody else is concerned.
            for name in &year.pinned {
                let warned = year
                    .scenario
                    .until_says(name, "KeyHealthy", "KeyExpiringSoon")
                    .await
                    .unwrap();
                assert!(warned.is_ready(), "{warned}");
            }
        }
        year.turns().await;
        for name in &year.hubs {
            let hub = year.scenario.hub(name).await.unwrap();
            assert!(
                hub.is("KeyHealthy", "True") && !hub.says("KeyHealthy", "KeyExpiringSoon"),
                "{hub}"
            );
        }
    }
    for name in &year.pinned {
        let expired = year
            .scenario
            .until_says(name, "KeyHealthy", "KeyExpired")
            .await
            .unwrap();
        assert!(expired.is("Ready", "False"), "{expired}");
    }

    // What was ever used is known; hubs were changed once a turn, and nobody else at all.
    for followers in [&year.hubs, &year.accounts, &year.of_hubs] {
        assert!(year.versions(followers).await.iter().all(|count| *count == 5));
    }
    // Which version an account uses that follows its key Azure does not tell, and so not its projects either.
    assert!(
        year.versions(&year.of_accounts)
            .await
            .iter()
            .all(|count| *count == 0)
    );
    assert!(year.versions(&year.pinned).await.iter().all(|count| *count == 1));
    let writes = year.writes().await;
    let of = |name: &String| {
        writes
            .get(bare(name))
            .map(|all| all.join(" "))
            .unwrap_or_default()
    };
    for name in &year.hubs {
        assert_eq!(of(name), "PUT PATCH PATCH PATCH PATCH", "{name}");
    }
    let unchanged = year.pinned.iter().chain(&year.accounts);
    for name in unchanged.chain(&year.of_hubs).chain(&year.of_accounts) {
        assert_eq!(of(name), "PUT", "{name}");
    }

    // The pins go, and their hubs take the newest version.
    let version = year.version().await;
    for name in &year.pinned {
        let free = json!({ "spec": { "encryption": { "customerManagedKey": { "version": Value::Null } } } });
        crate::common::merge(&year.scenario, bare(name), &free.to_string());
        let healed = year.scenario.until_ready(name).await.unwrap();
        assert_eq!(healed.text("/status/encryption/version"), version);
    }
}
