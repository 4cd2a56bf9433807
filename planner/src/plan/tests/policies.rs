//! What the spec holds back, and what it takes over.

use serde_json::json;

use super::*;
use crate::name::KeyIdentifier;
use crate::observed::Live;
use crate::report::Executed;
use crate::validate::Declared;

fn hub(change: impl Fn(&mut keyholder_crds::AIHub)) -> Declared {
    let mut object = object("Delete");
    change(&mut object);
    object.validate("owner", None).unwrap()
}

fn with(hub: &Declared, change: impl Fn(&mut Live)) -> Observed {
    let mut observed = created(hub);
    let Fact::Known(live) = &mut observed.live else {
        panic!()
    };
    change(live);
    observed
}

fn said(pass: &Pass, of: ConditionType) -> (String, String, String) {
    let stored = crate::judge::stored(&pass.report.status, of).unwrap();
    (
        stored.status.clone(),
        stored.reason.clone(),
        stored.message.clone(),
    )
}

#[test]
fn a_suspended_hub_says_what_it_would_do_and_does_it_when_it_goes_on() {
    let suspended = hub(|object| object.spec.suspend = true);
    let nothing = ResourceStatus::default();
    let absent = ready_for_creation(&suspended);
    let first = pass(&suspended, &nothing, &absent, 0, false, &accepted());
    assert_eq!(first.plan.write, None);
    let (status, reason, message) = said(&first, ConditionType::Provisioned);
    assert_eq!((status.as_str(), reason.as_str()), ("False", "Suspended"));
    assert_eq!(message, "spec.suspend holds it back: the hub would be created.");
    assert_eq!(
        first.report.status.bound, None,
        "nothing is bound by what is not written"
    );
    let goes_on = hub(|_| {});
    let next = pass(&goes_on, &first.report.status, &absent, 30, false, &accepted());
    assert_eq!(next.plan.write.unwrap().kind, OperationKind::Create);

    let (ready, status) = ready_hub();
    let still = hub(|object| object.spec.suspend = true);
    let calm = pass(&still, &status, &created(&ready), 60, false, &accepted());
    assert_eq!(condition(&calm.report.status, ConditionType::Ready).0, "True");
    let deletes = pass(&still, &status, &created(&ready), 60, true, &accepted());
    assert_eq!(
        (deletes.plan.write.is_none(), deletes.plan.finalizer),
        (true, FinalizerStep::Keep)
    );
    assert!(
        said(&deletes, ConditionType::Provisioned)
            .2
            .contains("would be deleted")
    );
}

#[test]
fn one_that_is_only_observed_is_judged_whoever_owns_it_and_stays_in_azure() {
    let observing = hub(|object| {
        object.spec.management_policy = keyholder_crds::ManagementPolicy::ObserveOnly;
    });
    let others = with(&observing, |live| {
        live.tags = [("keyholder-owner".to_owned(), "x/y/z".to_owned())].into();
    });
    let nothing = ResourceStatus::default();
    let first = pass(&observing, &nothing, &others, 0, false, &accepted());
    assert_eq!(first.plan.write, None);
    assert_eq!(condition(&first.report.status, ConditionType::Ready).0, "True");
    assert_eq!(
        condition(&first.report.status, ConditionType::KeyApplied).1,
        "KeyInUse"
    );
    let tagged = hub(|object| {
        object.spec.management_policy = keyholder_crds::ManagementPolicy::ObserveOnly;
        object.spec.tags = [("team".to_owned(), "a".to_owned())].into();
    });
    let differs = pass(&tagged, &nothing, &others, 0, false, &accepted());
    assert_eq!(differs.plan.write, None);
    let (_, reason, message) = said(&differs, ConditionType::Provisioned);
    assert_eq!(reason, "ObservedOnly");
    assert!(message.contains("tags would be changed"), "{message}");
    let deleted = pass(&observing, &first.report.status, &others, 30, true, &accepted());
    assert_eq!(
        (deleted.plan.write, deleted.plan.finalizer),
        (None, FinalizerStep::Remove)
    );
}

#[test]
fn one_without_an_owner_is_taken_over_by_its_tag_alone() {
    let adopting = hub(|object| object.spec.adoption_policy = keyholder_crds::AdoptionPolicy::Adopt);
    let ownerless = with(&adopting, |live| {
        live.tags = [("team".to_owned(), "a".to_owned())].into();
    });
    let nothing = ResourceStatus::default();
    let first = pass(&adopting, &nothing, &ownerless, 0, false, &Executed::Done);
    let write = first.plan.write.unwrap();
    assert_eq!(
        write.request,
        Request::Patch(json!({ "tags": { "team": "a", "keyholder-owner": "owner/ml-platform/research" } }))
    );
    assert_eq!(write.bound.unwrap().resource_id, adopting.id.lower());
    // It is not sent again while it may not show.
    let again = pass(&adopting, &first.report.status, &ownerless, 1, false, &accepted());
    assert_eq!(again.plan.write, None);
    let owned = pass(
        &adopting,
        &first.report.status,
        &created(&adopting),
        20,
        false,
        &accepted(),
    );
    assert_eq!(owned.plan.write, None);
    assert_eq!(condition(&owned.report.status, ConditionType::Ready).0, "True");
}

#[test]
fn one_that_is_otherwise_encrypted_or_owned_is_not_taken_over() {
    let adopting = hub(|object| object.spec.adoption_policy = keyholder_crds::AdoptionPolicy::Adopt);
    let nothing = ResourceStatus::default();
    let told = |change: &dyn Fn(&mut Live)| {
        let observed = with(&adopting, |live| {
            live.tags.clear();
            change(live);
        });
        let pass = pass(&adopting, &nothing, &observed, 0, false, &accepted());
        assert_eq!(pass.plan.write, None);
        let (_, reason, message) = said(&pass, ConditionType::Provisioned);
        assert_eq!(condition(&pass.report.status, ConditionType::Stalled).0, "True");
        (reason, message)
    };
    let (reason, message) = told(&|live| live.encryption = None);
    assert_eq!(reason, "AdoptionRefused");
    assert!(message.contains("spec.encryption.mode"), "{message}");
    let other = "https://corp-keys.vault.azure.net/keys/other/0123456789abcdef0123456789abcdef";
    let (reason, message) =
        told(&|live| live.encryption.as_mut().unwrap().key = KeyIdentifier::parse(other).unwrap());
    assert_eq!(reason, "AdoptionRefused");
    assert!(message.contains(&format!("Azure uses {other}")), "{message}");
    // What the spec does not name would be taken away.
    let (reason, message) = told(&|live| {
        live.system_assigned = true;
        live.user_assigned
            .push(id("Microsoft.ManagedIdentity/userAssignedIdentities", "theirs"));
    });
    assert_eq!(reason, "AdoptionRefused");
    assert!(
        message.contains(
            "spec.identity: Azure has the system-assigned identity (systemAssigned: true), /subscriptions/"
        ) && message.contains("/theirs, which would be taken away"),
        "{message}"
    );
    let (_, message) = told(&|live| {
        live.user_assigned
            .push(id("Microsoft.ManagedIdentity/userAssignedIdentities", "theirs"));
    });
    assert!(!message.contains("system-assigned"), "{message}");
    let (reason, _) = told(&|live| {
        live.tags.insert("Keyholder-Owner".to_owned(), "x/y/z".to_owned());
    });
    assert_eq!(reason, "NotOwned", "another object's");
    let (reason, _) = told(&|live| live.kind = "project".to_owned());
    assert_eq!(reason, "NotOwned", "another kind");
}
