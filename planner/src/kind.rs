//! What differs from one kind of resource to another, a file for each.
//!
//! Invariant: nothing else in the planner asks which kind a resource is.

use keyholder_crds::{Bound, ComputeEncryption};
use serde_json::{Map, Value};

use crate::arm_id::ArmId;
use crate::encryption::KeyChange;
use crate::matrix::Profile;
use crate::name::{KeyIdentifier, Location};
use crate::observed::{Body, Live};
use crate::validate::Declared;

pub mod account;
pub mod hub;
pub mod project;

pub use account::Account;
pub use hub::Hub;
pub use project::Project;

/// A kind of resource, with what only that kind declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An Azure AI hub.
    Hub(Hub),
    /// An Azure AI services account.
    Account(Account),
    /// A project of one of them.
    Project(Project),
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
    /// What Azure fixes, as a sentence that ends with what it is now.
    pub what: String,
}

/// A key that a request names.
#[derive(Clone, Copy, Debug)]
pub struct KeyToUse<'a> {
    /// Its URL.
    pub identifier: &'a KeyIdentifier,
    /// The client id of the user-assigned identity that unwraps, where it is known.
    pub client_id: Option<&'a str>,
}

/// A field that a kind alone can change.
pub(crate) struct Changed {
    /// Its name.
    pub field: &'static str,
    /// Whether it is among the properties.
    pub is_property: bool,
    /// What it shall be.
    pub value: Value,
}

/// What the planner asks of a kind.
pub(crate) trait Rules {
    /// What people call such a resource, in the middle of a sentence.
    fn noun(&self) -> &'static str;
    /// The kind of the custom resource.
    fn object(&self) -> &'static str;
    /// Whether what Azure has under the id is of this kind.
    fn is(&self, live: &Live) -> bool;
    /// The row of the transition matrix for one that is bound to this.
    fn profile(&self, have: &Bound) -> Profile;
    /// It, if it is a project: it has a parent, and is encrypted as that is.
    fn parent(&self) -> Option<&Project> {
        None
    }
    /// Whether it has agents, which keep data outside of what its key encrypts.
    fn has_agents(&self) -> bool {
        false
    }
    /// Whether the identities that it shall have are the spec's, so that others are taken away.
    fn declares_identities(&self) -> bool {
        true
    }
    /// Whether one that is there can be given a key, with a mode that is not fixed at creation.
    fn encrypts_later(&self) -> bool;
    /// The resource providers that it needs in its subscription.
    fn providers(&self, with_managed_group: bool) -> &'static [&'static str];
    /// What must exist before it.
    fn associated(&self) -> Vec<Associated>;
    /// What of a PUT is this kind's alone, beside `properties`.
    fn content(&self) -> Map<String, Value>;
    /// The properties of a PUT; `key`: the key of a customer-managed resource; `left`: what is there already.
    fn properties(
        &self,
        declared: &Declared,
        key: Option<KeyToUse<'_>>,
        left: Option<&Live>,
    ) -> Map<String, Value>;
    /// The PATCH that changes the encryption; `None` while what it must say is not known.
    fn key_change(&self, declared: &Declared, change: &KeyChange, client_id: Option<&str>) -> Option<Body>;
    /// What this kind alone can change and `live` has otherwise: names of the fields, top-level members and properties of a PATCH.
    fn changes(&self, live: &Live) -> Vec<Changed>;
    /// Adds this kind's one-way choices.
    fn bind(&self, bound: &mut Bound);
    /// Adds this kind's one-way choices as Azure has them; what Azure does not tell is taken to be as `declared`.
    fn bind_live(&self, live: &Live, declared: &Bound, bound: &mut Bound);
    /// Brings what is noted as bound up to date, where a choice goes one way and is not made once: called while no write is under way.
    fn rebind(&self, _live: &Live, _bound: &mut Bound) {}
    /// Adds the choices that a change of these fields makes from the moment on that it may have arrived.
    fn bind_change(&self, _intent: &str, _bound: &mut Bound) {}
    /// The fields that Azure fixes at creation, beside those that every kind has. With the mode refused, nothing is told of what
    /// only one of the modes has.
    fn fixed(&self, declared: &Bound, have: &Bound, mode_refused: bool) -> Vec<Fixed>;
    /// Whether the spec names subscription, resource group and region.
    fn has_place_of_its_own(&self) -> bool {
        true
    }
    /// The sentence that refuses another identity for the key.
    fn other_identity(&self) -> &'static str;
    /// What is otherwise in Azure and is not put back, for people.
    fn drift(&self, live: &Live) -> Option<String>;
    /// That Azure fixes `what` at creation, and what it is.
    fn fixed_at_creation(&self, what: &str, value: &str) -> String {
        format!(
            "Azure fixes {what} when the {} is created: it is {value}.",
            self.noun()
        )
    }
    /// The path of a deleted resource of this name, where Azure keeps such and tells of them.
    fn deleted(&self, declared: &Declared) -> Option<String>;
    /// Whether the request that deletes one can purge it.
    fn is_purged_with_its_deletion(&self) -> bool;
    /// Whether one may have projects, so that it is not deleted while it has.
    fn may_have_projects(&self, live: &Live) -> bool;
    /// Whether one that is bound to this, or to nothing so far, has no projects as long as it is declared so.
    fn takes_no_projects(&self, _declared: &Declared, _have: Option<&Bound>) -> bool {
        false
    }
    /// How this resource provider spells that a resource has identities of both kinds (the published types differ).
    fn both_identities(&self) -> &'static str;
    /// What Azure does with a deleted one that was not purged, without the full stop.
    fn kept_after_deletion(&self) -> &'static str;
    /// What the disks of its compute are encrypted with, if it has compute.
    fn compute(&self, live: &Live) -> Option<ComputeEncryption>;
}

impl Kind {
    pub(crate) fn rules(&self) -> &dyn Rules {
        match self {
            Self::Hub(hub) => hub,
            Self::Account(account) => account,
            Self::Project(project) => project,
        }
    }

    /// The parent of a project.
    #[must_use]
    pub fn parent(&self) -> Option<&ArmId> {
        self.rules().parent().map(|project| &project.parent)
    }

    /// What people call such a resource, in the middle of a sentence.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        self.rules().noun()
    }
}
