//! Reads what limits a hub: policies and quotas.
//!
//! Invariant: what the operator may not ask, or what cannot be answered, is `Unknown`; it never stands in the way.

use std::time::Duration;

use keyholder_azure::wire;
use keyholder_planner::kind::KeyToUse;
use keyholder_planner::observed::{PolicyHit, PolicyOutlook, Usage};
use keyholder_planner::preflight::client_id;
use keyholder_planner::{Declared, Fact, Observed, body};
use serde_json::Value;

use super::convert::{ConvertError, typed};
use super::{Look, found, not_understood};
use crate::resource::ResourceType;

impl Look<'_> {
    /// What policies would do to the hub as it is declared.
    pub(super) async fn policy(&self, hub: &Declared, observed: &Observed) -> Fact<PolicyOutlook> {
        let path = format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
            hub.id.subscription(),
            hub.id.resource_group()
        );
        let question = body::policy_question(
            hub,
            key_of(hub, observed),
            observed.live.known(),
            ResourceType::of(&hub.id).api.version,
        );
        let answer = self
            .inventory
            .reader
            .ask(
                &path,
                wire::POLICY_RESTRICTIONS_VERSION,
                &question,
                self.age(Duration::ZERO),
            )
            .await;
        match answer {
            Ok(reading) => found(&reading, &path, outlook),
            Err(error) => Fact::Unknown(self.why(&error)),
        }
    }

    /// The quotas of a resource provider in the hub's region.
    pub(super) async fn usages(&self, hub: &Declared, namespace: &str) -> Fact<Vec<Usage>> {
        let path = format!(
            "/subscriptions/{}/providers/{namespace}/locations/{}/usages",
            hub.id.subscription(),
            hub.location
        );
        let version = match namespace {
            "Microsoft.Search" => wire::SEARCH_VERSION,
            _ => wire::STORAGE_VERSION,
        };
        let listed = self
            .inventory
            .reader
            .read_list(&path, version, &[], self.age(Duration::ZERO))
            .await;
        match listed {
            Ok(listed) => match listed.items.iter().map(usage).collect() {
                Ok(usages) => Fact::Known(usages),
                Err(error) => not_understood(&path, &ConvertError::to_string(&error)),
            },
            Err(error) => Fact::Unknown(self.why(&error)),
        }
    }
}

/// The key that the resource has or would be created with, as far as it is known.
fn key_of<'a>(declared: &Declared, observed: &'a Observed) -> Option<KeyToUse<'a>> {
    let live = observed.live.known().and_then(|live| live.encryption.as_ref());
    let identifier = live
        .map(|encryption| &encryption.key)
        .or_else(|| observed.key.known().map(|key| &key.current.identifier))?;
    Some(KeyToUse {
        identifier,
        client_id: client_id(declared, observed),
    })
}

fn usage(value: &Value) -> Result<Usage, ConvertError> {
    let usage: wire::Usage = typed(value)?;
    Ok(Usage {
        name: usage
            .name
            .and_then(|name| name.value)
            .ok_or(ConvertError::Missing("name.value"))?,
        used: usage.current_value.ok_or(ConvertError::Missing("currentValue"))?,
        limit: usage.limit.ok_or(ConvertError::Missing("limit"))?,
    })
}

/// What the answer about restrictions means.
///
/// # Errors
/// See [`ConvertError`].
fn outlook(value: &Value) -> Result<PolicyOutlook, ConvertError> {
    let restrictions: wire::Restrictions = typed(value)?;
    let mut outlook = PolicyOutlook::default();
    let evaluations = restrictions
        .content_evaluation_result
        .and_then(|result| result.policy_evaluations)
        .unwrap_or_default();
    for evaluation in evaluations {
        let denies = evaluation
            .effect_details
            .as_ref()
            .and_then(|details| details.policy_effect.as_deref())
            .is_some_and(|effect| effect.eq_ignore_ascii_case("Deny"));
        if denies {
            let field = evaluation.because();
            let policy = evaluation.policy_info.unwrap_or_default();
            outlook.denies.push(PolicyHit { field, ..hit(policy) });
        }
    }
    for field in restrictions.field_restrictions.unwrap_or_default() {
        for restriction in field.restrictions.unwrap_or_default() {
            let modifies = restriction
                .policy_effect
                .as_deref()
                .is_some_and(|effect| effect.eq_ignore_ascii_case("Modify"));
            if modifies {
                let value = restriction
                    .default_value
                    .or_else(|| restriction.values.and_then(|values| values.into_iter().next()));
                outlook.modifies.push(PolicyHit {
                    field: field.field.clone(),
                    value: value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                    ..hit(restriction.policy.unwrap_or_default())
                });
            }
        }
    }
    Ok(outlook)
}

fn hit(policy: wire::PolicyReference) -> PolicyHit {
    PolicyHit {
        assignment: policy.policy_assignment_id.unwrap_or_default(),
        definition: policy.policy_definition_id.unwrap_or_default(),
        ..PolicyHit::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn denials_and_changes_are_told_apart_from_audits() {
        let policy = json!({ "policyAssignmentId": "a", "policyDefinitionId": "d" });
        let expressions = json!({ "evaluatedExpressions": [
            { "path": "type", "operator": "Equals", "targetValue": "x" },
            { "path": "location", "operator": "NotIn", "targetValue": ["westeurope"] },
        ] });
        let answer = json!({
            "fieldRestrictions": [
                { "field": "tags.cost", "restrictions": [
                    { "result": "Required", "defaultValue": "7", "policy": policy, "policyEffect": "Modify" },
                    { "result": "Audit", "policy": policy, "policyEffect": "Audit" },
                ] },
                { "field": "x" },
            ],
            "contentEvaluationResult": { "policyEvaluations": [
                { "policyInfo": policy, "evaluationResult": "NonCompliant", "evaluationDetails": expressions,
                  "effectDetails": { "policyEffect": "deny" } },
                { "policyInfo": policy, "effectDetails": { "policyEffect": "Audit" } },
                { "policyInfo": policy },
            ] },
        });
        let outlook = outlook(&answer).unwrap();
        assert_eq!(outlook.denies.len(), 1);
        assert_eq!(
            outlook.denies[0].field.as_deref(),
            Some("location NotIn [\"westeurope\"]")
        );
        assert_eq!(outlook.modifies.len(), 1);
        assert_eq!(outlook.modifies[0].value.as_deref(), Some("7"));
        assert_eq!(super::outlook(&json!({})).unwrap(), PolicyOutlook::default());
        assert!(super::outlook(&json!({ "fieldRestrictions": 1 })).is_err());
    }

    #[test]
    fn a_usage_needs_its_numbers() {
        let whole =
            json!({ "name": { "value": "standard" }, "currentValue": 1, "limit": 16, "unit": "Count" });
        assert_eq!(usage(&whole).unwrap().limit, 16);
        assert!(usage(&json!({ "name": { "value": "standard" } })).is_err());
    }
}
