//! Planners of a hub's dependents with a mistake each.

use keyholder_crds::vocabulary::ENCRYPTION_TAG;
use keyholder_crds::{ConditionType, OperationKind, OperationState};
use keyholder_planner::observed::AtRest;
use keyholder_planner::plan::Input;
use keyholder_planner::{Executed, Fact, Plan, Report, plan, report};

use super::{with_observed, with_status};
use crate::dependent::World;
use crate::pass::Planner;
use crate::property;

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
fn a_planner_that_takes_every_mark_for_its_own() {
    of_plan(
        |input| {
            with_observed(input, |observed| {
                for (_, fact) in &mut observed.at_rest {
                    if let Fact::Known(stored) = fact {
                        let ours = input.declared.encryption_tag();
                        stored.tags.insert(ENCRYPTION_TAG.to_owned(), ours);
                    }
                }
            })
        },
        1,
        property::NOTHING_FORBIDDEN,
    );
}

#[test]
fn a_planner_that_gives_a_key_on_before_the_hub_has_it() {
    of_plan(
        |input| {
            let mut own = plan(input);
            let ahead = with_observed(input, |observed| {
                if let (Fact::Known(live), Some(key)) = (&mut observed.live, observed.key.known())
                    && let Some(encryption) = &mut live.encryption
                {
                    encryption.key = key.current.identifier.clone();
                }
            });
            if let Some(write) = ahead.write
                && write.kind == OperationKind::EncryptDependent
            {
                own.write = Some(write);
            }
            own
        },
        2,
        property::OWN_KEY_FIRST,
    );
}

#[test]
fn a_planner_that_gives_on_a_key_that_is_disabled() {
    of_plan(
        |input| {
            with_observed(input, |observed| {
                if let Fact::Known(key) = &mut observed.key {
                    key.current.enabled = true;
                }
            })
        },
        3,
        property::OWN_KEY_FIRST,
    );
}

#[test]
fn a_planner_that_sees_no_key_at_rest() {
    of_plan(
        |input| {
            with_observed(input, |observed| {
                for (_, fact) in &mut observed.at_rest {
                    if let Fact::Known(stored) = fact {
                        stored.at_rest = AtRest::Microsoft;
                        stored.follows = false;
                    }
                }
            })
        },
        1,
        property::EMPTY_WHEN_CONVERGED,
    );
}

#[test]
fn a_planner_that_does_not_give_back_what_is_taken_away() {
    of_plan(
        |input| {
            let mut plan = plan(input);
            plan.write.take_if(|write| {
                write.kind == OperationKind::EncryptDependent
                    && input
                        .status
                        .dependents
                        .iter()
                        .any(|one| one.key_identifier.is_some())
            });
            plan
        },
        1,
        property::EMPTY_WHEN_CONVERGED,
    );
}

#[test]
fn a_planner_that_keeps_what_it_intended() {
    of_report(
        |input, plan, executed| {
            let mut report = report(input, plan, executed);
            for (new, old) in report.status.dependents.iter_mut().zip(&input.status.dependents) {
                if new.operation.is_none() {
                    new.operation.clone_from(&old.operation);
                }
            }
            report
        },
        0,
        property::ENDS_WELL,
    );
}

#[test]
fn a_planner_that_forgets_what_it_intended() {
    of_plan(
        |input| {
            with_status(input, |status| {
                for dependent in &mut status.dependents {
                    dependent
                        .operation
                        .take_if(|operation| operation.state == OperationState::Intended);
                }
            })
        },
        1,
        property::ONE_WRITE,
    );
}

#[test]
fn a_planner_that_tries_again_at_once() {
    of_plan(
        |input| {
            with_status(input, |status| {
                for dependent in &mut status.dependents {
                    if let Some(operation) = &mut dependent.operation
                        && operation.state == OperationState::Failed
                    {
                        operation.not_before = None;
                    }
                }
            })
        },
        1,
        property::NOT_AT_ONCE,
    );
}

#[test]
fn a_planner_that_believes_what_it_wrote() {
    of_report(
        |input, plan, executed| {
            let mut report = report(input, plan, executed);
            let writes = plan.write.as_ref();
            let is_of_dependent = writes.is_some_and(|write| write.kind == OperationKind::EncryptDependent);
            let name: &str = ConditionType::Ready.into();
            let mut conditions = report.status.conditions.iter_mut();
            if is_of_dependent
                && *executed != Executed::Nothing
                && let Some(ready) = conditions.find(|one| one.type_ == name)
            {
                ready.status = "True".to_owned();
            }
            report
        },
        0,
        property::READY_IS_TRUE,
    );
}
