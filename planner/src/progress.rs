//! The write that `status.operation` tells of: is it under way, done, ignored, failed, or may it never have been sent?
//!
//! Invariant: while a write may be under way no other is let through; what is retried keeps the time of its first try.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::{Operation, OperationState, Reason};

use crate::judge::{Verdict, needs_somebody};
use crate::observed::{OperationSeen, Why};
use crate::plan::{Input, Next, Pace};
use crate::time::{after, not_before};

/// The longest wait between tries of a write that Azure failed.
const LONGEST_RETRY: SignedDuration = SignedDuration::from_mins(10);
/// The wait after Azure ignored a write.
const AFTER_IGNORED: SignedDuration = SignedDuration::from_hours(1);

/// How the hub was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It does not exist.
    Absent,
    /// Its provisioning failed.
    Broken,
    /// It is there, and nothing is under way on it.
    Settled {
        /// The operation's intent can be read back.
        achieved: bool,
        /// What is wanted now is not what the operation was for.
        superseded: bool,
    },
}

impl Found {
    /// It is there, and the operation's intent, which is wanted still, does not show.
    pub const AWAITED: Self = Self::Settled {
        achieved: false,
        superseded: false,
    };
}

/// What follows for this pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Nothing hinders a write.
    Free {
        /// When this write was first tried, if it was.
        started_at: Option<Timestamp>,
    },
    /// Nothing may be written so far.
    Wait {
        /// The operation as it stands.
        operation: Operation,
        /// When to look.
        next: Next,
    },
    /// It was just found to have failed.
    Failed {
        /// The operation as it stands.
        operation: Operation,
        /// When to try again.
        next: Next,
        /// What Azure says.
        verdict: Verdict,
    },
}

/// Judges the operation on the resource itself.
pub(crate) fn step(input: &Input<'_>, operation: Option<&Operation>, found: Found) -> Step {
    step_of(input, operation, &input.observed.operation, found)
}

/// Judges `operation`, whose URL told what was `seen`.
pub(crate) fn step_of(
    input: &Input<'_>,
    operation: Option<&Operation>,
    seen: &OperationSeen,
    found: Found,
) -> Step {
    const FREE: Step = Step::Free { started_at: None };
    let Some(operation) = operation else { return FREE };
    let achieved = matches!(found, Found::Settled { achieved: true, .. });
    let superseded = matches!(found, Found::Settled { superseded: true, .. });
    let gate = operation.not_before.as_ref().map(|time| time.0);
    match operation.state {
        _ if achieved && is_over(operation, seen) => FREE,
        OperationState::Intended => {
            let until = gate.unwrap_or_else(|| not_before(after(operation.started_at.0, input.pace.settle)));
            if input.now < until {
                wait(operation.clone(), until)
            } else {
                Step::Free {
                    started_at: Some(operation.started_at.0),
                }
            }
        }
        OperationState::Running => match seen {
            OperationSeen::Running { poll_at } => wait(operation.clone(), *poll_at),
            OperationSeen::Failed { code, message } => failed(input, operation, code, message),
            // Whom Azure does not let look would wait for ever for what nobody asks for any more.
            OperationSeen::Unreadable(why) if superseded && needs_somebody(why.reason) => {
                hold(input, operation, OperationState::Verifying, input.pace.settle)
            }
            OperationSeen::Unreadable(why) => Step::Wait {
                operation: operation.clone(),
                next: retry(why),
            },
            OperationSeen::None | OperationSeen::Succeeded if found == Found::Broken => {
                failed(input, operation, "", &reported_failed(input))
            }
            OperationSeen::None | OperationSeen::Succeeded => {
                hold(input, operation, OperationState::Verifying, input.pace.settle)
            }
        },
        OperationState::Verifying if found == Found::Broken => {
            failed(input, operation, "", &reported_failed(input))
        }
        OperationState::Verifying => match gate {
            Some(until) if input.now < until => wait(operation.clone(), until),
            _ if superseded || found == Found::Absent => FREE,
            _ => hold(input, operation, OperationState::Ignored, AFTER_IGNORED),
        },
        OperationState::Failed | OperationState::Ignored => match gate {
            _ if superseded => FREE,
            // The gate is lifted when the spec changes: the tries are counted anew.
            None => FREE,
            Some(until) if input.now < until => wait(operation.clone(), until),
            Some(_) if operation.state == OperationState::Failed => Step::Free {
                started_at: Some(operation.started_at.0),
            },
            Some(_) => FREE,
        },
    }
}

