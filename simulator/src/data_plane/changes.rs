//! Making, changing, rotating and deleting keys.

use serde_json::{Value, json};

use super::refusal::KeyVaultError;
use super::{Answer, Visit};
use crate::front::Reply;
use crate::key_access::{CREATE, DELETE, ROTATE, UPDATE};
use crate::keys::NewVersion;
use crate::text::set;

/// Key types of a vault; `oct` is for managed HSMs.
const TYPES: [&str; 4] = ["RSA", "RSA-HSM", "EC", "EC-HSM"];
const SIZES: [i64; 3] = [2048, 3072, 4096];
const CURVES: [&str; 3] = ["P-256", "P-384", "P-521"];

impl Visit<'_> {
    /// POST /keys/{key}/create: a key, or a new version of it.
    pub(super) fn create(&self, key: &str) -> Answer {
        self.allow(CREATE, Some(key))?;
        let is_name =
            (1..=127).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_name {
            return Err(KeyVaultError::bad_parameter(format!(
                "The request URI contains an invalid name: {key}"
            )));
        }
        let text = |pointer: &str| self.sent(pointer).and_then(Value::as_str);
        let number = |pointer: &str| self.sent(pointer).and_then(Value::as_i64);
        let kty = text("/kty").unwrap_or_default();
        if !TYPES.contains(&kty) {
            return Err(KeyVaultError::bad_parameter(format!(
                "Property kty has invalid value: {kty}"
            )));
        }
        let size = number("/key_size").unwrap_or(2048);
        if kty.starts_with("RSA") && !SIZES.contains(&size) {
            return Err(KeyVaultError::bad_parameter(format!(
                "Property key_size has invalid value: {size}"
            )));
        }
        let curve = text("/crv").unwrap_or("P-256");
        if kty.starts_with("EC") && !CURVES.contains(&curve) {
            return Err(KeyVaultError::bad_parameter(format!(
                "Property crv has invalid value: {curve}"
            )));
        }
        let version = NewVersion {
            kty: kty.to_owned(),
            size,
            curve: Some(curve.to_owned()),
            enabled: self
                .sent("/attributes/enabled")
                .and_then(Value::as_bool)
                .unwrap_or(true),
            not_before: number("/attributes/nbf"),
            expires: number("/attributes/exp"),
            operations: self
                .sent("/key_ops")
                .filter(|operations| operations.as_array().is_some_and(|list| !list.is_empty()))
                .cloned(),
            tags: self.sent("/tags").cloned(),
        };
        {
            let mut world = self.azure.world();
            if world.deleted_keys.contains_key(&self.key_id(key).to_lowercase()) {
                return Err(KeyVaultError::is_deleted(key));
            }
            world.add_version(self.vault.id(), key, &version, self.now);
        }
        Ok(Reply::ok(self.bundle(&self.found(key, None)?)?))
    }

    /// PATCH /keys/{key}[/{version}]: attributes, operations and tags; what is not sent stays.
    pub(super) fn update(&self, key: &str, version: Option<&str>) -> Answer {
        self.allow(UPDATE, Some(key))?;
        let found = self.found(key, version)?;
        let id = crate::text::at(&found, "/id").unwrap_or_default();
        let mut changes = json!({});
        for name in ["enabled", "nbf", "exp"] {
            if let Some(value) = self.sent(&format!("/attributes/{name}")) {
                set(&mut changes, name, value.clone());
            }
        }
        set(&mut changes, "updated", self.now.as_second());
        self.azure.world().change_key(id, |body| {
            if let Some(attributes) = body.pointer_mut("/properties/attributes") {
                crate::text::merge(attributes, &changes);
            }
            if let (Some(operations), Some(properties)) = (self.sent("/key_ops"), body.get_mut("properties"))
            {
                set(properties, "keyOps", operations.clone());
            }
            if let Some(tags) = self.sent("/tags") {
                set(body, "tags", tags.clone());
            }
        });
        Ok(Reply::ok(self.bundle(&self.found(key, version)?)?))
    }

    /// POST /keys/{key}/rotate
    pub(super) fn rotate(&self, key: &str) -> Answer {
        self.allow(ROTATE, Some(key))?;
        if !self.azure.world().rotate_key(&self.key_id(key), self.now) {
            return Err(KeyVaultError::key_not_found(key));
        }
        Ok(Reply::ok(self.bundle(&self.found(key, None)?)?))
    }

    /// DELETE /keys/{key}
    pub(super) fn delete(&self, key: &str) -> Answer {
        self.allow(DELETE, Some(key))?;
        let version = self.found(key, None)?;
        let deleted = self
            .azure
            .world()
            .delete_key(&self.key_id(key), self.now)
            .ok_or_else(|| KeyVaultError::key_not_found(key))?;
        let mut bundle = self.bundle(&version)?;
        self.add_deletion(&mut bundle, key, &deleted);
        Ok(Reply::ok(bundle))
    }
}
