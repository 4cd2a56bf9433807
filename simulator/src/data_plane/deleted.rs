//! Deleted keys: read, recovered, purged.

use axum::http::StatusCode;
use serde_json::Value;

use super::refusal::KeyVaultError;
use super::{Answer, Visit};
use crate::address::is_within;
use crate::deleted_keys::{DeletedKey, is_purge_protected};
use crate::front::Reply;
use crate::key_access::{GET, LIST, PURGE, RECOVER};
use crate::text::at;

impl Visit<'_> {
    /// GET /deletedkeys
    pub(super) fn list_deleted(&self) -> Answer {
        self.allow(LIST, None)?;
        let items = {
            let world = self.azure.world();
            world
                .deleted_keys
                .iter()
                .filter(|(id, _)| is_within(id, self.vault.id()))
                .filter_map(|(_, deleted)| {
                    let key = deleted.key()?;
                    let mut item = self.item(key, "keyUri");
                    self.add_deletion(&mut item, at(key, "/name")?, deleted);
                    Some(item)
                })
                .collect()
        };
        self.page("deletedkeys", items)
    }

    /// GET /deletedkeys/{key}
    pub(super) fn get_deleted(&self, key: &str) -> Answer {
        self.allow(GET, Some(key))?;
        let deleted = self.deleted(key)?;
        let mut bundle = self.bundle(&current(&deleted))?;
        self.add_deletion(&mut bundle, key, &deleted);
        Ok(Reply::ok(bundle))
    }

    /// POST /deletedkeys/{key}/recover
    pub(super) fn recover(&self, key: &str) -> Answer {
        self.allow(RECOVER, Some(key))?;
        self.deleted(key)?;
        self.azure.world().recover_key(&self.key_id(key));
        Ok(Reply::ok(self.bundle(&self.found(key, None)?)?))
    }

    /// DELETE /deletedkeys/{key}
    pub(super) fn purge(&self, key: &str) -> Answer {
        self.allow(PURGE, Some(key))?;
        self.deleted(key)?;
        if is_purge_protected(&self.vault.body) {
            return Err(KeyVaultError::purge_protected());
        }
        self.azure
            .world()
            .deleted_keys
            .remove(&self.key_id(key).to_lowercase());
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    fn deleted(&self, key: &str) -> Result<DeletedKey, KeyVaultError> {
        self.azure
            .world()
            .deleted_keys
            .get(&self.key_id(key).to_lowercase())
            .cloned()
            .ok_or_else(|| KeyVaultError::deleted_key_not_found(key))
    }
}

/// The current version of a deleted key.
fn current(deleted: &DeletedKey) -> Value {
    let uri = deleted
        .key()
        .and_then(|key| at(key, "/properties/keyUriWithVersion"));
    deleted
        .resources
        .iter()
        .map(|one| &one.body)
        .find(|body| {
            at(body, "/type") == Some(crate::types::VERSIONS)
                && at(body, "/properties/keyUriWithVersion") == uri
        })
        .cloned()
        .unwrap_or_default()
}
