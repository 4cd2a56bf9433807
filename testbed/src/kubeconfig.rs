//! Kubeconfig files.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::certificates::Pair;
use crate::error::Error;

/// How a user proves who it is.
#[derive(Clone, Debug)]
pub enum Proof<'a> {
    /// A client certificate.
    Certificate(&'a Pair),
    /// A bearer token.
    Token(&'a str),
}

/// Writes a kubeconfig for the API server at `url`, whose certificate `authority` (PEM) signed.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, url: &str, authority: &str, proof: &Proof<'_>) -> Result<PathBuf, Error> {
    let user: Value = match proof {
        Proof::Certificate(pair) => json!({
            "client-certificate-data": STANDARD.encode(&pair.certificate),
            "client-key-data": STANDARD.encode(&pair.key),
        }),
        Proof::Token(token) => json!({ "token": token }),
    };
    let cluster = json!({ "server": url, "certificate-authority-data": STANDARD.encode(authority) });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "testbed", "cluster": cluster }],
        "users": [{ "name": "testbed", "user": user }],
        "contexts": [{ "name": "testbed", "context": { "cluster": "testbed", "user": "testbed" } }],
        "current-context": "testbed",
    });
    // JSON is YAML, which is what a kubeconfig is.
    std::fs::write(path, format!("{config:#}\n")).map_err(Error::file("writing", path))?;
    Ok(path.to_owned())
}

/// A client with the kubeconfig at `path`.
///
/// # Errors
/// The file cannot be read or used.
pub async fn client(path: &Path) -> Result<Client, Error> {
    let kubeconfig =
        Kubeconfig::read_from(path).map_err(Error::kubernetes(format!("reading {}", path.display())))?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(Error::kubernetes(format!("using {}", path.display())))?;
    // Whoever waits here has a deadline of its own.
    config.default_retry = false;
    config.proxy_url = None;
    Client::try_from(config).map_err(Error::kubernetes(format!("using {}", path.display())))
}
