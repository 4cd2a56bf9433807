//! `Microsoft.Search/searchServices`: PUT, PATCH, DELETE, and what the operation of a creation does.
//!
//! Invariant: nothing here names a key. Each object in a service has its own, or none; a service enforces that they have, and tells
//! whether they do (search-security-manage-encryption-keys).

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::operations::{Effect, Operation, Verb};
use crate::provisioning::{check_location, set_state};
use crate::refusal::Refusal;
use crate::shape::drop_read_only;
use crate::shapes;
use crate::text::{at, merge, set};
use crate::types::{Behaviour, SEARCH};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_search,
    patch: World::patch_search,
    delete: World::delete_search,
    taken_along: None,
};

impl World {
    /// PUT.
    fn put_search(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        if self.joined(request, &id.id, Verb::Create, || busy(id))?.is_some() {
            let service = self.get(&id.id).map(|one| one.body.clone()).unwrap_or_default();
            return Ok(Reply::with(StatusCode::CREATED, service));
        }
        if self.get(&id.id).is_some_and(|existing| existing.established) {
            return self.change_search(request, id, &body, true);
        }
        let mut service = self.new_search(id, &body, request.now);
        set_state(&mut service, "provisioning");
        if let Some(properties) = service.get_mut("properties") {
            set(properties, "status", "provisioning");
        }
        let mut resource = Resource::new(service.clone(), request.now);
        resource.stale = request.lag(None);
        self.put(resource);
        // There is no header that says where to ask: the state of the service is its operation's.
        self.begin(
            request,
            &id.id,
            Effect::new(Verb::Create, Self::end_search_creation),
        );
        Ok(Reply::with(StatusCode::CREATED, service))
    }

    /// PATCH.
    fn patch_search(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        self.joined(request, &id.id, Verb::Change, || busy(id))?;
        self.change_search(request, id, &body, false)
    }

    /// Changes a service. A `whole` body, of a PUT, says its tags and its identities anew; neither takes away another property by
    /// leaving it out.
    fn change_search(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
        whole: bool,
    ) -> Result<Reply, Refusal> {
        let Some(resource) = self.get(&id.id) else {
            return Err(Refusal::resource_not_found(&id.kind, &id.name, id.group()));
        };
        let (before, has_plain_objects) = (resource.body.clone(), resource.has_plain_objects);
        check_location(id, &before, body)?;
        let mut service = self.search_with(id, body, &before, whole);
        complete(&mut service, has_plain_objects, request.now);
        self.replace_body(request, id, service.clone(), before);
        Ok(Reply::ok(service))
    }

    /// DELETE.
    fn delete_search(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        self.joined(request, &id.id, Verb::Delete, || busy(id))?;
        self.delete_plain(request, id)
    }

    /// A service that was made earlier, for a seed.
    pub(crate) fn add_search(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let service = self.new_search(id, body, now);
        let mut resource = Resource::new(service, now);
        resource.established = true;
        self.put(resource);
        Ok(())
    }

    /// Lets a service hold objects without a key of their own.
    pub(crate) fn add_plain_objects(&mut self, id: &str, now: Timestamp) {
        if let Some(resource) = self.get_mut(id) {
            resource.has_plain_objects = true;
            complete(&mut resource.body, true, now);
        }
    }

    fn new_search(&mut self, id: &ResourceId, body: &Value, now: Timestamp) -> Value {
        let before = json!({
            "id": id.id,
            "properties": {
                "provisioningState": "succeeded",
                "status": "running",
                "statusDetails": "",
                "replicaCount": 1,
                "partitionCount": 1,
                "endpoint": format!("https://{}.search.windows.net", id.name),
            },
        });
        let mut service = self.search_with(id, body, &before, true);
        complete(&mut service, false, now);
        service
    }

    /// A service as a request wants it.
    fn search_with(&mut self, id: &ResourceId, sent: &Value, before: &Value, whole: bool) -> Value {
        let mut sent = sent.clone();
        drop_read_only(&shapes::SEARCH, &mut sent);
        let mut service = before.clone();
        set(&mut service, "name", id.name.clone());
        set(&mut service, "type", SEARCH);
        for name in ["location", "sku", "tags"] {
            if let Some(value) = sent.get(name).filter(|value| !value.is_null()) {
                set(&mut service, name, value.clone());
            }
        }
        if let Some(identity) = sent.get("identity").filter(|identity| !identity.is_null()) {
            let block = self.identity_block(id, identity, before.get("identity"), whole);
            set(&mut service, "identity", block);
        }
        if let (Some(properties), Some(wanted)) = (service.get_mut("properties"), sent.get("properties")) {
            merge(properties, wanted);
        }
        service
    }

    fn end_search_creation(&mut self, operation: &Operation, now: Timestamp) -> Result<(), Refusal> {
        let Some(mut service) = self.get(&operation.target).map(|one| one.body.clone()) else {
            return Ok(());
        };
        let outcome = operation.outcome_of(|| Ok(()));
        let (state, status) = if outcome.is_ok() {
            ("succeeded", "running")
        } else {
            ("failed", "error")
        };
        set_state(&mut service, state);
        if let Some(properties) = service.get_mut("properties") {
            set(properties, "status", status);
        }
        complete(&mut service, false, now);
        self.store(&operation.target, service, now);
        if let Some(resource) = self.get_mut(&operation.target) {
            resource.established = outcome.is_ok();
        }
        outcome
    }
}

/// Gives a service what follows from the rest of it. One that enforces and has objects without a key is not compliant
/// (Microsoft.Search/searchServices, encryptionComplianceStatus).
fn complete(service: &mut Value, has_plain_objects: bool, now: Timestamp) {
    let enforcement = at(service, "/properties/encryptionWithCmk/enforcement")
        .unwrap_or("Unspecified")
        .to_owned();
    let compliant = !(has_plain_objects && enforcement.eq_ignore_ascii_case("Enabled"));
    let status = if compliant { "Compliant" } else { "NonCompliant" };
    let tag = crate::text::guid(&format!("{now}{service}"));
    if let Some(properties) = service.get_mut("properties") {
        let encryption = json!({ "enforcement": enforcement, "encryptionComplianceStatus": status });
        set(properties, "encryptionWithCmk", encryption);
        set(properties, "eTag", format!("\"{tag}\""));
    }
}

/// 409 while it is made. The code is not confirmed.
fn busy(id: &ResourceId) -> Refusal {
    Refusal::conflict(
        "Conflict",
        format!(
            "Another operation is in progress on the search service '{}'.",
            id.name
        ),
    )
}
