//! The work on one dependent that is to have the object's key: what became of the last write, and whether one is due.
//!
//! Invariant: that of [`crate::progress`], for each dependent by itself.

use keyholder_crds::{DependentStatus, Operation, OperationKind, OperationState, Reason};

use super::enforce::{Standing, standing, waits};
use crate::arm_id::ArmId;
use crate::judge::{Judgement, Verdict};
use crate::needs;
use crate::observed::{Fact, Live, OperationSeen, Stored};
use crate::plan::{Input, Next, Request, Write};
use crate::progress::{self, Found, Step};
use crate::time::{after, second};
use crate::validate::Enforcement;

/// What a pass comes to.
#[derive(Debug)]
pub(super) struct Pass {
    /// What is the matter, if it is not as declared.
    pub verdict: Option<Verdict>,
    /// The write that is not over.
    pub operation: Option<Operation>,
    /// The write that is due.
    pub due: Option<Write>,
    /// When to look again.
    pub next: Next,
}

impl Pass {
    /// It is as declared.
    const OVER: Self = Self {
        verdict: None,
        operation: None,
        due: None,
        next: Next::Change,
    };
}

/// Looks at one; `stored`: its place in status.
pub(super) fn of_one(
    input: &Input<'_>,
    own: &Live,
    judgement: &Judgement,
    (id, enforcement): (&ArmId, Enforcement),
    fact: &Fact<Stored>,
    stored: Option<&DependentStatus>,
) -> Pass {
    let probe = Next::At(after(input.now, input.pace.probe));
    let Some(found) = fact.known() else {
        let text = "it does not exist: create it, or take it out of spec.dependents.";
        return Pass {
            verdict: Some(Verdict::no(Reason::AssociatedResourceNotFound, text)),
            next: probe,
            ..Pass::OVER
        };
    };
    let operation = stored.and_then(|stored| stored.operation.as_ref());
    let seen = seen(input, id);
    let standing = standing(input, own, judgement, (id, enforcement), found);
    if standing == Standing::AsDeclared && operation.is_none() {
        return Pass::OVER;
    }
    let at_work = needs::is_unsettled(found.provisioning_state.as_deref());
    if at_work && !matches!(seen, OperationSeen::Failed { .. }) {
        let failed = operation.filter(|operation| operation.state == OperationState::Failed);
        let verdict = failed.map_or_else(
            || Verdict::no(Reason::Updating, "Azure is at work on it."),
            |operation| unfinished(operation, stored),
        );
        return Pass {
            verdict: Some(verdict),
            operation: operation.cloned(),
            next: Next::At(after(input.now, input.pace.poll)),
            ..Pass::OVER
        };
    }
    let asks_for_it =
        operation.is_none_or(|operation| operation.generation == Some(input.declared.generation));
    let settled = Found::Settled {
        // One that may still arrive is not over because another spec is met.
        achieved: standing == Standing::AsDeclared && asks_for_it,
        superseded: operation.is_some_and(|operation| {
            !asks_for_it
                || match &standing {
                    Standing::AsDeclared => true,
                    // What it waits for comes by itself, and the same is due then: not before its time, if it failed.
                    Standing::Hindered(verdict) => {
                        verdict.reason != Reason::Pending || operation.state != OperationState::Failed
                    }
                    Standing::Due { intent, .. } => *intent != operation.intent,
                }
        }),
    };
    let started_at = match progress::step_of(input, operation, seen, settled) {
        Step::Free { started_at } => started_at,
        Step::Wait { operation, next } => {
            return Pass {
                verdict: Some(unfinished(&operation, stored)),
                operation: Some(operation),
                next,
                due: None,
            };
        }
        Step::Failed {
            operation,
            next,
            verdict,
        } => {
            return Pass {
                verdict: Some(verdict),
                operation: Some(operation),
                next,
                due: None,
            };
        }
    };
    match standing {
        Standing::AsDeclared => Pass::OVER,
        Standing::Hindered(verdict) => Pass {
            verdict: Some(verdict),
            next: probe,
            ..Pass::OVER
        },
        // What is written to is told before: its place in status holds the intent.
        Standing::Due { .. } if stored.is_none() => Pass {
            verdict: Some(waits("it was found a moment ago")),
            next: Next::At(input.now),
            ..Pass::OVER
        },
        Standing::Due { intent, body } => Pass {
            verdict: Some(Verdict::no(
                Reason::Updating,
                format!("it is not as declared, and is changed after the object itself: {intent}."),
            )),
            due: Some(Write {
                kind: OperationKind::EncryptDependent,
                id: id.clone(),
                request: Request::Patch(body),
                intent,
                generation: input.declared.generation,
                bound: None,
                started_at: started_at.unwrap_or_else(|| second(input.now)),
            }),
            next: probe,
            ..Pass::OVER
        },
    }
}

fn seen<'a>(input: &Input<'a>, id: &ArmId) -> &'a OperationSeen {
    let mut all = input.observed.dependent_operations.iter();
    all.find(|(one, _)| one == id)
        .map_or(&OperationSeen::None, |(_, seen)| seen)
}

/// A write that is not asked for any more and may still have effect: it is followed to its end, so that no other goes over it.
pub(super) fn left(input: &Input<'_>, id: &ArmId, stored: &DependentStatus) -> Option<(Operation, Next)> {
    let operation = stored.operation.as_ref();
    let operation = operation.filter(|operation| operation.state.may_have_effect())?;
    let is_at_work = |found: &Stored| needs::is_unsettled(found.provisioning_state.as_deref());
    if super::of(input.observed, id)
        .and_then(Fact::known)
        .is_some_and(is_at_work)
    {
        return Some((operation.clone(), Next::At(after(input.now, input.pace.poll))));
    }
    let found = Found::Settled {
        achieved: false,
        superseded: true,
    };
    match progress::step_of(input, Some(operation), seen(input, id), found) {
        Step::Wait { operation, next } => Some((operation, next)),
        Step::Free { .. } | Step::Failed { .. } => None,
    }
}

/// What a write that is not over says. What Azure said of one that failed stands until the next try.
fn unfinished(operation: &Operation, stored: Option<&DependentStatus>) -> Verdict {
    match operation.state {
        OperationState::Ignored => {
            let text = format!(
                "Azure answered that it applied {}; reading twice showed that it did not.",
                operation.intent
            );
            Verdict::no(Reason::WriteIgnored, text)
        }
        OperationState::Failed => {
            let reason = stored.and_then(|stored| stored.reason.as_ref()?.parse().ok());
            let text = stored.and_then(|stored| stored.message.clone());
            Verdict::no(
                reason.unwrap_or(Reason::ProvisioningFailed),
                text.unwrap_or_default(),
            )
        }
        _ => Verdict::no(Reason::Updating, "Azure encrypts it."),
    }
}
