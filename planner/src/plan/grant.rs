//! Gives the identity access to the key, where the spec says so: once, before the hub is first encrypted with it.
//!
//! Invariant: what was given is remembered in the status, and is not given a second time, whoever withdraws it.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::{
    AccessGrant, KeyAccess, Operation, OperationKind, OperationState, PreflightCheckName, Reason,
};
use serde_json::json;
use uuid::Uuid;

use super::{Input, Next, Plan, Request, Write, at, progress_verdict, wait};
use crate::arm_id::ArmId;
use crate::judge::{Judgement, Opinion, Verdict};
use crate::needs::{has_been_encrypted, has_been_ready, has_failed};
use crate::preflight::{self, Access, Check, Grantee, Outcome};
use crate::time::{after, not_before, second};
use crate::validate::ValidEncryption;

/// Key Vault Crypto Service Encryption User (role-based-access-control, built-in roles, security).
const ENCRYPTION_USER: &str = "e147488a-f6f5-4113-8e2d-b22465e65bf6";

/// The grant that is due: nothing else is missing, and it was not given before.
pub(super) fn due(
    input: &Input<'_>,
    checks: &[Check],
    judgement: &Judgement,
    started_at: Option<Timestamp>,
) -> Option<Plan> {
    if !is_wanted(input) || input.status.access_grant.is_some() || has_been_encrypted(input.status) {
        return None;
    }
    let others_pass = checks
        .iter()
        .filter(|check| check.name != PreflightCheckName::Access)
        .all(|check| {
            matches!(
                check.outcome,
                Outcome::Passed { .. } | Outcome::Unknown { blocks: false, .. }
            )
        });
    let (grantee, access) = preflight::grantee(input.declared, input.observed)?;
    if !others_pass || !matches!(access, Access::Missing(_)) {
        return None;
    }
    let assignment = assignment(&grantee);
    let body = json!({ "properties": {
        "roleDefinitionId": format!(
            "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{ENCRYPTION_USER}",
            grantee.key.subscription()
        ),
        "principalId": grantee.principal,
        "principalType": "ServicePrincipal",
    } });
    let write = Write {
        generation: input.declared.generation,
        kind: OperationKind::Grant,
        intent: assignment.to_string(),
        id: assignment,
        request: Request::Assign(body),
        bound: None,
        started_at: started_at.unwrap_or_else(|| second(input.now)),
    };
    let mut judgement = judgement.clone();
    judgement.prerequisites = Opinion::Is(propagating(format!(
        "Principal {} has no access to key {} so far; Keyholder gives it.",
        grantee.principal, grantee.key
    )));
    judgement.provisioned = Opinion::Is(progress_verdict(input, OperationKind::Grant));
    Some(Plan {
        write: Some(write),
        ..wait(judgement, at(input, input.pace.poll))
    })
}

/// The same role for the same principal at the same key always has the same name, so that it is never there twice.
fn assignment(grantee: &Grantee) -> ArmId {
    let seed = format!(
        "{}|{}|{ENCRYPTION_USER}",
        grantee.key.lower(),
        grantee.principal.to_lowercase()
    );
    let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, seed.as_bytes());
    grantee.key.child(
        "providers/Microsoft.Authorization/roleAssignments",
        &name.to_string(),
    )
}

/// What follows from a grant that was noted.
pub(super) enum Noted {
    /// It is waited for.
    Waits(Box<Plan>),
    /// Nothing hinders what comes next.
    Over {
        /// When it was first tried, if it is to be tried again.
        started_at: Option<Timestamp>,
    },
}

/// Judges a grant that was noted.
pub(super) fn noted(input: &Input<'_>, operation: &Operation, judgement: &Judgement) -> Noted {
    let gate = operation.not_before.as_ref().map(|time| time.0);
    let waits = gate.filter(|until| input.now < *until);
    let grantee = preflight::grantee(input.declared, input.observed);
    let has_it = matches!(grantee, Some((_, Access::Held)));
    let mut judgement = judgement.clone();
    let until = match (operation.state, waits) {
        (OperationState::Running, _) => not_before(after(input.now, input.pace.propagation)),
        (OperationState::Intended, None) if has_it => not_before(after(input.now, input.pace.propagation)),
        (OperationState::Verifying, Some(until)) => until,
        (_, Some(until)) => return Noted::Waits(Box::new(wait(judgement, Next::At(until)))),
        (OperationState::Verifying, None) => return Noted::Over { started_at: None },
        (_, None) => {
            return Noted::Over {
                started_at: Some(operation.started_at.0),
            };
        }
    };
    if operation.state != OperationState::Verifying {
        judgement.access_grant = Some(AccessGrant {
            role_assignment: operation.intent.clone(),
            principal_id: grantee.map(|(grantee, _)| grantee.principal).unwrap_or_default(),
            granted_at: Time(second(input.now)),
        });
        judgement.operation = Some(Operation {
            state: OperationState::Verifying,
            url: None,
            not_before: Some(Time(until)),
            ..operation.clone()
        });
    }
    judgement.prerequisites = Opinion::Is(propagating(format!(
        "The identity was given access to the key. A role assignment takes up to some minutes to have effect: the {} is \
         {} from {until} on.",
        input.declared.kind.noun(),
        if has_been_ready(input.status) || input.observed.live.known().is_some_and(|live| !has_failed(live)) {
            "encrypted with it"
        } else {
            "created"
        }
    )));
    judgement.provisioned = Opinion::Is(progress_verdict(input, OperationKind::Grant));
    Noted::Waits(Box::new(wait(judgement, Next::At(until))))
}

/// What is to be said when access that was given is missing before the hub was first encrypted.
pub(super) fn withdrawn(input: &Input<'_>, verdict: Verdict) -> Verdict {
    match &input.status.access_grant {
        Some(grant) if verdict.reason == Reason::AccessMissing && is_wanted(input) => Verdict {
            message: format!(
                "Keyholder gave this access at {} ({}) and it is gone: it is not given a second time. {}",
                grant.granted_at.0, grant.role_assignment, verdict.message
            ),
            ..verdict
        },
        _ => verdict,
    }
}

fn is_wanted(input: &Input<'_>) -> bool {
    matches!(
        &input.declared.encryption,
        ValidEncryption::CustomerManaged {
            access: KeyAccess::Grant,
            ..
        }
    )
}

fn propagating(message: String) -> Verdict {
    Verdict::unknown(Reason::AccessPropagating, message)
}
