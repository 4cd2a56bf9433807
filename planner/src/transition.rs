//! Whether the spec asks for a change that cannot be made.
//!
//! Invariant: on (declared, bound) this refuses exactly what the rules of the CRD refuse at admission, and it refuses the
//! same against the hub as Azure has it.

use keyholder_crds::{Bound, DataLocation, EncryptionMode, Reason};

use crate::matrix::{Cell, Profile, Transition, cell, is_let_through};
use crate::observed::LiveHub;
use crate::validate::{KeyUser, ValidEncryption, ValidHub};

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
pub fn declared(hub: &ValidHub) -> Bound {
    let (mode, data_location, vault, key_identity) = match &hub.encryption {
        ValidEncryption::MicrosoftManaged => (EncryptionMode::MicrosoftManaged, None, None, None),
        ValidEncryption::CustomerManaged {
            data_location,
            vault,
            identity,
            ..
        } => (
            EncryptionMode::CustomerManaged,
            Some(*data_location),
            Some(vault.lower()),
            match identity {
                KeyUser::UserAssigned(id) => Some(id.lower()),
                KeyUser::SystemAssigned => None,
            },
        ),
    };
    Bound {
        resource_id: hub.id.lower(),
        location: hub.location.as_str().to_owned(),
        mode,
        data_location,
        vault,
        key_identity,
        storage_account: hub.storage_account.lower(),
        key_vault: hub.key_vault.lower(),
        high_business_impact: hub.high_business_impact,
    }
}

/// The one-way choices of a hub as Azure has it. What Azure does not tell is taken to be as declared.
#[must_use]
pub fn of_live(live: &LiveHub, declared: &Bound) -> Bound {
    let (mode, data_location) = match (&live.encryption, live.service_side) {
        (None, _) => (EncryptionMode::MicrosoftManaged, None),
        (Some(_), true) => (EncryptionMode::CustomerManaged, Some(DataLocation::ServiceSide)),
        (Some(_), false) => (
            EncryptionMode::CustomerManaged,
            Some(DataLocation::ManagedResourceGroup),
        ),
    };
    let encryption = live.encryption.as_ref();
    Bound {
        resource_id: live.id.lower(),
        location: live.location.as_str().to_owned(),
        mode,
        data_location,
        vault: encryption.map(|encryption| encryption.vault.lower()),
        key_identity: encryption
            .and_then(|encryption| encryption.identity.as_ref())
            .map(crate::ArmId::lower),
        storage_account: live
            .storage_account
            .as_ref()
            .map_or_else(|| declared.storage_account.clone(), crate::ArmId::lower),
        key_vault: live
            .key_vault
            .as_ref()
            .map_or_else(|| declared.key_vault.clone(), crate::ArmId::lower),
        // Azure turns it on with a customer-managed key and reads it back as true (azurerm, ai_foundry).
        high_business_impact: encryption.is_some() || live.high_business_impact,
    }
}

