//! What differs from one kind of resource to another, a file for each.
//!
//! Invariant: nothing else in the planner asks which kind a resource is.

use keyholder_crds::{Bound, ComputeEncryption, DataLocation};
use serde_json::{Map, Value};

use crate::arm_id::ArmId;
use crate::matrix::Profile;
use crate::name::{KeyIdentifier, Location};
use crate::observed::{Body, Live};
use crate::validate::Declared;

pub mod hub;

pub use hub::Hub;

/// A kind of resource, with what only that kind declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An Azure AI hub.
    Hub(Hub),
}

/// A resource that must exist before the declared one can.
pub struct Associated {
    /// Which.
    pub id: ArmId,
    /// The field that names it.
    pub path: &'static str,
    /// What it is, at the beginning of a sentence.
    pub what: &'static str,
    /// The command that makes one in a region.
    pub create: fn(&ArmId, &Location) -> String,
}

/// A field that Azure fixes at creation.
pub(crate) struct Fixed {
    /// Whether what is declared differs from what is.
    pub differs: bool,
    /// The field.
    pub path: &'static str,
    /// What it is, in the middle of a sentence.
    pub what: String,
    /// What it is now.
    pub value: String,
}

/// What the planner asks of a kind.
pub(crate) trait Rules {
    /// What people call such a resource, in the middle of a sentence.
    fn noun(&self) -> &'static str;
    /// The kind of the custom resource.
    fn object(&self) -> &'static str;
    /// Whether what Azure has under the id is of this kind.
    fn is(&self, live: &Live) -> bool;
    /// The row of the transition matrix.
    fn profile(&self, data_location: Option<DataLocation>) -> Profile;
    /// The resource providers that it needs in its subscription.
    fn providers(&self, with_managed_group: bool) -> &'static [&'static str];
    /// What must exist before it.
    fn associated(&self) -> Vec<Associated>;
    /// What of a PUT is this kind's alone, beside `properties`.
    fn content(&self) -> Map<String, Value>;
    /// The properties of a PUT; `key`: the key of a customer-managed resource.
    fn properties(&self, declared: &Declared, key: Option<&KeyIdentifier>) -> Map<String, Value>;
    /// The PATCH that applies another key.
    fn key_change(&self, key: &KeyIdentifier) -> Body;
    /// Adds this kind's one-way choices.
    fn bind(&self, bound: &mut Bound);
    /// Adds this kind's one-way choices as Azure has them; what Azure does not tell is taken to be as `declared`.
    fn bind_live(&self, live: &Live, declared: &Bound, bound: &mut Bound);
    /// The fields that Azure fixes at creation, beside those that every kind has. With the mode refused, nothing is told of what
    /// only one of the modes has.
    fn fixed(&self, declared: &Bound, have: &Bound, mode_refused: bool) -> Vec<Fixed>;
    /// What Azure does with a deleted one that was not purged, without the full stop.
    fn kept_after_deletion(&self) -> &'static str;
    /// What the disks of its compute are encrypted with, if it has compute.
    fn compute(&self, live: &Live) -> Option<ComputeEncryption>;
}

impl Kind {
    pub(crate) fn rules(&self) -> &dyn Rules {
        match self {
            Self::Hub(hub) => hub,
        }
    }

    /// What people call such a resource, in the middle of a sentence.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        self.rules().noun()
    }
}
