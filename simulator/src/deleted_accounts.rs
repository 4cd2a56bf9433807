//! Accounts after their deletion: kept for 48 hours, restored, or purged (recover-purge-resources).
//!
//! Invariant: while an account is kept, a PUT of its id restores it or is refused, and its subdomain is taken.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use crate::account_key::own_key;
use crate::address::{Address, ResourceId, group_of, subscription_of};
use crate::front::{Method, Reply, Request, only};
use crate::operations::{Effect, Verb};
use crate::provisioning::set_state;
use crate::refusal::Refusal;
use crate::retention::end_of_retention;
use crate::text::{at, set};
use crate::types::{DELETED_ACCOUNTS, DELETED_ACCOUNTS_OF_LOCATION};
use crate::world::{Resource, World};

const RETENTION_DAYS: i64 = 2;

/// An account that was deleted.
#[derive(Clone, Debug)]
pub(crate) struct DeletedAccount {
    pub(crate) account: Resource,
    pub(crate) deleted: Timestamp,
    pub(crate) ends: Timestamp,
}

impl DeletedAccount {
    /// ARM id among the deleted ones.
    fn id(&self) -> String {
        let own = self.account.id();
        format!(
            "/subscriptions/{}/providers/Microsoft.CognitiveServices/locations/{}/resourceGroups/{}/deletedAccounts/{}",
            subscription_of(own),
            at(&self.account.body, "/location").unwrap_or_default(),
            group_of(own),
            at(&self.account.body, "/name").unwrap_or_default(),
        )
    }

    /// As Azure Resource Manager shows it.
    fn body(&self) -> Value {
        let mut body = self.account.body.clone();
        set(&mut body, "id", self.id());
        set(&mut body, "type", DELETED_ACCOUNTS_OF_LOCATION);
        if let Some(properties) = body.get_mut("properties") {
            set(properties, "deletionDate", self.deleted.to_string());
            set(properties, "scheduledPurgeDate", self.ends.to_string());
        }
        body
    }
}

impl World {
    /// Answers what is asked of the provider itself; `None` for everything else.
    pub(crate) fn cognitive_services(
        &mut self,
        request: &Request<'_>,
        address: &Address,
    ) -> Result<Option<Reply>, Refusal> {
        match address {
            Address::Collection { scope, kind } if kind.eq_ignore_ascii_case(DELETED_ACCOUNTS) => {
                self.list_deleted_accounts(request, scope).map(Some)
            }
            Address::Resource(id) if id.kind.eq_ignore_ascii_case(DELETED_ACCOUNTS_OF_LOCATION) => {
                if request.method == Method::Delete {
                    return self.ask_for_purge_of_account(request, id).map(Some);
                }
                only(request, Method::Get)?;
                let action = format!("{DELETED_ACCOUNTS_OF_LOCATION}/read");
                self.authorize(request.caller, &action, &id.id, request.now)?;
                let found = self
                    .deleted_account(id)
                    .ok_or_else(|| Refusal::resource_not_found(&id.kind, &id.name, id.group()))?;
                Ok(Some(Reply::ok(found.body())))
            }
            _ => Ok(None),
        }
    }

    fn list_deleted_accounts(&self, request: &Request<'_>, scope: &str) -> Result<Reply, Refusal> {
        only(request, Method::Get)?;
        let action = format!("{DELETED_ACCOUNTS}/read");
        self.authorize(request.caller, &action, scope, request.now)?;
        let items = self
            .deleted_accounts
            .values()
            .filter(|one| subscription_of(one.account.id()).eq_ignore_ascii_case(subscription_of(scope)))
            .map(DeletedAccount::body)
            .collect();
        Ok(self.page(request, items))
    }

    fn deleted_account(&self, id: &ResourceId) -> Option<&DeletedAccount> {
        self.deleted_accounts
            .values()
            .find(|one| one.id().eq_ignore_ascii_case(&id.id))
    }

    /// DELETE of a deleted account: the right to it is needed at the subscription, as it lies in no resource group.
    fn ask_for_purge_of_account(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let action = format!("{DELETED_ACCOUNTS_OF_LOCATION}/delete");
        self.authorize(request.caller, &action, &id.id, request.now)?;
        self.check_locks(&id.id, request.method)?;
        if request.ignores_write {
            return Ok(Reply::empty(StatusCode::OK));
        }
        let Some(account) = self.deleted_account(id).map(|one| one.account.id().to_owned()) else {
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        };
        if let Some(operation) = self.joined(request, &account, Verb::Purge, || self.busy(&id.id))? {
            return Ok(self.accepted(request, operation));
        }
        let effect = Effect::new(Verb::Purge, |world: &mut Self, operation, _| {
            operation.outcome_of(|| Ok(()))?;
            world.deleted_accounts.remove(&operation.target.to_lowercase());
            Ok(())
        });
        Ok(self.begin(request, &account, effect))
    }

    /// Deletes an account by its ARM id, and keeps it.
    pub(crate) fn keep_account(&mut self, id: &str, now: Timestamp) {
        let Some(mut account) = self.remove(id) else {
            return;
        };
        set_state(&mut account.body, "Succeeded");
        account.stale = None;
        let kept = DeletedAccount {
            account,
            deleted: now,
            ends: end_of_retention(now, RETENTION_DAYS),
        };
        self.deleted_accounts.insert(id.to_lowercase(), kept);
    }

    /// PUT over an account that is kept: brings it back as it was, or is refused (azure-cli #18146). What else the body says
    /// counts for nothing.
    pub(crate) fn restore_account(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
    ) -> Result<Reply, Refusal> {
        if !is_restore(body) {
            return Err(Refusal::conflict(
                "FlagMustBeSetForRestore",
                format!(
                    "An existing resource with ID '{}' has been soft-deleted. To restore the resource, you must specify \
                     'restore' to be 'true' in the property. If you don't want to restore existing resource, please purge \
                     it first.",
                    id.id
                ),
            ));
        }
        let Some(kept) = self.deleted_accounts.remove(&id.lower()) else {
            return Err(Refusal::resource_not_found(&id.kind, &id.name, id.group()));
        };
        let mut account = kept.account.clone();
        set_state(&mut account.body, "Creating");
        account.changed = request.now;
        account.stale = request.lag(None);
        let shown = account.body.clone();
        self.put(account);
        let effect = Effect::new(Verb::Create, move |world: &mut Self, operation, now| {
            // An account with a key comes back only after its vault (recover-purge-resources).
            let encryption = own_key(&kept.account.body);
            let outcome =
                operation.outcome_of(|| world.check_encryption(&kept.account.body, &encryption, now));
            if outcome.is_ok() {
                if let Some(resource) = world.get_mut(&operation.target) {
                    set_state(&mut resource.body, "Succeeded");
                    resource.established = true;
                }
            } else {
                world.remove(&operation.target);
                world
                    .deleted_accounts
                    .insert(operation.target.to_lowercase(), kept.clone());
            }
            outcome
        });
        let begun = self.begin(request, &id.id, effect);
        Ok(self.begun(begun, StatusCode::CREATED, shown))
    }
}

fn is_restore(body: &Value) -> bool {
    body.pointer("/properties/restore")
        .and_then(Value::as_bool)
        .unwrap_or(false)
}
