//! The key of a hub that exists.

use super::*;
use crate::fixtures::*;
use crate::judge::Truth;
use crate::observed::{LiveKeyVersion, Observed, Why};
use crate::validate::Declared;
use keyholder_crds::{DataLocation, ResourceStatus, UnverifiedTransition};

/// A hub that is ready, and what is read of it.
struct World {
    hub: Declared,
    status: ResourceStatus,
    observed: Observed,
    live: Live,
}

fn world() -> World {
    let (hub, status) = ready_hub();
    World {
        observed: created(&hub),
        live: live(&hub, "Succeeded"),
        hub,
        status,
    }
}

impl World {
    fn view(&self, refused: bool) -> KeyView {
        judge(
            &input(&self.hub, &self.status, &self.observed, 100),
            &self.live,
            refused,
        )
    }

    fn key(&mut self) -> &mut LiveKey {
        let Fact::Known(key) = &mut self.observed.key else {
            panic!()
        };
        key
    }

    fn declare(&mut self, name: &str, pin: Option<&str>) {
        let ValidEncryption::CustomerManaged { key, version, .. } = &mut self.hub.encryption else {
            panic!()
        };
        *key = KeyName::parse(name).unwrap();
        *version = pin.map(|pin| KeyVersion::parse(pin).unwrap());
    }

    fn newer(&mut self) {
        let key = self.key();
        key.others = vec![key.current.clone()];
        key.current = key_version(NEXT_KEY, 50);
    }

    fn take_access_away(&mut self) {
        self.observed.role_assignments = Fact::Known(Vec::new());
    }

    /// As if nothing was stored of a condition.
    fn forget(&mut self, of: ConditionType) {
        self.status
            .conditions
            .retain(|condition| condition.type_ != of.to_string());
    }

    fn remember(&mut self, of: ConditionType, status: &str, reason: Reason) {
        let condition = self
            .status
            .conditions
            .iter_mut()
            .find(|condition| condition.type_ == of.to_string())
            .unwrap();
        condition.status = status.to_owned();
        condition.reason = reason.to_string();
    }
}

fn is(opinion: &Opinion) -> &Verdict {
    let Opinion::Is(verdict) = opinion else {
        panic!("{opinion:?}")
    };
    verdict
}

fn said(opinion: &Opinion) -> (Truth, Reason) {
    let verdict = is(opinion);
    (verdict.status, verdict.reason)
}

const OTHER: &str = "https://corp-keys.vault.azure.net/keys/other/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const HEALTHY: (Truth, Reason) = (Truth::True, Reason::KeyUsable);
const IN_USE: (Truth, Reason) = (Truth::True, Reason::KeyInUse);

fn unknown<T>() -> Fact<T> {
    Fact::Unknown(Why {
        reason: Reason::Throttled,
        message: "later".to_owned(),
        retry_at: None,
    })
}

#[test]
fn the_declared_key_is_in_use_and_healthy() {
    let view = world().view(false);
    assert_eq!((said(&view.applied), said(&view.healthy)), (IN_USE, HEALTHY));
    assert_eq!((view.change, view.refusal), (None, None));
    assert_eq!(view.latest.unwrap().as_str(), KEY);
}

#[test]
fn microsofts_key_needs_no_judgement() {
    let mut world = world();
    world.live.encryption = None;
    let view = world.view(false);
    let expected = (Truth::True, Reason::MicrosoftManagedKey);
    assert_eq!((said(&view.applied), said(&view.healthy)), (expected, expected));
}

#[test]
fn while_a_change_is_refused_the_key_in_use_is_still_watched() {
    let mut world = world();
    world.newer();
    let view = world.view(true);
    assert_eq!((view.applied, view.change), (Opinion::Keep, None));
    assert_eq!(said(&view.healthy), HEALTHY);
    world.forget(ConditionType::KeyApplied);
    let view = world.view(true);
    assert_eq!(said(&view.applied), (Truth::Unknown, Reason::Pending));
    world.hub.encryption = ValidEncryption::MicrosoftManaged;
    let view = world.view(true);
    assert_eq!(view.applied, Opinion::Keep);
    assert_eq!(said(&view.healthy), HEALTHY);
}

#[test]
fn a_newer_version_is_followed() {
    let mut world = world();
    world.newer();
    let view = world.view(false);
    assert_eq!(said(&view.applied), (Truth::False, Reason::RotationPending));
    assert!(!is(&view.applied).stalled);
    assert_eq!(view.change.unwrap().as_str(), NEXT_KEY);
    assert_eq!(view.latest.unwrap().as_str(), NEXT_KEY);
    // A pin holds it where it is.
    world.declare("ai-hub", Some("0123456789abcdef0123456789abcdef"));
    let view = world.view(false);
    assert_eq!((said(&view.applied), view.change), (IN_USE, None));
}