/// Every change between what is and what is declared that Azure does not make, in the order of the fields' weight. With the
/// mode refused, nothing is told of the fields that only one of the modes has.
#[must_use]
pub fn refusals(declared: &Bound, have: &Bound) -> Vec<Refusal> {
    let profile = Profile::of_hub(have.data_location);
    let forbidden = |transition| matches!(cell(profile, transition), Cell::Forbidden);
    let mut refusals = Vec::new();
    let mut refuse = |refused: bool, reason, path, what: String| {
        if refused {
            refusals.push(Refusal {
                reason,
                path,
                message: way_out(path, &what),
            });
        }
    };

    let switch = match declared.mode {
        EncryptionMode::CustomerManaged => Transition::ToCustomerManaged,
        EncryptionMode::MicrosoftManaged => Transition::ToMicrosoftManaged,
    };
    let mode_refused = declared.mode != have.mode && forbidden(switch);
    refuse(
        mode_refused,
        Reason::ModeSwitchForbidden,
        "spec.encryption.mode",
        format!(
            "Azure cannot switch a hub between Microsoft-managed and customer-managed keys: it is {}, asked for is {}.",
            have.mode, declared.mode
        ),
    );
    refuse(
        !mode_refused
            && !same_name(declared.vault.as_deref(), have.vault.as_deref())
            && forbidden(Transition::OtherVault),
        Reason::VaultSwitchForbidden,
        "spec.encryption.customerManagedKey.vault",
        format!(
            "Azure cannot take a hub's key from another vault: it is in {}, asked for is {}; another key of the same vault is \
             fine.",
            text(have.vault.as_deref()),
            text(declared.vault.as_deref())
        ),
    );
    refuse(
        !mode_refused && declared.data_location != have.data_location && forbidden(Transition::DataLocation),
        Reason::DataLocationSwitchForbidden,
        "spec.encryption.dataLocation",
        format!(
            "Azure cannot move a hub's data between its managed resource group and the service side: it is {}, asked for is \
             {}.",
            location(have),
            location(declared)
        ),
    );
    let fixed = [
        (
            !mode_refused && declared.key_identity != have.key_identity,
            "spec.encryption.customerManagedKey.identity",
            "the identity that unwraps the key",
            text(have.key_identity.as_deref()),
        ),
        (
            declared.resource_id != have.resource_id,
            "spec.resourceGroup",
            "the hub's subscription, resource group and name",
            have.resource_id.as_str(),
        ),
        (
            declared.location != have.location,
            "spec.location",
            "the hub's region",
            have.location.as_str(),
        ),
        (
            !same_name(Some(&declared.storage_account), Some(&have.storage_account)),
            "spec.storageAccount",
            "the hub's storage account",
            have.storage_account.as_str(),
        ),
        (
            !same_name(Some(&declared.key_vault), Some(&have.key_vault)),
            "spec.keyVault",
            "the hub's own key vault",
            have.key_vault.as_str(),
        ),
        (
            !mode_refused && declared.high_business_impact != have.high_business_impact,
            "spec.highBusinessImpact",
            "high business impact",
            if have.high_business_impact {
                "true"
            } else {
                "false"
            },
        ),
    ];
    for (differs, path, what, value) in fixed {
        refuse(
            differs,
            Reason::ImmutableFieldChanged,
            path,
            format!("Azure fixes {what} when the hub is created: it is {value}."),
        );
    }
    refusals
}

/// A choice at creation that no source confirms, unless the user lets it through.
#[must_use]
pub fn unverified_creation(hub: &ValidHub) -> Option<Refusal> {
    let ValidEncryption::CustomerManaged {
        data_location,
        identity: KeyUser::UserAssigned(_),
        ..
    } = &hub.encryption
    else {
        return None;
    };
    let verdict = cell(
        Profile::of_hub(Some(*data_location)),
        Transition::UserAssignedIdentity,
    );
    if is_let_through(verdict, &hub.allow_unverified) {
        return None;
    }
    Some(unverified(
        verdict,
        "spec.encryption.customerManagedKey.identity",
        "No source confirms that a service-side hub's key can be unwrapped by a user-assigned identity: leave \
         customerManagedKey.identity out and set spec.identity.systemAssigned: true.",
    ))
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

fn way_out(path: &str, what: &str) -> String {
    format!(
        "{path}: {what} The hub stays as it is. To have it otherwise, apply a new AIHub under another name beside this one \
         and move to it; to go back, restore the old value."
    )
}

fn same_name(one: Option<&str>, other: Option<&str>) -> bool {
    let name = |id: Option<&str>| {
        id.and_then(|id| id.rsplit('/').next())
            .map(str::to_ascii_lowercase)
    };
    name(one) == name(other)
}

fn text(value: Option<&str>) -> &str {
    value.unwrap_or("none")
}

fn location(bound: &Bound) -> String {
    bound
        .data_location
        .map_or_else(|| "none".to_owned(), |location| location.to_string())
}

#[cfg(test)]
mod cel_agrees;
#[cfg(test)]
mod tests;
