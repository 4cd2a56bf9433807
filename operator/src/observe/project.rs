//! Projects from the wire to the planner's facts.
//!
//! Invariants: that of [`super::convert`], and a project has no encryption of its own, whatever an answer shows.

use std::time::Duration;

use keyholder_azure::wire;
use keyholder_planner::observed::{CapabilityHost, Live, LiveProject};
use keyholder_planner::{ArmId, Fact};
use serde_json::Value;

use super::convert::{ConvertError, arm_id, location, required_id, tags, typed};
use super::{Look, SLOW, not_understood};
use crate::inventory::Age;

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

/// A capability host of a project of an account.
///
/// # Errors
/// See [`ConvertError`].
pub fn capability_host(value: &Value) -> Result<CapabilityHost, ConvertError> {
    let host: wire::CapabilityHost = typed(value)?;
    let properties = host.properties.ok_or(ConvertError::Missing("properties"))?;
    let named = |connections: Option<Vec<String>>| {
        let connections = connections.unwrap_or_default().into_iter();
        connections.filter(|name| !name.is_empty()).collect()
    };
    Ok(CapabilityHost {
        name: required_id("id", host.id)?.name().to_owned(),
        state: properties.provisioning_state,
        files: named(properties.storage_connections),
        threads: named(properties.thread_storage_connections),
        vector_stores: named(properties.vector_store_connections),
    })
}

impl Look<'_> {
    /// The capability hosts of a project. That its list is not there says nothing of them.
    pub(super) async fn capability_hosts(&self, project: &ArmId) -> Fact<Vec<CapabilityHost>> {
        let path = format!("{project}/capabilityHosts");
        // No sweep reads them: where something is to be judged anew, what was read before does not serve.
        let age = match self.age {
            Age::Swept => SLOW,
            Age::Recent(_) | Age::Now => Duration::ZERO,
        };
        let listed = self
            .inventory
            .reader
            .read_list(&path, wire::ACCOUNTS_VERSION, &[], age);
        match listed.await {
            Ok(listed) => {
                let hosts: Result<Vec<_>, _> = listed.items.iter().map(capability_host).collect();
                hosts.map_or_else(|error| not_understood(&path, &error.to_string()), Fact::Known)
            }
            Err(error) => Fact::Unknown(self.why(&error)),
        }
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a/projects/p/capabilityHosts/agents";

    #[test]
    fn a_capability_host_names_its_connections() {
        let host = capability_host(&json!({
            "id": ID,
            "name": "a/p/agents",
            "properties": {
                "aiServicesConnections": ["models"],
                "provisioningState": "Succeeded",
                "storageConnections": ["files", ""],
                "threadStorageConnections": null,
            },
        }));
        let expected = CapabilityHost {
            name: "agents".to_owned(),
            state: Some("Succeeded".to_owned()),
            files: vec!["files".to_owned()],
            ..CapabilityHost::default()
        };
        assert_eq!(host.unwrap(), expected);
    }

    #[test]
    fn what_is_not_of_the_published_type_is_no_host_without_connections() {
        for wrong in [
            json!({ "id": ID }),
            json!({ "properties": {} }),
            json!({ "id": ID, "properties": { "storageConnections": "files" } }),
        ] {
            assert!(capability_host(&wrong).is_err(), "{wrong}");
        }
    }
}
