//! Whether a resource can be encrypted with a key: looked at inside the operation, as the resource's own identity.
//!
//! Invariant: what is looked at, and in which order, is the same for all resource providers; each has words of its own for it.
//!
//! Sources: hub-encryption-keys-portal and concepts-encryption-keys-portal (vault, region, tenant, key), azure-docs issue 108584
//! (purge protection, after the operation was accepted), key-vault about-keys-details (an expired key wraps no more).

use jiff::Timestamp;
use serde_json::Value;

use crate::key_access::{GET, UNWRAP, WRAP, admits_trusted_services, has_rbac};
use crate::managed_hsms::{is_active, is_hsm, uri};
use crate::provisioning::is_same_location;
use crate::text::at;
use crate::types::{HSM_KEYS, HSM_VERSIONS, HSMS, KEYS, VAULTS, VERSIONS};
use crate::world::{Resource, World};

/// A key that a resource would have.
#[derive(Debug)]
pub(crate) struct KeyUse<'a> {
    /// The vault or managed HSM that the resource names, if there is such a one.
    pub(crate) vault: Option<&'a Resource>,
    /// The key's URL.
    pub(crate) key: &'a str,
    /// Where the vault must be, if it must be in the region of the resource.
    pub(crate) location: Option<&'a str>,
    /// The resource's tenant.
    pub(crate) tenant: &'a str,
    /// The fewest bits that the resource provider is known to want.
    pub(crate) least_bits: Option<i64>,
    /// Whether roles count for nothing.
    pub(crate) needs_access_policies: bool,
    /// Who fetches the key, or why nobody can.
    pub(crate) fetcher: Result<Fetcher, String>,
}

/// Who fetches a key.
#[derive(Debug)]
pub(crate) struct Fetcher {
    /// Object id.
    pub(crate) principal: String,
    /// The service gives it access by itself.
    pub(crate) is_granted: bool,
}

/// Why a key cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    NoVault,
    NoSoftDelete,
    NoPurgeProtection,
    OtherRegion,
    OtherTenant,
    /// The vault's network rules keep trusted services out.
    Firewall,
    /// It is a managed HSM that is not activated.
    NotActive,
    /// The URL is none of the vault's.
    NotOfVault,
    NoKey,
    Disabled,
    /// It has ended, or is not valid yet.
    OutOfTime,
    /// Its type.
    NotRsa(String),
    /// Its bits.
    TooSmall(i64),
    /// In words.
    NoFetcher(String),
    /// Somebody lacks rights on it.
    Lacks {
        /// Object id.
        principal: String,
        /// get, wrap, unwrap.
        rights: Vec<&'static str>,
    },
}

/// Looks whether a key can be used by a resource that did not have it before.
pub(crate) fn check(world: &World, wanted: &KeyUse<'_>, now: Timestamp) -> Result<(), Unusable> {
    let vault = wanted.vault.ok_or(Unusable::NoVault)?;
    let flag = |name: &str| {
        vault
            .body
            .pointer(&format!("/properties/{name}"))
            .and_then(Value::as_bool)
    };
    if flag("enableSoftDelete") == Some(false) {
        return Err(Unusable::NoSoftDelete);
    }
    if flag("enablePurgeProtection") != Some(true) {
        return Err(Unusable::NoPurgeProtection);
    }
    let is_elsewhere =
        |wanted| at(&vault.body, "/location").is_some_and(|own| !is_same_location(own, wanted));
    if wanted.location.is_some_and(is_elsewhere) {
        return Err(Unusable::OtherRegion);
    }
    if at(&vault.body, "/properties/tenantId").is_some_and(|own| !own.eq_ignore_ascii_case(wanted.tenant)) {
        return Err(Unusable::OtherTenant);
    }
    check_use(world, wanted, now)
}

