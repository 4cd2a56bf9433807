//! What limits a subscription: `locations/{location}/usages` of resource providers, and
//! `Microsoft.PolicyInsights/checkPolicyRestrictions`.
//!
//! Shapes: the REST references of searchmanagement (usages, 2025-05-01), storagerp (usages) and policyinsights
//! (policy restrictions, 2024-10-01).

use serde::Deserialize;
use serde_json::Value;

/// How much of a quota is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// What is counted.
    pub name: Option<UsageName>,
    /// How many there are.
    pub current_value: Option<i64>,
    /// How many there may be.
    pub limit: Option<i64>,
}

/// A quota's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageName {
    /// For programs: `StorageAccounts`, `standard`.
    pub value: Option<String>,
    /// For people.
    pub localized_value: Option<String>,
}

/// What policies would do to a resource.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restrictions {
    /// What they ask of single fields.
    pub field_restrictions: Option<Vec<FieldRestrictions>>,
    /// What they think of the whole.
    pub content_evaluation_result: Option<ContentEvaluation>,
}

/// What policies ask of a field.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldRestrictions {
    /// The field, or its alias.
    pub field: Option<String>,
    /// Each policy's restriction.
    pub restrictions: Option<Vec<FieldRestriction>>,
}

/// What one policy asks of a field.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldRestriction {
    /// `Required`, `Removed`, `Deny`, `Audit`.
    pub result: Option<String>,
    /// What the policy sets where nothing else is given.
    pub default_value: Option<Value>,
    /// The values that it requires or denies.
    pub values: Option<Vec<Value>>,
    /// Which policy.
    pub policy: Option<PolicyReference>,
    /// Its effect.
    pub policy_effect: Option<String>,
}

/// What policies think of a resource.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentEvaluation {
    /// One for each policy that it does not comply with.
    pub policy_evaluations: Option<Vec<PolicyEvaluation>>,
}

/// What one policy thinks of a resource.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyEvaluation {
    /// Which policy.
    pub policy_info: Option<PolicyReference>,
    /// `NonCompliant`, as a rule.
    pub evaluation_result: Option<String>,
    /// Why.
    pub evaluation_details: Option<Value>,
    /// What it does then.
    pub effect_details: Option<EffectDetails>,
}

impl PolicyEvaluation {
    /// The expression that says most, such as `properties.publicNetworkAccess NotEquals Disabled`.
    #[must_use]
    pub fn because(&self) -> Option<String> {
        crate::error::because(self.evaluation_details.as_ref()?.get("evaluatedExpressions")?)
    }
}

/// What a policy does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectDetails {
    /// `Deny`, `Audit`, `Modify`, …
    pub policy_effect: Option<String>,
}

/// A policy and its assignment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReference {
    /// ARM id of the definition.
    pub policy_definition_id: Option<String>,
    /// ARM id of the assignment.
    pub policy_assignment_id: Option<String>,
}
