//! What can go wrong between us and Azure Resource Manager, and the closed set of classes that callers decide by.
//!
//! Invariant: `NotFound` is authoritative. It takes ARM's own error body with a code that says that the thing does not
//! exist; any other 404 (a proxy's page, an unknown route) is a bad answer.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::credential::CredentialError;

mod class;
mod fault;
#[cfg(test)]
mod tests;
mod violation;

pub use class::ErrorClass;
pub use fault::Fault;
pub use violation::PolicyViolation;
pub(crate) use violation::because;

/// A request to Azure Resource Manager that did not end well.
#[derive(Debug)]
pub struct ArmError {
    method: &'static str,
    path: String,
    cause: Cause,
}

/// Why a request did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// ARM answered with an error.
    #[error("{}", answer(*status, fault.as_ref(), text))]
    Answer {
        /// HTTP status.
        status: u16,
        /// ARM's error body, if it sent one.
        fault: Option<Fault>,
        /// The start of a body that is not ARM's.
        text: String,
        /// How long ARM asks to be left alone.
        retry_after: Option<Duration>,
        /// `x-ms-request-id`, for a support case.
        request_id: Option<String>,
        /// `x-ms-ratelimit-remaining-subscription-*` stood at nothing: the subscription's bucket is empty.
        subscription_exhausted: bool,
    },
    /// Not sent: the budget of the subscription does not cover it.
    #[error("not sent: no {kind} are left in subscription {subscription} for now")]
    Withheld {
        /// Subscription id.
        subscription: String,
        /// `reads`, `writes` or `deletes`.
        kind: &'static str,
        /// When it may be covered.
        retry_after: Duration,
    },
    /// No connection: the request was never sent, so it changed nothing.
    #[error("Azure Resource Manager cannot be reached")]
    Unreachable(#[source] azure_core::Error),
    /// The connection broke or timed out after the request may have been sent.
    #[error("the connection to Azure Resource Manager broke before its answer was complete")]
    Interrupted(#[source] azure_core::Error),
    /// No token for the request.
    #[error("no token for Azure Resource Manager")]
    Credential(#[source] CredentialError),
    /// The answer makes no sense.
    #[error("Azure Resource Manager's answer (HTTP {status}) is unusable: {what}")]
    BadAnswer {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        what: String,
        /// The parser's own words.
        #[source]
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// ARM handed out a URL of a host that must not get a token.
    #[error("{}://{} is not a host of the configured Azure Resource Manager endpoint, so no token was sent there", .0.scheme(), .0.host_str().unwrap_or_default())]
    UntrustedUrl(Box<Url>),
    /// The path cannot be part of a request.
    #[error("not a path of Azure Resource Manager: {0}")]
    InvalidPath(&'static str),
}

fn answer(status: u16, fault: Option<&Fault>, text: &str) -> String {
    match fault {
        Some(fault) => fault.to_string(),
        None if text.is_empty() => format!("HTTP {status} without an error of Azure Resource Manager"),
        None => format!("HTTP {status} without an error of Azure Resource Manager, but: {text}"),
    }
}

impl fmt::Display for ArmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {}", self.cause, self.method, self.path)?;
        if let Some(status) = self.status() {
            write!(f, ", HTTP {status}")?;
        }
        // The request's id is for logs: in a condition it would make each look at a lasting trouble a new message.
        f.write_str(")")
    }
}

impl Error for ArmError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

impl ArmError {
    pub(crate) const fn new(method: &'static str, path: String, cause: Cause) -> Self {
        Self { method, path, cause }
    }

    pub(crate) fn no_body(method: &'static str, path: &str, status: u16) -> Self {
        let what = "it has no body".to_owned();
        Self::new(
            method,
            path.to_owned(),
            Cause::BadAnswer {
                status,
                what,
                source: None,
            },
        )
    }

    /// What to make of it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match &self.cause {
            Cause::Answer {
                status,
                fault,
                retry_after,
                ..
            } => ErrorClass::of_answer(*status, fault.as_ref(), retry_after.is_some()),
            Cause::Withheld { .. } => ErrorClass::Throttled,
            Cause::Unreachable(_) => ErrorClass::Unreachable,
            Cause::Interrupted(_) => ErrorClass::Transient,
            Cause::Credential(error) => error.class(),
            Cause::BadAnswer { .. } | Cause::UntrustedUrl(_) => ErrorClass::BadAnswer,
            Cause::InvalidPath(_) => ErrorClass::Invalid,
        }
    }

    /// Why, in full.
    #[must_use]
    pub const fn cause(&self) -> &Cause {
        &self.cause
    }

    /// HTTP method of the request.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        self.method
    }

    /// Path of the request, without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// HTTP status, if there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match &self.cause {
            Cause::Answer { status, .. } | Cause::BadAnswer { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// ARM's error body, if it sent one.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match &self.cause {
            Cause::Answer { fault, .. } => fault.as_ref(),
            _ => None,
        }
    }

    /// The code that says what is wrong: ARM's, with wrappers such as `ResourceDeploymentFailure` taken off.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.fault().map(|fault| fault.cause().code())
    }

    /// What to tell people: ARM's message, or ours when ARM said nothing.
    #[must_use]
    pub fn message(&self) -> String {
        self.fault().map_or_else(
            || self.cause.to_string(),
            |fault| fault.cause().message().to_owned(),
        )
    }

    /// How long Azure asks to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match &self.cause {
            Cause::Answer { retry_after, .. } => *retry_after,
            Cause::Withheld { retry_after, .. } => Some(*retry_after),
            Cause::Credential(error) => error.retry_after(),
            _ => None,
        }
    }

    /// `x-ms-request-id`, for a support case.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match &self.cause {
            Cause::Answer { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// Whether the whole subscription is throttled, so that other requests to it would fail too. Some resource providers
    /// answer 429 for a conflict on one resource.
    #[must_use]
    pub fn throttles_subscription(&self) -> bool {
        match &self.cause {
            Cause::Answer {
                status: 429,
                fault,
                subscription_exhausted,
                ..
            } => {
                *subscription_exhausted
                    || fault.as_ref().is_some_and(|fault| {
                        fault
                            .cause()
                            .code()
                            .eq_ignore_ascii_case("SubscriptionRequestsThrottled")
                    })
            }
            Cause::Withheld { .. } => true,
            _ => false,
        }
    }

    /// Whether a write may have taken effect although it failed here: the answer was lost, cut off, or is a server error.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        match &self.cause {
            Cause::Answer { status, .. } => *status == 408 || *status >= 500,
            Cause::Interrupted(_) | Cause::BadAnswer { .. } => true,
            Cause::Withheld { .. }
            | Cause::Unreachable(_)
            | Cause::Credential(_)
            | Cause::UntrustedUrl(_)
            | Cause::InvalidPath(_) => false,
        }
    }

    /// The error and everything below it, on one line.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// An error and everything below it, on one line. A cause that only repeats what stands above is left out.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = crate::text::clean(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = crate::text::clean(&cause.to_string());
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
