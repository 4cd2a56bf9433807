//! The managed network of a workspace, and the virtual network that is in a managed resource group.
//!
//! Invariant: isolation is made tighter and never looser. What is isolated cannot be disabled (configure-managed-network, 08/27/2025), and one
//! that allows approved outbound only does not go back to the internet (how-to-managed-network, 08/29/2024). The network itself is made
//! with the first compute, of which there is none here: it stays Inactive (azureml-examples, workspace-managed-network).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::Request;
use crate::managed_group::scope_of;
use crate::refusal::Refusal;
use crate::text::{at, member, merge, set};
use crate::types::{COSMOS, PRIVATE_ENDPOINTS, VIRTUAL_NETWORKS, WORKSPACES};
use crate::world::{Resource, World};

/// The modes, the loosest first.
const MODES: [&str; 3] = ["Disabled", "AllowInternetOutbound", "AllowOnlyApprovedOutbound"];
/// What who makes an isolated network must be allowed to do (configure-managed-network).
const RIGHTS: [&str; 2] = ["read", "write"];

/// The rank of the mode in a managed network; without a mode there is no isolation.
fn rank(network: &Value) -> usize {
    let mode = member(network, "isolationMode").and_then(|(_, mode)| mode.as_str());
    MODES
        .iter()
        .position(|one| mode.is_some_and(|mode| mode.eq_ignore_ascii_case(one)))
        .unwrap_or_default()
}

fn network_of(workspace: &Value) -> Option<&Value> {
    let (_, properties) = member(workspace, "properties")?;
    member(properties, "managedNetwork").map(|(_, network)| network)
}

/// A network that is isolated and was not before waits to be made.
pub(crate) fn await_network(workspace: &mut Value) {
    let Some(network) = workspace.pointer_mut("/properties/managedNetwork") else {
        return;
    };
    if rank(network) > 0 && network.get("status").is_none_or(Value::is_null) {
        let status = json!({ "status": "Inactive", "sparkReady": false });
        set(network, "status", status);
    }
}

impl World {
    /// Who asks for an isolated network makes private endpoints with it.
    pub(crate) fn authorize_network(
        &self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
    ) -> Result<(), Refusal> {
        if network_of(body).is_some_and(|network| rank(network) > 0) {
            for right in RIGHTS {
                let action = format!("{WORKSPACES}/privateEndpointConnections/{right}");
                self.authorize(request.caller, &action, &id.id, request.now)?;
            }
        }
        Ok(())
    }

    /// What becomes of the managed network that is there when another is sent: rules that are not named stay.
    pub(crate) fn changed_network(
        &self,
        id: &ResourceId,
        before: &Value,
        sent: &Value,
    ) -> Result<Value, Refusal> {
        let have = network_of(before).cloned().unwrap_or_else(|| json!({}));
        if rank(sent) < rank(&have) && (sent.is_null() || member(sent, "isolationMode").is_some()) {
            self.forbidden_change(id, "properties.managedNetwork.isolationMode")?;
            return Ok(have);
        }
        let mut network = have;
        merge(&mut network, sent);
        Ok(network)
    }

    /// A private endpoint to a workspace, in a network of the user's. With a managed resource group, a virtual network of Microsoft's and a private
    /// endpoint to Cosmos DB are in it then (cognitive-services-encryption-keys-portal). What they are called is not documented.
    pub(crate) fn add_private_endpoint(&mut self, workspace: &str, now: Timestamp) -> bool {
        let Some(body) = self.get(workspace).map(|one| one.body.clone()) else {
            return false;
        };
        let id = at(&body, "/id").unwrap_or_default().to_owned();
        let mut changed = body.clone();
        let name = format!("endpoint-{}", crate::text::new_guid());
        let connection = json!({
            "id": format!("{id}/privateEndpointConnections/{name}"),
            "name": name,
            "type": format!("{WORKSPACES}/privateEndpointConnections"),
            "properties": {
                "provisioningState": "Succeeded",
                "privateLinkServiceConnectionState": { "status": "Approved", "description": "Auto-Approved" },
            },
        });
        if let Some(properties) = changed.get_mut("properties") {
            set(properties, "privateEndpointConnections", json!([connection]));
            set(properties, "privateLinkCount", 1);
        }
        self.store(&id, changed, now);
        if let Some(scope) = scope_of(&body) {
            self.add_virtual_network(&scope, &body, now);
        }
        true
    }

    fn add_virtual_network(&mut self, scope: &str, workspace: &Value, now: Timestamp) {
        let cosmos = self
            .within(scope)
            .find(|one| one.kind() == COSMOS)
            .map(|one| one.id().to_owned());
        let short: String = crate::text::version(scope).chars().take(16).collect();
        let connections = json!([{ "name": "cosmos", "properties": { "privateLinkServiceId": cosmos } }]);
        for (kind, name, properties) in [
            (VIRTUAL_NETWORKS, format!("vnet{short}"), json!({})),
            (
                PRIVATE_ENDPOINTS,
                format!("pe{short}"),
                json!({ "privateLinkServiceConnections": connections }),
            ),
        ] {
            let mut body = json!({
                "id": format!("{scope}/providers/{kind}/{name}"),
                "name": name,
                "type": kind,
                "location": at(workspace, "/location").unwrap_or_default(),
                "properties": { "provisioningState": "Succeeded" },
            });
            merge(&mut body, &json!({ "properties": properties }));
            let mut resource = Resource::new(body, now);
            resource.established = true;
            self.put(resource);
        }
    }
}
