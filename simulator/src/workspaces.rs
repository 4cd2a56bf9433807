//! `Microsoft.MachineLearningServices/workspaces`: PUT, DELETE, and what their operations do.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::{ResourceId, subscription_of};
use crate::front::{Reply, Request};
use crate::hub_projects::check_own_settings;
use crate::managed_network::await_network;
use crate::operations::{Effect, Operation, Verb};
use crate::provisioning::{is_kind, set_state};
use crate::refusal::Refusal;
use crate::text::{at, member, set};
use crate::types::{Behaviour, WORKSPACES};
use crate::workspace_key::{KEY, check_key, is_customer_managed, is_service_side};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_workspace,
    patch: World::patch_workspace,
    delete: World::delete_workspace,
    taken_along: None,
};

/// Namespaces that a workspace with a managed resource group needs (how-to-setup-customer-managed-keys).
const WITH_MANAGED_GROUP: [&str; 4] = [
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.DocumentDB",
    "Microsoft.Search",
];

impl World {
    /// PUT.
    pub(crate) fn put_workspace(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        self.authorize_network(request, id, &body)?;
        if let Some(operation) = self.joined(request, &id.id, Verb::Create, || busy(id))? {
            return Ok(self.accepted(request, operation));
        }
        if self.deleted.contains_key(&id.lower()) {
            return Err(Refusal::conflict(
                "Conflict",
                format!(
                    "Soft-deleted workspace exists with the name '{}'. Recover it, or purge it, or use another name \
                     (https://aka.ms/wsoftdelete).",
                    id.name
                ),
            ));
        }
        if self.get(&id.id).is_some_and(|existing| existing.established) {
            return self.change_workspace(request, id, &body, true);
        }
        if is_kind(&body, "Project") {
            check_own_settings(&body)?;
            self.authorize_joining(request, id, &body)?;
            self.check_hub(&body)?;
        }
        if is_service_side(&body) && !is_customer_managed(&body) {
            return Err(Refusal::bad_request(
                "BadRequest",
                "enableServiceSideCMKEncryption needs an encryption block.",
            ));
        }
        let workspace = self.new_workspace(id, &body);
        let mut resource = Resource::new(workspace, request.now);
        resource.stale = request.lag(None);
        self.put(resource);
        let effect = Effect::new(Verb::Create, Self::end_creation);
        Ok(self.begin(request, &id.id, effect))
    }

    /// A workspace as it is while it is created.
    fn new_workspace(&mut self, id: &ResourceId, body: &Value) -> Value {
        let mut workspace = json!({ "id": id.id, "name": id.name, "type": WORKSPACES });
        for name in ["kind", "location", "sku", "tags"] {
            if let Some((_, value)) = member(body, name) {
                set(&mut workspace, name, value.clone());
            }
        }
        if let Some((_, identity)) = member(body, "identity") {
            let before = self.get(&id.id).and_then(|one| one.body.get("identity")).cloned();
            let identity = self.identity_block(id, identity, before.as_ref(), true);
            set(&mut workspace, "identity", identity);
        }
        let mut properties = member(body, "properties").map_or_else(|| json!({}), |(_, value)| value.clone());
        if let Some(properties) = properties.as_object_mut() {
            // Which projects a hub has is not its own to say.
            properties.remove("associatedWorkspaces");
        }
        let read_only = [
            ("provisioningState", json!("Creating")),
            ("workspaceId", json!(crate::text::guid(&id.lower()))),
            ("tenantId", json!(self.tenant)),
            ("privateLinkCount", json!(0)),
            ("storageHnsEnabled", json!(false)),
        ];
        for (name, value) in read_only {
            set(&mut properties, name, value);
        }
        if is_customer_managed(body) {
            // The service turns it on by itself (terraform-provider-azurerm, ai_foundry_resource).
            set(&mut properties, "hbiWorkspace", true);
        }
        let shows = self.settings.workspaces.show_disabled_network && !is_kind(body, "Project");
        if shows && member(&properties, "managedNetwork").is_none() {
            set(
                &mut properties,
                "managedNetwork",
                json!({ "isolationMode": "Disabled" }),
            );
        }
        set(&mut workspace, "properties", properties);
        await_network(&mut workspace);
        workspace
    }

    /// A workspace that was made earlier, for a seed.
    pub(crate) fn add_workspace(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if is_kind(body, "Project") {
            check_own_settings(body)?;
            self.check_hub(body)?;
        }
        let mut workspace = self.new_workspace(id, body);
        set_state(&mut workspace, "Succeeded");
        if is_customer_managed(&workspace) && !is_service_side(&workspace) {
            self.add_managed_group(&mut workspace, true, now);
        }
        let mut resource = Resource::new(workspace, now);
        resource.established = true;
        self.put(resource);
        self.associate(&id.id);
        Ok(())
    }

