//! The key of a storage account: what its `encryption` means, which version is in use, and what storage says when a key cannot be
//! used.
//!
//! Invariant: a key is looked at when it is set, and when its newest version is looked for; an account keeps the version that it
//! has until then, whatever becomes of it (an expired key: azure-docs #84096).
//!
//! Source, unless another is named: storage/common, customer-managed-keys-overview.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::is_within;
use crate::encryption::{Fetcher, KeyUrl, KeyUse, Unusable, check, place};
use crate::refusal::Refusal;
use crate::settings::KeyRefused;
use crate::text::{at, member, set};
use crate::world::World;

const VAULT: &str = "/properties/encryption/keyvaultproperties/keyvaulturi";
const NAME: &str = "/properties/encryption/keyvaultproperties/keyname";
const VERSION: &str = "/properties/encryption/keyvaultproperties/keyversion";
const IN_USE: &str = "/properties/encryption/keyvaultproperties/currentVersionedKeyIdentifier";
const IDENTITY: &str = "/properties/encryption/identity/userAssignedIdentity";

/// The fewest bits of a key.
const LEAST_BITS: i64 = 2048;

/// Whether an account has a key of its owner's.
pub(crate) fn has_own_key(account: &Value) -> bool {
    at(account, "/properties/encryption/keySource")
        .is_some_and(|source| source.eq_ignore_ascii_case("Microsoft.Keyvault"))
}

/// Whether two accounts have the same key, fetched by the same.
pub(crate) fn is_same_key(one: &Value, other: &Value) -> bool {
    let same = |pointer: &str| {
        let text = |account| at(account, pointer).unwrap_or_default();
        text(one).eq_ignore_ascii_case(text(other))
    };
    has_own_key(one) == has_own_key(other)
        && at(one, VAULT).and_then(place) == at(other, VAULT).and_then(place)
        && [NAME, VERSION, IDENTITY].into_iter().all(same)
}

/// Gives an account what an answer shows of encryption when nothing was said of it, and takes away what Microsoft's keys do without.
pub(crate) fn complete_encryption(account: &mut Value, now: Timestamp) {
    let own = has_own_key(account);
    let Some(properties) = account.get_mut("properties") else {
        return;
    };
    let mut encryption = properties
        .get("encryption")
        .filter(|encryption| encryption.is_object())
        .cloned()
        .unwrap_or_else(|| json!({}));
    let source = if own {
        "Microsoft.Keyvault"
    } else {
        "Microsoft.Storage"
    };
    set(&mut encryption, "keySource", source);
    if !own && let Some(encryption) = encryption.as_object_mut() {
        encryption.remove("keyvaultproperties");
        encryption.remove("identity");
    }
    let mut services = encryption.get("services").cloned().unwrap_or_else(|| json!({}));
    for name in ["blob", "file"] {
        if services.get(name).is_none() {
            set(
                &mut services,
                name,
                json!({ "enabled": true, "keyType": "Account" }),
            );
        }
    }
    for service in services
        .as_object_mut()
        .into_iter()
        .flat_map(|all| all.values_mut())
    {
        if service.get("lastEnabledTime").is_none() {
            set(service, "lastEnabledTime", now.to_string());
        }
    }
    set(&mut encryption, "services", services);
    set(properties, "encryption", encryption);
}

impl World {
    /// Looks whether an account can have the key that it names. A `new` one cannot fetch it by an identity that it does not have yet.
    pub(crate) fn check_storage_key(
        &self,
        account: &Value,
        new: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let url = key_url(account).ok_or_else(|| {
            Refusal::bad_request(
                "BadRequest",
                "keyvaultproperties.keyvaulturi and keyname are needed for keySource Microsoft.Keyvault.",
            )
        })?;
        let wanted = KeyUse {
            vault: self.vault_at(&url),
            key: &url,
            location: None,
            tenant: &self.tenant,
            least_bits: Some(LEAST_BITS),
            needs_access_policies: false,
            fetcher: self.storage_fetcher(account, new),
        };
        check(self, &wanted, now).map_err(|why| self.storage_says(&why, &url))
    }

    /// `encryption.identity` names one of the account's identities; without it the account's own is meant, which a new account does
    /// not have. In a managed resource group the service that made it sees to it.
    fn storage_fetcher(&self, account: &Value, new: bool) -> Result<Fetcher, String> {
        let id = at(account, "/id").unwrap_or_default();
        if account.get("identity").is_none() && self.denials.iter().any(|denial| is_within(id, &denial.scope))
        {
            return Ok(Fetcher {
                principal: String::new(),
                is_granted: true,
            });
        }
        let principal = match at(account, IDENTITY).filter(|id| !id.is_empty()) {
            Some(id) => account
                .pointer("/identity/userAssignedIdentities")
                .and_then(|assigned| member(assigned, id))
                .and_then(|_| self.identity_principal(id))
                .map(|one| one.object_id.as_str()),
            None if new => None,
            None => at(account, "/identity/principalId"),
        };
        principal
            .map(|principal| Fetcher {
                principal: principal.to_owned(),
                is_granted: false,
            })
            .ok_or_else(String::new)
    }

