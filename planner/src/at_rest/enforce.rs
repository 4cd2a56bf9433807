//! Dependents that are to have the object's own key: whether each has it, what hinders it, and the change that gives it.
//!
//! Invariants: a change is made only to what carries this object's mark, or carries none and may be taken over; with a key that the
//! object itself has and that is in order; and where Azure has no way back only on the spec's word.

use keyholder_crds::vocabulary::{ENCRYPTION_TAG, OWNER_TAG};
use keyholder_crds::{ConditionType, Reason};

use super::change;
use crate::arm_id::ArmId;
use crate::cure;
use crate::judge::{self, Judgement, Opinion, Truth, Verdict};
use crate::matrix::{Cell, Profile, Transition, cell, is_let_through};
use crate::name::KeyIdentifier;
use crate::observed::{AtRest, Body, Fact, Live, Permissions, Stored};
use crate::plan::Input;
use crate::validate::{ACCOUNT, Enforcement, KeyUser, STORAGE_ACCOUNT, ValidEncryption};

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

/// What a dependent is to be encrypted with.
pub(super) struct Wanted<'a> {
    /// The key, with its version where the spec pins one that the resource can name.
    pub key: KeyIdentifier,
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
    let profile = profile(id, stored);
    if let AtRest::Enforced { .. } = stored.at_rest {
        return Standing::AsDeclared;
    }
    let wanted = wanted(input, own, profile);
    let transition = match (&stored.at_rest, &wanted) {
        (AtRest::Microsoft | AtRest::NotEnforced | AtRest::Enforced { .. }, _) => {
            Some(Transition::ToCustomerManaged)
        }
        (AtRest::Key(have), Some(wanted)) if stored.follows => {
            Transition::between(&have.versionless(), &wanted.key)
        }
        (AtRest::Key(have), Some(wanted)) => Transition::between(have, &wanted.key),
        (AtRest::Key(_), None) => None,
    };
    let Some(transition) = transition else {
        return if wanted.is_some() {
            Standing::AsDeclared
        } else {
            Standing::Hindered(waits("the object itself has no key so far"))
        };
    };
    let hindered = not_ours(input, id, enforcement, stored)
        .or_else(|| forbidden(input, id, profile, transition, wanted.as_ref()))
        .or_else(|| one_way(id, enforcement, profile, transition))
        .or_else(|| key_not_in_order(input, judgement, profile))
        .or_else(|| unsuitable(input, id, stored, wanted.as_ref()));
    if let Some(verdict) = hindered {
        return Standing::Hindered(verdict);
    }
    match change::body(input, profile, stored, wanted.as_ref()) {
        Some((intent, body)) => Standing::Due { intent, body },
        None => Standing::Hindered(waits("the identity that unwraps could not be read")),
    }
}

/// The row of the matrix that holds for a dependent.
fn profile(id: &ArmId, stored: &Stored) -> Profile {
    match &stored.account {
        Some((kind, projects)) => Profile::of_account(kind, *projects),
        None if id.is_type(STORAGE_ACCOUNT) => Profile::StorageAccount,
        None if id.is_type("Microsoft.Search/searchServices") => Profile::SearchService,
        None => Profile::DatabaseAccount,
    }
}

/// AI Search is told of no key.
fn wanted<'a>(input: &Input<'a>, own: &Live, profile: Profile) -> Option<Wanted<'a>> {
    if profile == Profile::SearchService {
        return None;
    }
    let ValidEncryption::CustomerManaged {
        version,
        identity: KeyUser::UserAssigned(identity),
        ..
    } = &input.declared.encryption
    else {
        return None;
    };
    let key = own.encryption.as_ref()?.key.versionless();
    let pinned = version.as_ref().filter(|_| profile != Profile::DatabaseAccount);
    let key = match pinned {
        Some(version) => KeyIdentifier::parse(&format!("{key}/{version}")).ok()?,
        None => key,
    };
    Some(Wanted { key, identity })
}

