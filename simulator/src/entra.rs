//! Entra: tokens for client secrets and for federated credentials, and what clients ask about clouds.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Form;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::server::Azure;
use crate::traffic::Exchange;
use crate::world::Principal;

/// Audiences of Azure Resource Manager in the public cloud, without a slash at the end.
const ARM: [&str; 2] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
];

/// Audience of Key Vault in the public cloud; its own here is the one that its challenge names.
const KEY_VAULT: &str = "https://vault.azure.net";

/// Which service a token must be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    ResourceManager,
    KeyVault,
}

/// Makes and reads access tokens. Their key is made anew at each start.
pub(crate) struct Tokens {
    secret: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    appid: String,
    oid: String,
    sub: String,
    tid: String,
    idtyp: String,
}

impl Tokens {
    /// With a new key.
    pub(crate) fn new() -> Self {
        Self {
            secret: format!("{}{}", crate::text::new_guid(), crate::text::new_guid()),
        }
    }

    fn issue(
        &self,
        principal: &Principal,
        audience: &str,
        tenant: &str,
        seconds: i64,
    ) -> Result<String, OAuthError> {
        let now = Timestamp::now().as_second();
        let claims = Claims {
            aud: audience.to_owned(),
            iss: format!("https://sts.windows.net/{tenant}/"),
            iat: now,
            nbf: now,
            exp: now + seconds,
            appid: principal.client_id.clone(),
            oid: principal.object_id.clone(),
            sub: principal.object_id.clone(),
            tid: tenant.to_owned(),
            idtyp: "app".to_owned(),
        };
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(|error| {
            OAuthError::new("server_error", 90001, format!("No token could be made: {error}."))
        })
    }

    /// Who sends a request.
    pub(crate) fn caller(
        &self,
        headers: &HeaderMap,
        azure: &Azure,
        audience: Audience,
    ) -> Result<Principal, Refusal> {
        let refuse = |code: &str, message: &str| Err(Refusal::new(StatusCode::UNAUTHORIZED, code, message));
        let Some(token) = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
        else {
            return refuse(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
            );
        };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        let key = DecodingKey::from_secret(self.secret.as_bytes());
        let claims = match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
            Ok(token) => token.claims,
            Err(error) if matches!(error.kind(), jsonwebtoken::errors::ErrorKind::ExpiredSignature) => {
                return refuse("ExpiredAuthenticationToken", "The access token has expired.");
            }
            Err(_) => return refuse("InvalidAuthenticationToken", "The access token is invalid."),
        };
        let named = claims.aud.trim_end_matches('/');
        let is_right = match audience {
            Audience::ResourceManager => ARM.contains(&named) || named == azure.endpoint,
            Audience::KeyVault => {
                named == KEY_VAULT || named.strip_prefix("https://") == Some(&azure.world().vault_suffix)
            }
        };
        if !is_right {
            return refuse(
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource.",
            );
        }
        let world = azure.world();
        match world.principal(&claims.oid) {
            Some(principal) if claims.tid.eq_ignore_ascii_case(&world.tenant) => Ok(principal.clone()),
            _ => refuse(
                "InvalidAuthenticationTokenTenant",
                "The access token is from the wrong issuer, or of somebody who is not there any more.",
            ),
        }
    }
}

/// An error of the token endpoint (RFC 6749, 5.2, with Entra's codes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OAuthError {
    error: &'static str,
    code: u32,
    message: String,
}

impl OAuthError {
    /// One.
    pub(crate) fn new(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        Self {
            error,
            code,
            message: message.into(),
        }
    }

    fn body(&self) -> Value {
        let id = crate::text::new_guid();
        let now = Timestamp::now();
        json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{}: {} Trace ID: {id} Correlation ID: {id} Timestamp: {now}",
                self.code, self.message
            ),
            "error_codes": [self.code],
            "timestamp": now.to_string(),
            "trace_id": id,
            "correlation_id": id,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        })
    }
}

