//! What follows from each state of an operation.

use super::*;
use crate::fixtures::*;
use crate::observed::Observed;
use crate::validate::Validate;
use keyholder_crds::{OperationKind, ResourceStatus};

const SETTLED: Found = Found::Settled {
    achieved: false,
    superseded: false,
};
const ACHIEVED: Found = Found::Settled {
    achieved: true,
    superseded: false,
};
const SUPERSEDED: Found = Found::Settled {
    achieved: false,
    superseded: true,
};

fn operation(state: OperationState, not_before: Option<i64>) -> Operation {
    Operation {
        kind: OperationKind::ChangeKey,
        state,
        intent: "x".to_owned(),
        generation: None,
        started_at: Time(at_second(0)),
        url: Some("https://localhost/operation".to_owned()),
        not_before: not_before.map(|second| Time(at_second(second))),
    }
}

fn step_at(now: i64, operation: &Operation, seen: OperationSeen, found: Found) -> Step {
    let hub = object("Delete").validate("owner", None).unwrap();
    let observed = Observed {
        operation: seen,
        ..Observed::nothing()
    };
    let status = ResourceStatus::default();
    step(&input(&hub, &status, &observed, now), Some(operation), found)
}

fn failed_seen() -> OperationSeen {
    OperationSeen::Failed {
        code: "ScopeLocked".to_owned(),
        message: "a lock".to_owned(),
    }
}

fn running_seen() -> OperationSeen {
    OperationSeen::Running {
        poll_at: at_second(77),
    }
}

const FREE: Step = Step::Free { started_at: None };

fn again() -> Step {
    Step::Free {
        started_at: Some(at_second(0)),
    }
}

/// The state and the gate that a step waits in.
fn waits(step: &Step) -> (OperationState, Next) {
    let Step::Wait { operation, next } = step else {
        panic!("{step:?}")
    };
    (operation.state, *next)
}

#[test]
fn without_an_operation_everything_is_free() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let observed = Observed::nothing();
    let status = ResourceStatus::default();
    assert_eq!(step(&input(&hub, &status, &observed, 0), None, SETTLED), FREE);
}

#[test]
fn an_intent_that_may_have_been_sent_waits_and_is_sent_again() {
    let intended = operation(OperationState::Intended, None);
    let early = step_at(4, &intended, OperationSeen::None, SETTLED);
    assert_eq!(waits(&early), (OperationState::Intended, Next::At(at_second(5))));
    for found in [SETTLED, SUPERSEDED, Found::Absent, Found::Broken] {
        assert_eq!(step_at(5, &intended, OperationSeen::None, found), again());
    }
    let gated = operation(OperationState::Intended, Some(9));
    assert_eq!(
        waits(&step_at(8, &gated, OperationSeen::None, SETTLED)).1,
        Next::At(at_second(9))
    );
    assert_eq!(step_at(9, &gated, OperationSeen::None, SETTLED), again());
    assert_eq!(step_at(1, &intended, OperationSeen::None, ACHIEVED), FREE);
}

#[test]
fn a_running_operation_is_polled_until_it_tells() {
    let running = operation(OperationState::Running, None);
    for found in [SETTLED, ACHIEVED, Found::Absent] {
        let polled = step_at(10, &running, running_seen(), found);
        assert_eq!(
            waits(&polled),
            (OperationState::Running, Next::At(at_second(77))),
            "{found:?}"
        );
    }
    let why = |retry_at| Why {
        reason: Reason::Throttled,
        message: String::new(),
        retry_at,
    };
    for (retry_at, next) in [
        (None, Next::Backoff),
        (Some(at_second(50)), Next::At(at_second(50))),
    ] {
        let unreadable = step_at(10, &running, OperationSeen::Unreadable(why(retry_at)), SETTLED);
        assert_eq!(waits(&unreadable), (OperationState::Running, next));
    }
    for seen in [OperationSeen::None, OperationSeen::Succeeded] {
        assert_eq!(step_at(10, &running, seen.clone(), ACHIEVED), FREE);
        for found in [SETTLED, Found::Absent] {
            let Step::Wait { operation, next } = step_at(10, &running, seen.clone(), found) else {
                panic!()
            };
            assert_eq!(
                (operation.state, operation.url),
                (OperationState::Verifying, None)
            );
            assert_eq!(operation.not_before, Some(Time(at_second(15))));
            assert_eq!(next, Next::At(at_second(15)));
        }
        assert!(matches!(
            step_at(10, &running, seen, Found::Broken),
            Step::Failed { .. }
        ));
    }
}

