//! `Microsoft.Authorization/roleAssignments` and `roleDefinitions` (role-based-access-control, REST and troubleshooting).

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::address::{ResourceId, is_within, subscription_of};
use crate::conditions::{Assigned, Attributes};
use crate::front::{Method, Reply, Request};
use crate::operations::later;
use crate::refusal::Refusal;
use crate::roles::Assignment;
use crate::text::at;
use crate::types::{ASSIGNMENTS, DEFINITIONS, DENIALS, POLICIES};
use crate::world::World;

impl World {
    /// Answers for a role assignment or definition; `None` for anything else.
    pub(crate) fn authorization_resource(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
    ) -> Result<Option<Reply>, Refusal> {
        if id.kind.eq_ignore_ascii_case(DEFINITIONS) {
            return self.role_definition(request, id).map(Some);
        }
        if id.kind.eq_ignore_ascii_case(DENIALS) {
            return self.denial(request, id).map(Some);
        }
        if id.kind.eq_ignore_ascii_case(POLICIES) {
            return self.policy_assignment(request, id).map(Some);
        }
        if !id.kind.eq_ignore_ascii_case(ASSIGNMENTS) {
            return Ok(None);
        }
        let found = self.assignments.iter().position(|one| {
            one.until.is_none()
                && one.name.eq_ignore_ascii_case(&id.name)
                && one.scope.eq_ignore_ascii_case(&id.scope)
        });
        match request.method {
            Method::Get => found
                .and_then(|at| self.assignments.get(at))
                .map(|one| Some(Reply::ok(self.assignment_body(one))))
                .ok_or_else(|| {
                    Refusal::new(
                        StatusCode::NOT_FOUND,
                        "RoleAssignmentNotFound",
                        format!("The role assignment '{}' is not found.", id.name),
                    )
                }),
            Method::Put => self.put_assignment(request, id, found).map(Some),
            Method::Delete => {
                let until = later(request.now, self.settings.propagation_seconds);
                let removed = found.and_then(|at| self.assignments.get_mut(at)).map(|one| {
                    one.until = Some(until);
                    one.clone()
                });
                Ok(Some(removed.map_or_else(
                    || Reply::empty(StatusCode::NO_CONTENT),
                    |one| Reply::ok(self.assignment_body(&one)),
                )))
            }
            Method::Patch | Method::Post => Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "A role assignment cannot be changed.",
            )),
        }
    }

    fn put_assignment(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        found: Option<usize>,
    ) -> Result<Reply, Refusal> {
        let sent = request.required_body()?;
        crate::shape::check(&crate::shapes::ASSIGNMENT, sent, false)?;
        let text = |name: &str| at(sent, &format!("/properties/{name}")).unwrap_or_default();
        let role = text("roleDefinitionId")
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let principal = text("principalId").to_owned();
        if !self.roles.iter().any(|one| one.id.eq_ignore_ascii_case(&role)) {
            return Err(Refusal::bad_request(
                "RoleDefinitionDoesNotExist",
                format!("The specified role definition with ID '{role}' does not exist."),
            ));
        }
        if let Some(existing) = found.and_then(|at| self.assignments.get(at)) {
            if !existing.principal_id.eq_ignore_ascii_case(&principal)
                || !existing.role.eq_ignore_ascii_case(&role)
            {
                return Err(Refusal::bad_request(
                    "RoleAssignmentUpdateNotPermitted",
                    "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
                ));
            }
            return Ok(Reply::ok(self.assignment_body(existing)));
        }
        let twin = self.assignments.iter().any(|one| {
            one.until.is_none()
                && one.principal_id.eq_ignore_ascii_case(&principal)
                && one.role.eq_ignore_ascii_case(&role)
                && one.scope.eq_ignore_ascii_case(&id.scope)
        });
        if twin {
            return Err(Refusal::conflict(
                "RoleAssignmentExists",
                "The role assignment already exists.",
            ));
        }
        let known = self.kind_of_principal(&principal);
        if known.is_none() {
            return Err(Refusal::bad_request(
                "PrincipalNotFound",
                format!(
                    "Principal {principal} does not exist in the directory {}.",
                    self.tenant
                ),
            ));
        }
        let kind = text("principalType");
        if let Some(known) = known.filter(|known| !kind.is_empty() && !kind.eq_ignore_ascii_case(known)) {
            return Err(Refusal::bad_request(
                "UnmatchedPrincipalType",
                format!(
                    "The PrincipalId '{principal}' has type '{known}', which is different from specified PrincipalType \
                     '{kind}'."
                ),
            ));
        }
        let assignment = Assignment {
            name: id.name.clone(),
            scope: id.scope.clone(),
            role,
            principal_id: principal,
            condition: at(sent, "/properties/condition").map(str::to_owned),
            created: request.now,
            from: later(request.now, self.settings.propagation_seconds),
            until: None,
        };
        let reply = Reply::with(StatusCode::CREATED, self.assignment_body(&assignment));
        self.assignments.push(assignment);
        Ok(reply)
    }

    fn role_definition(&self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        if request.method != Method::Get {
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "This Azure takes role definitions from its seed alone.",
            ));
        }
        self.roles
            .iter()
            .find(|role| role.id.eq_ignore_ascii_case(&id.name))
            .map(|role| Reply::ok(role.body(subscription_of(&id.id))))
            .ok_or_else(|| {
                Refusal::new(
                    StatusCode::NOT_FOUND,
                    "RoleDefinitionDoesNotExist",
                    format!(
                        "The specified role definition with ID '{}' does not exist.",
                        id.name
                    ),
                )
            })
    }

    /// Role assignments at, above and below a scope, as `$filter` wants them.
    pub(crate) fn list_assignments(&self, request: &Request<'_>, scope: &str) -> Result<Reply, Refusal> {
        let filter = request.query("$filter").unwrap_or_default();
        let mut at_scope = false;
        let mut principals = None;
        for term in filter
            .split(" and ")
            .map(str::trim)
            .filter(|term| !term.is_empty())
        {
            let quoted = term.split('\'').nth(1).map(str::to_owned);
            match term {
                "atScope()" => at_scope = true,
                // With groups, also through other groups; without them (role-assignments-list-rest).
                _ if term.starts_with("assignedTo(") => principals = quoted.map(|id| self.with_groups(&id)),
                _ if term.starts_with("principalId eq") => {
                    principals = quoted.map(|id| BTreeSet::from([id.to_lowercase()]));
                }
                _ => {
                    return Err(Refusal::bad_request(
                        "InvalidFilter",
                        format!("The filter '{term}' is not supported."),
                    ));
                }
            }
        }
        let items = self
            .assignments
            .iter()
            .filter(|one| one.until.is_none())
            .filter(|one| is_within(scope, &one.scope) || (!at_scope && is_within(&one.scope, scope)))
            .filter(|one| {
                principals
                    .as_ref()
                    .is_none_or(|ids| ids.contains(&one.principal_id.to_lowercase()))
            })
            .map(|one| self.assignment_body(one))
            .collect();
        Ok(self.page(request, items))
    }

    /// All role definitions; `roleName eq 'X'` picks one.
    pub(crate) fn list_definitions(&self, request: &Request<'_>, scope: &str) -> Reply {
        let wanted = request
            .query("$filter")
            .and_then(|filter| filter.split('\'').nth(1));
        let items = self
            .roles
            .iter()
            .filter(|role| wanted.is_none_or(|name| role.name.eq_ignore_ascii_case(name)))
            .map(|role| role.body(subscription_of(scope)))
            .collect();
        self.page(request, items)
    }
}

