//! Vaults and managed HSMs, told apart by whatever names them.

use super::*;
use crate::fixtures::id;

#[test]
fn what_names_a_key_store_tells_its_kind() {
    let (vault, hsm) = (id(VAULT, "corp-keys"), id(MANAGED_HSM, "corp-keys"));
    assert_eq!(
        (KeyStore::of(&vault), KeyStore::of(&hsm)),
        (KeyStore::Vault, KeyStore::ManagedHsm)
    );
    for (text, kind) in [
        ("corp-keys", KeyStore::Vault),
        (vault.as_str(), KeyStore::Vault),
        (hsm.as_str(), KeyStore::ManagedHsm),
        (&hsm.as_str().to_uppercase(), KeyStore::ManagedHsm),
    ] {
        assert_eq!(KeyStore::of_text(text), kind, "{text}");
    }
    for (suffix, kind) in [
        ("vault.azure.net", KeyStore::Vault),
        ("managedhsm.azure.net", KeyStore::ManagedHsm),
        ("managedhsm.azure.cn", KeyStore::ManagedHsm),
        ("ManagedHSM.usgovcloudapi.net", KeyStore::ManagedHsm),
        ("managedhsm.localhost:8443", KeyStore::ManagedHsm),
        ("vault.managedhsm.net", KeyStore::Vault),
    ] {
        assert_eq!(KeyStore::of_suffix(suffix), kind, "{suffix}");
    }
    for kind in [KeyStore::Vault, KeyStore::ManagedHsm] {
        assert_eq!(KeyStore::of(&id(kind.arm_type(), "corp-keys")), kind);
    }
}

#[test]
fn a_name_that_a_vault_and_an_hsm_share_is_not_one_key_store() {
    let (vault, hsm) = (
        id(VAULT, "corp-keys").lower(),
        id(MANAGED_HSM, "corp-keys").lower(),
    );
    let named = |kind: KeyStore| kind.noted("Corp-Keys");
    let (name, hsm_name) = (named(KeyStore::Vault), named(KeyStore::ManagedHsm));
    // A group may be called as the type is.
    let odd = vault.replace("rg-ai", "managedhsms");
    let vaults = [&vault, &name, &odd];
    let hsms = [&hsm, &hsm_name, &hsm.replace("rg-ai", "elsewhere")];
    for one in vaults {
        for other in vaults {
            assert!(is_same(Some(one), Some(other)), "{one} {other}");
        }
        for other in hsms {
            assert!(!is_same(Some(one), Some(other)), "{one} {other}");
        }
        assert!(!is_same(Some(one), None));
    }
    for one in hsms {
        for other in hsms {
            assert!(is_same(Some(one), Some(other)), "{one} {other}");
        }
    }
    assert!(!is_same(Some(&hsm), Some(&hsm.replace("corp-keys", "other"))));
    assert!(is_same(None, None));
}
