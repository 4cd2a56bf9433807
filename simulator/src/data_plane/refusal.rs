//! What Key Vault says no with: `{"error": {"code", "message", "innererror": {"code"}}}` (key-vault, rest-error-codes).

use axum::http::StatusCode;
use serde_json::json;

use super::Visit;
use crate::front::Reply;
use crate::key_access::{Right, has_rbac};
use crate::refusal::Refusal;
use crate::server::Azure;
use crate::text::{at, set};

/// An error answer of the data plane.
#[derive(Clone, Debug)]
pub(crate) struct KeyVaultError {
    status: StatusCode,
    code: &'static str,
    message: String,
    inner: Option<&'static str>,
}

impl From<KeyVaultError> for Reply {
    fn from(error: KeyVaultError) -> Self {
        let mut said = json!({ "code": error.code, "message": error.message });
        if let Some(inner) = error.inner {
            set(&mut said, "innererror", json!({ "code": inner }));
        }
        Self::with(error.status, json!({ "error": said }))
    }
}

/// 401 with where to get a token, and for what. The codes are Key Vault's; why it is refused is Entra's to know.
pub(super) fn unauthorized(azure: &Azure, suffix: &str, tenant: &str, why: Option<&Refusal>) -> Reply {
    let endpoint = &azure.endpoint;
    let message = match why.map(|why| why.code.as_str()) {
        Some("AuthenticationFailed") => "AKV10000: Request is missing a Bearer or PoP token.".to_owned(),
        Some("InvalidAuthenticationTokenAudience") => {
            format!("AKV10022: Invalid audience. Expected https://{suffix}.")
        }
        Some("ExpiredAuthenticationToken") => {
            "[TokenExpired] Error validating token: the token has expired.".to_owned()
        }
        Some("InvalidAuthenticationToken") => {
            "[BearerReadAccessTokenFailed] Error validating token.".to_owned()
        }
        _ => format!("AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{tenant}/."),
    };
    let error = KeyVaultError {
        status: StatusCode::UNAUTHORIZED,
        code: "Unauthorized",
        message,
        inner: None,
    };
    Reply::from(error).header(
        "www-authenticate",
        &format!("Bearer authorization=\"{endpoint}/{tenant}\", resource=\"https://{suffix}\""),
    )
}

impl KeyVaultError {
    fn forbidden(inner: &'static str, message: String) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "Forbidden",
            message,
            inner: Some(inner),
        }
    }

    /// 400.
    pub(super) fn bad_parameter(message: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "BadParameter",
            message,
            inner: None,
        }
    }

    /// 404 for what this data plane does not have.
    pub(super) fn not_here(method: &str, path: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "NotFound",
            message: format!("This Azure's key vaults do not know {method} {path}."),
            inner: None,
        }
    }

    /// 404 for a key.
    pub(super) fn key_not_found(key: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "KeyNotFound",
            message: format!(
                "A key with (name/id) {key} was not found in this key vault. If you recently deleted this key you may be \
                 able to recover it using the correct recovery command. For help resolving this issue, please see \
                 https://go.microsoft.com/fwlink/?linkid=2125182"
            ),
            inner: None,
        }
    }

    /// 404 for a deleted key.
    pub(super) fn deleted_key_not_found(key: &str) -> Self {
        Self {
            message: format!("Deleted Key not found: {key}"),
            ..Self::key_not_found(key)
        }
    }

    /// 409 for the name of a deleted key.
    pub(super) fn is_deleted(key: &str) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            code: "Conflict",
            message: crate::keys::is_deleted(key),
            inner: Some("ObjectIsDeletedButRecoverable"),
        }
    }

    /// 403 for who lacks a right, in the words of the permission model that the vault has.
    pub(super) fn missing_right(visit: &Visit<'_>, right: Right, scope: &str) -> Self {
        let caller = who(visit);
        let vault = which(visit);
        if has_rbac(&visit.vault.body) {
            return Self::forbidden(
                "ForbiddenByRbac",
                format!(
                    "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or \
                     role definitions were changed recently, please observe propagation time.\r\nCaller: {caller}\r\n\
                     Action: 'Microsoft.KeyVault/vaults/{}'\r\nResource: '{}'\r\nAssignment: (not found)\r\n\
                     DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {vault}\r\n",
                    right.action,
                    scope.to_lowercase()
                ),
            );
        }
        Self::forbidden(
            "ForbiddenByPolicy",
            format!(
                "The user, group or application '{caller}' does not have keys {} permission on key vault '{vault}'. For \
                 help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
                right.permission.to_lowercase()
            ),
        )
    }

    /// 403 for an address that the vault's rules do not name (microsoft/AzureTRE #3789).
    pub(super) fn forbidden_by_firewall(visit: &Visit<'_>) -> Self {
        Self::forbidden(
            "ForbiddenByFirewall",
            format!(
                "Client address is not authorized and caller is not a trusted service.\r\nClient address: 127.0.0.1\r\n\
                 Caller: {}\r\nVault: {}",
                who(visit),
                which(visit)
            ),
        )
    }

    /// 403 where public access is disabled (microsoft/multimodal-ai #171).
    pub(super) fn forbidden_by_connection(visit: &Visit<'_>) -> Self {
        Self::forbidden(
            "ForbiddenByConnection",
            format!(
                "Public network access is disabled and request is not from a trusted service nor via an approved private \
                 link.\r\nCaller: {}\r\nVault: {}",
                who(visit),
                which(visit)
            ),
        )
    }

    /// 403 for a disabled key (azure-sdk-for-python #45342).
    pub(super) fn disabled(operation: &str) -> Self {
        Self::forbidden(
            "KeyDisabled",
            format!("Operation {operation} is not allowed on a disabled key."),
        )
    }

    /// 403 for a key outside its time. Its inner code is not known; none is given.
    pub(super) fn outside_its_time(operation: &str, what: &str) -> Self {
        Self {
            inner: None,
            ..Self::forbidden("", format!("Operation {operation} is not allowed on {what} key."))
        }
    }

    /// 403 for an operation that is not among the key's.
    pub(super) fn not_an_operation(operation: &str) -> Self {
        Self {
            inner: None,
            ..Self::forbidden(
                "",
                format!(
                    "Operation {operation} is not permitted on this key: it is not among its permitted operations."
                ),
            )
        }
    }

    /// 403 for a purge under purge protection (microsoft/AzureTRE #1951).
    pub(super) fn purge_protected() -> Self {
        Self {
            inner: None,
            ..Self::forbidden(
                "",
                "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service \
                 will automatically purge it after the retention period has passed."
                    .to_owned(),
            )
        }
    }
}

fn who(visit: &Visit<'_>) -> String {
    let tenant = at(&visit.vault.body, "/properties/tenantId").unwrap_or_default();
    format!(
        "appid={};oid={};iss=https://sts.windows.net/{tenant}/",
        visit.caller.client_id, visit.caller.object_id
    )
}

fn which(visit: &Visit<'_>) -> String {
    let name = at(&visit.vault.body, "/name").unwrap_or_default();
    let location = at(&visit.vault.body, "/location").unwrap_or_default();
    format!("{name};location={location}")
}
