//! The resource group that Microsoft manages for a workspace with a customer-managed key
//! (concept-customer-managed-keys: Cosmos DB, AI Search and Storage; a deny assignment keeps everybody out).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::text::at;
use crate::types::{COSMOS, SEARCH, STORAGE};
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
        let tier = self.settings.managed_search_tier.sku();
        if complete {
            for body in contents(&scope, &location, workspace, tier) {
                self.put(Resource::new(body, now));
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
    pub(crate) fn check_managed_group(&self, workspace: &Value) -> Result<(), Refusal> {
        let subscription = crate::address::subscription_of(at(workspace, "/id").unwrap_or_default());
        let scope = format!("/subscriptions/{subscription}/resourceGroups/azureml-rg");
        let location = at(workspace, "/location").unwrap_or_default();
        let tier = self.settings.managed_search_tier.sku();
        for body in contents(&scope, location, workspace, tier) {
            let text = |pointer: &str| at(&body, pointer).unwrap_or_default();
            self.check_denied(text("/id"), text("/type"), &body)?;
        }
        Ok(())
    }

    /// Takes it away.
    pub(crate) fn remove_managed_group(&mut self, workspace: &Value) {
        let Some(group) = at(workspace, NAME) else { return };
        let subscription = crate::address::subscription_of(at(workspace, "/id").unwrap_or_default());
        let scope = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        self.remove(&scope);
        self.denials
            .retain(|denial| !denial.scope.eq_ignore_ascii_case(&scope));
    }
}

fn contents(scope: &str, location: &str, workspace: &Value, tier: &str) -> [Value; 3] {
    let id = at(workspace, "/properties/workspaceId").unwrap_or_default();
    let short: String = crate::text::version(&format!("{scope}{id}"))
        .chars()
        .take(16)
        .collect();
    let key = at(workspace, crate::workspace_key::KEY).unwrap_or_default();
    let resource = |kind: &str, name: &str| json!({ "id": format!("{scope}/providers/{kind}/{name}"), "name": name, "type": kind, "location": location });
    let mut cosmos = resource(COSMOS, &format!("cosmos{short}"));
    crate::text::merge(
        &mut cosmos,
        &json!({
            "kind": "GlobalDocumentDB",
            "properties": {
                "provisioningState": "Succeeded",
                "databaseAccountOfferType": "Standard",
                "keyVaultKeyUri": key.rsplit_once('/').map_or(key, |(versionless, _)| versionless),
                "locations": [{ "locationName": location, "failoverPriority": 0 }],
            },
        }),
    );
    let mut search = resource(SEARCH, &format!("search{short}"));
    crate::text::merge(
        &mut search,
        &json!({
            "sku": { "name": tier },
            "properties": {
                "provisioningState": "succeeded",
                "status": "running",
                "replicaCount": 1,
                "partitionCount": 1,
                "encryptionWithCmk": { "enforcement": "Enabled", "encryptionComplianceStatus": "Compliant" },
            },
        }),
    );
    let mut storage = resource(STORAGE, &format!("st{short}"));
    crate::text::merge(
        &mut storage,
        &json!({
            "sku": { "name": "Standard_LRS" },
            "kind": "StorageV2",
            "properties": { "provisioningState": "Succeeded" },
        }),
    );
    [cosmos, search, storage]
}
