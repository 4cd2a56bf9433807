//! A change that a policy undoes: it is told, and not written again while the policy stands.
//!
//! Invariant: a fight is called one only when the change was written, did not show twice, and Azure Policy says that it sets
//! the field. It ends when the policy sets the field no more, when the spec agrees, or when the spec changes.

use keyholder_crds::{ConditionType, Operation, OperationKind, OperationState, Reason};

use super::{Input, Next, at};
use crate::judge::{Verdict, stored_reason};
use crate::observed::{Fact, PolicyHit};
use crate::{body, cure, refused};

/// Looks at the policy are that much rarer than other probes: each is a request that counts as a write.
const PROBES: i32 = 10;

/// What is known of a fight over the change that `operation` was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fight {
    /// There is none, or nobody knows.
    None,
    /// A policy sets one of the fields.
    On(PolicyHit),
    /// There was one, and Azure Policy could not be asked this time.
    Unseen,
    /// There was one, and no policy sets any of the fields any more.
    Over,
}

/// Judges the fields of an update that does not show.
pub(super) fn judge(input: &Input<'_>, operation: Option<&Operation>) -> Fight {
    let Some(operation) = operation.filter(|operation| operation.kind == OperationKind::Update) else {
        return Fight::None;
    };
    let told = stored_reason(input.status, ConditionType::Provisioned) == Some(Reason::PolicyModifies);
    let Fact::Known(outlook) = &input.observed.policy else {
        // For as long as a write that was ignored is not tried again anyway.
        let waits = operation
            .not_before
            .as_ref()
            .is_some_and(|until| input.now < until.0);
        return if told && waits { Fight::Unseen } else { Fight::None };
    };
    let fields: Vec<&str> = operation.intent.split(", ").collect();
    let hit = outlook.modifies.iter().find(|hit| {
        hit.field
            .as_deref()
            .and_then(|field| body::field_of(field, input.declared))
            .is_some_and(|field| fields.contains(&field))
    });
    match hit {
        Some(hit) if operation.state == OperationState::Ignored => Fight::On(hit.clone()),
        None if told => Fight::Over,
        _ => Fight::None,
    }
}

/// What is said of it.
pub(super) fn verdict(input: &Input<'_>, hit: &PolicyHit) -> Verdict {
    let noun = input.declared.kind.noun();
    let text = format!(
        "The {noun} is in order, and not as the spec says. {} It is not written again while that policy stands: have the spec say \
         the same, or exempt the {noun}.",
        refused::change(hit)
    );
    let commands = refused::exemption(hit, &input.declared.id);
    Verdict::no(Reason::PolicyModifies, cure::message(&text, &commands))
}

/// When to look whether the policy is gone.
pub(super) fn next(input: &Input<'_>) -> Next {
    at(input, input.pace.probe.saturating_mul(PROBES))
}
