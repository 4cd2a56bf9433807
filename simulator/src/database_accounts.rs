//! `Microsoft.DocumentDB/databaseAccounts`: PUT, PATCH, DELETE, and what their operations do.
//!
//! Invariant: one operation at a time; what an account's key is changes only at the end of one, and there is no way back from a key.
//!
//! Source, unless another is named: how-to-setup-customer-managed-keys, and -existing-accounts.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::database_key::{DEFAULT_IDENTITY, KEY, check_form, is_system_assigned, key_of};
use crate::encryption::place;
use crate::front::{Reply, Request};
use crate::operations::{Effect, Operation, Verb};
use crate::provisioning::{check_location, set_state};
use crate::refusal::Refusal;
use crate::shape::drop_read_only;
use crate::shapes;
use crate::text::{at, merge, set};
use crate::types::{Behaviour, COSMOS};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_database,
    patch: World::patch_database,
    delete: World::delete_database,
    taken_along: None,
};

/// What comes only at the end of an operation.
const AT_THE_END: [&str; 2] = ["keyVaultKeyUri", "defaultIdentity"];

impl World {
    /// PUT.
    fn put_database(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        if let Some(operation) = self.joined(request, &id.id, Verb::Create, || locked(id))? {
            return Ok(self.under_way_with(self.accepted(request, operation), id));
        }
        if self.get(&id.id).is_some() {
            return self.change_database(request, id, &body, true);
        }
        let mut account = self.new_database(id, &body);
        check_form(&account)?;
        if key_of(&account).is_some() && is_system_assigned(&account) {
            // The text is not known.
            return Err(Refusal::bad_request(
                "BadRequest",
                "SystemAssignedIdentity cannot be the default identity of a new account with a customer-managed key.",
            ));
        }
        set_state(&mut account, "Creating");
        let mut resource = Resource::new(account, request.now);
        resource.stale = request.lag(None);
        self.put(resource);
        let effect = Effect::new(Verb::Create, Self::end_database_creation);
        let begun = self.begin(request, &id.id, effect);
        Ok(self.under_way_with(begun, id))
    }

    /// PATCH.
    fn patch_database(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        self.joined(request, &id.id, Verb::Change, || locked(id))?;
        self.change_database(request, id, &body, false)
    }

    /// Changes an account. A `whole` body, of a PUT, says its tags and its identities anew; neither takes away another property by
    /// leaving it out.
    fn change_database(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
        whole: bool,
    ) -> Result<Reply, Refusal> {
        let Some(resource) = self.get(&id.id) else {
            return Err(Refusal::resource_not_found(&id.kind, &id.name, id.group()));
        };
        let before = resource.body.clone();
        if !resource.established {
            return Err(failed(id));
        }
        check_location(id, &before, body)?;
        let revoked = self.revocation(&before, request.now);
        if let Some(status) = &revoked
            && !is_change_of_identity(body)
        {
            // Code and status are not known.
            return Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden", status.clone()));
        }
        let mut wanted = self.database_with(id, body, &before, whole);
        self.check_way(id, &before, &mut wanted)?;
        check_form(&wanted)?;
        let mut account = wanted.clone();
        for name in AT_THE_END {
            let old = before.pointer(&format!("/properties/{name}")).cloned();
            give(&mut account, name, old);
        }
        set_state(&mut account, "Updating");
        self.replace_body(request, id, account, before);
        let effect = Effect::new(Verb::Change, move |world: &mut Self, operation, now| {
            world.end_database_change(operation, &wanted, revoked.is_some(), now)
        });
        let begun = self.begin(request, &id.id, effect);
        Ok(self.under_way_with(begun, id))
    }

    /// An account with a key keeps one. What may not change is set back.
    fn check_way(&self, id: &ResourceId, before: &Value, wanted: &mut Value) -> Result<(), Refusal> {
        let Some(old) = key_of(before) else {
            return Ok(());
        };
        let stays = match key_of(wanted) {
            None => false,
            Some(new) => self.settings.database_accounts.other_vault || place(new) == place(old),
        };
        if !stays {
            self.forbidden_change(id, "properties.keyVaultKeyUri")?;
            give(wanted, "keyVaultKeyUri", Some(json!(old)));
        }
        Ok(())
    }

