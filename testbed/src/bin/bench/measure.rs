//! What is measured.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use testbed::azure::names;
use testbed::{Error, Operator, Scenario};

/// Everything measured with one number of hubs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    /// How many hubs.
    pub hubs: usize,
    /// Seconds from the first creation until the last hub was ready. Kubernetes keeps whole seconds.
    pub seconds_until_all_ready: i64,
    /// Median of the seconds from a hub's creation until it was ready.
    pub median_seconds_to_ready: i64,
    /// The longest of them.
    pub longest_seconds_to_ready: i64,
    /// Until all were ready.
    pub to_ready: Cost,
    /// At rest.
    pub at_rest: Cost,
    /// How many seconds it was watched at rest.
    pub seconds_at_rest: f64,
    /// Resident memory before there was a hub.
    pub idle_mib: f64,
    /// Resident memory at rest.
    pub rest_mib: f64,
    /// The most that it ever was.
    pub peak_mib: f64,
}

/// What a while cost.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Requests to Azure Resource Manager, by method.
    pub arm: BTreeMap<String, u64>,
    /// Requests to the API server, by method.
    pub kubernetes: BTreeMap<String, u64>,
    /// CPU time in milliseconds.
    pub cpu_milliseconds: u64,
}

impl Cost {
    /// All that was used since the start.
    pub async fn so_far(scenario: &Scenario, operator: &Operator) -> Result<Self, Error> {
        let cpu = operator.cpu_time().unwrap_or_default();
        Ok(Self {
            arm: arm(&scenario.azure.control().counters().await?),
            kubernetes: scenario
                .proxy
                .as_ref()
                .map(|proxy| proxy.requests())
                .unwrap_or_default(),
            cpu_milliseconds: u64::try_from(cpu.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// What was used since `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            arm: difference(&self.arm, &before.arm),
            kubernetes: difference(&self.kubernetes, &before.kubernetes),
            cpu_milliseconds: self.cpu_milliseconds.saturating_sub(before.cpu_milliseconds),
        }
    }
}

fn difference(after: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    after
        .iter()
        .map(|(method, count)| {
            let earlier = before.get(method).copied().unwrap_or_default();
            (method.clone(), count.saturating_sub(earlier))
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// The operator's requests in the simulator's counters, by method.
fn arm(counters: &Value) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let requests = counters.get("requests").unwrap_or(counters);
    for one in requests.as_array().into_iter().flatten() {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("principal") == names::OPERATOR {
            let count = one.get("count").and_then(Value::as_u64).unwrap_or_default();
            *counts.entry(text("method").to_owned()).or_default() += count;
        }
    }
    counts
}
