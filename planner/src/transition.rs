//! Whether the spec asks for a change that cannot be made.
//!
//! Invariant: on (declared, bound) this refuses exactly what the rules of the CRD refuse at admission, and it refuses the
//! same against the resource as Azure has it.

use keyholder_crds::{Bound, EncryptionMode, Reason};

use crate::key_store::{self, KeyStore};
use crate::kind::{Fixed, Kind};
use crate::matrix::{Cell, Profile, Transition, cell, is_let_through};
use crate::observed::{Live, Observed, Permissions};
use crate::validate::{Declared, KeyUser, ValidEncryption};

/// A change that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The condition's reason.
    pub reason: Reason,
    /// The field that asks for it.
    pub path: &'static str,
    /// What is refused, and the way out.
    pub message: String,
}

/// The one-way choices of a spec.
#[must_use]
pub fn of_declared(declared: &Declared) -> Bound {
    let (mode, data_location, vault, key_identity) = match &declared.encryption {
        ValidEncryption::Inherited => (None, None, None, None),
        ValidEncryption::MicrosoftManaged => (Some(EncryptionMode::MicrosoftManaged), None, None, None),
        ValidEncryption::CustomerManaged {
            data_location,
            vault,
            identity,
            ..
        } => (
            Some(EncryptionMode::CustomerManaged),
            *data_location,
            Some(vault.lower()),
            match identity {
                KeyUser::UserAssigned(id) => Some(id.lower()),
                KeyUser::SystemAssigned => None,
            },
        ),
    };
    let mut bound = Bound {
        resource_id: declared.id.lower(),
        location: declared.location.as_str().to_owned(),
        mode,
        parent: None,
        parent_object: None,
        data_location,
        vault,
        key_identity,
        storage_account: None,
        key_vault: None,
        high_business_impact: None,
        managed_network_isolation: None,
        account_kind: None,
        allow_project_management: None,
        custom_sub_domain_name: None,
    };
    declared.kind.rules().bind(&mut bound);
    bound
}

/// The one-way choices of a resource as Azure has it. What Azure does not tell is taken to be as declared.
#[must_use]
pub fn of_live(kind: &Kind, live: &Live, declared: &Bound) -> Bound {
    let encryption = live.encryption.as_ref();
    let mode = if encryption.is_some() {
        EncryptionMode::CustomerManaged
    } else {
        EncryptionMode::MicrosoftManaged
    };
    let mut bound = Bound {
        resource_id: live.id.lower(),
        location: live.location.as_str().to_owned(),
        mode: Some(mode),
        parent: None,
        parent_object: None,
        data_location: None,
        // Names are unique in all of Azure among what is of one kind, and names alone are compared.
        vault: encryption.map(|encryption| {
            let named = || encryption.key.store().noted(encryption.key.vault().as_str());
            encryption.vault.as_ref().map_or_else(named, crate::ArmId::lower)
        }),
        key_identity: match encryption.and_then(|encryption| encryption.gone.as_ref()) {
            Some(_) => declared.key_identity.clone(),
            None => encryption
                .and_then(|encryption| encryption.identity.as_ref())
                .map(crate::ArmId::lower),
        },
        storage_account: None,
        key_vault: None,
        high_business_impact: None,
        managed_network_isolation: None,
        account_kind: None,
        allow_project_management: None,
        custom_sub_domain_name: None,
    };
    kind.rules().bind_live(live, declared, &mut bound);
    bound
}

/// Every change between what is and what is declared that Azure does not make, in the order of the fields' weight. With the
/// mode refused, nothing is told of the fields that only one of the modes has.
#[must_use]
pub fn refusals(kind: &Kind, declared: &Bound, have: &Bound) -> Vec<Refusal> {
    let rules = kind.rules();
    let noun = rules.noun();
    let profile = rules.profile(have);
    let forbidden = |transition| matches!(cell(profile, transition), Cell::Forbidden);
    let same_mode = declared.mode == have.mode;
    let mut refusals = Vec::new();
    let mut refuse = |refused: bool, reason, path, what: String| {
        if refused {
            refusals.push(Refusal {
                reason,
                path,
                message: way_out(kind, path, &what),
            });
        }
    };

    let mode_refused = !same_mode
        && match declared.mode {
            Some(EncryptionMode::CustomerManaged) => forbidden(Transition::ToCustomerManaged),
            Some(EncryptionMode::MicrosoftManaged) => forbidden(Transition::ToMicrosoftManaged),
            None => false,
        };
    refuse(
        mode_refused,
        Reason::ModeSwitchForbidden,
        "spec.encryption.mode",
        format!(
            "Azure cannot switch a {noun} between Microsoft-managed and customer-managed keys: it is {}, asked for is {}.",
            mode(have),
            mode(declared)
        ),
    );
    let in_hsm = |bound: &Bound| KeyStore::of_noted(text(bound.vault.as_deref())) == KeyStore::ManagedHsm;
    let store = if in_hsm(declared) || in_hsm(have) {
        "key store"
    } else {
        "vault"
    };
    let (reason, cannot) = match cell(profile, Transition::OtherVault) {
        Cell::Unverified(_) => (
            Reason::TransitionUnverified,
            "No source confirms that Azure can take",
        ),
        Cell::Forbidden | Cell::Allowed(_) => (Reason::VaultSwitchForbidden, "Azure cannot take"),
    };
    refuse(
        same_mode
            && !key_store::is_same(declared.vault.as_deref(), have.vault.as_deref())
            && !is_let_through(cell(profile, Transition::OtherVault), &[]),
        reason,
        "spec.encryption.customerManagedKey.vault",
        format!(
            "{cannot} a {noun}'s key from another {store}: it is in {}, asked for is {}; another key of the same {store} is \
             fine.",
            text(have.vault.as_deref()),
            text(declared.vault.as_deref())
        ),
    );
    refuse(
        same_mode && declared.data_location != have.data_location && forbidden(Transition::DataLocation),
        Reason::DataLocationSwitchForbidden,
        "spec.encryption.dataLocation",
        format!(
            "Azure cannot move a {noun}'s data between its managed resource group and the service side: it is {}, asked for is \
             {}.",
            location(have),
            location(declared)
        ),
    );
    let mut fixed = vec![
        Fixed {
            differs: same_mode && declared.key_identity != have.key_identity,
            path: "spec.encryption.customerManagedKey.identity",
            what: format!(
                "{}: it is {}.",
                rules.other_identity(),
                text(have.key_identity.as_deref())
            ),
        },
        Fixed {
            differs: rules.has_place_of_its_own() && declared.resource_id != have.resource_id,
            path: "spec.resourceGroup",
            what: rules.fixed_at_creation(
                &format!("the {noun}'s subscription, resource group and name"),
                &have.resource_id,
            ),
        },
        Fixed {
            differs: rules.has_place_of_its_own() && declared.location != have.location,
            path: "spec.location",
            what: rules.fixed_at_creation(&format!("the {noun}'s region"), &have.location),
        },
    ];
    fixed.extend(rules.fixed(declared, have, mode_refused));
    for Fixed { differs, path, what } in fixed {
        refuse(differs, Reason::ImmutableFieldChanged, path, what);
    }
    refusals
}

