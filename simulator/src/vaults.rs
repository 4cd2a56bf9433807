//! `Microsoft.KeyVault/vaults` and their keys, by Azure Resource Manager.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::types::{KEYS, VERSIONS};
use crate::world::{Resource, World};

/// What a key of a vault is made from.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewVersion {
    pub(crate) kty: String,
    pub(crate) size: i64,
    pub(crate) enabled: bool,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
}

impl World {
    /// PUT and PATCH of a vault.
    pub(crate) fn write_vault(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let before = self.get(&id.id).map(|one| one.body.clone());
        let mut body = self.written(request, id)?;
        let flag = |body: &Value, name: &str| {
            body.pointer(&format!("/properties/{name}"))
                .and_then(Value::as_bool)
        };
        // Only true is accepted, and there is no way back (Microsoft.KeyVault/vaults, enablePurgeProtection).
        for name in ["enablePurgeProtection", "enableSoftDelete"] {
            let was = before.as_ref().and_then(|before| flag(before, name));
            let sent = request.body.as_ref().and_then(|sent| flag(sent, name));
            if sent == Some(false) && (was == Some(true) || name == "enablePurgeProtection") {
                return Err(Refusal::bad_request(
                    "BadRequest",
                    format!(
                        "The property \"{name}\" cannot be set to false. Enabling it for a vault is an irreversible action."
                    ),
                ));
            }
            if let (Some(true), None, Some(properties)) = (was, flag(&body, name), body.get_mut("properties"))
            {
                set(properties, name, true);
            }
        }
        complete_vault(&mut body, before.is_none());
        Ok(self.keep(request, id, body))
    }

    /// PUT of a key: creates it if it is not there, and changes nothing if it is (Microsoft.KeyVault/vaults/keys).
    pub(crate) fn put_key(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        if self.get(&id.scope).is_none() {
            return Err(Refusal::new(
                axum::http::StatusCode::NOT_FOUND,
                "ParentResourceNotFound",
                format!(
                    "Failed to perform 'write' on resource(s) of type '{}', because the parent resource '{}' could not be found.",
                    id.kind, id.scope
                ),
            ));
        }
        if !id.kind.eq_ignore_ascii_case(KEYS) {
            return Err(Refusal::bad_request(
                "BadRequest",
                "A version of a key cannot be written.",
            ));
        }
        if let Some(existing) = self.get(&id.id) {
            return Ok(Reply::ok(existing.body.clone()));
        }
        let body = request.required_body()?;
        let properties = body.get("properties").cloned().unwrap_or_default();
        let number = |pointer: &str| properties.pointer(pointer).and_then(Value::as_i64);
        let version = NewVersion {
            kty: at(&properties, "/kty").unwrap_or("RSA").to_owned(),
            size: number("/keySize").unwrap_or(2048),
            enabled: properties
                .pointer("/attributes/enabled")
                .and_then(Value::as_bool)
                .unwrap_or(true),
            not_before: number("/attributes/nbf"),
            expires: number("/attributes/exp"),
        };
        self.add_version(&id.scope, &id.name, &version, request.now);
        let body = self.get(&id.id).map(|one| one.body.clone()).unwrap_or_default();
        Ok(Reply::with(axum::http::StatusCode::CREATED, body))
    }

    /// Adds a version to a key, or makes the key; it is the current one from now on.
    pub(crate) fn add_version(&mut self, vault: &str, key: &str, version: &NewVersion, now: Timestamp) {
        let Some(found) = self.get(vault) else { return };
        let vault = found.id().to_owned();
        let location = at(&found.body, "/location").unwrap_or_default().to_owned();
        let uri = at(&found.body, "/properties/vaultUri")
            .unwrap_or_default()
            .to_owned();
        let id = format!("{vault}/keys/{key}");
        let count = self.within(&id).count();
        let version_name = crate::text::version(&format!("{}/{count}", id.to_lowercase()));
        // Versions that are made in the same second are in the order of their making.
        let created = now.as_second() + i64::try_from(count).unwrap_or_default();
        let mut attributes = json!({
            "enabled": version.enabled,
            "created": created,
            "updated": created,
            "recoveryLevel": "Recoverable",
            "exportable": false,
        });
        for (name, time) in [("nbf", version.not_before), ("exp", version.expires)] {
            if let Some(time) = time {
                set(&mut attributes, name, time);
            }
        }
        let properties = json!({
            "attributes": attributes,
            "kty": version.kty,
            "keyOps": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
            "keySize": version.size,
            "keyUri": format!("{uri}keys/{key}"),
            "keyUriWithVersion": format!("{uri}keys/{key}/{version_name}"),
        });
        let body = |id: &str, name: &str, kind: &str| json!({ "id": id, "name": name, "type": kind, "location": location, "properties": properties });
        self.put(Resource::new(body(&id, key, KEYS), now));
        let version_id = format!("{id}/versions/{version_name}");
        self.put(Resource::new(body(&version_id, &version_name, VERSIONS), now));
    }

    /// Changes an attribute of the current version of a key, or of the version that is named.
    pub(crate) fn set_key_attribute(&mut self, id: &str, name: &str, value: &Value) -> bool {
        let Some(key) = self.get(id) else { return false };
        let uri = at(&key.body, "/properties/keyUriWithVersion")
            .unwrap_or_default()
            .to_owned();
        let scope = id.split("/versions/").next().unwrap_or(id).to_owned();
        let all: Vec<String> = self
            .within(&scope)
            .filter(|one| at(&one.body, "/properties/keyUriWithVersion") == Some(uri.as_str()))
            .map(|one| one.id().to_owned())
            .collect();
        for id in all {
            if let Some(attributes) = self
                .get_mut(&id)
                .and_then(|one| one.body.pointer_mut("/properties/attributes"))
            {
                set(attributes, name, value.clone());
            }
        }
        true
    }
}

/// What Azure adds to a vault.
pub(crate) fn complete_vault(body: &mut Value, is_new: bool) {
    let name = at(body, "/name").unwrap_or_default().to_lowercase();
    let Some(properties) = body.get_mut("properties") else {
        return;
    };
    set(properties, "vaultUri", format!("https://{name}.vault.azure.net/"));
    set(properties, "provisioningState", "Succeeded");
    let defaults = [
        ("enableSoftDelete", json!(true)),
        ("softDeleteRetentionInDays", json!(90)),
        ("accessPolicies", json!([])),
    ];
    for (name, value) in defaults {
        if properties.get(name).is_none() {
            set(properties, name, value);
        }
    }
    // From api-version 2026-02-01 on a new vault has RBAC unless it says otherwise (access-control-default).
    if is_new && properties.get("enableRbacAuthorization").is_none() {
        set(properties, "enableRbacAuthorization", true);
    }
    if properties.get("enablePurgeProtection") == Some(&Value::Bool(false))
        && let Some(object) = properties.as_object_mut()
    {
        // Off is absent.
        object.remove("enablePurgeProtection");
    }
}
