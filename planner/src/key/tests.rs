//! Versions of a key: wanted, usable, in use.

use super::*;
use crate::fixtures::*;

fn version(digit: char, created: i64) -> LiveKeyVersion {
    let version = digit.to_string().repeat(32);
    key_version(
        &format!("https://corp-keys.vault.azure.net/keys/ai-hub/{version}"),
        created,
    )
}

fn key(current: LiveKeyVersion, others: &[LiveKeyVersion]) -> LiveKey {
    LiveKey {
        kty: "RSA".to_owned(),
        size: Some(2048),
        current,
        others: others.to_vec(),
    }
}

fn disabled(version: LiveKeyVersion) -> LiveKeyVersion {
    LiveKeyVersion {
        enabled: false,
        ..version
    }
}

#[test]
fn a_version_can_be_used_while_it_is_enabled_and_valid() {
    let now = at_second(100);
    let plain = version('1', 0);
    assert_eq!(unusable(&plain, now), None);
    assert_eq!(unusable(&disabled(plain.clone()), now), Some(Unusable::Disabled));
    let expires = |second| LiveKeyVersion {
        expires: Some(at_second(second)),
        ..plain.clone()
    };
    assert_eq!(unusable(&expires(101), now), None);
    assert_eq!(
        unusable(&expires(100), now),
        Some(Unusable::Expired(at_second(100)))
    );
    let begins = |second| LiveKeyVersion {
        not_before: Some(at_second(second)),
        ..plain.clone()
    };
    assert_eq!(unusable(&begins(100), now), None);
    assert_eq!(
        unusable(&begins(101), now),
        Some(Unusable::NotYetValid(at_second(101)))
    );
}

#[test]
fn the_newest_usable_version_is_wanted() {
    let now = at_second(100);
    let key = key(disabled(version('3', 30)), &[version('2', 20), version('1', 10)]);
    assert_eq!(wanted(&key, None, None, now), Some(&version('2', 20).identifier));
    let other = KeyIdentifier::parse("https://corp-keys.vault.azure.net/keys/other").unwrap();
    assert_eq!(
        wanted(&key, None, Some(&other), now),
        Some(&version('2', 20).identifier),
        "another key in use says nothing about this one's versions"
    );
    let pin = KeyVersion::parse(&"1".repeat(32)).unwrap();
    assert_eq!(
        wanted(&key, Some(&pin), None, now),
        Some(&version('1', 10).identifier)
    );
    let none = KeyVersion::parse(&"9".repeat(32)).unwrap();
    assert_eq!(wanted(&key, Some(&none), None, now), None);
    let all_disabled = LiveKey {
        others: Vec::new(),
        ..key
    };
    assert_eq!(wanted(&all_disabled, None, None, now), None);
}

#[test]
fn a_hub_is_never_moved_to_an_older_version() {
    let now = at_second(100);
    let in_use = disabled(version('2', 20)).identifier;
    // The one in use is disabled and an older one usable: it stays.
    let older = key(disabled(version('2', 20)), &[version('1', 10)]);
    assert_eq!(wanted(&older, None, Some(&in_use), now), Some(&in_use));
    let same_age = key(version('1', 20), &[version('2', 20)]);
    assert_eq!(wanted(&same_age, None, Some(&in_use), now), Some(&in_use));
    let same_age = key(version('2', 20), &[version('1', 20)]);
    assert_eq!(wanted(&same_age, None, Some(&in_use), now), Some(&in_use));
    let newer = key(version('3', 21), &[version('2', 20)]);
    assert_eq!(
        wanted(&newer, None, Some(&in_use), now),
        Some(&version('3', 21).identifier)
    );
    // The one in use is not there any more.
    assert_eq!(
        wanted(&key(version('3', 30), &[]), None, Some(&in_use), now),
        None
    );
}

#[test]
fn a_key_is_told_by_vault_and_name() {
    let key = key(version('1', 0), &[]);
    let name = |text| KeyName::parse(text).unwrap();
    assert!(is_of(&key, "Corp-Keys", &name("AI-hub")));
    assert!(!is_of(&key, "other-keys", &name("ai-hub")));
    assert!(!is_of(&key, "corp-keys", &name("other")));
}

#[test]
fn azure_takes_rsa_of_three_sizes() {
    let suits = |kty: &str, size| {
        is_suitable(&LiveKey {
            kty: kty.to_owned(),
            size,
            ..key(version('1', 0), &[])
        })
    };
    for size in [Some(2048), Some(3072), Some(4096), None] {
        assert!(suits("RSA", size) && suits("rsa-hsm", size));
        assert!(!suits("EC", size) && !suits("oct-HSM", size));
    }
    for size in [1024, 2047, 8192] {
        assert!(!suits("RSA", Some(size)));
    }
}

#[test]
fn the_next_date_of_an_enabled_version_is_waited_for_at_most_a_day() {
    let now = at_second(100);
    let dated = |begins: i64, expires: i64| LiveKeyVersion {
        not_before: Some(at_second(begins)),
        expires: Some(at_second(expires)),
        ..version('1', 0)
    };
    assert_eq!(next_change(&key(version('1', 0), &[]), now), None);
    assert_eq!(
        next_change(&key(dated(50, 300), &[dated(200, 400)]), now),
        Some(at_second(200))
    );
    assert_eq!(
        next_change(&key(dated(50, 100), &[]), now),
        None,
        "what is now is over"
    );
    assert_eq!(next_change(&key(disabled(dated(150, 200)), &[]), now), None);
    assert_eq!(
        next_change(&key(dated(50, 1_000_000), &[]), now),
        Some(at_second(100 + 86_400))
    );
}
