//! What Azure said no with, for a condition.

use jiff::Timestamp;
use keyholder_azure::{ArmError, ErrorClass, Fault, PolicyViolation};
use keyholder_crds::Reason;
use keyholder_planner::observed::{OperationSeen, PolicyHit};
use keyholder_planner::{ArmId, Why, refused};

/// What a failed request means for a condition.
pub fn why(error: &ArmError, now: Timestamp) -> Why {
    let reason = match error.class() {
        // Azure has no list of the deleted hubs that it keeps: its refusal tells (machine-learning, concept-soft-delete).
        ErrorClass::Conflict if error.message().to_lowercase().contains("soft-deleted") => {
            Reason::NameReserved
        }
        // Its word for a deleted account that is kept (ai-services, recover-purge-resources).
        _ if error.code() == Some("FlagMustBeSetForRestore") => Reason::NameReserved,
        class => reason(class),
    };
    let retry_at = error
        .retry_after()
        .and_then(|after| jiff::SignedDuration::try_from(after).ok())
        .map(|after| now.saturating_add(after).unwrap_or(Timestamp::MAX));
    let hit = error.fault().and_then(Fault::violation).map(hit);
    let hub = ArmId::parse(error.path()).ok();
    Why {
        reason,
        message: refused::message(reason, &error.chain(), hit.as_ref(), hub.as_ref()),
        retry_at,
    }
}

fn reason(class: ErrorClass) -> Reason {
    match class {
        ErrorClass::Credential | ErrorClass::Unauthorized => Reason::CredentialRejected,
        ErrorClass::Forbidden | ErrorClass::LinkedAuthorization | ErrorClass::DenyAssignment => {
            Reason::OperatorNotAuthorized
        }
        ErrorClass::PolicyDenied => Reason::PolicyDenied,
        ErrorClass::Locked => Reason::Locked,
        ErrorClass::ProviderNotRegistered => Reason::ProviderNotRegistered,
        ErrorClass::QuotaExceeded => Reason::QuotaExceeded,
        ErrorClass::Throttled => Reason::Throttled,
        ErrorClass::Transient | ErrorClass::Unreachable => Reason::AzureUnreachable,
        ErrorClass::BadAnswer => Reason::AzureAnswerInvalid,
        ErrorClass::Conflict => Reason::Updating,
        ErrorClass::NotFound | ErrorClass::PreconditionFailed | ErrorClass::Invalid => {
            Reason::ProvisioningFailed
        }
    }
}

/// What an operation failed with, whatever it is wrapped in.
pub(super) fn failed(fault: &Fault, hub: &ArmId) -> OperationSeen {
    let telling = fault.telling();
    let hit = fault.violation().map(hit);
    let reason = reason(ErrorClass::of_fault(telling));
    OperationSeen::Failed {
        code: telling.code().to_owned(),
        message: refused::message(reason, telling.message(), hit.as_ref(), Some(hub)),
    }
}

fn hit(violation: &PolicyViolation) -> PolicyHit {
    PolicyHit {
        assignment: violation.assignment.clone(),
        definition: violation.definition.clone(),
        name: violation.name.clone(),
        field: violation.because.clone(),
        value: None,
    }
}
