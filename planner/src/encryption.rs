//! The key of a resource that exists: is it the declared one, is it healthy, and must it change?
//!
//! Invariant: a change of key is asked for only to a key that was read and found fit, and never against the matrix.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use keyholder_crds::{ConditionType, EncryptionStatus, Reason};

use crate::arm_id::ArmId;
use crate::cure;
use crate::judge::{self, Opinion, Verdict, stored};
use crate::key;
use crate::key_health::healthy;
use crate::kind::Project;
use crate::matrix::{Transition, cell, is_let_through};
use crate::name::{KeyIdentifier, KeyName, KeyVersion};
use crate::observed::{Fact, Live, LiveEncryption, LiveKey};
use crate::plan::Input;
use crate::preflight::{Access, access_of, is_absent, key_problem, principal};
use crate::time::{after, not_before};
use crate::transition::{Refusal, unverified};
use crate::validate::{Declared, KeyUser, ValidEncryption};

/// A change of encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyChange {
    /// To this key; one without version is followed by the service.
    To(KeyIdentifier),
    /// To Microsoft's key.
    ToMicrosoftManaged,
}

impl KeyChange {
    /// What must be read back: the key's URL, or that there is none.
    pub fn as_str(&self) -> &str {
        match self {
            Self::To(key) => key.as_str(),
            Self::ToMicrosoftManaged => MICROSOFT,
        }
    }

    /// Whether `live` is as a change to `intent` makes it.
    pub fn is_made(intent: &str, live: &Live) -> bool {
        match &live.encryption {
            None => intent == MICROSOFT,
            Some(encryption) => encryption.key.to_string().eq_ignore_ascii_case(intent),
        }
    }
}

/// What an operation back to Microsoft's key intends.
const MICROSOFT: &str = "Microsoft's key";

/// What is thought of the key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyView {
    /// KeyApplied.
    pub applied: Opinion,
    /// KeyHealthy.
    pub healthy: Opinion,
    /// The change to make.
    pub change: Option<KeyChange>,
    /// A change of key that no source confirms and the user did not let through.
    pub refusal: Option<Refusal>,
    /// The newest usable version of the declared key.
    pub latest: Option<KeyIdentifier>,
    /// When that version is applied, if it is to be applied later.
    pub due: Option<Timestamp>,
}

impl KeyView {
    fn of(applied: Opinion, healthy: Opinion) -> Self {
        Self {
            applied,
            healthy,
            change: None,
            refusal: None,
            latest: None,
            due: None,
        }
    }
}

/// Encryption as Azure has it: that of the parent, for a project. What is not known now stays as it was known.
pub(crate) fn status(
    input: &Input<'_>,
    live: &Live,
    latest: Option<&KeyIdentifier>,
) -> Option<EncryptionStatus> {
    if input.declared.kind.rules().parent().is_none() {
        return Some(judge::encryption(input, live, latest));
    }
    match input.observed.parent.known() {
        Some(parent) => Some(judge::encryption(input, parent, None)),
        None => input.status.encryption.clone(),
    }
}

/// How a project is encrypted: as its parent is (azure-ai-docs, hub-encryption-keys-portal). Whether that is as declared, and whether
/// the key is healthy, is told there.
fn inherited(input: &Input<'_>, project: &Project) -> Opinion {
    let id = &project.parent;
    match &input.observed.parent {
        Fact::Known(parent) => {
            let what = match &parent.encryption {
                Some(encryption) => format!("with the key {}", encryption.key),
                None => "with Microsoft's key".to_owned(),
            };
            let text = format!("The project has no key of its own: it is encrypted as {id} is, {what}.");
            Opinion::Is(Verdict::yes(Reason::Inherited, text))
        }
        Fact::Absent => {
            let text =
                format!("{id}, whose project it is, does not exist any more: what encrypts it is not known.");
            Opinion::Is(Verdict::unknown(Reason::ParentNotFound, text))
        }
        Fact::Unknown(why) if stored(input.status, ConditionType::KeyApplied).is_none() => {
            Opinion::Is(Verdict::unknown_why(why))
        }
        Fact::Unknown(_) => Opinion::Keep,
    }
}

