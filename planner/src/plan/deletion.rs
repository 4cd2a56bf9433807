//! What to do about a hub whose object is being deleted.

use keyholder_crds::{Bound, DeletionPolicy, Operation, OperationKind, OperationState, Reason};

use super::{FinalizerStep, Input, Next, Plan, Request, Write, at, failed, progress_verdict, unknown, wait};
use crate::arm_id::ArmId;
use crate::judge::{self, Judgement, Opinion, Verdict};
use crate::needs::{is_deleting, is_in_progress, is_marked, is_owned};
use crate::observed::Fact;
use crate::progress::{self, Found, Step, retry};
use crate::time::second;

fn remove(judgement: Judgement) -> Plan {
    Plan {
        finalizer: FinalizerStep::Remove,
        ..wait(judgement, Next::Change)
    }
}

/// There is nothing to delete.
fn absent(input: &Input<'_>, mut judgement: Judgement) -> Plan {
    // A creation that was just sent may not be visible so far.
    match progress::step(input, input.status.operation.as_ref(), Found::Absent) {
        Step::Wait { operation, next }
            if operation.kind == OperationKind::Create && operation.state != OperationState::Failed =>
        {
            judgement.provisioned = Opinion::Is(progress_verdict(input, operation.kind));
            judgement.operation = Some(operation);
            wait(judgement, next)
        }
        _ => remove(judgement),
    }
}

/// Nothing is kept of it, once that had time to show after the deletion.
fn gone(input: &Input<'_>, mut judgement: Judgement) -> Plan {
    let deletion = input.status.operation.as_ref().filter(|operation| {
        operation.kind == OperationKind::Delete
            && operation.intent == input.declared.id.to_string()
            && input.declared.kind.rules().deleted(input.declared).is_some()
    });
    match progress::step(input, deletion, Found::AWAITED) {
        Step::Wait { operation, next }
            if matches!(
                operation.state,
                OperationState::Running | OperationState::Verifying
            ) =>
        {
            judgement.provisioned = Opinion::Is(progress_verdict(input, operation.kind));
            judgement.operation = Some(operation);
            wait(judgement, next)
        }
        _ => absent(input, judgement),
    }
}

/// Deletes for good what Azure keeps of a deleted resource of ours.
fn purge(input: &Input<'_>, judgement: Judgement) -> Plan {
    let path = input
        .declared
        .kind
        .rules()
        .deleted(input.declared)
        .unwrap_or_default();
    delete(input, judgement, Request::Purge(path.clone()), path, None)
}

/// Whether the resource was this object's when it was looked at: it was told so, or its deletion was intended.
fn was_seen(input: &Input<'_>) -> bool {
    let operation = input.status.operation.as_ref();
    input.status.resource_id.is_some()
        || operation.is_some_and(|operation| operation.kind == OperationKind::Delete)
}

/// Deletes the resource if it is ours, and lets the object go once Azure says that it is gone.
pub(super) fn deletion(input: &Input<'_>) -> Plan {
    let mut judgement = Judgement::kept(input.status);
    let live = match &input.observed.live {
        Fact::Unknown(why) => return wait(unknown(input, why), retry(why)),
        // What this object never saw in Azure is not its to purge, whatever it is marked with.
        Fact::Absent
            if input.declared.deletion_policy == DeletionPolicy::DeleteAndPurge && was_seen(input) =>
        {
            match &input.observed.deleted {
                Fact::Known(kept) if is_marked(input.declared, &kept.tags) => return purge(input, judgement),
                Fact::Unknown(why) if input.declared.kind.rules().deleted(input.declared).is_some() => {
                    return wait(unknown(input, why), retry(why));
                }
                Fact::Absent => return gone(input, judgement),
                Fact::Known(_) | Fact::Unknown(_) => return absent(input, judgement),
            }
        }
        Fact::Absent => return absent(input, judgement),
        Fact::Known(live) if !is_owned(input.declared, live) => return remove(judgement),
        Fact::Known(live) => live,
    };
    if input.declared.deletion_policy == DeletionPolicy::DeleteAndPurge {
        judgement.resource_id = Some(live.id.to_string());
    }
    if is_in_progress(live) {
        let kind = if is_deleting(live) {
            OperationKind::Delete
        } else {
            OperationKind::Update
        };
        judgement.provisioned = Opinion::Is(progress_verdict(input, kind));
        return wait(judgement, at(input, input.pace.poll));
    }
    if input.declared.kind.rules().may_have_projects(live) {
        match &input.observed.projects {
            Fact::Known(projects) if projects.is_empty() => {}
            Fact::Absent => {}
            Fact::Known(projects) => {
                judgement.provisioned = Opinion::Is(has_projects(input, projects));
                // Azure is at work on nothing: what was written before is over, unless it may still arrive.
                judgement
                    .operation
                    .take_if(|operation| !may_arrive(operation, input));
                return wait(judgement, at(input, input.pace.probe));
            }
            Fact::Unknown(why) => return wait(unknown(input, why), retry(why)),
        }
    }
    let request = Request::Delete {
        purge: input.declared.deletion_policy == DeletionPolicy::DeleteAndPurge
            && input.declared.kind.rules().is_purged_with_its_deletion(),
    };
    let bound = Some(judge::bound(input, live, input.status.operation.as_ref()));
    delete(input, judgement, request, input.declared.id.to_string(), bound)
}

