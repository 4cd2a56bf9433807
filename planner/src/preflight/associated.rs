//! The check of what the resource works with besides its key, such as a hub's storage account and the key vault for its own
//! secrets.
//!
//! Azure looks them up inside the operation, and a hub that failed there is bound to the names that it was given.

use keyholder_crds::Reason;

use super::{Outcome, not_read, otherwise};
use crate::kind::Associated;
use crate::observed::{Fact, Observed};
use crate::validate::{Declared, ValidEncryption};

/// What must exist. The key's own vault is not among it: another check tells more of that.
#[must_use]
pub fn associated(declared: &Declared) -> Vec<Associated> {
    let of_the_key = match &declared.encryption {
        ValidEncryption::CustomerManaged { vault, .. } => Some(vault),
        ValidEncryption::Inherited | ValidEncryption::MicrosoftManaged => None,
    };
    let mut associated = declared.kind.rules().associated();
    associated.retain(|one| Some(&one.id) != of_the_key);
    associated
}

pub(super) fn check(declared: &Declared, observed: &Observed) -> Outcome {
    let mut missing = Vec::new();
    let mut commands = Vec::new();
    let mut unknown = None;
    for one in associated(declared) {
        let id = &one.id;
        let fact = observed.associated.iter().find(|(other, _)| other == id);
        match fact.map(|(_, fact)| fact) {
            Some(Fact::Known(())) => {}
            Some(Fact::Absent) => {
                missing.push(format!("{} {id} ({}) does not exist.", one.what, one.path));
                commands.push((one.create)(id, &declared.location));
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
        &format!("{} {}", missing.join(" "), otherwise(declared)),
        &commands,
    )
}
