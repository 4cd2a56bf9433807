//! The way to Azure: TLS with the platform's roots and the installation's own, time-outs, and no redirects.
//!
//! Invariant: a request ends. It ends with an answer, or with an error after the times below.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use azure_core::http::Transport;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, redirect};

#[cfg(test)]
mod tests;

/// Time to reach a host, with TLS.
const CONNECT: Duration = Duration::from_secs(10);
/// Time between two pieces of an answer.
const READ: Duration = Duration::from_secs(60);
/// Time for a whole exchange, so that a server that drips its answer does not hold a caller for ever.
const WHOLE: Duration = Duration::from_secs(120);

/// Why there is no transport.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The extra CA is not a PEM bundle.
    #[error("the extra CA bundle is not PEM; it must hold -----BEGIN CERTIFICATE----- blocks")]
    NotPem(#[source] reqwest::Error),
    /// The extra CA holds no certificate.
    #[error("the extra CA bundle holds no certificate")]
    NoCertificate,
    /// TLS could not be set up, usually because the system has no root certificates.
    #[error("TLS could not be set up; the system needs a bundle of root certificates (SSL_CERT_FILE)")]
    Tls(#[source] reqwest::Error),
}

/// A transport that trusts the platform's root certificates and those in `extra_ca_pem`.
///
/// Names under `localhost` go to the loopback interface whatever the machine's resolver says (RFC 6761, 6.3).
///
/// # Errors
/// When the extra CA holds no certificate, or TLS cannot be set up.
pub fn transport(extra_ca_pem: Option<&[u8]>) -> Result<Transport, TransportError> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .timeout(WHOLE)
        .redirect(redirect::Policy::none())
        .https_only(true)
        .dns_resolver(LoopbackForLocalhost);
    if let Some(pem) = extra_ca_pem {
        let extra = Certificate::from_pem_bundle(pem).map_err(TransportError::NotPem)?;
        if extra.is_empty() {
            return Err(TransportError::NoCertificate);
        }
        builder = builder.tls_certs_merge(extra);
    }
    let client = builder.build().map_err(TransportError::Tls)?;
    Ok(Transport::new(Arc::new(client)))
}

#[derive(Debug)]
struct LoopbackForLocalhost;

impl Resolve for LoopbackForLocalhost {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_localhost(name.as_str()) {
                let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                return Ok(Box::new(loopback.map(|ip| SocketAddr::new(ip, 0)).into_iter()) as Addrs);
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
