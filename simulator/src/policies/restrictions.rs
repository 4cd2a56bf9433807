//! `Microsoft.PolicyInsights/checkPolicyRestrictions`: what policies would do to a resource that is not there yet
//! (rest/api/policyinsights, policy-restrictions, 2024-10-01).

use serde_json::{Value, json};

use super::{Assignment, Effect, Subject, lookup};
use crate::address::subscription_of;
use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::world::World;

impl World {
    /// POST. Its action is a read (role-based-access-control, resource provider operations: Microsoft.PolicyInsights).
    pub(crate) fn check_restrictions(&self, request: &Request<'_>, scope: &str) -> Result<Reply, Refusal> {
        if request.method != Method::Post {
            return Err(Refusal::new(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "checkPolicyRestrictions is a POST.",
            ));
        }
        let action = "Microsoft.PolicyInsights/checkPolicyRestrictions/read";
        self.authorize(request.caller, action, scope, request.now)?;
        let group = crate::address::group_of(scope);
        if !group.is_empty() && self.group(subscription_of(scope), group).is_none() {
            return Err(Refusal::group_not_found(group));
        }
        let sent = request.required_body()?;
        crate::shape::check(&crate::shapes::RESTRICTIONS, sent, false)?;
        let content = sent
            .pointer("/resourceDetails/resourceContent")
            .cloned()
            .unwrap_or_default();
        let kind = at(&content, "/type").unwrap_or_default();
        let name = at(&content, "/name").unwrap_or("name");
        let id = format!("{scope}/providers/{kind}/{name}");
        let subject = Subject {
            id: &id,
            kind,
            body: &content,
        };
        let audits = sent
            .get("includeAuditEffect")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let mut restrictions = Vec::new();
        let mut evaluations = Vec::new();
        for policy in &self.policies {
            let Some(evaluated) = policy.fits(subject) else {
                continue;
            };
            match policy.effect {
                Effect::Modify => restrictions.extend(policy.restrictions(subject)),
                Effect::Audit if !audits => {}
                Effect::Deny | Effect::Audit => evaluations.push(json!({
                    "policyInfo": policy.reference(),
                    "evaluationResult": "NonCompliant",
                    "evaluationDetails": { "evaluatedExpressions": evaluated },
                    "effectDetails": { "policyEffect": policy.effect.word() },
                })),
            }
        }
        let mut answer = json!({ "fieldRestrictions": restrictions, "contentEvaluationResult": {} });
        if let Some(result) = answer.get_mut("contentEvaluationResult") {
            set(result, "policyEvaluations", Value::Array(evaluations));
        }
        Ok(Reply::ok(answer))
    }
}

impl Assignment {
    fn reference(&self) -> Value {
        json!({ "policyDefinitionId": self.definition, "policyAssignmentId": self.id })
    }

    /// What `modify` would set, for fields that have another value.
    fn restrictions(&self, subject: Subject<'_>) -> Vec<Value> {
        self.operations
            .iter()
            .filter(|change| {
                lookup(subject, &change.field).is_none_or(|have| !super::fields::same(&have, &change.value))
            })
            .map(|change| {
                json!({
                    "field": change.field,
                    "restrictions": [{
                        "result": "Required",
                        "defaultValue": change.value,
                        "values": [change.value],
                        "policy": self.reference(),
                        "policyEffect": self.effect.word(),
                    }],
                })
            })
            .collect()
    }
}
