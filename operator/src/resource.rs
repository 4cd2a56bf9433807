//! The types of Azure resources that objects stand for: how each is read.
//!
//! Invariant: nothing else in the operator asks which type a resource is of.

use keyholder_azure::wire;
use keyholder_planner::ArmId;
use keyholder_planner::observed::Live;
use keyholder_planner::validate::{ACCOUNT, WORKSPACE};
use serde_json::Value;

use crate::observe::account;
use crate::observe::convert::{self, ConvertError};

/// How resources of one type are read.
#[derive(Debug)]
pub struct ResourceType {
    /// The type as Azure writes it.
    pub name: &'static str,
    /// The api-version.
    pub version: &'static str,
    /// From an answer to facts.
    pub convert: fn(&Value) -> Result<Live, ConvertError>,
}

/// All of them.
static TYPES: [ResourceType; 2] = [
    ResourceType {
        name: WORKSPACE,
        version: wire::WORKSPACES_VERSION,
        convert: convert::hub,
    },
    ResourceType {
        name: ACCOUNT,
        version: wire::ACCOUNTS_VERSION,
        convert: account::account,
    },
];

impl ResourceType {
    /// The type of an object's resource.
    pub fn of(id: &ArmId) -> &'static Self {
        let [first, ..] = &TYPES;
        TYPES.iter().find(|one| id.is_type(one.name)).unwrap_or(first)
    }
}
