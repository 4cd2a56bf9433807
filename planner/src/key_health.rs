//! Whether the key version in use can be used: there, enabled, valid in time, reachable, and the identity let in.
//!
//! Invariant: a warning never makes a key unhealthy, and what could not be read is never held against it.

use jiff::Timestamp;
use keyholder_crds::{ConditionType, Reason};

use crate::arm_id::ArmId;
use crate::cure;
use crate::encryption::{keep, user};
use crate::judge::{Opinion, Truth, Verdict, stored_reason, was};
use crate::key::{self, Renewal, Unusable};
use crate::key_store::KeyStore;
use crate::name::KeyIdentifier;
use crate::observed::{Fact, Live, LiveEncryption, LiveKey, LiveKeyVersion, Permissions, Why};
use crate::plan::Input;
use crate::preflight::{Access, access_of, is_absent, principal, unsettled};
use crate::validate::{KeyUser, ValidEncryption};

/// Judges the key version in use; `reads_key_in_use`: the key that this pass read is that one.
pub(crate) fn healthy(
    input: &Input<'_>,
    live: &Live,
    encryption: &LiveEncryption,
    reads_key_in_use: bool,
) -> Opinion {
    let current = &encryption.key;
    let vault = input
        .observed
        .vault
        .known()
        .map(|vault| &vault.id)
        .or(encryption.vault.as_ref());
    // In a vault that nothing names the key cannot be looked for.
    let Some(vault) = vault else {
        return keep(input, ConditionType::KeyHealthy);
    };
    let noun = input.declared.kind.noun();
    let gone = |what: &str, command: String| {
        let text = format!("{what}: the {noun}'s data cannot be read without it.");
        Opinion::Is(Verdict::no(Reason::KeyDeleted, cure::message(&text, &[command])))
    };
    let found = match (&input.observed.key, &input.observed.vault) {
        (_, Fact::Absent) => {
            return gone(
                &format!("{} {vault} does not exist any more", KeyStore::of(vault).title()),
                cure::recover_vault(vault, &input.declared.location),
            );
        }
        (Fact::Known(found), _) if found.current.identifier.same_key(current) => found,
        (Fact::Absent, _) if reads_key_in_use => {
            let what = format!("Key {current} does not exist any more");
            return match &input.observed.deleted_key {
                Fact::Absent => Opinion::Is(Verdict::no(
                    Reason::KeyDeleted,
                    format!(
                        "{what}, and its {} does not keep it among the deleted ones: it is purged, and the {noun}'s data is lost.",
                        KeyStore::of(vault).noun()
                    ),
                )),
                Fact::Known(deleted) => gone(
                    &format!("{what}; it can be recovered{}", until(deleted.purge_at)),
                    cure::recover_key(vault, current.key()),
                ),
                Fact::Unknown(_) => gone(&what, cure::recover_key(vault, current.key())),
            };
        }
        // What is read is the declared key.
        (Fact::Known(_) | Fact::Absent, _) if declares_another(input, current) => {
            let text = format!("{current}, which is in use, is not looked at while another key is declared.");
            return Opinion::Is(Verdict::unknown(Reason::Pending, text));
        }
        _ => return keep(input, ConditionType::KeyHealthy),
    };
    let version = match current.version() {
        None => &found.current,
        Some(version) => match key::find(found, version) {
            Some(version) => version,
            None => {
                let command = cure::list_versions(vault, current.key());
                return gone(&format!("Key version {current} does not exist any more"), command);
            }
        },
    };
    if let Some(why) = key::unusable(version, input.now) {
        let newer = cure::create_key(vault, current.key().as_str());
        let (reason, text, command) = match (why, current.version()) {
            (Unusable::Disabled, in_use) => {
                let text = match in_use {
                    Some(_) => format!("Key version {current}, which is in use, is disabled."),
                    None => format!(
                        "{}, the newest version of the key that is followed, is disabled.",
                        version.identifier
                    ),
                };
                let enable = |version| cure::enable_key(vault, current.key(), version);
                (
                    Reason::KeyDisabled,
                    text,
                    version.identifier.version().map_or(newer, enable),
                )
            }
            (Unusable::Expired(at), _) => (
                Reason::KeyExpired,
                format!("Key version {current}, which is in use, expired at {at}."),
                newer,
            ),
            (Unusable::NotYetValid(at), _) => (
                Reason::KeyExpired,
                format!("Key version {current}, which is in use, is not valid before {at}."),
                newer,
            ),
        };
        return Opinion::Is(Verdict::no(reason, cure::message(&text, &[command])));
    }
    if let Some(closed) = firewall(input) {
        return Opinion::Is(closed);
    }
    match access(input, live, encryption, vault) {
        Opinion::Is(verdict) if verdict.status == Truth::True => {
            Opinion::Is(warning(input, vault, found, version).unwrap_or(verdict))
        }
        // Access to a managed HSM is never seen, which must not hide that a date comes near.
        Opinion::Is(verdict)
            if verdict.status == Truth::Unknown && KeyStore::of(vault) == KeyStore::ManagedHsm =>
        {
            let warning = warning(input, vault, found, version);
            let message = warning.map_or_else(String::new, |warning| format!("{}\n", warning.message));
            let message = format!("{message}{}", verdict.message);
            Opinion::Is(Verdict { message, ..verdict })
        }
        other => other,
    }
}