/// POST /{tenant}/oauth2/v2.0/token
pub(crate) async fn token(
    State(azure): State<Arc<Azure>>,
    Path(tenant): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let path = format!("/{tenant}/oauth2/v2.0/token");
    // What is secret is not recorded.
    let mut exchange = Exchange::new("POST", &path, Some(json!({ "client_id": form.get("client_id") })));
    let (status, body) = match sign_in(&azure, &tenant, &form).await {
        Ok((principal, token, seconds)) => {
            exchange.principal = Some(principal);
            let seconds = (seconds - 1).max(0);
            let body = json!({
                "token_type": "Bearer",
                "expires_in": seconds,
                "ext_expires_in": seconds,
                "access_token": token,
            });
            (StatusCode::OK, body)
        }
        Err(error) => {
            let status = if error.error == "invalid_client" {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::BAD_REQUEST
            };
            exchange.response = Some(error.body());
            (status, error.body())
        }
    };
    exchange.status = status.as_u16();
    azure.traffic().record(exchange, "entra/token");
    (status, Json(body)).into_response()
}

async fn sign_in(
    azure: &Azure,
    tenant: &str,
    form: &HashMap<String, String>,
) -> Result<(String, String, i64), OAuthError> {
    let field = |name: &str| {
        form.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            OAuthError::new(
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{name}'."),
            )
        })
    };
    let own = azure.world().tenant.clone();
    if !tenant.eq_ignore_ascii_case(&own) {
        return Err(OAuthError::new(
            "invalid_request",
            90002,
            format!("Tenant '{tenant}' not found."),
        ));
    }
    let client = field("client_id")?;
    if field("grant_type")? != "client_credentials" {
        return Err(OAuthError::new(
            "unsupported_grant_type",
            70003,
            "The app requested an unsupported grant type.",
        ));
    }
    let scope = field("scope")?;
    let Some(audience) = scope.strip_suffix("/.default") else {
        return Err(OAuthError::new(
            "invalid_scope",
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."
            ),
        ));
    };
    let principal = azure
        .world()
        .principals
        .iter()
        .find(|one| one.client_id.eq_ignore_ascii_case(client))
        .cloned()
        .ok_or_else(|| {
            OAuthError::new(
                "unauthorized_client",
                700_016,
                format!("Application with identifier '{client}' was not found in the directory '{own}'."),
            )
        })?;
    match (form.get("client_assertion"), form.get("client_secret")) {
        (Some(assertion), _) => azure.issuers.verify(assertion, &principal).await?,
        (None, Some(secret)) if principal.secret.as_ref() == Some(secret) => {}
        (None, Some(_)) => {
            return Err(OAuthError::new(
                "invalid_client",
                7_000_215,
                format!("Invalid client secret provided for app '{client}'."),
            ));
        }
        (None, None) => {
            return Err(OAuthError::new(
                "invalid_client",
                7_000_218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            ));
        }
    }
    let seconds = azure.world().settings.token_seconds;
    let token = azure.tokens.issue(&principal, audience, &own, seconds)?;
    Ok((principal.name, token, seconds))
}

/// The query of `/metadata/endpoints`.
#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    #[serde(default, rename = "api-version")]
    api_version: String,
}

/// GET /metadata/endpoints: from api-version 2022-09-01 on this cloud, before a list of clouds (azure-cli, _cloud).
pub(crate) async fn endpoints(
    State(azure): State<Arc<Azure>>,
    Query(version): Query<Version>,
) -> Json<Value> {
    let endpoint = &azure.endpoint;
    let cloud = json!({
        "name": "AzureSimulator",
        "portal": endpoint,
        "resourceManager": endpoint,
        "authentication": {
            "loginEndpoint": endpoint,
            "audiences": ARM,
            "tenant": "common",
            "identityProvider": "AAD",
        },
        // Azure CLI wants one; there is no Graph here.
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "suffixes": { "keyVaultDns": azure.world().vault_suffix, "storage": "core.windows.net" },
    });
    Json(if version.api_version.as_str() < "2022-09-01" {
        json!([cloud])
    } else {
        cloud
    })
}

/// GET /common/discovery/instance
pub(crate) async fn instances(State(azure): State<Arc<Azure>>) -> Json<Value> {
    let host = azure.endpoint.trim_start_matches("https://");
    Json(json!({
        "tenant_discovery_endpoint": format!("{}/common/v2.0/.well-known/openid-configuration", azure.endpoint),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    }))
}

/// GET /{tenant}/v2.0/.well-known/openid-configuration
pub(crate) async fn openid_configuration(
    State(azure): State<Arc<Azure>>,
    Path(tenant): Path<String>,
) -> Json<Value> {
    let endpoint = &azure.endpoint;
    Json(json!({
        "issuer": format!("{endpoint}/{tenant}/v2.0"),
        "token_endpoint": format!("{endpoint}/{tenant}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{endpoint}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
    }))
}
