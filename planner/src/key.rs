//! Keys: which version is wanted, which is usable, and which is in use.
//!
//! Invariant: a hub that follows its key is never moved to a version older than the one in use.

use jiff::{SignedDuration, Timestamp};

use crate::arm_id::ArmId;
use crate::name::{KeyIdentifier, KeyName, KeyVersion};
use crate::observed::{LiveKey, LiveKeyVersion, Rotation};
use crate::time::after;

/// Why a version cannot be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is disabled.
    Disabled,
    /// Its validity is over.
    Expired(Timestamp),
    /// Its validity has not begun.
    NotYetValid(Timestamp),
}

/// Why a version cannot be used at `now`, if it cannot.
#[must_use]
pub fn unusable(version: &LiveKeyVersion, now: Timestamp) -> Option<Unusable> {
    if !version.enabled {
        return Some(Unusable::Disabled);
    }
    if let Some(expires) = version.expires
        && expires <= now
    {
        return Some(Unusable::Expired(expires));
    }
    version
        .not_before
        .filter(|begin| *begin > now)
        .map(Unusable::NotYetValid)
}

/// Every version that was read.
pub fn versions(key: &LiveKey) -> impl Iterator<Item = &LiveKeyVersion> {
    std::iter::once(&key.current).chain(&key.others)
}

/// One version, if it was read.
#[must_use]
pub fn find<'a>(key: &'a LiveKey, version: &KeyVersion) -> Option<&'a LiveKeyVersion> {
    versions(key).find(|one| one.identifier.version() == Some(version))
}

/// The newest version that can be used at `now`, by time of creation.
#[must_use]
pub fn newest_usable(key: &LiveKey, now: Timestamp) -> Option<&LiveKeyVersion> {
    versions(key)
        .filter(|version| unusable(version, now).is_none())
        .max_by_key(|version| version.created)
}

/// Whether what was read is this key.
#[must_use]
pub fn is_of(key: &LiveKey, vault: &ArmId, name: &KeyName) -> bool {
    let identifier = &key.current.identifier;
    identifier.is_in(vault) && identifier.key() == name
}

/// The version to be used by a hub: the pinned one, or the newest usable one that is not older than the one in use.
///
/// `None`: no version is fit.
#[must_use]
pub fn wanted<'a>(
    key: &'a LiveKey,
    pinned: Option<&KeyVersion>,
    in_use: Option<&KeyIdentifier>,
    now: Timestamp,
) -> Option<&'a KeyIdentifier> {
    if let Some(pinned) = pinned {
        return find(key, pinned).map(|version| &version.identifier);
    }
    let newest = newest_usable(key, now);
    let same_key = in_use.filter(|identifier| identifier.same_key(&key.current.identifier));
    let Some(in_use) = same_key.and_then(KeyIdentifier::version) else {
        return newest.map(|version| &version.identifier);
    };
    // The version in use is not there any more: moving would be a guess, and the data may still need it.
    let current = find(key, in_use)?;
    match newest {
        Some(newest) if newest.created > current.created => Some(&newest.identifier),
        _ => Some(&current.identifier),
    }
}

/// Azure takes RSA and RSA-HSM keys of 2048, 3072 or 4096 bits for a hub (azure-ai-docs, hub-encryption-keys-portal and
/// how-to-setup-customer-managed-keys).
#[must_use]
pub fn is_suitable(key: &LiveKey) -> bool {
    let rsa = key.kty.eq_ignore_ascii_case("RSA") || key.kty.eq_ignore_ascii_case("RSA-HSM");
    rsa && key.size.is_none_or(|size| matches!(size, 2048 | 3072 | 4096))
}

/// When the key's rotation policy makes the version that follows `version`, if it does.
#[must_use]
pub fn rotates_at(key: &LiveKey, version: &LiveKeyVersion) -> Option<Timestamp> {
    key.rotation
        .iter()
        .filter_map(|rotation| match rotation {
            Rotation::AfterCreation(while_) => Some(after(version.created?, *while_)),
            Rotation::BeforeExpiry(while_) => Some(after(version.expires?, -*while_)),
        })
        .min()
}

/// Whether somebody must see to it that a version of the key follows `version`, which expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It expires so soon that there should be a new version.
    Due(Timestamp),
    /// It expires, and no rotation policy makes a new version.
    Unplanned(Timestamp),
}

/// How late a rotation policy may be.
const ROTATION_GRACE: SignedDuration = SignedDuration::from_hours(24);

/// What is to be said of the expiry of `version`; `follows`: the hub takes new versions by itself.
#[must_use]
pub fn renewal(
    key: &LiveKey,
    version: &LiveKeyVersion,
    follows: bool,
    lead: SignedDuration,
    now: Timestamp,
) -> Option<Renewal> {
    let expires = version.expires?;
    let begin = after(expires, -lead);
    let planned = rotates_at(key, version).filter(|_| follows);
    if now < begin {
        return planned.is_none().then_some(Renewal::Unplanned(expires));
    }
    let in_time = planned.is_some_and(|planned| planned <= begin && now < after(planned, ROTATION_GRACE));
    (!in_time).then_some(Renewal::Due(expires))
}

/// When time alone changes what is thought of the key: a version expires, is soon to expire, or begins to be valid. At
/// most a day ahead.
#[must_use]
pub fn next_change(key: &LiveKey, lead: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    let horizon = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now);
    versions(key)
        .filter(|version| version.enabled)
        .flat_map(|version| {
            let overdue = rotates_at(key, version).map(|planned| after(planned, ROTATION_GRACE));
            let warning = version.expires.map(|expires| after(expires, -lead));
            [version.expires, version.not_before, warning, overdue]
        })
        .flatten()
        .filter(|moment| *moment > now)
        .min()
        .map(|moment| moment.min(horizon))
}

#[cfg(test)]
mod tests;
