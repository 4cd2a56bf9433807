//! The plan: what to do next about one hub, and nothing left for the executor to choose.
//!
//! Invariant: at most one write to Azure, and none while another is under way.

use jiff::Timestamp;
use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{AIHubStatus, Bound, DeletionPolicy, OperationKind, OperationState, Reason};

use crate::arm_id::ArmId;
use crate::judge::{self, Judgement, Opinion, Verdict};
use crate::name::KeyIdentifier;
use crate::needs::{has_failed, is_deleting, is_in_progress, is_owned, was_created};
use crate::observed::{Body, Fact, LiveHub, Observed, OperationSeen, Why};
use crate::progress::{self, Found, Step, retry};
use crate::time::{after, second};
use crate::validate::{ValidEncryption, ValidHub};
use crate::{body, encryption, group, key, preflight, transition};

/// Everything that a decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The spec, as types.
    pub hub: &'a ValidHub,
    /// The status stored in Kubernetes.
    pub status: &'a AIHubStatus,
    /// Whether the object is being deleted.
    pub deleting: bool,
    /// Whether the finalizer is there.
    pub has_finalizer: bool,
    /// What was read.
    pub observed: &'a Observed,
    /// When.
    pub now: Timestamp,
    /// Intervals.
    pub pace: Pace,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between looks at a cause that somebody else must remove.
    pub probe: jiff::SignedDuration,
    /// Between polls when Azure names no time.
    pub poll: jiff::SignedDuration,
    /// Between a write that Azure reports done and the read that must show it.
    pub settle: jiff::SignedDuration,
    /// Between tries of a write that Azure failed, at the least; it doubles up to ten minutes.
    pub retry: jiff::SignedDuration,
}

/// One write to Azure.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// What it is.
    pub kind: OperationKind,
    /// The resource.
    pub id: ArmId,
    /// What goes on the wire.
    pub request: Request,
    /// What must be read back.
    pub intent: String,
    /// What the object is bound to from now on.
    pub bound: Bound,
    /// When this write was first intended (a retry keeps it).
    pub started_at: Timestamp,
}

/// The request of a [`Write`].
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// PUT of the whole resource.
    Put(Body),
    /// PATCH of what differs.
    Patch(Body),
    /// DELETE.
    Delete {
        /// `forceToPurge`: nothing can be recovered.
        purge: bool,
    },
}

/// What to do about the finalizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalizerStep {
    /// Leave it.
    Keep,
    /// Add it, before anything is written to Azure.
    Add,
    /// Remove it: Azure is as the deletion policy says.
    Remove,
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When something changes: the sweeps and the watch will tell.
    Change,
    /// At a point in time.
    At(Timestamp),
    /// After the controller's backoff: something could not be read or done.
    Backoff,
}

/// The decision of one pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// About the finalizer; adding comes before the write.
    pub finalizer: FinalizerStep,
    /// The write to Azure, if one is due.
    pub write: Option<Write>,
    /// What is thought of each condition.
    pub judgement: Judgement,
    /// When to look again, if the write (if any) is accepted.
    pub next: Next,
}

/// Decides.
#[must_use]
pub fn plan(input: &Input<'_>) -> Plan {
    let mut plan = match &input.observed.operation {
        OperationSeen::Running { poll_at } => wait(under_way(input), Next::At(*poll_at)),
        OperationSeen::Unreadable(why) => wait(unknown(input, why), retry(why)),
        _ if input.deleting => deletion(input),
        _ => match &input.observed.hub {
            Fact::Unknown(why) => wait(unknown(input, why), retry(why)),
            Fact::Absent => absent(input),
            Fact::Known(live) => present(input, live),
        },
    };
    if input.deleting && input.hub.deletion_policy == DeletionPolicy::Retain {
        plan.write = None;
        plan.finalizer = FinalizerStep::Remove;
    }
    if !input.deleting && !input.has_finalizer {
        plan.finalizer = FinalizerStep::Add;
    }
    plan
}

fn wait(judgement: Judgement, next: Next) -> Plan {
    Plan {
        finalizer: FinalizerStep::Keep,
        write: None,
        judgement,
        next,
    }
}

