//! The key of a container registry: what its `encryption` means, who fetches the key, what is said when it cannot be used, and which
//! version is in use.
//!
//! Source, unless another is named: container-registry, tutorial-customer-managed-keys and -troubleshoot-customer-managed-keys.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::encryption::{Fetcher, KeyUrl, KeyUse, Unusable, check};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::world::World;

const STATUS: &str = "/properties/encryption/status";
const KEY: &str = "/properties/encryption/keyVaultProperties/keyIdentifier";
const IDENTITY: &str = "/properties/encryption/keyVaultProperties/identity";
const IN_USE: &str = "/properties/encryption/keyVaultProperties/versionedKeyIdentifier";

/// Whether a registry has a key of its owner's.
pub(crate) fn has_own_key(registry: &Value) -> bool {
    at(registry, STATUS).is_some_and(|status| status.eq_ignore_ascii_case("enabled"))
}

/// Whether two registries name the same key, fetched by the same.
pub(crate) fn is_same_key(one: &Value, other: &Value) -> bool {
    at(one, KEY) == at(other, KEY) && at(one, IDENTITY) == at(other, IDENTITY)
}

/// Who says that there is a key says which. The page has the text; the code is a deployment's.
pub(crate) fn check_sent(id: &ResourceId, body: &Value) -> Result<(), Refusal> {
    let is_named = |pointer| at(body, pointer).is_some_and(|text| !text.is_empty());
    if !has_own_key(body) || (is_named(KEY) && is_named(IDENTITY)) {
        return Ok(());
    }
    Err(Refusal::bad_request(
        "InvalidEncryptionKeyVaultProperties",
        format!(
            "Invalid encryption key vault property specified for registry {}. Property Identity and KeyIdentifier must be set when \
             encryption is enabled. For more information on customer-managed keys, please visit 'https://aka.ms/acr/cmk'.",
            id.name
        ),
    ))
}

/// Gives a registry what an answer shows of encryption. Without a key of one's own that is the status alone.
pub(crate) fn complete_encryption(registry: &mut Value) {
    if !has_own_key(registry) {
        if let Some(properties) = registry.get_mut("properties") {
            set(properties, "encryption", json!({ "status": "disabled" }));
        }
        return;
    }
    let follows = follows(registry);
    if let Some(key) = registry.pointer_mut("/properties/encryption/keyVaultProperties") {
        set(key, "keyRotationEnabled", follows);
    }
}

/// A registry follows a key that it names without a version.
fn follows(registry: &Value) -> bool {
    let key = at(registry, KEY).and_then(KeyUrl::parse);
    key.is_some_and(|key| key.version.is_none())
}

impl World {
    /// Looks whether a registry can have the key that it names, if it names one.
    pub(crate) fn check_registry_key(&self, registry: &Value, now: Timestamp) -> Result<(), Refusal> {
        if !has_own_key(registry) {
            return Ok(());
        }
        self.check_registry_identity(registry)?;
        let url = at(registry, KEY).unwrap_or_default();
        let wanted = KeyUse {
            vault: self.vault_at(url),
            key: url,
            location: None,
            tenant: &self.tenant,
            least_bits: None,
            needs_access_policies: false,
            fetcher: self
                .registry_fetcher(registry)
                .map(|principal| Fetcher {
                    principal: principal.to_owned(),
                    is_granted: false,
                })
                .ok_or_else(String::new),
        };
        check(self, &wanted, now).map_err(|why| says(&why, url, at(registry, IDENTITY).unwrap_or_default()))
    }

    /// Looks whether a registry has the identity by which it fetches its key. The text is the page's, the code is not known.
    pub(crate) fn check_registry_identity(&self, registry: &Value) -> Result<(), Refusal> {
        if !has_own_key(registry) || self.registry_fetcher(registry).is_some() {
            return Ok(());
        }
        let of = |pointer| at(registry, pointer).unwrap_or_default();
        Err(Refusal::bad_request(
            "BadRequest",
            format!(
                "Azure resource '{}' does not have access to identity '{}' Try forcibly adding the identity to the registry {}. For \
                 more information on bring your own key, please visit 'https://aka.ms/acr/cmk'.",
                of("/id"),
                of(IDENTITY),
                of("/name")
            ),
        ))
    }

    /// The object id of whoever fetches the key: the one of the registry's identities that has this client id (registries 2025-11-01,
    /// keyVaultProperties.identity).
    fn registry_fetcher(&self, registry: &Value) -> Option<&str> {
        let client = at(registry, IDENTITY)?;
        let assigned = registry
            .pointer("/identity/userAssignedIdentities")
            .and_then(Value::as_object);
        let assigned = assigned.into_iter().flat_map(|all| all.keys());
        let own = at(registry, "/identity/principalId").and_then(|id| self.principal(id));
        let mut all = assigned.filter_map(|id| self.identity_principal(id)).chain(own);
        all.find(|one| one.client_id.eq_ignore_ascii_case(client))
            .map(|one| one.object_id.as_str())
    }

    /// Writes down which version is in use: the one that a registry names, or the newest.
    pub(crate) fn use_registry_key(&self, registry: &mut Value, now: Timestamp) {
        if !has_own_key(registry) {
            return;
        }
        let key = at(registry, KEY).and_then(|url| self.key_at(url));
        let version = key.and_then(|key| at(&key.body, "/properties/keyUriWithVersion"));
        let Some(version) = version.map(str::to_owned) else {
            return;
        };
        if let Some(key) = registry.pointer_mut("/properties/encryption/keyVaultProperties") {
            set(key, "versionedKeyIdentifier", version);
            set(key, "lastKeyRotationTimestamp", now.to_string());
        }
    }

    /// A registry that names no version looks for a newer one.
    pub(crate) fn follow_registry_key(&self, registry: &mut Value, now: Timestamp) {
        if !has_own_key(registry) || !follows(registry) || self.check_registry_key(registry, now).is_err() {
            return;
        }
        let newest = at(registry, KEY).and_then(|url| self.key_at(url));
        let newest = newest.and_then(|key| at(&key.body, "/properties/keyUriWithVersion"));
        if newest != at(registry, IN_USE) {
            self.use_registry_key(registry, now);
        }
    }
}

/// The first text: azure-docs #61015, of a vault whose firewall is closed; it does not tell the cause. No code is known, and no other
/// text; that purge protection is needed, azurerm says (#11856), where the page recommends it.
fn says(why: &Unusable, key: &str, identity: &str) -> Refusal {
    let text = match why {
        Unusable::NoSoftDelete | Unusable::NoPurgeProtection => {
            format!("The vault of the key {key} needs soft delete and purge protection.")
        }
        Unusable::NotRsa(kty) => format!("The key {key} is of type {kty}; RSA or RSA-HSM is needed."),
        _ => format!(
            "Failed to access KeyId '{key}'. Verify that identity '{identity}' has 'Get, Wrap Key, Unwrap Key' permission on key \
             '{key}'. For more information on bring your own key, please visit 'https://aka.ms/acr/cmk'."
        ),
    };
    Refusal::bad_request("BadRequest", text)
}
