//! Where what the agents of a project keep lies: with Microsoft, or in resources of the user's own.
//!
//! Invariant: nothing here says what those resources are encrypted with. The account's key encrypts neither them nor what lies with
//! Microsoft.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

/// How much of what agents keep is in resources of your own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum Coverage {
    /// All of it: each of those resources has an encryption of its own, and can have a key of yours.
    Full,
    /// Not all of it: notCovered names what is not, which Microsoft keeps under keys of its own.
    Partial,
    /// It could not be found out so far: message.
    Unknown,
}

/// What agents keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum AgentData {
    /// Files that were uploaded: storageConnections.
    Files,
    /// Conversations and definitions of agents: threadStorageConnections.
    Threads,
    /// What searches find: vectorStoreConnections.
    VectorStores,
}

/// Where what the agents of a project keep lies, as the project's capability host tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentCoverage {
    /// How much of it is in resources of your own.
    pub coverage: Coverage,
    /// Name of the project's capability host, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability_host: Option<String>,
    /// What is not in resources of your own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_covered: Vec<AgentData>,
    /// What there is to say about it.
    pub message: String,
    /// Why the last look found nothing out. The rest is what was seen before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_look_failed: Option<String>,
}
