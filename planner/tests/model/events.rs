//! What can happen in a state.
//!
//! Invariant: the order of events is the same for the same state.

use keyholder_planner::plan::{FinalizerStep, Request};

use crate::azure::{Ending, Keys};
use crate::declared::{POLICIES, SPECS};
use crate::model::{Action, InKubernetes, Life, State, Step};
use crate::reading::Trouble;
use crate::time::waits;

impl Life {
    /// Whether a request as wanted is decided on or on its way.
    fn has(&self, state: &State, wanted: impl Fn(&Request) -> bool) -> bool {
        let decided = match state.step {
            Step::Decided(id) | Step::Noted(id) | Step::Sent(id) => Some(id),
            Step::Idle | Step::Answered(..) => None,
        };
        [decided, state.on_its_way].into_iter().flatten().any(|id| {
            let pass = self.operator.pass(id);
            pass.plan
                .write
                .as_ref()
                .is_some_and(|write| wanted(&write.request))
        })
    }

    /// What an event counts among what goes wrong or is changed.
    pub fn troubles_of(action: &Action) -> u8 {
        match action {
            Action::Decide(Trouble::None)
            | Action::AddFinalizer
            | Action::Note
            | Action::Send
            | Action::Report
            | Action::Arrive
            | Action::Finish(Ending::Succeeds)
            | Action::Wait => 0,
            _ => 1,
        }
    }

    pub fn of_operator(&self, state: &State, actions: &mut Vec<Action>) {
        let InKubernetes::Here(object) = state.object else {
            return;
        };
        match state.step {
            Step::Idle => {
                actions.push(Action::Decide(Trouble::None));
                let status = self.operator.status(object.status);
                if status
                    .operation
                    .as_ref()
                    .is_some_and(|operation| operation.url.is_some())
                {
                    actions.push(Action::Decide(Trouble::OperationUnreadable));
                    actions.push(Action::Decide(Trouble::OperationForgotten));
                }
                actions.push(Action::Decide(Trouble::HubUnreadable));
                actions.push(Action::Decide(Trouble::KeyUnreadable));
                if state.azure.keys != Keys::One {
                    actions.push(Action::Decide(Trouble::KeyOutdated));
                }
                if state.on_its_way.is_none() && waits(&status) {
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

    pub fn of_azure(state: &State, actions: &mut Vec<Action>) {
        if state.on_its_way.is_some() {
            actions.push(Action::Arrive);
            actions.push(Action::Vanish);
            if matches!(state.step, Step::Sent(_)) {
                actions.extend([
                    Action::ArriveSilently,
                    Action::ArriveUnanswered,
                    Action::Refuse,
                    Action::Ignore,
                ]);
            }
        }
        if state.azure.is_working() {
            actions.extend([
                Action::Finish(Ending::Succeeds),
                Action::Finish(Ending::Fails),
                Action::Finish(Ending::FailsAndBreaks),
                Action::Finish(Ending::IsIgnored),
            ]);
        }
    }

    pub fn of_others(&self, state: &State, actions: &mut Vec<Action>) {
        let creates = self.has(state, |request| matches!(request, Request::Put(_)));
        if !state.azure.is_working() && !creates {
            let is_quiet = state.on_its_way.is_none() && state.step == Step::Idle;
            match state.azure.hub {
                Some(hub) => {
                    actions.push(Action::Take);
                    if hub.is_ours && is_quiet {
                        actions.push(Action::Untag);
                    }
                }
                None if is_quiet => actions.push(Action::MakeAnothers),
                None => {}
            }
        }
        match state.azure.keys {
            Keys::One => actions.push(Action::Rotate),
            Keys::Rotated => actions.push(Action::Disable),
            Keys::SecondDisabled => {}
        }
        if let InKubernetes::Here(object) = state.object
            && !object.is_deleting
        {
            let others = SPECS.into_iter().filter(|spec| *spec != object.spec);
            actions.extend(others.map(Action::Edit));
            actions.extend(POLICIES.map(Action::Delete));
        }
    }
}