#[test]
fn a_pin_that_is_not_fit_is_told_and_not_applied() {
    let mut world = world();
    world.declare("ai-hub", Some("99999999999999999999999999999999"));
    let view = world.view(false);
    assert_eq!(said(&view.applied), (Truth::False, Reason::RotationPending));
    assert!(is(&view.applied).stalled);
    assert!(
        is(&view.applied)
            .message
            .contains("az keyvault key list-versions")
    );
    assert_eq!(view.change, None);
    world.declare("ai-hub", Some("fedcba9876543210fedcba9876543210"));
    world.newer();
    world.key().current.enabled = false;
    let view = world.view(false);
    assert!(is(&view.applied).message.contains("--enabled true"));
    assert_eq!(view.change, None);
}

#[test]
fn on_the_service_side_another_version_needs_the_users_word() {
    let mut world = world();
    let ValidEncryption::CustomerManaged { data_location, .. } = &mut world.hub.encryption else {
        panic!()
    };
    *data_location = Some(DataLocation::ServiceSide);
    world.newer();
    let view = world.view(false);
    let refusal = view.refusal.unwrap();
    assert_eq!(refusal.reason, Reason::TransitionUnverified);
    for piece in [
        "version: 0123456789abcdef0123456789abcdef.",
        "add ServiceSideKeyRotation",
    ] {
        assert!(refusal.message.contains(piece), "{}", refusal.message);
    }
    assert_eq!(view.change, None);
    world
        .hub
        .allow_unverified
        .push(UnverifiedTransition::ServiceSideKeyRotation);
    let view = world.view(false);
    assert_eq!(view.refusal, None);
    assert_eq!(view.change.unwrap().as_str(), NEXT_KEY);
}

#[test]
fn another_key_of_the_vault_is_applied_once_it_is_fit() {
    let mut world = world();
    world.declare("other", None);
    world.key().current = key_version(OTHER, 10);
    let view = world.view(false);
    assert_eq!(said(&view.applied), (Truth::False, Reason::KeyMismatch));
    assert!(!is(&view.applied).stalled);
    assert_eq!(view.change.unwrap().as_str(), OTHER);
    let not_looked_at = (Truth::Unknown, Reason::Pending);
    assert_eq!(said(&view.healthy), not_looked_at, "the key in use was not read");

    world.take_access_away();
    let view = world.view(false);
    assert!(is(&view.applied).stalled);
    assert!(is(&view.applied).message.contains("az role assignment create"));
    assert_eq!(view.change, None);

    // What is not known of the access does not hinder: Azure will tell.
    world.observed.role_assignments = unknown();
    assert!(world.view(false).change.is_some());

    world.key().current.enabled = false;
    let view = world.view(false);
    assert_eq!(view.change, None);
    assert!(is(&view.applied).stalled);
    assert!(is(&view.applied).message.contains("to be applied is other."));
}

#[test]
fn another_key_that_does_not_exist_is_told_with_its_cure() {
    let mut world = world();
    world.declare("other", None);
    world.observed.key = Fact::Absent;
    let view = world.view(false);
    assert_eq!(said(&view.applied), (Truth::False, Reason::KeyMismatch));
    assert!(is(&view.applied).stalled);
    assert!(
        is(&view.applied)
            .message
            .contains("az keyvault key create --vault-name corp-keys --name other")
    );
    assert_eq!(said(&view.healthy), (Truth::Unknown, Reason::Pending));
    world.observed.key = unknown();
    let view = world.view(false);
    assert_eq!(said(&view.applied), (Truth::False, Reason::KeyMismatch));
    assert!(is(&view.applied).message.contains("could not be read so far"));
}

