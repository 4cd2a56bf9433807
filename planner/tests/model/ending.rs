//! How a life ends when it is left alone.
//!
//! Invariant: from where nobody interferes and Azure does what it is asked there is one way on; so it is walked, not searched.

use stateright::Model as _;

use crate::law::Case;
use crate::model::Life;
use crate::pass::Seen;
use crate::state::{Action, InKubernetes, State, Step};
use crate::world::{End, World};

/// Far more steps than any undisturbed life has.
const MOST_STEPS: usize = 200;

impl<W: World> Life<W> {
    /// What happens when nobody interferes and Azure does what it is asked.
    fn undisturbed(&self, state: &State<W>) -> Option<Action<W>> {
        let mut actions = Vec::new();
        Self::of_azure(state, &mut actions);
        if let Some(action) = actions.into_iter().find(|one| Self::troubles_of(one) == 0) {
            return Some(action);
        }
        let InKubernetes::Here(object) = state.object else {
            return None;
        };
        let mut actions = Vec::new();
        self.of_operator(state, &mut actions);
        if state.step != Step::Idle {
            return actions.into_iter().find(|one| Self::troubles_of(one) == 0);
        }
        let mut next = *state;
        self.decide(&mut next, object, W::UNTROUBLED);
        match next.step {
            Step::Decided(id) if self.operator.is_at_rest(id) => {
                actions.contains(&Action::Wait).then_some(Action::Wait)
            }
            _ => Some(Action::Decide(W::UNTROUBLED)),
        }
    }

    /// Whether a state in which nothing happens any more is as it should be.
    fn is_well(&self, state: &State<W>) -> bool {
        let InKubernetes::Here(object) = state.object else {
            return true;
        };
        if object.is_deleting {
            return false;
        }
        let status = self.operator.status(object.status);
        let end = W::end(&Case {
            object,
            seen: Seen {
                azure: state.azure,
                trouble: W::UNTROUBLED,
            },
            declared: self.operator.declared(&object),
            status: &status,
            told: state.told,
        });
        let is_converged = W::is_converged(&state.azure, object.spec);
        match end {
            End::Ready => is_converged && self.operator.is_ready(object.status) && W::is_tidy(&status),
            End::AsDeclared => is_converged,
            End::Stalled => self.operator.is_stalled(object.status),
        }
    }

    /// Where a life that is left alone comes to rest.
    pub fn at_rest(&self, from: State<W>) -> State<W> {
        let mut state = from;
        for _ in 0..MOST_STEPS {
            let next = self.undisturbed(&state);
            match next.and_then(|action| self.next_state(&state, action)) {
                Some(next) => state = next,
                None => return state,
            }
        }
        panic!("it comes to no rest: {state:?}");
    }

    /// Whether a life that is left alone from here on comes to a good end.
    pub fn ends_well(&self, from: &State<W>) -> bool {
        let mut state = *from;
        let mut path = Vec::new();
        for _ in 0..MOST_STEPS {
            // What went wrong before does not matter for how it goes on.
            state.troubles = 0;
            state.in_vain = None;
            state.is_superseded = false;
            state.broken = None;
            if self.known_to_end_well.lock().unwrap().contains(&state) {
                self.known_to_end_well.lock().unwrap().extend(path);
                return true;
            }
            path.push(state);
            match self
                .undisturbed(&state)
                .and_then(|action| self.next_state(&state, action))
            {
                Some(next) => state = next,
                None => {
                    let is_well = self.is_well(&state);
                    if is_well {
                        self.known_to_end_well.lock().unwrap().extend(path);
                    }
                    return is_well;
                }
            }
        }
        false
    }
}
