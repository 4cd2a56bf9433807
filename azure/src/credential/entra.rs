//! Entra's refusals, read before the SDK does: its parser gives up on an escaped character in `error_description`, and with
//! it goes the AADSTS code that tells people what to mend.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use jiff::Timestamp;
use serde::Deserialize;

use super::CredentialError;
use crate::arm::read_body;
use crate::retry_after;
use crate::text::clean;

/// Longest answer of the token endpoint that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Turns every answer that is no success into a [`CredentialError`].
#[derive(Debug)]
pub(super) struct Refusals;

#[async_trait]
impl Policy for Refusals {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let Some((first, rest)) = next.split_first() else {
            return Err(azure_core::Error::with_message(
                ErrorKind::Other,
                "the pipeline ends before its transport",
            ));
        };
        let response = first.send(ctx, request, rest).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers, body) = response.deconstruct();
        let status = u16::from(status);
        let error = match read_body(body, LONGEST).await {
            Ok(body) => refusal(status, retry_after::of(&headers, Timestamp::now()), &body),
            Err(error) => CredentialError::BadAnswer {
                status,
                what: error.to_string(),
            },
        };
        Err(azure_core::Error::new(ErrorKind::Credential, error))
    }
}

/// Entra's error body (OAuth, RFC 6749, 5.2, with Entra's own codes).
#[derive(Debug, Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
}

fn refusal(status: u16, retry_after: Option<std::time::Duration>, body: &[u8]) -> CredentialError {
    let parsed: Option<Refusal> = serde_json::from_slice(body).ok();
    if status == 429 || status == 408 || status >= 500 {
        let message = parsed.map_or_else(
            || "no reason given".to_owned(),
            |refusal| clean(&refusal.error_description),
        );
        return CredentialError::Unavailable {
            status,
            message,
            retry_after,
        };
    }
    match parsed {
        Some(refusal) => {
            let message = clean(&refusal.error_description);
            let named = message
                .split(':')
                .next()
                .filter(|start| start.starts_with("AADSTS"));
            let code = match (refusal.error_codes.first(), named) {
                (Some(code), _) => format!("AADSTS{code}"),
                (None, Some(code)) => code.to_owned(),
                (None, None) => clean(&refusal.error),
            };
            let message = message
                .strip_prefix(&format!("{code}: "))
                .unwrap_or(&message)
                .to_owned();
            CredentialError::Rejected { code, message }
        }
        None => {
            let what = "it is not an error of Entra; is the authority's URL right?".to_owned();
            CredentialError::BadAnswer { status, what }
        }
    }
}
