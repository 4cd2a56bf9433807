//! A running simulator: its listeners, its certificate authority, its beginning and its end.
//!
//! Invariant: it ends with its value.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use jiff::Timestamp;
use tower::ServiceExt as _;
use tower::make::Shared;

use crate::error::Error;
use crate::seed::Seed;
use crate::server::{Azure, Dropped};
use crate::settings::Settings;
use crate::traffic::Traffic;
use crate::world::World;

/// How to start one.
#[derive(Debug)]
pub struct Config {
    /// Where to listen; port 0 is a free one.
    pub listen: SocketAddr,
    /// Where the proxy listens that leads to this Azure and nowhere else; port 0 is a free one.
    pub proxy_listen: SocketAddr,
    /// What there is at the beginning; more can be given by `POST /_simulator/seed`.
    pub seed: Option<Seed>,
    /// Where to record all exchanges.
    pub traffic_log: Option<PathBuf>,
    /// Pace and switches; a seed can change them.
    pub settings: Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            proxy_listen: (Ipv4Addr::LOCALHOST, 0).into(),
            seed: None,
            traffic_log: None,
            settings: Settings::default(),
        }
    }
}

/// A running simulator; it ends with this value.
#[derive(Debug)]
pub struct Simulator {
    endpoint: String,
    authority: String,
    proxy: String,
    proxy_server: tokio::task::JoinHandle<()>,
    handle: Handle<SocketAddr>,
    server: tokio::task::JoinHandle<io::Result<()>>,
}

impl Simulator {
    /// Starts one.
    ///
    /// # Errors
    /// The address is taken, the traffic log cannot be written, or the seed is wrong.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let refused = |source| Error::Listen {
            address: config.listen.to_string(),
            source,
        };
        let (listener, address) = listen(config.listen)?;
        let (proxy, proxy_address) = listen(config.proxy_listen)?;
        let port = address.port();
        let endpoint = format!("https://localhost:{port}");
        let (authority, tls) = crate::certificates::make()?;
        let mut world = World {
            settings: config.settings,
            roles: crate::roles::built_in(),
            vault_suffix: format!("vault.localhost:{port}"),
            hsm_suffix: format!("managedhsm.localhost:{port}"),
            ..World::default()
        };
        if let Some(seed) = config.seed {
            seed.apply(&mut world, Timestamp::now())?;
        }
        let traffic = Traffic::new(config.traffic_log.as_deref())?;
        let azure = Arc::new(Azure::new(&endpoint, world, traffic));
        let proxy = tokio::net::TcpListener::from_std(proxy).map_err(refused)?;
        let proxy_server = tokio::spawn(crate::connect::serve(proxy, Arc::clone(&azure), address));
        let service = crate::server::router(azure)
            .into_service::<hyper::body::Incoming>()
            .map_err(|never: Infallible| -> io::Error { match never {} })
            .map_result(|answer: io::Result<Response>| match answer {
                Ok(answer) if answer.extensions().get::<Dropped>().is_some() => {
                    Err(io::Error::from(io::ErrorKind::ConnectionReset))
                }
                other => other,
            });
        let handle = Handle::new();
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(tls))
            .map_err(refused)?
            .handle(handle.clone());
        let server = tokio::spawn(server.serve(Shared::new(service)));
        Ok(Self {
            endpoint,
            authority,
            proxy: format!("http://{proxy_address}"),
            proxy_server,
            handle,
            server,
        })
    }

    /// `https://localhost:PORT`, of Azure Resource Manager and of Entra.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// `http://127.0.0.1:PORT`, of the proxy by which clients reach `localhost` and the hosts of vaults.
    #[must_use]
    pub fn proxy(&self) -> &str {
        &self.proxy
    }

    /// Its certificate authority, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority
    }

    /// Ends it, and waits until it has ended.
    pub async fn shutdown(mut self) {
        self.handle.graceful_shutdown(Some(Duration::from_secs(1)));
        // How it ended is of no more interest.
        let _ = (&mut self.server).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.proxy_server.abort();
        self.handle.shutdown();
    }
}

/// A listener, and where it is.
fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let refused = |source| Error::Listen {
        address: address.to_string(),
        source,
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let found = listener.local_addr().map_err(refused)?;
    Ok((listener, found))
}
