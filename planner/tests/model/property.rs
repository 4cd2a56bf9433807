//! What is checked in every state.

use stateright::Property;

use crate::law::{Broken, Told};
use crate::model::Life;
use crate::state::{InKubernetes, State};
use crate::world::{Policy, World};

pub const NOTHING_FORBIDDEN: &str = "nothing is written that is forbidden, unowned, unseen or older";
pub const NO_PUT_OVER_DATA: &str = "what was in order is never put over";
pub const NO_KEY_TOO_EARLY: &str = "no key is sent while a check of it fails";
pub const OWN_KEY_FIRST: &str =
    "a dependent gets a key that its object has, in order, and nothing else to do that Azure does";
pub const NO_SUCCESSOR: &str = "no empty resource takes the place of one with data";
pub const ONE_WRITE: &str = "one write at a time";
pub const NOT_AT_ONCE: &str = "what was of no avail is not sent again at once";
pub const EMPTY_WHEN_CONVERGED: &str = "a plan is empty exactly when all is as declared";
pub const READY_IS_TRUE: &str = "Ready is said of a resource that is as declared";
pub const BOUND_STAYS: &str = "what a resource is bound to is known as long as it is there";
pub const RESOURCE_GOES_FIRST: &str =
    "an object goes after its resource, where its policy says that the resource goes";
pub const ENDS_WELL: &str = "left alone, all comes to rest: as declared, or with a cause that stalls it";

pub fn all<W: World>() -> Vec<Property<Life<W>>> {
    vec![
        Property::always(NOTHING_FORBIDDEN, |_, state: &State<W>| {
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
        Property::always(NO_SUCCESSOR, |_, state: &State<W>| {
            state.broken != Some(Broken::MadeAnEmptySuccessor)
        }),
        Property::always(NO_PUT_OVER_DATA, |_, state: &State<W>| {
            state.broken != Some(Broken::PutOverData)
        }),
        Property::always(NO_KEY_TOO_EARLY, |_, state: &State<W>| {
            state.broken != Some(Broken::SentAKeyTooEarly)
        }),
        Property::always(OWN_KEY_FIRST, |_, state: &State<W>| {
            state.broken != Some(Broken::GaveOnAKeyTooEarly)
        }),
        Property::always(ONE_WRITE, |_, state: &State<W>| {
            state.broken != Some(Broken::WroteTwice)
        }),
        Property::always(NOT_AT_ONCE, |_, state: &State<W>| {
            state.broken != Some(Broken::RetriedAtOnce)
        }),
        Property::always(EMPTY_WHEN_CONVERGED, |_, state: &State<W>| {
            state.broken != Some(Broken::PlanIsNotEmptyExactlyWhenConverged)
        }),
        Property::always(READY_IS_TRUE, |_, state: &State<W>| {
            state.broken != Some(Broken::SaidReadyFalsely)
        }),
        Property::always(BOUND_STAYS, |model: &Life<W>, state: &State<W>| {
            match state.object {
                InKubernetes::Here(object) => {
                    W::is_bound(&state.azure, &model.operator.status(object.status))
                }
                InKubernetes::Gone(_) => true,
            }
        }),
        Property::always(RESOURCE_GOES_FIRST, |_, state: &State<W>| match state.object {
            InKubernetes::Here(_) => true,
            InKubernetes::Gone(policy) => !W::is_left(&state.azure, policy, state.told),
        }),
        Property::always(ENDS_WELL, |model: &Life<W>, state: &State<W>| {
            state.broken.is_some() || model.ends_well(state)
        }),
        Property::sometimes(
            "a resource is ready",
            |model: &Life<W>, state: &State<W>| match state.object {
                InKubernetes::Here(object) => model.operator.is_ready(object.status),
                InKubernetes::Gone(_) => false,
            },
        ),
        Property::sometimes("an object goes after its resource", |_, state: &State<W>| {
            state.told == Told::InOrder
                && matches!(state.object, InKubernetes::Gone(policy) if policy != Policy::Retain)
        }),
    ]
}