fn at(input: &Input<'_>, while_: jiff::SignedDuration) -> Next {
    Next::At(after(input.now, while_))
}

fn unknown(input: &Input<'_>, why: &Why) -> Judgement {
    let mut judgement = Judgement::kept(input.status);
    judgement.provisioned = Opinion::Is(Verdict::unknown_why(why));
    judgement
}

/// Azure works on the hub.
fn under_way(input: &Input<'_>) -> Judgement {
    let mut judgement = Judgement::kept(input.status);
    let kind = input.status.operation.as_ref().map(|operation| operation.kind);
    judgement.provisioned = Opinion::Is(progress_verdict(kind.unwrap_or(OperationKind::Update)));
    judgement
}

pub(crate) fn progress_verdict(kind: OperationKind) -> Verdict {
    match kind {
        OperationKind::Create => Verdict::no(Reason::Creating, "Azure creates the hub."),
        OperationKind::Delete => Verdict::no(Reason::Deleting, "Azure deletes the hub."),
        OperationKind::ChangeKey | OperationKind::Update => {
            Verdict::no(Reason::Updating, "Azure changes the hub.")
        }
    }
}

fn deletion(input: &Input<'_>) -> Plan {
    let mut judgement = Judgement::kept(input.status);
    let remove = |judgement| Plan {
        finalizer: FinalizerStep::Remove,
        write: None,
        judgement,
        next: Next::Change,
    };
    let live = match &input.observed.hub {
        Fact::Unknown(why) => return wait(unknown(input, why), retry(why)),
        Fact::Absent => {
            // A creation that was just sent may not be visible so far.
            return match progress::step(input, input.status.operation.as_ref(), Found::Absent) {
                Step::Wait { operation, next }
                    if operation.kind == OperationKind::Create
                        && operation.state != OperationState::Failed =>
                {
                    wait(judgement, next)
                }
                _ => remove(judgement),
            };
        }
        Fact::Known(live) if !is_owned(input.hub, live) => return remove(judgement),
        Fact::Known(live) => live,
    };
    if is_in_progress(live) {
        let kind = if is_deleting(live) {
            OperationKind::Delete
        } else {
            OperationKind::Update
        };
        judgement.provisioned = Opinion::Is(progress_verdict(kind));
        return wait(judgement, at(input, input.pace.poll));
    }
    let operation = input
        .status
        .operation
        .as_ref()
        .filter(|operation| operation.kind == OperationKind::Delete);
    let found = Found::Settled {
        achieved: false,
        superseded: false,
    };
    match progress::step(input, operation, found) {
        Step::Wait { operation, next } => {
            judgement.operation = Some(operation);
            wait(judgement, next)
        }
        Step::Failed {
            operation,
            next,
            verdict,
        } => {
            judgement.operation = Some(operation);
            judgement.provisioned = Opinion::Is(verdict);
            wait(judgement, next)
        }
        Step::Free { started_at } => {
            let purge = input.hub.deletion_policy == DeletionPolicy::DeleteAndPurge;
            let write = Write {
                kind: OperationKind::Delete,
                id: input.hub.id.clone(),
                request: Request::Delete { purge },
                intent: input.hub.id.to_string(),
                bound: judge::bound(input, live),
                started_at: started_at.unwrap_or_else(|| second(input.now)),
            };
            Plan {
                write: Some(write),
                ..wait(judgement, at(input, input.pace.poll))
            }
        }
    }
}

fn absent(input: &Input<'_>) -> Plan {
    let mut judgement = Judgement::kept(input.status);
    if was_created(input.status) {
        judgement.bound = None;
        judgement.operation = None;
        judgement.provisioned = Opinion::Is(Verdict::no(
            Reason::DeletedInAzure,
            format!(
                "{} was there and somebody deleted it in Azure. Keyholder creates no empty hub in its place: recover it, or \
                 delete this object and apply it again to create a new one.",
                input.hub.id
            ),
        ));
        return wait(judgement, at(input, input.pace.probe));
    }
    begin(input, judgement, Found::Absent, None)
}

