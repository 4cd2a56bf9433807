use keyholder_crds::vocabulary::ENCRYPTION_TAG;
use keyholder_crds::{ConditionType, ResourceStatus};
use serde_json::json;

use super::*;
use crate::fixtures::{self, KEY, NEXT_KEY, condition, created, id, pass, ready_hub};
use crate::report::{Executed, Report};
use crate::validate::{Declared, Validate};

mod enforce;
mod followed;
mod guarded;
mod hindered;
mod waking;

const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const SEARCH: &str = "Microsoft.Search/searchServices";
const REGISTRY: &str = "Microsoft.ContainerRegistry/registries";

fn audited(kind: &str, name: &str) -> ValidDependent {
    ValidDependent::audited(id(kind, name))
}

fn key(url: &str) -> AtRest {
    AtRest::Key(KeyIdentifier::parse(url).unwrap())
}

/// The hub with these dependents, and what a pass says of them.
fn told(dependents: &[(ArmId, Fact<AtRest>)], status: &ResourceStatus) -> (Declared, Report) {
    let (hub, _) = ready_hub();
    let hub = Declared {
        dependents: dependents
            .iter()
            .map(|(id, _)| ValidDependent::audited(id.clone()))
            .collect(),
        ..hub
    };
    let mut observed = created(&hub);
    observed.at_rest = dependents
        .iter()
        .map(|(id, fact)| (id.clone(), fixtures::stored_fact(fact.clone())))
        .collect();
    let report = pass(&hub, status, &observed, 100, false, &Executed::Nothing).report;
    (hub, report)
}

fn ready() -> ResourceStatus {
    ready_hub().1
}

fn unknown() -> Fact<AtRest> {
    Fact::Unknown(crate::Why {
        reason: Reason::OperatorNotAuthorized,
        message: "no right".to_owned(),
        retry_at: None,
    })
}

#[test]
fn each_is_told_with_its_key_and_one_without_is_a_warning_that_keeps_ready() {
    let (ours, other) = (id(STORAGE, "ours"), id(STORAGE, "other"));
    let good = [
        (ours, Fact::Known(key(KEY))),
        (
            other,
            Fact::Known(key("https://their-keys.vault.azure.net/keys/k")),
        ),
        (
            id(SEARCH, "search"),
            Fact::Known(AtRest::Enforced { compliant: true }),
        ),
    ];
    let (_, report) = told(&good, &ready());
    assert_eq!(
        condition(&report.status, ConditionType::DependentsEncrypted),
        ("True".to_owned(), "AllEncrypted".to_owned())
    );
    assert_eq!(report.status.dependents[0].key_identifier.as_deref(), Some(KEY));
    assert_eq!(report.status.dependents[2].encryption, AtRestEncryption::Enforced);
    assert!(report.notes.is_empty(), "{:?}", report.notes);

    for (fact, encryption, word) in [
        (
            Fact::Known(AtRest::Microsoft),
            AtRestEncryption::MicrosoftManaged,
            "keys/ai-hub does not pass down",
        ),
        (
            Fact::Known(AtRest::NotEnforced),
            AtRestEncryption::NotEnforced,
            "policy: Enforce forbids it from now on",
        ),
        (
            Fact::Known(AtRest::Enforced { compliant: false }),
            AtRestEncryption::EnforcedNotCompliant,
            "creation alone: make them anew",
        ),
        (
            Fact::Absent,
            AtRestEncryption::NotFound,
            "does not exist: make it",
        ),
    ] {
        let (_, report) = told(&[good[0].clone(), (id(STORAGE, "bad"), fact)], &ready());
        assert_eq!(
            condition(&report.status, ConditionType::DependentsEncrypted),
            ("True".to_owned(), "AuditFinding".to_owned())
        );
        assert_eq!(condition(&report.status, ConditionType::Ready).0, "True");
        let one = &report.status.dependents[1];
        assert_eq!(one.encryption, encryption);
        assert!(one.message.as_ref().unwrap().contains(word), "{one:?}");
        let note = report
            .notes
            .iter()
            .find(|note| note.reason == Reason::AuditFinding)
            .unwrap();
        assert!(note.warning && note.message.contains("/bad: ") && !note.message.contains("/ours: "));
    }
}

