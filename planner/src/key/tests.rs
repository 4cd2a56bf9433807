//! Versions of a key: wanted, usable, in use.

use super::*;

const LEAD: SignedDuration = SignedDuration::from_secs(10);
use crate::fixtures::*;
use crate::validate::{MANAGED_HSM, VAULT};

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
        rotation: Vec::new(),
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
        rotation: Vec::new(),
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
    assert!(is_of(&key, &id(VAULT, "Corp-Keys"), &name("AI-hub")));
    assert!(!is_of(&key, &id(VAULT, "other-keys"), &name("ai-hub")));
    assert!(!is_of(&key, &id(MANAGED_HSM, "corp-keys"), &name("ai-hub")));
    assert!(!is_of(&key, &id(VAULT, "corp-keys"), &name("other")));
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
    let next = |key: &LiveKey| next_change(key, LEAD, now);
    assert_eq!(next(&key(version('1', 0), &[])), None);
    assert_eq!(
        next(&key(dated(50, 300), &[dated(200, 400)])),
        Some(at_second(200))
    );
    assert_eq!(next(&key(dated(50, 100), &[])), None, "what is now is over");
    assert_eq!(next(&key(disabled(dated(150, 200)), &[])), None);
    assert_eq!(
        next(&key(dated(50, 1_000_000), &[])),
        Some(at_second(100 + 86_400))
    );
    // The warning begins before the end.
    assert_eq!(next(&key(dated(50, 300), &[])), Some(at_second(290)));
    assert_eq!(next(&key(dated(50, 105), &[])), Some(at_second(105)));
}

fn rotating(rotation: Rotation, created: i64, expires: i64) -> LiveKey {
    let mut key = key(version('1', created), &[]);
    key.current.expires = Some(at_second(expires));
    key.rotation = vec![rotation];
    key
}

#[test]
fn a_rotation_policy_acts_so_long_after_creation_or_before_expiry() {
    let seconds = SignedDuration::from_secs;
    let at = |key: &LiveKey| rotates_at(key, &key.current);
    let mut both = rotating(Rotation::AfterCreation(seconds(40)), 10, 100);
    assert_eq!(at(&both), Some(at_second(50)));
    assert_eq!(
        at(&rotating(Rotation::BeforeExpiry(seconds(40)), 10, 100)),
        Some(at_second(60))
    );
    both.rotation.push(Rotation::BeforeExpiry(seconds(60)));
    assert_eq!(at(&both), Some(at_second(40)), "the first of them");
    both.current.expires = None;
    both.current.created = None;
    assert_eq!(at(&both), None);
}

#[test]
fn what_expires_must_be_renewed_in_time() {
    let day = SignedDuration::from_hours(24);
    let end = 100 * 86_400;
    let lead = day * 30;
    let says = |key: &LiveKey, follows, days: i64| {
        renewal(key, &key.current, follows, lead, at_second(days * 86_400))
    };
    let due = Some(Renewal::Due(at_second(end)));
    let unplanned = Some(Renewal::Unplanned(at_second(end)));

    let mut plain = rotating(Rotation::BeforeExpiry(day * 40), 0, end);
    plain.rotation.clear();
    assert_eq!(says(&plain, true, 69), unplanned);
    assert_eq!(says(&plain, true, 70), due, "the lead begins");

    // A policy that acts before the lead: nothing is to be done, unless it did not act.
    let early = rotating(Rotation::BeforeExpiry(day * 30), 0, end);
    assert_eq!(says(&early, true, 69), None);
    assert_eq!(says(&early, true, 70), None, "it is acting");
    assert_eq!(says(&early, true, 71), due, "it did not act");
    assert_eq!(says(&early, false, 69), unplanned, "a pinned hub does not follow");
    assert_eq!(says(&early, false, 70), due);
    // One that acts within the lead is too late.
    let late = rotating(Rotation::BeforeExpiry(day * 7), 0, end);
    assert_eq!(says(&late, true, 69), None);
    assert_eq!(says(&late, true, 70), due);

    let lasting = key(version('1', 0), &[]);
    assert_eq!(says(&lasting, true, 1000), None);
}
