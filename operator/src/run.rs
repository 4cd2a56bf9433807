//! Puts the operator together: Kubernetes, identities, the lease, controllers and the sweep.
//!
//! Invariant: on loss of the lease the process ends, so that nothing of it outlives its right to act.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::SignedDuration;
use k8s_controller::events::EventRecorder;
use k8s_openapi::api::core::v1::ServiceAccount;
use keyholder_azure::{Cloud, CloudError, TransportError, transport};
use keyholder_crds::vocabulary::EVENT_REPORTER;
use keyholder_crds::{AIHub, AIProject, AIServicesAccount};
use keyholder_planner::plan::Pace;
use kube::api::{Api, ListParams};
use kube::{Client, Config};
use kube_runtime::events::Reporter;
use kube_runtime::reflector::store;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::controller::{Objects, Shell, Waker, Watched, Worker, reflect_accounts};
use crate::family::Family;
use crate::health::{self, Health};
use crate::identity::{Asks, Identities};
use crate::metrics::Metrics;
use crate::reconcile::{Backoff, Context};
use crate::settings::{CloudName, Settings};
use crate::sweep::Sweeper;
use crate::turns::Turns;

/// Time to end what was begun, after a signal.
const DRAIN: Duration = Duration::from_secs(20);

/// Why the operator ended.
#[derive(Debug, Error)]
pub enum RunError {
    /// The settings cannot be used.
    #[error("the settings of Azure's cloud cannot be used")]
    Cloud(#[source] CloudError),
    /// The certificate authorities cannot be read.
    #[error("the certificate authorities in {path} cannot be read")]
    AuthorityFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No HTTP client.
    #[error("no HTTP client for Azure could be built")]
    Transport(#[source] TransportError),
    /// No configuration for Kubernetes.
    #[error("no configuration for the Kubernetes API server was found: set KUBECONFIG or run in a cluster")]
    Configuration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The health endpoint.
    #[error("the health endpoint cannot listen on {address}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Signals.
    #[error("signals cannot be awaited")]
    Signal(#[source] std::io::Error),
    /// The lease.
    #[error(
        "the lease {lease} was lost to another replica or could not be renewed; the process ends so that nothing of it goes on"
    )]
    LeaseLost {
        /// Its name.
        lease: String,
    },
}

/// Runs until a signal, or until the lease is lost.
///
/// # Errors
/// The settings cannot be used, or the lease was lost. That Kubernetes or Azure cannot be reached is no error: it says
/// so and tries again.
pub async fn run(settings: Settings) -> Result<(), RunError> {
    let cloud = cloud(&settings)?;
    let authorities = match &settings.azure_ca_file {
        None => None,
        Some(path) => Some(std::fs::read(path).map_err(|source| RunError::AuthorityFile {
            path: path.clone(),
            source,
        })?),
    };
    let transport = transport(authorities.as_deref()).map_err(RunError::Transport)?;
    let client = kubernetes().await?;
    let shutdown = shutdown_on_signal()?;

    let metrics = Arc::new(Metrics::new());
    let health = Arc::new(Health::default());
    let address = health::serve(
        settings.listen,
        Arc::clone(&health),
        Arc::clone(&metrics),
        shutdown.clone().cancelled_owned(),
    )
    .await
    .map_err(|source| RunError::Listen {
        address: settings.listen,
        source,
    })?;
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), namespace = settings.namespace, "keyholder serves health and metrics");

    let work = async {
        // A kind that is not there so far hinders no other: its watch is taken up once it is.
        tokio::select! {
            () = wait_for_crd::<AIHub>(&client, &settings) => {}
            () = wait_for_crd::<AIServicesAccount>(&client, &settings) => {}
            () = wait_for_crd::<AIProject>(&client, &settings) => {}
        }
        let waker = Waker::new();
        let family = Arc::new(Family::new(waker.clone()));
        let mut workers = Vec::new();
        workers.extend(workers_of::<AIHub>(&client, &settings, &waker, &family));
        workers.extend(workers_of::<AIServicesAccount>(
            &client, &settings, &waker, &family,
        ));
        workers.extend(workers_of::<AIProject>(&client, &settings, &waker, &family));
        let stores: Vec<_> = workers.iter().map(|worker| worker.objects()).collect();
        family.look_in(stores.clone());
        let (accounts, writer) = store::<ServiceAccount>();
        let wake_all = wake_all(stores.clone(), waker.clone());
        let identities = Arc::new(Identities::new(
            client.clone(),
            settings.namespace.clone(),
            cloud,
            Asks {
                vaults: settings.key_vault_data_plane,
                quotas: settings.predict_quotas,
            },
            transport,
            accounts.clone(),
        ));
        let reflecting = tokio::spawn(reflect_accounts(
            client.clone(),
            settings.namespace.clone(),
            writer,
            wake_all,
        ));
        if accounts.wait_until_ready().await.is_err() {
            tracing::error!("the watch of identities ended");
        }
        health.set_ready();

        let context = Arc::new(Context {
            client: client.clone(),
            identities: Arc::clone(&identities),
            family: Arc::clone(&family),
            turns: Turns::new(waker.clone()),
            owner_id: settings.owner_id.clone(),
            pace: pace(&settings),
            sweep_interval: settings.sweep_interval,
            backoff: Backoff::default(),
            events: EventRecorder::new(
                client.clone(),
                Reporter {
                    controller: EVENT_REPORTER.to_owned(),
                    instance: Some(settings.replica.clone()),
                },
            ),
            metrics: Arc::clone(&metrics),
        });
        let sweeper = Sweeper {
            stores,
            family,
            identities,
            owner_id: settings.owner_id.clone(),
            waker,
            metrics: Arc::clone(&metrics),
            interval: settings.sweep_interval,
        };
        let election = k8s_controller::LeaderElection::new(
            client.clone(),
            &settings.namespace,
            &settings.lease_name,
            &settings.replica,
        );
        let lead = async {
            tracing::info!(
                lease = settings.lease_name,
                replica = settings.replica,
                "this replica leads"
            );
            metrics.leading();
            let controllers = futures::future::join_all(
                workers
                    .into_iter()
                    .map(|worker| worker.run(Arc::clone(&context), shutdown.clone())),
            );
            tokio::select! {
                _ = controllers => {}
                () = sweeper.run() => {}
            }
        };
        let kept = election.clone().with_lease(lead).await;
        reflecting.abort();
        if kept.is_none() {
            return Err(RunError::LeaseLost {
                lease: settings.lease_name.clone(),
            });
        }
        Ok(())
    };

    tokio::select! {
        result = work => result,
        () = drained(&shutdown) => {
            tracing::warn!("not everything ended in time");
            Ok(())
        }
    }
}

