//! `Microsoft.CognitiveServices/accounts`: PUT, PATCH, DELETE, and what their operations do.
//!
//! Invariant: one operation at a time; what an account's key is changes only at the end of one.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account_key::{Encryption, own_key};
use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::operations::{Effect, Operation, Verb};
use crate::provisioning::{check_location, set_state};
use crate::refusal::Refusal;
use crate::settings::{Answers, Busy};
use crate::shape::drop_read_only;
use crate::text::{at, merge, set};
use crate::types::{ACCOUNTS, Behaviour};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_account,
    patch: World::patch_account,
    delete: World::delete_account,
    taken_along: Some(World::keep_account),
};

/// Properties that a PUT does not take away by leaving them out.
const WITHOUT_SAYING: [&str; 5] = [
    "allowProjectManagement",
    "customSubDomainName",
    "dateCreated",
    "internalId",
    "isMigrated",
];

impl World {
    /// PUT.
    fn put_account(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        if let Some(operation) = self.joined_in_account(request, id, Verb::Create)? {
            let account = self.get(&id.id).map(|one| one.body.clone()).unwrap_or_default();
            return Ok(self.begun(self.accepted(request, operation), StatusCode::CREATED, account));
        }
        if self.deleted_accounts.contains_key(&id.lower()) {
            return self.restore_account(request, id, &body);
        }
        if self.get(&id.id).is_some_and(|existing| existing.established) {
            return self.change_account(request, id, &body, true);
        }
        let mut account = self.new_account(id, &body, request.now);
        self.check_account(id, &account)?;
        set_state(&mut account, "Creating");
        let mut resource = Resource::new(account.clone(), request.now);
        resource.stale = request.lag(None);
        self.put(resource);
        let begun = self.begin(
            request,
            &id.id,
            Effect::new(Verb::Create, Self::end_account_creation),
        );
        Ok(self.begun(begun, StatusCode::CREATED, account))
    }

    /// PATCH.
    fn patch_account(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        self.joined_in_account(request, id, Verb::Change)?;
        self.change_account(request, id, &body, false)
    }

    /// Changes what can be changed. A `whole` body, of a PUT, says everything, a PATCH only what it changes.
    fn change_account(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
        whole: bool,
    ) -> Result<Reply, Refusal> {
        let Some(before) = self.get(&id.id).map(|one| one.body.clone()) else {
            return Err(Refusal::resource_not_found(&id.kind, &id.name, id.group()));
        };
        check_location(id, &before, body)?;
        let mut account = self.account_with(id, body, Some(&before), whole);
        self.check_account_change(id, &before, &mut account)?;
        self.check_account(id, &account)?;
        let wanted = self.wanted_encryption(id, &before, body, whole)?;
        set_encryption(&mut account, own_key(&before));
        finish(&mut account, request.now);
        let Some(wanted) = wanted else {
            set_state(&mut account, "Succeeded");
            self.replace_body(request, id, account.clone(), before);
            return Ok(Reply::ok(account));
        };
        set_state(&mut account, "Accepted");
        self.replace_body(request, id, account.clone(), before);
        let effect = Effect::new(Verb::Change, move |world: &mut Self, operation, now| {
            world.end_account_change(operation, &wanted, now)
        });
        let begun = self.begin(request, &id.id, effect);
        let status = if whole {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        };
        Ok(self.begun(begun, status, account))
    }

    /// DELETE.
    fn delete_account(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        self.check_nested(id)?;
        if let Some(operation) = self.joined_in_account(request, id, Verb::Delete)? {
            return Ok(self.accepted(request, operation));
        }
        let Some(resource) = self.get_mut(&id.id) else {
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        };
        let before = resource.body.clone();
        resource.stale = request.lag(Some(before));
        set_state(&mut resource.body, "Deleting");
        let effect = Effect::new(Verb::Delete, |world: &mut Self, operation, now| {
            let outcome = operation.outcome_of(|| Ok(()));
            if outcome.is_ok() {
                world.keep_account(&operation.target, now);
            } else if let Some(resource) = world.get_mut(&operation.target) {
                set_state(&mut resource.body, "Succeeded");
            }
            outcome
        });
        Ok(self.begin(request, &id.id, effect))
    }

    /// A new account, with the encryption that was asked for.
    fn new_account(&mut self, id: &ResourceId, body: &Value, now: Timestamp) -> Value {
        // One whose creation failed is made anew, and keeps its system-assigned identity.
        let failed = self
            .get(&id.id)
            .map(|one| json!({ "identity": one.body.get("identity") }));
        let mut account = self.account_with(id, body, failed.as_ref(), true);
        let encryption = own_key(&account);
        set_encryption(&mut account, encryption);
        if let Some(properties) = account.get_mut("properties") {
            set(
                properties,
                "internalId",
                crate::text::guid(&id.lower()).replace('-', ""),
            );
            set(properties, "dateCreated", now.to_string());
            set(properties, "isMigrated", false);
        }
        finish(&mut account, now);
        account
    }

