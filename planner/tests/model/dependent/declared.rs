//! What users may declare of a hub and its storage account.

use keyholder_crds::{AIHub, ResourceStatus};
use keyholder_planner::{Declared, Validate};
use serde_json::json;

use crate::hub::declared::Spec as HubSpec;
use crate::reading::OWNER;
use crate::world::Policy;

pub const STORAGE: &str = "Microsoft.Storage/storageAccounts";
pub const NAME: &str = "documents";

/// A spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spec {
    /// The storage account is looked at.
    Audited,
    /// It gets the hub's key, and is taken over where nobody encrypts it.
    Adopted,
    /// It gets the hub's key where it carries the mark.
    Enforced,
    /// As the second, with another key of the hub.
    OtherKey,
    /// As the second, with another tag of the hub.
    Tagged,
}

pub const SPECS: [Spec; 5] = [
    Spec::Audited,
    Spec::Adopted,
    Spec::Enforced,
    Spec::OtherKey,
    Spec::Tagged,
];

impl Spec {
    /// What is declared of the hub itself.
    pub fn hub(self) -> HubSpec {
        match self {
            Self::Audited | Self::Adopted | Self::Enforced => HubSpec::Follow,
            Self::OtherKey => HubSpec::OtherKey,
            Self::Tagged => HubSpec::Tagged,
        }
    }

    pub fn enforces(self) -> bool {
        self != Self::Audited
    }

    pub fn adopts(self) -> bool {
        matches!(self, Self::Adopted | Self::OtherKey | Self::Tagged)
    }

    /// The object as the API server has it.
    pub fn object(self, policy: Policy, status: Option<ResourceStatus>) -> AIHub {
        let mut object = self.hub().object(policy, status);
        let dependent = json!({
            "resource": NAME, "type": STORAGE,
            "policy": if self.enforces() { "Enforce" } else { "Audit" },
            "adoptionPolicy": if self.adopts() { "Adopt" } else { "Never" },
        });
        object.spec.dependents = vec![serde_json::from_value(dependent).unwrap()];
        object
    }

    pub fn valid(self, policy: Policy) -> Declared {
        self.object(policy, None).validate(OWNER, None).unwrap()
    }
}
