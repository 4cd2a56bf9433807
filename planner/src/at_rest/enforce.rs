//! Dependents that are to have the object's own key: whether each has it, what hinders it, and the change that gives it.
//!
//! Invariants: a change is made only to what carries this object's mark, or carries none and may be taken over; with the declared key, and
//! only while the object itself has it, can use it and asks for nothing that is refused; and where Azure has no way back only on the spec's
//! word.

use keyholder_crds::vocabulary::{ENCRYPTION_TAG, OWNER_TAG};
use keyholder_crds::{ConditionType, DependentType, Reason};
use strum::IntoEnumIterator;

use super::change;
use crate::arm_id::ArmId;
use crate::cure;
use crate::judge::{Judgement, Opinion, Truth, Verdict};
use crate::matrix::{Cell, Profile, Transition, cell, is_let_through};
use crate::name::{KeyIdentifier, KeyName, KeyVersion};
use crate::observed::{AtRest, Body, Fact, Live, Permissions, Stored};
use crate::plan::Input;
use crate::validate::{Enforcement, KeyUser, ValidEncryption};

/// How a dependent stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Standing {
    /// It is as declared.
    AsDeclared,
    /// It is not, and is not changed, for this.
    Hindered(Verdict),
    /// It is not, and this changes it.
    Due {
        /// What it is to lead to, for people.
        intent: String,
        /// The PATCH.
        body: Body,
    },
}

/// What a dependent is to be encrypted with; of AI Search keys are enforced, and it is told of none.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    vault: &'a ArmId,
    key: &'a KeyName,
    /// The version that the spec pins, where the resource can name one.
    version: Option<&'a KeyVersion>,
    /// The identity that unwraps.
    pub identity: &'a ArmId,
}

/// Looks at a dependent; `own`: the object's resource, `judgement`: what is thought of it so far.
pub(super) fn standing(
    input: &Input<'_>,
    own: &Live,
    judgement: &Judgement,
    (id, enforcement): (&ArmId, Enforcement),
    stored: &Stored,
) -> Standing {
    let Some(profile) = profile(id, stored) else {
        return Standing::Hindered(waits("what kind of resource it is was not told"));
    };
    let wanted = wanted(input, profile);
    let Some(transition) = transition(stored, wanted) else {
        return Standing::AsDeclared;
    };
    let hindered = not_ours(input, id, enforcement, stored)
        .or_else(|| forbidden(input, id, profile, transition, wanted))
        .or_else(|| one_way(enforcement, profile, transition))
        .or_else(|| unsuitable(input, id, profile, stored, wanted));
    if let Some(verdict) = hindered {
        return Standing::Hindered(verdict);
    }
    let key = match wanted.map(|wanted| given(own, judgement, wanted)) {
        None => None,
        Some(Ok(key)) => Some(key),
        Some(Err(verdict)) => return Standing::Hindered(verdict),
    };
    let to = key.as_ref().zip(wanted.map(|wanted| wanted.identity));
    match change::body(input, profile, stored, to) {
        Some((intent, body)) => Standing::Due { intent, body },
        None => Standing::Hindered(waits("the identity that unwraps could not be read")),
    }
}

/// The row of the matrix that holds for a dependent.
fn profile(id: &ArmId, stored: &Stored) -> Option<Profile> {
    let kind = DependentType::iter().find(|kind| id.is_type(&kind.to_string()))?;
    Some(match kind {
        DependentType::StorageAccount => Profile::StorageAccount,
        DependentType::SearchService => Profile::SearchService,
        DependentType::DatabaseAccount => Profile::DatabaseAccount,
        DependentType::Registry => Profile::Registry,
        DependentType::AIServicesAccount => {
            let (kind, projects) = stored.account.as_ref()?;
            Profile::of_account(kind, *projects)
        }
    })
}

fn wanted<'a>(input: &Input<'a>, profile: Profile) -> Option<Wanted<'a>> {
    match &input.declared.encryption {
        ValidEncryption::CustomerManaged {
            vault,
            key,
            version,
            identity: KeyUser::UserAssigned(identity),
            ..
        } if profile != Profile::SearchService => Some(Wanted {
            vault,
            key,
            version: version.as_ref().filter(|_| profile != Profile::DatabaseAccount),
            identity,
        }),
        _ => None,
    }
}

