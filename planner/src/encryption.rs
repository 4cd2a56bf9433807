//! The key of a hub that exists: is it the declared one, is it healthy, and must it change?
//!
//! Invariant: a change of key is asked for only to a key that was read and found fit, and never against the matrix.

use keyholder_crds::{ConditionType, Reason};

use crate::arm_id::ArmId;
use crate::cure;
use crate::judge::{Opinion, Truth, Verdict, stored, stored_reason, was};
use crate::key::{self, Unusable};
use crate::matrix::{Profile, Transition, cell, is_let_through};
use crate::name::{KeyIdentifier, KeyName, KeyVersion};
use crate::observed::{Fact, LiveEncryption, LiveHub, LiveKey};
use crate::plan::Input;
use crate::preflight::{Access, access_of, key_problem, principal};
use crate::transition::{Refusal, unverified};
use crate::validate::{KeyUser, ValidEncryption};

/// What is thought of the key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyView {
    /// KeyApplied.
    pub applied: Opinion,
    /// KeyHealthy.
    pub healthy: Opinion,
    /// The key to apply.
    pub change: Option<KeyIdentifier>,
    /// A change of key that no source confirms and the user did not let through.
    pub refusal: Option<Refusal>,
    /// The newest usable version of the declared key.
    pub latest: Option<KeyIdentifier>,
}

impl KeyView {
    fn of(applied: Opinion, healthy: Opinion) -> Self {
        Self {
            applied,
            healthy,
            change: None,
            refusal: None,
            latest: None,
        }
    }
}

/// Judges the key of `live`; `refused`: the spec asks for something that cannot be, so that the hub stays with its key.
pub(crate) fn judge(input: &Input<'_>, live: &LiveHub, refused: bool) -> KeyView {
    let Some(encryption) = &live.encryption else {
        let yes = Verdict::yes(Reason::MicrosoftManagedKey, "Microsoft holds the key.");
        return KeyView::of(Opinion::Is(yes.clone()), Opinion::Is(yes));
    };
    let ValidEncryption::CustomerManaged {
        vault, key, version, ..
    } = &input.hub.encryption
    else {
        return KeyView::of(Opinion::Keep, healthy(input, live, encryption, true));
    };
    if refused {
        return KeyView::of(
            keep(input, ConditionType::KeyApplied),
            healthy(input, live, encryption, true),
        );
    }
    let reads_key_in_use = encryption.key.key() == key;
    let mut view = KeyView::of(Opinion::Keep, healthy(input, live, encryption, reads_key_in_use));
    let declared = Declared {
        vault,
        key,
        version: version.as_ref(),
    };
    match &input.observed.key {
        Fact::Known(found) if key::is_of(found, vault.name(), key) => {
            view.latest = key::newest_usable(found, input.now).map(|newest| newest.identifier.clone());
            compare(input, live, encryption, &declared, found, &mut view);
        }
        Fact::Absent
            if encryption.key.key() != key
                || version
                    .as_ref()
                    .is_some_and(|pin| Some(pin) != encryption.key.version()) =>
        {
            let text = format!(
                "Azure uses {}; the declared key {} does not exist.",
                encryption.key,
                vault.child("keys", key.as_str())
            );
            let message = cure::message(&text, &[cure::create_key(vault, key.as_str())]);
            view.applied = Opinion::Is(Verdict::no(Reason::KeyMismatch, message).stalled());
        }
        Fact::Absent => view.applied = in_use(&encryption.key),
        Fact::Known(_) | Fact::Unknown(_) if encryption.key.key() != key => {
            view.applied = Opinion::Is(Verdict::no(
                Reason::KeyMismatch,
                format!(
                    "Azure uses {}; declared is key {key}, which could not be read so far.",
                    encryption.key
                ),
            ));
        }
        Fact::Known(_) | Fact::Unknown(_) => view.applied = keep(input, ConditionType::KeyApplied),
    }
    view
}

struct Declared<'a> {
    vault: &'a ArmId,
    key: &'a KeyName,
    version: Option<&'a KeyVersion>,
}

/// Compares the key in use with the declared one, which was read.
fn compare(
    input: &Input<'_>,
    live: &LiveHub,
    encryption: &LiveEncryption,
    declared: &Declared<'_>,
    found: &LiveKey,
    view: &mut KeyView,
) {
    let current = &encryption.key;
    let wanted = key::wanted(found, declared.version, Some(current), input.now);
    let other_key = current.key() != declared.key;
    let change = wanted.and_then(|wanted| Some((wanted, Transition::between(current, wanted)?)));
    // Following the key, with the version in use gone: KeyHealthy tells.
    let as_declared = wanted.is_some() || (!other_key && declared.version.is_none());
    if change.is_none() && as_declared {
        view.applied = in_use(current);
        return;
    }
    let reason = if other_key {
        Reason::KeyMismatch
    } else {
        Reason::RotationPending
    };
    let target = wanted.map_or_else(|| declared.key.to_string(), ToString::to_string);
    let text = format!("Azure uses {current}; to be applied is {target}.");
    let hindrance = key_problem(declared.vault, declared.key, declared.version, found, input.now)
        .map(|(_, message)| message)
        .or_else(|| {
            other_key
                .then(|| access_hindrance(input, live, encryption, declared))
                .flatten()
        });
    if let Some(hindrance) = hindrance {
        view.applied = Opinion::Is(Verdict::no(reason, format!("{text} {hindrance}")).stalled());
        return;
    }
    view.applied = Opinion::Is(Verdict::no(reason, text));
    let Some((wanted, transition)) = change else { return };
    let profile = Profile::of_hub(input.hub.encryption.data_location());
    let verdict = cell(profile, transition);
    if is_let_through(verdict, &input.hub.allow_unverified) {
        view.change = Some(wanted.clone());
    } else {
        let pin = current.version().map(|version| {
            format!(" To stay with the key version in use: set spec.encryption.customerManagedKey.version: {version}.")
        });
        let what = format!(
            "No source confirms that Azure takes another version of the key on a service-side hub; in use is {current}.{}",
            pin.unwrap_or_default()
        );
        view.refusal = Some(unverified(
            verdict,
            "spec.encryption.customerManagedKey.version",
            &what,
        ));
    }
}