impl World {
    /// `User`, `Group` or `ServicePrincipal`; this Azure has no users.
    fn kind_of_principal(&self, object_id: &str) -> Option<&'static str> {
        let group = self
            .groups_of_principals
            .iter()
            .any(|group| group.object_id.eq_ignore_ascii_case(object_id));
        if group {
            return Some("Group");
        }
        self.principal(object_id).map(|_| "ServicePrincipal")
    }

    /// What conditions of the caller's roles may ask about a request for a role assignment.
    pub(crate) fn attributes(&self, request: &Request<'_>, id: &ResourceId) -> Attributes {
        if !id.kind.eq_ignore_ascii_case(ASSIGNMENTS) {
            return Attributes::default();
        }
        let sent = request.body.as_ref();
        let text = |name: &str| {
            sent.and_then(|sent| at(sent, &format!("/properties/{name}")))
                .map(str::to_owned)
        };
        let assigned = Assigned {
            role: text("roleDefinitionId").and_then(|id| id.rsplit('/').next().map(str::to_owned)),
            principal: text("principalId"),
            principal_type: text("principalType").or_else(|| {
                self.kind_of_principal(&text("principalId").unwrap_or_default())
                    .map(str::to_owned)
            }),
        };
        let existing = self
            .assignments
            .iter()
            .find(|one| {
                one.until.is_none()
                    && one.name.eq_ignore_ascii_case(&id.name)
                    && one.scope.eq_ignore_ascii_case(&id.scope)
            })
            .map(|one| Assigned {
                role: Some(one.role.clone()),
                principal: Some(one.principal_id.clone()),
                principal_type: self.kind_of_principal(&one.principal_id).map(str::to_owned),
            });
        Attributes {
            request: assigned,
            resource: existing.unwrap_or_default(),
        }
    }

    /// An assignment as Azure gives it back.
    fn assignment_body(&self, assignment: &Assignment) -> Value {
        let kind = self
            .kind_of_principal(&assignment.principal_id)
            .unwrap_or("ServicePrincipal");
        body(assignment, kind)
    }
}

fn body(assignment: &Assignment, kind: &str) -> Value {
    let subscription = subscription_of(&assignment.scope);
    let mut body = json!({
        "id": format!("{}/providers/{ASSIGNMENTS}/{}", assignment.scope, assignment.name),
        "name": assignment.name,
        "type": ASSIGNMENTS,
        "properties": {
            "scope": assignment.scope,
            "roleDefinitionId": format!("/subscriptions/{subscription}/providers/{DEFINITIONS}/{}", assignment.role),
            "principalId": assignment.principal_id,
            "principalType": kind,
            "createdOn": assignment.created.to_string(),
            "updatedOn": assignment.created.to_string(),
        },
    });
    if let (Some(condition), Some(properties)) = (&assignment.condition, body.get_mut("properties")) {
        crate::text::set(properties, "condition", condition.clone());
        crate::text::set(properties, "conditionVersion", "2.0");
    }
    body
}
