//! `Microsoft.Resources/subscriptions`: which subscriptions somebody sees.

use serde_json::{Value, json};

use crate::address::is_within;
use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::world::World;

impl World {
    /// GET /subscriptions: those in which the caller has a role, wherever.
    pub(crate) fn list_subscriptions(&self, request: &Request<'_>) -> Result<Reply, Refusal> {
        only_get(request)?;
        let items = self
            .subscriptions
            .keys()
            .filter(|subscription| {
                let scope = format!("/subscriptions/{subscription}");
                self.assignments.iter().any(|assignment| {
                    assignment
                        .principal_id
                        .eq_ignore_ascii_case(&request.caller.object_id)
                        && assignment.has_effect(request.now)
                        && is_within(&assignment.scope, &scope)
                })
            })
            .map(|subscription| self.subscription_body(subscription))
            .collect();
        Ok(self.page(request, items))
    }

    /// GET of one.
    pub(crate) fn read_subscription(
        &self,
        request: &Request<'_>,
        subscription: &str,
    ) -> Result<Reply, Refusal> {
        only_get(request)?;
        let scope = format!("/subscriptions/{subscription}");
        let action = "Microsoft.Resources/subscriptions/read";
        self.authorize(request.caller, action, &scope, request.now)?;
        Ok(Reply::ok(self.subscription_body(subscription)))
    }

    fn subscription_body(&self, subscription: &str) -> Value {
        json!({
            "id": format!("/subscriptions/{subscription}"),
            "subscriptionId": subscription,
            "tenantId": self.tenant,
            "displayName": format!("Simulated subscription {subscription}"),
            "state": "Enabled",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        })
    }
}

fn only_get(request: &Request<'_>) -> Result<(), Refusal> {
    if request.method == Method::Get {
        return Ok(());
    }
    Err(Refusal::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "A subscription can only be read here.",
    ))
}
