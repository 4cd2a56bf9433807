//! What must not be written to a hub.

use keyholder_planner::Write;
use keyholder_planner::plan::Request;

use super::World;
use super::azure::{Hub, HubState, Key, Work, owner, work};
use super::declared::Spec;
use crate::law::{Broken, Case, Told};
use crate::reading::OWNER;
use crate::world::Policy;

/// The law that a write breaks.
pub fn of_write(case: &Case<'_, World>, write: &Write) -> Option<Broken> {
    let (told, object) = (case.told, &case.object);
    let hub = case.seen.azure.hub.as_ref();
    if hub.is_some_and(|hub| !hub.is_ours) {
        return Some(Broken::WroteToAnothers);
    }
    let is_deletion = matches!(write.request, Request::Delete { .. });
    let may_delete = object.is_deleting && object.policy != Policy::Retain;
    let purges = write.request == Request::Delete { purge: true };
    if is_deletion != object.is_deleting
        || (is_deletion && !may_delete)
        || (is_deletion && purges != (object.policy == Policy::DeleteAndPurge))
        || write.id != case.declared.id
    {
        return Some(Broken::WroteAForbiddenChange);
    }
    match (&write.request, hub) {
        (Request::Delete { .. }, _) => None,
        (Request::Assign(_) | Request::Purge(_), _) => Some(Broken::WroteAForbiddenChange),
        (Request::Put(body), None) => {
            let owned = owner(body) == Some(case.declared.owner_tag.as_str());
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
                older(case, hub, made.key)
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
                Work::Key(key) => older(case, hub, Some(key)),
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
    made.key.map(Key::vault) == hub.key.map(Key::vault) && made.other_storage == hub.other_storage
}

/// Only who pins an older version goes back to it.
fn older(case: &Case<'_, World>, hub: &Hub, key: Option<Key>) -> Option<Broken> {
    let goes_back = key
        .zip(hub.key)
        .is_some_and(|(key, have)| key.is_older_than(have));
    let is_asked_for = case.object.spec == Spec::Pinned;
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
