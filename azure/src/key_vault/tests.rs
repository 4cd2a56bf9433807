//! Where tokens may go; the exchange itself is tried against the simulated vaults.

use super::*;

#[test]
fn only_vaults_of_the_cloud_get_a_token() {
    let below = |url: &str, suffix: &str| is_below(&Url::parse(url).unwrap(), suffix);
    assert!(below("https://corp-keys.vault.azure.net/", "vault.azure.net"));
    assert!(below(
        "https://CORP-keys.vault.localhost:8443",
        "vault.localhost:8443"
    ));
    for (url, suffix) in [
        ("http://corp-keys.vault.azure.net", "vault.azure.net"),
        ("https://corp-keys.vault.azure.net.example.com", "vault.azure.net"),
        ("https://corp-keysvault.azure.net", "vault.azure.net"),
        ("https://a.b.vault.azure.net", "vault.azure.net"),
        ("https://vault.azure.net", "vault.azure.net"),
        ("https://user@corp-keys.vault.azure.net", "vault.azure.net"),
        ("https://corp-keys.vault.azure.net:8443", "vault.azure.net"),
        ("https://corp-keys.vault.localhost:1", "vault.localhost:8443"),
        ("https://127.0.0.1", "vault.azure.net"),
    ] {
        assert!(!below(url, suffix), "{url}");
    }
}
