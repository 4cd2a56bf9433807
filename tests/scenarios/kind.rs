//! The kinds of resources, for scenarios that are told of each.

use reqwest::Method;
use serde_json::Value;
use testbed::Scenario;
use testbed::azure::{Exchange, names};

use crate::common::{ACCOUNTS, WORKSPACES, account, hub};

/// A kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Hub,
    Account,
}

impl Kind {
    /// As kubectl and scenarios name it.
    pub fn object(self, name: &str) -> String {
        match self {
            Self::Hub => format!("AIHub/{name}"),
            Self::Account => format!("AIServicesAccount/{name}"),
        }
    }

    pub fn manifest(self, name: &str) -> String {
        match self {
            Self::Hub => hub(name),
            Self::Account => account(name),
        }
    }

    pub fn id(self, name: &str) -> String {
        match self {
            Self::Hub => names::hub(name),
            Self::Account => names::account(name),
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::Hub => WORKSPACES,
            Self::Account => ACCOUNTS,
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
            Self::Hub => "keyIdentifier",
            Self::Account => "keyName",
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
            Self::Hub => request.url.contains("forceToPurge=true"),
            Self::Account => is_purge || !request.url.contains("forceToPurge"),
        }
    }
}
