//! The key of an account of Cosmos DB: who fetches it, what Cosmos DB says when it cannot be used, and which version is in use.
//!
//! Invariant: `customerManagedKeyStatus` is what it is when an answer is made; an account whose key cannot be fetched any more is
//! revoked, and comes back with its key.
//!
//! Source, unless another is named: how-to-setup-customer-managed-keys, cmk-troubleshooting-guide.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use crate::encryption::{Fetcher, KeyUrl, KeyUse, Unusable, check, check_use};
use crate::refusal::Refusal;
use crate::text::{at, member, set};
use crate::types::COSMOS;
use crate::world::World;

pub(crate) const KEY: &str = "/properties/keyVaultKeyUri";
pub(crate) const DEFAULT_IDENTITY: &str = "/properties/defaultIdentity";
const IN_USE: &str = "/properties/keyVaultKeyUriVersion";

/// Cosmos DB's own application, which `FirstPartyIdentity` means.
const APPLICATION: &str = "a232010e-820c-4083-83bb-3ace5fc29d0b";

/// The fewest bits of a key.
const LEAST_BITS: i64 = 2048;

/// By what an account fetches its key.
enum Identity<'a> {
    FirstParty,
    System,
    /// ARM id.
    User(&'a str),
}

/// The key that an account names.
pub(crate) fn key_of(account: &Value) -> Option<&str> {
    at(account, KEY).filter(|key| !key.is_empty())
}

/// Looks whether the key and the identity of an account are such at all.
pub(crate) fn check_form(account: &Value) -> Result<(), Refusal> {
    if let Some(key) = key_of(account) {
        match KeyUrl::parse(key) {
            Some(KeyUrl { version: None, .. }) => {}
            // Neither the code nor the text is known; that a version is refused is (SelfHelpContent, cosmosdb-security-managedkeys).
            Some(_) => {
                return Err(Refusal::bad_request(
                    "BadRequest",
                    format!("The keyVaultKeyUri {key} must be without the version of the key."),
                ));
            }
            None => {
                return Err(Refusal::bad_request(
                    "BadRequest",
                    format!("The keyVaultKeyUri {key} is not the URI of a key."),
                ));
            }
        }
    }
    identity_of(account).map(|_| ()).ok_or_else(|| {
        Refusal::bad_request(
            "BadRequest",
            "The defaultIdentity must be FirstPartyIdentity, SystemAssignedIdentity or UserAssignedIdentity=ID.",
        )
    })
}

/// Whether an account fetches its key by the identity that it is given at its creation.
pub(crate) fn is_system_assigned(account: &Value) -> bool {
    matches!(identity_of(account), Some(Identity::System))
}

fn identity_of(account: &Value) -> Option<Identity<'_>> {
    let text = at(account, DEFAULT_IDENTITY)
        .filter(|text| !text.is_empty())
        .unwrap_or("FirstPartyIdentity");
    let mut parts = text.split('&').next()?.splitn(2, '=');
    let kind = parts.next()?;
    match parts.next() {
        None if kind.eq_ignore_ascii_case("FirstPartyIdentity") => Some(Identity::FirstParty),
        None if kind.eq_ignore_ascii_case("SystemAssignedIdentity") => Some(Identity::System),
        Some(id) if kind.eq_ignore_ascii_case("UserAssignedIdentity") => Some(Identity::User(id)),
        _ => None,
    }
}

impl World {
    /// Looks whether an account can have the key that it names.
    pub(crate) fn check_database_key(&self, account: &Value, now: Timestamp) -> Result<(), Refusal> {
        let Some(key) = key_of(account) else {
            return Ok(());
        };
        check(self, &self.database_key_use(account, key), now).map_err(|why| {
            let message = format!("The key {key} cannot be used: {}.", reason(&why).0);
            match why {
                Unusable::Lacks { .. } | Unusable::Firewall | Unusable::Disabled | Unusable::OutOfTime => {
                    Refusal::new(StatusCode::FORBIDDEN, "Forbidden", message)
                }
                _ => Refusal::bad_request("BadRequest", message),
            }
        })
    }

    /// Looks whether an account has the identity by which it fetches its key.
    pub(crate) fn check_database_identity(&self, account: &Value) -> Result<(), Refusal> {
        match self.database_fetcher(account) {
            Ok(_) => Ok(()),
            Err(why) => Err(Refusal::bad_request("BadRequest", why)),
        }
    }

    fn database_key_use<'a>(&'a self, account: &Value, key: &'a str) -> KeyUse<'a> {
        KeyUse {
            vault: self.vault_at(key),
            key,
            location: None,
            tenant: &self.tenant,
            least_bits: Some(LEAST_BITS),
            needs_access_policies: false,
            fetcher: self.database_fetcher(account),
        }
    }

