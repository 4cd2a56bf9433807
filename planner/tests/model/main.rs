//! The planner under every order of what may happen: users' edits, Azure's answers and failures, other people, crashes.
//!
//! It decides by its real functions; around it stands a small Azure ([`azure`]), and the operator's steps ([`model`]).
//! `cargo test --test model` checks the planner; each mistake of [`seeds`] must be found, and its trace is printed
//! (`-- --nocapture`).
#![cfg(test)]

mod azure;
mod declared;
mod ending;
mod events;
mod law;
mod model;
mod pass;
mod reading;
mod seeds;
mod time;
mod trace;

use stateright::{Checker as _, Expectation, Model as _};

use model::Life;
use pass::Planner;

/// How much goes wrong or is changed on one path. Each more makes the space about fifteen times as large.
const MOST_TROUBLES: u8 = 3;

#[test]
fn the_planner_keeps_every_law() {
    let checker = Life::new(Planner::REAL, MOST_TROUBLES)
        .checker()
        .threads(2)
        .spawn_bfs()
        .join();
    let model = checker.model();
    println!(
        "{} states, {} steps, {} deep; {:?} passes and statuses",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        model.operator.size()
    );
    let mut wrong = Vec::new();
    for property in model.properties() {
        match (property.expectation, checker.discovery(property.name)) {
            (Expectation::Sometimes, None) => wrong.push(format!("never: {}", property.name)),
            (Expectation::Sometimes, Some(_)) | (_, None) => {}
            (_, Some(path)) => wrong.push(trace::told(model, property.name, path)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