    /// DELETE.
    pub(crate) fn delete_workspace(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
    ) -> Result<Reply, Refusal> {
        let purge = request
            .query("forceToPurge")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if let Some(operation) = self.joined(request, &id.id, Verb::Delete, || busy(id))? {
            return Ok(self.accepted(request, operation));
        }
        let effect = Effect::new(Verb::Delete, move |world: &mut Self, operation, now| {
            world.end_deletion(operation, purge, now)
        });
        if self.get(&id.id).is_some() {
            self.check_hub_deletion(id)?;
        }
        let Some(resource) = self.get_mut(&id.id) else {
            if purge && self.deleted.contains_key(&id.lower()) {
                return Ok(self.begin(request, &id.id, effect));
            }
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        };
        let before = resource.body.clone();
        resource.stale = request.lag(Some(before));
        set_state(&mut resource.body, "Deleting");
        Ok(self.begin(request, &id.id, effect))
    }

    fn end_creation(&mut self, operation: &Operation, now: Timestamp) -> Result<(), Refusal> {
        let Some(resource) = self.get(&operation.target) else {
            return Ok(());
        };
        let mut workspace = resource.body.clone();
        let with_group = is_customer_managed(&workspace) && !is_service_side(&workspace);
        let outcome = operation.outcome_of(|| self.can_create(&workspace, with_group, now));
        set_state(
            &mut workspace,
            if outcome.is_ok() { "Succeeded" } else { "Failed" },
        );
        if with_group && (outcome.is_ok() || self.settings.failed_creation_leaves_group) {
            self.add_managed_group(&mut workspace, outcome.is_ok(), now);
        }
        self.store(&operation.target, workspace, now);
        if let Some(resource) = self.get_mut(&operation.target) {
            resource.established = outcome.is_ok();
        }
        if outcome.is_ok() {
            self.associate(&operation.target);
        }
        outcome
    }

    fn can_create(&self, workspace: &Value, with_group: bool, now: Timestamp) -> Result<(), Refusal> {
        let subscription = subscription_of(at(workspace, "/id").unwrap_or_default());
        if with_group {
            let missing = WITH_MANAGED_GROUP
                .iter()
                .find(|namespace| !self.is_registered(subscription, namespace));
            if let Some(namespace) = missing {
                return Err(crate::front::not_registered(namespace));
            }
        }
        for name in ["keyVault", "storageAccount"] {
            let id = at(workspace, &format!("/properties/{name}")).unwrap_or_default();
            if !id.is_empty() && self.get(id).is_none() {
                return Err(Refusal::bad_request(
                    "BadRequest",
                    format!("The workspace's {name} {id} was not found."),
                ));
            }
        }
        if !is_customer_managed(workspace) {
            return Ok(());
        }
        check_key(self, workspace, at(workspace, KEY).unwrap_or_default(), now)?;
        if with_group {
            let location = at(workspace, "/location").unwrap_or_default();
            self.check_quotas(subscription, location)?;
            self.check_managed_group(workspace, now)?;
        }
        Ok(())
    }

    pub(crate) fn end_key_change(
        &mut self,
        operation: &Operation,
        key: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(resource) = self.get(&operation.target) else {
            return Ok(());
        };
        let mut workspace = resource.body.clone();
        let outcome = operation.outcome_of(|| check_key(self, &workspace, key, now));
        set_state(&mut workspace, self.state_after(&outcome));
        if outcome.is_ok()
            && !self.settings.lies.drop_key_write
            && let Some(properties) = workspace.pointer_mut("/properties/encryption/keyVaultProperties")
        {
            set(properties, "keyIdentifier", key);
            self.give_managed_group_the_key(&workspace, now);
        }
        self.store(&operation.target, workspace, now);
        outcome
    }

    fn end_deletion(&mut self, operation: &Operation, purge: bool, now: Timestamp) -> Result<(), Refusal> {
        if let Some(refusal) = operation.fails.clone() {
            if let Some(resource) = self.get_mut(&operation.target) {
                set_state(&mut resource.body, "Succeeded");
            }
            return Err(refusal);
        }
        for project in self.projects_of(&operation.target) {
            self.keep_or_purge(&project, purge, now);
        }
        self.keep_or_purge(&operation.target, purge, now);
        Ok(())
    }

    /// Takes a workspace away, and keeps it as a deleted one unless it is purged.
    fn keep_or_purge(&mut self, id: &str, purge: bool, now: Timestamp) {
        let lower = id.to_lowercase();
        let Some(mut resource) = self.remove(id).or_else(|| self.deleted.remove(&lower)) else {
            return;
        };
        if purge || (is_kind(&resource.body, "Hub") && !self.settings.hubs_soft_delete) {
            if !self.settings.lies.managed_group_survives_purge {
                self.remove_managed_group(&resource.body);
            }
            return;
        }
        resource.changed = now;
        self.deleted.insert(lower, resource);
    }
}

/// 409 while something else is under way.
pub(crate) fn busy(id: &ResourceId) -> Refusal {
    Refusal::conflict(
        "Conflict",
        format!(
            "Another operation is in progress on the workspace '{}'. Try again later.",
            id.name
        ),
    )
}
