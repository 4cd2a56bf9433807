//! What Azure Policy adds to a refusal: `additionalInfo` of type `PolicyViolation` (azure-resource-manager-rpc, common API
//! details; governance/policy, "Details of policy evaluation" of a RequestDisallowedByPolicy).

use serde_json::{Map, Value};

use super::fault::{field, text};
use crate::text::clean;

/// A policy assignment that refused a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyViolation {
    /// ARM id of the assignment.
    pub assignment: String,
    /// ARM id of the definition.
    pub definition: String,
    /// What people call the policy.
    pub name: Option<String>,
    /// What was evaluated last, such as `properties.publicNetworkAccess NotEquals Disabled`.
    pub because: Option<String>,
}

/// The first violation in an error's `additionalInfo`.
pub(super) fn of(error: &Map<String, Value>) -> Option<PolicyViolation> {
    let items = field(error, "additionalInfo")?.as_array()?;
    items.iter().find_map(|item| {
        let item = item.as_object()?;
        let kind = field(item, "type").map(text)?;
        if !kind.eq_ignore_ascii_case("PolicyViolation") {
            return None;
        }
        let info = field(item, "info")?.as_object()?;
        let word = |name: &str| {
            field(info, name)
                .map(text)
                .filter(|text| !text.is_empty())
                .map(|text| clean(&text))
        };
        // One of Azure's own examples spells it with three s.
        let assignment = word("policyAssignmentId").or_else(|| word("policyAsssignmentId"))?;
        Some(PolicyViolation {
            assignment,
            definition: word("policyDefinitionId").unwrap_or_default(),
            name: word("policyDefinitionDisplayName").or_else(|| word("policyAssignmentDisplayName")),
            because: field(info, "evaluationDetails")
                .and_then(|details| details.get("evaluatedExpressions"))
                .and_then(because),
        })
    })
}

/// The expression that says most: the last that is not about the type alone.
pub(crate) fn because(expressions: &Value) -> Option<String> {
    let expressions = expressions.as_array()?;
    let told = |expression: &Value| {
        let member = |name: &str| {
            let value = expression.get(name)?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let path = member("path").or_else(|| member("expression"))?;
        if path.eq_ignore_ascii_case("type") {
            return None;
        }
        let operator = member("operator").unwrap_or_default();
        let target = member("targetValue").unwrap_or_default();
        Some(clean(&format!("{path} {operator} {target}")))
    };
    expressions.iter().rev().find_map(told)
}