    /// An account as a request wants it.
    fn account_with(&mut self, id: &ResourceId, sent: &Value, before: Option<&Value>, whole: bool) -> Value {
        let mut sent = sent.clone();
        drop_read_only(&crate::shapes::ACCOUNT, &mut sent);
        let before_properties = before.and_then(|before| before.get("properties"));
        let mut account = before.filter(|_| !whole).cloned().unwrap_or_else(|| {
            let id = before.and_then(|before| at(before, "/id")).unwrap_or(&id.id);
            json!({ "id": id, "properties": {} })
        });
        set(&mut account, "name", id.name.clone());
        set(&mut account, "type", ACCOUNTS);
        for name in ["kind", "location", "sku", "tags"] {
            if let Some(value) = sent.get(name).filter(|value| !value.is_null()) {
                set(&mut account, name, value.clone());
            }
        }
        let own = before.and_then(|before| before.get("identity"));
        if let Some(identity) = sent.get("identity").filter(|identity| !identity.is_null()) {
            let block = self.identity_block(id, identity, own, whole);
            set(&mut account, "identity", block);
        } else if let Some(own) = own.filter(|own| !own.is_null()) {
            set(&mut account, "identity", own.clone());
        }
        if let Some(properties) = account.get_mut("properties") {
            if whole {
                // What is set once stays when it is not said again.
                for name in WITHOUT_SAYING {
                    if let Some(value) = before_properties.and_then(|before| before.get(name)) {
                        set(properties, name, value.clone());
                    }
                }
            }
            if let Some(wanted) = sent.get("properties") {
                merge(properties, wanted);
            }
            if let Some(properties) = properties.as_object_mut() {
                // How it came to be is not told.
                properties.remove("restore");
            }
            if properties.get("publicNetworkAccess").is_none() {
                set(properties, "publicNetworkAccess", "Enabled");
            }
        }
        account
    }

    /// An account that was made earlier, for a seed.
    pub(crate) fn add_account(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut account = self.new_account(id, body, now);
        set_state(&mut account, "Succeeded");
        let mut resource = Resource::new(account, now);
        resource.established = true;
        self.put(resource);
        Ok(())
    }

    fn end_account_creation(&mut self, operation: &Operation, now: Timestamp) -> Result<(), Refusal> {
        let Some(mut account) = self.get(&operation.target).map(|one| one.body.clone()) else {
            return Ok(());
        };
        let outcome = operation.outcome_of(|| self.check_encryption(&account, &own_key(&account), now));
        set_state(&mut account, if outcome.is_ok() { "Succeeded" } else { "Failed" });
        finish(&mut account, now);
        self.store(&operation.target, account, now);
        if let Some(resource) = self.get_mut(&operation.target) {
            resource.established = outcome.is_ok();
        }
        outcome
    }

    fn end_account_change(
        &mut self,
        operation: &Operation,
        wanted: &Encryption,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(mut account) = self.get(&operation.target).map(|one| one.body.clone()) else {
            return Ok(());
        };
        let outcome = operation.outcome_of(|| self.check_encryption(&account, wanted, now));
        set_state(&mut account, self.state_after(&outcome));
        if outcome.is_ok() && !self.settings.lies.drop_key_write {
            set_encryption(&mut account, wanted.clone());
        }
        finish(&mut account, now);
        self.store(&operation.target, account, now);
        outcome
    }

    /// The answer to what began an operation. A 200 or 201 with `Azure-AsyncOperation` is no end (async-operations).
    pub(crate) fn begun(&self, mut reply: Reply, status: StatusCode, account: Value) -> Reply {
        if self.settings.accounts.answers == Answers::Body {
            reply.status = status;
            reply.body = Some(account);
            if status != StatusCode::ACCEPTED {
                reply.headers.retain(|(name, _)| name != "location");
            }
        }
        reply
    }

    /// 409 while something else is under way in an account (Vector-Search-AI-Assistant #11, bicep-types-az #2419).
    pub(crate) fn busy(&self, account: &str) -> Refusal {
        let message = match self.settings.accounts.busy {
            Busy::Parent => format!(
                "Another operation is being performed on the parent resource '{account}'. Please try again later."
            ),
            Busy::NotTerminal => format!(
                "Cannot modify resource with id '{account}' because the resource entity provisioning state is not terminal. \
                 Please wait for the provisioning state to become terminal and then retry the request."
            ),
        };
        Refusal::conflict("RequestConflict", message)
    }
}

fn set_encryption(account: &mut Value, encryption: Encryption) {
    let Some(properties) = account.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    properties.retain(|name, _| !name.eq_ignore_ascii_case("encryption"));
    if let Some(encryption) = encryption {
        properties.insert("encryption".to_owned(), encryption);
    }
}

/// Gives an account what follows from the rest of it.
fn finish(account: &mut Value, now: Timestamp) {
    let subdomain = at(account, "/properties/customSubDomainName").filter(|name| !name.is_empty());
    let location = at(account, "/location")
        .unwrap_or_default()
        .replace(' ', "")
        .to_lowercase();
    let endpoint = match subdomain {
        Some(name) => format!("https://{}.cognitiveservices.azure.com/", name.to_lowercase()),
        None => format!("https://{location}.api.cognitive.microsoft.com/"),
    };
    if let Some(properties) = account.get_mut("properties") {
        set(properties, "endpoint", endpoint);
    }
    set_etag(account, now);
}

/// Gives an account or a project an etag that it did not have before.
pub(crate) fn set_etag(body: &mut Value, now: Timestamp) {
    let etag = crate::text::guid(&format!("{now}{body}"));
    set(body, "etag", format!("\"{etag}\""));
}
