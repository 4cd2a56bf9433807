//! Requests to Azure Resource Manager: one at a time, sent once, answered with what ARM said.
//!
//! Invariants: a request is sent to a trusted host or not at all; it is never sent twice; an answer is read up to a known
//! size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::headers::{ACCEPT, CONTENT_TYPE};
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;
use azure_core::http::{
    ClientOptions, Context, Method, Pipeline, PipelineStreamOptions, Request, RetryOptions, Transport,
};
use serde_json::Value;
use url::Url;

use crate::cloud::Cloud;
use crate::credential::{CredentialError, innermost};
use crate::error::{ArmError, Cause};
use crate::operation::OperationState;

mod address;
mod answer;
mod list;
#[cfg(test)]
mod tests;

pub use answer::ArmResponse;
pub(crate) use answer::read_body;
pub use list::Listed;

/// What is read at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one answer.
    pub body: usize,
    /// Pages of one list.
    pub pages: u32,
    /// Items of one list.
    pub items: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 * 1024 * 1024,
            pages: 1000,
            items: 100_000,
        }
    }
}

/// Requests sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// GETs of resources, and pages of lists.
    pub reads: u64,
    /// GETs of operations.
    pub polls: u64,
    /// PUT, PATCH, POST and DELETE.
    pub writes: u64,
}

#[derive(Debug, Default)]
struct Counters {
    reads: AtomicU64,
    polls: AtomicU64,
    writes: AtomicU64,
}

/// A client of Azure Resource Manager for one identity.
///
/// Paths are ARM ids or parts of them, `/subscriptions/…`, as ARM spells them; queries are pairs that are encoded here.
#[derive(Debug)]
pub struct ArmClient {
    cloud: Cloud,
    pipeline: Pipeline,
    limits: Limits,
    counters: Counters,
}

impl ArmClient {
    /// A client that asks `credential` for tokens.
    #[must_use]
    pub fn new(cloud: Cloud, credential: Arc<dyn TokenCredential>, transport: Transport) -> Self {
        let authorization = BearerTokenAuthorizationPolicy::new(credential, [cloud.arm_scope()]);
        let options = ClientOptions {
            // The SDK's retry sleeps inside the call for as long as ARM's Retry-After says, and repeats writes.
            retry: RetryOptions::none(),
            transport: Some(transport),
            ..ClientOptions::default()
        };
        let pipeline = Pipeline::new(
            Some("keyholder"),
            option_env!("CARGO_PKG_VERSION"),
            options,
            Vec::new(),
            vec![Arc::new(authorization)],
            None,
        );
        Self {
            cloud,
            pipeline,
            limits: Limits::default(),
            counters: Counters::default(),
        }
    }

    /// The same client with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The cloud it talks to.
    #[must_use]
    pub const fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Requests sent so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        Requests {
            reads: self.counters.reads.load(Ordering::Relaxed),
            polls: self.counters.polls.load(Ordering::Relaxed),
            writes: self.counters.writes.load(Ordering::Relaxed),
        }
    }

    /// GET.
    ///
    /// # Errors
    /// Anything but a success with a JSON object.
    pub async fn get(&self, path: &str, api_version: &str) -> Result<ArmResponse, ArmError> {
        self.send(Method::Get, path, api_version, &[], None).await
    }

    /// PUT: creates a resource or replaces it.
    ///
    /// # Errors
    /// Anything but a success. Look at [`ArmError::outcome_unknown`] before deciding that nothing happened.
    pub async fn put(&self, path: &str, api_version: &str, body: &Value) -> Result<ArmResponse, ArmError> {
        self.send(Method::Put, path, api_version, &[], Some(body)).await
    }

    /// PATCH: changes the members given.
    ///
    /// # Errors
    /// As for [`Self::put`].
    pub async fn patch(&self, path: &str, api_version: &str, body: &Value) -> Result<ArmResponse, ArmError> {
        self.send(Method::Patch, path, api_version, &[], Some(body)).await
    }

    /// POST: an action on a resource.
    ///
    /// # Errors
    /// As for [`Self::put`].
    pub async fn post(&self, path: &str, api_version: &str, body: &Value) -> Result<ArmResponse, ArmError> {
        self.send(Method::Post, path, api_version, &[], Some(body)).await
    }

    /// DELETE. A success with status 204 means that there was nothing to delete.
    ///
    /// # Errors
    /// As for [`Self::put`].
    pub async fn delete(
        &self,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
    ) -> Result<ArmResponse, ArmError> {
        self.send(Method::Delete, path, api_version, query, None).await
    }

    /// What has become of a long-running operation. `url` is what [`ArmResponse::poll_url`] gave.
    ///
    /// # Errors
    /// When the operation could not be read; that says nothing about the operation itself, so look at the resource.
    pub async fn operation(&self, url: &Url) -> Result<OperationState, ArmError> {
        self.counters.polls.fetch_add(1, Ordering::Relaxed);
        match self.exchange(Method::Get, url.clone(), None).await {
            Ok(response) => OperationState::parse(&response).map_err(|what| {
                let cause = Cause::BadAnswer {
                    status: response.status,
                    what,
                    source: None,
                };
                ArmError::new(Method::Get.as_str(), url.path().to_owned(), cause)
            }),
            Err(error) if error.status() == Some(404) => Ok(OperationState::Unknown),
            Err(error) => Err(error),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<ArmResponse, ArmError> {
        let url = address::build(self.cloud.arm_endpoint(), path, api_version, query)
            .map_err(|why| ArmError::new(method.as_str(), path.to_owned(), Cause::InvalidPath(why)))?;
        match method {
            Method::Get | Method::Head => &self.counters.reads,
            _ => &self.counters.writes,
        }
        .fetch_add(1, Ordering::Relaxed);
        self.exchange(method, url, body).await
    }

    /// Sends one request to a URL that ARM or this client made.
    async fn exchange(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<ArmResponse, ArmError> {
        let path = url.path().to_owned();
        let fail = |cause| ArmError::new(method.as_str(), path.clone(), cause);
        if !self.cloud.trusts(&url) {
            return Err(fail(Cause::UntrustedUrl(Box::new(url))));
        }
        let mut request = Request::new(url.clone(), method);
        request.insert_header(ACCEPT, "application/json");
        if let Some(body) = body {
            request.insert_header(CONTENT_TYPE, "application/json");
            request.set_body(body.to_string());
        }
        let unchecked = PipelineStreamOptions {
            skip_checks: true,
            ..PipelineStreamOptions::default()
        };
        let answer = self
            .pipeline
            .stream(&Context::new(), &mut request, Some(unchecked))
            .await
            .map_err(|error| {
                fail(match error.kind() {
                    ErrorKind::Connection => Cause::Unreachable(without_query(innermost(error))),
                    ErrorKind::Credential => Cause::Credential(CredentialError::from_pipeline(error)),
                    _ => Cause::Interrupted(without_query(innermost(error))),
                })
            })?;
        ArmResponse::read(&url, answer, self.limits.body)
            .await
            .map_err(fail)
    }
}

/// Operation URLs are signed in their query, which the HTTP client would print.
fn without_query(mut error: azure_core::Error) -> azure_core::Error {
    if let Some(url) = error
        .downcast_mut::<reqwest::Error>()
        .and_then(reqwest::Error::url_mut)
    {
        url.set_query(None);
    }
    error
}
