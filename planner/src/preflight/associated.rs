//! The check of what the hub works with besides its key: its storage account and the key vault for its own secrets.
//!
//! Azure looks them up inside the operation, and a hub that failed there is bound to the names that it was given.

use keyholder_crds::Reason;

use super::{OTHERWISE, Outcome, not_read};
use crate::arm_id::ArmId;
use crate::cure;
use crate::observed::{Fact, Observed};
use crate::validate::{ValidEncryption, ValidHub};

/// What must exist. The key's own vault is not among it: another check tells more of that.
#[must_use]
pub fn associated(hub: &ValidHub) -> Vec<ArmId> {
    let mut ids = vec![hub.storage_account.clone()];
    let of_the_key = match &hub.encryption {
        ValidEncryption::CustomerManaged { vault, .. } => Some(vault),
        ValidEncryption::MicrosoftManaged => None,
    };
    if of_the_key != Some(&hub.key_vault) {
        ids.push(hub.key_vault.clone());
    }
    ids
}

pub(super) fn check(hub: &ValidHub, observed: &Observed) -> Outcome {
    let mut missing = Vec::new();
    let mut commands = Vec::new();
    let mut unknown = None;
    for id in associated(hub) {
        let fact = observed.associated.iter().find(|(one, _)| *one == id);
        match fact.map(|(_, fact)| fact) {
            Some(Fact::Known(())) => {}
            Some(Fact::Absent) if id == hub.storage_account => {
                missing.push(format!(
                    "Storage account {id} (spec.storageAccount) does not exist."
                ));
                commands.push(cure::create_storage_account(&id, &hub.location));
            }
            Some(Fact::Absent) => {
                missing.push(format!("Vault {id} (spec.keyVault) does not exist."));
                commands.push(cure::create_vault(&id, &hub.location));
            }
            Some(Fact::Unknown(why)) => unknown = Some(Outcome::unknown(why, false)),
            None => {
                unknown = Some(Outcome::unknown(
                    &not_read(&format!("whether {id} exists")),
                    false,
                ));
            }
        }
    }
    if missing.is_empty() {
        return unknown.unwrap_or(Outcome::PASSED);
    }
    Outcome::failed(
        Reason::AssociatedResourceNotFound,
        &format!("{} {OTHERWISE}", missing.join(" ")),
        &commands,
    )
}
