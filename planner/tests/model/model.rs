//! The state space: an object, a small Azure, the operator between them, and everything that may happen to the three.
//!
//! Invariant: an operator's steps are those of `operator/src/reconcile.rs` and `execute.rs`: touch, observe and plan, hold
//! the finalizer, note the intent, send, report. Each write to Kubernetes fails when somebody else changed the object since.
//! It may die between any two.
//!
//! What is assumed, because no plan can do without: a request that was sent arrives, or never will, before its intent's gate
//! opens; and nobody makes or takes a resource between the operator's look at it and its creation.

use std::collections::HashSet;
use std::sync::Mutex;

use keyholder_crds::{OperationKind, OperationState};
use keyholder_planner::plan::FinalizerStep;
use stateright::{Model, Property};

use crate::law::{self, Broken, Told};
use crate::pass::{Answer, Object, Operator, PassId, Planner, Seen};
use crate::property;
use crate::state::{Action, InKubernetes, OnTheWay, State, Step, WriteKind};
use crate::world::{Ending, Place, Policy, Taken, World};

/// The model.
pub struct Life<W: World> {
    pub operator: Operator<W>,
    /// How much may go wrong or be changed on one path.
    pub most_troubles: u8,
    /// States from which everything is known to come to a good end.
    pub known_to_end_well: Mutex<HashSet<State<W>>>,
}

impl<W: World> Life<W> {
    pub fn new(planner: Planner, most_troubles: u8) -> Self {
        Self {
            operator: Operator::new(planner),
            most_troubles,
            known_to_end_well: Mutex::default(),
        }
    }

    fn place(&self, id: PassId) -> Place {
        match &self.operator.pass(id).plan.write {
            Some(write) if write.kind == OperationKind::EncryptDependent => Place::Dependent,
            _ => Place::Own,
        }
    }

    /// What Azure answers to the request on its way, and has then.
    fn arrive(&self, state: &mut State<W>, place: Place) -> Answer {
        let Some(id) = state.on_the_way.at(place).take() else {
            return Answer::None;
        };
        let pass = self.operator.pass(id);
        let taken = pass
            .plan
            .write
            .as_ref()
            .map(|write| W::take(&mut state.azure, write));
        if matches!(taken, Some(Taken::Conflict | Taken::Refused)) {
            self.fail(state, id);
        }
        match taken {
            Some(Taken::Accepted) => Answer::Accepted,
            Some(Taken::Done) => Answer::Done,
            Some(Taken::Conflict) => Answer::Conflict,
            Some(Taken::Refused) => Answer::Refused,
            None => Answer::None,
        }
    }

    /// The request that is waited for is lost, and this is the answer.
    fn lose(&self, state: &mut State<W>, answer: Answer) {
        if let Step::Sent(id) = state.step {
            let place = self.place(id);
            *state.on_the_way.at(place) = None;
            self.fail(state, id);
        }
        Self::answer(state, answer);
    }

    fn answer(state: &mut State<W>, answer: Answer) {
        if let Step::Sent(id) = state.step {
            state.step = Step::Answered(id, answer);
        }
    }

    /// Notes a pass's report, unless somebody changed the object since.
    fn report(&self, state: &mut State<W>, object: Object<W>, id: PassId, answer: Answer) {
        state.step = Step::Idle;
        if state.is_outdated {
            return;
        }
        state.broken = state
            .broken
            .or_else(|| law::of_report(&self.operator, id, answer, state.told));
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
        if !W::is_working(&pass.seen.azure, Place::Own) && !W::is_blind(pass.seen.trouble) {
            state.told = state.told.max(W::told(&pass.seen.azure));
        }
    }

