//! What this Azure does and refuses, asked over HTTPS as any client would.
#![cfg(test)]

mod bodies;
mod changes;
mod common;
mod constraints;
mod creation;
mod deletion;
mod envelopes;
mod faults;
mod federation;
mod holds;
mod lists;
mod locks;
mod page;
mod policies;
mod quotas;
mod roles;
mod seeds;
mod switches;
mod throttling;
mod tokens;
mod trouble;
mod vaults;
