//! etcd, kube-apiserver and kube-controller-manager on free ports of the loopback interface.
//!
//! Invariant: [`ControlPlane::start`] returns when the API server is ready, or with the log of what was not.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kube::Client;

use crate::binaries::Binaries;
use crate::certificates::{Authority, Pair};
use crate::error::Error;
use crate::kubeconfig::{self, Proof};
use crate::kubectl::Kubectl;
use crate::process::Process;
use crate::tls;

/// How long a start may take. It takes three seconds on two idle cores.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two questions whether the API server is ready.
const LOOK: Duration = Duration::from_millis(50);

/// Starts that are tried when somebody else takes a port between its choice and its use.
const STARTS: usize = 5;

/// A running control plane.
#[derive(Debug)]
pub struct ControlPlane {
    binaries: Binaries,
    folder: PathBuf,
    url: String,
    authority: Authority,
    kubeconfig: PathBuf,
    // Dropped in this order: the clients of etcd before etcd.
    controller_manager: Process,
    apiserver: Process,
    etcd: Process,
}

impl ControlPlane {
    /// Starts one with its data and logs in `folder`, which is emptied before. Who wants the programs to end calls
    /// drop; they also end with this process.
    ///
    /// # Errors
    /// A program cannot be started, ends, or does not become ready in time.
    pub async fn start(binaries: &Binaries, folder: &Path) -> Result<Self, Error> {
        let mut left = STARTS;
        loop {
            left -= 1;
            match Self::start_once(binaries.clone(), folder).await {
                Err(Error::Ended { tail, .. }) if left > 0 && tail.contains("address already in use") => {}
                done => return done,
            }
        }
    }

