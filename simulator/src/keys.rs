//! `Microsoft.KeyVault/vaults/keys`, `managedHSMs/keys` and their versions, by whichever way they are made: Azure Resource Manager, the vault
//! itself, or a seed.
//!
//! Invariant: a key is what its current version is; the newest version is the current one.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::managed_hsms::{is_active, is_hsm, uri};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::types::{Behaviour, HSM_KEYS, HSM_VERSIONS, KEYS, VERSIONS};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_key,
    patch: World::put_key,
    delete: World::refuse_deletion_of_key,
    taken_along: None,
};

/// What a version of a key is made from.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewVersion {
    pub(crate) kty: String,
    pub(crate) size: i64,
    /// Of a key on a curve.
    pub(crate) curve: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    /// `keyOps`; without it what its type can do.
    pub(crate) operations: Option<Value>,
    pub(crate) tags: Option<Value>,
}

impl World {
    /// DELETE: keys are deleted in their vault (Microsoft.KeyVault/vaults/keys has no DELETE).
    fn refuse_deletion_of_key(&mut self, _: &Request<'_>, _: &ResourceId) -> Result<Reply, Refusal> {
        Err(Refusal::new(
            axum::http::StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "A key is deleted in its vault.",
        ))
    }

    /// PUT of a key: creates it if it is not there, and changes nothing if it is (Microsoft.KeyVault/vaults/keys).
    pub(crate) fn put_key(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let Some(store) = self.get(&id.scope) else {
            return Err(Refusal::parent_not_found(&id.kind, &id.scope));
        };
        if ![KEYS, HSM_KEYS]
            .iter()
            .any(|kind| id.kind.eq_ignore_ascii_case(kind))
        {
            return Err(Refusal::bad_request(
                "BadRequest",
                "A version of a key cannot be written.",
            ));
        }
        if let Some(existing) = self.get(&id.id) {
            return Ok(Reply::ok(self.shown(&existing.body)));
        }
        if self.deleted_keys.contains_key(&id.lower()) {
            return Err(Refusal::conflict("Conflict", is_deleted(&id.name)));
        }
        if !is_active(store) {
            // The code is not confirmed.
            return Err(Refusal::bad_request(
                "BadRequest",
                format!("The managed HSM '{}' is not activated.", store.id()),
            ));
        }
        let kty = if is_hsm(store) { "RSA-HSM" } else { "RSA" };
        let body = request.required_body()?;
        let properties = body.get("properties").cloned().unwrap_or_default();
        let number = |pointer: &str| properties.pointer(pointer).and_then(Value::as_i64);
        let version = NewVersion {
            kty: at(&properties, "/kty").unwrap_or(kty).to_owned(),
            size: number("/keySize").unwrap_or(2048),
            curve: at(&properties, "/curveName").map(str::to_owned),
            enabled: properties
                .pointer("/attributes/enabled")
                .and_then(Value::as_bool)
                .unwrap_or(true),
            not_before: number("/attributes/nbf"),
            expires: number("/attributes/exp"),
            operations: properties.get("keyOps").cloned(),
            tags: body.get("tags").cloned(),
        };
        self.add_version(&id.scope, &id.name, &version, request.now);
        if let (Some(policy), Some(key)) = (properties.get("rotationPolicy"), self.get_mut(&id.id))
            && let Some(properties) = key.body.get_mut("properties")
        {
            set(properties, "rotationPolicy", policy.clone());
        }
        let body = self
            .get(&id.id)
            .map(|one| self.shown(&one.body))
            .unwrap_or_default();
        // 200 for a new one too (Keys, Create If Not Exist).
        Ok(Reply::ok(body))
    }

