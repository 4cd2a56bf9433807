//! `Microsoft.CognitiveServices/accounts/projects`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Identity;

/// A project of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// ARM id, in Azure's spelling.
    pub id: Option<String>,
    /// Region.
    pub location: Option<String>,
    /// Tags.
    pub tags: Option<BTreeMap<String, Option<String>>>,
    /// Managed identities.
    pub identity: Option<Identity>,
    /// Everything else.
    pub properties: Option<ProjectProperties>,
}

/// A project's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectProperties {
    /// As an account's.
    pub provisioning_state: Option<String>,
    /// The name that people see.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// `Microsoft.CognitiveServices/accounts/projects/capabilityHosts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapabilityHost {
    /// ARM id, in Azure's spelling.
    pub id: Option<String>,
    /// Everything else.
    pub properties: Option<CapabilityHostProperties>,
}

/// A capability host's properties; connections by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapabilityHostProperties {
    /// As an account's.
    pub provisioning_state: Option<String>,
    /// For files.
    pub storage_connections: Option<Vec<String>>,
    /// For conversations and definitions of agents.
    pub thread_storage_connections: Option<Vec<String>>,
    /// For vector stores.
    pub vector_store_connections: Option<Vec<String>>,
}
