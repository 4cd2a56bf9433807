//! A token for Azure from somebody's word for an identity: workload identity federation with Entra.
//!
//! Invariant: the assertion goes to the authority alone and never into an error, a log line or `Debug` output; a fetch
//! ends within a known time, and a failure does not make every caller behind it wait for its own.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind;
use azure_core::http::{ClientMethodOptions, ClientOptions, RetryOptions, Transport};
use azure_identity::{ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions};
use tokio::time::Instant;
use url::Url;

mod entra;
mod error;
#[cfg(test)]
mod tests;

pub use error::CredentialError;
pub(crate) use error::innermost;

/// Time for one token: the assertion and Entra's answer.
const FETCH: Duration = Duration::from_secs(30);
/// How long a failure is the answer for those who ask next. The SDK fetches one at a time: without this, a thousand
/// callers behind a slow authority would each wait for their own time-out.
const REMEMBER_FAILURE: Duration = Duration::from_secs(5);

/// Somebody who vouches for an identity, such as a Kubernetes API server that issues service account tokens.
#[async_trait]
pub trait AssertionSource: fmt::Debug + Send + Sync {
    /// A signed statement that Entra exchanges for a token: issuer, subject and audience as the federated credential has
    /// them.
    ///
    /// # Errors
    /// When there is none.
    async fn assertion(&self) -> Result<Secret, CredentialError>;
}

/// An identity of Entra that proves itself with an [`AssertionSource`].
///
/// Tokens are kept by the SDK's bearer token policy, one for each client, and fetched anew five minutes before they expire
/// and after a 401.
pub struct FederatedCredential {
    tenant_id: String,
    client_id: String,
    authority: Url,
    transport: Transport,
    source: Arc<dyn AssertionSource>,
    failure: Mutex<Option<(Instant, CredentialError)>>,
}

impl fmt::Debug for FederatedCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FederatedCredential")
            .field("tenant_id", &self.tenant_id)
            .field("client_id", &self.client_id)
            .field("authority", &self.authority.as_str())
            .finish_non_exhaustive()
    }
}

impl FederatedCredential {
    /// An identity by tenant and client id. Nothing is fetched yet.
    ///
    /// # Errors
    /// When an id or the authority cannot be used.
    pub fn new(
        tenant_id: impl Into<String>,
        client_id: impl Into<String>,
        authority: Url,
        source: Arc<dyn AssertionSource>,
        transport: Transport,
    ) -> Result<Self, CredentialError> {
        let credential = Self {
            tenant_id: tenant_id.into(),
            client_id: client_id.into(),
            authority,
            transport,
            source,
            failure: Mutex::new(None),
        };
        credential.exchange()?;
        Ok(credential)
    }

    /// One exchange. The SDK's credential keeps tokens for itself with no way to drop one; it is made anew for every
    /// exchange so that a token that ARM answered with 401 is not handed out again until it expires.
    fn exchange(&self) -> Result<Arc<ClientAssertionCredential<Adapter>>, CredentialError> {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = self.authority.to_string();
        let client_options = ClientOptions {
            per_try_policies: vec![Arc::new(entra::Refusals)],
            retry: RetryOptions::none(),
            transport: Some(self.transport.clone()),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            ..ClientOptions::default()
        };
        ClientAssertionCredential::new(
            self.tenant_id.clone(),
            self.client_id.clone(),
            Adapter(Arc::clone(&self.source)),
            Some(ClientAssertionCredentialOptions { client_options }),
        )
        .map_err(|source| CredentialError::Settings {
            tenant_id: self.tenant_id.clone(),
            source: Arc::new(source),
        })
    }

    async fn fetch(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> Result<AccessToken, CredentialError> {
        let exchange = self.exchange()?;
        let token = tokio::time::timeout(FETCH, exchange.get_token(scopes, options))
            .await
            .map_err(|_| CredentialError::TimedOut {
                authority: self.authority.to_string(),
                after: FETCH,
            })?
            .map_err(|error| CredentialError::of(error, &self.authority))?;
        if token.token.secret().is_empty() {
            let what = "it holds no access_token".to_owned();
            return Err(CredentialError::BadAnswer { status: 200, what });
        }
        Ok(token)
    }

    fn recent_failure(&self) -> Option<CredentialError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure
            .as_ref()
            .filter(|(at, _)| at.elapsed() < REMEMBER_FAILURE)
            .map(|(_, error)| error.clone())
    }

    fn remember(&self, failure: Option<&CredentialError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) =
            failure.map(|error| (Instant::now(), error.clone()));
    }
}

#[async_trait]
impl TokenCredential for FederatedCredential {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let fetched = match self.recent_failure() {
            Some(failure) => Err(failure),
            None => {
                let fetched = self.fetch(scopes, options).await;
                self.remember(fetched.as_ref().err());
                fetched
            }
        };
        fetched.map_err(|error| azure_core::Error::new(ErrorKind::Credential, error))
    }
}

#[derive(Debug)]
struct Adapter(Arc<dyn AssertionSource>);

#[async_trait]
impl ClientAssertion for Adapter {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        match self.0.assertion().await {
            Ok(assertion) => Ok(assertion.secret().to_owned()),
            Err(error) => Err(azure_core::Error::new(ErrorKind::Credential, error)),
        }
    }
}
