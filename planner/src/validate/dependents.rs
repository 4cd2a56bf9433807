//! The checks of a spec's dependents.

use keyholder_crds::{AdoptionPolicy, Dependent, DependentPolicy, DependentType};

use super::checker::Checker;
use super::{Enforcement, KeyUser, ValidDependent, ValidEncryption};
use crate::key_store::KeyStore;

impl Checker<'_> {
    /// Reads them; `encryption`: that of the object, if it can be as it is.
    pub(super) fn dependents(&mut self, encryption: Option<&ValidEncryption>) -> Vec<ValidDependent> {
        let mut dependents: Vec<ValidDependent> = Vec::new();
        let spec = self.spec;
        for (index, dependent) in spec.dependents.iter().enumerate() {
            let path = format!("spec.dependents[{index}].resource");
            let id = self.reference(
                &path,
                &dependent.resource,
                &dependent.r#type.to_string(),
                "letters, digits, - _ and .",
                |name| {
                    !name.is_empty()
                        && name
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                },
            );
            let enforces = dependent.policy == DependentPolicy::Enforce;
            if enforces {
                self.enforced(index, dependent, encryption);
            }
            let Some(id) = id else { continue };
            let one = ValidDependent {
                id,
                enforcement: enforces.then_some(Enforcement {
                    adopts: dependent.adoption_policy == AdoptionPolicy::Adopt,
                    irreversible: dependent.allow_irreversible,
                }),
            };
            match dependents.iter().find(|other| other.id == one.id) {
                None => dependents.push(one),
                Some(other) if *other == one => {}
                Some(_) => self.fail(
                    &path,
                    "the resource stands in the list twice, with policies that differ: leave one",
                ),
            }
        }
        dependents
    }

    /// A dependent can have the object's own key where both can have the identity that unwraps.
    fn enforced(&mut self, index: usize, dependent: &Dependent, encryption: Option<&ValidEncryption>) {
        let path = format!("spec.dependents[{index}].policy");
        let is_search = dependent.r#type == DependentType::SearchService;
        match encryption {
            Some(ValidEncryption::CustomerManaged { vault, identity, .. }) => {
                self.that(
                    is_search || matches!(identity, KeyUser::UserAssigned(_)),
                    &path,
                    "Enforce needs an identity that can unwrap for both: name a user-assigned one in \
                     spec.encryption.customerManagedKey.identity, or set policy: Audit",
                );
                self.that(
                    is_search || KeyStore::of(vault) == KeyStore::Vault,
                    &path,
                    "Enforce gives keys of key vaults alone: who may use a key of a managed HSM cannot be read",
                );
            }
            Some(ValidEncryption::Inherited | ValidEncryption::MicrosoftManaged) => self.fail(
                &path,
                "Enforce gives the object's own key, and it has none: set spec.encryption.mode CustomerManaged, or set policy: Audit",
            ),
            // It is told at the encryption.
            None => {}
        }
        self.that(
            dependent.allow_irreversible || dependent.r#type != DependentType::DatabaseAccount,
            &path,
            "an account of Cosmos DB that has a key never returns to Microsoft's: say allowIrreversible: true, or set policy: Audit",
        );
        self.that(
            dependent.r#type != DependentType::Registry,
            &path,
            "a registry gets its key at its creation alone: set policy: Audit",
        );
    }
}

#[cfg(test)]
mod tests;
