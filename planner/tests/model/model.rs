//! The state space: an object, a small Azure, the operator between them, and everything that may happen to the three.
//!
//! Invariant: an operator's steps are those of `operator/src/reconcile.rs` and `execute.rs`: touch, observe and plan, hold
//! the finalizer, note the intent, send, report. Each write to Kubernetes fails when somebody else changed the object since.
//! It may die between any two.
//!
//! What is assumed, because no plan can do without: a request that was sent arrives, or never will, before its intent's gate
//! opens; and nobody makes or takes a hub between the operator's look at it and its creation.

use std::collections::HashSet;
use std::sync::Mutex;

use keyholder_planner::plan::FinalizerStep;
use stateright::{Model, Property};

use crate::azure::{Azure, Ending, Hub, HubState, Keys, Operation, Taken};
use crate::declared::{Policy, Spec};
use crate::law::{self, Broken, Told};
use crate::pass::{Answer, Object, Operator, PassId, Planner};
use crate::reading::{Trouble, see};

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
pub enum InKubernetes {
    Here(Object),
    Gone(Policy),
}

/// A state of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub object: InKubernetes,
    pub azure: Azure,
    pub step: Step,
    /// The object was changed since the pass began.
    pub is_outdated: bool,
    /// A request on its way.
    pub on_its_way: Option<PassId>,
    /// What the stored statuses have told.
    pub told: Told,
    /// How much went wrong or was changed so far.
    pub troubles: u8,
    pub broken: Option<Broken>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The operator touches, observes and decides.
    Decide(Trouble),
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
    Arrive,
    /// It is accepted, and no URL is given.
    ArriveSilently,
    /// It arrives; its answer does not.
    ArriveUnanswered,
    /// Azure refuses it.
    Refuse,
    /// Azure answers that it is done, and does nothing.
    Ignore,
    /// It never arrives.
    Vanish,
    /// Azure's operation ends.
    Finish(Ending),
    /// Somebody deletes the hub in Azure.
    Take,
    /// Somebody makes a hub of this name.
    MakeAnothers,
    /// Somebody takes the owner tag away.
    Untag,
    /// The key gets a second version.
    Rotate,
    /// The second version is disabled.
    Disable,
    /// The user changes the spec.
    Edit(Spec),
    /// The user deletes the object.
    Delete(Policy),
    /// Time passes.
    Wait,
}

/// The model.
pub struct Life {
    pub operator: Operator,
    /// How much may go wrong or be changed on one path.
    pub most_troubles: u8,
    /// States from which everything is known to come to a good end.
    pub known_to_end_well: Mutex<HashSet<State>>,
}

pub const NOTHING_FORBIDDEN: &str = "nothing is written that is forbidden, unowned, unseen or older";
pub const NO_SUCCESSOR: &str = "no empty hub takes the place of one with data";
pub const ONE_WRITE: &str = "one write at a time";
pub const EMPTY_WHEN_CONVERGED: &str = "a plan is empty exactly when all is as declared";
pub const READY_IS_TRUE: &str = "Ready is said of a hub that is as declared";
pub const BOUND_STAYS: &str = "what a hub is bound to is known as long as it is there";
pub const HUB_GOES_FIRST: &str = "an object goes after its hub, where its policy says that the hub goes";
pub const ENDS_WELL: &str = "left alone, all comes to rest: as declared, or with a cause that stalls it";

impl Life {
    pub fn new(planner: Planner, most_troubles: u8) -> Self {
        Self {
            operator: Operator::new(planner),
            most_troubles,
            known_to_end_well: Mutex::default(),
        }
    }

    /// What Azure answers to the request on its way, and has then.
    fn arrive(&self, state: &mut State) -> Answer {
        let Some(id) = state.on_its_way.take() else {
            return Answer::None;
        };
        let pass = self.operator.pass(id);
        match pass.plan.write.as_ref().map(|write| state.azure.take(write)) {
            Some(Taken::Accepted) => Answer::Accepted,
            Some(Taken::Done) => Answer::Done,
            Some(Taken::Conflict) => Answer::Conflict,
            Some(Taken::NotFound) => Answer::Refused,
            None => Answer::None,
        }
    }

    fn answer(state: &mut State, answer: Answer) {
        if let Step::Sent(id) = state.step {
            state.step = Step::Answered(id, answer);
        }
    }