/// Whose it is to encrypt.
fn not_ours(input: &Input<'_>, id: &ArmId, enforcement: Enforcement, stored: &Stored) -> Option<Verdict> {
    let tag = |name: &str| {
        let found = stored
            .tags
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    if let Some(owner) = tag(OWNER_TAG) {
        let text = format!(
            "it is declared by {owner} (its tag {OWNER_TAG}), which says how it is encrypted: set its key there, and leave policy at Audit here."
        );
        return Some(Verdict::no(Reason::NotOwned, text));
    }
    let ours = input.declared.encryption_tag();
    match tag(ENCRYPTION_TAG) {
        Some(other) if other == ours => None,
        Some(other) => {
            let text = format!(
                "{other} encrypts it (its tag {ENCRYPTION_TAG}), and one object does. If that is over, this object's mark takes its place."
            );
            let command = cure::tag_resource(id, ENCRYPTION_TAG, &ours);
            Some(Verdict::no(Reason::NotOwned, cure::message(&text, &[command])))
        }
        None if enforcement.adopts => None,
        None => {
            let text = format!(
                "it does not carry the tag {ENCRYPTION_TAG} = {ours}, so nothing is written to it. Set the tag, or adoptionPolicy: Adopt in its \
                 entry of spec.dependents."
            );
            let command = cure::tag_resource(id, ENCRYPTION_TAG, &ours);
            Some(Verdict::no(Reason::NotOwned, cure::message(&text, &[command])))
        }
    }
}

/// What Azure does not do, or is not known to.
fn forbidden(
    input: &Input<'_>,
    id: &ArmId,
    profile: Profile,
    transition: Transition,
    wanted: Option<&Wanted<'_>>,
) -> Option<Verdict> {
    let mut needed = vec![transition];
    if transition == Transition::ToCustomerManaged
        && let Some(wanted) = wanted
    {
        needed.push(Transition::UserAssignedIdentity);
        let vault = input.observed.vault.known();
        let by_roles = vault.is_some_and(|vault| vault.permissions == Permissions::Roles);
        needed.extend(by_roles.then_some(Transition::RoleBasedVault));
        needed.extend(wanted.key.version().is_none().then_some(Transition::Versionless));
    }
    let refused = needed
        .into_iter()
        .find(|one| !is_let_through(cell(profile, *one), &input.declared.allow_unverified))?;
    let reason = match (refused, cell(profile, refused)) {
        (Transition::OtherVault, Cell::Forbidden) => Reason::VaultSwitchForbidden,
        _ => Reason::TransitionUnverified,
    };
    let what = match refused {
        Transition::OtherVault => "its key is in another vault, which it cannot leave as far as is known",
        Transition::Versionless => {
            "no source confirms that it follows a key without version: set customerManagedKey.version"
        }
        Transition::RoleBasedVault => {
            "Azure's pages contradict each other on whether it takes a key of a vault that decides by role assignments"
        }
        _ => "no source confirms that it takes a key that a user-assigned identity unwraps",
    };
    let named = match cell(profile, refused) {
        Cell::Unverified(Some(name)) => {
            format!(" To try it on your own word: add {name} to spec.allowUnverified.")
        }
        _ => String::new(),
    };
    let text = format!(
        "{what}.{named} Leave policy at Audit, or use another {} in its place.",
        id.resource_type()
    );
    Some(Verdict::no(reason, text))
}

/// A change that Azure does not take back needs the spec's word.
fn one_way(
    id: &ArmId,
    enforcement: Enforcement,
    profile: Profile,
    transition: Transition,
) -> Option<Verdict> {
    let returns = !matches!(cell(profile, Transition::ToMicrosoftManaged), Cell::Forbidden);
    if transition != Transition::ToCustomerManaged || returns || enforcement.irreversible {
        return None;
    }
    let text = format!(
        "a {} such as this never returns from a key of yours to Microsoft's: say allowIrreversible: true in its entry of spec.dependents.",
        id.resource_type()
    );
    Some(Verdict::no(Reason::Irreversible, text))
}

/// The key is given on once the object itself has it and can use it.
fn key_not_in_order(input: &Input<'_>, judgement: &Judgement, profile: Profile) -> Option<Verdict> {
    let holds = |opinion: &Opinion, of| match opinion {
        Opinion::Is(verdict) => verdict.status == Truth::True,
        Opinion::Keep => judge::was(input.status, of, Truth::True),
        Opinion::NotApplicable => false,
    };
    let in_order = holds(&judgement.key_applied, ConditionType::KeyApplied)
        && holds(&judgement.key_healthy, ConditionType::KeyHealthy);
    (profile != Profile::SearchService && !in_order)
        .then(|| waits("the object's own key is not applied and healthy (KeyApplied, KeyHealthy)"))
}

/// What Azure would refuse.
fn unsuitable(
    input: &Input<'_>,
    id: &ArmId,
    stored: &Stored,
    wanted: Option<&Wanted<'_>>,
) -> Option<Verdict> {
    let wanted = wanted?;
    // "Only one user-assigned identity" (storage 2026-04-01).
    if id.is_type(STORAGE_ACCOUNT)
        && let Some(other) = stored.user_assigned.iter().find(|one| *one != wanted.identity)
    {
        let text = format!(
            "it has the user-assigned identity {other}, and a storage account takes one alone: take that away, or encrypt with it both this \
             object and the account."
        );
        return Some(Verdict::no(Reason::DependentUnsuitable, text));
    }
    if id.is_type(ACCOUNT) {
        let Fact::Known(vault) = &input.observed.vault else {
            return Some(waits("the key's vault could not be read"));
        };
        // "Same region as the account" (azure-ai-docs, concepts-encryption-keys-portal).
        if let Some(location) = stored.location.as_ref().filter(|one| **one != vault.location) {
            let text = format!(
                "it is in {location} and the key's vault in {}: an account takes a key of its own region alone. Leave policy at Audit.",
                vault.location
            );
            return Some(Verdict::no(Reason::RegionMismatch, text));
        }
    }
    None
}

/// It comes by itself.
pub(super) fn waits(for_what: &str) -> Verdict {
    Verdict::no(Reason::Pending, format!("it waits to be encrypted: {for_what}."))
}
