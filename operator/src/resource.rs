//! The types of Azure resources that objects stand for: how each is read.
//!
//! Invariant: nothing else in the operator asks which type a resource is of.

use keyholder_azure::wire;
use keyholder_planner::ArmId;
use keyholder_planner::observed::Live;
use keyholder_planner::validate::{ACCOUNT, ACCOUNT_PROJECT, WORKSPACE};
use serde_json::Value;

use crate::observe::convert::{self, ConvertError};
use crate::observe::{account, project};

/// How resources of one type are read.
#[derive(Debug)]
pub struct ApiType<T> {
    /// The type as Azure writes it.
    pub name: &'static str,
    /// The api-version.
    pub version: &'static str,
    /// From an answer to facts.
    pub convert: fn(&Value) -> Result<T, ConvertError>,
}

/// A type of resources that objects stand for.
#[derive(Debug)]
pub struct ResourceType {
    /// How they are read.
    pub api: ApiType<Live>,
    /// Where the projects of such a resource are, if it has some.
    projects: Option<Projects>,
    /// Whether Azure makes one change at a time in such a resource and what is within it, or in its parent.
    one_at_a_time: bool,
}

/// Where projects are found.
#[derive(Debug)]
struct Projects {
    /// Their type.
    of_type: &'static str,
    /// The list that holds those of a resource, beside others maybe.
    list: fn(&ArmId) -> String,
}

/// All of them.
static TYPES: [ResourceType; 3] = [
    ResourceType {
        api: ApiType {
            name: WORKSPACE,
            version: wire::WORKSPACES_VERSION,
            convert: convert::workspace,
        },
        projects: Some(Projects {
            of_type: WORKSPACE,
            list: siblings,
        }),
        one_at_a_time: false,
    },
    ResourceType {
        api: ApiType {
            name: ACCOUNT,
            version: wire::ACCOUNTS_VERSION,
            convert: account::account,
        },
        projects: Some(Projects {
            of_type: ACCOUNT_PROJECT,
            list: |account| format!("{}/projects", account.lower()),
        }),
        one_at_a_time: true,
    },
    ResourceType {
        api: ApiType {
            name: ACCOUNT_PROJECT,
            version: wire::ACCOUNTS_VERSION,
            convert: project::of_account,
        },
        projects: None,
        one_at_a_time: true,
    },
];

impl ResourceType {
    /// The type of an object's resource.
    pub fn of(id: &ArmId) -> &'static Self {
        Self::find(|one| id.is_type(one.api.name))
    }

    /// The list in which the projects of a resource are, and their type.
    pub fn projects_of(id: &ArmId) -> Option<(&'static Self, String)> {
        let projects = Self::of(id).projects.as_ref()?;
        let of_type = Self::find(|one| one.api.name == projects.of_type);
        Some((of_type, (projects.list)(id)))
    }

    /// Where a write to a resource must wait for its turn, in lower case.
    pub fn turn_of(id: &ArmId) -> Option<String> {
        let whole = || id.parent().unwrap_or_else(|| id.clone());
        Self::of(id).one_at_a_time.then(|| whole().lower())
    }

    fn find(is: impl Fn(&Self) -> bool) -> &'static Self {
        let [first, ..] = &TYPES;
        TYPES.iter().find(|one| is(one)).unwrap_or(first)
    }
}

/// The list that a resource is in, in lower case: that of its parent, or that of its subscription.
pub fn list_of(id: &ArmId) -> String {
    let path = id.lower();
    match path.rsplit_once('/') {
        Some((list, _)) if id.parent().is_some() => list.to_owned(),
        _ => siblings(id),
    }
}

/// The list of a subscription's resources of the same type.
fn siblings(id: &ArmId) -> String {
    let list = format!(
        "/subscriptions/{}/providers/{}",
        id.subscription(),
        id.resource_type()
    );
    list.to_lowercase()
}
