//! Wrapping and unwrapping with a key, and which states of the key allow it.
//!
//! Invariant: an expired key, and one that is not valid yet, unwraps and does not wrap (keys, about-keys-details); a disabled
//! one does not unwrap.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::refusal::KeyVaultError;
use super::{Answer, Visit};
use crate::front::Reply;
use crate::key_access::{UNWRAP, WRAP};
use crate::key_material::Wrapping;
use crate::text::at;

impl Visit<'_> {
    /// POST /keys/{key}[/{version}]/wrapkey
    pub(super) fn wrap(&self, key: &str, version: Option<&str>) -> Answer {
        self.allow(WRAP, Some(key))?;
        let found = self.found(key, version)?;
        let attribute = |name: &str| found.pointer(&format!("/properties/attributes/{name}"));
        let disabled = attribute("enabled").and_then(Value::as_bool) == Some(false);
        if disabled && !self.azure.world().settings.disabled_key_wraps {
            return Err(KeyVaultError::disabled("wrapKey"));
        }
        let time = |name: &str| attribute(name).and_then(Value::as_i64);
        if time("exp").is_some_and(|end| end <= self.now.as_second()) {
            return Err(KeyVaultError::outside_its_time("wrapKey", "an expired"));
        }
        if time("nbf").is_some_and(|start| start > self.now.as_second()) {
            return Err(KeyVaultError::outside_its_time("wrapKey", "a not yet valid"));
        }
        permitted(&found, "wrapKey")?;
        self.turned(&found, |pair, wrapping, value| pair.wrap(wrapping, value))
    }

    /// POST /keys/{key}[/{version}]/unwrapkey
    pub(super) fn unwrap(&self, key: &str, version: Option<&str>) -> Answer {
        self.allow(UNWRAP, Some(key))?;
        let found = self.found(key, version)?;
        let enabled = found.pointer("/properties/attributes/enabled");
        if enabled.and_then(Value::as_bool) == Some(false) {
            return Err(KeyVaultError::disabled("unwrapKey"));
        }
        permitted(&found, "unwrapKey")?;
        self.turned(&found, |pair, wrapping, value| pair.unwrap(wrapping, value))
    }

    fn turned(
        &self,
        version: &Value,
        turn: impl Fn(&crate::key_material::Pair, Wrapping, &[u8]) -> Option<Vec<u8>>,
    ) -> Answer {
        let name = self.sent("/alg").and_then(Value::as_str).unwrap_or_default();
        let wrapping = Wrapping::named(name)
            .ok_or_else(|| KeyVaultError::bad_parameter(format!("Property alg has invalid value: {name}")))?;
        let value = self
            .sent("/value")
            .and_then(Value::as_str)
            .and_then(|value| BASE64_URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')).ok())
            .ok_or_else(|| KeyVaultError::bad_parameter("Property value has invalid value".to_owned()))?;
        let turned = self
            .azure
            .key_material
            .of(version)
            .and_then(|pair| turn(&pair, wrapping, &value))
            .ok_or_else(|| {
                KeyVaultError::bad_parameter(
                    "The parameter is incorrect: the value does not fit the key.".to_owned(),
                )
            })?;
        Ok(Reply::ok(json!({
            "kid": at(version, "/properties/keyUriWithVersion"),
            "value": BASE64_URL_SAFE_NO_PAD.encode(turned),
        })))
    }
}

fn permitted(version: &Value, operation: &str) -> Result<(), KeyVaultError> {
    let is_there = version
        .pointer("/properties/keyOps")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().any(|one| one == operation));
    if is_there {
        Ok(())
    } else {
        Err(KeyVaultError::not_an_operation(operation))
    }
}