/// What must change, if anything must.
fn transition(stored: &Stored, wanted: Option<Wanted<'_>>) -> Option<Transition> {
    let have = match &stored.at_rest {
        AtRest::Enforced { .. } => return None,
        AtRest::Microsoft | AtRest::NotEnforced => return Some(Transition::ToCustomerManaged),
        AtRest::Key(have) => have,
    };
    let wanted = wanted?;
    let pinned = have.version().filter(|_| !stored.follows);
    if !have.is_in(wanted.vault) {
        Some(Transition::OtherVault)
    } else if have.key() != wanted.key {
        Some(Transition::OtherKey)
    } else if pinned.is_some() && wanted.version.is_none() {
        Some(Transition::Versionless)
    } else if pinned != wanted.version {
        Some(Transition::NewVersion)
    } else if stored.unwraps.as_ref() != Some(wanted.identity) {
        Some(Transition::UserAssignedIdentity)
    } else {
        None
    }
}

/// The value of a tag, whose name Azure compares without regard to case.
pub(super) fn tag<'a>(stored: &'a Stored, name: &str) -> Option<&'a str> {
    let found = stored
        .tags
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// Whose it is to encrypt.
fn not_ours(input: &Input<'_>, id: &ArmId, enforcement: Enforcement, stored: &Stored) -> Option<Verdict> {
    if let Some(owner) = tag(stored, OWNER_TAG) {
        let text = format!(
            "it is declared by {owner} (its tag {OWNER_TAG}), which says how it is encrypted: set its key there, and policy: Audit here."
        );
        return Some(Verdict::no(Reason::NotOwned, text));
    }
    let ours = input.declared.encryption_tag();
    let text = match tag(stored, ENCRYPTION_TAG) {
        Some(other) if other == ours => return None,
        Some(other) => format!(
            "{other} encrypts it (its tag {ENCRYPTION_TAG}), and no two objects do. If that is over, put this object's mark in its place."
        ),
        None if enforcement.adopts => return None,
        None => format!(
            "it does not carry the tag {ENCRYPTION_TAG} = {ours}, so nothing is written to it. Set the tag, or adoptionPolicy: Adopt in its \
             entry of spec.dependents."
        ),
    };
    let command = cure::tag_resource(id, ENCRYPTION_TAG, &ours);
    Some(Verdict::no(Reason::NotOwned, cure::message(&text, &[command])))
}

/// What Azure does not do, or is not known to.
fn forbidden(
    input: &Input<'_>,
    id: &ArmId,
    profile: Profile,
    transition: Transition,
    wanted: Option<Wanted<'_>>,
) -> Option<Verdict> {
    let mut needed = vec![transition];
    if let Some(wanted) = wanted {
        needed.push(Transition::UserAssignedIdentity);
        needed.extend(wanted.version.is_none().then_some(Transition::Versionless));
        let vault = input.observed.vault.known();
        let by_roles = vault.is_some_and(|vault| vault.permissions == Permissions::Roles);
        needed.extend(by_roles.then_some(Transition::RoleBasedVault));
    }
    let is_account = matches!(
        profile,
        Profile::FoundryAccount | Profile::OpenAIAccount | Profile::Account
    );
    // As for the account's own object (transition): it is a choice of the first key.
    let other_identity = transition == Transition::UserAssignedIdentity && is_account;
    let lets = |one: &Transition| is_let_through(cell(profile, *one), &input.declared.allow_unverified);
    let refused = needed.iter().find(|one| other_identity || !lets(one)).copied()?;
    let verdict = cell(profile, refused);
    let (reason, what) = match refused {
        Transition::OtherVault if verdict == Cell::Forbidden => (
            Reason::VaultSwitchForbidden,
            "its key is in another vault, and Azure takes another key of the same vault alone",
        ),
        Transition::OtherVault => (
            Reason::TransitionUnverified,
            "its key is in another vault, and no source confirms that it can have one of this vault",
        ),
        Transition::ToCustomerManaged => (
            Reason::ModeSwitchForbidden,
            "it gets its key at its creation alone",
        ),
        Transition::Versionless => (
            Reason::TransitionUnverified,
            "no source confirms that it follows a key without version: set customerManagedKey.version",
        ),
        Transition::RoleBasedVault => (
            Reason::TransitionUnverified,
            "Azure's pages contradict each other on whether it takes a key of a vault that decides by role assignments",
        ),
        _ if other_identity => (
            Reason::TransitionUnverified,
            "another identity unwraps its key, and no source confirms that Azure lets an account change it",
        ),
        _ => (
            Reason::TransitionUnverified,
            "no source confirms that it takes a key that a user-assigned identity unwraps",
        ),
    };
    let word = match verdict {
        Cell::Unverified(Some(name)) if !other_identity => {
            format!(" To try it on your own word: add {name} to spec.allowUnverified.")
        }
        _ => String::new(),
    };
    let text = format!(
        "{what}.{word} Set policy: Audit, or use another {} in its place.",
        id.resource_type()
    );
    Some(Verdict::no(reason, text))
}

