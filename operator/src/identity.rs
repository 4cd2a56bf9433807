//! Who acts in Azure for which namespace.
//!
//! Invariant: an identity is a ServiceAccount in the operator's own namespace that lists the namespaces it serves; a
//! namespace that none or more than one lists gets no access. Tokens are minted for those ServiceAccounts alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azure_core::credentials::{Secret, TokenCredential};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use keyholder_azure::{ArmClient, AssertionSource, Cloud, CredentialError, FederatedCredential, KeyVaults};
use keyholder_crds::Reason;
use keyholder_crds::vocabulary::{
    CLIENT_ID_ANNOTATION, NAMESPACES_ANNOTATION, TENANT_ID_ANNOTATION, TOKEN_AUDIENCE,
};
use keyholder_planner::Why;
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};
use kube_runtime::reflector::Store;

use crate::inventory::Inventory;

/// Seconds that a ServiceAccount token lives: the least that Kubernetes grants.
const TOKEN_SECONDS: i64 = 600;

/// What identifies an identity: if any of it changes, it is another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    /// Name of the ServiceAccount.
    pub service_account: String,
    /// Its uid: a ServiceAccount made anew under the name is another one.
    pub uid: String,
    /// Entra application (client) id.
    pub client_id: String,
    /// Entra tenant.
    pub tenant_id: String,
}

/// An identity, and what was read with it. Nothing read with one identity is seen through another.
#[derive(Debug)]
pub struct Azure {
    /// Whose it is.
    pub principal: Principal,
    /// What it read, and its client.
    pub inventory: Inventory,
    /// The data plane of key vaults, where the installation uses it.
    pub vaults: Option<KeyVaults>,
    /// Whether quotas are asked for.
    pub quotas: bool,
}

/// What an installation asks for beside what it must know.
#[derive(Clone, Copy, Debug)]
pub struct Asks {
    /// Key vaults themselves.
    pub vaults: bool,
    /// Quotas.
    pub quotas: bool,
}

/// All identities of the operator's namespace.
pub struct Identities {
    client: Client,
    namespace: String,
    cloud: Cloud,
    asks: Asks,
    transport: azure_core::http::Transport,
    accounts: Store<ServiceAccount>,
    in_use: Mutex<HashMap<Principal, Arc<Azure>>>,
}

impl Identities {
    /// Identities from the ServiceAccounts in `accounts`, a reflection of `namespace`.
    #[must_use]
    pub fn new(
        client: Client,
        namespace: String,
        cloud: Cloud,
        asks: Asks,
        transport: azure_core::http::Transport,
        accounts: Store<ServiceAccount>,
    ) -> Self {
        Self {
            client,
            namespace,
            cloud,
            asks,
            transport,
            accounts,
            in_use: Mutex::new(HashMap::new()),
        }
    }

    /// The identity that serves `namespace`.
    ///
    /// # Errors
    /// `NoIdentity` when none or more than one ServiceAccount lists the namespace, or when its annotations are not whole.
    pub fn serving(&self, namespace: &str) -> Result<Arc<Azure>, Why> {
        let accounts = self.accounts.state();
        let principal = choose(accounts.iter().map(AsRef::as_ref), namespace, &self.namespace)?;
        self.azure(principal)
    }