    /// The operator touches the object, observes and decides.
    pub fn decide(&self, state: &mut State<W>, object: Object<W>, trouble: W::Trouble) {
        let object = Object {
            status: self.operator.touched(&object),
            ..object
        };
        state.object = InKubernetes::Here(object);
        let status = self.operator.status(object.status);
        let azure = W::see(state.azure, trouble, &status);
        if W::is_outdated(trouble) {
            // Who is told that nothing is wanted forgets what was of no avail.
            state.in_vain = None;
        }
        let id = self.operator.decide(object, Seen { azure, trouble });
        state.step = Step::Decided(id);
        state.is_outdated = false;
        state.broken = law::of_decision(&self.operator, id, state.told);
    }

    fn send(&self, state: &mut State<W>, id: PassId) {
        let place = self.place(id);
        if state.on_the_way.to(place).is_some() || W::is_working(&state.azure, place) {
            state.broken = Some(Broken::WroteTwice);
        } else if state.in_vain.is_some() && state.in_vain == self.kind(id) {
            state.broken = Some(Broken::RetriedAtOnce);
        }
        *state.on_the_way.at(place) = Some(id);
        state.step = Step::Sent(id);
    }

    /// The write that the status tells to be under way; else its wait may be over before its end shows.
    fn noted(&self, state: &State<W>, place: Place) -> Option<WriteKind> {
        let InKubernetes::Here(object) = state.object else {
            return None;
        };
        let status = self.operator.status(object.status);
        let operation = match place {
            Place::Own => status.operation.as_ref(),
            Place::Dependent => status.dependents.iter().find_map(|one| one.operation.as_ref()),
        };
        operation
            .filter(|operation| operation.state == OperationState::Running)
            .map(|operation| operation.kind.into())
    }

    fn is_busy(state: &State<W>) -> bool {
        let is_decided = matches!(state.step, Step::Decided(_) | Step::Noted(_));
        let on_the_way = state.on_the_way.any().next().is_some();
        is_decided
            || on_the_way
            || Place::ALL
                .into_iter()
                .any(|place| W::is_working(&state.azure, place))
    }

    /// A write was of no avail; who wants something else by now may write that at once.
    fn fail(&self, state: &mut State<W>, id: PassId) {
        if !state.is_superseded {
            state.in_vain = self.kind(id);
        }
    }

    fn kind(&self, id: PassId) -> Option<WriteKind> {
        let pass = self.operator.pass(id);
        pass.plan.write.as_ref().map(|write| write.kind.into())
    }

    /// Something was changed: what was of no avail may be of avail now.
    fn supersede(state: &mut State<W>) {
        state.in_vain = None;
        state.is_superseded = Self::is_busy(state);
    }

    fn edit(&self, state: &mut State<W>, object: Object<W>, spec: W::Spec) {
        let status = self.operator.outdated(object.status);
        state.object = InKubernetes::Here(Object {
            spec,
            status,
            ..object
        });
        state.is_outdated = true;
        Self::supersede(state);
    }

    fn delete(&self, state: &mut State<W>, object: Object<W>, policy: Policy) {
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
        Self::supersede(state);
    }