/// Whether an operation whose intent can be read back is over.
fn is_over(operation: &Operation, seen: &OperationSeen) -> bool {
    operation.state != OperationState::Running
        || !matches!(seen, OperationSeen::Running { .. } | OperationSeen::Failed { .. })
}

fn wait(operation: Operation, until: Timestamp) -> Step {
    Step::Wait {
        operation,
        next: Next::At(until),
    }
}

fn hold(input: &Input<'_>, operation: &Operation, state: OperationState, while_: SignedDuration) -> Step {
    let until = not_before(after(input.now, while_));
    let operation = Operation {
        state,
        url: None,
        not_before: Some(Time(until)),
        ..operation.clone()
    };
    wait(operation, until)
}

fn failed(input: &Input<'_>, operation: &Operation, code: &str, message: &str) -> Step {
    let operation = failed_operation(operation, input.now, input.pace);
    let next = operation
        .not_before
        .as_ref()
        .map_or(Next::Backoff, |time| Next::At(time.0));
    Step::Failed {
        operation,
        next,
        verdict: failure(code, message),
    }
}

/// The operation after a failure: it is tried again after as long as it has been tried for, between `pace.retry` and ten
/// minutes, so that the waits double.
pub(crate) fn failed_operation(operation: &Operation, now: Timestamp, pace: Pace) -> Operation {
    let tried_for = now.duration_since(operation.started_at.0);
    let wait = tried_for.max(pace.retry).min(LONGEST_RETRY);
    Operation {
        state: OperationState::Failed,
        url: None,
        not_before: Some(Time(not_before(after(now, wait)))),
        ..operation.clone()
    }
}

/// When to try again what could not be read.
pub(crate) fn retry(why: &Why) -> Next {
    why.retry_at.map_or(Next::Backoff, Next::At)
}

/// The verdict on a write that Azure failed.
#[must_use]
pub(crate) fn failure(code: &str, message: &str) -> Verdict {
    let text = if code.is_empty() {
        message.to_owned()
    } else {
        format!("{code}: {message}")
    };
    Verdict::no(reason_of(code, message), text)
}

/// The reason that Azure's error code stands for (learn.microsoft.com, azure-resource-manager/troubleshooting/common-deployment-errors).
///
/// A missing quota may come in words alone: its code within a message, or Cosmos DB's sentence about a region that has no
/// room (its link is what every report of it has).
#[must_use]
pub(crate) fn reason_of(code: &str, message: &str) -> Reason {
    const QUOTA: &[&str] = &[
        "QuotaExceeded",
        "ResourceQuotaExceeded",
        "InsufficientQuota",
        "SubscriptionIsOverQuotaForSku",
        "ServiceQuotaExceeded",
        "MaxStorageAccountsCountPerSubscriptionExceeded",
    ];
    const NO_ROOM: &[&str] = &["aka.ms/cosmosdbquota", "currently experiencing high demand in"];
    let is = |one: &str| code.eq_ignore_ascii_case(one);
    let words = message.to_lowercase();
    let no_quota = QUOTA
        .iter()
        .any(|quota| is(quota) || words.contains(&quota.to_lowercase()));
    if no_quota || NO_ROOM.iter().any(|part| words.contains(part)) {
        Reason::QuotaExceeded
    } else if is("RequestDisallowedByPolicy") || is("RequestDisallowedByAzure") {
        Reason::PolicyDenied
    } else if is("ScopeLocked") {
        Reason::Locked
    } else if is("MissingSubscriptionRegistration") || is("NoRegisteredProviderFound") {
        Reason::ProviderNotRegistered
    } else {
        Reason::ProvisioningFailed
    }
}

/// Whether a failure, code and message, is one of access to a key, as Key Vault's words go (azure-docs, key-vault rest-error-codes: 403
/// `Forbidden`, with an inner code). A resource provider passes on what it likes of them.
#[must_use]
pub(crate) fn is_of_access(failure: &str) -> bool {
    const ACCESS: &[&str] = &[
        "forbidden",
        "accessdenied",
        "access denied",
        "unauthorized",
        "not authorized",
        "permission",
    ];
    /// Answered with 403 too, and no role at the key would help.
    const OTHERWISE: &[&str] = &[
        "firewall",
        "disabled",
        "expired",
        "not yet valid",
        // Azure Resource Manager's, of what the operator may do.
        "authorizationfailed",
    ];
    let words = failure.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    has(ACCESS) && !has(OTHERWISE)
}

fn reported_failed(input: &Input<'_>) -> String {
    format!("Azure reports the {} as failed.", input.declared.kind.noun())
}

#[cfg(test)]
mod tests;