    /// Adds a version to a key, or makes the key; it is the current one from now on.
    pub(crate) fn add_version(&mut self, vault: &str, key: &str, version: &NewVersion, now: Timestamp) {
        let Some(found) = self.get(vault) else { return };
        let vault = found.id().to_owned();
        let location = at(&found.body, "/location").unwrap_or_default().to_owned();
        let uri = uri(&found.body).unwrap_or_default().to_owned();
        let in_hsm = is_hsm(found);
        let (kind, kind_of_version) = if in_hsm {
            (HSM_KEYS, HSM_VERSIONS)
        } else {
            (KEYS, VERSIONS)
        };
        let id = format!("{vault}/keys/{key}");
        let before = self.get(&id).map(|one| one.body.clone());
        let id = before
            .as_ref()
            .and_then(|before| at(before, "/id"))
            .map_or(id, str::to_owned);
        let key = id.rsplit('/').next().unwrap_or(key).to_owned();
        let number = self.versions_made.entry(id.to_lowercase()).or_default();
        let version_name = crate::text::version(&format!("{}/{number}", id.to_lowercase()));
        *number += 1;
        // Versions that are made in the same second are in the order of their making.
        let newest = before
            .as_ref()
            .and_then(|before| before.pointer("/properties/attributes/created"))
            .and_then(Value::as_i64);
        let created = newest.map_or(now.as_second(), |newest| now.as_second().max(newest + 1));
        let mut attributes = json!({
            "enabled": version.enabled,
            "created": created,
            "updated": created,
            "exportable": false,
        });
        for (name, time) in [("nbf", version.not_before), ("exp", version.expires)] {
            if let Some(time) = time {
                set(&mut attributes, name, time);
            }
        }
        let is_curve = version.kty.to_ascii_uppercase().starts_with("EC");
        let able = if is_curve {
            json!(["sign", "verify"])
        } else {
            json!(["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
        };
        let mut properties = json!({
            "attributes": attributes,
            "kty": version.kty,
            "keyOps": version.operations.clone().unwrap_or(able),
            "keyUri": format!("{uri}keys/{key}"),
            "keyUriWithVersion": format!("{uri}keys/{key}/{version_name}"),
        });
        if is_curve {
            let curve = version.curve.as_deref().unwrap_or("P-256");
            set(&mut properties, "curveName", curve);
        } else {
            set(&mut properties, "keySize", version.size);
        }
        let mut body = json!({ "id": id, "name": key, "type": kind });
        // Keys of managed HSMs have no location (Microsoft.KeyVault/managedHSMs/keys).
        if !in_hsm {
            set(&mut body, "location", location);
        }
        if let Some(tags) = &version.tags {
            set(&mut body, "tags", tags.clone());
        }
        set(&mut body, "properties", properties.clone());
        let mut version_body = body.clone();
        let version_id = format!("{id}/versions/{version_name}");
        set(&mut version_body, "id", version_id);
        set(&mut version_body, "name", version_name);
        set(&mut version_body, "type", kind_of_version);
        // The policy is the key's, whatever its version.
        if let (Some(policy), Some(properties)) = (
            before
                .as_ref()
                .and_then(|before| before.pointer("/properties/rotationPolicy")),
            body.get_mut("properties"),
        ) {
            set(properties, "rotationPolicy", policy.clone());
        }
        self.put(Resource::new(body, now));
        self.put(Resource::new(version_body, now));
    }

    /// Makes a new version of a key like the current one; it expires when the rotation policy says
    /// (keys, how-to-configure-key-rotation).
    pub(crate) fn rotate_key(&mut self, id: &str, now: Timestamp) -> bool {
        let Some(key) = self.get(id).map(|one| one.body.clone()) else {
            return false;
        };
        let expires = at(&key, "/properties/rotationPolicy/attributes/expiryTime")
            .and_then(|time| time.parse::<jiff::Span>().ok())
            .and_then(|span| now.to_zoned(TimeZone::UTC).checked_add(span).ok())
            .map(|end| end.timestamp().as_second());
        let version = NewVersion {
            kty: at(&key, "/properties/kty").unwrap_or("RSA").to_owned(),
            size: key
                .pointer("/properties/keySize")
                .and_then(Value::as_i64)
                .unwrap_or(2048),
            curve: at(&key, "/properties/curveName").map(str::to_owned),
            enabled: true,
            not_before: None,
            expires,
            operations: key.pointer("/properties/keyOps").cloned(),
            tags: key.get("tags").cloned(),
        };
        let own = at(&key, "/id").unwrap_or(id);
        let Some((vault, name)) = own.split_once("/keys/") else {
            return false;
        };
        let name = name.split('/').next().unwrap_or(name);
        self.add_version(vault, name, &version, now);
        true
    }

    /// Changes the current version of a key, or the version that is named, wherever it is written down.
    pub(crate) fn change_key(&mut self, id: &str, change: impl Fn(&mut Value)) -> bool {
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
            if let Some(one) = self.get_mut(&id) {
                change(&mut one.body);
            }
        }
        true
    }

    /// Changes an attribute of the current version of a key, or of the version that is named.
    pub(crate) fn set_key_attribute(&mut self, id: &str, name: &str, value: &Value) -> bool {
        self.change_key(id, |body| {
            if let Some(attributes) = body.pointer_mut("/properties/attributes") {
                set(attributes, name, value.clone());
            }
        })
    }
}

/// Why a key's name cannot be used (azure-rest-api-specs #9222).
pub(crate) fn is_deleted(name: &str) -> String {
    format!(
        "Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key \
         can only be recovered or purged."
    )
}
