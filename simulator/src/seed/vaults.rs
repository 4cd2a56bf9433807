//! Vaults of a seed, with their keys.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::envelope;
use crate::error::Error;
use crate::keys::NewVersion;
use crate::text::{merge, set};
use crate::vaults::complete_vault;
use crate::world::{Resource, World};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Vault {
    id: String,
    location: String,
    /// What differs from a vault with soft delete, purge protection and RBAC.
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    keys: Vec<Key>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Key {
    name: String,
    kty: Option<String>,
    #[serde(default = "rsa_size")]
    key_size: i64,
    #[serde(default = "yes")]
    enabled: bool,
    nbf: Option<i64>,
    exp: Option<i64>,
    #[serde(default = "one")]
    versions: u32,
}

fn rsa_size() -> i64 {
    3072
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

impl Vault {
    pub(super) fn apply(self, world: &mut World, now: Timestamp) -> Result<(), Error> {
        let mut body = envelope(&self.id, &self.location)?;
        let mut properties = json!({
            "tenantId": world.tenant,
            "sku": { "family": "A", "name": "standard" },
            "enablePurgeProtection": true,
        });
        if !self.properties.is_null() {
            merge(&mut properties, &self.properties);
        }
        set(&mut body, "properties", properties);
        complete_vault(&mut body, true, &world.vault_suffix);
        world.put(Resource::new(body, now));
        add_keys(world, &self.id, self.keys, "RSA", now);
        Ok(())
    }
}

/// Keys of a key store; `kty` where they name no type.
pub(super) fn add_keys(world: &mut World, store: &str, keys: Vec<Key>, kty: &str, now: Timestamp) {
    for key in keys {
        let version = NewVersion {
            kty: key.kty.unwrap_or_else(|| kty.to_owned()),
            size: key.key_size,
            enabled: key.enabled,
            not_before: key.nbf,
            expires: key.exp,
            ..NewVersion::default()
        };
        for _ in 0..key.versions.max(1) {
            world.add_version(store, &key.name, &version, now);
        }
    }
}
