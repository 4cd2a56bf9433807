//! What must not follow for dependents from what happens to the object itself, to a read, or to another dependent.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::{Operation, OperationKind, OperationState};

use super::enforce::*;
use super::*;
use crate::Why;
use crate::at_rest::enforce::Standing;
use crate::fixtures::{Pass, accepted, at_second, stored};
use crate::observed::{OperationSeen, Stored};

const THEIRS: &str = "https://stranger-vault.vault.azure.net/keys/theirs/0123456789abcdef0123456789abcdef";

fn broken(reason: Reason) -> Why {
    Why {
        reason,
        message: "told".to_owned(),
        retry_at: None,
    }
}

fn with(hub: &Declared, at_rest: Vec<(ArmId, Fact<Stored>)>) -> Observed {
    Observed {
        at_rest,
        ..created(hub)
    }
}

fn looks(hub: &Declared, status: &ResourceStatus, observed: &Observed, now: i64) -> Pass {
    pass(hub, status, observed, now, false, &accepted())
}

#[test]
fn a_key_that_nobody_declared_is_not_given_on() {
    let (hub, status) = enforcing(STORAGE);
    let status = finds(&hub, &status, &with_key(KEY), 100).report.status;
    let bare = stored(AtRest::Microsoft);
    for (one, expected) in [(with_key(KEY), "AllEncrypted"), (bare, "Pending")] {
        let mut observed = with(&hub, vec![(hub.dependents[0].id.clone(), Fact::Known(one))]);
        let Fact::Known(live) = &mut observed.live else {
            panic!("a hub")
        };
        let encryption = live.encryption.as_mut().unwrap();
        encryption.key = KeyIdentifier::parse(THEIRS).unwrap();
        encryption.vault = None;
        let pass = looks(&hub, &status, &observed, 200);
        assert_eq!(
            condition(&pass.report.status, ConditionType::TransitionAllowed).0,
            "False"
        );
        assert_eq!(
            (pass.plan.write.clone(), verdict(&pass).1.as_str()),
            (None, expected)
        );
    }
    // Nor is the declared one while another identity unwraps it for the hub.
    let mut observed = with(
        &hub,
        vec![(
            hub.dependents[0].id.clone(),
            Fact::Known(stored(AtRest::Microsoft)),
        )],
    );
    let Fact::Known(live) = &mut observed.live else {
        panic!("a hub")
    };
    live.encryption.as_mut().unwrap().identity =
        Some(id("Microsoft.ManagedIdentity/userAssignedIdentities", "other"));
    assert_eq!(looks(&hub, &status, &observed, 200).plan.write, None);
    // Nor one that could not be read in this pass.
    observed = with(
        &hub,
        vec![(
            hub.dependents[0].id.clone(),
            Fact::Known(stored(AtRest::Microsoft)),
        )],
    );
    observed.key = Fact::Unknown(broken(Reason::AzureUnreachable));
    assert_eq!(looks(&hub, &status, &observed, 200).plan.write, None);
}

#[test]
fn the_key_is_given_on_by_what_azure_says_of_it_and_not_by_the_conditions_alone() {
    let (hub, status) = enforcing(STORAGE);
    let observed = created(&hub);
    let input = fixtures::input(&hub, &status, &observed, 200);
    let mut judgement = Judgement::kept(&status);
    let yes = || Opinion::Is(Verdict::yes(Reason::KeyInUse, ""));
    judgement.transition = yes();
    judgement.key_applied = yes();
    judgement.key_healthy = yes();
    let ValidDependent { id: one, enforcement } = &hub.dependents[0];
    let standing = |own: &Live| {
        let bare = stored(AtRest::Microsoft);
        crate::at_rest::enforce::standing(&input, own, &judgement, (one, enforcement.unwrap()), &bare)
    };
    let own = fixtures::live(&hub, "Succeeded");
    assert!(matches!(standing(&own), Standing::Due { .. }));
    let other = Some(id("Microsoft.ManagedIdentity/userAssignedIdentities", "other"));
    for (url, identity) in [
        ("https://other-keys.vault.azure.net/keys/ai-hub", hubs().into()),
        ("https://corp-keys.vault.azure.net/keys/other", hubs().into()),
        (KEY, other),
        (KEY, None),
    ] {
        let mut own = own.clone();
        let encryption = own.encryption.as_mut().unwrap();
        encryption.key = KeyIdentifier::parse(url).unwrap();
        encryption.identity = identity;
        assert!(matches!(standing(&own), Standing::Hindered(_)), "{own:?}");
    }
}

