//! The kinds of resources, for scenarios that are told of each.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::azure::{Exchange, names};
use testbed::{Scenario, Seed};

use crate::common::{ACCOUNTS, WORKSPACES, account, hub, project};

/// A kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Hub,
    Account,
    HubProject,
    AccountProject,
}

/// The parent of every project here, which no object stands for.
const PARENT: &str = "parent";

impl Kind {
    /// What must be in Azure before.
    pub fn seed(self, seed: &mut Seed) {
        let identity = json!({ "type": "SystemAssigned" });
        match self {
            Self::Hub | Self::Account => {}
            Self::HubProject => {
                let body = json!({
                    "kind": "Hub", "location": names::LOCATION, "identity": identity,
                    "properties": {
                        "storageAccount": names::resource(names::AI_GROUP, "Microsoft.Storage/storageAccounts", "aihubdata"),
                        "keyVault": names::resource(names::AI_GROUP, "Microsoft.KeyVault/vaults", "hub-secrets"),
                    },
                });
                seed.add("workspaces", json!({ "id": names::hub(PARENT), "body": body }));
            }
            Self::AccountProject => {
                let body = json!({
                    "kind": "AIServices", "sku": { "name": "S0" }, "location": names::LOCATION, "identity": identity,
                    "properties": { "allowProjectManagement": true },
                });
                seed.add("accounts", json!({ "id": names::account(PARENT), "body": body }));
            }
        }
    }

    /// Whether it has a key of its own.
    pub fn has_key(self) -> bool {
        matches!(self, Self::Hub | Self::Account)
    }

    /// The condition that tells whether that change was made.
    pub fn condition_of_change(self) -> &'static str {
        if self.has_key() {
            "KeyApplied"
        } else {
            "Provisioned"
        }
    }

    /// A change that is always possible, as a merge patch: another key, or of what has none another title.
    pub fn change(self) -> Value {
        match self {
            Self::Hub | Self::Account => {
                json!({ "spec": { "encryption": { "customerManagedKey": { "key": names::OTHER_KEY } } } })
            }
            Self::HubProject | Self::AccountProject => json!({ "spec": { "displayName": "Another" } }),
        }
    }

    /// As kubectl and scenarios name it.
    pub fn object(self, name: &str) -> String {
        match self {
            Self::Hub => format!("AIHub/{name}"),
            Self::Account => format!("AIServicesAccount/{name}"),
            Self::HubProject | Self::AccountProject => format!("AIProject/{name}"),
        }
    }

    pub fn manifest(self, name: &str) -> String {
        match self {
            Self::Hub => hub(name),
            Self::Account => account(name),
            Self::HubProject => of(&names::hub(PARENT), name),
            Self::AccountProject => of(&names::account(PARENT), name),
        }
    }

    pub fn id(self, name: &str) -> String {
        match self {
            Self::Hub => names::hub(name),
            Self::Account => names::account(name),
            Self::HubProject => names::hub(name),
            Self::AccountProject => format!("{}/projects/{name}", names::account(PARENT)),
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::Hub | Self::HubProject => WORKSPACES,
            Self::Account | Self::AccountProject => ACCOUNTS,
        }
    }

    /// A resource as somebody else sees it in Azure; the status and the body.
    pub async fn in_azure(self, scenario: &Scenario, name: &str) -> (u16, Value) {
        let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
        let answer = alice
            .send(Method::GET, &self.id(name), self.version(), None)
            .await
            .unwrap();
        (answer.status, answer.body)
    }

    /// What names the key that a resource has in Azure.
    pub async fn key_in_azure(self, scenario: &Scenario, name: &str) -> String {
        let field = match self {
            Self::Account => "keyName",
            _ => "keyIdentifier",
        };
        let (_, body) = self.in_azure(scenario, name).await;
        body.pointer(&format!("/properties/encryption/keyVaultProperties/{field}"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether a PATCH may have this field, beside tags.
    pub fn may_patch(self, field: &str) -> bool {
        match self {
            Self::Hub => field == "/properties/encryption/keyVaultProperties/keyIdentifier",
            Self::Account => field.starts_with("/properties/encryption/"),
            Self::HubProject => field == "/properties/friendlyName",
            Self::AccountProject => field == "/properties/displayName",
        }
    }

    /// Whether a request purges a deleted account of this name.
    pub fn is_purge(self, request: &Exchange, name: &str) -> bool {
        self == Self::Account
            && request
                .path()
                .to_lowercase()
                .ends_with(&format!("/deletedaccounts/{name}"))
    }

    /// Whether a DELETE is as the deletion policy says.
    pub fn may_delete(self, request: &Exchange, is_purge: bool) -> bool {
        match self {
            Self::Hub | Self::HubProject => request.url.contains("forceToPurge=true"),
            Self::Account | Self::AccountProject => is_purge || !request.url.contains("forceToPurge"),
        }
    }
}

/// A project of a parent in Azure.
fn of(parent: &str, name: &str) -> String {
    project(name, "AIHub", "research").replace(
        "  parentRef:\n    kind: AIHub\n    name: research\n",
        &format!(
            "  parentRef:\n    resourceId: {parent}\n  location: {}\n",
            names::LOCATION
        ),
    )
}