    /// Notes a pass's report, unless somebody changed the object since.
    fn report(&self, state: &mut State, object: Object, id: PassId, answer: Answer) {
        state.step = Step::Idle;
        if state.is_outdated {
            return;
        }
        state.broken = state
            .broken
            .or_else(|| law::of_report(&self.operator, id, answer));
        let pass = self.operator.pass(id);
        if pass.plan.finalizer == FinalizerStep::Remove {
            state.object = if object.is_deleting {
                InKubernetes::Gone(object.policy)
            } else {
                InKubernetes::Here(Object {
                    has_finalizer: false,
                    ..object
                })
            };
            return;
        }
        let status = self.operator.report(id, answer);
        state.object = InKubernetes::Here(Object { status, ..object });
        let was_read = !pass.seen.azure.is_working()
            && !matches!(
                pass.seen.trouble,
                Trouble::HubUnreadable | Trouble::OperationUnreadable
            );
        if let (true, Some(hub)) = (was_read, pass.seen.azure.hub)
            && hub.is_ours
        {
            let told = if hub.state == HubState::Succeeded {
                Told::InOrder
            } else {
                Told::Seen
            };
            state.told = state.told.max(told);
        }
    }

    /// The operator touches the object, observes and decides.
    pub fn decide(&self, state: &mut State, object: Object, trouble: Trouble) {
        let object = Object {
            status: self.operator.touched(&object),
            ..object
        };
        state.object = InKubernetes::Here(object);
        let status = self.operator.status(object.status);
        let has_url = status
            .operation
            .as_ref()
            .is_some_and(|operation| operation.url.is_some());
        let id = self.operator.decide(object, see(state.azure, trouble, has_url));
        state.step = Step::Decided(id);
        state.is_outdated = false;
        state.broken = law::of_decision(&self.operator, id, state.told);
    }
}

