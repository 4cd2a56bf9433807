//! "At rest it costs nothing."

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::Scenario;
use testbed::azure::names;

use crate::common::{WORKSPACES, account, hub, key_id, operator_log, project, settings};

const HUBS: usize = 110;
const ACCOUNTS: usize = 70;
/// Of the first hub, and as many of the first account.
const PROJECTS: usize = 10;
const PAGE: usize = 50;
const SWEEP: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_objects_cost_lists_and_one_key() {
    let mut settings = settings("rest");
    settings.with_proxy = true;
    settings.sweep_interval = SWEEP;
    settings.seed = Box::new(|seed| seed.setting("pageSize", PAGE));
    let mut scenario = Scenario::start(settings).await.unwrap();
    let started = Instant::now();
    let hubs = (0..HUBS).map(|index| hub(&format!("hub-{index}")));
    let accounts = (0..ACCOUNTS).map(|index| account(&format!("account-{index}")));
    let of_hub = (0..PROJECTS).map(|index| project(&format!("of-hub-{index}"), "AIHub", "hub-0"));
    let of_account =
        (0..PROJECTS).map(|index| project(&format!("agent-{index}"), "AIServicesAccount", "account-0"));
    let manifests: Vec<String> = hubs.chain(accounts).chain(of_hub).chain(of_account).collect();
    assert_eq!(manifests.len(), 200);
    scenario.apply(&manifests.join("\n---\n")).unwrap().ok().unwrap();
    for index in 0..HUBS {
        scenario.until_ready(&format!("hub-{index}")).await.unwrap();
    }
    for index in 0..ACCOUNTS {
        let name = format!("AIServicesAccount/account-{index}");
        scenario.until_ready(&name).await.unwrap();
    }
    for index in 0..PROJECTS {
        for prefix in ["of-hub", "agent"] {
            let name = format!("AIProject/{prefix}-{index}");
            scenario.until_ready(&name).await.unwrap();
        }
    }
    println!(
        "{HUBS} hubs, {ACCOUNTS} accounts and {} projects were Ready after {:.0} s",
        2 * PROJECTS,
        started.elapsed().as_secs_f64()
    );

    // The sweep after the last change has seen everything.
    let workspaces = format!(
        "{}/providers/{}",
        names::subscription(),
        "Microsoft.MachineLearningServices/workspaces"
    );
    let pages = (HUBS + PROJECTS).div_ceil(PAGE);
    let accounts = format!(
        "{}/providers/Microsoft.CognitiveServices/accounts",
        names::subscription()
    );
    scenario.until_asked(&workspaces, 2 * pages).await.unwrap();
    let asked = operator_log(&scenario).await.len();
    let wrote = scenario.proxy.as_ref().unwrap().writes().len();
    scenario.until_asked(&workspaces, 4 * pages).await.unwrap();

    let log = operator_log(&scenario).await.split_off(asked);
    let mut reads: BTreeMap<String, usize> = BTreeMap::new();
    for one in &log {
        assert!(!one.is_write(), "{} {} at rest", one.method, one.url);
        *reads.entry(one.path().to_lowercase()).or_default() += 1;
    }
    let vault = names::vault(names::VAULT).to_lowercase();
    let identity = names::identity("hub").to_lowercase();
    // Each sweep reads the one vault once.
    let sweeps = reads.get(&vault).copied().unwrap_or_default();
    println!("reads of {sweeps} sweeps at rest: {reads:#?}");
    assert!(sweeps >= 3, "{reads:?}");
    let by_type = scenario_resources(&scenario).await;
    let listed = by_type.values().sum::<usize>().div_ceil(PAGE);
    // What is around them: a list for each type.
    let around = [
        "Microsoft.DocumentDB/databaseAccounts",
        "Microsoft.Search/searchServices",
        "Microsoft.Storage/storageAccounts",
    ]
    .map(|kind| {
        let path = format!("{}/providers/{kind}", names::subscription());
        (path.to_lowercase(), by_type[&kind.to_lowercase()].div_ceil(PAGE))
    });
    let mut budget = BTreeMap::from([
        (workspaces.to_lowercase(), pages),
        (accounts.to_lowercase(), ACCOUNTS.div_ceil(PAGE)),
        (format!("{}/resources", names::subscription()), listed),
        (format!("{vault}/keys/{}", names::KEY), 1),
        (
            format!(
                "{vault}/keys/{}/providers/microsoft.authorization/roleassignments",
                names::KEY
            ),
            1,
        ),
        (vault, 1),
        (identity, 1),
        (
            format!("{}/projects", names::account("account-0")).to_lowercase(),
            1,
        ),
    ]);
    budget.extend(around);
    for (path, count) in &reads {
        let each = budget
            .get(path)
            .unwrap_or_else(|| panic!("{path} is read at rest"));
        // The marks may lie within a sweep.
        assert!(
            *count <= each * (sweeps + 1),
            "{count} reads of {path} in {sweeps} sweeps"
        );
    }
    assert_eq!(reads.len(), budget.len(), "each of them is read");
    let written: Vec<_> = scenario
        .proxy
        .as_ref()
        .unwrap()
        .writes()
        .split_off(wrote)
        .into_iter()
        .filter(|one| !one.path.contains("/leases/"))
        .collect();
    assert!(written.is_empty(), "{written:?}");

    // A change from outside to one of them is seen.
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let other = key_id(names::OTHER_KEY);
    let key = alice.get(&other, "2025-05-01").await.unwrap();
    let url = key
        .pointer("/properties/keyUriWithVersion")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned();
    let body = json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": url } } } });
    alice
        .patch(&names::hub("hub-77"), WORKSPACES, &body)
        .await
        .unwrap();
    let changed = Instant::now();
    scenario
        .until("hub-77", "seen to change", |hub| !hub.is("Ready", "True"))
        .await
        .unwrap();
    let seen = changed.elapsed();
    println!("a change from outside was seen after {:.1} s", seen.as_secs_f64());
    assert!(seen <= SWEEP + Duration::from_secs(2), "{seen:?}");
    scenario.until_ready("hub-77").await.unwrap();
    if let Some(kib) = scenario.operator().unwrap().resident_kib() {
        println!("the operator holds {:.1} MiB", kib as f64 / 1024.0);
    }
}

/// How many resources of each type a list of all of them has.
async fn scenario_resources(scenario: &Scenario) -> BTreeMap<String, usize> {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let mut path = format!("{}/resources", names::subscription());
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        let page = alice.get(&path, "2025-04-01").await.unwrap();
        for one in page["value"].as_array().unwrap() {
            *count
                .entry(one["type"].as_str().unwrap().to_lowercase())
                .or_default() += 1;
        }
        let Some(next) = page["nextLink"].as_str() else {
            return count;
        };
        let token = next
            .split("skiptoken=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .to_owned();
        path = format!("{}/resources?$skiptoken={token}", names::subscription());
    }
}
