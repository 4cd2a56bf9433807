//! Projects of hubs: workspaces of kind Project.
//!
//! Invariant: what a project has of its hub is not stored with it; an answer shows what the hub has then.
//!
//! Source, unless another is named: terraform-provider-azurerm, ai_foundry_project_resource.

use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::Request;
use crate::provisioning::{is_kind, is_same_location};
use crate::refusal::Refusal;
use crate::settings::DeleteHubWithProjects;
use crate::text::{at, set};
use crate::types::WORKSPACES;
use crate::world::World;

const HUB: &str = "/properties/hubResourceId";

/// Settings that a project has of its hub: a GET shows them, and a request that says them is refused. The text of that refusal
/// is not known.
const OF_HUB: [&str; 5] = [
    "containerRegistry",
    "encryption",
    "keyVault",
    "managedNetwork",
    "storageAccount",
];

/// Refuses settings that are the hub's.
pub(crate) fn check_own_settings(project: &Value) -> Result<(), Refusal> {
    let said = OF_HUB.iter().find(|name| {
        project
            .pointer(&format!("/properties/{name}"))
            .is_some_and(|value| !value.is_null())
    });
    match said {
        Some(name) => Err(Refusal::bad_request(
            "BadRequest",
            format!("A project takes properties.{name} from its hub; it has none of its own."),
        )),
        None => Ok(()),
    }
}

impl World {
    /// Whoever puts a project under a hub needs the right to it there (machine-learning, concept-hub-workspace).
    pub(crate) fn authorize_joining(
        &self,
        request: &Request<'_>,
        id: &ResourceId,
        project: &Value,
    ) -> Result<(), Refusal> {
        let hub = at(project, HUB).unwrap_or_default();
        if hub.is_empty() {
            return Ok(());
        }
        let own = format!("{WORKSPACES}/write");
        let join = format!("{WORKSPACES}/hubs/join/action");
        self.authorize_linked(request.caller, (&own, &id.id), (&join, hub), request.now)
    }

    /// Looks whether a new project can have the hub that it names. Neither the texts nor the code are known.
    pub(crate) fn check_hub(&self, project: &Value) -> Result<(), Refusal> {
        let no = |message: String| Err(Refusal::bad_request("BadRequest", message));
        let id = at(project, HUB).unwrap_or_default();
        if id.is_empty() {
            return no("A project needs properties.hubResourceId.".to_owned());
        }
        let Some(hub) = self.get(id).filter(|one| one.kind() == WORKSPACES) else {
            return no(format!("The hub {id} was not found."));
        };
        if !is_kind(&hub.body, "Hub") {
            return no(format!("The workspace {id} is not of kind Hub."));
        }
        let state = at(&hub.body, "/properties/provisioningState").unwrap_or_default();
        if !hub.established || state != "Succeeded" {
            return no(format!("The hub {id} is not provisioned: its state is {state}."));
        }
        let of = |body| at(body, "/location").unwrap_or_default();
        if !is_same_location(of(project), of(&hub.body)) {
            return no(format!("A project must be in the region of its hub {id}."));
        }
        Ok(())
    }

    /// ids of a hub's projects, in whatever state they are.
    pub(crate) fn projects_of(&self, hub: &str) -> Vec<String> {
        self.resources
            .values()
            .filter(|one| one.kind() == WORKSPACES && is_kind(&one.body, "Project"))
            .filter(|one| at(&one.body, HUB).is_some_and(|own| own.eq_ignore_ascii_case(hub)))
            .map(|one| one.id().to_owned())
            .collect()
    }

    /// Looks whether a hub can be deleted.
    pub(crate) fn check_hub_deletion(&self, id: &ResourceId) -> Result<(), Refusal> {
        let projects = self.projects_of(&id.id);
        if projects.is_empty()
            || self.settings.workspaces.delete_hub_with_projects == DeleteHubWithProjects::TakeAlong
        {
            return Ok(());
        }
        Err(Refusal::conflict(
            "Conflict",
            format!(
                "The hub '{}' has projects: {}. Delete them first.",
                id.name,
                projects.join(", ")
            ),
        ))
    }

    /// Puts a project that is done among those that its hub shows. Any other workspace has none to be shown by.
    pub(crate) fn associate(&mut self, workspace: &str) {
        let Some(body) = self.get(workspace).map(|one| one.body.clone()) else {
            return;
        };
        if is_kind(&body, "Project") {
            self.list_at_hub(&body, true);
        }
    }

    /// Takes what goes from the list of its hub.
    pub(crate) fn dissociate(&mut self, workspace: &Value) {
        self.list_at_hub(workspace, false);
    }

    fn list_at_hub(&mut self, project: &Value, listed: bool) {
        let (Some(id), Some(hub)) = (at(project, "/id"), at(project, HUB)) else {
            return;
        };
        let Some(properties) = self
            .get_mut(hub)
            .and_then(|one| one.body.get_mut("properties")?.as_object_mut())
        else {
            return;
        };
        let before = properties.remove("associatedWorkspaces").unwrap_or_default();
        let mut projects: Vec<Value> = before
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one.as_str().is_none_or(|one| !one.eq_ignore_ascii_case(id)))
            .cloned()
            .collect();
        if listed {
            projects.push(json!(id));
        }
        if !projects.is_empty() {
            properties.insert("associatedWorkspaces".to_owned(), json!(projects));
        }
    }

    /// Gives a project, as an answer shows it, what it has of its hub. One's `hbiWorkspace` may be its own.
    pub(crate) fn show_settings_of_hub(&self, workspace: &mut Value) {
        if !is_kind(workspace, "Project") {
            return;
        }
        let hub = at(workspace, HUB).and_then(|hub| self.get(hub));
        let Some(settings) = hub.and_then(|hub| hub.body.get("properties")) else {
            return;
        };
        let Some(properties) = workspace.get_mut("properties") else {
            return;
        };
        for name in OF_HUB {
            if name == "encryption" && !self.settings.workspaces.projects_show_encryption {
                continue;
            }
            if let Some(value) = settings.get(name) {
                set(properties, name, value.clone());
            }
        }
        if let Some(insights) = settings.get("applicationInsights")
            && properties.get("applicationInsights").is_none()
        {
            set(properties, "applicationInsights", insights.clone());
        }
        if settings.get("hbiWorkspace") == Some(&Value::Bool(true)) {
            set(properties, "hbiWorkspace", true);
        }
    }
}
