//! The switches of projects of hubs.

use serde::{Deserialize, Serialize};

/// What no source settles about hubs and their projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Workspaces {
    /// What becomes of the deletion of a hub that has projects. No source tells; azure-ai-ml and azurerm look at nothing before
    /// they delete a hub.
    pub delete_hub_with_projects: DeleteHubWithProjects,
    /// Whether a project's `encryption` is its hub's. azurerm takes it out of what a GET gave before it sends it again
    /// (ai_foundry_project_resource); no captured answer is known.
    pub projects_show_encryption: bool,
    /// Whether a workspace that was made without a managed network says that its isolation is Disabled. Not documented.
    pub show_disabled_network: bool,
}

impl Default for Workspaces {
    fn default() -> Self {
        Self {
            delete_hub_with_projects: DeleteHubWithProjects::Refuse,
            projects_show_encryption: true,
            show_disabled_network: true,
        }
    }
}

/// An answer to the deletion of a hub that has projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeleteHubWithProjects {
    /// 409.
    Refuse,
    /// The projects go as the hub goes.
    TakeAlong,
}
