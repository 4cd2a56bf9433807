//! The resource group that Microsoft manages for a workspace with a customer-managed key
//! (concept-customer-managed-keys: Cosmos DB, AI Search and Storage; a deny assignment keeps everybody out).

use jiff::Timestamp;
use serde_json::Value;

use crate::refusal::Refusal;
use crate::text::at;
use crate::world::{Denial, Resource, World};

/// Where a workspace names it.
const NAME: &str = "/properties/serviceProvisionedResourceGroup";

impl World {
    /// Makes the group with its resources; its name goes into the workspace.
    pub(crate) fn add_managed_group(&mut self, workspace: &mut Value, complete: bool, now: Timestamp) {
        let id = at(workspace, "/id").unwrap_or_default().to_owned();
        let name = at(workspace, "/name").unwrap_or_default().to_owned();
        let location = at(workspace, "/location").unwrap_or_default().to_owned();
        let subscription = crate::address::subscription_of(&id).to_owned();
        let group = format!("azureml-rg-{name}_{}", crate::text::new_guid());
        let scope = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        let managed_by = self.settings.managed_by.then_some(id.as_str());
        self.add_group(&scope, &location, managed_by, now);
        if complete {
            for body in self.managed_resources(&scope, workspace, now) {
                let mut resource = Resource::new(body, now);
                resource.established = true;
                self.put(resource);
            }
        }
        self.denials.push(Denial {
            name: format!("System deny assignment created by Azure Machine Learning for {name}"),
            scope,
        });
        if let Some(properties) = workspace.get_mut("properties") {
            crate::text::set(properties, "serviceProvisionedResourceGroup", group);
        }
    }

    /// Policies meet the resources of the group as any others (azure-policy 1f905d99-2ab7-462c-a6b0-f709acca6c8f blocked
    /// accounts that Microsoft's own services made: CromwellOnAzure #461).
    pub(crate) fn check_managed_group(&self, workspace: &Value, now: Timestamp) -> Result<(), Refusal> {
        let subscription = crate::address::subscription_of(at(workspace, "/id").unwrap_or_default());
        let scope = format!("/subscriptions/{subscription}/resourceGroups/azureml-rg");
        for body in self.managed_resources(&scope, workspace, now) {
            let text = |pointer: &str| at(&body, pointer).unwrap_or_default();
            self.check_denied(text("/id"), text("/type"), &body)?;
        }
        Ok(())
    }

    /// Takes it away.
    pub(crate) fn remove_managed_group(&mut self, workspace: &Value) {
        let Some(scope) = scope_of(workspace) else { return };
        self.remove(&scope);
        self.denials
            .retain(|denial| !denial.scope.eq_ignore_ascii_case(&scope));
    }
}

/// The group of a workspace that has one.
pub(crate) fn scope_of(workspace: &Value) -> Option<String> {
    let group = at(workspace, NAME)?;
    let subscription = crate::address::subscription_of(at(workspace, "/id").unwrap_or_default());
    Some(format!("/subscriptions/{subscription}/resourceGroups/{group}"))
}