/// Creates the hub, or tries again, unless something hinders it.
fn begin(input: &Input<'_>, mut judgement: Judgement, found: Found, live: Option<&LiveHub>) -> Plan {
    let operation = input.status.operation.as_ref();
    let same_spec = input.status.observed_generation == Some(input.hub.generation);
    // A spec that was changed may have removed the cause of a failure.
    let operation = operation.filter(|operation| same_spec || operation.state != OperationState::Failed);
    let started_at = match progress::step(input, operation, found) {
        Step::Wait { operation, next } => {
            if !matches!(operation.state, OperationState::Failed | OperationState::Ignored) {
                judgement.provisioned = Opinion::Is(progress_verdict(operation.kind));
            }
            judgement.operation = Some(operation);
            return wait(judgement, next);
        }
        Step::Failed {
            operation,
            next,
            verdict,
        } => {
            judgement.operation = Some(operation);
            judgement.provisioned = Opinion::Is(verdict);
            return wait(judgement, next);
        }
        Step::Free { started_at } => started_at,
    };
    judgement.operation = None;
    judgement.bound = live.map(|live| judge::bound(input, live));
    let declared = transition::declared(input.hub);
    let mut refusals = judgement
        .bound
        .as_ref()
        .map(|bound| transition::refusals(&declared, bound))
        .unwrap_or_default();
    refusals.extend(transition::unverified_creation(input.hub));
    judgement.transition = Opinion::Is(judge::transition(&refusals));
    let checks = preflight::run(input.hub, input.observed, input.now);
    let (verdict, blocked) = judge::prerequisites(&checks);
    judgement.prerequisites = Opinion::Is(verdict);
    judgement.preflight = Some(checks.iter().map(preflight::Check::to_status).collect());
    let key = wanted_key(input);
    if !refusals.is_empty() || blocked || key.is_err() {
        if live.is_none() {
            judgement.provisioned = Opinion::Is(Verdict::no(Reason::Pending, "Nothing was created so far."));
        }
        let next = judge::retry_of(&checks).map_or_else(|| at(input, input.pace.probe), Next::At);
        return wait(judgement, next);
    }
    let write = Write {
        kind: OperationKind::Create,
        id: input.hub.id.clone(),
        request: Request::Put(body::create(input.hub, key.ok().flatten())),
        intent: input.hub.id.to_string(),
        bound: judgement.bound.clone().unwrap_or(declared),
        started_at: started_at.unwrap_or_else(|| second(input.now)),
    };
    Plan {
        write: Some(write),
        ..wait(judgement, at(input, input.pace.poll))
    }
}

/// The key version to create with: none with Microsoft-managed keys, an error when there is none that can be used.
fn wanted_key<'a>(input: &Input<'a>) -> Result<Option<&'a KeyIdentifier>, ()> {
    match &input.hub.encryption {
        ValidEncryption::MicrosoftManaged => Ok(None),
        ValidEncryption::CustomerManaged { version, .. } => input
            .observed
            .key
            .known()
            .and_then(|found| key::wanted(found, version.as_ref(), None, input.now))
            .map(Some)
            .ok_or(()),
    }
}

fn present(input: &Input<'_>, live: &LiveHub) -> Plan {
    let mut judgement = Judgement::kept(input.status);
    if !is_owned(input.hub, live) {
        judgement.operation = None;
        judgement.provisioned = Opinion::Is(Verdict::no(
            Reason::NotOwned,
            format!(
                "{} exists and does not carry the tag {OWNER_TAG} = {}: it is somebody else's, so nothing is written to it or \
                 deleted. Choose another name in spec.azureName.",
                live.id, input.hub.owner_tag
            ),
        ));
        return wait(judgement, at(input, input.pace.probe));
    }
    judgement.resource_id = Some(live.id.to_string());
    judgement.bound = Some(judge::bound(input, live));
    if is_in_progress(live) {
        let kind = input
            .status
            .operation
            .as_ref()
            .map_or(OperationKind::Update, |operation| operation.kind);
        let kind = if is_deleting(live) {
            OperationKind::Delete
        } else {
            kind
        };
        judgement.provisioned = Opinion::Is(progress_verdict(kind));
        return wait(judgement, at(input, input.pace.poll));
    }
    if has_failed(live) {
        return begin(input, judgement, Found::Broken, Some(live));
    }
    upkeep(input, judgement, live)
}

