//! What can happen in a state.
//!
//! Invariant: the order of events is the same for the same state.

use keyholder_planner::plan::{FinalizerStep, Request};

use crate::model::Life;
use crate::state::{Action, InKubernetes, State, Step};
use crate::time::waits;
use crate::world::{Ending, Place, Policy, Scene, World};

impl<W: World> Life<W> {
    /// Whether a creation is decided on or on its way.
    fn creates(&self, state: &State<W>) -> bool {
        let decided = match state.step {
            Step::Decided(id) | Step::Noted(id) | Step::Sent(id) => Some(id),
            Step::Idle | Step::Answered(..) => None,
        };
        decided.into_iter().chain(state.on_the_way.any()).any(|id| {
            let pass = self.operator.pass(id);
            let write = pass.plan.write.as_ref();
            write.is_some_and(|write| matches!(write.request, Request::Put(_)))
        })
    }

    /// What an event counts among what goes wrong or is changed.
    pub fn troubles_of(action: &Action<W>) -> u8 {
        match action {
            Action::Decide(trouble) if *trouble == W::UNTROUBLED => 0,
            Action::AddFinalizer
            | Action::Note
            | Action::Send
            | Action::Report
            | Action::Arrive(_)
            | Action::Finish(_, Ending::Succeeds)
            | Action::Wait => 0,
            _ => 1,
        }
    }

    pub fn of_operator(&self, state: &State<W>, actions: &mut Vec<Action<W>>) {
        let InKubernetes::Here(object) = state.object else {
            return;
        };
        match state.step {
            Step::Idle => {
                actions.push(Action::Decide(W::UNTROUBLED));
                let status = self.operator.status(object.status);
                actions.extend(W::troubles(&state.azure, &status).into_iter().map(Action::Decide));
                if state.on_the_way.any().next().is_none() && waits(&status) {
                    actions.push(Action::Wait);
                }
                return;
            }
            Step::Decided(id) => {
                let pass = self.operator.pass(id);
                actions.push(
                    if pass.plan.finalizer == FinalizerStep::Add && !object.has_finalizer {
                        Action::AddFinalizer
                    } else if pass.plan.write.is_some() {
                        Action::Note
                    } else {
                        Action::Report
                    },
                );
            }
            Step::Noted(_) => actions.push(Action::Send),
            Step::Sent(_) => actions.push(Action::GiveUp),
            Step::Answered(..) => actions.push(Action::Report),
        }
        actions.push(Action::Crash);
    }

    pub fn of_azure(state: &State<W>, actions: &mut Vec<Action<W>>) {
        for place in Place::ALL {
            if state.on_the_way.to(place).is_some() {
                actions.extend([Action::Arrive(place), Action::Vanish(place)]);
            }
            if W::is_working(&state.azure, place) {
                let endings = W::endings(place).iter();
                actions.extend(endings.map(|ending| Action::Finish(place, *ending)));
            }
        }
        if matches!(state.step, Step::Sent(_)) {
            actions.extend([
                Action::ArriveSilently,
                Action::ArriveUnanswered,
                Action::Refuse,
                Action::Ignore,
            ]);
        }
    }

    pub fn of_others(&self, state: &State<W>, actions: &mut Vec<Action<W>>) {
        let scene = Scene {
            creates: self.creates(state),
            is_quiet: state.on_the_way.any().next().is_none() && state.step == Step::Idle,
        };
        actions.extend(W::deeds(&state.azure, scene).into_iter().map(Action::Others));
        if let InKubernetes::Here(object) = state.object
            && !object.is_deleting
        {
            let others = W::SPECS.iter().filter(|spec| **spec != object.spec);
            actions.extend(others.copied().map(Action::Edit));
            actions.extend(Policy::ALL.map(Action::Delete));
        }
    }
}