/// Looks whether a key can be fetched: what else a vault must be is asked for only at the beginning.
pub(crate) fn check_use(world: &World, wanted: &KeyUse<'_>, now: Timestamp) -> Result<(), Unusable> {
    let vault = wanted.vault.ok_or(Unusable::NoVault)?;
    if !admits_trusted_services(&vault.body) {
        return Err(Unusable::Firewall);
    }
    if !is_active(vault) {
        return Err(Unusable::NotActive);
    }
    let (key_id, version_id) = KeyUrl::parse(wanted.key)
        .and_then(|key| key_ids(vault, &key))
        .ok_or(Unusable::NotOfVault)?;
    let key = world
        .get(version_id.as_deref().unwrap_or(&key_id))
        .filter(|one| [KEYS, VERSIONS, HSM_KEYS, HSM_VERSIONS].contains(&one.kind()))
        .ok_or(Unusable::NoKey)?;
    check_key(&key.body, wanted.least_bits, now)?;
    let fetcher = wanted
        .fetcher
        .as_ref()
        .map_err(|why| Unusable::NoFetcher(why.clone()))?;
    if fetcher.is_granted {
        return Ok(());
    }
    let roles_are_in_vain = wanted.needs_access_policies && (is_hsm(vault) || has_rbac(&vault.body));
    let rights: Vec<&'static str> = [("get", GET), ("wrap", WRAP), ("unwrap", UNWRAP)]
        .into_iter()
        .filter(|(_, right)| {
            roles_are_in_vain || !world.has_right(&fetcher.principal, *right, vault, &key_id, now)
        })
        .map(|(name, _)| name)
        .collect();
    if rights.is_empty() {
        return Ok(());
    }
    Err(Unusable::Lacks {
        principal: fetcher.principal.clone(),
        rights,
    })
}

fn check_key(key: &Value, least_bits: Option<i64>, now: Timestamp) -> Result<(), Unusable> {
    let attribute = |name: &str| key.pointer(&format!("/properties/attributes/{name}"));
    if attribute("enabled").and_then(Value::as_bool) == Some(false) {
        return Err(Unusable::Disabled);
    }
    let time = |name: &str| attribute(name).and_then(Value::as_i64);
    if time("exp").is_some_and(|exp| exp <= now.as_second())
        || time("nbf").is_some_and(|nbf| nbf > now.as_second())
    {
        return Err(Unusable::OutOfTime);
    }
    let kty = at(key, "/properties/kty").unwrap_or_default();
    if !kty.to_ascii_uppercase().starts_with("RSA") {
        return Err(Unusable::NotRsa(kty.to_owned()));
    }
    let bits = key.pointer("/properties/keySize").and_then(Value::as_i64);
    match bits.zip(least_bits) {
        Some((bits, least)) if bits < least => Err(Unusable::TooSmall(bits)),
        _ => Ok(()),
    }
}

/// The ARM ids of a key and of its version, when the URL is one of this vault.
fn key_ids(vault: &Resource, key: &KeyUrl) -> Option<(String, Option<String>)> {
    if place(&key.vault)? != place(uri(&vault.body)?)? {
        return None;
    }
    let id = format!("{}/keys/{}", vault.id(), key.name);
    let version = key
        .version
        .as_ref()
        .map(|version| format!("{id}/versions/{version}"));
    Some((id, version))
}

/// A key's URL in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyUrl {
    /// `https://vault.host/`
    pub(crate) vault: String,
    pub(crate) name: String,
    /// None if it follows the newest.
    pub(crate) version: Option<String>,
}

impl KeyUrl {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let mut segments = url.path_segments()?;
        if segments.next() != Some("keys") {
            return None;
        }
        Some(Self {
            vault: url.join("/").ok()?.to_string(),
            name: segments.next().filter(|name| !name.is_empty())?.to_owned(),
            version: segments
                .next()
                .filter(|version| !version.is_empty())
                .map(str::to_owned),
        })
    }

    /// The URL without a version.
    pub(crate) fn versionless(&self) -> String {
        format!("{}keys/{}", self.vault, self.name)
    }
}

/// Host and port of a URL.
pub(crate) fn place(uri: &str) -> Option<(String, Option<u16>)> {
    let url = url::Url::parse(uri).ok()?;
    Some((url.host_str()?.to_owned(), url.port()))
}

impl World {
    /// The vault or managed HSM that answers at a URL.
    pub(crate) fn vault_at(&self, url: &str) -> Option<&Resource> {
        let wanted = place(url)?;
        // A host begins with the name: ids that do not end with it need no closer look.
        let ending = format!("/{}", wanted.0.split('.').next()?);
        let mut named = self.resources.iter().filter(|(id, _)| id.ends_with(&ending));
        let found = named.find(|(_, one)| {
            [VAULTS, HSMS].contains(&one.kind()) && uri(&one.body).and_then(place).as_ref() == Some(&wanted)
        });
        found.map(|(_, store)| store)
    }

    /// The key that a URL means, in its own spelling: the version that it names, or else the newest.
    pub(crate) fn key_at(&self, key: &str) -> Option<&Resource> {
        self.key_in(self.vault_at(key)?, &KeyUrl::parse(key)?)
    }

    /// The same, in a vault that is known.
    pub(crate) fn key_in(&self, vault: &Resource, key: &KeyUrl) -> Option<&Resource> {
        let (id, version) = key_ids(vault, key)?;
        self.get(version.as_deref().unwrap_or(&id))
    }
}