    /// Texts: azure-cli #12346 and #17914 (no purge protection), azure-service-operator #4122 (no identity), terraform-provider-azurerm
    /// (KeyVaultAuthenticationFailure, which does not tell the cause). Other texts are not known.
    fn storage_says(&self, why: &Unusable, key: &str) -> Refusal {
        let by_cause = self.settings.storage_accounts.key_refused == KeyRefused::ByCause;
        let with = |status| if by_cause { status } else { StatusCode::BAD_REQUEST };
        let no = |message: String| Refusal::bad_request("BadRequest", message);
        match why {
            Unusable::NoSoftDelete | Unusable::NoPurgeProtection => Refusal::new(
                with(StatusCode::CONFLICT),
                "KeyVaultPolicyError",
                "Keyvault policy recoverable is not set",
            ),
            Unusable::Firewall | Unusable::Disabled | Unusable::OutOfTime | Unusable::Lacks { .. } => {
                Refusal::new(
                    with(StatusCode::FORBIDDEN),
                    "KeyVaultAuthenticationFailure",
                    "The operation failed because of authentication issue on the keyvault. For more information, see - \
                     https://aka.ms/storagekeyvaultaccesspolicy",
                )
            }
            Unusable::NoFetcher(_) => no(
                "Missing pre-requisites to enable EncryptionAtRest/Customer Managed Key for this storage account. For more \
                 information, see - https://aka.ms/storagecmkconfiguration"
                    .to_owned(),
            ),
            Unusable::NoVault | Unusable::OtherRegion => no(format!("There is no key vault for the key {key}.")),
            Unusable::OtherTenant => no(format!("The key {key} is in another tenant.")),
            Unusable::NotActive => no(format!("The managed HSM of the key {key} is not activated.")),
            Unusable::NotOfVault | Unusable::NoKey => no(format!("The key {key} was not found.")),
            Unusable::NotRsa(kty) => no(format!("The key {key} is of type {kty}; RSA or RSA-HSM is needed.")),
            Unusable::TooSmall(bits) => no(format!(
                "The key {key} has {bits} bits; 2048, 3072 or 4096 are needed."
            )),
        }
    }

    /// Writes down which version is in use: the one that an account names, or the newest.
    pub(crate) fn use_storage_key(&self, account: &mut Value, now: Timestamp) {
        let Some(key) = key_url(account).and_then(|url| self.key_at(&url)) else {
            return;
        };
        let version = at(&key.body, "/properties/keyUriWithVersion")
            .unwrap_or_default()
            .to_owned();
        let expires = key
            .body
            .pointer("/properties/attributes/exp")
            .and_then(Value::as_i64);
        write_version(account, &version, expires, now);
    }

    /// An account that names no version looks for a newer one.
    pub(crate) fn follow_storage_key(&self, account: &mut Value, now: Timestamp) {
        let names_version = at(account, VERSION).is_some_and(|version| !version.is_empty());
        if !has_own_key(account) || names_version || self.check_storage_key(account, false, now).is_err() {
            return;
        }
        let newest = key_url(account).and_then(|url| self.key_at(&url));
        let newest = newest.and_then(|key| at(&key.body, "/properties/keyUriWithVersion"));
        if newest != at(account, IN_USE) {
            self.use_storage_key(account, now);
        }
    }
}

/// Writes down which version is in use. One without an end has the beginning of all time (az storage account show).
pub(crate) fn write_version(account: &mut Value, version: &str, expires: Option<i64>, now: Timestamp) {
    let end = Timestamp::from_second(expires.unwrap_or_default()).unwrap_or(Timestamp::UNIX_EPOCH);
    if let Some(key) = account.pointer_mut("/properties/encryption/keyvaultproperties") {
        set(key, "currentVersionedKeyIdentifier", version);
        set(key, "currentVersionedKeyExpirationTimestamp", end.to_string());
        set(key, "lastKeyRotationTimestamp", now.to_string());
    }
}

/// The URL of the key that an account names.
fn key_url(account: &Value) -> Option<String> {
    let text = |pointer: &str| at(account, pointer).filter(|text| !text.is_empty());
    let key = KeyUrl {
        vault: format!("{}/", text(VAULT)?.trim_end_matches('/')),
        name: text(NAME)?.to_owned(),
        version: None,
    };
    Some(match text(VERSION) {
        Some(version) => format!("{}/{version}", key.versionless()),
        None => key.versionless(),
    })
}
