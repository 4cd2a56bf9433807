//! What stands before a resource that is there with Microsoft's key is encrypted with the declared one: the same checks as before
//! a creation, and access for the identity that unwraps.
//!
//! Invariant: no key is sent while a check fails, in whatever way an earlier try ended.

use jiff::Timestamp;
use keyholder_crds::{ConditionType, Operation, OperationKind, OperationState, Reason};

use super::{Input, Next, Plan, at, grant};
use crate::encryption::KeyChange;
use crate::judge::{self, Judgement, Opinion, Truth, Verdict};
use crate::observed::Live;
use crate::preflight::{self, Before};
use crate::transition;
use crate::validate::ValidEncryption;

/// What comes next.
pub(super) enum Gate {
    /// Nothing: the resource has a key, needs none, or one is on its way.
    NotAsked,
    /// Access is given, or waited for.
    Grants(Box<Plan>),
    /// No key, for what the judgement says.
    Closed {
        /// When to look again.
        next: Next,
        /// Whether a check failed; otherwise something could not be read.
        failed: bool,
    },
    /// The key.
    Open {
        /// When a grant that is over was first tried.
        started_at: Option<Timestamp>,
    },
}

/// Runs the checks, and notes what they say; `key`: whether there is a version to apply.
pub(super) fn gate(input: &Input<'_>, live: &Live, judgement: &mut Judgement, key: bool) -> Gate {
    let asks = matches!(input.declared.encryption, ValidEncryption::CustomerManaged { .. });
    let operation = input.status.operation.as_ref();
    let in_flight = operation.filter(|operation| is_in_flight(operation));
    if live.encryption.is_some()
        || !asks
        || in_flight.is_some_and(|operation| {
            operation.kind == OperationKind::ChangeKey && !may_be_over(input, operation, live)
        })
    {
        return Gate::NotAsked;
    }
    judgement.bound = Some(judge::bound(input, live, None));
    let refusals = transition::unverified_creation(input.declared, input.observed);
    if !refusals.is_empty() {
        let refused = judge::transition(&refusals);
        judgement.key_applied = Opinion::Is(waiting(input, &refused));
        judgement.transition = Opinion::Is(refused);
        return Gate::Closed {
            next: at(input, input.pace.probe),
            failed: true,
        };
    }
    let grant = operation.filter(|operation| operation.kind == OperationKind::Grant);
    let started_at = match grant.map(|operation| grant::noted(input, operation, judgement)) {
        None => None,
        Some(grant::Noted::Waits(plan)) => {
            return Gate::Grants(Box::new(of_a_grant(input, judgement, *plan)));
        }
        Some(grant::Noted::Over { started_at }) => started_at,
    };
    let checks = preflight::run(input.declared, input.observed, Before::Key, input.now);
    let (verdict, blocked) = judge::prerequisites(&checks);
    let verdict = grant::withdrawn(input, verdict);
    judgement.preflight = Some(checks.iter().map(preflight::Check::to_status).collect());
    judgement.prerequisites = Opinion::Is(verdict.clone());
    let is_free = in_flight.is_none_or(|operation| operation.kind == OperationKind::Grant);
    if key
        && is_free
        && let Some(plan) = grant::due(input, &checks, judgement, started_at)
    {
        return Gate::Grants(Box::new(of_a_grant(input, judgement, plan)));
    }
    if !blocked && key {
        return Gate::Open { started_at };
    }
    if blocked {
        judgement.key_applied = Opinion::Is(waiting(input, &verdict));
    }
    let retry = judge::retry_of(&checks).map(Next::At);
    Gate::Closed {
        next: retry.unwrap_or_else(|| at(input, input.pace.probe)),
        failed: verdict.status == Truth::False,
    }
}

/// Whether Azure may still work on it, or show it. A creation is over once its resource is there.
fn is_in_flight(operation: &Operation) -> bool {
    operation.kind != OperationKind::Create
        && matches!(
            operation.state,
            OperationState::Intended | OperationState::Running | OperationState::Verifying
        )
}

/// Whether another may follow now: it is made, or its time is over.
fn may_be_over(input: &Input<'_>, operation: &Operation, live: &Live) -> bool {
    let gate = operation.not_before.as_ref();
    KeyChange::is_made(&operation.intent, live) || gate.is_some_and(|gate| gate.0 <= input.now)
}

/// A grant does not make the resource less provisioned: it is the key that waits. What a refused one said stands until the next
/// has an answer.
fn of_a_grant(input: &Input<'_>, judgement: &Judgement, mut plan: Plan) -> Plan {
    let noun = input.declared.kind.noun();
    let stored = judge::stored(input.status, ConditionType::PrerequisitesMet);
    let refused =
        stored.filter(|stored| stored.status == Truth::False.as_str() && input.status.operation.is_some());
    plan.judgement.provisioned = judgement.provisioned.clone();
    plan.judgement.key_applied = Opinion::Is(match refused {
        Some(refused) => waiting(
            input,
            &Verdict::no(
                refused.reason.parse().unwrap_or(Reason::EncryptionPending),
                refused.message.clone(),
            ),
        ),
        None => Verdict::no(
            Reason::AccessPropagating,
            format!(
                "The {noun} is there with Microsoft's key; the identity gets access to the declared one, which is applied then."
            ),
        ),
    });
    plan
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
