//! Vaults after their deletion: kept until their retention ends, recovered, or purged (key-vault, soft-delete-overview).
//!
//! Invariant: while a vault is kept, nobody else has its name. Its keys go with it and come back with it; its role
//! assignments do not come back.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::{ResourceId, is_within, subscription_of};
use crate::deleted_keys::{is_purge_protected, retention_days};
use crate::front::{Reply, Request};
use crate::refusal::Refusal;
use crate::retention::end_of_retention;
use crate::text::{at, set};
use crate::types::DELETED_VAULTS_OF_LOCATION;
use crate::world::{Resource, World};

/// A vault that was deleted.
#[derive(Clone, Debug)]
pub(crate) struct DeletedVault {
    /// The vault's body.
    pub(crate) vault: Value,
    /// The vault, its keys and their versions.
    resources: Vec<Resource>,
    pub(crate) deleted: Timestamp,
    pub(crate) ends: Timestamp,
}

impl DeletedVault {
    /// ARM id of the vault.
    pub(crate) fn vault_id(&self) -> &str {
        at(&self.vault, "/id").unwrap_or_default()
    }

    /// As Azure Resource Manager shows it (Microsoft.KeyVault/locations/deletedVaults).
    pub(crate) fn body(&self) -> Value {
        let name = at(&self.vault, "/name").unwrap_or_default();
        let location = at(&self.vault, "/location").unwrap_or_default();
        let subscription = subscription_of(self.vault_id());
        let mut properties = json!({
            "vaultId": self.vault_id(),
            "location": location,
            "deletionDate": self.deleted.to_string(),
            "scheduledPurgeDate": self.ends.to_string(),
        });
        if let Some(tags) = self.vault.get("tags") {
            set(&mut properties, "tags", tags.clone());
        }
        if is_purge_protected(&self.vault) {
            set(&mut properties, "purgeProtectionEnabled", true);
        }
        json!({
            "id": format!(
                "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}"
            ),
            "name": name,
            "type": DELETED_VAULTS_OF_LOCATION,
            "properties": properties,
        })
    }
}

impl World {
    /// Deletes a vault, by its ARM id. What it was is kept, unless it has no soft delete.
    pub(crate) fn delete_vault(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(vault) = self.get(id).map(|one| one.body.clone()) else {
            return false;
        };
        let resources: Vec<Resource> = self.within(id).cloned().collect();
        self.remove(id);
        let keeps = vault
            .pointer("/properties/enableSoftDelete")
            .and_then(Value::as_bool)
            != Some(false);
        if !keeps {
            self.forget_keys(id);
            return true;
        }
        let name = at(&vault, "/name").unwrap_or_default().to_lowercase();
        let ends = end_of_retention(now, retention_days(&vault));
        let deleted = DeletedVault {
            vault,
            resources,
            deleted: now,
            ends,
        };
        self.deleted_vaults.insert(name, deleted);
        true
    }

    /// DELETE.
    pub(crate) fn ask_for_deletion(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
    ) -> Result<Reply, Refusal> {
        Ok(Reply::empty(if self.delete_vault(&id.id, request.now) {
            StatusCode::OK
        } else {
            StatusCode::NO_CONTENT
        }))
    }

    /// Brings a deleted vault back.
    pub(crate) fn recover_vault(&mut self, name: &str) -> Option<Value> {
        let deleted = self.deleted_vaults.remove(&name.to_lowercase())?;
        for resource in deleted.resources {
            self.put(resource);
        }
        Some(deleted.vault)
    }

    /// Takes a deleted vault away for good.
    pub(crate) fn purge_vault(&mut self, name: &str) {
        if let Some(deleted) = self.deleted_vaults.remove(&name.to_lowercase()) {
            self.forget_keys(deleted.vault_id());
        }
    }

    fn forget_keys(&mut self, vault: &str) {
        self.deleted_keys.retain(|id, _| !is_within(id, vault));
    }
}
