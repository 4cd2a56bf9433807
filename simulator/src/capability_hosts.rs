//! `Microsoft.CognitiveServices/accounts/capabilityHosts` and `accounts/projects/capabilityHosts`: PUT, DELETE, and what their
//! operations do.
//!
//! Invariant: one in each account and each project; none is changed, only deleted and made anew.
//!
//! Source, unless another is named: azure-ai-docs, foundry/agents/includes/concepts-capability-hosts-content (06/23/2026).

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account_projects::account_of;
use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::operations::{Effect, Verb};
use crate::provisioning::set_state;
use crate::refusal::Refusal;
use crate::shape::drop_read_only;
use crate::text::{at, merge, set};
use crate::types::{Behaviour, CAPABILITY_HOSTS, PROJECT_CAPABILITY_HOSTS, Type};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_capability_host,
    patch: World::patch_capability_host,
    delete: World::delete_capability_host,
    taken_along: None,
};

impl World {
    /// PUT. The same once more is answered with what is there.
    fn put_capability_host(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        if let Some(operation) = self.joined_in_account(request, id, Verb::Create)? {
            let host = self.get(&id.id).map(|one| one.body.clone()).unwrap_or_default();
            return Ok(self.begun(self.accepted(request, operation), StatusCode::CREATED, host));
        }
        let mut host = self.new_capability_host(id, &body)?;
        if let Some(there) = self.get(&id.id).filter(|one| one.established) {
            set_state(
                &mut host,
                at(&there.body, "/properties/provisioningState").unwrap_or_default(),
            );
            if host.get("properties") == there.body.get("properties") {
                return Ok(Reply::ok(there.body.clone()));
            }
            return Err(Refusal::bad_request(
                "BadRequest",
                format!(
                    "Updating the Capability Host {} is not supported. Delete it and create it with the new configuration.",
                    id.name
                ),
            ));
        }
        set_state(&mut host, "Creating");
        let mut resource = Resource::new(host.clone(), request.now);
        resource.stale = request.lag(None);
        self.put(resource);
        let effect = Effect::new(Verb::Create, |world: &mut Self, operation, now| {
            let outcome = operation.outcome_of(|| Ok(()));
            if let Some(resource) = world.get_mut(&operation.target) {
                set_state(
                    &mut resource.body,
                    if outcome.is_ok() { "Succeeded" } else { "Failed" },
                );
                resource.changed = now;
                resource.established = outcome.is_ok();
            }
            outcome
        });
        let begun = self.begin(request, &id.id, effect);
        Ok(self.begun(begun, StatusCode::CREATED, host))
    }

    /// No PATCH is published.
    fn patch_capability_host(&mut self, _: &Request<'_>, _: &ResourceId) -> Result<Reply, Refusal> {
        Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "The resource provider does not know this method here.",
        ))
    }

    /// DELETE.
    fn delete_capability_host(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        if self.get(&id.id).is_none() {
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
        if let Some(operation) = self.joined_in_account(request, id, Verb::Delete)? {
            return Ok(self.accepted(request, operation));
        }
        if let Some(resource) = self.get_mut(&id.id) {
            let before = resource.body.clone();
            resource.stale = request.lag(Some(before));
            set_state(&mut resource.body, "Deleting");
        }
        let effect = Effect::new(Verb::Delete, |world: &mut Self, operation, _| {
            let outcome = operation.outcome_of(|| Ok(()));
            if outcome.is_ok() {
                world.remove(&operation.target);
            } else if let Some(resource) = world.get_mut(&operation.target) {
                set_state(&mut resource.body, "Succeeded");
            }
            outcome
        });
        Ok(self.begin(request, &id.id, effect))
    }

    /// A capability host as a request wants it, if what it lies in lets it be. Whether the connections are there is not looked at.
    fn new_capability_host(&self, id: &ResourceId, body: &Value) -> Result<Value, Refusal> {
        let kind = Type::named(&id.kind).map_or(id.kind.as_str(), |kind| kind.name);
        let Some(scope) = self.get(&id.scope) else {
            return Err(Refusal::parent_not_found(kind, &id.scope));
        };
        let others = |scope: &str, kind: &str| {
            let hosts = self.within(scope).filter(|one| one.kind() == kind);
            hosts.map(|one| one.body.clone()).collect::<Vec<_>>()
        };
        let other = others(scope.id(), kind)
            .into_iter()
            .find(|one| at(one, "/id").is_some_and(|other| !other.eq_ignore_ascii_case(&id.id)));
        if let Some(other) = other {
            return Err(Refusal::conflict(
                "Conflict",
                format!(
                    "There is an existing Capability Host with name: {}, provisioning state: {} for workspace: {}, cannot create a new \
                     Capability Host with name: {} for the same ClientId.",
                    at(&other, "/name").unwrap_or_default(),
                    at(&other, "/properties/provisioningState").unwrap_or_default(),
                    scope.id(),
                    id.name,
                ),
            ));
        }
        if kind == PROJECT_CAPABILITY_HOSTS && others(account_of(id), CAPABILITY_HOSTS).is_empty() {
            return Err(Refusal::bad_request(
                "BadRequest",
                "A project cannot have a Capability Host unless its account has one.",
            ));
        }
        let mut sent = body.clone();
        Type::named(kind).inspect(|kind| drop_read_only(kind.body, &mut sent));
        let own = self.get(&id.id).map_or(id.id.as_str(), Resource::id);
        let mut host = json!({ "id": own, "name": id.name, "type": kind, "properties": {} });
        if let Some(properties) = host.get_mut("properties") {
            if kind == CAPABILITY_HOSTS {
                set(properties, "capabilityHostKind", "Agents");
            }
            if let Some(sent) = sent.get("properties") {
                merge(properties, sent);
            }
        }
        Ok(host)
    }

    /// One that was made earlier, for a seed.
    pub(crate) fn add_capability_host(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut host = self.new_capability_host(id, body)?;
        set_state(&mut host, "Succeeded");
        let mut resource = Resource::new(host, now);
        resource.established = true;
        self.put(resource);
        Ok(())
    }
}
