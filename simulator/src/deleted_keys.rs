//! Keys after their deletion: kept until their retention ends, recovered, or purged (key-vault, soft-delete-overview).
//!
//! Invariant: a deleted key is not among the resources, with none of its versions, and its name is taken.

use jiff::Timestamp;
use serde_json::Value;

use crate::address::is_within;
use crate::retention::end_of_retention;
use crate::world::{Resource, World};

/// A key that was deleted.
#[derive(Clone, Debug)]
pub(crate) struct DeletedKey {
    /// The key, and its versions.
    pub(crate) resources: Vec<Resource>,
    pub(crate) deleted: Timestamp,
    /// It is gone then.
    pub(crate) ends: Timestamp,
}

impl DeletedKey {
    /// The key itself, as it was.
    pub(crate) fn key(&self) -> Option<&Value> {
        let shortest = self.resources.iter().min_by_key(|one| one.id().len())?;
        Some(&shortest.body)
    }
}

/// Whether what is deleted from a vault can be recovered.
fn keeps_deleted(vault: &Value) -> bool {
    vault
        .pointer("/properties/enableSoftDelete")
        .and_then(Value::as_bool)
        != Some(false)
}

/// Whether nobody can purge what is deleted from a vault.
pub(crate) fn is_purge_protected(vault: &Value) -> bool {
    vault
        .pointer("/properties/enablePurgeProtection")
        .and_then(Value::as_bool)
        == Some(true)
}

/// For how many days a vault keeps what is deleted.
pub(crate) fn retention_days(vault: &Value) -> i64 {
    vault
        .pointer("/properties/softDeleteRetentionInDays")
        .and_then(Value::as_i64)
        .unwrap_or(90)
}

/// A key's `recoveryLevel` in its vault (azure-keyvault-keys, DeletionRecoveryLevel).
pub(crate) fn recovery_level(vault: &Value) -> String {
    if !keeps_deleted(vault) {
        return "Purgeable".to_owned();
    }
    let customized = if retention_days(vault) < 90 {
        "Customized"
    } else {
        ""
    };
    let purgeable = if is_purge_protected(vault) {
        ""
    } else {
        "+Purgeable"
    };
    format!("{customized}Recoverable{purgeable}")
}

impl World {
    /// Deletes a key of a vault, by its ARM id. What it was is kept, unless the vault has no soft delete.
    pub(crate) fn delete_key(&mut self, id: &str, now: Timestamp) -> Option<DeletedKey> {
        let lower = id.to_lowercase();
        self.get(&lower)?;
        let (vault, _) = lower.split_once("/keys/")?;
        let vault = self.get(vault).map(|one| one.body.clone()).unwrap_or_default();
        let names: Vec<String> = self
            .resources
            .keys()
            .filter(|other| is_within(other, &lower))
            .cloned()
            .collect();
        let resources: Vec<Resource> = names
            .iter()
            .filter_map(|name| self.resources.remove(name))
            .collect();
        let deleted = DeletedKey {
            resources,
            deleted: now,
            ends: end_of_retention(now, retention_days(&vault)),
        };
        if keeps_deleted(&vault) {
            self.deleted_keys.insert(lower, deleted.clone());
        }
        Some(deleted)
    }

    /// Brings a deleted key back.
    pub(crate) fn recover_key(&mut self, id: &str) -> Option<Value> {
        let found = self.deleted_keys.remove(&id.to_lowercase())?;
        let key = found.key().cloned();
        for resource in found.resources {
            self.put(resource);
        }
        key
    }

    /// The `recoveryLevel` of the keys of the vault that an id lies in.
    pub(crate) fn recovery_level_of(&self, id: &str) -> Option<String> {
        let lower = id.to_lowercase();
        let (vault, _) = lower.split_once("/keys/")?;
        Some(recovery_level(&self.get(vault)?.body))
    }
}
