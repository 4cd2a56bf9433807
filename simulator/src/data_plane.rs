//! The data plane of Key Vault: what answers at `https://{vault}.vault.localhost:PORT`.
//!
//! Invariant: the order is Key Vault's: who asks, from where, what it may do, and only then whether the key is there.

mod answers;
mod bundles;
mod changes;
mod deleted;
mod policy;
mod refusal;
mod wrapping;

use axum::http::Uri;
use jiff::Timestamp;
use serde_json::Value;

use crate::front::Reply;
use crate::key_access::{Right, admits_trusted_services, is_closed, is_private};
use crate::refusal::Refusal;
use crate::server::Azure;
use crate::text::at;
use crate::world::{Principal, Resource};
use refusal::KeyVaultError;

/// What a request of the data plane is answered with.
type Answer = Result<Reply, KeyVaultError>;

/// api-versions (azure-keyvault-keys, ApiVersion; the preview is Azure CLI's).
const VERSIONS: &[&str] = &[
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6-preview.2",
    "7.6",
    "2025-07-01",
];

/// The vault that a host names.
pub(crate) fn vault_in(host: &str) -> Option<&str> {
    let host = host.split(':').next()?;
    let suffix = ".vault.localhost";
    let start = host.len().checked_sub(suffix.len())?;
    let (vault, rest) = host.split_at_checked(start)?;
    (rest.eq_ignore_ascii_case(suffix) && !vault.is_empty() && !vault.contains('.')).then_some(vault)
}

/// What a path of the data plane is about, for faults and counters.
pub(crate) fn kind_of(path: &str) -> String {
    let first = path.split('/').find(|segment| !segment.is_empty());
    format!("keyvault/{}", first.unwrap_or_default().to_lowercase())
}

/// A body as it is recorded: what is wrapped in a key is nobody's business.
pub(crate) fn recorded(path: &str, body: Option<&Value>) -> Option<Value> {
    let mut body = body?.clone();
    if (path.ends_with("wrapkey") || path.ends_with("wrapkey/")) && body.get("value").is_some() {
        crate::text::set(&mut body, "value", "(not recorded)");
    }
    Some(body)
}

/// One request, by somebody known.
struct Visit<'a> {
    azure: &'a Azure,
    caller: &'a Principal,
    now: Timestamp,
    query: Vec<(String, String)>,
    body: Option<&'a Value>,
    /// The vault, as it is.
    vault: Resource,
    /// `https://{vault}.vault.localhost:PORT`
    base: String,
}

/// Answers a request to a vault; `None` where there is no such vault, as its name does not resolve then.
pub(crate) fn answer(
    azure: &Azure,
    vault: &str,
    method: &str,
    uri: &Uri,
    caller: Result<Principal, Refusal>,
    body: Option<&Value>,
) -> Option<Reply> {
    let now = Timestamp::now();
    let (vault, suffix, tenant) = {
        let mut world = azure.world();
        world.advance(now);
        let found = world.vault_named(vault)?.clone();
        (found, world.vault_suffix.clone(), world.tenant.clone())
    };
    let own_tenant = at(&vault.body, "/properties/tenantId")
        .unwrap_or(&tenant)
        .to_owned();
    let caller = match caller {
        Ok(caller) if own_tenant.eq_ignore_ascii_case(&tenant) => caller,
        Ok(_) => return Some(refusal::unauthorized(azure, &suffix, &own_tenant, None)),
        Err(why) => return Some(refusal::unauthorized(azure, &suffix, &own_tenant, Some(&why))),
    };
    let base = at(&vault.body, "/properties/vaultUri")
        .unwrap_or_default()
        .trim_end_matches('/')
        .to_owned();
    let visit = Visit {
        azure,
        caller: &caller,
        now,
        query: url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        body,
        vault,
        base,
    };
    Some(visit.answer(method, uri.path()).unwrap_or_else(Reply::from))
}

