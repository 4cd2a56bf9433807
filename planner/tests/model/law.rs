//! What must never be, told without the planner's help.
//!
//! Invariant: a law looks at what was read, what was decided and what there is; it calls none of the planner's decisions.

use keyholder_crds::ResourceStatus;
use keyholder_planner::Declared;
use keyholder_planner::plan::FinalizerStep;

use crate::pass::{Answer, Object, Operator, PassId, Seen};
use crate::time::waits;
use crate::world::World;

/// A broken law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// Something was written although the resource could not be read.
    WroteBlindly,
    /// Something was written to a resource that is not the object's.
    WroteToAnothers,
    /// A resource was to be created where one with data had been.
    MadeAnEmptySuccessor,
    /// Something was written that Azure forbids, or that nobody asked for.
    WroteAForbiddenChange,
    /// A PUT was to replace what was in order, and may hold data.
    PutOverData,
    /// A key was to be sent while a check of it fails.
    SentAKeyTooEarly,
    /// A dependent was to get a key that its object does not have, or that is not in order there.
    GaveOnAKeyTooEarly,
    /// An older version of the key was to be applied.
    WentToAnOlderKey,
    /// A write was sent while another was on its way or under way.
    WroteTwice,
    /// A write that was of no avail was sent again at once.
    RetriedAtOnce,
    /// Something was written although all was as declared, or nothing although it was not.
    PlanIsNotEmptyExactlyWhenConverged,
    /// Ready was said of a resource that is not as declared.
    SaidReadyFalsely,
}

/// What the object's status has told so far, which must not be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Told {
    Nothing,
    /// The resource was there.
    Seen,
    /// It was in order, so that it may hold data.
    InOrder,
}

/// What a law judges: an object, what was read for it, and what was told before.
pub struct Case<'a, W: World> {
    pub object: Object<W>,
    pub seen: Seen<W>,
    pub declared: &'a Declared,
    pub status: &'a ResourceStatus,
    pub told: Told,
}

/// The law that a decision breaks.
pub fn of_decision<W: World>(operator: &Operator<W>, id: PassId, told: Told) -> Option<Broken> {
    let pass = operator.pass(id);
    let status = operator.status(pass.object.status);
    let case = Case {
        object: pass.object,
        seen: pass.seen,
        declared: operator.declared(&pass.object),
        status: &status,
        told,
    };
    let broken = pass.plan.write.as_ref().and_then(|write| {
        if W::is_blind(pass.seen.trouble) {
            return Some(Broken::WroteBlindly);
        }
        W::of_write(&case, write)
    });
    broken.or_else(|| of_emptiness(operator, id, &case, pass.plan.write.is_some()))
}

/// A plan is empty exactly when all is as declared, or when there is a reason that can be named.
fn of_emptiness<W: World>(
    operator: &Operator<W>,
    id: PassId,
    case: &Case<'_, W>,
    writes: bool,
) -> Option<Broken> {
    if case.object.is_deleting || case.seen.trouble != W::UNTROUBLED {
        return None;
    }
    let is_converged = W::is_converged(&case.seen.azure, case.object.spec);
    if is_converged && writes {
        return Some(Broken::PlanIsNotEmptyExactlyWhenConverged);
    }
    let is_excused = || W::is_excused(case) || waits(case.status) || makes_headway(operator, id, case.status);
    (!is_converged && !writes && !is_excused()).then_some(Broken::PlanIsNotEmptyExactlyWhenConverged)
}

/// The pass learned how far a noted operation is, or that what it bound to did not come.
fn makes_headway<W: World>(operator: &Operator<W>, id: PassId, before: &ResourceStatus) -> bool {
    let after = operator.status(operator.report(id, Answer::Nothing));
    (before.operation.is_some() && before.operation != after.operation)
        || before.dependents != after.dependents
        || before.bound != after.bound
}

/// The law that a report breaks.
pub fn of_report<W: World>(operator: &Operator<W>, id: PassId, answer: Answer, told: Told) -> Option<Broken> {
    let pass = operator.pass(id);
    if pass.plan.finalizer == FinalizerStep::Remove || !operator.is_ready(operator.report(id, answer)) {
        return None;
    }
    let status = operator.status(pass.object.status);
    let may_be_ready = W::may_be_ready(&Case {
        object: pass.object,
        seen: pass.seen,
        declared: operator.declared(&pass.object),
        status: &status,
        told,
    });
    (!may_be_ready).then_some(Broken::SaidReadyFalsely)
}