fn may_arrive(operation: &Operation, input: &Input<'_>) -> bool {
    let gate = operation.not_before.as_ref();
    operation.state == OperationState::Intended && gate.is_some_and(|gate| gate.0 > input.now)
}

/// What of it holds the deletion back.
fn has_projects(input: &Input<'_>, projects: &[ArmId]) -> Verdict {
    const NAMED: usize = 10;
    let noun = input.declared.kind.noun();
    let mut names: Vec<&str> = projects.iter().take(NAMED).map(ArmId::name).collect();
    let more = projects.len().saturating_sub(names.len());
    let more = format!("and {more} more");
    if projects.len() > NAMED {
        names.push(&more);
    }
    Verdict::no(
        Reason::HasProjects,
        format!(
            "The {noun} has projects: {}. It is deleted once they are gone: delete them, or set spec.deletionPolicy: Retain to leave \
             the {noun} in Azure.",
            names.join(", ")
        ),
    )
}

/// Sends the request until it has effect; `intent`: what is deleted.
fn delete(
    input: &Input<'_>,
    mut judgement: Judgement,
    request: Request,
    intent: String,
    bound: Option<Bound>,
) -> Plan {
    // Another write that may still arrive is waited for; one that is over does not count any more.
    let operation = input.status.operation.as_ref().filter(|operation| {
        let deletes_this = operation.kind == OperationKind::Delete && operation.intent == intent;
        deletes_this || operation.state == OperationState::Intended
    });
    match progress::step(input, operation, Found::AWAITED) {
        Step::Wait { operation, next } => {
            match operation.state {
                // What Azure said stands until the next try.
                OperationState::Failed => {}
                OperationState::Ignored => {
                    let text = format!(
                        "Azure answered that it deleted {intent}; reading twice showed that it did not."
                    );
                    judgement.provisioned = Opinion::Is(Verdict::no(Reason::WriteIgnored, text));
                }
                OperationState::Intended | OperationState::Running | OperationState::Verifying => {
                    judgement.provisioned = Opinion::Is(progress_verdict(input, operation.kind));
                }
            }
            // No list and no sweep tells that somebody else purged it.
            let unseen = matches!(request, Request::Purge(_))
                && matches!(operation.state, OperationState::Ignored | OperationState::Failed);
            let next = if unseen { at(input, input.pace.probe) } else { next };
            judgement.operation = Some(operation);
            wait(judgement, next)
        }
        Step::Failed {
            operation,
            next,
            verdict,
        } => failed(judgement, operation, next, verdict),
        Step::Free { started_at } => {
            let started_at =
                started_at.filter(|_| operation.is_some_and(|one| one.kind == OperationKind::Delete));
            let write = Write {
                generation: input.declared.generation,
                kind: OperationKind::Delete,
                id: input.declared.id.clone(),
                request,
                intent,
                bound,
                started_at: started_at.unwrap_or_else(|| second(input.now)),
            };
            Plan {
                write: Some(write),
                ..wait(judgement, at(input, input.pace.poll))
            }
        }
    }
}
