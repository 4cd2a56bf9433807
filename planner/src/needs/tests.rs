//! What is read when.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::{Operation, Reason};
use serde_json::json;

use super::*;
use crate::fixtures::*;
use crate::observed::Why;
use crate::validate::Validate;

fn hub() -> Declared {
    object("Delete").validate("owner", None).unwrap()
}

fn operation(kind: OperationKind, state: OperationState) -> Option<Operation> {
    Some(Operation {
        kind,
        state,
        intent: "x".to_owned(),
        generation: None,
        started_at: Time(at_second(0)),
        url: None,
        not_before: None,
    })
}

fn unknown() -> Fact<Live> {
    Fact::Unknown(Why {
        reason: Reason::Throttled,
        message: String::new(),
        retry_at: None,
    })
}

#[test]
fn before_a_creation_everything_is_read() {
    let hub = hub();
    let needs = needs(&hub, &ResourceStatus::default(), false, &Fact::Absent);
    assert!(needs.preflight && needs.key && needs.access && needs.policy);
    assert_eq!(needs.quotas, ["Microsoft.Search", "Microsoft.Storage"]);
    assert_eq!(needs.providers, preflight::providers(&hub));
    assert_eq!(needs.identities, hub.user_assigned);
    let associated: Vec<ArmId> = preflight::associated(&hub)
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(needs.associated, associated);
    assert_eq!(needs.vault, Some(id("Microsoft.KeyVault/vaults", "corp-keys")));
    assert_eq!(needs.key_name.as_ref().unwrap().as_str(), "ai-hub");
    assert_eq!(
        needs.access_of,
        AccessOf::UserAssigned(hub.user_assigned[0].clone())
    );
    assert_eq!((needs.versions.len(), needs.managed_group), (0, None));
}

#[test]
fn the_hubs_own_identity_and_a_pin_change_what_is_read() {
    let mut object = object("Delete");
    object.spec.identity.system_assigned = Some(true);
    let key = object.spec.encryption.customer_managed_key.as_mut().unwrap();
    key.identity = None;
    key.version = Some("0123456789abcdef0123456789abcdef".to_owned());
    let hub = object.validate("owner", None).unwrap();
    let needs = needs(&hub, &ResourceStatus::default(), false, &Fact::Absent);
    assert!(!needs.access && needs.access_of == AccessOf::Nobody);
    assert_eq!(needs.versions.len(), 1);
    // What a failed creation left has an identity that can be looked at.
    let mut failed = live(&hub, "Failed");
    failed.system_assigned_principal = Some("own".to_owned());
    let needs = super::needs(&hub, &ResourceStatus::default(), false, &Fact::Known(failed));
    assert!(needs.access);
    assert_eq!(needs.access_of, AccessOf::Principal("own".to_owned()));
    let plain = Declared {
        encryption: ValidEncryption::MicrosoftManaged,
        ..hub
    };
    let needs = super::needs(&plain, &ResourceStatus::default(), false, &Fact::Absent);
    assert!(needs.preflight && !needs.key && !needs.access);
    assert_eq!(needs.providers, ["Microsoft.MachineLearningServices"]);
}

#[test]
fn nothing_is_read_where_nothing_is_decided() {
    let (hub, ready) = ready_hub();
    let there = Fact::Known(live(&hub, "Succeeded"));
    let nothing = Needs::nothing();
    let empty = ResourceStatus::default();
    assert_eq!(needs(&hub, &empty, true, &Fact::Absent), nothing);
    let projects = Needs {
        projects: true,
        ..Needs::nothing()
    };
    assert_eq!(needs(&hub, &ready, true, &there), projects);
    let retained = Declared {
        deletion_policy: DeletionPolicy::Retain,
        ..hub.clone()
    };
    assert_eq!(needs(&retained, &ready, true, &there), nothing);
    assert_eq!(needs(&hub, &ready, false, &unknown()), nothing);
    assert_eq!(
        needs(&hub, &ready, false, &Fact::Absent),
        nothing,
        "it was deleted in Azure"
    );
    for state in ["Creating", "Updating", "Deleting", "SomethingNew"] {
        let moving = Fact::Known(live(&hub, state));
        assert_eq!(needs(&hub, &ready, false, &moving), nothing, "{state}");
    }
    let mut foreign = live(&hub, "Succeeded");
    foreign.tags.clear();
    assert_eq!(needs(&hub, &ready, false, &Fact::Known(foreign)), nothing);
    for (state, waits) in [
        (OperationState::Running, true),
        (OperationState::Verifying, false),
        (OperationState::Intended, false),
        (OperationState::Failed, false),
    ] {
        let status = ResourceStatus {
            operation: operation(OperationKind::Create, state),
            ..ResourceStatus::default()
        };
        let needs = needs(&hub, &status, false, &Fact::Absent);
        assert_eq!(needs == nothing, waits, "{state}");
    }
}

