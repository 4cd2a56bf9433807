//! What to do about a hub whose object is being deleted.

use keyholder_crds::{DeletionPolicy, OperationKind, OperationState, Reason};

use super::{FinalizerStep, Input, Next, Plan, Request, Write, at, progress_verdict, unknown, wait};
use crate::judge::{self, Judgement, Opinion, Verdict};
use crate::needs::{is_deleting, is_in_progress, is_owned};
use crate::observed::Fact;
use crate::progress::{self, Found, Step, retry};
use crate::time::second;

/// Deletes the hub if it is ours, and lets the object go once Azure says that it is gone.
pub(super) fn deletion(input: &Input<'_>) -> Plan {
    let mut judgement = Judgement::kept(input.status);
    let remove = |judgement| Plan {
        finalizer: FinalizerStep::Remove,
        ..wait(judgement, Next::Change)
    };
    let live = match &input.observed.live {
        Fact::Unknown(why) => return wait(unknown(input, why), retry(why)),
        Fact::Absent => {
            // A creation that was just sent may not be visible so far.
            return match progress::step(input, input.status.operation.as_ref(), Found::Absent) {
                Step::Wait { operation, next }
                    if operation.kind == OperationKind::Create
                        && operation.state != OperationState::Failed =>
                {
                    judgement.provisioned = Opinion::Is(progress_verdict(input, operation.kind));
                    judgement.operation = Some(operation);
                    wait(judgement, next)
                }
                _ => remove(judgement),
            };
        }
        Fact::Known(live) if !is_owned(input.declared, live) => return remove(judgement),
        Fact::Known(live) => live,
    };
    if is_in_progress(live) {
        let kind = if is_deleting(live) {
            OperationKind::Delete
        } else {
            OperationKind::Update
        };
        judgement.provisioned = Opinion::Is(progress_verdict(input, kind));
        return wait(judgement, at(input, input.pace.poll));
    }
    // Another write that may still arrive is waited for; one that is over does not count any more.
    let operation = input.status.operation.as_ref().filter(|operation| {
        operation.kind == OperationKind::Delete || operation.state == OperationState::Intended
    });
    let found = Found::Settled {
        achieved: false,
        superseded: false,
    };
    match progress::step(input, operation, found) {
        Step::Wait { operation, next } => {
            match operation.state {
                // What Azure said stands until the next try.
                OperationState::Failed => {}
                OperationState::Ignored => {
                    let text = format!(
                        "Azure answered that it deleted {}; reading twice showed that it did not.",
                        live.id
                    );
                    judgement.provisioned = Opinion::Is(Verdict::no(Reason::WriteIgnored, text));
                }
                OperationState::Intended | OperationState::Running | OperationState::Verifying => {
                    judgement.provisioned = Opinion::Is(progress_verdict(input, operation.kind));
                }
            }
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
            let started_at =
                started_at.filter(|_| operation.is_some_and(|one| one.kind == OperationKind::Delete));
            let purge = input.declared.deletion_policy == DeletionPolicy::DeleteAndPurge;
            let write = Write {
                generation: input.declared.generation,
                kind: OperationKind::Delete,
                id: input.declared.id.clone(),
                request: Request::Delete { purge },
                intent: input.declared.id.to_string(),
                bound: Some(judge::bound(input, live)),
                started_at: started_at.unwrap_or_else(|| second(input.now)),
            };
            Plan {
                write: Some(write),
                ..wait(judgement, at(input, input.pace.poll))
            }
        }
    }
}
