//! Keys as the data plane shows them (azure-keyvault-keys, KeyBundle, KeyItem, DeletedKeyBundle).

use serde_json::{Value, json};

use super::Visit;
use super::refusal::KeyVaultError;
use crate::deleted_keys::{DeletedKey, retention_days};
use crate::text::{at, set};

impl Visit<'_> {
    /// A version with its public half.
    pub(super) fn bundle(&self, version: &Value) -> Result<Value, KeyVaultError> {
        let pair = self.azure.key_material.of(version).ok_or_else(|| {
            KeyVaultError::bad_parameter("This Azure cannot make a key of this type.".to_owned())
        })?;
        let mut key = json!({
            "kid": at(version, "/properties/keyUriWithVersion"),
            "kty": at(version, "/properties/kty"),
            "key_ops": version.pointer("/properties/keyOps"),
        });
        crate::text::merge(&mut key, &pair.public());
        let mut bundle = json!({ "key": key, "attributes": self.attributes(version) });
        if let Some(tags) = version.get("tags") {
            set(&mut bundle, "tags", tags.clone());
        }
        Ok(bundle)
    }

    /// An item of a list, named by `uri`, a member of the ARM body.
    pub(super) fn item(&self, key: &Value, uri: &str) -> Value {
        let mut item = json!({
            "kid": at(key, &format!("/properties/{uri}")),
            "attributes": self.attributes(key),
        });
        if let Some(tags) = key.get("tags") {
            set(&mut item, "tags", tags.clone());
        }
        item
    }

    /// What a deleted key's answers have beside it.
    pub(super) fn add_deletion(&self, shown: &mut Value, name: &str, deleted: &DeletedKey) {
        set(shown, "recoveryId", format!("{}/deletedkeys/{name}", self.base));
        set(shown, "deletedDate", deleted.deleted.as_second());
        set(shown, "scheduledPurgeDate", deleted.ends.as_second());
    }

    fn attributes(&self, key: &Value) -> Value {
        let mut attributes = key
            .pointer("/properties/attributes")
            .cloned()
            .unwrap_or_else(|| json!({}));
        set(
            &mut attributes,
            "recoveryLevel",
            crate::deleted_keys::recovery_level(&self.vault.body),
        );
        set(
            &mut attributes,
            "recoverableDays",
            retention_days(&self.vault.body),
        );
        attributes
    }
}
