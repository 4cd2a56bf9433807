//! Reading ARM's answers: status, the headers that matter, and a body of bounded size that is JSON or nothing.

use std::sync::Arc;
use std::time::Duration;

use azure_core::http::headers::{HeaderName, Headers};
use azure_core::http::{AsyncRawResponse, AsyncResponseBody};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::error::{Cause, Fault};
use crate::retry_after;
use crate::text::clean;

const ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");
const OPERATION_LOCATION: HeaderName = HeaderName::from_static("operation-location");
const LOCATION: HeaderName = HeaderName::from_static("location");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
/// What is left of a bucket ends like this (azure-resource-manager, "Throttling": remaining requests).
const REMAINING: &str = "x-ms-ratelimit-remaining-subscription-";
/// Characters of a body that is not ARM's to show.
const EXCERPT: usize = 200;

/// A success of Azure Resource Manager.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmResponse {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// The body; none when it was empty.
    pub body: Option<Value>,
    /// How long ARM asks to be left alone.
    pub retry_after: Option<Duration>,
    /// `Azure-AsyncOperation`: the operation goes on, also behind a 200 or 201.
    pub operation_url: Option<Url>,
    /// `Location`.
    pub location: Option<Url>,
    /// `x-ms-request-id`, for a support case.
    pub request_id: Option<String>,
    /// Requests of this kind that ARM has left for the identity in the subscription.
    pub remaining: Option<u32>,
}

impl ArmResponse {
    /// Where to ask for the operation's progress: `Azure-AsyncOperation` on any status, `Location` on a 202 alone
    /// (azure-resource-manager, "Track asynchronous operations").
    #[must_use]
    pub fn poll_url(&self) -> Option<&Url> {
        self.operation_url
            .as_ref()
            .or_else(|| self.location.as_ref().filter(|_| self.status == 202))
    }

    pub(super) async fn read(asked: &Url, answer: AsyncRawResponse, limit: usize) -> Result<Self, Cause> {
        let (status, headers, body) = answer.deconstruct();
        let status = u16::from(status);
        let retry_after = retry_after::of(&headers, Timestamp::now());
        let request_id = headers.get_optional_str(&REQUEST_ID).map(clean);
        let remaining = remaining(&headers);
        let success = (200..300).contains(&status);
        let bytes = read_body(body, limit).await;
        if !success {
            let bytes = bytes.unwrap_or_default();
            let fault = json(&bytes).ok().flatten().as_ref().and_then(Fault::parse);
            let text = if fault.is_some() {
                String::new()
            } else {
                excerpt(&bytes)
            };
            let subscription_exhausted = remaining == Some(0);
            return Err(Cause::Answer {
                status,
                fault,
                text,
                retry_after,
                request_id,
                subscription_exhausted,
            });
        }
        let bytes = bytes.map_err(|error| Cause::BadAnswer {
            status,
            what: error.to_string(),
            source: match error {
                BodyError::Broken(source) => Some(Arc::new(source)),
                BodyError::TooLong(_) => None,
            },
        })?;
        let body = json(&bytes).map_err(|source| Cause::BadAnswer {
            status,
            what: format!("its body is not JSON, or is cut off after {} bytes", bytes.len()),
            source: Some(Arc::new(source)),
        })?;
        let url = |name: &HeaderName| {
            headers
                .get_optional_str(name)
                .and_then(|value| asked.join(value.trim()).ok())
        };
        Ok(Self {
            status,
            body,
            retry_after,
            operation_url: url(&ASYNC_OPERATION).or_else(|| url(&OPERATION_LOCATION)),
            location: url(&LOCATION),
            request_id,
            remaining,
        })
    }
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("its body is longer than {0} bytes")]
    TooLong(usize),
    #[error("its body broke off")]
    Broken(#[source] azure_core::Error),
}

/// Reads a body up to a number of bytes.
pub(crate) async fn read_body(mut body: AsyncResponseBody, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut read = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(BodyError::Broken)?;
        if read.len() + piece.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        read.extend_from_slice(&piece);
    }
    Ok(read)
}

/// The JSON in a body, none in an empty one. A byte order mark is skipped: some resource providers send one.
fn json(bytes: &[u8]) -> Result<Option<Value>, serde_json::Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    if bytes.is_empty() {
        Ok(None)
    } else {
        serde_json::from_slice(bytes).map(Some)
    }
}

fn excerpt(bytes: &[u8]) -> String {
    let text = clean(&String::from_utf8_lossy(bytes));
    text.chars().take(EXCERPT).collect()
}

/// The smallest of the remaining-request counters.
pub(super) fn remaining(headers: &Headers) -> Option<u32> {
    headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(REMAINING))
        .filter_map(|(_, value)| value.as_str().trim().parse().ok())
        .min()
}