#[test]
fn each_type_is_told_how_it_gets_a_key_of_yours() {
    for (kind, cure) in [
        (
            STORAGE,
            "policy: Enforce gives it this object's; by hand: docs/dependents.md.",
        ),
        (
            "Microsoft.DocumentDB/databaseAccounts",
            "policy: Enforce gives it this object's; by hand: docs/dependents.md.",
        ),
        (
            "microsoft.cognitiveservices/ACCOUNTS",
            "as an AIServicesAccount of its own",
        ),
        (
            REGISTRY,
            "does not pass down to it: a registry gets one of yours at its creation alone, in Premium: make another one and move the \
             images by az acr import (docs/dependents.md), or leave it so.",
        ),
    ] {
        let (_, report) = told(&[(id(kind, "bad"), Fact::Known(AtRest::Microsoft))], &ready());
        let message = report.status.dependents[0].message.clone().unwrap();
        assert!(message.contains(cure), "{kind}: {message}");
    }
}

#[test]
fn what_cannot_be_read_is_unknown_and_what_was_known_stays() {
    let storage = id(STORAGE, "one");
    let (_, first) = told(&[(storage.clone(), unknown())], &ready());
    assert_eq!(
        condition(&first.status, ConditionType::DependentsEncrypted),
        ("Unknown".to_owned(), "Unreadable".to_owned())
    );
    assert_eq!(condition(&first.status, ConditionType::Ready).0, "True");
    assert_eq!(first.status.dependents[0].encryption, AtRestEncryption::Unknown);

    let (_, known) = told(&[(storage.clone(), Fact::Known(key(NEXT_KEY)))], &first.status);
    let (_, later) = told(&[(storage, unknown())], &known.status);
    assert_eq!(later.status.dependents, known.status.dependents);
    assert_eq!(
        condition(&later.status, ConditionType::DependentsEncrypted),
        ("Unknown".to_owned(), "Unreadable".to_owned())
    );
}

#[test]
fn microsofts_key_is_no_finding_beside_a_hub_with_microsofts_key() {
    let (mut hub, _) = ready_hub();
    hub.encryption = crate::validate::ValidEncryption::MicrosoftManaged;
    hub.dependents = vec![audited(STORAGE, "one"), audited(SEARCH, "search")];
    let mut observed = created(&hub);
    let mut live = fixtures::live(&hub, "Succeeded");
    live.encryption = None;
    live.managed_group = None;
    observed.live = Fact::Known(live);
    observed.at_rest = vec![
        (
            id(STORAGE, "one"),
            Fact::Known(fixtures::stored(AtRest::Microsoft)),
        ),
        (
            id(SEARCH, "search"),
            Fact::Known(fixtures::stored(AtRest::NotEnforced)),
        ),
    ];
    let report = pass(
        &hub,
        &ResourceStatus::default(),
        &observed,
        0,
        false,
        &Executed::Nothing,
    )
    .report;
    assert_eq!(
        condition(&report.status, ConditionType::DependentsEncrypted).1,
        "AllEncrypted"
    );
    assert_eq!(
        report.status.dependents[0].encryption,
        AtRestEncryption::MicrosoftManaged
    );
}

#[test]
fn without_dependents_nothing_is_said_of_them() {
    let (_, known) = told(&[(id(STORAGE, "one"), Fact::Absent)], &ready());
    let (_, none) = told(&[], &known.status);
    assert_eq!(
        crate::judge::stored(&none.status, ConditionType::DependentsEncrypted),
        None
    );
    assert!(none.status.dependents.is_empty());
}

#[test]
fn a_service_side_hubs_storage_account_is_looked_at_unasked_and_once() {
    let mut object = fixtures::object("Delete");
    assert!(object.validate("owner", None).unwrap().dependents.is_empty());
    object.spec.encryption.data_location = Some(keyholder_crds::DataLocation::ServiceSide);
    let storage = id(STORAGE, "aihubdata");
    assert_eq!(
        object.validate("owner", None).unwrap().dependents,
        [ValidDependent::audited(storage.clone())]
    );
    object.spec.dependents = serde_json::from_value(json!([
        { "type": STORAGE, "resource": "AIHUBDATA" },
        { "type": SEARCH, "resource": "search" },
    ]))
    .unwrap();
    assert_eq!(
        object.validate("owner", None).unwrap().dependents,
        [ValidDependent::audited(storage), audited(SEARCH, "search")]
    );
}

#[test]
fn of_a_group_those_are_read_whose_encryption_azure_tells() {
    let mut group = fixtures::group();
    group.push(GroupResource {
        r#type: "Microsoft.Network/virtualNetworks".to_owned(),
        name: "net".to_owned(),
        state: None,
    });
    let ids = in_group("s", "g", &group);
    let types: Vec<String> = ids.iter().map(ArmId::resource_type).collect();
    assert_eq!(types, ["Microsoft.DocumentDB/databaseAccounts", SEARCH, STORAGE]);
    assert_eq!(ids[2].resource_group(), "g");
}