#[test]
fn what_could_not_be_read_is_read_again_and_never_taken_for_encrypted() {
    let (hub, status) = enforcing(STORAGE);
    let unread = Fact::Unknown(broken(Reason::AzureUnreachable));
    let mut observed = with(&hub, vec![(hub.dependents[0].id.clone(), unread)]);
    // A date that is far away does not put it off.
    let Fact::Known(key) = &mut observed.key else {
        panic!("a key")
    };
    key.current.expires = Some(at_second(100) + SignedDuration::from_hours(24 * 365));
    let first = looks(&hub, &status, &observed, 100);
    assert_eq!(first.plan.next, Next::Backoff);
    assert_eq!(
        verdict(&first),
        ("Unknown".to_owned(), "AzureUnreachable".to_owned())
    );
    assert_ne!(condition(&first.report.status, ConditionType::Ready).0, "True");
    // What was known of one stays as a fact, and is no word on how it is now.
    let seen = finds(&hub, &status, &with_key(KEY), 100).report.status;
    let later = looks(&hub, &seen, &observed, 200);
    assert_eq!(
        verdict(&later),
        ("Unknown".to_owned(), "AzureUnreachable".to_owned())
    );
    assert_eq!(later.report.status.dependents, seen.dependents);
    assert_eq!(later.plan.next, Next::Backoff);
    // One that is only told of by now is in nobody's way.
    let bare = stored(AtRest::Microsoft);
    let begun = finds(&hub, &status, &bare, 100).report.status;
    let begun = finds(&hub, &begun, &bare, 101).report.status;
    let mut audits = hub.clone();
    audits.dependents[0].enforcement = None;
    let told = looks(&audits, &begun, &observed, 200).report.status;
    assert_eq!(condition(&told, ConditionType::Ready).0, "True");
    assert_eq!(told.dependents[0].reason, None);
    let followed = told.dependents[0].operation.as_ref().unwrap();
    assert_eq!(followed.state, OperationState::Verifying);
    let mut two = hub;
    two.dependents.push(ValidDependent {
        id: id(STORAGE, "two"),
        ..two.dependents[0].clone()
    });
    let unread = Fact::Unknown(broken(Reason::OperatorNotAuthorized));
    let observed = with(
        &two,
        vec![
            (two.dependents[0].id.clone(), Fact::Known(with_key(KEY))),
            (two.dependents[1].id.clone(), unread),
        ],
    );
    let pass = looks(&two, &seen, &observed, 200);
    assert_eq!(
        verdict(&pass),
        ("Unknown".to_owned(), "OperatorNotAuthorized".to_owned())
    );
    assert_eq!(
        condition(&pass.report.status, ConditionType::Ready).1,
        "OperatorNotAuthorized"
    );
}

#[test]
fn an_operation_that_cannot_be_polled_is_polled_again_soon() {
    let (hub, status) = enforcing(COSMOS);
    let bare = stored(AtRest::Microsoft);
    let first = finds(&hub, &status, &bare, 100).report.status;
    let begun = finds(&hub, &first, &bare, 101).report.status;
    let mut observed = with(&hub, vec![(hub.dependents[0].id.clone(), Fact::Known(bare))]);
    let unreadable = OperationSeen::Unreadable(broken(Reason::AzureUnreachable));
    observed.dependent_operations = vec![(hub.dependents[0].id.clone(), unreadable)];
    assert_eq!(looks(&hub, &begun, &observed, 110).plan.next, Next::Backoff);
}

#[test]
fn what_azure_does_to_one_that_has_the_key_is_nobodys_trouble() {
    let (hub, status) = enforcing(COSMOS);
    let busy = Stored {
        provisioning_state: Some("Updating".to_owned()),
        ..with_key(KEY)
    };
    let pass = finds(&hub, &status, &busy, 100);
    assert_eq!(
        (verdict(&pass).1.as_str(), pass.plan.next),
        ("AllEncrypted", Next::Change)
    );
}

#[test]
fn what_azure_refuses_of_the_hub_itself_is_in_no_dependents_way() {
    let (mut hub, status) = enforcing(STORAGE);
    let bare = stored(AtRest::Microsoft);
    let mut status = finds(&hub, &status, &bare, 100).report.status;
    hub.tags.insert("team".to_owned(), "a".to_owned());
    let operation = |state| Operation {
        kind: OperationKind::Update,
        state,
        intent: "tags".to_owned(),
        generation: Some(1),
        started_at: Time(at_second(90)),
        url: None,
        not_before: Some(Time(at_second(600))),
    };
    status.operation = Some(operation(OperationState::Failed));
    let mut observed = with(&hub, vec![(hub.dependents[0].id.clone(), Fact::Known(bare))]);
    let Fact::Known(live) = &mut observed.live else {
        panic!("a hub")
    };
    live.tags.remove("team");
    let pass = looks(&hub, &status, &observed, 101);
    assert_eq!(pass.plan.write.unwrap().kind, OperationKind::EncryptDependent);
    assert_eq!(pass.report.status.operation, status.operation);
    // What is found to be over is told first, and the dependent follows at once.
    let mut over = operation(OperationState::Verifying);
    over.intent = "publicNetworkAccess".to_owned();
    status.operation = Some(over);
    let as_declared = {
        let mut observed = observed.clone();
        let Fact::Known(live) = &mut observed.live else {
            panic!("a hub")
        };
        live.tags = hub.all_tags();
        observed
    };
    let pass = looks(&hub, &status, &as_declared, 700);
    assert_eq!(
        (pass.plan.write.clone(), pass.report.status.operation.clone()),
        (None, None)
    );
    assert_eq!(pass.plan.next, Next::At(at_second(700)));
    // While Azure may be at work on the hub it waits, and says for what.
    status.operation = Some(operation(OperationState::Verifying));
    let pass = looks(&hub, &status, &observed, 101);
    assert_eq!(pass.plan.write, None);
    let text = pass.report.status.dependents[0].message.clone().unwrap();
    assert!(text.contains("after the object itself"), "{text}");
}