/// Why the identity could not work with the declared key, when that was read and is certain.
fn access_hindrance(
    input: &Input<'_>,
    live: &LiveHub,
    encryption: &LiveEncryption,
    declared: &Declared<'_>,
) -> Option<String> {
    let principal = principal(&user(encryption), live, input.observed)?;
    match access_of(declared.vault, declared.key, principal, input.observed) {
        Access::Missing(message) => Some(message),
        Access::Held | Access::Undecidable(_) | Access::NotRead(_) => None,
    }
}

fn in_use(current: &KeyIdentifier) -> Opinion {
    Opinion::Is(Verdict::yes(Reason::KeyInUse, format!("Azure uses {current}.")))
}

/// The stored condition, or that it is not known so far.
fn keep(input: &Input<'_>, of: ConditionType) -> Opinion {
    if stored(input.status, of).is_some() {
        return Opinion::Keep;
    }
    match &input.observed.key {
        Fact::Unknown(why) => Opinion::Is(Verdict::unknown_why(why)),
        Fact::Known(_) | Fact::Absent => Opinion::Is(Verdict::unknown(
            Reason::Pending,
            "Not looked at while the spec asks for a forbidden change.",
        )),
    }
}

fn user(encryption: &LiveEncryption) -> KeyUser {
    encryption
        .identity
        .clone()
        .map_or(KeyUser::SystemAssigned, KeyUser::UserAssigned)
}

/// Judges the key version in use; `reads_key_in_use`: the key that this pass read is that one.
fn healthy(
    input: &Input<'_>,
    live: &LiveHub,
    encryption: &LiveEncryption,
    reads_key_in_use: bool,
) -> Opinion {
    let current = &encryption.key;
    let vault = input
        .observed
        .vault
        .known()
        .map_or(&encryption.vault, |vault| &vault.id);
    let gone = |what: &str, command: String| {
        let text = format!("{what}: the hub's data cannot be read without it.");
        Opinion::Is(Verdict::no(Reason::KeyDeleted, cure::message(&text, &[command])))
    };
    let found = match (&input.observed.key, &input.observed.vault) {
        (_, Fact::Absent) => {
            return gone(
                &format!("Vault {} does not exist any more", encryption.vault),
                cure::recover_vault(&encryption.vault),
            );
        }
        (Fact::Known(found), _) if key::is_of(found, current.vault().as_str(), current.key()) => found,
        (Fact::Absent, _) if reads_key_in_use => {
            return gone(
                &format!("Key {current} does not exist any more"),
                cure::recover_key(vault, current.key()),
            );
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
            (Unusable::Disabled, Some(version)) => (
                Reason::KeyDisabled,
                format!("Key version {current}, which is in use, is disabled."),
                cure::enable_key(vault, current.key(), version),
            ),
            (Unusable::Disabled, None) => (Reason::KeyDisabled, format!("Key {current} is disabled."), newer),
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
    access(input, live, encryption)
}

fn access(input: &Input<'_>, live: &LiveHub, encryption: &LiveEncryption) -> Opinion {
    let usable = || {
        Opinion::Is(Verdict::yes(
            Reason::KeyUsable,
            "The key is enabled, valid, and may be used.",
        ))
    };
    let was_healthy = was(input.status, ConditionType::KeyHealthy, Truth::True);
    let was_lost = stored_reason(input.status, ConditionType::KeyHealthy) == Some(Reason::AccessLost);
    let user = user(encryption);
    let found = match principal(&user, live, input.observed) {
        Some(principal) => access_of(&encryption.vault, encryption.key.key(), principal, input.observed),
        None => Access::NotRead(crate::observed::Why {
            reason: Reason::Pending,
            message: "The principal that unwraps with the key is not known so far.".to_owned(),
            retry_at: None,
        }),
    };
    match found {
        Access::Held => usable(),
        Access::Missing(message) if user == KeyUser::SystemAssigned && !was_healthy && !was_lost => {
            Opinion::Is(Verdict::unknown(Reason::Unverifiable, message))
        }
        Access::Missing(message) => Opinion::Is(Verdict::no(Reason::AccessLost, message)),
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
