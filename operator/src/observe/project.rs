//! Projects from the wire to the planner's facts.
//!
//! Invariants: that of [`super::convert`], and a project has no encryption of its own, whatever an answer shows.

use keyholder_azure::wire;
use keyholder_planner::observed::{Live, LiveProject};
use serde_json::Value;

use super::convert::{ConvertError, arm_id, location, required_id, tags, typed};

/// A project of an account.
///
/// # Errors
/// See [`ConvertError`].
pub fn of_account(value: &Value) -> Result<Live, ConvertError> {
    let project: wire::Project = typed(value)?;
    let properties = project.properties.ok_or(ConvertError::Missing("properties"))?;
    let identity = project.identity.unwrap_or_default();
    let id = required_id("id", project.id)?;
    let parent = id.parent().ok_or_else(|| ConvertError::Value {
        field: "id",
        value: id.to_string(),
        expected: "the id of a project of an account",
    })?;
    Ok(Live {
        id,
        location: location(project.location)?,
        kind: String::new(),
        provisioning_state: properties.provisioning_state,
        tags: tags(project.tags),
        user_assigned: identity
            .user_assigned_identities
            .unwrap_or_default()
            .keys()
            .map(|id| arm_id("identity.userAssignedIdentities", id))
            .collect::<Result<_, _>>()?,
        system_assigned_principal: identity.principal_id,
        system_assigned: identity
            .r#type
            .unwrap_or_default()
            .to_lowercase()
            .contains("systemassigned"),
        key_vault: None,
        storage_account: None,
        encryption: None,
        service_side: false,
        high_business_impact: false,
        public_network_access: None,
        network_isolation: None,
        managed_group: None,
        account: None,
        project: Some(Box::new(LiveProject {
            parent,
            display_name: properties.display_name.filter(|text| !text.is_empty()),
            description: properties.description.filter(|text| !text.is_empty()),
        })),
    })
}

/// What makes a workspace a project of a hub; `live`: the workspace as any other. What it shows of its hub is not its own. One without
/// a hub is nobody's project.
///
/// # Errors
/// See [`ConvertError`].
pub fn of_hub(mut live: Live, properties: wire::WorkspaceProperties) -> Result<Live, ConvertError> {
    live.encryption = None;
    live.service_side = false;
    live.managed_group = None;
    let hub = properties.hub_resource_id.filter(|id| !id.is_empty());
    live.project = hub
        .map(|id| {
            Ok(Box::new(LiveProject {
                parent: arm_id("properties.hubResourceId", &id)?,
                display_name: properties.friendly_name.filter(|text| !text.is_empty()),
                description: properties.description.filter(|text| !text.is_empty()),
            }))
        })
        .transpose()?;
    Ok(live)
}
