//! What users do, on the real operator, a real API server and the simulated Azure. One file a subject.
#![cfg(test)]

mod accounts;
mod agents;
mod common;
mod crash;
mod cures;
mod deletion;
mod dependents;
mod drift;
mod edits;
mod enforce;
mod faults;
mod grant;
mod identities;
mod input;
mod key_change;
mod key_health;
mod kind;
mod limits;
mod managed_group;
mod managed_hsm;
mod managed_network;
mod outages;
mod ownership;
mod preflight;
mod projects;
mod provision;
mod rest;
mod rotation;
mod switches;
mod year;