    async fn start_once(binaries: Binaries, folder: &Path) -> Result<Self, Error> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::file("emptying", folder)(error));
            }
            _ => fs::create_dir_all(folder).map_err(Error::file("creating", folder))?,
        }
        let authority = Authority::new("testbed")?;
        let [client_port, peer_port, port] = free_ports()?;
        let store = loopback("http", client_port);
        let url = loopback("https", port);
        let kubeconfig = kubeconfig::write(
            &folder.join("admin.kubeconfig"),
            &url,
            authority.certificate(),
            &Proof::Certificate(&authority.client("admin", "system:masters")?),
        )?;
        let etcd = start_etcd(&binaries, folder, &store, &loopback("http", peer_port))?;
        let apiserver = start_apiserver(&binaries, folder, &authority, &store, port)?;
        let controller_manager = start_controller_manager(&binaries, folder, &kubeconfig)?;
        let mut plane = Self {
            binaries,
            folder: folder.to_owned(),
            url,
            authority,
            kubeconfig,
            controller_manager,
            apiserver,
            etcd,
        };
        plane.until_ready().await?;
        plane.publish_issuer()?;
        Ok(plane)
    }

    /// Until the API server answers that it is ready.
    ///
    /// # Errors
    /// A program ended, or the API server is not ready in time.
    async fn until_ready(&mut self) -> Result<(), Error> {
        let client = tls::client(self.authority.certificate())?;
        let readyz = format!("{}/readyz", self.url);
        let started = Instant::now();
        loop {
            self.etcd.check()?;
            self.apiserver.check()?;
            self.controller_manager.check()?;
            let last = match client.get(&readyz).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            if started.elapsed() > PATIENCE {
                return Err(Error::TimedOut {
                    what: format!(
                        "kube-apiserver was not ready, its logs are in {}",
                        self.folder.display()
                    ),
                    waited: PATIENCE,
                    last,
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Lets everybody read the keys that sign ServiceAccount tokens, as managed clusters do: Entra reads them
    /// anonymously.
    fn publish_issuer(&self) -> Result<(), Error> {
        self.kubectl().ok(&[
            "create",
            "clusterrolebinding",
            "issuer-discovery-for-everybody",
            "--clusterrole=system:service-account-issuer-discovery",
            "--group=system:unauthenticated",
        ])?;
        Ok(())
    }

    /// The API server's URL, which is the issuer of ServiceAccount tokens too.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate authority that signed the API server's certificate.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The programs.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Where the data and the logs are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// kubectl as the administrator.
    #[must_use]
    pub fn kubectl(&self) -> Kubectl {
        Kubectl::new(self.binaries.program("kubectl"), self.kubeconfig.clone())
    }

    /// A client as the administrator.
    ///
    /// # Errors
    /// The kubeconfig cannot be used.
    pub async fn client(&self) -> Result<Client, Error> {
        kubeconfig::client(&self.kubeconfig).await
    }
}

fn start_etcd(binaries: &Binaries, folder: &Path, url: &str, peer: &str) -> Result<Process, Error> {
    let arguments = arguments(&[
        ("data-dir", &folder.join("etcd").to_string_lossy()),
        ("listen-client-urls", url),
        ("advertise-client-urls", url),
        ("listen-peer-urls", peer),
        ("initial-advertise-peer-urls", peer),
        ("initial-cluster", &format!("default={peer}")),
        ("unsafe-no-fsync", "true"),
        ("log-level", "warn"),
    ]);
    Process::start(
        &binaries.program("etcd"),
        &arguments,
        &[],
        &folder.join("etcd.log"),
    )
}

fn start_apiserver(
    binaries: &Binaries,
    folder: &Path,
    authority: &Authority,
    store: &str,
    port: u16,
) -> Result<Process, Error> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let url = loopback("https", port);
    write(&folder.join("ca.crt"), authority.certificate())?;
    write_pair(folder, "server", &authority.server("kube-apiserver")?)?;
    // Of this certificate only the public key is used: it checks ServiceAccount tokens.
    write_pair(folder, "signer", &authority.server("service-accounts")?)?;
    let arguments = arguments(&[
        ("etcd-servers", store),
        ("bind-address", "127.0.0.1"),
        ("advertise-address", "127.0.0.1"),
        ("secure-port", &port.to_string()),
        ("tls-cert-file", &path("server.crt")),
        ("tls-private-key-file", &path("server.key")),
        ("client-ca-file", &path("ca.crt")),
        ("authorization-mode", "RBAC"),
        ("service-account-issuer", &url),
        ("service-account-jwks-uri", &format!("{url}/openid/v1/jwks")),
        ("service-account-key-file", &path("signer.crt")),
        ("service-account-signing-key-file", &path("signer.key")),
        ("service-cluster-ip-range", "10.0.0.0/24"),
        ("endpoint-reconciler-type", "none"),
    ]);
    Process::start(
        &binaries.program("kube-apiserver"),
        &arguments,
        &[],
        &folder.join("kube-apiserver.log"),
    )
}

fn start_controller_manager(binaries: &Binaries, folder: &Path, kubeconfig: &Path) -> Result<Process, Error> {
    let arguments = arguments(&[
        ("kubeconfig", &kubeconfig.to_string_lossy()),
        (
            "controllers",
            "garbage-collector-controller,namespace-controller,serviceaccount-controller",
        ),
        ("leader-elect", "false"),
        ("bind-address", "127.0.0.1"),
        // It serves nothing that anybody here asks for.
        ("secure-port", "0"),
    ]);
    Process::start(
        &binaries.program("kube-controller-manager"),
        &arguments,
        &[],
        &folder.join("kube-controller-manager.log"),
    )
}

fn loopback(scheme: &str, port: u16) -> String {
    format!("{scheme}://127.0.0.1:{port}")
}

fn arguments(pairs: &[(&str, &str)]) -> Vec<OsString> {
    pairs
        .iter()
        .map(|(name, value)| OsString::from(format!("--{name}={value}")))
        .collect()
}

/// Ports that were free a moment ago. All are held until all are found, so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N], Error> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(Error::file("binding a port of", "127.0.0.1"))?;
        *port = listener
            .local_addr()
            .map_err(Error::file("reading a port of", "127.0.0.1"))?
            .port();
        listeners.push(listener);
    }
    Ok(ports)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::file("writing", path))
}

fn write_pair(folder: &Path, name: &str, pair: &Pair) -> Result<(), Error> {
    write(&folder.join(format!("{name}.crt")), &pair.certificate)?;
    write(&folder.join(format!("{name}.key")), &pair.key)
}
