//! `Microsoft.Storage/storageAccounts`: PUT, PATCH, DELETE, and what the operation of a creation does.
//!
//! Invariant: an account is made or it is not: no state of it is Failed. What exists is changed at once.
//!
//! Codes: rest/api/storagerp, error codes of "Create Storage Account". Which texts they have is known where one stands in quotes in a
//! report that is named.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::{ResourceId, subscription_of};
use crate::front::{Reply, Request};
use crate::operations::{Effect, Operation, Verb};
use crate::provisioning::{check_location, set_state};
use crate::refusal::Refusal;
use crate::shape::drop_read_only;
use crate::shapes;
use crate::storage_key::{complete_encryption, has_own_key, is_same_key};
use crate::text::{at, merge, set};
use crate::types::{Behaviour, STORAGE};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_storage,
    patch: World::patch_storage,
    delete: World::delete_storage,
    taken_along: None,
};

/// What is set at creation alone (infrastructure-encryption-enable; terraform-provider-azurerm, storage_account_resource).
const AT_CREATION: [&str; 4] = [
    "isHnsEnabled",
    "encryption.requireInfrastructureEncryption",
    "encryption.services.queue.keyType",
    "encryption.services.table.keyType",
];

impl World {
    /// PUT.
    fn put_storage(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        if let Some(operation) = self.joined(request, &id.id, Verb::Create, in_progress)? {
            return Ok(self.accepted(request, operation).located());
        }
        if self.get(&id.id).is_some() {
            return self.change_storage(request, id, &body, true);
        }
        self.check_storage_name(id)?;
        let mut account = self.new_storage(id, &body, request.now);
        if has_own_key(&account) {
            self.check_storage_key(&account, true, request.now)?;
        }
        set_state(&mut account, "Creating");
        let mut resource = Resource::new(account, request.now);
        resource.stale = request.lag(None);
        self.put(resource);
        let effect = Effect::new(Verb::Create, Self::end_storage_creation);
        Ok(self.begin(request, &id.id, effect).located())
    }

    /// PATCH.
    fn patch_storage(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        self.joined(request, &id.id, Verb::Change, in_progress)?;
        self.change_storage(request, id, &body, false)
    }

    /// Changes an account. A `whole` body, of a PUT, says its tags and its identities anew; neither takes away another property by
    /// leaving it out.
    fn change_storage(
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
        check_at_creation(&before, body)?;
        check_source(&before, body)?;
        let mut account = self.storage_with(id, body, &before, whole);
        complete_encryption(&mut account, request.now);
        if has_own_key(&account) && !is_same_key(&before, &account) {
            self.check_storage_key(&account, false, request.now)?;
            self.use_storage_key(&mut account, request.now);
            if let Some(resource) = self.get_mut(&id.id) {
                resource.looked = request.now;
            }
        }
        self.replace_body(request, id, account.clone(), before);
        Ok(Reply::ok(account))
    }

    /// DELETE.
    fn delete_storage(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        self.joined(request, &id.id, Verb::Delete, in_progress)?;
        self.delete_plain(request, id)
    }

    /// An account that was made earlier, for a seed. Whether it can use its key is not looked at.
    pub(crate) fn add_storage(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let account = self.new_storage(id, body, now);
        self.put(Resource::new(account, now));
        Ok(())
    }

    fn new_storage(&mut self, id: &ResourceId, body: &Value, now: Timestamp) -> Value {
        let location = at(body, "/location").unwrap_or_default();
        let before = json!({
            "id": id.id,
            "properties": {
                "provisioningState": "Succeeded",
                "creationTime": now.to_string(),
                "primaryLocation": location.replace(' ', "").to_lowercase(),
                "statusOfPrimary": "available",
                "primaryEndpoints": endpoints(&id.name),
            },
        });
        let mut account = self.storage_with(id, body, &before, true);
        complete_encryption(&mut account, now);
        if has_own_key(&account) {
            self.use_storage_key(&mut account, now);
        }
        account
    }