/// Whether the spec declares another key than the one in use.
fn declares_another(input: &Input<'_>, current: &KeyIdentifier) -> bool {
    matches!(
        &input.declared.encryption,
        ValidEncryption::CustomerManaged { vault, key, .. } if !current.is_in(vault) || current.key() != key
    )
}

/// Until when a deleted key is kept.
pub(crate) fn until(purge_at: Option<Timestamp>) -> String {
    purge_at.map(|date| format!(" until {date}")).unwrap_or_default()
}

/// The vault's firewall, when it keeps the service out.
fn firewall(input: &Input<'_>) -> Option<Verdict> {
    let vault = input
        .observed
        .vault
        .known()
        .filter(|vault| !vault.trusted_services_pass)?;
    let text = format!(
        "The firewall of {} {} keeps trusted Microsoft services out, the {}'s among them: it cannot reach its key.",
        KeyStore::of(&vault.id).noun(),
        vault.id,
        input.declared.kind.noun()
    );
    let message = cure::message(&text, &[cure::trusted_services(&vault.id)]);
    Some(Verdict::no(Reason::VaultBlocksTrustedServices, message))
}

/// What is to be said of a key that is healthy so far.
fn warning(input: &Input<'_>, vault: &ArmId, found: &LiveKey, version: &LiveKeyVersion) -> Option<Verdict> {
    let pinned = matches!(
        &input.declared.encryption,
        ValidEncryption::CustomerManaged { version: Some(_), .. }
    );
    let renewal = key::renewal(found, version, !pinned, input.pace.expiry_lead, input.now)?;
    let current = &version.identifier;
    let create = cure::create_key(vault, current.key().as_str());
    let noun = input.declared.kind.noun();
    let pin = if pinned {
        format!(
            " The {noun} is pinned to this version: set spec.encryption.customerManagedKey.version to the new one, or remove it."
        )
    } else {
        String::new()
    };
    let (reason, text) = match renewal {
        Renewal::Due(expires) => (
            Reason::KeyExpiringSoon,
            format!(
                "Key version {current}, which is in use, expires at {expires}, and no newer one is in use.{pin}"
            ),
        ),
        Renewal::Unplanned(expires) => (
            Reason::RotationPolicyMissing,
            format!(
                "Key version {current}, which is in use, expires at {expires}, and no rotation policy makes a new one for this {noun}.{pin}"
            ),
        ),
    };
    Some(Verdict::yes(reason, cure::message(&text, &[create])))
}

fn lost(noun: &str, message: &str) -> Opinion {
    let text = format!("The {noun}'s access to its key is gone; Keyholder does not give it again. {message}");
    Opinion::Is(Verdict::no(Reason::AccessLost, text))
}

fn access(input: &Input<'_>, live: &Live, encryption: &LiveEncryption, vault: &ArmId) -> Opinion {
    let noun = input.declared.kind.noun();
    let usable = || {
        Opinion::Is(Verdict::yes(
            Reason::KeyUsable,
            "The key is enabled, valid, and may be used.",
        ))
    };
    let was_healthy = was(input.status, ConditionType::KeyHealthy, Truth::True);
    let was_lost = stored_reason(input.status, ConditionType::KeyHealthy) == Some(Reason::AccessLost);
    if let Some(client) = &encryption.gone {
        let noun = input.declared.kind.noun();
        let text = format!(
            "The identity of client id {client}, which unwraps with the key, is none of the {noun}'s any more: nobody can. Those of \
             spec.identity are given to it again."
        );
        return Opinion::Is(Verdict::no(Reason::IdentityNotFound, text));
    }
    let user = user(encryption);
    if let KeyUser::UserAssigned(id) = &user
        && is_absent(id, input.observed)
    {
        let text = format!(
            "Identity {id}, which unwraps with the key, does not exist any more: nobody can. One that is made anew under its name is another \
             principal, which needs access to the key; no source says whether Azure takes it up."
        );
        let message = cure::message(&text, &[cure::create_identity(id, &input.declared.location)]);
        return Opinion::Is(Verdict::no(Reason::IdentityNotFound, message));
    }
    let found = match principal(&user, Some(live), input.observed) {
        Some(principal) => access_of(
            &input.declared.kind,
            vault,
            encryption.key.key(),
            principal,
            input.observed,
        ),
        None => Access::NotRead(Why {
            reason: Reason::Pending,
            message: "The principal that unwraps with the key is not known so far.".to_owned(),
            retry_at: None,
        }),
    };
    match found {
        Access::Held => usable(),
        Access::Missing(message)
            if user == KeyUser::SystemAssigned
                && !was_healthy
                && !was_lost
                && !input.declared.kind.rules().encrypts_later() =>
        {
            Opinion::Is(Verdict::unknown(Reason::Unverifiable, unsettled(noun, &message)))
        }
        // It had a policy of its own, which is gone.
        Access::Undecidable(message)
            if (was_healthy || was_lost)
                && (input.observed.vault.known())
                    .is_some_and(|vault| matches!(vault.permissions, Permissions::Policies(_))) =>
        {
            lost(noun, &message)
        }
        Access::Missing(message) => lost(noun, &message),
        Access::Undecidable(message) => Opinion::Is(Verdict::unknown(Reason::Unverifiable, message)),
        Access::NotRead(_) if was_healthy => usable(),
        Access::NotRead(why) => match stored_reason(input.status, ConditionType::KeyHealthy) {
            Some(Reason::AccessLost | Reason::Unverifiable) => Opinion::Keep,
            _ => Opinion::Is(Verdict::unknown_why(&why)),
        },
    }
}

#[cfg(test)]
mod tests;
