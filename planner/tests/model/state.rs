//! A state of the whole, and what can happen in it.

use keyholder_crds::OperationKind;

use crate::law::{Broken, Told};
use crate::pass::{Answer, Object, PassId};
use crate::world::{Ending, Place, Policy, World};

/// Where the operator is in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Idle,
    /// Observed and decided.
    Decided(PassId),
    /// The intent is noted.
    Noted(PassId),
    /// The request is sent, and its answer waited for.
    Sent(PassId),
    /// There is an answer, or there will be none.
    Answered(PassId, Answer),
}

/// The object, or what its policy was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InKubernetes<W: World> {
    Here(Object<W>),
    Gone(Policy),
}

/// Requests that were sent and have not arrived: one at the most for each of Azure's resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OnTheWay {
    own: Option<PassId>,
    dependent: Option<PassId>,
}

impl OnTheWay {
    pub fn to(self, place: Place) -> Option<PassId> {
        match place {
            Place::Own => self.own,
            Place::Dependent => self.dependent,
        }
    }

    pub fn at(&mut self, place: Place) -> &mut Option<PassId> {
        match place {
            Place::Own => &mut self.own,
            Place::Dependent => &mut self.dependent,
        }
    }

    pub fn any(self) -> impl Iterator<Item = PassId> {
        [self.own, self.dependent].into_iter().flatten()
    }
}

/// A kind of write; the CRD's type has no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WriteKind(u8);

impl From<OperationKind> for WriteKind {
    fn from(kind: OperationKind) -> Self {
        Self(kind as u8)
    }
}

/// A state of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State<W: World> {
    pub object: InKubernetes<W>,
    pub azure: W::Azure,
    pub step: Step,
    /// The object was changed since the pass began.
    pub is_outdated: bool,
    pub on_the_way: OnTheWay,
    /// A write of this kind was of no avail, and neither did time pass nor was anything changed since.
    pub in_vain: Option<WriteKind>,
    /// What is decided on, on its way or under way was asked for before the last change: nothing waits for it.
    pub is_superseded: bool,
    /// What the stored statuses have told.
    pub told: Told,
    /// How much went wrong or was changed so far.
    pub troubles: u8,
    pub broken: Option<Broken>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<W: World> {
    /// The operator touches, observes and decides.
    Decide(W::Trouble),
    /// The operator adds its finalizer.
    AddFinalizer,
    /// The operator notes what it intends.
    Note,
    /// The operator sends the request.
    Send,
    /// The operator gives up waiting for the answer; the request is still on its way.
    GiveUp,
    /// The operator writes its report, or lets the object go.
    Report,
    /// The operator dies and is started again.
    Crash,
    /// The request arrives and is answered.
    Arrive(Place),
    /// It never arrives.
    Vanish(Place),
    /// The request that is waited for is accepted, and no URL is given.
    ArriveSilently,
    /// It arrives; its answer does not.
    ArriveUnanswered,
    /// Azure refuses it.
    Refuse,
    /// Azure answers that it is done, and does nothing.
    Ignore,
    /// Azure's operation ends.
    Finish(Place, Ending),
    /// Somebody does something.
    Others(W::Deed),
    /// The user changes the spec.
    Edit(W::Spec),
    /// The user deletes the object.
    Delete(Policy),
    /// Time passes.
    Wait,
}
