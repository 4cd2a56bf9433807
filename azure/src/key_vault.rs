//! Key Vault's data plane: what Azure Resource Manager cannot tell of a key.
//!
//! Invariant: a token goes to vaults of the cloud's suffix alone, and a failure here says nothing about the key.

use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RetryOptions, StatusCode, Transport};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions};
use url::Url;

#[cfg(test)]
mod tests;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a vault told nothing.
#[derive(Debug, thiserror::Error)]
pub enum KeyVaultError {
    /// Not a vault of this cloud; no token is sent there.
    #[error("{url} is no vault below {suffix}, so no token is sent there")]
    Foreign {
        /// The vault's URL.
        url: String,
        /// The cloud's suffix.
        suffix: String,
    },
    /// It did not answer, or refused.
    #[error("vault {url} did not tell whether key {key} is among its deleted ones")]
    Request {
        /// The vault's URL.
        url: String,
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: azure_core::Error,
    },
    /// It took too long.
    #[error("vault {url} did not answer within {seconds} s")]
    TimedOut {
        /// The vault's URL.
        url: String,
        /// How long was waited.
        seconds: u64,
    },
}

/// A key that was deleted and can be recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedKey {
    /// When the vault purges it, in seconds since 1970.
    pub purge_at: Option<i64>,
}

/// The vaults of a cloud, for one identity.
#[derive(Clone, Debug)]
pub struct KeyVaults {
    suffix: String,
    credential: Arc<dyn TokenCredential>,
    transport: Transport,
}

impl KeyVaults {
    /// The vaults below `suffix`, such as `vault.azure.net`; with a port when it is not https's own.
    #[must_use]
    pub fn new(suffix: &str, credential: Arc<dyn TokenCredential>, transport: Transport) -> Self {
        Self {
            suffix: suffix.to_ascii_lowercase(),
            credential,
            transport,
        }
    }

    /// A key among the deleted ones of the vault at `vault`; `None` when it is not there.
    ///
    /// # Errors
    /// The vault is not of this cloud, cannot be reached, or refuses. None of it says anything about the key.
    pub async fn deleted_key(&self, vault: &Url, key: &str) -> Result<Option<DeletedKey>, KeyVaultError> {
        if !is_below(vault, &self.suffix) {
            return Err(KeyVaultError::Foreign {
                url: vault.to_string(),
                suffix: self.suffix.clone(),
            });
        }
        let failed = |source| KeyVaultError::Request {
            url: vault.to_string(),
            key: key.to_owned(),
            source,
        };
        let options = KeyClientOptions {
            client_options: ClientOptions {
                retry: RetryOptions::none(),
                transport: Some(self.transport.clone()),
                ..ClientOptions::default()
            },
            ..KeyClientOptions::default()
        };
        let client =
            KeyClient::new(vault.as_str(), Arc::clone(&self.credential), Some(options)).map_err(failed)?;
        let answer = tokio::time::timeout(PATIENCE, client.get_deleted_key(key, None))
            .await
            .map_err(|_| KeyVaultError::TimedOut {
                url: vault.to_string(),
                seconds: PATIENCE.as_secs(),
            })?;
        match answer {
            Ok(answer) => {
                let deleted = answer.into_model().map_err(failed)?;
                Ok(Some(DeletedKey {
                    purge_at: deleted.scheduled_purge_date.map(|date| date.unix_timestamp()),
                }))
            }
            Err(error) if error.http_status() == Some(StatusCode::NotFound) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Whether a URL is that of a vault below the suffix: https, one label before it, and the same port.
fn is_below(vault: &Url, suffix: &str) -> bool {
    if vault.scheme() != "https" || !vault.username().is_empty() || vault.password().is_some() {
        return false;
    }
    let Some(host) = vault.host_str() else {
        return false;
    };
    let authority = match vault.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    authority
        .to_ascii_lowercase()
        .strip_suffix(suffix)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|label| !label.is_empty() && !label.contains('.'))
}