/// Choices at creation that no source confirms, unless the user lets them through; `observed`: what was read, of the vault.
#[must_use]
pub fn unverified_creation(declared: &Declared, observed: &Observed) -> Vec<Refusal> {
    let ValidEncryption::CustomerManaged { vault, identity, .. } = &declared.encryption else {
        return Vec::new();
    };
    let profile = declared.profile();
    let mut refusals = Vec::new();
    let mut refuse = |asked: bool, transition, path, text: &str| {
        let verdict = cell(profile, transition);
        if asked && !is_let_through(verdict, &declared.allow_unverified) {
            refusals.push(unverified(verdict, path, text));
        }
    };
    let what = match profile {
        Profile::OpenAIAccount => {
            "Azure's pages contradict each other on whether a user-assigned identity can unwrap the key of an account of kind OpenAI"
        }
        _ => "No source confirms that a service-side hub's key can be unwrapped by a user-assigned identity",
    };
    refuse(
        matches!(identity, KeyUser::UserAssigned(_)),
        Transition::UserAssignedIdentity,
        "spec.encryption.customerManagedKey.identity",
        &format!("{what}: leave customerManagedKey.identity out and set spec.identity.systemAssigned: true."),
    );
    refuse(
        KeyStore::of(vault) == KeyStore::ManagedHsm,
        Transition::ManagedHsm,
        "spec.encryption.customerManagedKey.vault",
        "Azure's pages contradict each other on whether an account of kind OpenAI can have a key of a managed HSM: name a key vault.",
    );
    let vault = observed.vault.known();
    refuse(
        vault.is_some_and(|vault| vault.permissions == Permissions::Roles),
        Transition::RoleBasedVault,
        "spec.encryption.customerManagedKey.vault",
        "Azure's pages contradict each other on whether an account of kind OpenAI can have a key of a vault that decides by role \
         assignments: name a vault with access policies.",
    );
    refusals
}

/// The refusal of an unconfirmed change, with the name that lets it through.
#[must_use]
pub fn unverified(verdict: Cell, path: &'static str, what: &str) -> Refusal {
    let message = match verdict {
        Cell::Unverified(Some(name)) => {
            format!("{what} To try it on your own word: add {name} to spec.allowUnverified.")
        }
        _ => what.to_owned(),
    };
    Refusal {
        reason: Reason::TransitionUnverified,
        path,
        message,
    }
}

fn way_out(kind: &Kind, path: &str, what: &str) -> String {
    let (noun, object) = (kind.rules().noun(), kind.rules().object());
    format!(
        "{path}: {what} The {noun} stays as it is. To have it otherwise, apply a new {object} under another name beside this one \
         and move to it; to go back, restore the old value."
    )
}

/// Whether two ids have the same name: identity enough for what has a name of its own in all of Azure.
pub(crate) fn same_name(one: Option<&str>, other: Option<&str>) -> bool {
    let name = |id: Option<&str>| {
        id.and_then(|id| id.rsplit('/').next())
            .map(str::to_ascii_lowercase)
    };
    name(one) == name(other)
}

fn text(value: Option<&str>) -> &str {
    value.unwrap_or("none")
}

/// The mode, for people.
pub(crate) fn mode(bound: &Bound) -> String {
    bound
        .mode
        .map_or_else(|| "its parent's".to_owned(), |mode| mode.to_string())
}

fn location(bound: &Bound) -> String {
    bound
        .data_location
        .map_or_else(|| "none".to_owned(), |location| location.to_string())
}

#[cfg(test)]
pub(crate) mod cel_agrees;
#[cfg(test)]
mod tests;
