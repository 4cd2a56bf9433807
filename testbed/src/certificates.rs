//! A certificate authority of the testbed's own, for the control plane.

use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::error::Error;

/// A certificate with its key, as PEM.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Certificate.
    pub certificate: String,
    /// Private key.
    pub key: String,
}

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// Keys or certificates cannot be made.
    pub fn new(name: &str) -> Result<Self, Error> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(Error::Certificate)?;
        let certificate = parameters.self_signed(&key).map_err(Error::Certificate)?.pem();
        Ok(Self {
            certificate,
            issuer: Issuer::new(parameters, key),
        })
    }

    /// Its certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// For a server on the loopback interface.
    ///
    /// # Errors
    /// Keys or certificates cannot be made.
    pub fn server(&self, name: &str) -> Result<Pair, Error> {
        let mut parameters =
            CertificateParams::new(vec!["localhost".to_owned()]).map_err(Error::Certificate)?;
        parameters
            .subject_alt_names
            .push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&parameters)
    }

    /// For a client: Kubernetes takes the common name as user and the organization as group.
    ///
    /// # Errors
    /// Keys or certificates cannot be made.
    pub fn client(&self, user: &str, group: &str) -> Result<Pair, Error> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, user);
        parameters
            .distinguished_name
            .push(DnType::OrganizationName, group);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&parameters)
    }

    fn sign(&self, parameters: &CertificateParams) -> Result<Pair, Error> {
        let key = KeyPair::generate().map_err(Error::Certificate)?;
        let certificate = parameters
            .signed_by(&key, &self.issuer)
            .map_err(Error::Certificate)?;
        Ok(Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}
