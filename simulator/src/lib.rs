//! An Azure that can fail: Azure Resource Manager, Entra, and what an AI hub rests on, over HTTPS.
//!
//! It refuses what Azure refuses, in Azure's shapes, and knows nothing of those who use it. What no source settles is a
//! [`settings::Settings`] switch with both answers; `docs/simulator.md` lists them.

mod account_key;
mod account_projects;
mod account_rules;
mod accounts;
mod address;
mod assertion;
mod authorization;
mod certificates;
mod conditions;
mod connect;
mod control;
mod data_plane;
mod deleted_accounts;
mod deleted_keys;
mod deleted_vaults;
mod denials;
mod encryption;
mod entra;
mod error;
mod faults;
mod front;
mod groups;
mod hosts;
mod hub_projects;
mod identities;
mod key_access;
mod key_material;
mod key_vault;
mod keys;
mod lists;
mod locks;
mod managed_group;
mod operations;
mod patch;
mod policies;
mod provisioning;
mod quotas;
mod refusal;
mod resources;
mod retention;
mod role_assignments;
mod roles;
pub mod seed;
mod server;
pub mod settings;
mod shape;
mod shapes;
mod simulator;
mod subscriptions;
mod text;
mod throttling;
mod traffic;
mod types;
mod vaults;
mod workspace_key;
mod workspaces;
mod world;

pub use error::Error;
pub use seed::Seed;
pub use settings::Settings;
pub use simulator::{Config, Simulator};