/// A change that Azure does not take back needs the spec's word.
fn one_way(enforcement: Enforcement, profile: Profile, transition: Transition) -> Option<Verdict> {
    let returns = !matches!(cell(profile, Transition::ToMicrosoftManaged), Cell::Forbidden);
    if transition != Transition::ToCustomerManaged || returns || enforcement.irreversible {
        return None;
    }
    let what = match profile {
        Profile::DatabaseAccount => "an account of Cosmos DB",
        _ => "an account that allows projects",
    };
    let text = format!(
        "{what} never returns from a key of yours to Microsoft's: say allowIrreversible: true in its entry of spec.dependents, or policy: Audit."
    );
    Some(Verdict::no(Reason::Irreversible, text))
}

/// What Azure would refuse.
fn unsuitable(
    input: &Input<'_>,
    id: &ArmId,
    profile: Profile,
    stored: &Stored,
    wanted: Option<Wanted<'_>>,
) -> Option<Verdict> {
    let wanted = wanted?;
    // "Only one user-assigned identity" (storage 2026-04-01).
    if profile == Profile::StorageAccount
        && let Some(other) = stored.user_assigned.iter().find(|one| *one != wanted.identity)
    {
        let text = format!(
            "it has the user-assigned identity {other}, and a storage account takes one alone: take that away, or encrypt with it both this \
             object and the account."
        );
        return Some(Verdict::no(Reason::DependentUnsuitable, text));
    }
    // "Same region as the account" (azure-ai-docs, concepts-encryption-keys-portal).
    if stored.account.is_some() {
        let Fact::Known(vault) = &input.observed.vault else {
            return Some(waits("the key's vault could not be read"));
        };
        if let Some(location) = stored.location.as_ref().filter(|one| **one != vault.location) {
            let text = format!(
                "{} is in {location} and the key's vault in {}: an account takes a key of its own region alone. Set policy: Audit.",
                id.name(),
                vault.location
            );
            return Some(Verdict::no(Reason::RegionMismatch, text));
        }
    }
    None
}

/// The key that is given on: the object's own, while it is the declared one, is known to work, and nothing is refused.
fn given(own: &Live, judgement: &Judgement, wanted: Wanted<'_>) -> Result<KeyIdentifier, Verdict> {
    let holds =
        |of| matches!(judgement.opinion(of), Some(Opinion::Is(verdict)) if verdict.status == Truth::True);
    let in_order = [
        ConditionType::TransitionAllowed,
        ConditionType::KeyApplied,
        ConditionType::KeyHealthy,
    ]
    .into_iter()
    .all(holds);
    let has = own.encryption.as_ref().filter(|encryption| {
        encryption.key.is_in(wanted.vault)
            && encryption.key.key() == wanted.key
            && encryption.identity.as_ref() == Some(wanted.identity)
    });
    let Some(encryption) = has.filter(|_| in_order) else {
        return Err(waits(
            "the object's own key is not the declared one, applied and healthy (TransitionAllowed, KeyApplied, KeyHealthy)",
        ));
    };
    let key = encryption.key.versionless();
    let Some(version) = wanted.version else {
        return Ok(key);
    };
    KeyIdentifier::parse(&format!("{key}/{version}")).map_err(|_| waits("the key's URL is not understood"))
}

/// It comes by itself.
pub(super) fn waits(for_what: &str) -> Verdict {
    Verdict::no(
        Reason::Pending,
        format!("it waits for this object's key: {for_what}."),
    )
}
