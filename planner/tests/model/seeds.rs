//! Planners with a mistake each, to see that the model notices.
//!
//! Invariant: a mistake stands at the planner's boundary: it changes what goes into one of its functions or what comes out.

use keyholder_crds::ResourceStatus;
use keyholder_planner::plan::Input;
use keyholder_planner::{Observed, Plan, plan};
use stateright::{Checker as _, HasDiscoveries, Model as _};

use crate::model::Life;
use crate::pass::Planner;
use crate::trace;
use crate::world::World;

mod account;
mod dependent;
mod hub;

/// Checks that the model finds that `property` is broken, and prints how.
fn is_found<W: World>(planner: Planner, most_troubles: u8, property: &'static str) {
    let checker = Life::<W>::new(planner, most_troubles)
        .checker()
        .finish_when(HasDiscoveries::AllOf([property].into()))
        .spawn_bfs()
        .join();
    let path = checker.discovery(property);
    let path = path.unwrap_or_else(|| panic!("nothing was found; {} states", checker.unique_state_count()));
    println!("{}", trace::told(checker.model(), property, path));
}

fn with_status(input: &Input<'_>, change: impl Fn(&mut ResourceStatus)) -> Plan {
    let mut status = input.status.clone();
    change(&mut status);
    plan(&Input {
        status: &status,
        ..*input
    })
}

fn with_observed(input: &Input<'_>, change: impl Fn(&mut Observed)) -> Plan {
    let mut observed = input.observed.clone();
    change(&mut observed);
    plan(&Input {
        observed: &observed,
        ..*input
    })
}
