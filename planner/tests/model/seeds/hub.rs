//! Planners of hubs with a mistake each.

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{ConditionType, OperationKind, OperationState};
use keyholder_planner::judge::Opinion;
use keyholder_planner::plan::{FinalizerStep, Input, Request};
use keyholder_planner::{Executed, Fact, Plan, Report, Write, plan, report};
use serde_json::json;

use super::{with_observed, with_status};
use crate::hub::World;
use crate::pass::Planner;
use crate::property;
use crate::time::NOW;

fn is_found(planner: Planner, most_troubles: u8, property: &'static str) {
    super::is_found::<World>(planner, most_troubles, property);
}

#[test]
fn a_planner_that_forgets_what_it_intended() {
    let forgetful: fn(&Input<'_>) -> Plan = |input| {
        with_status(input, |status| {
            status
                .operation
                .take_if(|operation| operation.state == OperationState::Intended);
        })
    };
    is_found(
        Planner {
            plan: forgetful,
            ..Planner::REAL
        },
        2,
        property::ONE_WRITE,
    );
}

#[test]
fn a_planner_that_replaces_a_hub_that_was_deleted() {
    let eager: fn(&Input<'_>) -> Plan = |input| {
        with_status(input, |status| {
            if input.observed.live == Fact::Absent {
                status.encryption = None;
                status.resource_id = None;
            }
        })
    };
    is_found(
        Planner {
            plan: eager,
            ..Planner::REAL
        },
        2,
        property::NO_SUCCESSOR,
    );
}

#[test]
fn a_planner_that_takes_every_hub_for_its_own() {
    let greedy: fn(&Input<'_>) -> Plan = |input| {
        with_observed(input, |observed| {
            if let Fact::Known(live) = &mut observed.live {
                live.tags
                    .insert(OWNER_TAG.to_owned(), input.declared.owner_tag.clone());
            }
        })
    };
    is_found(
        Planner {
            plan: greedy,
            ..Planner::REAL
        },
        2,
        property::NOTHING_FORBIDDEN,
    );
}

#[test]
fn a_planner_that_goes_back_to_an_older_key() {
    let backward: fn(&Input<'_>) -> Plan = |input| {
        with_observed(input, |observed| {
            if let Fact::Known(key) = &mut observed.key
                && !key.others.is_empty()
            {
                key.current.created = Some(NOW - crate::time::seconds(5000));
            }
        })
    };
    is_found(
        Planner {
            plan: backward,
            ..Planner::REAL
        },
        2,
        property::NOTHING_FORBIDDEN,
    );
}

#[test]
fn a_planner_that_lets_the_object_go_before_its_hub() {
    let hasty: fn(&Input<'_>) -> Plan = |input| {
        let mut plan = plan(input);
        if input.deleting && plan.write.is_none() {
            plan.finalizer = FinalizerStep::Remove;
        }
        plan
    };
    is_found(
        Planner {
            plan: hasty,
            ..Planner::REAL
        },
        2,
        property::RESOURCE_GOES_FIRST,
    );
}

#[test]
fn a_planner_that_writes_while_a_change_is_refused() {
    let defiant: fn(&Input<'_>) -> Plan = |input| {
        let mut plan = plan(input);
        let is_refused = matches!(&plan.judgement.transition, Opinion::Is(verdict) if verdict.stalled);
        if let (true, Some(live), Some(bound)) =
            (is_refused, input.observed.live.known(), &plan.judgement.bound)
        {
            let mut tags = live.tags.clone();
            tags.insert("team".to_owned(), "research".to_owned());
            plan.write = Some(Write {
                kind: OperationKind::Update,
                id: input.declared.id.clone(),
                request: Request::Patch(json!({ "tags": tags })),
                intent: "tags".to_owned(),
                bound: Some(bound.clone()),
                generation: input.declared.generation,
                started_at: input.now,
            });
        }
        plan
    };
    is_found(
        Planner {
            plan: defiant,
            ..Planner::REAL
        },
        2,
        property::NOTHING_FORBIDDEN,
    );
}

#[test]
fn a_planner_that_takes_what_it_cannot_read_for_absent() {
    let blind: fn(&Input<'_>) -> Plan = |input| {
        with_observed(input, |observed| {
            if matches!(observed.live, Fact::Unknown(_)) {
                observed.live = Fact::Absent;
            }
        })
    };
    is_found(
        Planner {
            plan: blind,
            ..Planner::REAL
        },
        2,
        property::RESOURCE_GOES_FIRST,
    );
}

#[test]
fn a_planner_that_forgets_what_the_object_is_bound_to() {
    let unbound: fn(&Input<'_>, &Plan, &Executed) -> Report = |input, plan, executed| {
        let mut report = report(input, plan, executed);
        report.status.bound = None;
        report
    };
    is_found(
        Planner {
            report: unbound,
            ..Planner::REAL
        },
        1,
        property::BOUND_STAYS,
    );
}

#[test]
fn a_planner_that_never_tries_again() {
    let resigned: fn(&Input<'_>) -> Plan = |input| {
        let mut plan = plan(input);
        let has_failed = input
            .status
            .operation
            .as_ref()
            .is_some_and(|one| one.state == OperationState::Failed);
        if has_failed {
            plan.write = None;
            plan.judgement.operation.clone_from(&input.status.operation);
        }
        plan
    };
    is_found(
        Planner {
            plan: resigned,
            ..Planner::REAL
        },
        1,
        property::EMPTY_WHEN_CONVERGED,
    );
}

#[test]
fn a_planner_that_waits_for_ever() {
    let patient: fn(&Input<'_>, &Plan, &Executed) -> Report = |input, plan, executed| {
        let mut report = report(input, plan, executed);
        if report
            .status
            .operation
            .as_ref()
            .is_some_and(|one| one.state == OperationState::Verifying)
        {
            report.status.operation.clone_from(&input.status.operation);
        }
        report
    };
    is_found(
        Planner {
            report: patient,
            ..Planner::REAL
        },
        2,
        property::ENDS_WELL,
    );
}

#[test]
fn a_planner_that_believes_what_it_wrote() {
    let credulous: fn(&Input<'_>, &Plan, &Executed) -> Report = |input, plan, executed| {
        let mut report = report(input, plan, executed);
        let name: &str = ConditionType::Ready.into();
        if *executed == Executed::Done
            && let Some(ready) = report.status.conditions.iter_mut().find(|one| one.type_ == name)
        {
            ready.status = "True".to_owned();
        }
        report
    };
    is_found(
        Planner {
            report: credulous,
            ..Planner::REAL
        },
        2,
        property::READY_IS_TRUE,
    );
}
