//! The plan: what to do next about one hub, and nothing left for the executor to choose.
//!
//! Invariant: at most one write to Azure, and none while another is under way.

use jiff::Timestamp;
use keyholder_crds::{
    Bound, DeletionPolicy, ManagementPolicy, Operation, OperationKind, Reason, ResourceStatus,
};

use crate::arm_id::ArmId;
use crate::at_rest;
use crate::judge::{Judgement, Opinion, Verdict};
use crate::needs::waits_for_parent;
use crate::observed::{Body, Fact, Observed, OperationSeen, Why};
use crate::preflight;
use crate::progress::{is_of_access, retry};
use crate::report::Note;
use crate::time::after;
use crate::validate::Declared;

mod adoption;
mod creation;
mod deletion;
mod enabling;
mod fight;
mod grant;
mod own;
mod upkeep;

/// A time that a status may stay as it is although nothing could be asked.
const SHORT: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// Everything that a decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The spec, as types.
    pub declared: &'a Declared,
    /// The status stored in Kubernetes.
    pub status: &'a ResourceStatus,
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
    /// How long before a key version expires it is said.
    pub expiry_lead: jiff::SignedDuration,
    /// New versions of a key are applied to its hubs within this time, each hub at a moment of its own.
    pub rotation_spread: jiff::SignedDuration,
    /// How long a role assignment may take to have effect: up to about ten minutes (Azure RBAC troubleshooting).
    pub propagation: jiff::SignedDuration,
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
    /// The generation of the spec that asks for it.
    pub generation: i64,
    /// What the object is bound to from now on; `None`: nothing new.
    pub bound: Option<Bound>,
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
    /// PUT of a role assignment.
    Assign(Body),
    /// DELETE.
    Delete {
        /// `forceToPurge`: nothing can be recovered.
        purge: bool,
    },
    /// DELETE of a deleted resource that Azure keeps at this path.
    Purge(String),
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

impl Next {
    /// The earlier of two. What could not be read or done is tried again whatever else there is to wait for.
    #[must_use]
    pub fn or_sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::Backoff, _) | (_, Self::Backoff) => Self::Backoff,
            (Self::At(one), Self::At(other)) => Self::At(one.min(other)),
            (Self::At(then), Self::Change) | (Self::Change, Self::At(then)) => Self::At(then),
            (Self::Change, Self::Change) => Self::Change,
        }
    }
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
    /// What must be told before the write, or before there is one.
    pub beforehand: Vec<Note>,
    /// When to look again, if the write (if any) is accepted.
    pub next: Next,
}

/// When to look again, if a read was held back for so short a time that nothing is worth saying: what was not asked is not
/// judged. What lasts longer is told as any other missing knowledge.
#[must_use]
pub fn held_back(observed: &Observed, now: Timestamp) -> Option<Next> {
    observed
        .withheld_until
        .filter(|until| until.duration_since(now) < SHORT)
        .map(Next::At)
}

/// Decides.
#[must_use]
pub fn plan(input: &Input<'_>) -> Plan {
    let mut plan = match &input.observed.operation {
        OperationSeen::Running { poll_at } => wait(under_way(input), Next::At(*poll_at)),
        OperationSeen::Unreadable(why) => wait(unknown(input, why), retry(why)),
        _ if input.deleting => deletion::deletion(input),
        _ if waits_for_parent(input.declared, input.status, false).is_some() => creation::waits(input),
        _ => match &input.observed.live {
            Fact::Unknown(why) => wait(unknown(input, why), retry(why)),
            Fact::Absent => creation::absent(input),
            Fact::Known(live) => upkeep::present(input, live),
        },
    };
    let observes = input.declared.management_policy == ManagementPolicy::ObserveOnly;
    if input.deleting && (observes || input.declared.deletion_policy == DeletionPolicy::Retain) {
        plan.write = None;
        plan.finalizer = FinalizerStep::Remove;
    }
    if (observes || input.declared.suspend)
        && let Some(write) = plan.write.take()
    {
        let held = held(input, &write);
        if write.kind == OperationKind::EncryptDependent {
            at_rest::tell(&mut plan.judgement.dependents, &write.id, &held);
            plan.judgement.dependents_encrypted = Opinion::Is(held);
        } else {
            plan.judgement.provisioned = Opinion::Is(held);
        }
        plan.beforehand.clear();
        plan.next = at(input, input.pace.probe);
    }
    if !input.deleting && !input.has_finalizer {
        plan.finalizer = FinalizerStep::Add;
    }
    plan
}

/// A write that the spec holds back.
fn held(input: &Input<'_>, write: &Write) -> Verdict {
    let (reason, field) = if input.declared.suspend {
        (Reason::Suspended, "spec.suspend")
    } else {
        (Reason::ObservedOnly, "spec.managementPolicy")
    };
    let noun = input.declared.kind.noun();
    let what = match write.kind {
        OperationKind::Create => format!("the {noun} would be created"),
        OperationKind::ChangeKey => format!("the key would be changed to {}", write.intent),
        OperationKind::Update => format!("{} would be changed", write.intent),
        OperationKind::Delete => format!("{} would be deleted", write.intent),
        OperationKind::Grant => "the identity would be given access to the key".to_owned(),
        OperationKind::EncryptDependent => format!("{} would be changed: {}", write.id, write.intent),
    };
    Verdict::no(reason, format!("{field} holds it back: {what}."))
}

fn wait(judgement: Judgement, next: Next) -> Plan {
    Plan {
        finalizer: FinalizerStep::Keep,
        write: None,
        judgement,
        beforehand: Vec::new(),
        next,
    }
}

/// What Azure failed, and why.
fn failed(mut judgement: Judgement, operation: Operation, next: Next, verdict: Verdict) -> Plan {
    judgement.operation = Some(operation);
    judgement.provisioned = Opinion::Is(verdict);
    wait(judgement, next)
}

/// What Azure failed, with the access to the key that may be missing.
fn with_hint(input: &Input<'_>, verdict: Verdict) -> Verdict {
    if verdict.reason != Reason::ProvisioningFailed {
        return verdict;
    }
    let names_access = is_of_access(&verdict.message);
    match preflight::missing_access(input.declared, input.observed, names_access) {
        Some(hint) => Verdict {
            message: format!("{}\n{hint}", verdict.message),
            ..verdict
        },
        None => verdict,
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
    judgement.provisioned = Opinion::Is(progress_verdict(input, kind.unwrap_or(OperationKind::Update)));
    judgement
}

pub(crate) fn progress_verdict(input: &Input<'_>, kind: OperationKind) -> Verdict {
    let noun = input.declared.kind.noun();
    let (reason, text) = match kind {
        OperationKind::Grant => (
            Reason::Pending,
            format!("The identity gets access to the key before the {noun} is created."),
        ),
        OperationKind::Create => (Reason::Creating, format!("Azure creates the {noun}.")),
        OperationKind::Delete => (Reason::Deleting, format!("Azure deletes the {noun}.")),
        OperationKind::ChangeKey | OperationKind::Update => {
            (Reason::Updating, format!("Azure changes the {noun}."))
        }
        OperationKind::EncryptDependent => (Reason::Updating, "Azure encrypts it.".to_owned()),
    };
    Verdict::no(reason, text)
}

#[cfg(test)]
mod tests;
