//! What users may declare: a few specs that stand for all, each with one difference that matters.
//!
//! Invariant: what a spec asks for is told here independently of the planner, so that the two can be compared.

use keyholder_crds::{AIHub, ResourceStatus};
use keyholder_planner::{Declared, Validate};
use serde_json::{Value, json};

use super::azure::{Hub, Key, Keys};
use crate::reading::{OWNER, SUBSCRIPTION};
use crate::world::Policy;

/// A spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spec {
    /// A customer-managed key, followed to its newest version.
    Follow,
    /// Another key of the same vault.
    OtherKey,
    /// The first version of the key, pinned.
    Pinned,
    /// A tag more.
    Tagged,
    /// Microsoft's key.
    MicrosoftManaged,
    /// A key of another vault.
    OtherVault,
    /// Another storage account, which Azure fixes at creation.
    OtherStorage,
}

pub const SPECS: [Spec; 7] = [
    Spec::Follow,
    Spec::OtherKey,
    Spec::Pinned,
    Spec::Tagged,
    Spec::MicrosoftManaged,
    Spec::OtherVault,
    Spec::OtherStorage,
];

impl Spec {
    /// The object as the API server has it.
    pub fn object(self, policy: Policy, status: Option<ResourceStatus>) -> AIHub {
        let key = |vault: &str, key: &str| json!({ "vault": vault, "key": key, "identity": "hub" });
        let mut encryption =
            json!({ "mode": "CustomerManaged", "customerManagedKey": key("corp-keys", "ai-hub") });
        match self {
            Self::OtherKey => encryption["customerManagedKey"] = key("corp-keys", "other"),
            Self::OtherVault => encryption["customerManagedKey"] = key("other-keys", "ai-hub"),
            Self::MicrosoftManaged => encryption = json!({ "mode": "MicrosoftManaged" }),
            Self::Pinned => {
                encryption["customerManagedKey"]["version"] = json!(Key::First.version());
            }
            Self::Follow | Self::Tagged | Self::OtherStorage => {}
        }
        let storage = if self == Self::OtherStorage {
            "otherdata"
        } else {
            "aihubdata"
        };
        let tags = if self == Self::Tagged {
            json!({ "team": "research" })
        } else {
            json!({})
        };
        let object: Value = json!({
            "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIHub",
            "metadata": { "name": "research", "namespace": "ml-platform", "generation": 1, "uid": "1" },
            "spec": {
                "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
                "identity": { "userAssigned": ["hub"] }, "storageAccount": storage, "keyVault": "hub-secrets",
                "encryption": encryption, "tags": tags, "deletionPolicy": policy.of_crd(),
            },
        });
        let mut object: AIHub = serde_json::from_value(object).unwrap();
        object.status = status;
        object
    }

    pub fn valid(self, policy: Policy) -> Declared {
        self.object(policy, None).validate(OWNER, None).unwrap()
    }

    /// The key version that a hub of this spec is to use; none with Microsoft's.
    pub fn wanted_key(self, keys: Keys, in_use: Option<Key>) -> Option<Key> {
        match self {
            Self::MicrosoftManaged => None,
            Self::OtherKey => Some(Key::Other),
            Self::OtherVault => Some(Key::Elsewhere),
            Self::Pinned => Some(Key::First),
            Self::Follow | Self::Tagged | Self::OtherStorage => Some(match (keys, in_use) {
                (Keys::Rotated, _) => Key::Second,
                // Never back to an older one.
                (Keys::SecondDisabled, Some(Key::Second)) => Key::Second,
                (Keys::One | Keys::SecondDisabled, _) => Key::First,
            }),
        }
    }

    /// Whether a hub's one-way choices are this spec's.
    pub fn can_become(self, hub: &Hub) -> bool {
        let has_key = self != Self::MicrosoftManaged;
        let elsewhere = self == Self::OtherVault;
        hub.key.is_some() == has_key
            && (hub.key == Some(Key::Elsewhere)) == elsewhere
            && hub.other_storage == (self == Self::OtherStorage)
    }

    /// Whether a hub, with nothing under way on it, is as this spec says.
    pub fn is_met_by(self, hub: &Hub, keys: Keys) -> bool {
        self.can_become(hub)
            && hub.key == self.wanted_key(keys, hub.key)
            && (hub.is_tagged || self != Self::Tagged)
    }
}