/// The hub is there and in order: is it as declared?
fn upkeep(input: &Input<'_>, mut judgement: Judgement, live: &LiveHub) -> Plan {
    let declared = transition::declared(input.hub);
    let mut refusals = judgement
        .bound
        .as_ref()
        .map(|bound| transition::refusals(&declared, bound))
        .unwrap_or_default();
    if refusals.is_empty() {
        refusals = transition::refusals(&declared, &transition::of_live(live, &declared));
    }
    let view = encryption::judge(input, live, !refusals.is_empty());
    refusals.extend(view.refusal);
    judgement.transition = Opinion::Is(judge::transition(&refusals));
    judgement.key_applied = view.applied;
    judgement.key_healthy = view.healthy;
    judgement.provisioned = Opinion::Is(Verdict::yes(
        Reason::Succeeded,
        "Azure reports the hub as provisioned.",
    ));
    judgement.encryption = Some(judge::encryption(input, live, view.latest.as_ref()));
    group::judge(input, live, &mut judgement);

    let update = body::update(input.hub, live);
    let change = if refusals.is_empty() {
        wanted_change(view.change.as_ref(), update)
    } else {
        None
    };
    let found = Found::Settled {
        achieved: input.status.operation.as_ref().is_none_or(|operation| match operation.kind {
            OperationKind::Create => true,
            OperationKind::ChangeKey => {
                live.encryption.as_ref().is_some_and(|encryption| encryption.key.to_string().eq_ignore_ascii_case(&operation.intent))
            }
            OperationKind::Update => !matches!(&change, Some((OperationKind::Update, intent, _)) if *intent == operation.intent),
            OperationKind::Delete => false,
        }),
        superseded: input.status.observed_generation != Some(input.hub.generation)
            || change
                .as_ref()
                .zip(input.status.operation.as_ref())
                .is_none_or(|((_, intent, _), operation)| *intent != operation.intent),
    };
    let started_at = match progress::step(input, input.status.operation.as_ref(), found) {
        Step::Wait { operation, next } => {
            if operation.state == OperationState::Ignored && operation.kind == OperationKind::ChangeKey {
                judgement.key_applied = Opinion::Is(Verdict::no(
                    Reason::WriteIgnored,
                    format!(
                        "Azure answered that it applied {}; reading twice showed that it did not.",
                        operation.intent
                    ),
                ));
            }
            judgement.operation = Some(operation);
            return wait(judgement, next);
        }
        Step::Failed {
            operation,
            next,
            verdict,
        } => {
            judgement.operation = Some(operation);
            judgement.provisioned = Opinion::Is(verdict);
            return wait(judgement, next);
        }
        Step::Free { started_at } => started_at,
    };
    judgement.operation = None;
    let write = change.map(|(kind, intent, body)| Write {
        kind,
        id: input.hub.id.clone(),
        request: Request::Patch(body),
        intent,
        bound: judge::bound(input, live),
        started_at: started_at.unwrap_or_else(|| second(input.now)),
    });
    let next = if refusals.is_empty() {
        // No watch and no sweep tells that a key's date has come.
        let key = input
            .observed
            .key
            .known()
            .and_then(|found| key::next_change(found, input.now));
        key.map_or(Next::Change, Next::At)
    } else {
        at(input, input.pace.probe)
    };
    Plan {
        write,
        ..wait(judgement, next)
    }
}

/// A key is changed before anything else.
fn wanted_change(
    key: Option<&KeyIdentifier>,
    update: Option<(Vec<&'static str>, Body)>,
) -> Option<(OperationKind, String, Body)> {
    match key {
        Some(key) => Some((OperationKind::ChangeKey, key.to_string(), body::change_key(key))),
        None => update.map(|(fields, body)| (OperationKind::Update, fields.join(", "), body)),
    }
}

#[cfg(test)]
mod tests;