    /// Cosmos DB's own application needs access as any other principal. Where there is no such principal, its access is not asked for.
    fn database_fetcher(&self, account: &Value) -> Result<Fetcher, String> {
        let lacks = |what: &str| format!("The account's default identity is {what}, which it does not have.");
        let principal = match identity_of(account) {
            None => return Err(lacks("undefined")),
            Some(Identity::FirstParty) => {
                let application = self
                    .principals
                    .iter()
                    .find(|one| one.client_id.eq_ignore_ascii_case(APPLICATION));
                return Ok(Fetcher {
                    principal: application.map_or(APPLICATION, |one| &one.object_id).to_owned(),
                    is_granted: application.is_none(),
                });
            }
            Some(Identity::System) => {
                at(account, "/identity/principalId").ok_or_else(|| lacks("SystemAssignedIdentity"))?
            }
            Some(Identity::User(id)) => account
                .pointer("/identity/userAssignedIdentities")
                .and_then(|assigned| member(assigned, id))
                .and_then(|_| self.identity_principal(id))
                .map(|one| one.object_id.as_str())
                .ok_or_else(|| lacks(id))?,
        };
        Ok(Fetcher {
            principal: principal.to_owned(),
            is_granted: false,
        })
    }

    /// What keeps an account from its data, in the words of `customerManagedKeyStatus`.
    pub(crate) fn revocation(&self, account: &Value, now: Timestamp) -> Option<String> {
        let key = key_of(account)?;
        let in_use = match at(account, IN_USE) {
            Some(version) => format!("{key}/{version}"),
            None => key.to_owned(),
        };
        let why = check_use(self, &self.database_key_use(account, &in_use), now).err()?;
        let (cause, anchor) = reason(&why);
        Some(format!(
            "Access to your account is currently revoked because {cause}; for more details about this error and how to restore \
             access to your account please visit https://learn.microsoft.com/en-us/azure/cosmos-db/cmk-troubleshooting-guide{anchor}."
        ))
    }

    /// Gives an account that has a key, as an answer shows it, the state of that key.
    pub(crate) fn show_key_status(&self, account: &mut Value) {
        if at(account, "/type") != Some(COSMOS) || key_of(account).is_none() {
            return;
        }
        let status = self
            .revocation(account, Timestamp::now())
            .unwrap_or_else(|| "Access to the configured customer managed key confirmed.".to_owned());
        if let Some(properties) = account.get_mut("properties") {
            set(properties, "customerManagedKeyStatus", status);
        }
    }

    /// The newest version of an account's key is the one in use.
    pub(crate) fn use_database_key(&self, account: &mut Value) {
        let version = key_of(account)
            .and_then(|key| self.key_at(key))
            .and_then(|key| at(&key.body, "/properties/keyUriWithVersion"))
            .and_then(|uri| KeyUrl::parse(uri)?.version);
        if let (Some(properties), Some(version)) = (account.get_mut("properties"), version) {
            set(properties, "keyVaultKeyUriVersion", version);
        }
    }

    /// An account looks for a newer version of its key.
    pub(crate) fn follow_database_key(&self, account: &mut Value, now: Timestamp) {
        if key_of(account).is_some() && self.check_database_key(account, now).is_ok() {
            self.use_database_key(account);
        }
    }
}

/// The cause in a status, and where its page speaks of it: the values of `customerManagedKeyStatus` in api-version 2023-09-15
/// (azure-rest-api-specs). The words for a disabled or expired key are a data plane's (substatus 4018).
fn reason(why: &Unusable) -> (&'static str, &'static str) {
    match why {
        Unusable::NoVault => (
            "the correspondent Azure Key Vault was not found",
            "#azure-key-vault-resource-not-found (4017)",
        ),
        Unusable::NotOfVault | Unusable::NoKey => (
            "the correspondent key is not found on the specified Key Vault",
            "#azure-key-vault-resource-not-found (4003)",
        ),
        Unusable::Firewall => (
            "the access rules are blocking outbound requests to the Azure Key Vault service",
            " (4016)",
        ),
        Unusable::Disabled | Unusable::OutOfTime => {
            ("the correspondent key is either disabled or expired", " (4018)")
        }
        Unusable::Lacks { .. } => (
            "the current default identity no longer has permission to the associated Key Vault key",
            "#default-identity-is-unauthorized-to-access-the-azure-key-vault-key (4002)",
        ),
        Unusable::NoFetcher(_) => (
            "the Azure Cosmos DB service is unable to obtain the AAD authentication token for the account's default identity",
            "#azure-active-directory-token-acquisition-error (4000)",
        ),
        Unusable::NoSoftDelete
        | Unusable::NoPurgeProtection
        | Unusable::OtherRegion
        | Unusable::OtherTenant
        | Unusable::NotActive
        | Unusable::NotRsa(_)
        | Unusable::TooSmall(_) => (
            "the Azure Cosmos DB service is unable to wrap or unwrap the key",
            "#internal-unwrapping-procedure-error (4005)",
        ),
    }
}
