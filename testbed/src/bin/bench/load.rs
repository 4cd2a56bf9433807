//! One run: hubs are made, become ready, and rest.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};
use testbed::azure::names;
use testbed::{Error, Object, Scenario, ScenarioSettings, object};
use tokio::task::JoinSet;

use crate::measure::{Cost, Numbers};

/// So many hubs are asked for at the same time.
const AT_ONCE: usize = 16;
/// Nothing takes longer.
const LEAST_PATIENCE: Duration = Duration::from_secs(60);
/// And so much more for each hub.
const FOR_EACH: Duration = Duration::from_secs(2);

/// A run.
pub struct Load {
    /// How many hubs.
    pub hubs: usize,
    /// The operator's binary.
    pub program: PathBuf,
    /// Between two sweeps.
    pub sweep: Duration,
    /// How long it is watched at rest.
    pub rest: Duration,
}

impl Load {
    /// Runs it.
    pub async fn run(self) -> Result<Numbers, Error> {
        let mut settings = ScenarioSettings::new(&format!("bench-{}", self.hubs), &self.program);
        settings.sweep_interval = self.sweep;
        settings.probe_interval = Duration::from_secs(30);
        settings.with_proxy = true;
        settings.seed = Box::new(|seed| seed.setting("pageSize", 100));
        let mut scenario = Scenario::start(settings).await?;
        let mut operator = scenario
            .operator
            .take()
            .ok_or_else(|| Error::kubernetes("starting the operator")("it was not started"))?;
        let idle_mib = mib(operator.resident_kib());
        let before = Cost::so_far(&scenario, &operator).await?;

        make(&scenario, self.hubs).await?;
        self.until_all_are_ready(&scenario).await?;
        let ready = Cost::so_far(&scenario, &operator).await?;
        let moments = moments(&scenario.hubs()).await?;
        let first = moments.iter().map(|(made, _)| *made).min().unwrap_or_default();
        let last = moments.iter().map(|(_, ready)| *ready).max().unwrap_or_default();
        let mut seconds: Vec<i64> = moments.iter().map(|(made, ready)| ready - made).collect();
        seconds.sort_unstable();

        // The sweep after the last change sees everything once more.
        tokio::time::sleep(self.sweep + Duration::from_secs(5)).await;
        let resting = Cost::so_far(&scenario, &operator).await?;
        let watched = Instant::now();
        tokio::time::sleep(self.rest).await;
        let end = Cost::so_far(&scenario, &operator).await?;
        operator.process().check()?;
        Ok(Numbers {
            hubs: self.hubs,
            seconds_until_all_ready: last - first,
            median_seconds_to_ready: seconds.get(seconds.len() / 2).copied().unwrap_or_default(),
            longest_seconds_to_ready: seconds.last().copied().unwrap_or_default(),
            to_ready: ready.since(&before),
            at_rest: end.since(&resting),
            seconds_at_rest: watched.elapsed().as_secs_f64(),
            idle_mib,
            rest_mib: mib(operator.resident_kib()),
            peak_mib: mib(operator.peak_kib()),
        })
    }

    async fn until_all_are_ready(&self, scenario: &Scenario) -> Result<(), Error> {
        let patience = LEAST_PATIENCE + FOR_EACH * u32::try_from(self.hubs).unwrap_or(u32::MAX);
        let hubs = scenario.hubs();
        for index in 0..self.hubs {
            object::until(&hubs, &name(index), "Ready", patience, Object::is_ready).await?;
        }
        Ok(())
    }
}

fn name(index: usize) -> String {
    format!("hub-{index}")
}

/// Makes the hubs, some at a time.
async fn make(scenario: &Scenario, hubs: usize) -> Result<(), Error> {
    let mut making = JoinSet::new();
    for index in 0..hubs {
        if making.len() >= AT_ONCE {
            finished(making.join_next().await)?;
        }
        let api = scenario.hubs();
        let hub = declared(&name(index))?;
        making.spawn(async move { api.create(&PostParams::default(), &hub).await.map(drop) });
    }
    while !making.is_empty() {
        finished(making.join_next().await)?;
    }
    Ok(())
}

type Made = Result<Result<(), kube::Error>, tokio::task::JoinError>;

fn finished(made: Option<Made>) -> Result<(), Error> {
    let Some(made) = made else { return Ok(()) };
    made.map_err(Error::kubernetes("making a hub panicked"))?
        .map_err(Error::kubernetes("making a hub"))
}

/// A hub of the kind that the first example shows.
fn declared(name: &str) -> Result<DynamicObject, Error> {
    let json = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIHub", "metadata": { "name": name },
        "spec": {
            "subscriptionId": names::SUBSCRIPTION, "resourceGroup": names::AI_GROUP, "location": names::LOCATION,
            "identity": { "userAssigned": [names::HUB_IDENTITY] },
            "storageAccount": "aihubdata", "keyVault": "hub-secrets",
            "encryption": {
                "mode": "CustomerManaged",
                "customerManagedKey": {
                    "vault": names::vault(names::VAULT), "key": names::KEY, "identity": names::HUB_IDENTITY,
                },
            },
        },
    });
    serde_json::from_value(json).map_err(Error::kubernetes("building a hub"))
}

/// When each hub was made and became ready, in seconds since 1970.
async fn moments(hubs: &Api<DynamicObject>) -> Result<Vec<(i64, i64)>, Error> {
    let listed = hubs
        .list(&ListParams::default())
        .await
        .map_err(Error::kubernetes("listing the hubs"))?;
    Ok(listed.items.iter().filter_map(moments_of).collect())
}

fn moments_of(hub: &DynamicObject) -> Option<(i64, i64)> {
    let made = hub.metadata.creation_timestamp.as_ref()?.0;
    let conditions = hub.data.pointer("/status/conditions")?.as_array()?;
    let ready = conditions
        .iter()
        .find(|one| one.get("type").and_then(Value::as_str) == Some("Ready"))?;
    let since: k8s_openapi::jiff::Timestamp = ready.get("lastTransitionTime")?.as_str()?.parse().ok()?;
    Some((made.as_second(), since.as_second()))
}

#[expect(clippy::cast_precision_loss, reason = "a process has less than 2^52 KiB")]
fn mib(kib: Option<u64>) -> f64 {
    kib.unwrap_or_default() as f64 / 1024.0
}

/// The cores of this machine.
pub fn cores() -> usize {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count()
}
