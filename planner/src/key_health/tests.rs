//! Warnings and the firewall; what else makes a key unhealthy stands with the tests of `encryption`.

use super::*;
use crate::fixtures::*;
use crate::observed::{Observed, Rotation};
use crate::report::Report;
use crate::validate::Declared;
use jiff::SignedDuration;
use keyholder_crds::ResourceStatus;

const DAY: i64 = 86_400;

struct World {
    hub: Declared,
    status: ResourceStatus,
    observed: Observed,
}

fn world() -> World {
    let (hub, status) = ready_hub();
    World {
        observed: created(&hub),
        hub,
        status,
    }
}

impl World {
    fn key(&mut self) -> &mut LiveKey {
        let Fact::Known(key) = &mut self.observed.key else {
            panic!()
        };
        key
    }

    fn report(&self, now: i64) -> Report {
        pass(&self.hub, &self.status, &self.observed, now, false, &accepted()).report
    }

    fn says(&self, now: i64) -> (String, String) {
        condition(&self.report(now).status, ConditionType::KeyHealthy)
    }
}

fn row(status: &str, reason: Reason) -> (String, String) {
    (status.to_owned(), reason.to_string())
}

#[test]
fn a_key_that_expires_soon_is_a_warning_and_an_event_and_clears_nothing() {
    let mut world = world();
    world.key().current.expires = Some(at_second(40 * DAY));
    world.key().rotation = vec![Rotation::BeforeExpiry(SignedDuration::from_hours(7 * 24))];
    assert_eq!(world.says(9 * DAY), row("True", Reason::KeyUsable));
    let report = world.report(10 * DAY);
    assert_eq!(
        condition(&report.status, ConditionType::KeyHealthy),
        row("True", Reason::KeyExpiringSoon)
    );
    assert_eq!(
        condition(&report.status, ConditionType::Ready),
        row("True", Reason::AllConditionsMet)
    );
    let [note] = report.notes.as_slice() else {
        panic!("{:?}", report.notes)
    };
    assert!(note.warning && note.reason == Reason::KeyExpiringSoon);
    assert!(
        note.message.contains("az keyvault key create"),
        "{}",
        note.message
    );
    // Told once.
    world.status = report.status;
    assert!(world.report(11 * DAY).notes.is_empty());
}

#[test]
fn a_key_that_nothing_renews_is_told_long_before() {
    let mut world = world();
    world.key().current.expires = Some(at_second(400 * DAY));
    assert_eq!(world.says(DAY), row("True", Reason::RotationPolicyMissing));
    world.key().rotation = vec![Rotation::BeforeExpiry(SignedDuration::from_hours(60 * 24))];
    assert_eq!(world.says(DAY), row("True", Reason::KeyUsable));
    // A pinned hub does not follow the policy.
    let ValidEncryption::CustomerManaged { version, .. } = &mut world.hub.encryption else {
        panic!()
    };
    *version = Some(crate::name::KeyVersion::parse("0123456789abcdef0123456789abcdef").unwrap());
    let report = world.report(DAY);
    let told = crate::judge::stored(&report.status, ConditionType::KeyHealthy).unwrap();
    assert_eq!(told.reason, Reason::RotationPolicyMissing.as_ref());
    assert!(
        told.message.contains("The hub is pinned to this version"),
        "{}",
        told.message
    );
}

#[test]
fn a_firewall_that_keeps_the_service_out_makes_the_key_unhealthy() {
    let mut world = world();
    let Fact::Known(vault) = &mut world.observed.vault else {
        panic!()
    };
    vault.trusted_services_pass = false;
    let report = world.report(100);
    let told = crate::judge::stored(&report.status, ConditionType::KeyHealthy).unwrap();
    assert_eq!(
        (told.status.as_str(), told.reason.as_str()),
        ("False", "VaultBlocksTrustedServices")
    );
    assert!(
        told.message.contains("--bypass AzureServices"),
        "{}",
        told.message
    );
    assert_eq!(
        condition(&report.status, ConditionType::Ready),
        row("False", Reason::VaultBlocksTrustedServices)
    );
}

