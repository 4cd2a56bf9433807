//! The key of an account: what its `encryption` means, and what Azure AI services says when a key cannot be used.
//!
//! Invariant: an account with Microsoft's keys has no `encryption` in any answer (terraform-provider-azurerm #28368).
//!
//! Source, unless another is named: concepts-encryption-keys-portal (Foundry, 2026).

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account_rules::is_set;
use crate::address::ResourceId;
use crate::encryption::{Fetcher, KeyUse, Unusable, check, place};
use crate::managed_hsms::is_hsm;
use crate::provisioning::is_kind;
use crate::refusal::Refusal;
use crate::settings::PutWithoutEncryption;
use crate::text::{at, member, merge, set};
use crate::world::World;

/// The encryption that an account shall have: its own key's, or none for Microsoft's keys.
pub(crate) type Encryption = Option<Value>;

/// Where the properties of the key are in the encryption.
const VAULT: &str = "/keyVaultProperties/keyVaultUri";
const NAME: &str = "/keyVaultProperties/keyName";
const VERSION: &str = "/keyVaultProperties/keyVersion";
const CLIENT: &str = "/keyVaultProperties/identityClientId";

/// The fewest bits of a key.
const LEAST_BITS: i64 = 2048;

/// The encryption with an account's own key.
pub(crate) fn own_key(account: &Value) -> Encryption {
    member(account.get("properties")?, "encryption").and_then(|(_, encryption)| meant(encryption))
}

/// What a block of encryption means. One that names no source but a key means the key.
fn meant(encryption: &Value) -> Encryption {
    let source = at(encryption, "/keySource");
    let is_own = match source {
        Some(source) => source.eq_ignore_ascii_case("Microsoft.KeyVault"),
        None => encryption.get("keyVaultProperties").is_some_and(Value::is_object),
    };
    is_own.then(|| {
        let mut encryption = encryption.clone();
        set(&mut encryption, "keySource", "Microsoft.KeyVault");
        encryption
    })
}

impl World {
    /// The encryption that a request wants instead of the account's own; `None` if nothing changes.
    pub(crate) fn wanted_encryption(
        &self,
        id: &ResourceId,
        before: &Value,
        body: &Value,
        whole: bool,
    ) -> Result<Option<Encryption>, Refusal> {
        let switches = self.settings.accounts;
        let own = own_key(before);
        let sent = member(body, "properties")
            .and_then(|(_, properties)| member(properties, "encryption"))
            .map(|(_, encryption)| encryption)
            .filter(|encryption| !encryption.is_null());
        let wanted = match sent {
            Some(sent) if whole || switches.patch_replaces_encryption => meant(sent),
            Some(sent) if at(sent, "/keySource").is_some() && meant(sent).is_none() => None,
            Some(sent) => {
                let mut merged = own.clone().unwrap_or_else(|| json!({}));
                merge(&mut merged, sent);
                meant(&merged)
            }
            None if whole && switches.put_without_encryption == PutWithoutEncryption::Reverts => None,
            None => return Ok(None),
        };
        let has_projects = is_set(before, "allowProjectManagement");
        match (&own, &wanted) {
            (None, None) => return Ok(None),
            (Some(own), Some(wanted)) if is_same(own, wanted) => return Ok(None),
            // Without projects: terraform-provider-azurerm #28368.
            (Some(_), None) if has_projects => {
                self.forbidden_change(id, "properties.encryption.keySource")?;
                return Ok(None);
            }
            (Some(own), Some(wanted))
                if host(own) != host(wanted) && (has_projects || !switches.other_vault) =>
            {
                self.forbidden_change(id, "properties.encryption.keyVaultProperties.keyVaultUri")?;
                return Ok(None);
            }
            _ => {}
        }
        Ok(Some(wanted))
    }

    /// Looks whether an account can have this encryption.
    pub(crate) fn check_encryption(
        &self,
        account: &Value,
        encryption: &Encryption,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(encryption) = encryption else {
            return Ok(());
        };
        let text = |pointer: &str| at(encryption, pointer).filter(|text| !text.is_empty());
        let (Some(vault_uri), Some(name)) = (text(VAULT), text(NAME)) else {
            return Err(invalid("keyVaultUri and keyName are needed."));
        };
        let version = text(VERSION)
            .map(|version| format!("/{version}"))
            .unwrap_or_default();
        let key = format!("{}/keys/{name}{version}", vault_uri.trim_end_matches('/'));
        let is_open_ai = is_kind(account, "OpenAI");
        if is_open_ai && text(CLIENT).is_some() && !self.settings.accounts.open_ai_user_assigned {
            return Err(invalid(
                "An account of kind OpenAI fetches its key by its system-assigned identity.",
            ));
        }
        let store = self.vault_at(vault_uri);
        if is_open_ai && store.is_some_and(is_hsm) && !self.settings.accounts.open_ai_managed_hsm {
            return Err(invalid(
                "An account of kind OpenAI takes no key of a managed HSM.",
            ));
        }
        let wanted = KeyUse {
            vault: store,
            key: &key,
            location: Some(at(account, "/location").unwrap_or_default()),
            tenant: &self.tenant,
            least_bits: Some(LEAST_BITS),
            needs_access_policies: is_open_ai && self.settings.accounts.open_ai_access_policies_only,
            fetcher: fetcher(account, text(CLIENT)),
        };
        check(self, &wanted, now).map_err(|why| worded(&why, vault_uri, &key))
    }
}

