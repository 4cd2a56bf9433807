//! One pass over one object: observe → validate → plan → execute → report.
//!
//! Invariant: a pass takes no hint of what changed and does the same work for start, change, retry, crash and restart.
//! It never sleeps. What the sweep's readings show may confirm that all is well; whatever is worse is read anew first.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_controller::events::EventRecorder;
use keyholder_crds::{Reason, ResourceStatus};
use keyholder_planner::plan::{FinalizerStep, Input, Pace, held_back};
use keyholder_planner::{Declared, Executed, Next, Plan, Report, Why, Write, plan, report, validate};
use kube::{Client, ResourceExt};
use kube_runtime::controller::Action;
use thiserror::Error;

use crate::controller::{Guarded, Subject, Watched};
use crate::execute::execute;
use crate::family::{Family, Lookup};
use crate::identity::{Azure, Identities};
use crate::inventory::Age;
use crate::metrics::{Metrics, Outcome};
use crate::observe::observe;
use crate::resource::ResourceType;
use crate::status::{Writer, is_stale};
use crate::turns::Turns;

/// What every pass shares.
pub struct Context {
    /// Kubernetes.
    pub client: Client,
    /// Who acts in Azure.
    pub identities: Arc<Identities>,
    /// Whose projects the objects are.
    pub family: Arc<Family>,
    /// Whose turn it is to write.
    pub turns: Turns,
    /// First part of the owner tag.
    pub owner_id: String,
    /// Waiting times.
    pub pace: Pace,
    /// Age that shared readings may have.
    pub sweep_interval: Duration,
    /// Waiting times after failures.
    pub backoff: Backoff,
    /// Events.
    pub events: EventRecorder,
    /// Metrics.
    pub metrics: Arc<Metrics>,
}

/// Why a pass did not come to its end.
#[derive(Debug, Error)]
pub enum Failure {
    /// Kubernetes refused or could not be reached.
    #[error("Kubernetes did not take the {what} of {kind} {name}")]
    Kubernetes {
        /// What was written.
        what: &'static str,
        /// Kind of the object.
        kind: Cow<'static, str>,
        /// Which object.
        name: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
}

/// Waiting times for each object after failures: from a second, doubled up to five minutes.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: Mutex<HashMap<String, Pause>>,
}

#[derive(Debug)]
struct Pause {
    failures: u32,
    until: Instant,
}

impl Backoff {
    /// Notes a failure and says how long to wait. One within the waiting time, in a pass that something else woke, is the same
    /// failure still.
    pub fn failed(&self, uid: &str, now: Instant) -> Duration {
        let mut failures = self
            .failures
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let pause = failures.entry(uid.to_owned()).or_insert(Pause {
            failures: 0,
            until: now,
        });
        if now < pause.until {
            return pause.until.duration_since(now);
        }
        let wait = Duration::from_secs(1 << pause.failures.min(8)).min(Duration::from_mins(5));
        pause.failures = pause.failures.saturating_add(1);
        pause.until = now + wait;
        wait
    }

    /// Notes that a pass went well, or that the object is gone.
    pub fn succeeded(&self, uid: &str) {
        let mut failures = self
            .failures
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        failures.remove(uid);
    }
}

/// One pass.
///
/// # Errors
/// Kubernetes could not be written. What goes wrong in Azure is not an error of the pass: it is what the pass reports.
pub async fn reconcile<K: Watched>(
    object: Arc<Guarded<K>>,
    context: Arc<Context>,
) -> Result<Action, Failure> {
    let started = Instant::now();
    let result = match &object.0 {
        Ok(object) => Box::pin(pass(object, &context)).await,
        Err(error) => crate::undecodable::tell::<K>(context.client.clone(), error, Timestamp::now())
            .await
            .map(|()| Next::Change)
            .map_err(|source| Failure::Kubernetes {
                what: "status",
                kind: K::kind(&()),
                name: object.name_any(),
                source: Box::new(source),
            }),
    };
    let seconds = started.elapsed().as_secs_f64();
    let uid = object.uid().unwrap_or_default();
    let now = Timestamp::now();
    let (outcome, action) = match &result {
        Ok(Next::Change) => {
            context.backoff.succeeded(&uid);
            (Outcome::Settled, Ok(Action::await_change()))
        }
        Ok(Next::At(then)) => {
            context.backoff.succeeded(&uid);
            let wait = Duration::try_from(then.duration_since(now)).unwrap_or_default();
            (Outcome::Waiting, Ok(Action::requeue(wait)))
        }
        Ok(Next::Backoff) => {
            let wait = context.backoff.failed(&uid, Instant::now());
            (Outcome::Failed, Ok(Action::requeue(wait)))
        }
        Err(_) => (Outcome::Failed, result.map(|_| Action::await_change())),
    };
    context.metrics.pass(outcome, seconds);
    action
}