/// Judges the key of `live`; `refused`: the spec asks for something that cannot be, so that the resource stays with its key.
pub(crate) fn judge(input: &Input<'_>, live: &Live, refused: bool) -> KeyView {
    if let Some(project) = input.declared.kind.rules().parent() {
        return KeyView::of(inherited(input, project), Opinion::NotApplicable);
    }
    let Some(encryption) = &live.encryption else {
        let yes = Verdict::yes(Reason::MicrosoftManagedKey, "Microsoft holds the key.");
        return match &input.declared.encryption {
            ValidEncryption::CustomerManaged { version, .. }
                if input.declared.kind.rules().encrypts_later() =>
            {
                let mut view = not_encrypted(input, version.as_ref(), yes);
                view.change.take_if(|_| refused);
                view
            }
            _ => KeyView::of(Opinion::Is(yes.clone()), Opinion::Is(yes)),
        };
    };
    let ValidEncryption::CustomerManaged {
        vault, key, version, ..
    } = &input.declared.encryption
    else {
        let mut view = KeyView::of(Opinion::Keep, healthy(input, live, encryption, true));
        if !refused {
            let text = format!("Azure uses {}; declared is Microsoft's key.", encryption.key);
            view.applied = Opinion::Is(Verdict::no(Reason::EncryptionPending, text));
            view.change = Some(KeyChange::ToMicrosoftManaged);
        }
        return view;
    };
    if refused {
        return KeyView::of(
            keep(input, ConditionType::KeyApplied),
            healthy(input, live, encryption, true),
        );
    }
    let reads_key_in_use = encryption.key.key() == key;
    let mut view = KeyView::of(Opinion::Keep, healthy(input, live, encryption, reads_key_in_use));
    let declared = DeclaredKey {
        vault,
        key,
        version: version.as_ref(),
    };
    match &input.observed.key {
        Fact::Known(found) if key::is_of(found, vault, key) => {
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

/// What of the key of a resource that is to be taken over is otherwise than declared. Its version is not asked for where none is pinned.
pub(crate) fn in_other_hands(declared: &Declared, live: &Live) -> Option<String> {
    let ValidEncryption::CustomerManaged { key, version, .. } = &declared.encryption else {
        return None;
    };
    let current = &live.encryption.as_ref()?.key;
    let same_version = version
        .as_ref()
        .is_none_or(|version| current.version() == Some(version));
    if current.key() == key && same_version {
        return None;
    }
    Some(format!(
        "spec.encryption.customerManagedKey: Azure uses {current}."
    ))
}

/// The resource is there with Microsoft's key, and is to be encrypted with the declared one.
fn not_encrypted(input: &Input<'_>, version: Option<&KeyVersion>, healthy: Verdict) -> KeyView {
    let text = "Microsoft holds the key so far; the declared one is not applied yet.";
    let pending = Verdict::no(Reason::EncryptionPending, text);
    let mut view = KeyView::of(Opinion::Is(pending), Opinion::Is(healthy));
    if let Some(found) = input.observed.key.known() {
        view.latest = key::newest_usable(found, input.now).map(|newest| newest.identifier.clone());
        view.change = wanted(input, found, version, None).map(KeyChange::To);
    }
    view
}

/// The key to be used: one without version where the service follows it by itself.
pub(crate) fn wanted(
    input: &Input<'_>,
    found: &LiveKey,
    pinned: Option<&KeyVersion>,
    in_use: Option<&KeyIdentifier>,
) -> Option<KeyIdentifier> {
    let follows = pinned.is_none()
        && is_let_through(
            cell(input.declared.profile(), Transition::Versionless),
            &input.declared.allow_unverified,
        );
    if follows {
        return key::newest_usable(found, input.now).map(|newest| newest.identifier.versionless());
    }
    key::wanted(found, pinned, in_use, input.now).cloned()
}

struct DeclaredKey<'a> {
    vault: &'a ArmId,
    key: &'a KeyName,
    version: Option<&'a KeyVersion>,
}

/// Compares the key in use with the declared one, which was read.
fn compare(
    input: &Input<'_>,
    live: &Live,
    encryption: &LiveEncryption,
    declared: &DeclaredKey<'_>,
    found: &LiveKey,
    view: &mut KeyView,
) {
    let current = &encryption.key;
    let wanted = wanted(input, found, declared.version, Some(current));
    let other_key = current.key() != declared.key;
    let change = wanted
        .as_ref()
        .and_then(|wanted| Some((wanted, Transition::between(current, wanted)?)));
    // Following the key, with the version in use gone: KeyHealthy tells.
    let as_declared = wanted.is_some() || (!other_key && declared.version.is_none());
    if change.is_none() && as_declared {
        view.applied = applied(current, view.latest.as_ref());
        return;
    }
    let reason = if other_key {
        Reason::KeyMismatch
    } else {
        Reason::RotationPending
    };
    let target = wanted
        .as_ref()
        .map_or_else(|| declared.key.to_string(), ToString::to_string);
    let text = format!("Azure uses {current}; to be applied is {target}.");
    let hindrance = key_problem(declared.vault, declared.key, declared.version, found, input.now)
        .map(|(_, message)| message)
        .or_else(|| unwraps_no_more(input, encryption))
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
    let Some((wanted, transition)) = change else {
        return;
    };
    let verdict = cell(input.declared.profile(), transition);
    if is_let_through(verdict, &input.declared.allow_unverified) {
        if transition == Transition::NewVersion
            && declared.version.is_none()
            && let Some(due) = turn(input, current, found)
        {
            let text = format!("Azure uses {current}; the newer version {wanted} is applied from {due} on.");
            view.applied = Opinion::Is(Verdict::yes(Reason::KeyInUse, text));
            view.due = Some(due);
            return;
        }
        view.change = Some(KeyChange::To(wanted.clone()));
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

/// When it is this hub's turn to take a new version, if that is later than now: the hubs of a key do not write to Azure all
/// at once. A hub whose version cannot be used any more does not wait.
fn turn(input: &Input<'_>, current: &KeyIdentifier, found: &LiveKey) -> Option<Timestamp> {
    let in_use = current.version().and_then(|version| key::find(found, version))?;
    if key::unusable(in_use, input.now).is_some() {
        return None;
    }
    let created = key::newest_usable(found, input.now)?.created?;
    let mut hasher = DefaultHasher::new();
    input.declared.id.lower().hash(&mut hasher);
    let share = i32::try_from(hasher.finish() % 1000).unwrap_or_default();
    let due = not_before(after(created, input.pace.rotation_spread * share / 1000));
    (input.now < due).then_some(due)
}

/// That the identity that unwraps does not exist any more.
fn unwraps_no_more(input: &Input<'_>, encryption: &LiveEncryption) -> Option<String> {
    let KeyUser::UserAssigned(id) = user(encryption) else {
        return None;
    };
    is_absent(&id, input.observed).then(|| {
        cure::message(
            &format!(
                "Identity {id}, which unwraps, does not exist: make it anew, and give it access to the key."
            ),
            &[cure::create_identity(&id, &input.declared.location)],
        )
    })
}

/// Why the identity could not work with the declared key, when that was read and is certain.
fn access_hindrance(
    input: &Input<'_>,
    live: &Live,
    encryption: &LiveEncryption,
    declared: &DeclaredKey<'_>,
) -> Option<String> {
    let principal = principal(&user(encryption), Some(live), input.observed)?;
    match access_of(
        &input.declared.kind,
        declared.vault,
        declared.key,
        principal,
        input.observed,
    ) {
        Access::Missing(message) => Some(message),
        Access::Held | Access::Undecidable(_) | Access::NotRead(_) => None,
    }
}

/// The key in use is the declared one.
fn applied(current: &KeyIdentifier, latest: Option<&KeyIdentifier>) -> Opinion {
    let (None, Some(latest)) = (current.version(), latest) else {
        return in_use(current);
    };
    let text = format!(
        "Azure follows {current} by itself and does not tell which version it uses; the newest usable one is {latest}."
    );
    Opinion::Is(Verdict::yes(Reason::FollowedByService, text))
}

fn in_use(current: &KeyIdentifier) -> Opinion {
    Opinion::Is(Verdict::yes(Reason::KeyInUse, format!("Azure uses {current}.")))
}

/// The stored condition, or that it is not known so far.
pub(crate) fn keep(input: &Input<'_>, of: ConditionType) -> Opinion {
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

pub(crate) fn user(encryption: &LiveEncryption) -> KeyUser {
    encryption
        .identity
        .clone()
        .map_or(KeyUser::SystemAssigned, KeyUser::UserAssigned)
}

#[cfg(test)]
mod tests;
