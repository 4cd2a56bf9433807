//! What this Azure does and refuses, asked over HTTPS as any client would.
#![cfg(test)]

mod access_policies;
mod account_keys;
mod account_requests;
mod accounts;
mod bodies;
mod changes;
mod common;
mod constraints;
mod creation;
mod data_plane;
mod deleted_accounts;
mod deleted_vaults;
mod deletion;
mod envelopes;
mod faults;
mod federation;
mod holds;
mod key_changes;
mod lists;
mod locks;
mod page;
mod policies;
mod projects;
mod proxy;
mod quotas;
mod roles;
mod seeds;
mod switches;
mod throttling;
mod tokens;
mod trouble;
mod vault_requests;
mod vaults;
mod wrapping;