    /// What the operator does; `None` where it cannot.
    fn operate(&self, state: &mut State<W>, action: Action<W>) -> Option<()> {
        let object = match state.object {
            InKubernetes::Here(object) => Some(object),
            InKubernetes::Gone(_) => None,
        };
        match (action, state.step, object) {
            (Action::Decide(trouble), Step::Idle, Some(object)) => self.decide(state, object, trouble),
            (Action::AddFinalizer | Action::Note, Step::Decided(_), Some(_)) if state.is_outdated => {
                state.step = Step::Idle;
            }
            (Action::AddFinalizer, Step::Decided(_), Some(object)) => {
                state.object = InKubernetes::Here(Object {
                    has_finalizer: true,
                    ..object
                });
            }
            (Action::Note, Step::Decided(id), Some(object)) => {
                let status = self.operator.intent(id);
                state.object = InKubernetes::Here(Object { status, ..object });
                state.step = Step::Noted(id);
                if object.is_deleting {
                    let seen = W::told(&self.operator.pass(id).seen.azure);
                    state.told = state.told.max(seen);
                }
            }
            (Action::Send, Step::Noted(id), _) => self.send(state, id),
            (Action::GiveUp, Step::Sent(id), _) => state.step = Step::Answered(id, Answer::None),
            (Action::Report, Step::Decided(id), Some(object)) => {
                self.report(state, object, id, Answer::Nothing);
            }
            (Action::Report, Step::Answered(id, answer), Some(object)) => {
                self.report(state, object, id, answer);
            }
            (Action::Crash, _, _) => state.step = Step::Idle,
            (Action::Edit(spec), _, Some(object)) => self.edit(state, object, spec),
            (Action::Delete(policy), _, Some(object)) => self.delete(state, object, policy),
            (Action::Wait, Step::Idle, Some(object)) => {
                let status = self.operator.later(object.status);
                state.object = InKubernetes::Here(Object { status, ..object });
                state.in_vain = None;
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether the request that is waited for goes to this place.
    fn is_awaited(&self, state: &State<W>, place: Place) -> bool {
        matches!(state.step, Step::Sent(id) if self.place(id) == place)
    }
}

impl<W: World> Model for Life<W> {
    type State = State<W>;
    type Action = Action<W>;

    fn init_states(&self) -> Vec<State<W>> {
        let mut state = State {
            object: InKubernetes::Here(Object {
                spec: W::SPECS[0],
                policy: Policy::Retain,
                is_deleting: false,
                has_finalizer: false,
                status: self.operator.empty(),
            }),
            azure: W::nothing(),
            step: Step::Idle,
            is_outdated: false,
            on_the_way: OnTheWay::default(),
            in_vain: None,
            is_superseded: false,
            told: Told::Nothing,
            troubles: 0,
            broken: None,
        };
        if let Some(asked) = W::ASKED {
            state = self.at_rest(state);
            if let InKubernetes::Here(object) = state.object {
                self.edit(&mut state, object, asked);
                state.is_outdated = false;
            }
        }
        vec![state]
    }

    fn actions(&self, state: &State<W>, actions: &mut Vec<Action<W>>) {
        if state.broken.is_some() {
            return;
        }
        self.of_operator(state, actions);
        Self::of_azure(state, actions);
        self.of_others(state, actions);
        actions.retain(|action| state.troubles + Self::troubles_of(action) <= self.most_troubles);
    }

    fn next_state(&self, last: &State<W>, action: Action<W>) -> Option<State<W>> {
        let mut state = *last;
        state.troubles += Self::troubles_of(&action);
        match action {
            Action::Arrive(place) => {
                let is_awaited = self.is_awaited(&state, place);
                let answer = self.arrive(&mut state, place);
                if is_awaited {
                    Self::answer(&mut state, answer);
                }
            }
            Action::Vanish(place) => {
                if self.is_awaited(&state, place) {
                    Self::answer(&mut state, Answer::None);
                }
                if let Some(id) = state.on_the_way.at(place).take() {
                    self.fail(&mut state, id);
                }
            }
            Action::ArriveSilently | Action::ArriveUnanswered => {
                let Step::Sent(id) = state.step else { return None };
                let answer = self.arrive(&mut state, self.place(id));
                match (action, answer) {
                    (Action::ArriveUnanswered, _) => Self::answer(&mut state, Answer::None),
                    (_, Answer::Accepted) => Self::answer(&mut state, Answer::AcceptedSilently),
                    _ => return None,
                }
            }
            Action::Refuse => self.lose(&mut state, Answer::Refused),
            Action::Ignore => self.lose(&mut state, Answer::Done),
            Action::Finish(place, ending) => {
                W::finish(&mut state.azure, place, ending);
                if ending == Ending::Succeeds {
                    state.in_vain = None;
                } else if !state.is_superseded {
                    state.in_vain = self.noted(&state, place);
                }
            }
            Action::Others(deed) => {
                W::act(&mut state.azure, deed);
                Self::supersede(&mut state);
            }
            of_operator => self.operate(&mut state, of_operator)?,
        }
        if state.step == Step::Idle {
            state.is_outdated = false;
        }
        state.is_superseded &= Self::is_busy(&state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}
