//! Keyholder's decisions. Everything here is a pure function of its arguments: no client, no clock, no environment.
//!
//! A pass of the operator is observe → validate → plan → execute → report; this crate owns validate, plan and
//! report. [`Validate`] turns the spec's strings into types, [`needs`](needs::needs) says what must be read,
//! [`plan`](plan::plan) judges what was read and decides the one write to make, and [`report`](report::report) says
//! what came of it.
//!
//! Invariant: a plan holds no write exactly when Azure is as declared, when a write is under way, or when a write is
//! refused; the judgement says which.

pub mod access;
mod agents;
pub mod arm_id;
pub mod at_rest;
pub mod body;
mod compute;
pub mod cure;
mod encryption;
#[cfg(test)]
mod fixtures;
mod group;
mod intent;
pub mod judge;
mod key;
mod key_health;
pub mod key_store;
pub mod kind;
pub mod matrix;
pub mod name;
pub mod needs;
mod network;
pub mod observed;
pub mod parent;
pub mod plan;
pub mod preflight;
mod progress;
pub mod refused;
pub mod report;
#[cfg(test)]
mod stories;
mod time;
mod transition;
pub mod validate;

pub use arm_id::ArmId;
pub use intent::intent;
pub use needs::{Needs, needs, with_known_vault};
pub use observed::{Fact, Observed, Why};
pub use parent::{Parent, parent_of};
pub use plan::{Input, Next, Plan, Write, plan};
pub use report::{Executed, Note, Report, report};
pub use time::{not_before, second};
pub use validate::{Declared, FieldError, Validate};
