//! How a life ends when it is left alone.
//!
//! Invariant: from where nobody interferes and Azure does what it is asked there is one way on; so it is walked, not searched.

use crate::azure::{HubState, Key, Keys};
use crate::law::Told;
use crate::model::{Action, InKubernetes, Life, State, Step};
use crate::reading::Trouble;
use stateright::Model as _;

impl Life {
    /// What happens when nobody interferes and Azure does what it is asked.
    fn undisturbed(&self, state: &State) -> Option<Action> {
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
        self.decide(&mut next, object, Trouble::None);
        match next.step {
            Step::Decided(id) if self.operator.is_at_rest(id) => {
                actions.contains(&Action::Wait).then_some(Action::Wait)
            }
            _ => Some(Action::Decide(Trouble::None)),
        }
    }

    /// Whether a state in which nothing happens any more is as it should be.
    fn is_well(&self, state: &State) -> bool {
        let InKubernetes::Here(object) = state.object else {
            return true;
        };
        let is_reachable = match state.azure.hub {
            None => state.told == Told::Nothing,
            Some(hub) => hub.is_ours && object.spec.can_become(&hub),
        };
        if object.is_deleting {
            return false;
        }
        let hub_is_as_declared = state.azure.hub.is_some_and(|hub| {
            hub.state == HubState::Succeeded && object.spec.is_met_by(&hub, state.azure.keys)
        });
        if is_reachable {
            let key_is_usable = state.azure.keys != Keys::SecondDisabled
                || state.azure.hub.is_none_or(|hub| hub.key != Some(Key::Second));
            hub_is_as_declared && (self.operator.is_ready(object.status) || !key_is_usable)
        } else {
            self.operator.is_stalled(object.status)
        }
    }

    /// Whether a life that is left alone from here on comes to a good end.
    pub fn ends_well(&self, from: &State) -> bool {
        /// Far more steps than any undisturbed life has.
        const MOST_STEPS: usize = 200;
        let mut state = *from;
        let mut path = Vec::new();
        for _ in 0..MOST_STEPS {
            // What went wrong before does not matter for how it goes on.
            state.troubles = 0;
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
