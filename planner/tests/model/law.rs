//! What must never be, told without the planner's help.
//!
//! Invariant: a law looks at what was read, what was decided and what there is; it calls none of the planner's decisions.

use keyholder_crds::ResourceStatus;
use keyholder_planner::Write;
use keyholder_planner::plan::{FinalizerStep, Request};

use crate::azure::{Hub, HubState, Work, owner, work};
use crate::declared::{OWNER, Policy};
use crate::pass::{Answer, Operator, Pass, PassId};
use crate::reading::Trouble;
use crate::time::waits;

/// A broken law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    /// Something was written although the hub could not be read.
    WroteBlindly,
    /// Something was written to a hub that is not the object's.
    WroteToAnothers,
    /// A hub was to be created where one with data had been.
    MadeAnEmptySuccessor,
    /// Something was written that Azure forbids, or that nobody asked for.
    WroteAForbiddenChange,
    /// An older version of the key was to be applied.
    WentToAnOlderKey,
    /// A write was sent while another was on its way or under way.
    WroteTwice,
    /// Something was written although all was as declared, or nothing although it was not.
    PlanIsNotEmptyExactlyWhenConverged,
    /// Ready was said of a hub that is not as declared.
    SaidReadyFalsely,
}

/// What the object's status has told so far, which must not be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Told {
    Nothing,
    /// The hub was there.
    Seen,
    /// It was in order, so that it may hold data.
    InOrder,
}

/// The law that a decision breaks.
pub fn of_decision(operator: &Operator, id: PassId, told: Told) -> Option<Broken> {
    let pass = operator.pass(id);
    let broken = pass
        .plan
        .write
        .as_ref()
        .and_then(|write| of_write(operator, &pass, write, told));
    broken.or_else(|| of_emptiness(operator, id, &pass, told))
}

fn of_write(operator: &Operator, pass: &Pass, write: &Write, told: Told) -> Option<Broken> {
    if pass.seen.trouble == Trouble::HubUnreadable || pass.seen.trouble == Trouble::OperationUnreadable {
        return Some(Broken::WroteBlindly);
    }
    let hub = pass.seen.azure.hub.as_ref();
    if hub.is_some_and(|hub| !hub.is_ours) {
        return Some(Broken::WroteToAnothers);
    }
    let object = &pass.object;
    let is_deletion = matches!(write.request, Request::Delete { .. });
    let may_delete = object.is_deleting && object.policy != Policy::Retain;
    let purges = write.request == Request::Delete { purge: true };
    if is_deletion != object.is_deleting
        || (is_deletion && !may_delete)
        || (is_deletion && purges != (object.policy == Policy::DeleteAndPurge))
        || write.id != operator.hub(object).id
    {
        return Some(Broken::WroteAForbiddenChange);
    }
    match (&write.request, hub) {
        (Request::Delete { .. }, _) => None,
        (Request::Assign(_) | Request::Purge(_), _) => Some(Broken::WroteAForbiddenChange),
        (Request::Put(body), None) => {
            let owned = owner(body) == Some(operator.hub(object).owner_tag.as_str());
            if told == Told::InOrder {
                Some(Broken::MadeAnEmptySuccessor)
            } else if !owned || !made_by(write).is_some_and(|made| object.spec.can_become(&made)) {
                Some(Broken::WroteAForbiddenChange)
            } else {
                None
            }
        }
        (Request::Patch(_), None) => Some(Broken::WroteAForbiddenChange),
        (Request::Put(body), Some(hub)) => {
            let made = made_by(write)?;
            let owned = owner(body).is_some_and(|owner| owner.starts_with(OWNER));
            // A PUT is for a hub whose provisioning failed, and keeps its one-way choices.
            if !owned || hub.state != HubState::Failed || !same_choices(&made, hub) {
                return Some(Broken::WroteAForbiddenChange);
            }
            // What never was in order holds no data.
            if told == Told::InOrder {
                older(pass, hub, made.key)
            } else {
                None
            }
        }
        (Request::Patch(body), Some(hub)) => {
            if !is_patchable(body) || hub.is_in_progress() || !object.spec.can_become(hub) {
                return Some(Broken::WroteAForbiddenChange);
            }
            match work(write, Some(hub)) {
                Work::Key(key) if hub.key.is_none_or(|have| have.vault() != key.vault()) => {
                    Some(Broken::WroteAForbiddenChange)
                }
                Work::Key(key) => older(pass, hub, Some(key)),
                _ => None,
            }
        }
    }
}

