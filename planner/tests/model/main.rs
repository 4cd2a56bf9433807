//! The planner under every order of what may happen: users' edits, Azure's answers and failures, other people, crashes.
//!
//! It decides by its real functions; around it stands a small Azure for each kind of object ([`world`]), and the operator's steps ([`model`]).
//! `cargo test --test model` checks the planner; each mistake of [`seeds`] must be found, and its trace is printed
//! (`-- --nocapture`).
#![cfg(test)]

mod account;
mod dependent;
mod ending;
mod events;
mod hub;
mod law;
mod model;
mod pass;
mod property;
mod reading;
mod seeds;
mod state;
mod time;
mod trace;
mod world;

use stateright::{Checker as _, Expectation, Model as _};

use model::Life;
use pass::Planner;
use world::World;

/// Checks a world with so much that goes wrong or is changed on one path. Each more makes its space about fifteen times as large.
fn keeps_every_law<W: World>(most_troubles: u8) {
    let checker = Life::<W>::new(Planner::REAL, most_troubles)
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

#[test]
fn of_hubs_the_planner_keeps_every_law() {
    keeps_every_law::<hub::World>(3);
}

#[test]
fn of_accounts_the_planner_keeps_every_law() {
    keeps_every_law::<account::World>(3);
}

#[test]
fn of_dependents_the_planner_keeps_every_law() {
    keeps_every_law::<dependent::World>(3);
}
