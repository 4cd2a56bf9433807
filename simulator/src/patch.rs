//! Changes of a workspace: what Azure's PATCH lets through, and what it does not.
//!
//! The members are those of the update type of api-version 2025-06-01 (WorkspaceUpdateParameters): in the encryption, only
//! `keyVaultProperties.keyIdentifier`.

use serde_json::Value;

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::hub_projects::check_own_settings;
use crate::managed_network::await_network;
use crate::operations::{Effect, Verb};
use crate::provisioning::{check_location, is_kind, set_state};
use crate::refusal::Refusal;
use crate::text::{at, member, merge, set};
use crate::workspace_key::{KEY, is_customer_managed};
use crate::workspaces::busy;
use crate::world::World;

/// Properties that can be changed.
const CHANGEABLE: &[&str] = &[
    "applicationInsights",
    "containerRegistry",
    "description",
    "enableDataIsolation",
    "featureStoreSettings",
    "friendlyName",
    "imageBuildCompute",
    "primaryUserAssignedIdentity",
    "publicNetworkAccess",
    "serverlessComputeSettings",
    "serviceManagedResourcesSettings",
    "systemDatastoresAuthMode",
    "v1LegacyMode",
];

/// `encryption` and `managedNetwork` have rules of their own; which projects a hub has is not its own to say.
const SAID_ELSEWHERE: [&str; 2] = ["associatedWorkspaces", "encryption"];

impl World {
    /// PATCH.
    pub(crate) fn patch_workspace(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
    ) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        self.authorize_network(request, id, &body)?;
        self.joined(request, &id.id, Verb::Change, || busy(id))?;
        self.change_workspace(request, id, &body, false)
    }

    /// Changes what can be changed. A `whole` body, of a PUT, says everything, a PATCH only what it changes.
    pub(crate) fn change_workspace(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
        whole: bool,
    ) -> Result<Reply, Refusal> {
        let Some(before) = self.get(&id.id).map(|one| one.body.clone()) else {
            return Err(Refusal::resource_not_found(&id.kind, &id.name, id.group()));
        };
        let mut workspace = before.clone();
        if let Some((_, tags)) = member(body, "tags") {
            set(&mut workspace, "tags", tags.clone());
        }
        if let Some((_, sku)) = member(body, "sku") {
            set(&mut workspace, "sku", sku.clone());
        }
        if let Some((_, identity)) = member(body, "identity") {
            let block = self.identity_block(id, identity, before.get("identity"), whole);
            set(&mut workspace, "identity", block);
        }
        check_location(id, &before, body)?;
        if is_kind(&before, "Project") {
            check_own_settings(body)?;
        }
        let properties = member(body, "properties")
            .map(|(_, value)| value.clone())
            .unwrap_or_default();
        // What an answer shows can be sent again.
        let shown = self.shown(&before);
        let old = shown.get("properties").cloned().unwrap_or_default();
        for (name, value) in properties.as_object().into_iter().flatten() {
            if name.eq_ignore_ascii_case("managedNetwork") {
                let network = self.changed_network(id, &before, value)?;
                if let Some(target) = workspace.get_mut("properties") {
                    set(target, "managedNetwork", network);
                }
            } else if CHANGEABLE.iter().any(|one| one.eq_ignore_ascii_case(name)) {
                if let Some(target) = workspace.get_mut("properties") {
                    let mut patch = serde_json::Map::new();
                    patch.insert(name.clone(), value.clone());
                    merge(target, &Value::Object(patch));
                }
            } else if !SAID_ELSEWHERE.iter().any(|one| one.eq_ignore_ascii_case(name))
                && is_set_otherwise(&old, name, value)
            {
                self.forbidden_change(id, &format!("properties.{name}"))?;
            }
        }
        await_network(&mut workspace);
        if whole && is_customer_managed(&before) && !is_customer_managed(body) {
            self.forbidden_change(id, "properties.encryption")?;
        }
        let key = match member(&properties, "encryption") {
            Some((_, encryption)) => self.wanted_key(id, &before, encryption)?,
            None => None,
        };
        if let Some(key) = key {
            set_state(&mut workspace, "Updating");
            self.replace_body(request, id, workspace, before);
            let effect = Effect::new(Verb::Change, move |world: &mut Self, operation, now| {
                world.end_key_change(operation, &key, now)
            });
            return Ok(self.begin(request, &id.id, effect));
        }
        set_state(&mut workspace, "Succeeded");
        self.replace_body(request, id, workspace.clone(), before);
        Ok(Reply::ok(self.shown(&workspace)))
    }

    /// The other key of the same vault that is asked for. Anything else in the encryption cannot be changed.
    fn wanted_key(
        &self,
        id: &ResourceId,
        before: &Value,
        encryption: &Value,
    ) -> Result<Option<String>, Refusal> {
        if !is_customer_managed(before) {
            if at(encryption, "/status").is_none_or(|status| status.eq_ignore_ascii_case("Enabled")) {
                self.forbidden_change(id, "properties.encryption")?;
            }
            return Ok(None);
        }
        let old = before
            .pointer("/properties/encryption")
            .cloned()
            .unwrap_or_default();
        for (name, value) in encryption.as_object().into_iter().flatten() {
            if !name.eq_ignore_ascii_case("keyVaultProperties") && is_set_otherwise(&old, name, value) {
                self.forbidden_change(id, &format!("properties.encryption.{name}"))?;
            }
        }
        let Some((_, vault)) = member(encryption, "keyVaultProperties") else {
            return Ok(None);
        };
        let old = old.get("keyVaultProperties").cloned().unwrap_or_default();
        for (name, value) in vault.as_object().into_iter().flatten() {
            if !name.eq_ignore_ascii_case("keyIdentifier") && is_set_otherwise(&old, name, value) {
                self.forbidden_change(id, &format!("properties.encryption.keyVaultProperties.{name}"))?;
            }
        }
        let Some(key) = member(vault, "keyIdentifier").and_then(|(_, value)| value.as_str()) else {
            return Ok(None);
        };
        let now = at(before, KEY).unwrap_or_default();
        if key.eq_ignore_ascii_case(now) {
            return Ok(None);
        }
        let host = |text: &str| {
            let url = url::Url::parse(text).ok()?;
            Some((url.host_str()?.to_owned(), url.port()))
        };
        if host(key) != host(now) {
            self.forbidden_change(id, "properties.encryption.keyVaultProperties.keyVaultArmId")?;
            return Ok(None);
        }
        Ok(Some(key.to_owned()))
    }
}

/// Whether a member is sent with another value than it has. Text is compared as ids are; what is left out by null is not.
fn is_set_otherwise(old: &Value, name: &str, new: &Value) -> bool {
    if new.is_null() {
        return false;
    }
    let Some((_, old)) = member(old, name) else {
        // What a workspace does not have was not there at its creation; false is as good as absent.
        return new != &Value::Bool(false);
    };
    match (old.as_str(), new.as_str()) {
        (Some(old), Some(new)) => !old.eq_ignore_ascii_case(new),
        _ if old.is_object() && new.is_object() => new
            .as_object()
            .into_iter()
            .flatten()
            .any(|(name, value)| is_set_otherwise(old, name, value)),
        _ => old != new,
    }
}