async fn pass<K: Watched>(object: &K, context: &Context) -> Result<Next, Failure> {
    let namespace = object.namespace().unwrap_or_default();
    let writer: Writer<'_, K> = Writer::new(
        context.client.clone(),
        &namespace,
        &context.events,
        &context.metrics,
    );
    let mut object = object.clone();

    // First touch: whoever looks now must not take the last generation's Ready for this one's.
    if let Some(status) = keyholder_planner::report::touch(&object, Timestamp::now()) {
        let Some(touched) = taken(writer.status(&object, &status).await, "status", &object)? else {
            return Ok(Next::Change);
        };
        object = touched;
    }

    let deleting = object.meta().deletion_timestamp.is_some();
    let parent = match context.family.parent(&object, &context.owner_id) {
        // It is woken when that watch is there.
        Lookup::Filling => return Ok(Next::Change),
        Lookup::Found(parent) => parent,
    };
    let valid = parent.map(|parent| object.validate(&context.owner_id, parent.as_ref()));
    let may_go = match &valid {
        Ok(Ok(_)) => false,
        Ok(Err(_)) => validate::may_go_unread(&object),
        Err(_) => validate::is_unbound(&object),
    };
    if deleting && may_go {
        taken(writer.remove_finalizer(&object).await, "finalizer", &object)?;
        return Ok(Next::Change);
    }
    let valid = match valid {
        Ok(Ok(valid)) => valid,
        Err(why) => return blocked(&writer, &object, &why, context).await,
        Ok(Err(errors)) => {
            let report = keyholder_planner::report::invalid(&object, &errors, Timestamp::now());
            return tell(&writer, &object, report).await;
        }
    };
    let azure = match context.identities.serving(&namespace) {
        Ok(azure) => azure,
        Err(why) => return blocked(&writer, &object, &why, context).await,
    };

    let (observed, plan) = decide(&object, &valid, &azure, context).await;
    if let Some(next) = held_back(&observed, Timestamp::now()) {
        return Ok(next);
    }
    if plan.finalizer == FinalizerStep::Add {
        let Some(held) = taken(writer.add_finalizer(&object).await, "finalizer", &object)? else {
            return Ok(Next::Change);
        };
        object = held;
    }
    writer.events(&object, &plan.beforehand).await;
    let stored = object.status().cloned().unwrap_or_default();
    let subject = Subject::of(&object);
    let waits = plan
        .write
        .as_ref()
        .and_then(|write| its_turn(write, &subject, context).err());
    let executed = match (&plan.write, waits) {
        (None, _) => Executed::Nothing,
        (Some(_), Some(why)) => Executed::Waits(why),
        (Some(write), None) => {
            let sent = execute(&writer, &object, write, &azure, context).await;
            let is_sent = matches!(&sent, Ok((executed, _)) if !matches!(executed, Executed::NotSent | Executed::Withheld(_)));
            if !is_sent {
                context.turns.end(&subject, Instant::now());
            }
            let (executed, latest) = sent?;
            object = latest;
            executed
        }
    };
    match executed {
        Executed::NotSent => return Ok(Next::Change),
        Executed::Withheld(until) => return Ok(Next::At(until)),
        _ => {}
    }
    // A write may have taken long: what is waited for is counted from its answer on.
    let now = Timestamp::now();
    let input = input(&object, &valid, &stored, &observed, now, context);
    let report = report(&input, &plan, &executed);
    if is_under_way(&report.status) && plan.finalizer != FinalizerStep::Remove {
        context.turns.keep(&subject, Instant::now());
    } else if !matches!(executed, Executed::Waits(_)) {
        context.turns.end(&subject, Instant::now());
    }
    if plan.finalizer == FinalizerStep::Remove {
        writer.events(&object, &report.notes).await;
        taken(writer.remove_finalizer(&object).await, "finalizer", &object)?;
        return Ok(Next::Change);
    }
    tell(&writer, &object, report).await
}

/// Takes the turn for a write, where Azure makes one at a time.
fn its_turn(write: &Write, who: &Subject, context: &Context) -> Result<(), Why> {
    let Some(place) = ResourceType::turn_of(&write.id) else {
        return Ok(());
    };
    context
        .turns
        .take(&place, who, Instant::now())
        .map_err(|holder| Why {
            reason: Reason::Pending,
            message: format!(
                "Azure makes one change at a time in {place}: this one waits for that of {} {}.",
                holder.kind, holder.name
            ),
            retry_at: Timestamp::now().checked_add(context.pace.probe).ok(),
        })
}

/// Whether Azure may be at work on what was written last.
fn is_under_way(status: &ResourceStatus) -> bool {
    let of_dependents = status.dependents.iter().filter_map(|one| one.operation.as_ref());
    of_dependents
        .chain(&status.operation)
        .any(|operation| operation.state.may_have_effect())
}

