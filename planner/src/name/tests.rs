//! Names that Azure takes and names that it does not.

use super::*;

#[test]
fn a_region_is_one_in_either_spelling() {
    assert_eq!(
        Location::parse("West Europe").unwrap(),
        Location::parse("westeurope").unwrap()
    );
    assert_eq!(Location::parse("East US 2").unwrap().as_str(), "eastus2");
    assert_eq!(Location::parse("UKSOUTH").unwrap().to_string(), "uksouth");
    for wrong in ["", "  ", "west-europe", "west/europe"] {
        assert_eq!(Location::parse(wrong), Err(NameError::Location(wrong.to_owned())));
    }
}

#[test]
fn a_vaults_name_keeps_azures_rules() {
    for right in ["abc", "Corp-Keys", &"a".repeat(24), "a-1"] {
        assert_eq!(
            VaultName::parse(right).unwrap().as_str(),
            right.to_ascii_lowercase()
        );
    }
    for wrong in ["ab", &"a".repeat(25), "1ab", "-ab", "ab-", "a_b", "a.b", ""] {
        assert_eq!(VaultName::parse(wrong), Err(NameError::Vault(wrong.to_owned())));
    }
}

#[test]
fn a_keys_name_keeps_azures_rules() {
    for right in ["a", "AI-hub-1", &"k".repeat(127)] {
        assert_eq!(
            KeyName::parse(right).unwrap().to_string(),
            right.to_ascii_lowercase()
        );
    }
    for wrong in ["", &"k".repeat(128), "a_b", "https://a.b/keys/c"] {
        assert_eq!(KeyName::parse(wrong), Err(NameError::Key(wrong.to_owned())));
    }
    let told = KeyName::parse("https://a.b/keys/c").unwrap_err().to_string();
    assert!(told.contains("not the URL"), "{told}");
}

#[test]
fn a_version_is_thirty_two_hexadecimal_digits() {
    let right = "0123456789ABCDEF0123456789abcdef";
    assert_eq!(
        KeyVersion::parse(right).unwrap().as_str(),
        right.to_ascii_lowercase()
    );
    for wrong in [
        "",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "g123456789abcdef0123456789abcdef",
    ] {
        assert_eq!(
            KeyVersion::parse(wrong),
            Err(NameError::Version(wrong.to_owned()))
        );
    }
}

#[test]
fn a_keys_url_is_read_and_spelled_as_it_came() {
    let text = "https://Corp-Keys.vault.azure.net/keys/AI-hub/0123456789abcdef0123456789ABCDEF";
    let read = KeyIdentifier::parse(text).unwrap();
    assert_eq!((read.as_str(), read.to_string().as_str()), (text, text));
    assert_eq!(read.vault().as_str(), "corp-keys");
    assert_eq!(read.key().as_str(), "ai-hub");
    assert_eq!(
        read.version().unwrap().as_str(),
        "0123456789abcdef0123456789abcdef"
    );
    assert_eq!(read, KeyIdentifier::parse(&text.to_lowercase()).unwrap());

    let versionless = KeyIdentifier::parse("HTTPS://corp-keys.vault.azure.net/KEYS/ai-hub/").unwrap();
    assert_eq!(versionless.version(), None);
    assert_eq!(
        versionless.as_str(),
        "HTTPS://corp-keys.vault.azure.net/KEYS/ai-hub"
    );
    assert!(read.same_key(&versionless));
    assert_ne!(read, versionless);
    let with_port = KeyIdentifier::parse(&text.replace(".vault.azure.net", ".vault.localhost:8443")).unwrap();
    assert_eq!(with_port.vault().as_str(), "corp-keys");
    assert!(with_port.as_str().contains(":8443/keys/"));
    let other_key = KeyIdentifier::parse(&text.replace("AI-hub", "other")).unwrap();
    let other_vault = KeyIdentifier::parse(&text.replace("Corp", "Other")).unwrap();
    for other in [other_key, other_vault] {
        assert!(!read.same_key(&other));
        assert_ne!(read, other);
    }
}

#[test]
fn a_keys_url_tells_a_managed_hsm_from_a_vault_of_the_same_name() {
    let read = |host: &str| KeyIdentifier::parse(&format!("https://{host}/keys/ai-hub")).unwrap();
    let id = |kind: &str, name: &str| crate::fixtures::id(kind, name);
    let vault = read("corp-keys.vault.azure.net");
    for suffix in [
        "managedhsm.azure.net",
        "managedhsm.azure.cn",
        "managedhsm.usgovcloudapi.net",
    ] {
        let hsm = read(&format!("Corp-Keys.{suffix}"));
        assert_eq!(
            (vault.store(), hsm.store()),
            (KeyStore::Vault, KeyStore::ManagedHsm)
        );
        assert!(!hsm.same_store(&vault) && !hsm.same_key(&vault) && hsm != vault);
        assert!(hsm.is_in(&id("Microsoft.KeyVault/managedHSMs", "CORP-keys")));
        assert!(!hsm.is_in(&id("Microsoft.KeyVault/managedHSMs", "other")));
        assert!(!hsm.is_in(&id("Microsoft.KeyVault/vaults", "corp-keys")));
    }
    assert!(vault.is_in(&id("Microsoft.KeyVault/vaults", "corp-keys")));
}

#[test]
fn what_is_no_keys_url_is_refused() {
    for wrong in [
        "",
        "corp-keys/ai-hub",
        "http://corp-keys.vault.azure.net/keys/ai-hub",
        "https://corp-keys/keys/ai-hub",
        "https://corp-keys./keys/ai-hub",
        "https://1.vault.azure.net/keys/ai-hub",
        "https://corp-keys:8443/keys/ai-hub",
        "https://corp-keys.vault.localhost:/keys/ai-hub",
        "https://corp-keys.vault.localhost:0/keys/ai-hub",
        "https://corp-keys.vault.localhost:+1/keys/ai-hub",
        "https://corp-keys.vault.localhost:65536/keys/ai-hub",
        "https://corp-keys.vault.localhost:84:43/keys/ai-hub",
        "https://corp-keys.vault..net/keys/ai-hub",
        "https://corp-keys.vault.azure.net?x/keys/ai-hub",
        "https://corp-keys.user@vault.azure.net/keys/ai-hub",
        "https://corp-keys.vault.azure.net",
        "https://corp-keys.vault.azure.net/keys",
        "https://corp-keys.vault.azure.net/secrets/ai-hub",
        "https://corp-keys.vault.azure.net/keys/a_b",
        "https://corp-keys.vault.azure.net/keys/ai-hub/latest",
        "https://corp-keys.vault.azure.net/keys/ai-hub/0123456789abcdef0123456789abcdef/more",
    ] {
        assert_eq!(
            KeyIdentifier::parse(wrong),
            Err(NameError::Identifier(wrong.to_owned())),
            "{wrong}"
        );
    }
}
