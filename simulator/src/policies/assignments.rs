//! `Microsoft.Authorization/policyAssignments`: read and taken away; a seed makes them.

use axum::http::StatusCode;

use crate::address::{ResourceId, is_within};
use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::world::World;

impl World {
    /// Answers for one.
    pub(crate) fn policy_assignment(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
    ) -> Result<Reply, Refusal> {
        let found = self
            .policies
            .iter()
            .position(|one| one.id.eq_ignore_ascii_case(&id.id));
        match request.method {
            Method::Get => found
                .and_then(|at| self.policies.get(at))
                .map(|one| Reply::ok(one.body()))
                .ok_or_else(|| {
                    Refusal::new(
                        StatusCode::NOT_FOUND,
                        "PolicyAssignmentNotFound",
                        format!("The policy assignment '{}' is not found.", id.name),
                    )
                }),
            Method::Delete => Ok(match found {
                Some(at) => Reply::ok(self.policies.remove(at).body()),
                None => Reply::empty(StatusCode::NO_CONTENT),
            }),
            Method::Put | Method::Patch | Method::Post => Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "This Azure takes policy assignments from its seed alone.",
            )),
        }
    }

    /// Adds one, in place of one with its id.
    pub(crate) fn add_policy(&mut self, policy: super::Assignment) {
        self.policies
            .retain(|one| !one.id.eq_ignore_ascii_case(&policy.id));
        self.policies.push(policy);
    }

    /// Those at, above and below a scope.
    pub(crate) fn list_policies(&self, request: &Request<'_>, scope: &str) -> Reply {
        let items = self
            .policies
            .iter()
            .filter(|one| is_within(scope, one.scope()) || is_within(one.scope(), scope))
            .map(super::Assignment::body)
            .collect();
        self.page(request, items)
    }
}