#[test]
fn a_hub_at_rest_needs_key_vault_access_and_group_alone() {
    let (hub, status) = ready_hub();
    let needs = needs(&hub, &status, false, &Fact::Known(live(&hub, "Succeeded")));
    assert_eq!(
        needs,
        Needs {
            key: true,
            vault: Some(id("Microsoft.KeyVault/vaults", "corp-keys")),
            key_name: Some(KeyName::parse("ai-hub").unwrap()),
            versions: vec![KeyVersion::parse("0123456789abcdef0123456789abcdef").unwrap()],
            access: true,
            access_of: AccessOf::UserAssigned(hub.user_assigned[0].clone()),
            identities: hub.user_assigned.clone(),
            managed_group: Some("azureml-rg-research".to_owned()),
            ..Needs::nothing()
        }
    );
}

#[test]
fn a_failed_hub_is_read_like_one_that_is_not_there() {
    let mut with_dependents = hub();
    let dependent = id("Microsoft.Storage/storageAccounts", "data");
    with_dependents.dependents = vec![crate::validate::ValidDependent::audited(dependent.clone())];
    let failed = Fact::Known(live(&with_dependents, "Failed"));
    let read = needs(&with_dependents, &ResourceStatus::default(), false, &failed);
    assert_eq!(read.dependents, std::slice::from_ref(&dependent));
    // One that is not named any more is read while a write may still reach it.
    let mut status = ResourceStatus::default();
    let mut place = json!({ "resourceId": dependent.as_str(), "encryption": "Unknown" });
    let mut read = |place: &serde_json::Value| {
        status.dependents = vec![serde_json::from_value(place.clone()).unwrap()];
        needs(&hub(), &status, false, &failed).dependents
    };
    assert!(read(&place).is_empty());
    place["operation"] = json!({ "kind": "EncryptDependent", "state": "Running", "intent": "x",
        "startedAt": "2027-01-15T08:00:00Z" });
    assert_eq!(read(&place), [dependent]);
    let (hub, status) = ready_hub();
    for state in ["Failed", "canceled", "Cancelled"] {
        let needs = needs(&hub, &status, false, &Fact::Known(live(&hub, state)));
        assert!(needs.preflight, "{state}");
    }
}

#[test]
fn access_is_that_of_who_unwraps_in_azure() {
    let (mut hub, status) = ready_hub();
    let there = live(&hub, "Succeeded");
    let user = AccessOf::UserAssigned(hub.user_assigned[0].clone());
    let asked = |hub: &Declared, status: &ResourceStatus, there: &Live| {
        let needs = needs(hub, status, false, &Fact::Known(there.clone()));
        assert_eq!(needs.access, needs.access_of != AccessOf::Nobody);
        needs.access_of
    };
    assert_eq!(asked(&hub, &status, &there), user);

    let mut own = there.clone();
    own.encryption.as_mut().unwrap().identity = None;
    own.system_assigned_principal = Some("principal".to_owned());
    let mut refused = status.clone();
    refused.bound.as_mut().unwrap().key_identity = None;
    assert_eq!(
        asked(&hub, &refused, &own),
        AccessOf::Principal("principal".to_owned())
    );
    own.system_assigned_principal = None;
    assert_eq!(asked(&hub, &refused, &own), AccessOf::Nobody);

    let ValidEncryption::CustomerManaged { key, version, .. } = &mut hub.encryption else {
        panic!()
    };
    *key = KeyName::parse("other").unwrap();
    *version = Some(KeyVersion::parse("fedcba9876543210fedcba9876543210").unwrap());
    assert_eq!(asked(&hub, &status, &there), user);
    let other = needs(&hub, &status, false, &Fact::Known(there.clone()));
    assert_eq!(other.key_name.unwrap().as_str(), "other");
    assert_eq!(other.versions.len(), 2);

    // While a change is refused the key in use is looked at.
    for change in [
        |hub: &mut Declared, _: &mut ResourceStatus| {
            hub.location = crate::name::Location::parse("eastus").unwrap();
        },
        |_: &mut Declared, status: &mut ResourceStatus| status.bound.as_mut().unwrap().location.push('2'),
    ] {
        let (mut hub, mut status) = (hub.clone(), status.clone());
        change(&mut hub, &mut status);
        let needs = needs(&hub, &status, false, &Fact::Known(there.clone()));
        assert_eq!(needs.key_name.unwrap().as_str(), "ai-hub");
        assert_eq!(needs.versions.len(), 1);
    }
}

