//! Federated credentials: a token of another issuer, verified against the keys that the issuer publishes.
//!
//! Invariant: issuer, subject, audience, signature and time all fit, or there is no token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use crate::entra::OAuthError;
use crate::world::{FederatedCredential, Principal};

/// How long an issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The published keys of issuers, by issuer.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
    keys: Mutex<HashMap<String, JwkSet>>,
}

/// What is read before anything is verified.
#[derive(Debug, Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    #[serde(default)]
    aud: Value,
}

impl Issuers {
    /// Verifies `assertion` for `principal`.
    pub(crate) async fn verify(&self, assertion: &str, principal: &Principal) -> Result<(), OAuthError> {
        let malformed = || OAuthError::new("invalid_request", 50027, "JWT token is invalid or malformed.");
        let header = jsonwebtoken::decode_header(assertion).map_err(|_| malformed())?;
        let claims: Claims = assertion
            .split('.')
            .nth(1)
            .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(malformed)?;
        let credential = matching(principal, &claims)?;
        let kid = header.kid.unwrap_or_default();
        let keys = match self.known(&credential.issuer, &kid) {
            Some(keys) => keys,
            None => self.fetch(credential).await?,
        };
        let not_signed = || {
            OAuthError::new(
                "invalid_client",
                700_027,
                format!(
                    "Client assertion failed signature validation: no published key of {} verifies it.",
                    credential.issuer
                ),
            )
        };
        let key = keys.find(&kid).ok_or_else(not_signed)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| not_signed())?;
        let mut validation = Validation::new(header.alg);
        validation.validate_nbf = true;
        validation.leeway = 0;
        validation.set_audience(&credential.audiences);
        validation.set_issuer(&[&credential.issuer]);
        match jsonwebtoken::decode::<Value>(assertion, &key, &validation) {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature
                | jsonwebtoken::errors::ErrorKind::ImmatureSignature => OAuthError::new(
                    "invalid_client",
                    700_024,
                    "Client assertion is not within its valid time range.",
                ),
                _ => not_signed(),
            }),
        }
    }

    fn known(&self, issuer: &str, kid: &str) -> Option<JwkSet> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(issuer).filter(|keys| keys.find(kid).is_some()).cloned()
    }

    /// The issuer's keys as it publishes them now (OpenID Connect Discovery 1.0).
    async fn fetch(&self, credential: &FederatedCredential) -> Result<JwkSet, OAuthError> {
        let unreadable = |what: String| {
            OAuthError::new(
                "invalid_request",
                5_007_001,
                format!(
                    "The keys of the issuer {} cannot be read: {what}.",
                    credential.issuer
                ),
            )
        };
        let mut builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        if let Some(authority) = &credential.issuer_ca {
            let authority = reqwest::Certificate::from_pem(authority.as_bytes())
                .map_err(|error| unreadable(error.to_string()))?;
            builder = builder.tls_certs_only([authority]);
        }
        let client = builder.build().map_err(|error| unreadable(error.to_string()))?;
        let read = |url: String| {
            let client = client.clone();
            async move {
                client
                    .get(url)
                    .send()
                    .await?
                    .error_for_status()?
                    .json::<Value>()
                    .await
            }
        };
        let discovery = format!(
            "{}/.well-known/openid-configuration",
            credential.issuer.trim_end_matches('/')
        );
        let configuration = read(discovery)
            .await
            .map_err(|error| unreadable(error.to_string()))?;
        let own = crate::text::at(&configuration, "/issuer").unwrap_or_default();
        if own != credential.issuer {
            return Err(unreadable(format!("it says that it is {own}")));
        }
        let jwks = crate::text::at(&configuration, "/jwks_uri")
            .unwrap_or_default()
            .to_owned();
        let keys = read(jwks).await.map_err(|error| unreadable(error.to_string()))?;
        let keys: JwkSet = serde_json::from_value(keys).map_err(|error| unreadable(error.to_string()))?;
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(credential.issuer.clone(), keys.clone());
        Ok(keys)
    }
}

/// The federated credential that a token fits; the first that does not fit decides what is said.
fn matching<'a>(principal: &'a Principal, claims: &Claims) -> Result<&'a FederatedCredential, OAuthError> {
    let audiences: Vec<&str> = match &claims.aud {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let no = |code: u32, what: &str, value: &str| {
        Err(OAuthError::new(
            "invalid_request",
            code,
            format!("No matching federated identity record found for presented assertion {what} '{value}'."),
        ))
    };
    let mut all = principal
        .federated
        .iter()
        .filter(|one| one.issuer == claims.iss)
        .peekable();
    if all.peek().is_none() {
        return no(700_211, "issuer", &claims.iss);
    }
    let mut all = all.filter(|one| one.subject == claims.sub).peekable();
    if all.peek().is_none() {
        return no(700_213, "subject", &claims.sub);
    }
    match all.find(|one| {
        one.audiences
            .iter()
            .any(|audience| audiences.contains(&audience.as_str()))
    }) {
        Some(credential) => Ok(credential),
        None => no(700_212, "audience", &audiences.join(", ")),
    }
}
