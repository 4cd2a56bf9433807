//! What Azure Resource Manager says no with (RPC Addendum; common deployment errors).

use axum::http::StatusCode;
use serde_json::{Value, json};

/// An error answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// `error.code`.
    pub(crate) code: String,
    /// `error.message`.
    pub(crate) message: String,
    /// `error.details`.
    pub(crate) details: Vec<Value>,
    /// What a policy adds.
    pub(crate) violation: Option<Box<Violation>>,
    /// In an operation's body, code and message stand beside its status and not in `error`.
    pub(crate) is_flat: bool,
}

/// What stands in a refusal by policy beside its message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Violation {
    /// `error.target`: the resource's name.
    pub(crate) target: String,
    /// The one item of `error.additionalInfo`.
    pub(crate) info: Value,
}

impl Refusal {
    /// One with a status.
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: Vec::new(),
            violation: None,
            is_flat: false,
        }
    }

    /// 400.
    pub(crate) fn bad_request(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 409.
    pub(crate) fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 404 for a resource.
    pub(crate) fn resource_not_found(kind: &str, name: &str, group: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFound",
            format!(
                "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go \
                 to https://aka.ms/ARMResourceNotFoundFix"
            ),
        )
    }

    /// 404 for a resource whose parent is not there.
    pub(crate) fn parent_not_found(kind: &str, parent: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ParentResourceNotFound",
            format!(
                "Failed to perform 'write' on resource(s) of type '{kind}', because the parent resource '{parent}' could \
                 not be found."
            ),
        )
    }

    /// 404 for a resource group.
    pub(crate) fn group_not_found(group: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ResourceGroupNotFound",
            format!("Resource group '{group}' could not be found."),
        )
    }

    /// 403 for a missing role.
    pub(crate) fn authorization_failed(client: &str, object: &str, action: &str, scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "AuthorizationFailed",
            format!(
                "The client '{client}' with object id '{object}' does not have authorization to perform action '{action}' \
                 over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your \
                 credentials."
            ),
        )
    }

    /// The body: `{"error": {…}}`.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.error() })
    }

    /// The error object, as an operation's status has it too.
    pub(crate) fn error(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if !self.details.is_empty() {
            crate::text::set(&mut error, "details", Value::Array(self.details.clone()));
        }
        if let Some(violation) = &self.violation {
            crate::text::set(&mut error, "target", violation.target.clone());
            crate::text::set(&mut error, "additionalInfo", json!([violation.info]));
        }
        error
    }
}