impl Model for Life {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            object: InKubernetes::Here(Object {
                spec: Spec::Follow,
                policy: Policy::Retain,
                is_deleting: false,
                has_finalizer: false,
                status: self.operator.empty(),
            }),
            azure: Azure {
                hub: None,
                operation: Operation::None,
                keys: Keys::One,
            },
            step: Step::Idle,
            is_outdated: false,
            on_its_way: None,
            told: Told::Nothing,
            troubles: 0,
            broken: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken.is_some() {
            return;
        }
        self.of_operator(state, actions);
        Self::of_azure(state, actions);
        self.of_others(state, actions);
        actions.retain(|action| state.troubles + Self::troubles_of(action) <= self.most_troubles);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        state.troubles += Self::troubles_of(&action);
        let object = match state.object {
            InKubernetes::Here(object) => Some(object),
            InKubernetes::Gone(_) => None,
        };
        match (action, state.step, object) {
            (Action::Decide(trouble), Step::Idle, Some(object)) => self.decide(&mut state, object, trouble),
            (Action::AddFinalizer, Step::Decided(_), Some(object)) => {
                if state.is_outdated {
                    state.step = Step::Idle;
                } else {
                    state.object = InKubernetes::Here(Object {
                        has_finalizer: true,
                        ..object
                    });
                }
            }
            (Action::Note, Step::Decided(id), Some(object)) => {
                if state.is_outdated {
                    state.step = Step::Idle;
                } else {
                    let status = self.operator.intent(id);
                    state.object = InKubernetes::Here(Object { status, ..object });
                    state.step = Step::Noted(id);
                }
            }
            (Action::Send, Step::Noted(id), _) => {
                if state.on_its_way.is_some() || state.azure.is_working() {
                    state.broken = Some(Broken::WroteTwice);
                }
                state.on_its_way = Some(id);
                state.step = Step::Sent(id);
            }
            (Action::GiveUp, Step::Sent(id), _) => state.step = Step::Answered(id, Answer::None),
            (Action::Report, Step::Decided(id), Some(object)) => {
                self.report(&mut state, object, id, Answer::Nothing);
            }
            (Action::Report, Step::Answered(id, answer), Some(object)) => {
                self.report(&mut state, object, id, answer);
            }
            (Action::Crash, _, _) => state.step = Step::Idle,
            (Action::Arrive, ..) => {
                let answer = self.arrive(&mut state);
                Self::answer(&mut state, answer);
            }
            (Action::ArriveSilently, ..) => match self.arrive(&mut state) {
                Answer::Accepted => Self::answer(&mut state, Answer::AcceptedSilently),
                _ => return None,
            },
            (Action::ArriveUnanswered, ..) => {
                self.arrive(&mut state);
                Self::answer(&mut state, Answer::None);
            }
            (Action::Refuse, ..) => {
                state.on_its_way = None;
                Self::answer(&mut state, Answer::Refused);
            }
            (Action::Ignore, ..) => {
                state.on_its_way = None;
                Self::answer(&mut state, Answer::Done);
            }
            (Action::Vanish, ..) => {
                state.on_its_way = None;
                Self::answer(&mut state, Answer::None);
            }
            (Action::Finish(ending), ..) => state.azure.finish(ending),
            (Action::Take, ..) => state.azure.hub = None,
            (Action::MakeAnothers, ..) => state.azure.hub = Some(Hub::ANOTHERS),
            (Action::Untag, ..) => state.azure.hub.as_mut()?.is_ours = false,
            (Action::Rotate, ..) => state.azure.keys = Keys::Rotated,
            (Action::Disable, ..) => state.azure.keys = Keys::SecondDisabled,
            (Action::Edit(spec), _, Some(object)) => {
                let status = self.operator.outdated(object.status);
                state.object = InKubernetes::Here(Object {
                    spec,
                    status,
                    ..object
                });
                state.is_outdated = true;
            }
            (Action::Delete(policy), _, Some(object)) => {
                state.object = if object.has_finalizer {
                    // Setting a deletion timestamp is a new generation; so is another policy.
                    let status = self.operator.outdated(object.status);
                    InKubernetes::Here(Object {
                        policy,
                        is_deleting: true,
                        status,
                        ..object
                    })
                } else {
                    InKubernetes::Gone(policy)
                };
                state.is_outdated = true;
            }
            (Action::Wait, Step::Idle, Some(object)) => {
                let status = self.operator.later(object.status);
                state.object = InKubernetes::Here(Object { status, ..object });
            }
            _ => return None,
        }
        if state.step == Step::Idle {
            state.is_outdated = false;
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NOTHING_FORBIDDEN, |_, state: &State| {
                !matches!(
                    state.broken,
                    Some(
                        Broken::WroteBlindly
                            | Broken::WroteToAnothers
                            | Broken::WroteAForbiddenChange
                            | Broken::WentToAnOlderKey
                    )
                )
            }),
            Property::always(NO_SUCCESSOR, |_, state: &State| {
                state.broken != Some(Broken::MadeAnEmptySuccessor)
            }),
            Property::always(ONE_WRITE, |_, state: &State| {
                state.broken != Some(Broken::WroteTwice)
            }),
            Property::always(EMPTY_WHEN_CONVERGED, |_, state: &State| {
                state.broken != Some(Broken::PlanIsNotEmptyExactlyWhenConverged)
            }),
            Property::always(READY_IS_TRUE, |_, state: &State| {
                state.broken != Some(Broken::SaidReadyFalsely)
            }),
            Property::always(BOUND_STAYS, |model: &Self, state: &State| {
                match (state.object, state.azure.hub) {
                    (InKubernetes::Here(object), Some(hub)) if hub.is_ours => {
                        model.operator.status(object.status).bound.is_some()
                    }
                    _ => true,
                }
            }),
            Property::always(HUB_GOES_FIRST, |_, state: &State| {
                let hub_is_there = state.azure.hub.is_some_and(|hub| hub.is_ours);
                !hub_is_there
                    || matches!(
                        state.object,
                        InKubernetes::Here(_) | InKubernetes::Gone(Policy::Retain)
                    )
            }),
            Property::always(ENDS_WELL, |model: &Self, state: &State| {
                state.broken.is_some() || model.ends_well(state)
            }),
            Property::sometimes("a hub is ready", |model: &Self, state: &State| {
                match state.object {
                    InKubernetes::Here(object) => model.operator.is_ready(object.status),
                    InKubernetes::Gone(_) => false,
                }
            }),
            Property::sometimes("an object goes after its hub", |_, state: &State| {
                state.told == Told::InOrder
                    && state.azure.hub.is_none()
                    && matches!(state.object, InKubernetes::Gone(Policy::Delete))
            }),
        ]
    }
}
