//! Quotas: how many resources of a type a subscription may have in a region, what ARM tells of it, and how their excess
//! shows inside the operation that builds a managed resource group.
//!
//! Shapes: rest/api/searchmanagement usages 2025-05-01, rest/api/storagerp usages, rest/api/azureml usages.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::settings::QuotaEnvelope;
use crate::text::at;
use crate::types::{COSMOS, SEARCH, STORAGE};
use crate::world::World;

/// AI Search services of a tier in a subscription and region: (tier, default limit). Azure's documentation, 2019 include of
/// search-limits-quotas-capacity; tiers as ARM spells them.
const SEARCH_TIERS: &[(&str, u64)] = &[
    ("free", 1),
    ("basic", 16),
    ("standard", 16),
    ("standard2", 8),
    ("standard3", 6),
];
/// Storage accounts in a subscription and region by default (azure-resource-manager, azure-subscription-service-limits).
const STORAGE_ACCOUNTS: u64 = 250;

/// A limit that is not the default one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Quota {
    /// Subscription id.
    pub(crate) subscription: String,
    pub(crate) location: String,
    /// Resource type; for Microsoft.MachineLearningServices its namespace.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Tier of AI Search, or a name of machine learning's.
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) limit: u64,
}

/// What is used of a limit.
struct Usage {
    name: String,
    label: String,
    used: u64,
    limit: u64,
}

impl World {
    /// GET of `locations/{location}/usages`.
    pub(crate) fn usages(
        &self,
        request: &Request<'_>,
        subscription: &str,
        namespace: &str,
        location: &str,
    ) -> Result<Reply, Refusal> {
        if request.method != Method::Get {
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "Usages can only be read.",
            ));
        }
        let scope = format!("/subscriptions/{subscription}");
        let action = format!("{namespace}/locations/usages/read");
        self.authorize(request.caller, &action, &scope, request.now)?;
        if !self.is_registered(subscription, namespace) {
            return Err(crate::front::not_registered(namespace));
        }
        let id = |name: &str| format!("{scope}/providers/{namespace}/locations/{location}/usages/{name}");
        let items = match namespace.to_ascii_lowercase().as_str() {
            "microsoft.search" => SEARCH_TIERS
                .iter()
                .map(|(tier, _)| self.usage(subscription, location, SEARCH, tier))
                .map(|one| one.body(Some(id(&one.name))))
                .collect(),
            "microsoft.storage" => vec![self.usage(subscription, location, STORAGE, "").body(None)],
            _ => self
                .quotas
                .iter()
                .filter(|quota| quota.fits(subscription, location, namespace))
                .map(|quota| Usage {
                    name: quota.name.clone().unwrap_or_default(),
                    label: quota.name.clone().unwrap_or_default(),
                    used: 0,
                    limit: quota.limit,
                })
                .map(|one| {
                    let mut body = one.body(Some(id(&one.name)));
                    crate::text::set(&mut body, "type", format!("{namespace}/usages"));
                    body
                })
                .collect(),
        };
        Ok(self.page(request, items))
    }

    fn usage(&self, subscription: &str, location: &str, kind: &str, tier: &str) -> Usage {
        let used = self
            .within(&format!("/subscriptions/{subscription}"))
            .filter(|one| one.kind() == kind && same_place(at(&one.body, "/location"), location))
            .filter(|one| tier.is_empty() || at(&one.body, "/sku/name").is_some_and(|sku| sku == tier))
            .count();
        let seeded = self
            .quotas
            .iter()
            .filter(|quota| quota.fits(subscription, location, kind))
            .find(|quota| quota.name.as_deref().unwrap_or(tier) == tier)
            .map(|quota| quota.limit);
        let usual = if kind == SEARCH {
            SEARCH_TIERS
                .iter()
                .find(|(name, _)| *name == tier)
                .map_or(u64::MAX, |(_, limit)| *limit)
        } else if kind == STORAGE {
            STORAGE_ACCOUNTS
        } else {
            u64::MAX
        };
        let (name, label) = if kind == STORAGE {
            ("StorageAccounts".to_owned(), "Storage Accounts".to_owned())
        } else {
            (tier.to_owned(), tier.to_owned())
        };
        Usage {
            name,
            label,
            used: u64::try_from(used).unwrap_or(u64::MAX),
            limit: seeded.unwrap_or(usual),
        }
    }

    /// Sets a limit, in place of one for the same.
    pub(crate) fn add_quota(&mut self, quota: Quota) {
        self.quotas.retain(|one| {
            !(one.fits(&quota.subscription, &quota.location, &quota.kind) && one.name == quota.name)
        });
        self.quotas.push(quota);
    }

    /// Whether one more of each of a managed group's resources fits, or the error inside the operation that makes them.
    pub(crate) fn check_quotas(&self, subscription: &str, location: &str) -> Result<(), Refusal> {
        let tier = self.settings.managed_search_tier.sku();
        for (kind, tier) in [(COSMOS, ""), (SEARCH, tier), (STORAGE, "")] {
            let usage = self.usage(subscription, location, kind, tier);
            if usage.used >= usage.limit {
                let (code, message) = excess(kind, location, &usage);
                return Err(wrapped(self.settings.quota_envelope, code, &message));
            }
        }
        Ok(())
    }
}

