//! What all resources with long-running operations have in common: their state, and what cannot be changed about them.
//!
//! Invariant: a change is seen at once or, when its request lags, only then; never in part.

use jiff::Timestamp;
use serde_json::Value;

use crate::address::ResourceId;
use crate::front::Request;
use crate::refusal::Refusal;
use crate::settings::{ForbiddenChange, Leaves};
use crate::text::{at, member, set};
use crate::world::World;

/// Sets the provisioning state.
pub(crate) fn set_state(body: &mut Value, state: &str) {
    if let Some(properties) = body.get_mut("properties") {
        set(properties, "provisioningState", state);
    }
}

impl World {
    /// Stores what an operation made of a resource.
    pub(crate) fn store(&mut self, id: &str, body: Value, now: Timestamp) {
        if let Some(resource) = self.get_mut(id) {
            resource.body = body;
            resource.changed = now;
        }
    }

    /// Stores what a request made of a resource.
    pub(crate) fn replace_body(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        body: Value,
        before: Value,
    ) {
        if let Some(resource) = self.get_mut(&id.id) {
            resource.body = body;
            resource.changed = request.now;
            resource.stale = request.lag(Some(before));
        }
    }

    /// What cannot be changed after creation.
    pub(crate) fn forbidden_change(&self, id: &ResourceId, what: &str) -> Result<(), Refusal> {
        match self.settings.forbidden_change {
            ForbiddenChange::Ignore => Ok(()),
            ForbiddenChange::Refuse => Err(Refusal::bad_request(
                "BadRequest",
                format!(
                    "The property '{what}' of the {} '{}' cannot be changed after creation.",
                    noun(id),
                    id.name
                ),
            )),
        }
    }

    /// The state in which a change of the key leaves a resource.
    pub(crate) fn state_after(&self, change: &Result<(), Refusal>) -> &'static str {
        if change.is_ok() || self.settings.failed_change_leaves == Leaves::Succeeded {
            "Succeeded"
        } else {
            "Failed"
        }
    }
}

/// A resource stays where it is (azure-resource-manager, common-deployment-errors: InvalidResourceLocation).
pub(crate) fn check_location(id: &ResourceId, before: &Value, sent: &Value) -> Result<(), Refusal> {
    let own = at(before, "/location").unwrap_or_default();
    let moves = member(sent, "location")
        .and_then(|(_, new)| new.as_str())
        .is_some_and(|new| !is_same_location(new, own));
    if !moves {
        return Ok(());
    }
    Err(Refusal::conflict(
        "InvalidResourceLocation",
        format!("The resource '{}' already exists in another location.", id.name),
    ))
}

/// Whether a resource is of a kind.
pub(crate) fn is_kind(body: &Value, kind: &str) -> bool {
    at(body, "/kind").is_some_and(|own| own.eq_ignore_ascii_case(kind))
}

/// Whether two names are of one region: `West Europe` is `westeurope`.
pub(crate) fn is_same_location(one: &str, other: &str) -> bool {
    one.replace(' ', "").eq_ignore_ascii_case(&other.replace(' ', ""))
}

/// What a refusal calls a resource: `workspace`, `account`, `registry`.
pub(crate) fn noun(id: &ResourceId) -> String {
    let kind = id.kind.rsplit('/').next().unwrap_or_default();
    match kind.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => kind.strip_suffix('s').unwrap_or(kind).to_owned(),
    }
}
