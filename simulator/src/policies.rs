//! Azure Policy: assignments with the effects deny, audit and modify (governance/policy, effects and definition-structure).
//!
//! Invariant: modify comes before deny, as in Azure; a policy sees the resource as it would be after the request.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::address::is_within;
use crate::refusal::{Refusal, Violation};
use crate::text::{member, merge};
use crate::world::World;

mod assignments;
mod fields;
mod restrictions;
#[cfg(test)]
mod tests;

use fields::{lookup, write};

/// An assignment, together with the definition that it assigns.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Assignment {
    /// ARM id: its scope is what stands before `/providers/Microsoft.Authorization`.
    pub(crate) id: String,
    #[serde(default)]
    display_name: String,
    /// ARM id of the definition.
    definition: String,
    /// What the definition is called.
    #[serde(default)]
    definition_name: String,
    effect: Effect,
    /// All of them must hold.
    #[serde(rename = "if")]
    conditions: Vec<Condition>,
    /// What `modify` sets.
    #[serde(default)]
    operations: Vec<Change>,
}

/// What a policy does to a resource that its conditions fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Effect {
    Deny,
    Audit,
    Modify,
}

impl Effect {
    fn word(self) -> &'static str {
        match self {
            Self::Deny => "Deny",
            Self::Audit => "Audit",
            Self::Modify => "Modify",
        }
    }
}

/// One condition of a policy rule: a field and one comparison.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Condition {
    field: String,
    #[serde(default)]
    equals: Option<Value>,
    #[serde(default)]
    not_equals: Option<Value>,
    #[serde(default, rename = "in")]
    one_of: Option<Vec<Value>>,
    #[serde(default)]
    not_in: Option<Vec<Value>>,
    #[serde(default)]
    exists: Option<bool>,
}

/// `addOrReplace` of a field.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    field: String,
    value: Value,
}

/// What a policy looks at.
#[derive(Clone, Copy, Debug)]
struct Subject<'a> {
    id: &'a str,
    kind: &'a str,
    /// As it would be.
    body: &'a Value,
}

impl Assignment {
    fn scope(&self) -> &str {
        self.id
            .to_lowercase()
            .find("/providers/microsoft.authorization")
            .and_then(|end| self.id.get(..end))
            .unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or_default()
    }

    /// The conditions as they were evaluated, when all of them hold.
    fn fits(&self, subject: Subject<'_>) -> Option<Vec<Value>> {
        if !is_within(subject.id, self.scope()) {
            return None;
        }
        self.conditions
            .iter()
            .map(|condition| condition.holds(subject))
            .collect()
    }

    /// As Azure gives it back.
    pub(crate) fn body(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name(),
            "type": crate::types::POLICIES,
            "properties": {
                "displayName": self.display_name,
                "policyDefinitionId": self.definition,
                "scope": self.scope(),
                "notScopes": [],
                "enforcementMode": "Default",
            },
        })
    }

    /// The refusal of a resource, as a client sees it.
    fn refusal(&self, name: &str, evaluated: &[Value]) -> Refusal {
        let identifiers = json!([{
            "policyAssignment": { "name": self.display_name, "id": self.id },
            "policyDefinition": { "name": self.definition_name, "id": self.definition },
        }]);
        let mut refusal = Refusal::new(
            axum::http::StatusCode::FORBIDDEN,
            "RequestDisallowedByPolicy",
            format!("Resource '{name}' was disallowed by policy. Policy identifiers: '{identifiers}'."),
        );
        let info = json!({
            "type": "PolicyViolation",
            "info": {
                "evaluationDetails": { "evaluatedExpressions": evaluated },
                "policyAssignmentDisplayName": self.display_name,
                "policyAssignmentId": self.id,
                "policyAssignmentName": self.name(),
                "policyAssignmentParameters": {},
                "policyAssignmentScope": self.scope(),
                "policyDefinitionDisplayName": self.definition_name,
                "policyDefinitionEffect": "deny",
                "policyDefinitionId": self.definition,
                "policyDefinitionName": self.definition.rsplit('/').next(),
                "policyExemptionIds": [],
            },
        });
        refusal.violation = Some(Box::new(Violation {
            target: name.to_owned(),
            info,
        }));
        refusal
    }
}

impl Condition {
    /// The expression as Azure reports it, if it holds.
    fn holds(&self, subject: Subject<'_>) -> Option<Value> {
        let have = lookup(subject, &self.field);
        let same = |wanted: &Value| have.as_ref().is_some_and(|have| fields::same(have, wanted));
        let (operator, target, holds) = if let Some(wanted) = &self.equals {
            ("Equals", wanted.clone(), same(wanted))
        } else if let Some(wanted) = &self.not_equals {
            ("NotEquals", wanted.clone(), !same(wanted))
        } else if let Some(wanted) = &self.one_of {
            ("In", json!(wanted), wanted.iter().any(same))
        } else if let Some(wanted) = &self.not_in {
            ("NotIn", json!(wanted), !wanted.iter().any(same))
        } else {
            let wanted = self.exists.unwrap_or(true);
            ("Exists", json!(wanted), have.is_some() == wanted)
        };
        let mut told = json!({
            "result": "True",
            "expressionKind": "Field",
            "expression": self.field,
            "path": fields::path(subject, &self.field),
            "targetValue": target,
            "operator": operator,
        });
        if let Some(have) = have {
            crate::text::set(&mut told, "expressionValue", have);
        }
        holds.then_some(told)
    }
}

impl World {
    /// A request's body as policies let it through, or the refusal of one of them.
    pub(crate) fn apply_policies(
        &self,
        id: &str,
        kind: &str,
        sent: &Value,
        partial: bool,
    ) -> Result<Value, Refusal> {
        let mut body = sent.clone();
        let whole = |body: &Value| match self.get(id).filter(|_| partial) {
            // A PATCH of tags replaces them all.
            Some(existing) => {
                let mut merged = existing.body.clone();
                merge(&mut merged, body);
                if let Some((_, tags)) = member(body, "tags") {
                    crate::text::set(&mut merged, "tags", tags.clone());
                }
                merged
            }
            None => body.clone(),
        };
        for policy in self.policies_of(Effect::Modify) {
            let seen = whole(&body);
            let subject = Subject {
                id,
                kind,
                body: &seen,
            };
            if policy.fits(subject).is_none() {
                continue;
            }
            for change in &policy.operations {
                let tags = fields::path(subject, &change.field).starts_with("tags");
                if tags && member(&body, "tags").is_none() {
                    let have = seen.get("tags").cloned().unwrap_or_else(|| json!({}));
                    crate::text::set(&mut body, "tags", have);
                }
                write(subject, &mut body, &change.field, &change.value);
            }
        }
        self.check_denied(id, kind, &whole(&body))?;
        Ok(body)
    }

    /// Refuses what a policy with the effect deny fits.
    pub(crate) fn check_denied(&self, id: &str, kind: &str, body: &Value) -> Result<(), Refusal> {
        let subject = Subject { id, kind, body };
        let denied = self
            .policies_of(Effect::Deny)
            .find_map(|policy| policy.fits(subject).map(|evaluated| (policy, evaluated)));
        match denied {
            None => Ok(()),
            Some((policy, evaluated)) => {
                let name = id.rsplit('/').next().unwrap_or_default();
                Err(policy.refusal(name, &evaluated))
            }
        }
    }

    fn policies_of(&self, effect: Effect) -> impl Iterator<Item = &Assignment> {
        self.policies.iter().filter(move |policy| policy.effect == effect)
    }
}