/// `identityClientId` is the client id of an identity that the account has; without it the account's own is meant
/// (Microsoft.CognitiveServices/accounts, KeyVaultProperties).
fn fetcher(account: &Value, client: Option<&str>) -> Result<Fetcher, String> {
    let principal = match client {
        None => at(account, "/identity/principalId").ok_or_else(|| {
            "The account has no system-assigned identity, and identityClientId names none.".to_owned()
        }),
        Some(client) => account
            .pointer("/identity/userAssignedIdentities")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|assigned| assigned.values())
            .find(|one| at(one, "/clientId").is_some_and(|own| own.eq_ignore_ascii_case(client)))
            .and_then(|one| at(one, "/principalId"))
            .ok_or_else(|| format!("The account has no identity with the client id {client}.")),
    };
    principal.map(|principal| Fetcher {
        principal: principal.to_owned(),
        is_granted: false,
    })
}

/// Texts in quotes below, and that they come at the end of the operation: concepts-encryption-keys-portal, and the README of
/// foundry-samples 32-customer-managed-keys-user-assigned-identity. The codes are not confirmed.
fn worded(why: &Unusable, vault: &str, key: &str) -> Refusal {
    let no = |message: String| Refusal::bad_request("BadRequest", message);
    let forbidden = |message: String| Refusal::new(StatusCode::FORBIDDEN, "Forbidden", message);
    match why {
        Unusable::NoVault | Unusable::OtherRegion => no(format!(
            "Key store not found: there is no key vault {vault} in the region of the account."
        )),
        Unusable::NoSoftDelete | Unusable::NoPurgeProtection => {
            no("The encryption key must be recoverable and not purgeable.".to_owned())
        }
        Unusable::OtherTenant => no(format!(
            "The key vault {vault} must be in the tenant of the account."
        )),
        Unusable::Firewall => forbidden(format!(
            "Access to the key vault {vault} was denied (ForbiddenByFirewall): its network rules do not let trusted \
             Microsoft services in."
        )),
        Unusable::NotActive => no(format!("The managed HSM {vault} is not activated.")),
        Unusable::NotOfVault => invalid(&format!("{key} is not a key of the key vault {vault}.")),
        Unusable::NoKey => no(format!("The key {key} was not found in its vault (KeyNotFound).")),
        Unusable::Disabled => forbidden(format!(
            "Operation wrap is not allowed on the disabled key {key} (KeyDisabled)."
        )),
        Unusable::OutOfTime => forbidden(format!(
            "Operation wrap is not allowed on the key {key}: it is expired or not yet valid."
        )),
        Unusable::NotRsa(kty) => no(format!(
            "Key version not supported: {key} is of type {kty}; RSA or RSA-HSM is needed."
        )),
        Unusable::TooSmall(bits) => no(format!(
            "Key version not supported: {key} has {bits} bits; at least {LEAST_BITS} are needed."
        )),
        Unusable::NoFetcher(why) => invalid(why),
        Unusable::Lacks { principal, rights } => forbidden(format!(
            "The identity with object id {principal} lacks {} on the key {key}.",
            rights.join(", ")
        )),
    }
}

fn invalid(why: &str) -> Refusal {
    Refusal::bad_request("BadRequest", format!("KeyVaultProperties is invalid. {why}"))
}

/// Whether both mean the same key, fetched by the same. What is empty is not there.
fn is_same(one: &Value, other: &Value) -> bool {
    let same = |pointer: &str| {
        let text = |encryption| at(encryption, pointer).unwrap_or_default();
        text(one).eq_ignore_ascii_case(text(other))
    };
    host(one) == host(other) && same(NAME) && same(VERSION) && same(CLIENT)
}

fn host(encryption: &Value) -> Option<(String, Option<u16>)> {
    at(encryption, VAULT).and_then(place)
}
