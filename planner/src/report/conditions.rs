//! Conditions in a status, and what follows for Ready.
//!
//! Invariant: a condition's transition time moves with its status alone, and its message with what it says.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use keyholder_crds::{ConditionType, PreflightCheck, Reason, ResourceStatus};

use super::wording;
use crate::judge::{self, Truth, Verdict};
use crate::time::second;
use crate::validate::Declared;

/// Conditions that are judged, in the order in which Ready asks them.
pub(super) const JUDGED: [ConditionType; 7] = [
    ConditionType::TransitionAllowed,
    ConditionType::PrerequisitesMet,
    ConditionType::Provisioned,
    ConditionType::KeyApplied,
    ConditionType::KeyHealthy,
    ConditionType::ManagedResourceGroupHealthy,
    ConditionType::DependentsEncrypted,
];

/// Sets a condition; its transition time moves with its status alone.
pub(super) fn set(
    status: &mut ResourceStatus,
    of: ConditionType,
    verdict: &Verdict,
    generation: i64,
    now: Timestamp,
) {
    let before = judge::stored(status, of).filter(|before| before.status == verdict.status.as_str());
    let condition = Condition {
        type_: of.to_string(),
        status: verdict.status.as_str().to_owned(),
        reason: verdict.reason.to_string(),
        message: worded(status, of, verdict, generation),
        observed_generation: Some(generation),
        last_transition_time: before.map_or(Time(second(now)), |before| before.last_transition_time.clone()),
    };
    remove(status, of);
    status.conditions.push(condition);
    status
        .conditions
        .sort_by_key(|condition| condition.type_.parse::<ConditionType>().ok());
}

/// The stored message, if the verdict says nothing else.
pub(super) fn worded(
    status: &ResourceStatus,
    of: ConditionType,
    verdict: &Verdict,
    generation: i64,
) -> String {
    judge::stored(status, of)
        .filter(|stored| {
            stored.status == verdict.status.as_str()
                && stored.reason == verdict.reason.as_ref()
                && stored.observed_generation == Some(generation)
                && wording::says_the_same(&stored.message, &verdict.message)
        })
        .map_or_else(|| verdict.message.clone(), |stored| stored.message.clone())
}

/// The checks, each as it is stored if it says nothing else.
pub(super) fn kept(stored: &[PreflightCheck], checks: &[PreflightCheck]) -> Vec<PreflightCheck> {
    let text = |check: &PreflightCheck| check.message.clone().unwrap_or_default();
    checks
        .iter()
        .map(|check| {
            stored
                .iter()
                .find(|old| {
                    old.check == check.check
                        && old.result == check.result
                        && wording::says_the_same(&text(old), &text(check))
                })
                .unwrap_or(check)
                .clone()
        })
        .collect()
}

/// Takes a condition away.
pub(super) fn remove(status: &mut ResourceStatus, of: ConditionType) {
    let name: &str = of.into();
    status.conditions.retain(|condition| condition.type_ != name);
}

/// Ready, Reconciling and Stalled follow from the others.
pub(super) fn summarise(
    status: &mut ResourceStatus,
    needs_somebody: impl Fn(ConditionType) -> bool,
    declared: &Declared,
    now: Timestamp,
) {
    let cause = JUDGED.into_iter().find_map(|of| {
        let cause = hindrance(status, of)?;
        Some(if needs_somebody(of) {
            cause.stalled()
        } else {
            cause
        })
    });
    let generation = declared.generation;
    if let Some(cause) = cause {
        hindered(status, cause, generation, now);
        return;
    }
    remove(status, ConditionType::Reconciling);
    remove(status, ConditionType::Stalled);
    let text = format!("The {} is as declared.", declared.kind.noun());
    let ready = Verdict::yes(Reason::AllConditionsMet, text);
    set(status, ConditionType::Ready, &ready, generation, now);
}

fn hindrance(status: &ResourceStatus, of: ConditionType) -> Option<Verdict> {
    let optional = matches!(
        of,
        ConditionType::KeyHealthy
            | ConditionType::ManagedResourceGroupHealthy
            | ConditionType::DependentsEncrypted
    );
    if of == ConditionType::PrerequisitesMet && status.bound.is_some() {
        return None;
    }
    let Some(condition) = judge::stored(status, of) else {
        let awaited = matches!(of, ConditionType::Provisioned | ConditionType::KeyApplied);
        return awaited.then(|| Verdict::unknown(Reason::Pending, format!("{of} is not known so far.")));
    };
    let reason: Reason = condition.reason.parse().unwrap_or(Reason::Pending);
    match condition.status.as_str() {
        "True" => None,
        // What became of a write to a dependent is not known: it was not as declared before.
        "Unknown" if of == ConditionType::DependentsEncrypted && reason != Reason::Unreadable => {
            Some(Verdict::unknown(reason, condition.message.clone()))
        }
        "Unknown" if optional || of == ConditionType::TransitionAllowed => None,
        "Unknown" => Some(Verdict::unknown(reason, condition.message.clone())),
        _ => Some(Verdict::no(reason, condition.message.clone())),
    }
}

/// Not Ready, for this cause: Stalled where somebody must act, Reconciling otherwise.
pub(super) fn hindered(status: &mut ResourceStatus, cause: Verdict, generation: i64, now: Timestamp) {
    set(status, ConditionType::Ready, &cause, generation, now);
    let (shown, other) = if cause.stalled {
        (ConditionType::Stalled, ConditionType::Reconciling)
    } else {
        (ConditionType::Reconciling, ConditionType::Stalled)
    };
    remove(status, other);
    set(
        status,
        shown,
        &Verdict {
            status: Truth::True,
            ..cause
        },
        generation,
        now,
    );
}