impl Quota {
    fn fits(&self, subscription: &str, location: &str, kind: &str) -> bool {
        self.subscription.eq_ignore_ascii_case(subscription)
            && self.kind.eq_ignore_ascii_case(kind)
            && same_place(Some(&self.location), location)
    }
}

impl Usage {
    fn body(&self, id: Option<String>) -> Value {
        let mut body = json!({
            "unit": "Count",
            "currentValue": self.used,
            "limit": self.limit,
            "name": { "value": self.name, "localizedValue": self.label },
        });
        if let Some(id) = id {
            crate::text::set(&mut body, "id", id);
        }
        body
    }
}

fn same_place(one: Option<&str>, other: &str) -> bool {
    let plain = |text: &str| text.replace(' ', "").to_lowercase();
    one.is_some_and(|one| plain(one) == plain(other))
}

/// What the resource's own provider says. Cosmos DB's words are known from users' reports; the codes of Search and Storage
/// are not confirmed.
fn excess(kind: &str, location: &str, usage: &Usage) -> (&'static str, String) {
    match kind {
        COSMOS => (
            "ServiceUnavailable",
            format!(
                "Sorry, we are currently experiencing high demand in {location} region, and cannot fulfill your request at \
                 this time. To request region access for your subscription, please follow this link \
                 https://aka.ms/cosmosdbquota for more details on how to create a region access request."
            ),
        ),
        SEARCH => (
            "ServiceQuotaExceeded",
            format!(
                "Operation would exceed '{}' tier service quota. You are using {} out of {} '{}' tier service quota.",
                usage.name, usage.used, usage.limit, usage.name
            ),
        ),
        _ => (
            "MaxStorageAccountsCountPerSubscriptionExceeded",
            format!(
                "Subscription already contains {} storage accounts in location {location} and the maximum allowed is {}.",
                usage.used, usage.limit
            ),
        ),
    }
}

/// An error in one of the shapes that resource providers give errors of other providers.
fn wrapped(envelope: QuotaEnvelope, code: &str, message: &str) -> Refusal {
    let inner = json!({ "code": code, "message": message });
    let outer = |code: &str, message: &str, details: Vec<Value>| Refusal {
        details,
        ..Refusal::bad_request(code, message)
    };
    match envelope {
        QuotaEnvelope::Plain => Refusal::conflict(code, message),
        QuotaEnvelope::Flat => Refusal {
            is_flat: true,
            ..Refusal::conflict(code, message)
        },
        QuotaEnvelope::Details => {
            let mut detail = inner;
            for (name, value) in [
                ("possibleCauses", "The subscription has no quota left."),
                ("recommendedAction", "Ask for more quota."),
                ("activityId", "00000000-0000-0000-0000-000000000000"),
            ] {
                crate::text::set(&mut detail, name, value);
            }
            outer(
                "BadRequest",
                "The resources of the workspace could not be created.",
                vec![detail],
            )
        }
        QuotaEnvelope::Deployment => {
            let embedded = json!({ "error": inner }).to_string();
            let failed = json!({
                "code": "DeploymentFailed",
                "message": "At least one resource deployment operation failed.",
                "details": [{ "code": "Conflict", "message": embedded }],
            });
            outer(
                "ResourceDeploymentFailure",
                "The resource write operation failed to complete successfully, because it reached terminal provisioning \
                 state 'Failed'.",
                vec![failed],
            )
        }
        QuotaEnvelope::Text => Refusal::bad_request(
            "BadRequest",
            format!("Failed to create the workspace's resources. Status: Conflict, {code}: {message}"),
        ),
    }
}
