//! `Microsoft.ContainerRegistry/registries`: PUT, PATCH, DELETE, and what their operations do.
//!
//! Invariant: whether a registry has a key of its owner's is settled when it is made: none comes, and none goes
//! (container-registry, tutorial-customer-managed-keys). Which one it is can change.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::operations::{Effect, Operation, Verb};
use crate::provisioning::{check_location, set_state};
use crate::refusal::Refusal;
use crate::registry_key::{check_sent, complete_encryption, has_own_key, is_same_key};
use crate::shape::drop_read_only;
use crate::shapes;
use crate::text::{at, merge, set};
use crate::types::{Behaviour, REGISTRIES};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_registry,
    patch: World::patch_registry,
    delete: World::delete_registry,
    taken_along: None,
};

impl World {
    /// PUT.
    fn put_registry(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        if let Some(operation) = self.joined(request, &id.id, Verb::Create, || busy(id))? {
            return Ok(self.creating(self.accepted(request, operation), id));
        }
        check_sent(id, &body)?;
        if self.get(&id.id).is_some_and(|existing| existing.established) {
            return self.change_registry(request, id, &body, true);
        }
        self.check_registry_name(id)?;
        let mut registry = self.new_registry(id, &body, request.now);
        check_tier(&registry)?;
        set_state(&mut registry, "Creating");
        let mut resource = Resource::new(registry, request.now);
        resource.stale = request.lag(None);
        self.put(resource);
        let effect = Effect::new(Verb::Create, Self::end_registry_creation);
        let begun = self.begin(request, &id.id, effect);
        Ok(self.creating(begun, id))
    }

    /// PATCH.
    fn patch_registry(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        self.joined(request, &id.id, Verb::Change, || busy(id))?;
        check_sent(id, &body)?;
        self.change_registry(request, id, &body, false)
    }

    /// Changes a registry. A `whole` body, of a PUT, says its tags and its identities anew; neither takes away another property by
    /// leaving it out.
    fn change_registry(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
        whole: bool,
    ) -> Result<Reply, Refusal> {
        let Some(resource) = self.get(&id.id) else {
            return Err(Refusal::resource_not_found(&id.kind, &id.name, id.group()));
        };
        if !resource.established {
            return Err(failed(id));
        }
        let before = resource.body.clone();
        check_location(id, &before, body)?;
        let mut registry = self.registry_with(id, body, &before, whole);
        if has_own_key(&registry) != has_own_key(&before) {
            // Neither the code nor the text is known.
            self.forbidden_change(id, "properties.encryption")?;
            if let Some(properties) = registry.get_mut("properties") {
                let old = before.pointer("/properties/encryption").cloned();
                set(properties, "encryption", old.unwrap_or_default());
            }
        }
        check_tier(&registry)?;
        if is_same_key(&before, &registry) {
            self.check_registry_identity(&registry)?;
        } else {
            self.check_registry_key(&registry, request.now)?;
            self.use_registry_key(&mut registry, request.now);
            if let Some(resource) = self.get_mut(&id.id) {
                resource.looked = request.now;
            }
        }
        self.replace_body(request, id, registry.clone(), before);
        Ok(Reply::ok(registry))
    }

    /// DELETE.
    fn delete_registry(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        if let Some(operation) = self.joined(request, &id.id, Verb::Delete, || busy(id))? {
            return Ok(self.accepted(request, operation).located());
        }
        let Some(resource) = self.get_mut(&id.id) else {
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        };
        let before = resource.body.clone();
        resource.stale = request.lag(Some(before.clone()));
        set_state(&mut resource.body, "Deleting");
        let effect = Effect::new(Verb::Delete, move |world: &mut Self, operation, now| {
            let outcome = operation.outcome_of(|| Ok(()));
            if outcome.is_ok() {
                world.remove(&operation.target);
            } else {
                world.store(&operation.target, before.clone(), now);
            }
            outcome
        });
        Ok(self.begin(request, &id.id, effect).located())
    }

    /// A registry that was made earlier, for a seed. Whether it can use its key is not looked at.
    pub(crate) fn add_registry(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        check_sent(id, body)?;
        let mut registry = self.new_registry(id, body, now);
        check_tier(&registry)?;
        self.use_registry_key(&mut registry, now);
        let mut resource = Resource::new(registry, now);
        resource.established = true;
        self.put(resource);
        Ok(())
    }

