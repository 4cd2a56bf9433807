//! What stands before a resource that is there with Microsoft's key is encrypted with the declared one: the same checks as before
//! a creation, and access for the identity that unwraps.
//!
//! Invariant: nothing is written while a check fails. The encryption is the user's word on the next read, not a wish.

use jiff::Timestamp;
use keyholder_crds::OperationKind;

use super::{Input, Next, Plan, at, grant, wait};
use crate::judge::{self, Judgement, Opinion, Verdict};
use crate::preflight;
use crate::transition;

/// What comes next.
pub(super) enum Gate {
    /// Something else than the key: a grant, or waiting.
    Closed(Box<Plan>),
    /// The key.
    Open {
        /// When a grant that is over was first tried.
        started_at: Option<Timestamp>,
    },
}

/// Runs the checks; `key`: whether there is a version to apply.
pub(super) fn gate(input: &Input<'_>, judgement: &mut Judgement, key: bool) -> Gate {
    if let Some(refusal) = transition::unverified_creation(input.declared) {
        judgement.transition = Opinion::Is(judge::transition(&[refusal]));
        return closed(input, judgement, None);
    }
    let grant = input
        .status
        .operation
        .as_ref()
        .filter(|operation| operation.kind == OperationKind::Grant);
    let started_at = match grant.map(|operation| grant::noted(input, operation, judgement)) {
        None => None,
        Some(grant::Noted::Waits(plan)) => return Gate::Closed(plan),
        Some(grant::Noted::Over { started_at }) => started_at,
    };
    judgement.operation = None;
    let checks = preflight::run(input.declared, input.observed, input.now);
    let (verdict, blocked) = judge::prerequisites(&checks);
    let verdict = grant::withdrawn(input, verdict);
    judgement.preflight = Some(checks.iter().map(preflight::Check::to_status).collect());
    judgement.prerequisites = Opinion::Is(verdict.clone());
    if key && let Some(plan) = grant::due(input, &checks, judgement, started_at) {
        return Gate::Closed(Box::new(plan));
    }
    if blocked || !key {
        let retry = judge::retry_of(&checks).map(Next::At);
        if blocked {
            judgement.key_applied = Opinion::Is(waiting(input, &verdict));
        }
        return closed(input, judgement, retry);
    }
    Gate::Open { started_at }
}

fn closed(input: &Input<'_>, judgement: &Judgement, retry: Option<Next>) -> Gate {
    let next = retry.unwrap_or_else(|| at(input, input.pace.probe));
    Gate::Closed(Box::new(wait(judgement.clone(), next)))
}

/// The key is not applied, for this cause.
fn waiting(input: &Input<'_>, cause: &Verdict) -> Verdict {
    let noun = input.declared.kind.noun();
    let message = format!(
        "The {noun} is there with Microsoft's key; the declared one is applied once this is mended: {}",
        cause.message
    );
    Verdict {
        message,
        ..cause.clone()
    }
}
