//! What the testbed's own HTTPS clients and servers agree on.

use std::sync::Arc;

use crate::certificates::Pair;
use crate::error::Error;

/// A client that trusts `authority` (PEM) alone, and takes no proxy from the environment: everything is on loopback.
///
/// # Errors
/// The authority is not a certificate.
pub fn client(authority: &str) -> Result<reqwest::Client, Error> {
    let certificate = reqwest::Certificate::from_pem(authority.as_bytes())
        .map_err(Error::azure("reading a certificate"))?;
    reqwest::Client::builder()
        .tls_certs_only([certificate])
        .no_proxy()
        .build()
        .map_err(Error::azure("building an HTTPS client"))
}

/// A server's side of TLS.
///
/// # Errors
/// The pair is not a certificate with its key.
pub fn server(pair: &Pair) -> Result<Arc<rustls::ServerConfig>, Error> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes())
        .map_err(Error::kubernetes("reading a certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes())
        .map_err(Error::kubernetes("reading a private key"))?;
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![certificate], key)
            })
            .map_err(Error::kubernetes("using a certificate"))?;
    Ok(Arc::new(config))
}
