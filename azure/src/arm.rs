//! Requests to Azure Resource Manager: one at a time, sent once, answered with what ARM said.
//!
//! Invariants: a request is sent to a trusted host or not at all; it is never sent twice; it is not sent when the budget of
//! its subscription does not cover it; an answer is read up to a known size.

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
use tokio::time::Instant;
use url::Url;

use crate::budget::{Budget, Kind, Urgency, subscription_of};
use crate::cloud::Cloud;
use crate::credential::{CredentialError, innermost};
use crate::error::{ArmError, Cause};
use crate::operation::OperationState;

mod address;
mod answer;
#[cfg(test)]
mod budget_tests;
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
/// Clones share counters and budget.
#[derive(Clone, Debug)]
pub struct ArmClient {
    cloud: Cloud,
    pipeline: Pipeline,
    limits: Limits,
    counters: Arc<Counters>,
    budget: Arc<Budget>,
    urgency: Urgency,
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
            counters: Arc::default(),
            budget: Arc::default(),
            urgency: Urgency::Pass,
        }
    }

    /// The same client for what nobody waits for: it leaves a part of the budget to the others.
    #[must_use]
    pub fn for_sweeps(&self) -> Self {
        Self {
            urgency: Urgency::Sweep,
            ..self.clone()
        }
    }

    /// Whether the budget covers a write to a path now.
    ///
    /// # Errors
    /// It does not; the time is when it may.
    pub fn covers(&self, method: Method, path: &str) -> Result<(), std::time::Duration> {
        self.budget
            .look(subscription_of(path), Kind::of(method), Instant::now())
    }

    /// What may still be asked.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
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
        match self.exchange(Method::Get, url.clone(), None, Purpose::Poll).await {
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
        self.exchange(method, url, body, Purpose::Request).await
    }

    /// Sends one request to a URL that ARM or this client made.
    async fn exchange(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        purpose: Purpose,
    ) -> Result<ArmResponse, ArmError> {
        let path = url.path().to_owned();
        let fail = |cause| ArmError::new(method.as_str(), path.clone(), cause);
        if !self.cloud.trusts(&url) {
            return Err(fail(Cause::UntrustedUrl(Box::new(url))));
        }
        let (subscription, kind) = (subscription_of(&path), Kind::of(method));
        let urgency = match purpose {
            Purpose::Request => self.urgency,
            // What has begun is brought to its end.
            Purpose::Poll | Purpose::NextPage => Urgency::Pass,
        };
        self.budget
            .take(subscription, kind, urgency, Instant::now())
            .map_err(|retry_after| {
                fail(Cause::Withheld {
                    subscription: subscription.to_owned(),
                    kind: kind.as_str(),
                    retry_after,
                })
            })?;
        match (purpose, kind) {
            (Purpose::Poll, _) => &self.counters.polls,
            (_, Kind::Reads) => &self.counters.reads,
            (_, Kind::Writes | Kind::Deletes) => &self.counters.writes,
        }
        .fetch_add(1, Ordering::Relaxed);
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
        let now = Instant::now();
        if let Some(left) = answer::remaining(answer.headers()) {
            self.budget.told(subscription, kind, left, now);
        }
        let answer = ArmResponse::read(&url, answer, self.limits.body)
            .await
            .map_err(fail);
        if let Err(error) = &answer
            && error.throttles_subscription()
        {
            self.budget.throttled(subscription, error.retry_after(), now);
        }
        answer
    }
}

/// What a request is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// It stands by itself.
    Request,
    /// A later page of a list.
    NextPage,
    /// An operation that goes on.
    Poll,
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