#[test]
fn each_keeps_its_own_reason() {
    let (mut hub, status) = enforcing(STORAGE);
    hub.dependents.push(ValidDependent {
        id: id(STORAGE, "two"),
        ..hub.dependents[0].clone()
    });
    let bare = || Fact::Known(stored(AtRest::Microsoft));
    let theirs = Fact::Known(Stored {
        tags: [("keyholder-owner".to_owned(), "o/n/x".to_owned())].into(),
        ..stored(AtRest::Microsoft)
    });
    let ids: Vec<ArmId> = hub.dependents.iter().map(|one| one.id.clone()).collect();
    let observed = with(&hub, vec![(ids[0].clone(), theirs), (ids[1].clone(), bare())]);
    let first = looks(&hub, &status, &observed, 100).report.status;
    let refused = Executed::Refused(broken(Reason::PolicyDenied));
    let second = pass(&hub, &first, &observed, 101, false, &refused);
    // What came of one write stands among the others.
    assert_eq!(verdict(&second).1, "NotOwned");
    let told = crate::judge::stored(&second.report.status, ConditionType::DependentsEncrypted).unwrap();
    assert!(told.message.contains("/one: it is declared by o/n/x"), "{told:?}");
    assert!(told.message.contains("/two: told"), "{told:?}");
    let mended = with(
        &hub,
        vec![
            (ids[0].clone(), Fact::Known(with_key(KEY))),
            (ids[1].clone(), bare()),
        ],
    );
    let third = looks(&hub, &second.report.status, &mended, 110);
    assert_eq!(verdict(&third).1, "PolicyDenied");
    // Nor does it become another because Azure was at work on it meanwhile.
    let busy = Fact::Known(Stored {
        provisioning_state: Some("ResolvingDNS".to_owned()),
        ..stored(AtRest::Microsoft)
    });
    let observed = with(
        &hub,
        vec![
            (ids[0].clone(), Fact::Known(with_key(KEY))),
            (ids[1].clone(), busy),
        ],
    );
    assert_eq!(
        verdict(&looks(&hub, &third.report.status, &observed, 111)).1,
        "PolicyDenied"
    );
}

#[test]
fn who_unwraps_and_what_follows_are_asked_of_the_matrix_whatever_changes() {
    // The key is right and another identity unwraps it: where that can be changed it is.
    let other = id("Microsoft.ManagedIdentity/userAssignedIdentities", "other");
    let by_other = |one: Stored| Stored {
        unwraps: Some(other.clone()),
        ..one
    };
    let (hub, status) = enforcing(COSMOS);
    let body = sent(&hub, &status, &by_other(with_key(KEY)));
    assert_eq!(
        body["properties"]["defaultIdentity"],
        format!("UserAssignedIdentity={}", hubs())
    );
    let (hub, status) = enforcing(ACCOUNTS);
    let account = |kind: &str, key: &str| Stored {
        account: Some((kind.to_owned(), false)),
        ..with_key(key)
    };
    let pass = finds(&hub, &status, &by_other(account("aiservices", KEY)), 100);
    assert_eq!(verdict(&pass).1, "TransitionUnverified");
    let of_open_ai = account("openai", "https://corp-keys.vault.azure.net/keys/another");
    let pass = finds(&hub, &status, &of_open_ai, 100);
    assert_eq!(verdict(&pass).1, "TransitionUnverified");
    // A mark is one by its name.
    let (hub, status) = enforcing(STORAGE);
    let noted = Stored {
        tags: [("note".to_owned(), MARK.to_owned())].into(),
        ..stored(AtRest::Microsoft)
    };
    assert_eq!(
        sent(&hub, &status, &noted)["tags"],
        json!({ "note": MARK, "keyholder-encryption": MARK })
    );
}
