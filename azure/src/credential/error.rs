//! Why there is no token.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use azure_core::error::ErrorKind;
use url::Url;

use crate::error::ErrorClass;

/// Why there is no token. Cheap to copy: it is the answer for everybody who waits for the same token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CredentialError {
    /// The identity's settings cannot be used.
    #[error(
        "the identity's settings cannot be used (tenant {tenant_id:?}); check tenant id, client id and authority"
    )]
    Settings {
        /// The tenant as given.
        tenant_id: String,
        /// The SDK's words.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// Nobody vouches for the identity.
    #[error("no assertion for the identity: {message}")]
    Assertion {
        /// What failed, without the assertion.
        message: String,
        /// Why.
        #[source]
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// Entra does not accept the identity.
    #[error("Entra rejects the identity: {code}: {message}")]
    Rejected {
        /// `AADSTS…`, or OAuth's code where Entra gives none.
        code: String,
        /// Entra's message.
        message: String,
    },
    /// Entra cannot answer now.
    #[error("Entra cannot answer now (HTTP {status}): {message}")]
    Unavailable {
        /// HTTP status.
        status: u16,
        /// Entra's message.
        message: String,
        /// How long Entra asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// No connection to the authority, or it broke.
    #[error("the authority {authority} cannot be reached")]
    Unreachable {
        /// The authority.
        authority: String,
        /// Why.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// It took too long.
    #[error("no token from the authority {authority} within {} s", after.as_secs())]
    TimedOut {
        /// The authority.
        authority: String,
        /// The time given.
        after: Duration,
    },
    /// The authority's answer is not Entra's.
    #[error("the authority's answer (HTTP {status}) is unusable: {what}")]
    BadAnswer {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        what: String,
    },
    /// Another kind of credential failed.
    #[error("the credential gave no token")]
    Other(#[source] Arc<dyn Error + Send + Sync>),
}

impl CredentialError {
    /// Nobody vouches for the identity. `message` says what was tried; it must not hold the assertion.
    pub fn assertion(message: impl Into<String>, source: Option<Arc<dyn Error + Send + Sync>>) -> Self {
        Self::Assertion {
            message: message.into(),
            source,
        }
    }

    /// What to make of it: `Credential` is for people to mend, the others heal by themselves.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Settings { .. } | Self::Assertion { .. } | Self::Rejected { .. } | Self::Other(_) => {
                ErrorClass::Credential
            }
            Self::Unavailable { status: 429, .. } => ErrorClass::Throttled,
            // Nothing was sent to ARM, whatever happened on the way to the authority.
            Self::Unavailable { .. } | Self::Unreachable { .. } | Self::TimedOut { .. } => {
                ErrorClass::Unreachable
            }
            Self::BadAnswer { .. } => ErrorClass::BadAnswer,
        }
    }

    /// How long Entra asks to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The error that lies below what the SDK wrapped around it.
    pub(crate) fn of(error: azure_core::Error, authority: &Url) -> Self {
        match innermost(error).into_downcast::<Self>() {
            Ok(ours) => ours,
            Err(error) => match error.kind() {
                ErrorKind::Connection | ErrorKind::Io => Self::Unreachable {
                    authority: authority.to_string(),
                    source: Arc::new(error),
                },
                ErrorKind::DataConversion => Self::BadAnswer {
                    status: 200,
                    what: crate::error::chain(&error),
                },
                _ => Self::Other(Arc::new(error)),
            },
        }
    }

    /// As [`Self::of`], for an error that a pipeline got from any credential.
    pub(crate) fn from_pipeline(error: azure_core::Error) -> Self {
        match innermost(error).into_downcast::<Self>() {
            Ok(ours) => ours,
            Err(error) => Self::Other(Arc::new(error)),
        }
    }
}

/// Takes off what the SDK wraps around an error ("non-transport error occurred which will not be retried").
pub(crate) fn innermost(mut error: azure_core::Error) -> azure_core::Error {
    loop {
        match error.into_downcast::<azure_core::Error>() {
            Ok(inner) => error = inner,
            Err(last) => return last,
        }
    }
}
