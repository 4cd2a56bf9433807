//! `Microsoft.Authorization/denyAssignments`: only to be read; Azure makes them itself
//! (role-based-access-control/deny-assignments).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::address::{ResourceId, is_within};
use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::types::DENIALS;
use crate::world::{Denial, World};

/// Stands for everybody (deny-assignments, "Properties").
const ALL_PRINCIPALS: &str = "00000000-0000-0000-0000-000000000000";

impl Denial {
    /// Its name in ARM.
    pub(crate) fn guid(&self) -> String {
        crate::text::guid(&self.scope)
    }
}

impl World {
    /// GET of one.
    pub(crate) fn denial(&self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        if request.method != Method::Get {
            return Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "Deny assignments are made by Azure alone.",
            ));
        }
        self.denials
            .iter()
            .find(|one| {
                one.guid().eq_ignore_ascii_case(&id.name) && one.scope.eq_ignore_ascii_case(&id.scope)
            })
            .map(|one| Reply::ok(self.denial_body(one)))
            .ok_or_else(|| {
                Refusal::new(
                    StatusCode::NOT_FOUND,
                    "DenyAssignmentNotFound",
                    format!("The deny assignment '{}' is not found.", id.name),
                )
            })
    }

    /// Those at and above a scope, and without `atScope()` also those below.
    pub(crate) fn list_denials(&self, request: &Request<'_>, scope: &str) -> Result<Reply, Refusal> {
        let at_scope = match request.query("$filter").unwrap_or_default() {
            "" => false,
            "atScope()" => true,
            other => {
                return Err(Refusal::bad_request(
                    "InvalidFilter",
                    format!("The filter '{other}' is not supported."),
                ));
            }
        };
        let items = self
            .denials
            .iter()
            .filter(|one| is_within(scope, &one.scope) || (!at_scope && is_within(&one.scope, scope)))
            .map(|one| self.denial_body(one))
            .collect();
        Ok(self.page(request, items))
    }

    fn denial_body(&self, denial: &Denial) -> Value {
        let except: Vec<Value> = self
            .principals
            .iter()
            .filter(|one| one.bypass_deny_assignments)
            .map(|one| json!({ "id": one.object_id, "type": "ServicePrincipal" }))
            .collect();
        json!({
            "id": format!("{}/providers/{DENIALS}/{}", denial.scope, denial.guid()),
            "name": denial.guid(),
            "type": DENIALS,
            "properties": {
                "denyAssignmentName": denial.name,
                "scope": denial.scope,
                "permissions": [
                    { "actions": ["*"], "notActions": ["*/read"], "dataActions": [], "notDataActions": [] },
                ],
                "doNotApplyToChildScopes": false,
                "principals": [{ "id": ALL_PRINCIPALS, "type": "SystemDefined" }],
                "excludePrincipals": except,
                "isSystemProtected": true,
            },
        })
    }
}
