use std::str::FromStr;

use super::*;

#[test]
fn a_bundle_without_certificates_is_refused() {
    assert!(matches!(transport(Some(b"")), Err(TransportError::NoCertificate)));
    assert!(matches!(
        transport(Some(b"hello")),
        Err(TransportError::NoCertificate)
    ));
    let broken = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    assert!(matches!(transport(Some(broken)), Err(TransportError::NotPem(_))));
}

#[tokio::test]
async fn names_under_localhost_are_the_loopback_interface() {
    for name in ["localhost", "vault.localhost", "a.b.LOCALHOST."] {
        let found: Vec<_> = LoopbackForLocalhost
            .resolve(Name::from_str(name).unwrap())
            .await
            .unwrap()
            .map(|at| at.ip())
            .collect();
        assert_eq!(
            found,
            [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            "{name}"
        );
    }
    assert!(!is_localhost("notlocalhost") && !is_localhost("localhost.example"));
}