#[test]
fn a_failure_is_told_also_when_the_intent_seems_achieved() {
    let running = operation(OperationState::Running, None);
    for found in [SETTLED, ACHIEVED, Found::Absent, Found::Broken] {
        let Step::Failed {
            operation,
            next,
            verdict,
        } = step_at(10, &running, failed_seen(), found)
        else {
            panic!("{found:?}")
        };
        assert_eq!((operation.state, operation.url), (OperationState::Failed, None));
        assert_eq!(next, Next::At(at_second(40)));
        assert_eq!(verdict.reason, Reason::Locked);
        assert_eq!(verdict.message, "ScopeLocked: a lock");
    }
}

#[test]
fn what_is_read_twice_and_not_there_was_ignored() {
    let verifying = operation(OperationState::Verifying, Some(15));
    let none = OperationSeen::None;
    assert_eq!(
        waits(&step_at(14, &verifying, none.clone(), SETTLED)),
        (OperationState::Verifying, Next::At(at_second(15)))
    );
    assert_eq!(
        waits(&step_at(15, &verifying, none.clone(), SETTLED)),
        (OperationState::Ignored, Next::At(at_second(15 + 3600)))
    );
    assert_eq!(step_at(14, &verifying, none.clone(), ACHIEVED), FREE);
    assert_eq!(
        waits(&step_at(14, &verifying, none.clone(), Found::Absent)).1,
        Next::At(at_second(15))
    );
    assert_eq!(step_at(15, &verifying, none.clone(), Found::Absent), FREE);
    let Step::Failed { verdict, .. } = step_at(14, &verifying, none, Found::Broken) else {
        panic!()
    };
    assert_eq!(verdict.reason, Reason::ProvisioningFailed);
    assert_eq!(verdict.message, "Azure reports the hub as failed.");
}

#[test]
fn after_failure_and_ignorance_the_gate_decides() {
    for (state, after) in [(OperationState::Failed, again()), (OperationState::Ignored, FREE)] {
        let gated = operation(state, Some(30));
        let none = OperationSeen::None;
        assert_eq!(
            waits(&step_at(29, &gated, none.clone(), SETTLED)),
            (state, Next::At(at_second(30)))
        );
        assert_eq!(step_at(30, &gated, none.clone(), SETTLED), after);
        assert_eq!(step_at(1, &gated, none.clone(), SUPERSEDED), FREE);
        assert_eq!(step_at(1, &gated, none.clone(), ACHIEVED), FREE);
        assert_eq!(step_at(1, &operation(state, None), none, SETTLED), FREE);
    }
}

#[test]
fn waits_between_tries_double_up_to_ten_minutes() {
    let mut waits = Vec::new();
    let mut now = 0;
    for _ in 0..8 {
        let failed = failed_operation(&operation(OperationState::Running, None), at_second(now), PACE);
        assert_eq!(failed.started_at, Time(at_second(0)));
        let until = failed.not_before.unwrap().0.as_second() - at_second(0).as_second();
        waits.push(until - now);
        now = until;
    }
    assert_eq!(waits, [30, 30, 60, 120, 240, 480, 600, 600]);
}

#[test]
fn azures_codes_have_reasons() {
    for (code, reason) in [
        ("QuotaExceeded", Reason::QuotaExceeded),
        ("insufficientquota", Reason::QuotaExceeded),
        (
            "MaxStorageAccountsCountPerSubscriptionExceeded",
            Reason::QuotaExceeded,
        ),
        ("RequestDisallowedByPolicy", Reason::PolicyDenied),
        ("RequestDisallowedByAzure", Reason::PolicyDenied),
        ("ScopeLocked", Reason::Locked),
        ("MissingSubscriptionRegistration", Reason::ProviderNotRegistered),
        ("NoRegisteredProviderFound", Reason::ProviderNotRegistered),
        ("Conflict", Reason::ProvisioningFailed),
        ("", Reason::ProvisioningFailed),
    ] {
        assert_eq!(reason_of(code, ""), reason, "{code}");
    }
}

#[test]
fn a_missing_quota_is_recognised_by_its_words_too() {
    for (code, message) in [
        (
            "BadRequest",
            "Failed to create the resources. Status: Conflict, ServiceQuotaExceeded: 16 out of 16",
        ),
        (
            "ServiceUnavailable",
            "Sorry, we are currently experiencing high demand in West Europe region, and cannot fulfill your request.",
        ),
        ("ServiceUnavailable", "see https://aka.ms/cosmosdbquota"),
    ] {
        assert_eq!(reason_of(code, message), Reason::QuotaExceeded, "{message}");
    }
    assert_eq!(
        reason_of("ServiceUnavailable", "try again"),
        Reason::ProvisioningFailed
    );
}