/// Observes and plans: first with what the sweep has read, then with recent readings, last with everything read anew.
async fn decide<K: Watched>(
    object: &K,
    valid: &Declared,
    azure: &Azure,
    context: &Context,
) -> (keyholder_planner::Observed, Plan) {
    let stored = object.status().cloned().unwrap_or_default();
    let deleting = object.meta().deletion_timestamp.is_some();
    if is_settled(&stored, object) && !deleting {
        let (observed, plan, report) = look(object, valid, &stored, azure, Age::Swept, context).await;
        if plan.write.is_none() && plan.finalizer == FinalizerStep::Keep && report.status == stored {
            return (observed, plan);
        }
    }
    let (observed, plan, report) = look(
        object,
        valid,
        &stored,
        azure,
        Age::Recent(context.sweep_interval),
        context,
    )
    .await;
    if !keyholder_planner::report::is_worse(&report.status, &stored) {
        return (observed, plan);
    }
    let (observed, plan, _) = look(object, valid, &stored, azure, Age::Now, context).await;
    (observed, plan)
}

async fn look<K: Watched>(
    object: &K,
    valid: &Declared,
    stored: &ResourceStatus,
    azure: &Azure,
    age: Age,
    context: &Context,
) -> (keyholder_planner::Observed, Plan, Report) {
    let observed = observe(
        azure,
        valid,
        stored,
        object.meta().deletion_timestamp.is_some(),
        age,
        context.pace,
    )
    .await;
    let now = Timestamp::now();
    let input = input(object, valid, stored, &observed, now, context);
    let plan = plan(&input);
    let report = report(&input, &plan, &Executed::Nothing);
    (observed, plan, report)
}

fn input<'a, K: Watched>(
    object: &K,
    valid: &'a Declared,
    stored: &'a ResourceStatus,
    observed: &'a keyholder_planner::Observed,
    now: Timestamp,
    context: &Context,
) -> Input<'a> {
    Input {
        declared: valid,
        status: stored,
        deleting: object.meta().deletion_timestamp.is_some(),
        has_finalizer: object
            .finalizers()
            .iter()
            .any(|one| one == keyholder_crds::vocabulary::FINALIZER),
        observed,
        now,
        pace: context.pace,
    }
}

/// Nothing was under way and everything was judged for this generation: the sweep's readings may be enough.
fn is_settled<K: Watched>(status: &ResourceStatus, object: &K) -> bool {
    status.observed_generation == object.meta().generation
        && status.operation.is_none()
        && status.dependents.iter().all(|one| one.operation.is_none())
        && status
            .conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

async fn blocked<K: Watched>(
    writer: &Writer<'_, K>,
    object: &K,
    why: &Why,
    context: &Context,
) -> Result<Next, Failure> {
    let report = keyholder_planner::report::blocked(object, why, Timestamp::now());
    let next = tell(writer, object, report).await?;
    if why.reason == Reason::NoIdentity && object.meta().deletion_timestamp.is_none() {
        // A change of the ServiceAccounts wakes everything.
        return Ok(next);
    }
    Ok(Next::At(
        Timestamp::now()
            .saturating_add(context.pace.probe)
            .unwrap_or(Timestamp::MAX),
    ))
}

/// Writes the report, if it says anything new.
async fn tell<K: Watched>(writer: &Writer<'_, K>, object: &K, report: Report) -> Result<Next, Failure> {
    if object.status() != Some(&report.status)
        && taken(writer.status(object, &report.status).await, "status", object)?.is_none()
    {
        return Ok(Next::Change);
    }
    writer.events(object, &report.notes).await;
    Ok(report.next)
}

/// `None` when the object is not what was read any more: its change wakes the next pass.
pub fn taken<K: Watched>(
    result: Result<K, kube::Error>,
    what: &'static str,
    object: &K,
) -> Result<Option<K>, Failure> {
    match result {
        Ok(object) => Ok(Some(object)),
        Err(error) if is_stale(&error) => {
            tracing::debug!(name = object.name_any(), what, "the object changed meanwhile");
            Ok(None)
        }
        Err(source) => Err(Failure::Kubernetes {
            what,
            kind: K::kind(&()),
            name: object.name_any(),
            source: Box::new(source),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_within_the_waiting_time_do_not_lengthen_it() {
        let backoff = Backoff::default();
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        assert_eq!(backoff.failed("a", start), Duration::from_secs(1));
        for woken in [0, 100, 999] {
            assert_eq!(
                backoff.failed("a", after(woken)),
                Duration::from_millis(1000 - woken)
            );
        }
        assert_eq!(backoff.failed("a", after(1000)), Duration::from_secs(2));
        backoff.succeeded("a");
        assert_eq!(backoff.failed("a", after(1100)), Duration::from_secs(1));
    }
}
