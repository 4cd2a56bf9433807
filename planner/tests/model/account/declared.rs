//! What users may declare of accounts: each spec with one difference that matters.
//!
//! Invariant: what a spec asks for is told here independently of the planner, so that the two can be compared.

use keyholder_crds::{AIServicesAccount, ResourceStatus};
use keyholder_planner::{Declared, Validate};
use serde_json::json;

use super::azure::{Account, Key};
use crate::reading::{OWNER, SUBSCRIPTION};
use crate::world::Policy;

/// A spec. The account's own identity unwraps, so that a new account has Microsoft's key first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spec {
    /// A key of one's own, followed by the service. Somebody else gives the access.
    Follow,
    /// The same; the operator gives the access.
    Grant,
    /// Its version, pinned.
    Pinned,
    /// Another key of the same vault.
    OtherKey,
    /// A key of another vault.
    OtherVault,
    /// Microsoft's key.
    MicrosoftManaged,
    /// Projects, with which no way leads back to Microsoft's key.
    Projects,
}

pub const SPECS: [Spec; 7] = [
    Spec::Follow,
    Spec::Grant,
    Spec::Pinned,
    Spec::OtherKey,
    Spec::OtherVault,
    Spec::MicrosoftManaged,
    Spec::Projects,
];

impl Spec {
    /// The object as the API server has it.
    pub fn object(self, policy: Policy, status: Option<ResourceStatus>) -> AIServicesAccount {
        let wanted = self.key().unwrap_or(Key::Followed);
        let mut key = json!({ "vault": wanted.vault(), "key": wanted.name() });
        if wanted == Key::Pinned {
            key["version"] = json!(Key::VERSION);
        }
        if self == Self::Grant {
            key["access"] = json!("Grant");
        }
        let encryption = if self == Self::MicrosoftManaged {
            json!({ "mode": "MicrosoftManaged" })
        } else {
            json!({ "mode": "CustomerManaged", "customerManagedKey": key })
        };
        let mut object = json!({
            "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIServicesAccount",
            "metadata": { "name": "research", "namespace": "ml-platform", "generation": 1, "uid": "1" },
            "spec": {
                "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
                "accountKind": "AIServices", "sku": "S0", "identity": { "systemAssigned": true },
                "encryption": encryption, "deletionPolicy": policy.of_crd(),
            },
        });
        if self == Self::Projects {
            object["spec"]["allowProjectManagement"] = json!(true);
        }
        let mut object: AIServicesAccount = serde_json::from_value(object).unwrap();
        object.status = status;
        object
    }

    pub fn valid(self, policy: Policy) -> Declared {
        self.object(policy, None).validate(OWNER, None).unwrap()
    }

    /// The key that an account of this spec is to use.
    pub fn key(self) -> Option<Key> {
        match self {
            Self::MicrosoftManaged => None,
            Self::Follow | Self::Grant | Self::Projects => Some(Key::Followed),
            Self::Pinned => Some(Key::Pinned),
            Self::OtherKey => Some(Key::Other),
            Self::OtherVault => Some(Key::Elsewhere),
        }
    }

    /// Whether Azure lets the account become so.
    pub fn can_become(self, account: &Account) -> bool {
        match (account.key, self.key()) {
            (None, _) => true,
            (Some(_), None) => !account.projects,
            (Some(have), Some(wanted)) => have.vault() == wanted.vault(),
        }
    }

    /// Whether an account, with nothing under way on it, is as this spec says.
    pub fn is_met_by(self, account: &Account) -> bool {
        account.key == self.key() && (account.projects || self != Self::Projects)
    }
}
