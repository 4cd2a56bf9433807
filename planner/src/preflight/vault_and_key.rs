//! The checks of the key's vault or managed HSM, and of the key.

use jiff::Timestamp;
use keyholder_crds::Reason;

use super::{LiveVault, Outcome, otherwise};
use crate::arm_id::ArmId;
use crate::cure;
use crate::key::{self, Unusable};
use crate::key_health::until;
use crate::key_store::KeyStore;
use crate::matrix::{Cell, Transition, cell};
use crate::name::{KeyName, KeyVersion};
use crate::observed::{Fact, LiveKey, LiveKeyVersion, Observed};
use crate::validate::Declared;

/// Checks the vault; `tenant` is that of the identity that unwraps, where it is known.
///
/// Soft delete, purge protection, region and tenant: azure-ai-docs, hub-encryption-keys-portal (10/2025). All that is
/// wrong is told at once, under the reason of the first.
pub(super) fn check_vault(
    declared: &Declared,
    id: &ArmId,
    tenant: Option<&str>,
    observed: &Observed,
) -> Outcome {
    let live = match &observed.vault {
        Fact::Known(live) => live,
        Fact::Absent => {
            let cure = match KeyStore::of(id) {
                KeyStore::Vault => format!("{} {}", otherwise(declared), if_an_hsm(declared)),
                KeyStore::ManagedHsm => "Correct its ARM id.".to_owned(),
            };
            return Outcome::failed(
                Reason::VaultNotFound,
                &format!("{} {id} does not exist. {cure}", KeyStore::of(id).title()),
                &[cure::key_store_in(id, &declared.location)],
            );
        }
        Fact::Unknown(why) => return Outcome::unknown(why, true),
    };
    let (store, noun) = (KeyStore::of(&live.id).title(), KeyStore::of(&live.id).noun());
    let problems: Vec<(Reason, String, String)> = [
        (!live.soft_delete).then(|| {
            (
                Reason::SoftDeleteDisabled,
                format!("{store} {} has no soft delete.", live.id),
                cure::soft_delete(&live.id),
            )
        }),
        (!live.purge_protection).then(|| {
            (
                Reason::PurgeProtectionDisabled,
                format!("{store} {} has no purge protection. Once turned on it cannot be turned off again.", live.id),
                cure::purge_protection(&live.id),
            )
        }),
        (live.location != declared.location).then(|| other_region(declared, live)),
        tenant.filter(|tenant| !tenant.eq_ignore_ascii_case(&live.tenant_id)).map(|tenant| {
            (
                Reason::TenantMismatch,
                format!(
                    "{store} {} is of tenant {}, the identity that unwraps of tenant {tenant}: name a {noun} of that tenant in \
                     spec.encryption.customerManagedKey.vault.",
                    live.id, live.tenant_id
                ),
                cure::key_stores_of(&live.id, tenant),
            )
        }),
        (!live.trusted_services_pass).then(|| {
            (
                Reason::VaultBlocksTrustedServices,
                format!("The firewall of {noun} {} keeps trusted Microsoft services out.", live.id),
                cure::trusted_services(&live.id),
            )
        }),
        // Until then no key of it works (key-vault, managed-hsm/quick-create-cli).
        live.inactive.as_ref().map(|status| {
            let name = live.id.name();
            (
                Reason::HsmNotActivated,
                format!(
                    "{store} {} is not activated ({status}): none of its keys works. Its administrators activate it by downloading its \
                     security domain, for which three people make a certificate each: {name}-1.cer, {name}-2.cer and {name}-3.cer.",
                    live.id
                ),
                cure::activate(&live.id),
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    let Some((reason, _, _)) = problems.first() else {
        return Outcome::PASSED;
    };
    let text: Vec<&str> = problems.iter().map(|(_, text, _)| text.as_str()).collect();
    let commands: Vec<String> = problems.iter().map(|(_, _, command)| command.clone()).collect();
    Outcome::failed(*reason, &text.join(" "), &commands)
}

/// A bare name is looked up as a vault's, and may be a managed HSM's.
fn if_an_hsm(declared: &Declared) -> String {
    let noun = declared.kind.noun();
    match cell(declared.profile(), Transition::ManagedHsm) {
        Cell::Unverified(None) | Cell::Forbidden => {
            format!(
                "If it is a managed HSM: no source confirms that Azure takes the key of a {noun} from one."
            )
        }
        Cell::Unverified(Some(_)) | Cell::Allowed(_) => {
            "If it is a managed HSM, give its whole ARM id: a name means a vault.".to_owned()
        }
    }
}

fn other_region(declared: &Declared, live: &LiveVault) -> (Reason, String, String) {
    // A vault's name is unique in all of Azure and has at most 24 characters: the region must be left in it.
    let room = 23_usize.saturating_sub(declared.location.as_str().len()).max(1);
    let head: String = live.id.name().chars().take(room).collect();
    let wanted = format!("{}-{}", head.trim_end_matches('-'), declared.location);
    let name: String = wanted.chars().take(24).collect();
    let store = KeyStore::of(&live.id);
    let other = ArmId::of(
        live.id.subscription(),
        live.id.resource_group(),
        store.arm_type(),
        &name,
    );
    let noun = store.noun();
    (
        Reason::RegionMismatch,
        format!(
            "{} {} is in {}, the {} in {}: a {noun} cannot be moved, so name one in {} in \
             spec.encryption.customerManagedKey.vault.",
            store.title(),
            live.id,
            live.location,
            declared.kind.noun(),
            declared.location,
            declared.location
        ),
        cure::key_store_in(&other, &declared.location),
    )
}

/// Checks the key and the version that would be used.
pub(super) fn check_key(
    vault: &ArmId,
    name: &KeyName,
    pinned: Option<&KeyVersion>,
    observed: &Observed,
    now: Timestamp,
) -> Outcome {
    let id = vault.child("keys", name.as_str());
    match &observed.key {
        Fact::Known(live) => match problem(vault, name, pinned, live, now) {
            Some((reason, message)) => Outcome::Failed { reason, message },
            None => Outcome::PASSED,
        },
        Fact::Absent => match &observed.deleted_key {
            // Its name is taken while it is kept: a new one cannot be created.
            Fact::Known(deleted) => Outcome::failed(
                Reason::KeyNotFound,
                &format!(
                    "Key {id} was deleted; it can be recovered{}.",
                    until(deleted.purge_at)
                ),
                &[cure::recover_key(vault, name)],
            ),
            Fact::Absent | Fact::Unknown(_) => Outcome::failed(
                Reason::KeyNotFound,
                &format!("Key {id} does not exist. Correct the name, or make it."),
                &[cure::create_key(vault, name.as_str())],
            ),
        },
        Fact::Unknown(why) => Outcome::unknown(why, true),
    }
}

/// Why a key cannot be applied, with the cure.
pub(crate) fn problem(
    vault: &ArmId,
    name: &KeyName,
    pinned: Option<&KeyVersion>,
    live: &LiveKey,
    now: Timestamp,
) -> Option<(Reason, String)> {
    let id = vault.child("keys", name.as_str());
    if !key::is_suitable(live) {
        let size = live
            .size
            .map(|bits| format!(" of {bits} bits"))
            .unwrap_or_default();
        let other: String = format!("{name}-rsa").chars().take(127).collect();
        return Some((
            Reason::KeyUnsuitable,
            cure::message(
                &format!(
                    "Key {id} is {}{size}; Azure takes RSA or RSA-HSM of 2048, 3072 or 4096 bits. Name another key in \
                     spec.encryption.customerManagedKey.key.",
                    live.kty
                ),
                &[cure::create_key(vault, &other)],
            ),
        ));
    }
    let chosen = match pinned {
        Some(version) => match key::find(live, version) {
            Some(found) => found,
            None => {
                return Some((
                    Reason::KeyNotFound,
                    cure::message(
                        &format!(
                            "Key {id} has no version {version}: pin another in spec.encryption.customerManagedKey.version, or \
                             leave it out."
                        ),
                        &[cure::list_versions(vault, name)],
                    ),
                ));
            }
        },
        None => match key::newest_usable(live, now) {
            Some(_) => return None,
            None => &live.current,
        },
    };
    key::unusable(chosen, now).map(|why| unusable(vault, name, chosen, why))
}

fn unusable(vault: &ArmId, name: &KeyName, version: &LiveKeyVersion, why: Unusable) -> (Reason, String) {
    let what = &version.identifier;
    let (text, command) = match (why, what.version()) {
        (Unusable::Disabled, Some(version)) => (
            format!("Key version {what} is disabled."),
            cure::enable_key(vault, name, version),
        ),
        (Unusable::Disabled, None) => (
            format!("Key {what} is disabled."),
            cure::create_key(vault, name.as_str()),
        ),
        (Unusable::Expired(at), _) => (
            format!(
                "Key version {what} expired at {at}: a new version is needed, and no pin on the old one."
            ),
            cure::create_key(vault, name.as_str()),
        ),
        (Unusable::NotYetValid(at), _) => (
            format!(
                "Key version {what} is not valid before {at}: wait, or make a version that is valid now."
            ),
            cure::create_key(vault, name.as_str()),
        ),
    };
    (Reason::KeyUnsuitable, cure::message(&text, &[command]))
}