impl Visit<'_> {
    fn answer(&self, method: &str, path: &str) -> Answer {
        self.check_network()?;
        self.check_version()?;
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match (method, segments.as_slice()) {
            ("GET", ["keys"]) => self.list_keys(),
            ("POST", ["keys", key, "create"]) => self.create(key),
            ("POST", ["keys", key, "rotate"]) => self.rotate(key),
            ("GET", ["keys", key, "rotationpolicy"]) => self.rotation_policy(key),
            ("PUT", ["keys", key, "rotationpolicy"]) => self.set_rotation_policy(key),
            ("GET", ["keys", key, "versions"]) => self.list_versions(key),
            ("GET", ["keys", key]) => self.get(key, None),
            ("GET", ["keys", key, version]) => self.get(key, Some(version)),
            ("PATCH", ["keys", key]) => self.update(key, None),
            ("PATCH", ["keys", key, version]) => self.update(key, Some(version)),
            ("DELETE", ["keys", key]) => self.delete(key),
            ("POST", ["keys", key, "wrapkey"]) => self.wrap(key, None),
            ("POST", ["keys", key, version, "wrapkey"]) => self.wrap(key, Some(version)),
            ("POST", ["keys", key, "unwrapkey"]) => self.unwrap(key, None),
            ("POST", ["keys", key, version, "unwrapkey"]) => self.unwrap(key, Some(version)),
            ("GET", ["deletedkeys"]) => self.list_deleted(),
            ("GET", ["deletedkeys", key]) => self.get_deleted(key),
            ("POST", ["deletedkeys", key, "recover"]) => self.recover(key),
            ("DELETE", ["deletedkeys", key]) => self.purge(key),
            _ => Err(KeyVaultError::not_here(method, path)),
        }
    }

    /// A value of the query.
    fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// A part of the body.
    fn sent(&self, pointer: &str) -> Option<&Value> {
        self.body?.pointer(pointer).filter(|value| !value.is_null())
    }

    fn check_version(&self) -> Result<(), KeyVaultError> {
        match self.query("api-version") {
            Some(version) if VERSIONS.contains(&version) => Ok(()),
            Some(version) => Err(KeyVaultError::bad_parameter(format!(
                "The specified version ({version}) is not recognized. Consider using the latest supported version (7.6)."
            ))),
            None => Err(KeyVaultError::bad_parameter(
                "api-version must be specified".to_owned(),
            )),
        }
    }

    /// The vault's firewall. All who ask come from 127.0.0.1.
    fn check_network(&self) -> Result<(), KeyVaultError> {
        let vault = &self.vault.body;
        let is_trusted = self.caller.bypass_deny_assignments && admits_trusted_services(vault);
        if !is_closed(vault) || is_trusted {
            return Ok(());
        }
        if is_private(vault) {
            return Err(KeyVaultError::forbidden_by_connection(self));
        }
        let admitted = vault
            .pointer("/properties/networkAcls/ipRules")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|rule| at(rule, "/value"))
            .any(|address| address.split('/').next() == Some("127.0.0.1"));
        if admitted {
            return Ok(());
        }
        Err(KeyVaultError::forbidden_by_firewall(self))
    }

    /// Lets the caller do something to a key, or to the vault's keys.
    fn allow(&self, right: Right, key: Option<&str>) -> Result<(), KeyVaultError> {
        let scope = key.map_or_else(|| self.vault.id().to_owned(), |key| self.key_id(key));
        let held = self
            .azure
            .world()
            .has_right(&self.caller.object_id, right, &self.vault, &scope, self.now);
        if held {
            return Ok(());
        }
        Err(KeyVaultError::missing_right(self, right, &scope))
    }

    /// ARM id of a key.
    fn key_id(&self, key: &str) -> String {
        format!("{}/keys/{key}", self.vault.id())
    }

    /// ARM body of a key's current version, or of the version that is named.
    fn found(&self, key: &str, version: Option<&str>) -> Result<Value, KeyVaultError> {
        let world = self.azure.world();
        let id = self.key_id(key);
        let version = match version {
            Some(version) => version.to_owned(),
            None => world
                .get(&id)
                .and_then(|key| at(&key.body, "/properties/keyUriWithVersion"))
                .and_then(|uri| uri.rsplit('/').next())
                .unwrap_or_default()
                .to_owned(),
        };
        world
            .get(&format!("{id}/versions/{version}"))
            .map(|one| world.shown(&one.body))
            .ok_or_else(|| KeyVaultError::key_not_found(key))
    }
}