#[test]
fn a_deleted_key_in_use_is_still_applied_and_not_healthy() {
    let mut world = world();
    world.observed.key = Fact::Absent;
    let view = world.view(false);
    assert_eq!(said(&view.applied), IN_USE);
    assert_eq!(said(&view.healthy), (Truth::False, Reason::KeyDeleted));
    assert!(is(&view.healthy).message.contains("az keyvault key recover"));
    world.declare("ai-hub", Some("99999999999999999999999999999999"));
    assert_eq!(
        said(&world.view(false).applied),
        (Truth::False, Reason::KeyMismatch)
    );
    world.declare("ai-hub", Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(said(&world.view(false).applied), IN_USE);

    world.observed.vault = Fact::Absent;
    world.observed.key = unknown();
    let view = world.view(false);
    assert_eq!(said(&view.healthy), (Truth::False, Reason::KeyDeleted));
    assert!(
        is(&view.healthy)
            .message
            .contains("az keyvault recover --name corp-keys")
    );
    assert_eq!(view.applied, Opinion::Keep);
}

#[test]
fn a_deleted_version_in_use_is_told() {
    let mut world = world();
    world.key().current = key_version(NEXT_KEY, 50);
    let view = world.view(false);
    assert_eq!(said(&view.applied), IN_USE);
    assert_eq!(view.change, None);
    assert_eq!(said(&view.healthy), (Truth::False, Reason::KeyDeleted));
    assert!(
        is(&view.healthy)
            .message
            .contains("az keyvault key list-versions")
    );
}

#[test]
fn what_cannot_be_used_is_told_with_its_cure() {
    type Change = fn(&mut LiveKeyVersion);
    let table: [(Change, Reason, &str); 3] = [
        (
            |version| version.enabled = false,
            Reason::KeyDisabled,
            "--version 0123456789abcdef0123456789abcdef --enabled true",
        ),
        (
            |version| version.expires = Some(at_second(100)),
            Reason::KeyExpired,
            "az keyvault key create",
        ),
        (
            |version| version.not_before = Some(at_second(101)),
            Reason::KeyExpired,
            "is not valid before",
        ),
    ];
    for (change, reason, cure) in table {
        let mut world = world();
        change(&mut world.key().current);
        let view = world.view(false);
        assert_eq!(said(&view.healthy), (Truth::False, reason));
        assert!(
            is(&view.healthy).message.contains(cure),
            "{}",
            is(&view.healthy).message
        );
        assert!(is(&view.healthy).stalled);
    }
    // Azure shows the key without a version: the current one counts.
    let mut world = world();
    world.live.encryption.as_mut().unwrap().key =
        KeyIdentifier::parse("https://corp-keys.vault.azure.net/keys/ai-hub").unwrap();
    world.key().current.enabled = false;
    let view = world.view(true);
    assert_eq!(said(&view.healthy), (Truth::False, Reason::KeyDisabled));
    let enables = "az keyvault key set-attributes --vault-name corp-keys --name ai-hub --version 0123456789abcdef0123456789abcdef --enabled true";
    assert!(
        is(&view.healthy).message.contains(enables),
        "{}",
        is(&view.healthy).message
    );
}

#[test]
fn access_that_went_is_lost() {
    let mut world = world();
    world.take_access_away();
    let view = world.view(false);
    assert_eq!(said(&view.healthy), (Truth::False, Reason::AccessLost));
    assert!(is(&view.healthy).message.contains("az role assignment create"));
    assert_eq!(said(&view.applied), IN_USE);
    // That a date comes near is no matter beside it, nor beside what cannot be seen.
    let lost = view.healthy;
    world.key().current.expires = Some(at_second(86_400));
    assert_eq!(world.view(false).healthy, lost);
    world.observed.role_assignments = unknown();
    world.forget(ConditionType::KeyHealthy);
    let unread = world.view(false).healthy;
    assert_eq!(is(&unread).status, Truth::Unknown);
    assert!(!is(&unread).message.contains("expires"), "{unread:?}");
}

#[test]
fn access_of_the_hubs_own_identity_may_take_a_while_to_be_seen() {
    let mut world = world();
    world.take_access_away();
    world.live.encryption.as_mut().unwrap().identity = None;
    world.live.system_assigned_principal = Some("own".to_owned());
    world.forget(ConditionType::KeyHealthy);
    let view = world.view(true);
    assert_eq!(said(&view.healthy), (Truth::Unknown, Reason::Unverifiable));
    // Once it was there it is lost, and stays so.
    world.status = self::world().status;
    world.remember(ConditionType::KeyHealthy, "True", Reason::KeyUsable);
    assert_eq!(
        said(&world.view(true).healthy),
        (Truth::False, Reason::AccessLost)
    );
    world.remember(ConditionType::KeyHealthy, "False", Reason::AccessLost);
    assert_eq!(
        said(&world.view(true).healthy),
        (Truth::False, Reason::AccessLost)
    );
}

#[test]
fn access_that_cannot_be_decided_is_unknown() {
    let mut world = world();
    let Fact::Known(assignments) = &mut world.observed.role_assignments else {
        panic!()
    };
    assignments[0].conditional = true;
    assert_eq!(
        said(&world.view(false).healthy),
        (Truth::Unknown, Reason::Unverifiable)
    );
}

#[test]
fn access_that_was_not_read_keeps_what_was_known() {
    let mut world = world();
    world.observed.role_assignments = unknown();
    assert_eq!(said(&world.view(false).healthy), HEALTHY);
    for reason in [Reason::AccessLost, Reason::Unverifiable] {
        world.remember(ConditionType::KeyHealthy, "False", reason);
        assert_eq!(world.view(false).healthy, Opinion::Keep);
    }
    // The key was enabled again; of the access nothing is known.
    world.remember(ConditionType::KeyHealthy, "False", Reason::KeyDisabled);
    assert_eq!(
        said(&world.view(false).healthy),
        (Truth::Unknown, Reason::Throttled)
    );
    world.observed.identities.clear();
    assert_eq!(
        said(&world.view(false).healthy),
        (Truth::Unknown, Reason::Pending)
    );
}

#[test]
fn a_key_that_could_not_be_read_keeps_what_was_known() {
    let mut world = world();
    world.observed.key = unknown();
    let view = world.view(false);
    assert_eq!((view.applied, view.healthy), (Opinion::Keep, Opinion::Keep));
    world.forget(ConditionType::KeyApplied);
    world.forget(ConditionType::KeyHealthy);
    let view = world.view(false);
    let expected = (Truth::Unknown, Reason::Throttled);
    assert_eq!((said(&view.applied), said(&view.healthy)), (expected, expected));
}

#[test]
fn a_key_of_another_vault_than_declared_was_not_read() {
    let mut world = world();
    world.key().current = key_version(&KEY.replace("corp-keys", "other-keys"), 0);
    let view = world.view(false);
    assert_eq!((view.applied, view.change), (Opinion::Keep, None));
    assert_eq!(view.healthy, Opinion::Keep);
}

/// The hubs of one key, each with a name of its own.
fn turns(spread: i64, age: i64) -> Vec<Option<i64>> {
    (0..50)
        .map(|number| {
            let mut world = world();
            world.newer();
            world.key().current.created = Some(at_second(100 - age));
            world.key().others[0].created = Some(at_second(-86_400));
            world.hub.id = id(
                "Microsoft.MachineLearningServices/workspaces",
                &format!("hub-{number}"),
            );
            let mut input = input(&world.hub, &world.status, &world.observed, 100);
            input.pace.rotation_spread = jiff::SignedDuration::from_secs(spread);
            let view = judge(&input, &world.live, false);
            assert_eq!(view.change.is_some(), view.due.is_none());
            if view.due.is_some() {
                assert_eq!(said(&view.applied), IN_USE, "it is as declared until then");
                assert!(is(&view.applied).message.contains("is applied from"));
            }
            view.due.map(|due| due.duration_since(at_second(0)).as_secs())
        })
        .collect()
}

#[test]
fn the_hubs_of_a_key_take_a_new_version_one_after_the_other() {
    let due: Vec<i64> = turns(600, 0).into_iter().flatten().collect();
    assert!(due.len() >= 45, "{due:?}");
    assert!(due.iter().all(|due| (101..=700).contains(due)), "{due:?}");
    let most_in_a_minute = (0..10)
        .map(|minute| due.iter().filter(|due| (*due - 100) / 60 == minute).count())
        .max()
        .unwrap();
    assert!(most_in_a_minute <= 15, "{due:?}");
    assert!(
        turns(600, 600).iter().all(Option::is_none),
        "after that nobody waits"
    );
    assert!(turns(0, 0).iter().all(Option::is_none));
}

#[test]
fn a_hub_whose_version_cannot_be_used_any_more_does_not_wait_for_its_turn() {
    let mut world = world();
    world.newer();
    world.key().current.created = Some(at_second(100));
    world.key().others[0].enabled = false;
    let mut input = input(&world.hub, &world.status, &world.observed, 100);
    input.pace.rotation_spread = jiff::SignedDuration::from_hours(24);
    assert!(judge(&input, &world.live, false).change.is_some());
    // Nor does one whose user declares another version.
    world.declare("ai-hub", Some("fedcba9876543210fedcba9876543210"));
    let mut input = super::tests::input(&world.hub, &world.status, &world.observed, 100);
    input.pace.rotation_spread = jiff::SignedDuration::from_hours(24);
    assert!(judge(&input, &world.live, false).change.is_some());
}