async fn drained(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tracing::info!("ending: no new work is begun");
    tokio::time::sleep(DRAIN).await;
}

fn cloud(settings: &Settings) -> Result<Cloud, RunError> {
    match (
        &settings.arm_endpoint,
        &settings.arm_audience,
        &settings.authority,
    ) {
        (Some(endpoint), Some(audience), Some(authority)) => {
            let custom = Cloud::custom(endpoint, audience, authority).map_err(RunError::Cloud)?;
            Ok(match &settings.key_vault_suffix {
                Some(suffix) => custom.with_vault_suffix(suffix),
                None => custom,
            })
        }
        _ => match settings.cloud {
            CloudName::Public => Cloud::public(),
            CloudName::UsGovernment => Cloud::us_government(),
            CloudName::China => Cloud::china(),
        }
        .map_err(RunError::Cloud),
    }
}

async fn kubernetes() -> Result<Client, RunError> {
    let mut config = Config::infer()
        .await
        .map_err(|error| RunError::Configuration(Box::new(error)))?;
    // The client's own retries would hold a pass for minutes; the controller's backoff tries again instead.
    config.default_retry = false;
    Client::try_from(config).map_err(|error| RunError::Configuration(Box::new(error)))
}

fn watched(settings: &Settings) -> Vec<Option<&str>> {
    if settings.watch_namespaces.is_empty() {
        return vec![None];
    }
    settings
        .watch_namespaces
        .iter()
        .map(|namespace| Some(namespace.as_str()))
        .collect()
}

/// Watches and controllers of a kind.
fn workers_of<K: Watched>(
    client: &Client,
    settings: &Settings,
    waker: &Waker,
    family: &Arc<Family>,
) -> Vec<Box<dyn Worker>> {
    let mut workers: Vec<Box<dyn Worker>> = Vec::new();
    for namespace in watched(settings) {
        workers.push(Box::new(Shell::<K>::new(
            client.clone(),
            namespace,
            waker,
            Arc::clone(family),
            settings.concurrency,
        )));
    }
    workers
}

/// Until the API server shows objects of a kind to this operator, says why it does not.
async fn wait_for_crd<K: Watched>(client: &Client, settings: &Settings) {
    let kind = K::kind(&());
    let namespace = watched(settings).first().copied().flatten();
    let api: Api<kube::core::PartialObjectMeta<K>> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(30))
        .without_max_times()
        .with_jitter();
    for wait in waits.build() {
        match api.list_metadata(&ListParams::default().limit(1)).await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                tracing::warn!(
                    retry_in = ?wait, %kind,
                    "the API server does not know this kind: install the CustomResourceDefinition {}.{}",
                    K::plural(&()), K::group(&())
                );
            }
            Err(error) => {
                tracing::warn!(retry_in = ?wait, error = keyholder_azure::chain(&error), "the Kubernetes API server cannot be used so far");
            }
        }
        tokio::time::sleep(wait).await;
    }
}

fn wake_all(stores: Vec<Arc<dyn Objects>>, waker: Waker) -> impl Fn() + Send {
    move || {
        for store in &stores {
            store.each(&mut |object, _| waker.wake(object));
        }
    }
}

fn pace(settings: &Settings) -> Pace {
    // Too long for a signed duration is for ever.
    let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    Pace {
        probe: signed(settings.probe_interval),
        expiry_lead: signed(settings.key_expiry_lead),
        rotation_spread: signed(settings.rotation_spread),
        propagation: signed(settings.grant_propagation),
        poll: SignedDuration::from_secs(10),
        settle: SignedDuration::from_secs(5),
        retry: SignedDuration::from_secs(30),
    }
}

fn shutdown_on_signal() -> Result<CancellationToken, RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signal)?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancel.cancel();
    });
    Ok(token)
}