    /// What an answer shows where nothing was said: the examples of the published type (registries 2025-11-01, RegistryCreate).
    fn new_registry(&mut self, id: &ResourceId, body: &Value, now: Timestamp) -> Value {
        let off = json!({ "status": "disabled" });
        let before = json!({
            "id": id.id,
            "properties": {
                "provisioningState": "Succeeded",
                "loginServer": login_server(&id.name),
                "creationDate": now.to_string(),
                "adminUserEnabled": false,
                "networkRuleSet": { "defaultAction": "Allow", "ipRules": [] },
                "policies": {
                    "quarantinePolicy": off,
                    "trustPolicy": { "type": "Notary", "status": "disabled" },
                    "retentionPolicy": { "days": 7, "lastUpdatedTime": now.to_string(), "status": "disabled" },
                    "exportPolicy": { "status": "enabled" },
                    "azureADAuthenticationAsArmPolicy": { "status": "enabled" },
                },
                "encryption": off,
                "dataEndpointEnabled": false,
                "dataEndpointHostNames": [],
                "privateEndpointConnections": [],
                "publicNetworkAccess": "Enabled",
                "networkRuleBypassOptions": "AzureServices",
                "networkRuleBypassAllowedForTasks": false,
                "zoneRedundancy": "Disabled",
                "anonymousPullEnabled": false,
                "roleAssignmentMode": "LegacyRegistryPermissions",
            },
        });
        self.registry_with(id, body, &before, true)
    }

    /// A registry as a request wants it.
    fn registry_with(&mut self, id: &ResourceId, sent: &Value, before: &Value, whole: bool) -> Value {
        let mut sent = sent.clone();
        drop_read_only(&shapes::REGISTRY, &mut sent);
        let mut registry = before.clone();
        set(&mut registry, "name", id.name.clone());
        set(&mut registry, "type", REGISTRIES);
        for name in ["location", "sku", "tags"] {
            if let Some(value) = sent.get(name).filter(|value| !value.is_null()) {
                set(&mut registry, name, value.clone());
            }
        }
        let tier = at(&registry, "/sku/name").unwrap_or_default().to_owned();
        if let Some(sku) = registry.get_mut("sku") {
            set(sku, "tier", tier);
        }
        if let Some(identity) = sent.get("identity").filter(|identity| !identity.is_null()) {
            let block = self.identity_block(id, identity, before.get("identity"), whole);
            set(&mut registry, "identity", block);
        }
        if let (Some(properties), Some(wanted)) = (registry.get_mut("properties"), sent.get("properties")) {
            merge(properties, wanted);
        }
        complete_encryption(&mut registry);
        registry
    }

    fn end_registry_creation(&mut self, operation: &Operation, now: Timestamp) -> Result<(), Refusal> {
        let Some(mut registry) = self.get(&operation.target).map(|one| one.body.clone()) else {
            return Ok(());
        };
        let outcome = operation.outcome_of(|| self.check_registry_key(&registry, now));
        set_state(
            &mut registry,
            if outcome.is_ok() { "Succeeded" } else { "Failed" },
        );
        if outcome.is_ok() {
            self.use_registry_key(&mut registry, now);
        }
        self.store(&operation.target, registry, now);
        if let Some(resource) = self.get_mut(&operation.target) {
            resource.established = outcome.is_ok();
            resource.looked = now;
        }
        outcome
    }

    /// 201 with the registry, and `Azure-AsyncOperation` (registries 2025-11-01, Registries_Create).
    fn creating(&self, mut begun: Reply, id: &ResourceId) -> Reply {
        begun.status = StatusCode::CREATED;
        begun.headers.retain(|(name, _)| name != "location");
        begun.body = self.get(&id.id).map(|one| self.shown(&one.body));
        begun
    }

    /// Names are unique in all of Azure. Code and text: azure-dev-docs #1303, which does not show the status.
    fn check_registry_name(&self, id: &ResourceId) -> Result<(), Refusal> {
        let name = login_server(&id.name);
        let is_taken = self.resources.values().any(|one| {
            one.kind() == REGISTRIES
                && !one.id().eq_ignore_ascii_case(&id.id)
                && at(&one.body, "/properties/loginServer") == Some(name.as_str())
        });
        if !is_taken {
            return Ok(());
        }
        Err(Refusal::conflict(
            "AlreadyInUse",
            format!(
                "The registry DNS name {name} is already in use. You can check if the name is already claimed using following API: \
                 https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability"
            ),
        ))
    }
}

fn login_server(name: &str) -> String {
    format!("{}.azurecr.io", name.to_lowercase())
}

/// A key of one's own in the tier Premium alone (tutorial-customer-managed-keys). Neither the code nor the text is known.
fn check_tier(registry: &Value) -> Result<(), Refusal> {
    let tier = at(registry, "/sku/name").unwrap_or_default();
    if tier.eq_ignore_ascii_case("Premium") || !has_own_key(registry) {
        return Ok(());
    }
    Err(Refusal::bad_request(
        "BadRequest",
        format!("A registry of tier {tier} cannot have a customer-managed key: it needs Premium."),
    ))
}

/// 409 while another operation is under way. The code is not confirmed.
fn busy(id: &ResourceId) -> Refusal {
    Refusal::conflict(
        "Conflict",
        format!("Another operation is in progress on the registry '{}'.", id.name),
    )
}

/// What was not made is made anew by a PUT, and not changed. Neither status, code nor text is known.
fn failed(id: &ResourceId) -> Refusal {
    Refusal::conflict(
        "Conflict",
        format!("The creation of the registry '{}' failed.", id.name),
    )
}