    /// DELETE.
    fn delete_database(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        if let Some(operation) = self.joined(request, &id.id, Verb::Delete, || locked(id))? {
            return Ok(self.accepted(request, operation));
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
        Ok(self.begin(request, &id.id, effect))
    }

    /// An account that was made earlier, for a seed. Whether it can use its key is not looked at.
    pub(crate) fn add_database(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut account = self.new_database(id, body);
        check_form(&account)?;
        self.use_database_key(&mut account);
        let mut resource = Resource::new(account, now);
        resource.established = true;
        self.put(resource);
        Ok(())
    }

    fn new_database(&mut self, id: &ResourceId, body: &Value) -> Value {
        let before = json!({
            "id": id.id,
            "kind": "GlobalDocumentDB",
            "properties": {
                "provisioningState": "Succeeded",
                "defaultIdentity": "FirstPartyIdentity",
                "documentEndpoint": format!("https://{}.documents.azure.com:443/", id.name),
                "instanceId": crate::text::guid(&id.lower()),
            },
        });
        self.database_with(id, body, &before, true)
    }

    /// An account as a request wants it.
    fn database_with(&mut self, id: &ResourceId, sent: &Value, before: &Value, whole: bool) -> Value {
        let mut sent = sent.clone();
        drop_read_only(&shapes::COSMOS, &mut sent);
        let mut account = before.clone();
        set(&mut account, "name", id.name.clone());
        set(&mut account, "type", COSMOS);
        for name in ["kind", "location", "tags"] {
            if let Some(value) = sent.get(name).filter(|value| !value.is_null()) {
                set(&mut account, name, value.clone());
            }
        }
        if let Some(identity) = sent.get("identity").filter(|identity| !identity.is_null()) {
            let block = self.identity_block(id, identity, before.get("identity"), whole);
            set(&mut account, "identity", block);
        }
        if let (Some(properties), Some(wanted)) = (account.get_mut("properties"), sent.get("properties")) {
            merge(properties, wanted);
        }
        if key_of(&account).is_none() {
            give(&mut account, "keyVaultKeyUri", None);
        }
        account
    }

    fn end_database_creation(&mut self, operation: &Operation, now: Timestamp) -> Result<(), Refusal> {
        let Some(mut account) = self.get(&operation.target).map(|one| one.body.clone()) else {
            return Ok(());
        };
        let outcome = operation.outcome_of(|| self.check_database_key(&account, now));
        set_state(&mut account, if outcome.is_ok() { "Succeeded" } else { "Failed" });
        if outcome.is_ok() {
            self.use_database_key(&mut account);
        }
        self.store(&operation.target, account, now);
        if let Some(resource) = self.get_mut(&operation.target) {
            resource.established = outcome.is_ok();
            resource.looked = now;
        }
        outcome
    }

    fn end_database_change(
        &mut self,
        operation: &Operation,
        wanted: &Value,
        was_revoked: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(mut account) = self.get(&operation.target).map(|one| one.body.clone()) else {
            return Ok(());
        };
        let is_new_key = at(&account, KEY) != at(wanted, KEY);
        let is_new_identity = at(&account, DEFAULT_IDENTITY) != at(wanted, DEFAULT_IDENTITY);
        let outcome = operation.outcome_of(|| {
            if is_new_key || (is_new_identity && !was_revoked) {
                self.check_database_key(wanted, now)
            } else if is_new_identity {
                self.check_database_identity(wanted)
            } else {
                Ok(())
            }
        });
        set_state(&mut account, self.state_after(&outcome));
        if outcome.is_ok() {
            for name in AT_THE_END {
                let new = wanted.pointer(&format!("/properties/{name}")).cloned();
                give(&mut account, name, new);
            }
            if is_new_key {
                self.use_database_key(&mut account);
            }
        }
        self.store(&operation.target, account, now);
        if let Some(resource) = self.get_mut(&operation.target).filter(|_| is_new_key) {
            resource.looked = now;
        }
        outcome
    }

    /// 200 with the account, and `Azure-AsyncOperation`: no end (async-operations).
    fn under_way_with(&self, mut begun: Reply, id: &ResourceId) -> Reply {
        begun.status = StatusCode::OK;
        begun.headers.retain(|(name, _)| name != "location");
        begun.body = self.get(&id.id).map(|one| self.shown(&one.body));
        begun
    }
}

/// Sets a property, or takes it away.
fn give(account: &mut Value, name: &str, value: Option<Value>) {
    let Some(properties) = account.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    match value {
        Some(value) => properties.insert(name.to_owned(), value),
        None => properties.remove(name),
    };
}

/// Whether a request changes nothing but by what the account fetches its key.
fn is_change_of_identity(body: &Value) -> bool {
    let only = |value: &Value, names: &[&str]| {
        value
            .as_object()
            .is_some_and(|members| members.keys().all(|name| names.contains(&name.as_str())))
    };
    only(body, &["identity", "properties"])
        && body
            .get("properties")
            .is_none_or(|properties| only(properties, &["defaultIdentity"]))
}

/// terraform-provider-azurerm and others report status, code and text.
fn locked(id: &ResourceId) -> Refusal {
    Refusal::new(
        StatusCode::PRECONDITION_FAILED,
        "PreconditionFailed",
        format!(
            "There is already an operation in progress which requires exclusive lock on this service {}. Please retry the \
             operation after sometime.",
            id.name
        ),
    )
}

/// vscode-cosmosdb #1820; the code is not known.
fn failed(id: &ResourceId) -> Refusal {
    Refusal::bad_request(
        "BadRequest",
        format!(
            "DatabaseAccount {} is in a failed provisioning state because the previous attempt to create it was not successful. \
             Please delete the previous instance and retry creating this account.",
            id.name
        ),
    )
}