    fn azure(&self, principal: Principal) -> Result<Arc<Azure>, Why> {
        let mut in_use = self
            .in_use
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(azure) = in_use.get(&principal) {
            return Ok(Arc::clone(azure));
        }
        let source = ServiceAccountToken {
            api: Api::namespaced(self.client.clone(), &self.namespace),
            name: principal.service_account.clone(),
        };
        let credential = FederatedCredential::new(
            principal.tenant_id.as_str(),
            principal.client_id.as_str(),
            self.cloud.authority().clone(),
            Arc::new(source),
            self.transport.clone(),
        )
        .map_err(|error| {
            no_identity(format!(
                "ServiceAccount {}/{} names tenant {} and client {}, which cannot be used: {error}",
                self.namespace, principal.service_account, principal.tenant_id, principal.client_id
            ))
        })?;
        let credential: Arc<dyn TokenCredential> = Arc::new(credential);
        let vaults = self
            .cloud
            .vault_suffix()
            .filter(|_| self.asks.vaults)
            .map(|suffix| KeyVaults::new(suffix, Arc::clone(&credential), self.transport.clone()));
        let arm = ArmClient::new(self.cloud.clone(), credential, self.transport.clone());
        // Another identity under the same ServiceAccount name replaces the one before: what that one read is dropped.
        in_use.retain(|other, _| other.service_account != principal.service_account);
        let azure = Arc::new(Azure {
            principal: principal.clone(),
            inventory: Inventory::new(Arc::new(arm)),
            vaults,
            quotas: self.asks.quotas,
        });
        in_use.insert(principal, Arc::clone(&azure));
        Ok(azure)
    }
}

fn no_identity(message: String) -> Why {
    Why {
        reason: Reason::NoIdentity,
        message,
        retry_at: None,
    }
}

/// The one ServiceAccount that lists `namespace`.
fn choose<'a>(
    accounts: impl Iterator<Item = &'a ServiceAccount>,
    namespace: &str,
    home: &str,
) -> Result<Principal, Why> {
    let mut serving: Vec<&ServiceAccount> = accounts
        .filter(|account| {
            account
                .annotations()
                .get(NAMESPACES_ANNOTATION)
                .is_some_and(|listed| {
                    listed
                        .split(',')
                        .map(str::trim)
                        .any(|one| one == "*" || one == namespace)
                })
        })
        .collect();
    serving.sort_by_key(|account| account.name_any());
    match serving.as_slice() {
        [] => Err(no_identity(format!(
            "No identity serves namespace {namespace}: no ServiceAccount in namespace {home} lists it in the annotation \
             {NAMESPACES_ANNOTATION}. A platform administrator adds it: kubectl -n {home} annotate --overwrite serviceaccount NAME \
             {NAMESPACES_ANNOTATION}={namespace}"
        ))),
        [account] => {
            let annotation = |key: &str| {
                account.annotations().get(key).cloned().filter(|value| !value.is_empty()).ok_or_else(|| {
                    no_identity(format!(
                        "ServiceAccount {home}/{} serves namespace {namespace} but lacks the annotation {key}",
                        account.name_any()
                    ))
                })
            };
            Ok(Principal {
                service_account: account.name_any(),
                uid: account.uid().unwrap_or_default(),
                client_id: annotation(CLIENT_ID_ANNOTATION)?,
                tenant_id: annotation(TENANT_ID_ANNOTATION)?,
            })
        }
        several => Err(no_identity(format!(
            "More than one identity serves namespace {namespace}: ServiceAccounts {} in namespace {home} list it. Which one is \
             meant is not guessed: leave it in the annotation {NAMESPACES_ANNOTATION} of one of them.",
            several
                .iter()
                .map(|account| account.name_any())
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}

/// Kubernetes' word for who the operator is: a token of the identity's ServiceAccount, meant for Entra alone.
#[derive(Debug)]
struct ServiceAccountToken {
    api: Api<ServiceAccount>,
    name: String,
}

#[async_trait]
impl AssertionSource for ServiceAccountToken {
    async fn assertion(&self) -> Result<Secret, CredentialError> {
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                audiences: Some(vec![TOKEN_AUDIENCE.to_owned()]),
                expiration_seconds: Some(TOKEN_SECONDS),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let answer = self
            .api
            .create_token_request(&self.name, &PostParams::default(), &request)
            .await
            .map_err(|error| {
                CredentialError::assertion(
                    format!("Kubernetes gave no token for ServiceAccount {}", self.name),
                    Some(Arc::new(error)),
                )
            })?;
        answer
            .status
            .and_then(|status| status.token)
            .map(Secret::new)
            .ok_or_else(|| {
                CredentialError::assertion(
                    format!(
                        "Kubernetes answered without a token for ServiceAccount {}",
                        self.name
                    ),
                    None,
                )
            })
    }
}

#[cfg(test)]
mod tests;