#[test]
fn a_service_side_hub_has_no_group_and_a_plain_one_no_key() {
    let (hub, status) = ready_hub();
    let mut there = live(&hub, "Succeeded");
    there.service_side = true;
    assert_eq!(
        needs(&hub, &status, false, &Fact::Known(there.clone())).managed_group,
        None
    );
    there.encryption = None;
    assert_eq!(needs(&hub, &status, false, &Fact::Known(there)), Needs::nothing());
}

#[test]
fn ownership_is_the_tag_on_a_hub() {
    let hub = hub();
    let seen = live(&hub, "Succeeded");
    assert!(is_owned(&hub, &seen));
    let tagged = |name: &str, value: &str| {
        let mut seen = seen.clone();
        seen.tags.clear();
        seen.tags.insert(name.to_owned(), value.to_owned());
        seen
    };
    assert!(is_owned(
        &hub,
        &tagged("KEYHOLDER-OWNER", "owner/ml-platform/research")
    ));
    assert!(!is_owned(&hub, &tagged(OWNER_TAG, "other/ml-platform/research")));
    assert!(!is_owned(&hub, &tagged("owner", "owner/ml-platform/research")));
    let project = Live {
        kind: "project".to_owned(),
        ..seen
    };
    assert!(!is_owned(&hub, &project));
}

#[test]
fn provisioning_states_are_told_apart() {
    let hub = hub();
    let mut seen = live(&hub, "Succeeded");
    for (state, moving, failed, deleting) in [
        (None, false, false, false),
        (Some("succeeded"), false, false, false),
        (Some("Failed"), false, true, false),
        (Some("Canceled"), false, true, false),
        (Some("Deleting"), true, false, true),
        (Some("Creating"), true, false, false),
    ] {
        seen.provisioning_state = state.map(str::to_owned);
        assert_eq!(
            (is_in_progress(&seen), has_failed(&seen), is_deleting(&seen)),
            (moving, failed, deleting),
            "{state:?}"
        );
    }
}

#[test]
fn absence_means_deletion_once_a_hub_was_seen() {
    let (_, ready) = ready_hub();
    assert!(was_created(&ready));
    assert!(!was_created(&ResourceStatus::default()));
    let mut creating = ResourceStatus {
        resource_id: ready.resource_id.clone(),
        operation: operation(OperationKind::Create, OperationState::Failed),
        ..ResourceStatus::default()
    };
    assert!(!was_created(&creating), "its creation never ended well");
    creating.operation = operation(OperationKind::Update, OperationState::Failed);
    assert!(was_created(&creating));
    creating.operation = operation(OperationKind::Create, OperationState::Failed);
    creating.encryption = ready.encryption;
    assert!(was_created(&creating));
    creating.resource_id = None;
    assert!(!was_created(&creating));
}

#[test]
fn policy_is_asked_about_an_update_that_does_not_show() {
    let (hub, mut status) = ready_hub();
    let asked = |status: &ResourceStatus| {
        let live = Fact::Known(live(&hub, "Succeeded"));
        needs(&hub, status, false, &live).policy
    };
    for (kind, state, expected) in [
        (OperationKind::Update, OperationState::Verifying, true),
        (OperationKind::Update, OperationState::Ignored, true),
        (OperationKind::Update, OperationState::Intended, false),
        (OperationKind::Update, OperationState::Failed, false),
        (OperationKind::ChangeKey, OperationState::Ignored, false),
    ] {
        status.operation = operation(kind, state);
        assert_eq!(asked(&status), expected, "{kind} {state}");
    }
}
