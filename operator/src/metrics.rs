//! The operator's metrics. docs/metrics.md lists them; a test compares.

use std::collections::HashMap;
use std::fmt;

use keyholder_crds::Reason;
use keyholder_crds::condition::ConditionType;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use strum::IntoStaticStr;

/// How a pass over one object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
pub enum Outcome {
    /// Nothing to do until something changes.
    Settled,
    /// Waiting for a point in time.
    Waiting,
    /// Something failed; tried again after a backoff.
    Failed,
}

/// What a request to Azure was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
pub enum WriteOutcome {
    /// Azure took it.
    Accepted,
    /// Azure refused it, or it did not arrive.
    Refused,
    /// It was not sent: somebody changed the object meanwhile, or Azure would have refused it.
    NotSent,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PassLabels {
    outcome: Label,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    operation: String,
    outcome: Label,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReadLabels {
    identity: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LeftLabels {
    identity: String,
    subscription: String,
    kind: Label,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConditionLabels {
    r#type: Label,
    status: String,
    reason: Label,
}

/// A label whose values are a closed enum.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Label(&'static str);

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl EncodeLabelValue for Label {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.encode(encoder)
    }
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<PassLabels, Counter>,
    pass_seconds: Histogram,
    azure_writes: Family<WriteLabels, Counter>,
    azure_requests: Family<ReadLabels, Gauge>,
    azure_withheld: Family<ReadLabels, Gauge>,
    azure_left: Family<LeftLabels, Gauge>,
    conditions: Family<ConditionLabels, Gauge>,
    status_patches: Counter,
    undecodable: Gauge,
    leading: Gauge,
    sweep_seconds: Histogram,
    sweep_failures: Counter,
}

impl Metrics {
    /// Registers everything.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keyholder");
        let passes = Family::default();
        registry.register(
            "passes",
            "Passes over one object, by how they ended",
            passes.clone(),
        );
        let pass_seconds = Histogram::new(exponential_buckets(0.005, 4.0, 7));
        registry.register_with_unit(
            "pass_duration",
            "Time a pass takes",
            Unit::Seconds,
            pass_seconds.clone(),
        );
        let azure_writes = Family::default();
        registry.register(
            "azure_writes",
            "Writes to Azure, by operation and outcome",
            azure_writes.clone(),
        );
        let azure_requests = Family::default();
        registry.register(
            "azure_requests",
            "Requests sent to Azure by each identity since the start",
            azure_requests.clone(),
        );
        let azure_withheld = Family::default();
        registry.register(
            "azure_requests_withheld",
            "Requests that each identity did not send since the start, because Azure would have refused them",
            azure_withheld.clone(),
        );
        let azure_left = Family::default();
        registry.register(
            "azure_requests_left",
            "Requests that Azure has left for each identity in each subscription",
            azure_left.clone(),
        );
        let conditions = Family::default();
        registry.register(
            "conditions",
            "Objects by condition, its status and its reason",
            conditions.clone(),
        );
        let status_patches = Counter::default();
        registry.register(
            "status_patches",
            "Status patches sent to Kubernetes",
            status_patches.clone(),
        );
        let undecodable = Gauge::default();
        registry.register(
            "undecodable_objects",
            "Objects that do not decode",
            undecodable.clone(),
        );
        let leading = Gauge::default();
        registry.register("leading", "1 while this replica holds the lease", leading.clone());
        let sweep_seconds = Histogram::new(exponential_buckets(0.02, 4.0, 7));
        registry.register_with_unit(
            "sweep_duration",
            "Time a sweep takes",
            Unit::Seconds,
            sweep_seconds.clone(),
        );
        let sweep_failures = Counter::default();
        registry.register(
            "sweep_failures",
            "Lists of a sweep that failed",
            sweep_failures.clone(),
        );
        Self {
            registry,
            passes,
            pass_seconds,
            azure_writes,
            azure_requests,
            azure_withheld,
            azure_left,
            conditions,
            status_patches,
            undecodable,
            leading,
            sweep_seconds,
            sweep_failures,
        }
    }

    /// OpenMetrics text.
    ///
    /// # Errors
    /// Formatting failed.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// A pass ended.
    pub fn pass(&self, outcome: Outcome, seconds: f64) {
        self.passes
            .get_or_create(&PassLabels {
                outcome: Label(outcome.into()),
            })
            .inc();
        self.pass_seconds.observe(seconds);
    }

    /// A write to Azure ended.
    pub fn azure_write(&self, operation: &str, outcome: WriteOutcome) {
        let labels = WriteLabels {
            operation: operation.to_owned(),
            outcome: Label(outcome.into()),
        };
        self.azure_writes.get_or_create(&labels).inc();
    }

    /// An identity has sent this many requests so far.
    pub fn azure_requests(&self, identity: &str, total: u64) {
        let labels = ReadLabels {
            identity: identity.to_owned(),
        };
        self.azure_requests
            .get_or_create(&labels)
            .set(i64::try_from(total).unwrap_or(i64::MAX));
    }

    /// An identity has not sent this many requests so far, for want of budget.
    pub fn azure_withheld(&self, identity: &str, total: u64) {
        let labels = ReadLabels {
            identity: identity.to_owned(),
        };
        self.azure_withheld
            .get_or_create(&labels)
            .set(i64::try_from(total).unwrap_or(i64::MAX));
    }

    /// Forgets what identities may still ask: subscriptions that are not in use any more must not stay.
    pub fn forget_azure_left(&self) {
        self.azure_left.clear();
    }

    /// What an identity may still ask of a subscription.
    pub fn azure_left(&self, identity: &str, subscription: &str, kind: &'static str, left: u32) {
        let labels = LeftLabels {
            identity: identity.to_owned(),
            subscription: subscription.to_owned(),
            kind: Label(kind),
        };
        self.azure_left.get_or_create(&labels).set(i64::from(left));
    }

    /// A status was patched.
    pub fn status_patched(&self) {
        self.status_patches.inc();
    }

    /// The estate as it stands: how many objects have which condition, and how many do not decode.
    pub fn estate(&self, conditions: HashMap<(ConditionType, String, Reason), i64>, undecodable: usize) {
        self.conditions.clear();
        for ((r#type, status, reason), objects) in conditions {
            let labels = ConditionLabels {
                r#type: Label(r#type.into()),
                status,
                reason: Label(reason.into()),
            };
            self.conditions.get_or_create(&labels).set(objects);
        }
        self.undecodable
            .set(i64::try_from(undecodable).unwrap_or(i64::MAX));
    }

    /// This replica leads.
    pub fn leading(&self) {
        self.leading.set(1);
    }

    /// A sweep ended.
    pub fn sweep(&self, seconds: f64, failures: u64) {
        self.sweep_seconds.observe(seconds);
        self.sweep_failures.inc_by(failures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_page_lists_every_metric() {
        let page = include_str!("../../docs/metrics.md");
        let metrics = Metrics::new();
        // A family shows itself with its first sample.
        metrics.pass(Outcome::Settled, 0.1);
        metrics.azure_write("Create", WriteOutcome::Accepted);
        metrics.azure_requests("identity", 1);
        metrics.azure_withheld("identity", 1);
        metrics.azure_left("identity", "subscription", "reads", 1);
        metrics.estate(
            HashMap::from([(
                (ConditionType::Ready, "True".to_owned(), Reason::AllConditionsMet),
                1,
            )]),
            0,
        );
        let text = metrics.encode().unwrap();
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .collect();
        assert!(names.len() >= 10, "{text}");
        let missing: Vec<&&str> = names.iter().filter(|name| !page.contains(**name)).collect();
        assert!(missing.is_empty(), "docs/metrics.md lacks {missing:?}");
    }
}