    /// An account as a request wants it.
    fn storage_with(&mut self, id: &ResourceId, sent: &Value, before: &Value, whole: bool) -> Value {
        let mut sent = sent.clone();
        drop_read_only(&shapes::STORAGE, &mut sent);
        let mut account = before.clone();
        set(&mut account, "name", id.name.clone());
        set(&mut account, "type", STORAGE);
        for name in [
            "kind",
            "location",
            "sku",
            "tags",
            "extendedLocation",
            "zones",
            "placement",
        ] {
            if let Some(value) = sent.get(name).filter(|value| !value.is_null()) {
                set(&mut account, name, value.clone());
            }
        }
        let tier = at(&account, "/sku/name")
            .and_then(|sku| sku.split('_').next())
            .map_or("Standard", |tier| {
                if tier.starts_with("Premium") {
                    "Premium"
                } else {
                    "Standard"
                }
            });
        if let Some(sku) = account.get_mut("sku") {
            set(sku, "tier", tier);
        }
        if let Some(identity) = sent.get("identity").filter(|identity| !identity.is_null()) {
            let block = self.identity_block(id, identity, before.get("identity"), whole);
            set(&mut account, "identity", block);
        }
        if let (Some(properties), Some(wanted)) = (account.get_mut("properties"), sent.get("properties")) {
            merge(properties, wanted);
        }
        account
    }

    fn end_storage_creation(&mut self, operation: &Operation, now: Timestamp) -> Result<(), Refusal> {
        let Some(mut account) = self.get(&operation.target).map(|one| one.body.clone()) else {
            return Ok(());
        };
        let outcome = operation.outcome_of(|| {
            if has_own_key(&account) {
                self.check_storage_key(&account, true, now)?;
            }
            Ok(())
        });
        if outcome.is_ok() {
            set_state(&mut account, "Succeeded");
            self.store(&operation.target, account, now);
        } else {
            self.remove(&operation.target);
        }
        outcome
    }

    /// Names are unique in all of Azure.
    fn check_storage_name(&self, id: &ResourceId) -> Result<(), Refusal> {
        if id.name.chars().any(|c| c.is_ascii_uppercase()) {
            return Err(Refusal::bad_request(
                "AccountNameInvalid",
                format!(
                    "{} is not a valid storage account name. Storage account name must be between 3 and 24 characters in \
                     length and use numbers and lower-case letters only.",
                    id.name
                ),
            ));
        }
        let own = subscription_of(&id.id);
        let taken = self
            .resources
            .values()
            .find(|one| one.kind() == STORAGE && at(&one.body, "/name") == Some(id.name.as_str()));
        match taken {
            None => Ok(()),
            Some(other) if subscription_of(other.id()).eq_ignore_ascii_case(own) => Err(Refusal::conflict(
                "StorageAccountAlreadyExists",
                format!(
                    "The storage account named {} already exists under the subscription.",
                    id.name
                ),
            )),
            Some(_) => Err(Refusal::conflict(
                "StorageAccountAlreadyTaken",
                format!("The storage account named {} is already taken.", id.name),
            )),
        }
    }
}

impl Reply {
    /// With where to ask by `Location` alone.
    pub(crate) fn located(mut self) -> Self {
        self.headers.retain(|(name, _)| name != "azure-asyncoperation");
        self
    }
}

/// Where an account's services would answer.
pub(crate) fn endpoints(name: &str) -> Value {
    let at = |service: &str| format!("https://{name}.{service}.core.windows.net/");
    json!({ "blob": at("blob"), "file": at("file"), "queue": at("queue"), "table": at("table") })
}

fn in_progress() -> Refusal {
    Refusal::conflict(
        "StorageAccountOperationInProgress",
        "An operation for the storage account is in progress.",
    )
}

/// Text: Azure/ResourceModules #4466.
fn check_at_creation(before: &Value, body: &Value) -> Result<(), Refusal> {
    for path in AT_CREATION {
        let name = path.rsplit('.').next().unwrap_or(path);
        let pointer = format!("/properties/{}", path.replace('.', "/"));
        let of = |body: &Value| body.pointer(&pointer).filter(|value| !value.is_null()).cloned();
        let own = of(before).unwrap_or_else(|| {
            if name == "keyType" {
                json!("Service")
            } else {
                json!(false)
            }
        });
        if of(body).is_some_and(|wanted| wanted != own) {
            return Err(Refusal::bad_request(
                "AccountPropertyCannotBeUpdated",
                format!(
                    "The property '{name}' was specified in the input, but it cannot be updated as it is read-only. For more \
                     information, see - https://aka.ms/storageaccountupdate"
                ),
            ));
        }
    }
    Ok(())
}

/// A key for an account with Microsoft's keys needs to say that it shall be used.
fn check_source(before: &Value, body: &Value) -> Result<(), Refusal> {
    let names_key = body
        .pointer("/properties/encryption/keyvaultproperties")
        .is_some_and(Value::is_object);
    if names_key && at(body, "/properties/encryption/keySource").is_none() && !has_own_key(before) {
        return Err(Refusal::bad_request(
            "MissingEncryptionKeySource",
            "The Encryption KeySource is missing from the request.",
        ));
    }
    Ok(())
}
