//! Planners of accounts with a mistake each.

use keyholder_crds::{EncryptionMode, OperationState};
use keyholder_planner::name::KeyIdentifier;
use keyholder_planner::plan::{Input, Request};
use keyholder_planner::{Executed, Fact, Plan, Report, plan, report};

use super::{with_observed, with_status};
use crate::account::World;
use crate::account::azure::Key;
use crate::pass::Planner;
use crate::property;
use crate::reading::fill_access;

fn of_plan(plan: fn(&Input<'_>) -> Plan, most_troubles: u8, property: &'static str) {
    let planner = Planner {
        plan,
        ..Planner::REAL
    };
    super::is_found::<World>(planner, most_troubles, property);
}

fn of_report(report: fn(&Input<'_>, &Plan, &Executed) -> Report, most_troubles: u8, property: &'static str) {
    let planner = Planner {
        report,
        ..Planner::REAL
    };
    super::is_found::<World>(planner, most_troubles, property);
}

#[test]
fn a_planner_that_sends_the_key_without_access() {
    of_plan(
        |input| with_observed(input, |observed| fill_access(observed, true)),
        0,
        property::NO_KEY_TOO_EARLY,
    );
}

#[test]
fn a_planner_that_puts_over_an_account_that_failed() {
    of_plan(
        |input| with_status(input, |status| status.encryption = None),
        2,
        property::NO_PUT_OVER_DATA,
    );
}

#[test]
fn a_planner_that_tries_again_at_once() {
    of_plan(
        |input| {
            with_status(input, |status| {
                if let Some(operation) = &mut status.operation
                    && operation.state == OperationState::Failed
                {
                    operation.not_before = None;
                }
            })
        },
        1,
        property::NOT_AT_ONCE,
    );
}

#[test]
fn a_planner_that_forgets_that_a_key_binds() {
    of_report(
        |input, plan, executed| {
            let mut report = report(input, plan, executed);
            if let Some(bound) = &mut report.status.bound {
                bound.mode = Some(EncryptionMode::MicrosoftManaged);
                bound.vault = None;
            }
            report
        },
        1,
        property::BOUND_STAYS,
    );
}

#[test]
fn a_planner_that_leaves_what_azure_keeps() {
    of_plan(
        |input| with_observed(input, |observed| observed.deleted = Fact::Absent),
        1,
        property::RESOURCE_GOES_FIRST,
    );
}

#[test]
fn a_planner_that_forgets_its_purge() {
    of_plan(
        |input| {
            let mut plan = plan(input);
            plan.write
                .take_if(|write| matches!(write.request, Request::Purge(_)));
            plan
        },
        1,
        property::ENDS_WELL,
    );
}

#[test]
fn a_planner_that_writes_at_rest() {
    of_plan(
        |input| {
            with_observed(input, |observed| {
                if let Fact::Known(live) = &mut observed.live
                    && let Some(encryption) = &mut live.encryption
                {
                    encryption.key = KeyIdentifier::parse(&Key::Other.url()).unwrap();
                }
            })
        },
        1,
        property::EMPTY_WHEN_CONVERGED,
    );
}

#[test]
fn a_planner_that_takes_what_an_operation_does_for_nothing() {
    of_plan(
        |input| {
            with_status(input, |status| {
                status
                    .operation
                    .take_if(|operation| operation.state == OperationState::Intended);
            })
        },
        1,
        property::ONE_WRITE,
    );
}