#[test]
fn access_that_went_is_told_and_not_given_again() {
    let mut world = world();
    let ValidEncryption::CustomerManaged { access, .. } = &mut world.hub.encryption else {
        panic!()
    };
    *access = keyholder_crds::KeyAccess::Grant;
    world.observed.role_assignments = Fact::Known(Vec::new());
    let pass = pass(
        &world.hub,
        &world.status,
        &world.observed,
        100,
        false,
        &accepted(),
    );
    assert_eq!(pass.plan.write, None);
    let told = crate::judge::stored(&pass.report.status, ConditionType::KeyHealthy).unwrap();
    assert_eq!(told.reason, "AccessLost");
    assert!(
        told.message.contains("does not give it again"),
        "{}",
        told.message
    );
}

#[test]
fn a_key_that_is_gone_is_told_with_what_its_vault_keeps() {
    let mut world = world();
    world.observed.key = Fact::Absent;
    let told = |world: &World| {
        let report = world.report(100);
        let told = crate::judge::stored(&report.status, ConditionType::KeyHealthy).unwrap();
        assert_eq!(
            (told.status.as_str(), told.reason.as_str()),
            ("False", "KeyDeleted")
        );
        told.message.clone()
    };
    let cure = "az keyvault key recover";
    let unknown = told(&world);
    assert!(unknown.contains(cure) && !unknown.contains("purged"), "{unknown}");
    world.observed.deleted_key = Fact::Known(crate::observed::DeletedKey {
        purge_at: Some(at_second(0)),
    });
    let kept = told(&world);
    assert!(
        kept.contains(cure) && kept.contains(&format!("until {}", at_second(0))),
        "{kept}"
    );
    world.observed.deleted_key = Fact::Absent;
    let lost = told(&world);
    assert!(
        !lost.contains(cure) && lost.contains("the hub's data is lost"),
        "{lost}"
    );
}

#[test]
fn a_policy_of_its_own_that_went_is_lost_although_a_group_may_have_one() {
    let mut world = world();
    let policy = |who: &str| crate::observed::AccessPolicy {
        object_id: who.to_owned(),
        keys: vec!["all".to_owned()],
    };
    let Fact::Known(vault) = &mut world.observed.vault else {
        panic!()
    };
    vault.permissions = Permissions::Policies(vec![policy("principal"), policy("a group")]);
    assert_eq!(world.says(100), row("True", Reason::KeyUsable));
    let Fact::Known(vault) = &mut world.observed.vault else {
        panic!()
    };
    vault.permissions = Permissions::Policies(vec![policy("a group")]);
    let lost = world.report(200);
    assert_eq!(
        condition(&lost.status, ConditionType::KeyHealthy),
        row("False", Reason::AccessLost)
    );
    world.status = lost.status;
    assert_eq!(world.says(300), row("False", Reason::AccessLost));
    // Who never had one is not known to lack access.
    world
        .status
        .conditions
        .retain(|condition| condition.type_ != ConditionType::KeyHealthy.to_string());
    assert_eq!(world.says(400), row("Unknown", Reason::Unverifiable));
}

#[test]
fn a_warning_does_not_hide_that_access_went() {
    let mut world = world();
    world.key().current.expires = Some(at_second(10 * DAY));
    world.observed.role_assignments = Fact::Known(Vec::new());
    assert_eq!(world.says(9 * DAY), row("False", Reason::AccessLost));
}

#[test]
fn an_identity_that_is_gone_is_told_although_its_role_is_left() {
    let mut world = world();
    world.observed.identities[0].1 = Fact::Absent;
    assert_eq!(world.says(100), row("False", Reason::IdentityNotFound));
    let report = world.report(100);
    let told = crate::judge::stored(&report.status, ConditionType::KeyHealthy).unwrap();
    assert!(
        told.message.contains("userAssignedIdentities/hub"),
        "{}",
        told.message
    );
    assert!(
        told.message.contains("\nCure:\naz identity create --name hub"),
        "{}",
        told.message
    );
    // Not knowing is no verdict.
    world.observed.identities[0].1 = Fact::not_read();
    assert_eq!(world.says(100), row("True", Reason::KeyUsable));
}
