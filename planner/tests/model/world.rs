//! What differs from one model to another: what may be declared, what there is in Azure, what is read of it, and what must not be.
//!
//! Invariant: a world knows of the planner's types what goes into it and what comes out, and calls none of its decisions.

use std::fmt::Debug;
use std::hash::Hash;

use keyholder_crds::{DeletionPolicy, ResourceStatus};
use keyholder_planner::{Declared, Observed, Write};

use crate::law::{Broken, Case, Told};
use crate::pass::Seen;

/// What a state may hold.
pub trait Value: Copy + Debug + Eq + Hash + Send + Sync + 'static {}

impl<T: Copy + Debug + Eq + Hash + Send + Sync + 'static> Value for T {}

/// A deletion policy; the CRD's type has no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    Retain,
    Delete,
    DeleteAndPurge,
}

impl Policy {
    pub const ALL: [Self; 3] = [Self::Retain, Self::Delete, Self::DeleteAndPurge];

    pub fn of_crd(self) -> DeletionPolicy {
        match self {
            Self::Retain => DeletionPolicy::Retain,
            Self::Delete => DeletionPolicy::Delete,
            Self::DeleteAndPurge => DeletionPolicy::DeleteAndPurge,
        }
    }
}

/// Which of Azure's resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The object's own, with what belongs to it alone.
    Own,
    /// Its dependent.
    Dependent,
}

impl Place {
    pub const ALL: [Self; 2] = [Self::Own, Self::Dependent];
}

/// How an operation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    Succeeds,
    /// And leaves a resource that was there as it was.
    Fails,
    /// And leaves the resource in the state Failed.
    FailsAndBreaks,
    /// It is reported to have succeeded, and nothing was changed.
    IsIgnored,
}

/// What a request gets as its answer when Azure lets it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taken {
    /// Azure works on it.
    Accepted,
    /// There is nothing to do, or nothing left.
    Done,
    /// Something else is under way.
    Conflict,
    /// There is no such resource, or none can be made.
    Refused,
}

/// What others find when they look.
#[derive(Clone, Copy)]
pub struct Scene {
    /// A creation is decided on or on its way: nobody makes or takes the resource meanwhile.
    pub creates: bool,
    /// The operator is between two passes, and nothing is on its way.
    pub is_quiet: bool,
}

/// How a life that is left alone should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As declared, and Ready.
    Ready,
    /// As declared, and perhaps not Ready for a cause that lies outside.
    AsDeclared,
    /// With a cause that stalls it.
    Stalled,
}

/// A kind of object with the part of Azure that matters for it.
pub trait World: Value {
    /// A spec that a user may declare.
    type Spec: Value;
    /// What there is.
    type Azure: Value;
    /// What goes wrong with reading.
    type Trouble: Value;
    /// What others do.
    type Deed: Value;

    /// Each stands for many, with one difference that matters; the first is declared at the beginning.
    const SPECS: &'static [Self::Spec];
    /// Declared once the first is in force, as the beginning of all that may happen.
    const ASKED: Option<Self::Spec> = None;
    const UNTROUBLED: Self::Trouble;

    fn declared(spec: Self::Spec, policy: Policy) -> Declared;
    /// What the first touch of a generation makes of the status.
    fn touched(spec: Self::Spec, policy: Policy, status: ResourceStatus) -> Option<ResourceStatus>;

    /// What there is at the beginning.
    fn nothing() -> Self::Azure;
    fn is_working(azure: &Self::Azure, at: Place) -> bool;
    /// Takes a request in.
    fn take(azure: &mut Self::Azure, write: &Write) -> Taken;
    /// Ends the operation that runs.
    fn finish(azure: &mut Self::Azure, at: Place, ending: Ending);
    fn endings(at: Place) -> &'static [Ending];
    /// What others may do now.
    fn deeds(azure: &Self::Azure, scene: Scene) -> Vec<Self::Deed>;
    fn act(azure: &mut Self::Azure, deed: Self::Deed);

    /// What may go wrong with reading now.
    fn troubles(azure: &Self::Azure, status: &ResourceStatus) -> Vec<Self::Trouble>;
    /// The Azure that a pass sees, as far as it can tell on what `status` says; equal readings are equal values.
    fn see(azure: Self::Azure, trouble: Self::Trouble, status: &ResourceStatus) -> Self::Azure;
    /// As the operator would have read it.
    fn observed(seen: &Seen<Self>, declared: &Declared, status: &ResourceStatus, deleting: bool) -> Observed;

    /// Whether the object's own resource, or what is done to it, could not be read.
    fn is_blind(trouble: Self::Trouble) -> bool;
    /// Whether what was read was true once, and nothing tells that it is not any more.
    fn is_outdated(_: Self::Trouble) -> bool {
        false
    }
    /// The law that a write breaks.
    fn of_write(case: &Case<'_, Self>, write: &Write) -> Option<Broken>;
    /// Whether all is as declared, with nothing under way.
    fn is_converged(azure: &Self::Azure, spec: Self::Spec) -> bool;
    /// Whether there is a cause why nothing is written although not all is as declared.
    fn is_excused(case: &Case<'_, Self>) -> bool;
    /// Whether Ready may be said on what was read.
    fn may_be_ready(case: &Case<'_, Self>) -> bool;
    /// What a status that was read so tells from then on.
    fn told(azure: &Self::Azure) -> Told;
    /// Whether the status tells what the resource is bound to.
    fn is_bound(azure: &Self::Azure, status: &ResourceStatus) -> bool;
    /// Whether something of the object's is left that its deletion was to take away.
    fn is_left(azure: &Self::Azure, policy: Policy, told: Told) -> bool;
    fn end(case: &Case<'_, Self>) -> End;
    /// Whether the status of what is as declared holds nothing of what was done for it.
    fn is_tidy(status: &ResourceStatus) -> bool {
        status.operation.is_none()
    }
}
