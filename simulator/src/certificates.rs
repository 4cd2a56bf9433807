//! The simulator's own certificate authority, made anew at each start.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::PrivateKeyDer;

use crate::error::Error;

/// The authority's certificate as PEM, and the server's side of TLS.
pub(crate) fn make() -> Result<(String, Arc<rustls::ServerConfig>), Error> {
    let mut parameters = CertificateParams::default();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "Azure simulator");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(Error::Certificate)?;
    let authority = parameters.self_signed(&key).map_err(Error::Certificate)?.pem();
    let issuer = Issuer::new(parameters, key);

    let names = vec!["localhost".to_owned(), "*.vault.localhost".to_owned()];
    let mut parameters = CertificateParams::new(names).map_err(Error::Certificate)?;
    parameters
        .subject_alt_names
        .push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    parameters
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(Error::Certificate)?;
    let certificate = parameters.signed_by(&key, &issuer).map_err(Error::Certificate)?;
    let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Error::Tls)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .map_err(Error::Tls)?;
    Ok((authority, Arc::new(config)))
}