fn made_by(write: &Write) -> Option<Hub> {
    match work(write, None) {
        Work::Put(made) => Some(made),
        _ => None,
    }
}

fn same_choices(made: &Hub, hub: &Hub) -> bool {
    made.key.map(crate::azure::Key::vault) == hub.key.map(crate::azure::Key::vault)
        && made.other_storage == hub.other_storage
}

/// Only who pins an older version goes back to it.
fn older(pass: &Pass, hub: &Hub, key: Option<crate::azure::Key>) -> Option<Broken> {
    let goes_back = key
        .zip(hub.key)
        .is_some_and(|(key, have)| key.is_older_than(have));
    let is_asked_for = pass.object.spec == crate::declared::Spec::Pinned;
    (goes_back && !is_asked_for).then_some(Broken::WentToAnOlderKey)
}

/// Azure's PATCH takes tags, identities, network access, and of the encryption the key identifier alone.
fn is_patchable(body: &serde_json::Value) -> bool {
    let Some(body) = body.as_object() else {
        return false;
    };
    body.iter().all(|(name, value)| match name.as_str() {
        "tags" => value.get(keyholder_crds::vocabulary::OWNER_TAG).is_some(),
        "identity" => true,
        "properties" => value.as_object().is_some_and(|properties| {
            properties.iter().all(|(name, value)| match name.as_str() {
                "publicNetworkAccess" => true,
                "encryption" => only(value, "keyVaultProperties")
                    .and_then(|value| only(value, "keyIdentifier"))
                    .is_some(),
                _ => false,
            })
        }),
        _ => false,
    })
}

fn only<'a>(value: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    let object = value.as_object()?;
    if object.len() == 1 { object.get(name) } else { None }
}

/// A plan is empty exactly when all is as declared, or when there is a reason that can be named.
fn of_emptiness(operator: &Operator, id: PassId, pass: &Pass, told: Told) -> Option<Broken> {
    let object = &pass.object;
    let (hub, keys) = (pass.seen.azure.hub.as_ref(), pass.seen.azure.keys);
    if object.is_deleting || pass.seen.trouble != Trouble::None {
        return None;
    }
    let is_converged = hub.is_some_and(|hub| {
        hub.is_ours && hub.state == HubState::Succeeded && object.spec.is_met_by(hub, keys)
    });
    let writes = pass.plan.write.is_some();
    if is_converged && writes {
        return Some(Broken::PlanIsNotEmptyExactlyWhenConverged);
    }
    if is_converged || writes {
        return None;
    }
    let status = operator.status(object.status);
    let is_excused = match hub {
        None => told != Told::Nothing,
        Some(hub) => !hub.is_ours || hub.is_in_progress() || !object.spec.can_become(hub),
    } || pass.seen.azure.is_working()
        || (status.operation.is_some() && waits(&status))
        || makes_headway(operator, id, &status);
    (!is_excused).then_some(Broken::PlanIsNotEmptyExactlyWhenConverged)
}

/// The pass learned how far the noted operation is.
fn makes_headway(operator: &Operator, id: PassId, before: &ResourceStatus) -> bool {
    let after = operator.status(operator.report(id, Answer::Nothing));
    before.operation.is_some() && before.operation != after.operation
}

/// The law that a report breaks.
pub fn of_report(operator: &Operator, id: PassId, answer: Answer) -> Option<Broken> {
    let pass = operator.pass(id);
    if pass.plan.finalizer == FinalizerStep::Remove || !operator.is_ready(operator.report(id, answer)) {
        return None;
    }
    let hub_is_as_declared = pass.seen.azure.hub.as_ref().is_some_and(|hub| {
        let keys = pass.seen.azure.keys;
        let key_is_known = !matches!(pass.seen.trouble, Trouble::KeyUnreadable | Trouble::KeyOutdated);
        let hub_is_known = !matches!(
            pass.seen.trouble,
            Trouble::HubUnreadable | Trouble::OperationUnreadable
        );
        hub_is_known
            && hub.is_ours
            && hub.state == HubState::Succeeded
            && pass.object.spec.can_become(hub)
            && (!key_is_known || pass.object.spec.is_met_by(hub, keys))
    });
    (!hub_is_as_declared).then_some(Broken::SaidReadyFalsely)
}
