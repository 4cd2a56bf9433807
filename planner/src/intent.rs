//! What is noted before a write is sent.
//!
//! Invariant: whoever finds this note without a later report knows what may be on its way, what the object is bound to,
//! and until when nothing else may be sent.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::{Operation, OperationKind, OperationState, ResourceStatus};

use crate::at_rest;
use crate::plan::{Pace, Write};
use crate::time::{after, not_before};

/// The status that must stand in Kubernetes before `write` is sent.
#[must_use]
pub fn intent(status: &ResourceStatus, write: &Write, now: Timestamp, pace: Pace) -> ResourceStatus {
    let mut status = ResourceStatus {
        bound: write.bound.clone().or_else(|| status.bound.clone()),
        ..status.clone()
    };
    let operation = Operation {
        not_before: Some(settled(now, pace)),
        ..intended(write)
    };
    note(&mut status, write, operation);
    status
}

/// The operation that a write is, before anything is known of it.
pub(crate) fn intended(write: &Write) -> Operation {
    Operation {
        kind: write.kind,
        state: OperationState::Intended,
        intent: write.intent.clone(),
        generation: Some(write.generation),
        started_at: Time(write.started_at),
        url: None,
        not_before: None,
    }
}

/// Notes the operation of a write where it belongs: at the dependent that is written to, or at the object.
pub(crate) fn note(status: &mut ResourceStatus, write: &Write, operation: Operation) {
    if write.kind != OperationKind::EncryptDependent {
        status.operation = Some(operation);
        return;
    }
    let dependent = status
        .dependents
        .iter_mut()
        .find(|one| at_rest::is_place_of(one, &write.id));
    if let Some(dependent) = dependent {
        dependent.operation = Some(operation);
    }
}

/// When a write that may still be on its way has arrived, or never will: nothing else is sent before.
pub(crate) fn settled(now: Timestamp, pace: Pace) -> Time {
    Time(not_before(after(now, pace.settle)))
}

#[cfg(test)]
mod tests;
