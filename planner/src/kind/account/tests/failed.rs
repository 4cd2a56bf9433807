//! Accounts that Azure reports as failed: what is sent to them, and who is told to act.

use super::*;
use crate::judge::Opinion;

fn broken(have: Live) -> Live {
    Live {
        provisioning_state: Some("Failed".to_owned()),
        ..have
    }
}

/// The status of one that was in order, with nothing under way.
fn quiet(declared: &Declared, have: &Live) -> ResourceStatus {
    ResourceStatus {
        operation: None,
        ..settled(declared, have)
    }
}

fn microsofts() -> Declared {
    account(|object| {
        object["metadata"]["generation"] = json!(2);
        object["spec"]["identity"] = json!({ "systemAssigned": true });
        object["spec"]["encryption"] = json!({ "mode": "MicrosoftManaged" });
    })
}

fn ready(status: &ResourceStatus) -> (String, String, bool) {
    let (truth, reason) = condition(status, ConditionType::Ready);
    let stalled = status.conditions.iter().any(|one| one.type_ == "Stalled");
    (truth, reason, stalled)
}

fn told(status: &ResourceStatus) -> String {
    crate::judge::stored(status, ConditionType::Provisioned)
        .unwrap()
        .message
        .clone()
}

const STALLED: (&str, &str, bool) = ("False", "ProvisioningFailed", true);

fn is_stalled(status: &ResourceStatus) {
    let (truth, reason, stalled) = ready(status);
    assert_eq!((truth.as_str(), reason.as_str(), stalled), STALLED);
}

#[test]
fn one_that_a_change_left_failed_gets_no_key_without_access() {
    let declared = with_its_own_identity("Verify");
    let have = live(&declared, None);
    let status = settled(&declared, &have);
    let mut observed = there(&declared, &status, broken(have));
    observed.role_assignments = Fact::Known(Vec::new());
    let waits = next(&declared, &status, &observed, 100);
    assert_eq!(waits.plan.write, None);
    is_stalled(&waits.report.status);
    let text = told(&waits.report.status);
    assert!(
        text.starts_with("Azure reports that the last change of the account failed."),
        "{text}"
    );
    assert!(text.contains("az role assignment create"), "{text}");
    observed.role_assignments = ready_for_creation(&declared).role_assignments;
    let sends = next(&declared, &waits.report.status, &observed, 200);
    assert_eq!(sends.plan.write.unwrap().kind, OperationKind::ChangeKey);
}

#[test]
fn one_that_failed_and_is_as_declared_needs_somebody() {
    let declared = microsofts();
    let have = live(&declared, None);
    let status = settled(&declared, &have);
    let observed = there(&declared, &status, broken(have));
    let found = next(&declared, &status, &observed, 100);
    assert_eq!(found.plan.write, None);
    is_stalled(&found.report.status);
    assert!(told(&found.report.status).contains("az resource tag"));
}

#[test]
fn one_that_failed_is_nobodys_trouble_while_something_cannot_be_read() {
    let declared = account(|_| {});
    let (theirs, microsofts) = (live(&declared, Some(FOLLOWED)), live(&declared, None));
    let other = live(&declared, Some("https://corp-keys.vault.azure.net/keys/other"));
    type Hide = fn(&mut Observed);
    let cases: [(&Live, Hide); 4] = [
        (&theirs, |observed| observed.key = Fact::not_read()),
        (&microsofts, |observed| observed.key = Fact::not_read()),
        (&microsofts, |observed| {
            observed.role_assignments = Fact::not_read();
        }),
        // Who unwraps is sent along with the key.
        (&other, |observed| observed.identities[0].1 = Fact::not_read()),
    ];
    for (have, unread) in cases {
        let status = quiet(&declared, have);
        let mut observed = there(&declared, &status, broken(have.clone()));
        unread(&mut observed);
        let found = next(&declared, &status, &observed, 100);
        assert_eq!(found.plan.write, None);
        let (truth, _, stalled) = ready(&found.report.status);
        assert_eq!((truth.as_str(), stalled), ("False", false), "{observed:?}");
    }
}

#[test]
fn one_that_failed_waits_for_its_vault() {
    let declared = account(|_| {});
    let have = live(&declared, None);
    let status = quiet(&declared, &have);
    let mut observed = there(&declared, &status, broken(have));
    (observed.vault, observed.key) = (Fact::Absent, Fact::not_read());
    let found = next(&declared, &status, &observed, 100).report.status;
    is_stalled(&found);
    assert!(told(&found).contains("corp-keys"), "{}", told(&found));
}

/// What is refused, or sent now or later, is no matter for somebody.
#[test]
fn one_that_failed_is_told_as_no_more_than_that_while_there_is_something_to_send() {
    let plain =
        "Azure reports that the last change of the account failed. Keyholder writes to it only what differs";
    let declared = account(|_| {});
    let have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    let refused = account(|object| {
        object["metadata"]["generation"] = json!(2);
        object["spec"]["location"] = json!("eastus");
    });
    let found = next(
        &refused,
        &status,
        &there(&refused, &status, broken(have.clone())),
        100,
    );
    assert!(told(&found.report.status).starts_with(plain));
    let tagged = account(|object| object["spec"]["tags"] = json!({ "team": "a" }));
    let observed = there(&tagged, &status, broken(have));
    let sends = pass(&tagged, &status, &observed, 100, false, &Executed::NotSent);
    assert!(sends.plan.write.is_some());
    assert!(told(&sends.report.status).starts_with(plain));
}

#[test]
fn a_failed_creation_whose_key_is_disabled_meanwhile_needs_somebody() {
    let declared = account(|_| {});
    let absent = Observed {
        deleted: Fact::Absent,
        ..ready_for_creation(&declared)
    };
    let created = next(&declared, &ResourceStatus::default(), &absent, 0)
        .report
        .status;
    let mut observed = there(&declared, &created, broken(live(&declared, Some(FOLLOWED))));
    observed.operation = OperationSeen::Failed {
        code: "X".to_owned(),
        message: "no".to_owned(),
    };
    let failed = next(&declared, &created, &observed, 20).report.status;
    assert!(!ready(&failed).2);
    observed.operation = OperationSeen::None;
    let mut unread = observed.clone();
    unread.key = Fact::not_read();
    let blind = next(&declared, &failed, &unread, 5000).report.status;
    assert_eq!(told(&blind), "X: no");
    assert!(!ready(&blind).2);
    let Fact::Known(key) = &mut observed.key else {
        panic!("a key")
    };
    key.current.enabled = false;
    let waits = next(&declared, &failed, &observed, 5000);
    assert_eq!(waits.plan.write, None);
    is_stalled(&waits.report.status);
    assert!(told(&waits.report.status).contains("disabled"));
    let again = next(
        &declared,
        &waits.report.status,
        &there(&declared, &failed, broken(live(&declared, Some(FOLLOWED)))),
        6000,
    );
    assert!(again.plan.write.is_some());
}

/// One change of the key is over, and nobody has looked at the access to the next.
#[test]
fn another_key_is_not_sent_unseen_after_one_that_did_not_come() {
    let declared = with_its_own_identity("Verify");
    let have = live(&declared, None);
    let status = settled(&declared, &have);
    let sends = next(&declared, &status, &there(&declared, &status, have.clone()), 60);
    assert_eq!(sends.plan.write.as_ref().unwrap().kind, OperationKind::ChangeKey);
    let mut observed = there(&declared, &sends.report.status, have);
    observed.operation = OperationSeen::Succeeded;
    let verifies = next(&declared, &sends.report.status, &observed, 70).report.status;
    assert_eq!(
        verifies.operation.as_ref().unwrap().state,
        OperationState::Verifying
    );
    let other = account(|object| {
        object["metadata"]["generation"] = json!(2);
        object["spec"]["identity"] = json!({ "systemAssigned": true });
        object["spec"]["encryption"]["customerManagedKey"] = json!({ "vault": "corp-keys", "key": "other" });
    });
    observed.operation = OperationSeen::None;
    observed.role_assignments = Fact::Known(Vec::new());
    let waits = next(&other, &verifies, &observed, 5000);
    assert_eq!(waits.plan.write, None);
    assert_eq!(
        condition(&waits.report.status, ConditionType::KeyApplied).1,
        "AccessMissing"
    );
}

/// The way back to Microsoft's key has come to its end; by now the spec asks for a key again.
#[test]
fn a_key_after_microsofts_is_not_sent_unseen() {
    let back = microsofts();
    let have = live(&back, Some(FOLLOWED));
    let mut own = have;
    if let Some(encryption) = &mut own.encryption {
        encryption.identity = None;
    }
    let keyed = with_its_own_identity("Verify");
    let status = settled(&keyed, &own);
    let sends = next(&back, &status, &there(&back, &status, own), 60);
    assert_eq!(sends.plan.write.as_ref().unwrap().kind, OperationKind::ChangeKey);
    let again = account(|object| {
        object["metadata"]["generation"] = json!(3);
        object["spec"]["identity"] = json!({ "systemAssigned": true });
        object["spec"]["encryption"]["customerManagedKey"] = json!({ "vault": "corp-keys", "key": "ai-hub" });
    });
    let mut observed = there(&again, &sends.report.status, live(&again, None));
    observed.operation = OperationSeen::Succeeded;
    observed.role_assignments = Fact::Known(Vec::new());
    let waits = next(&again, &sends.report.status, &observed, 70);
    assert_eq!(waits.plan.write, None);
    assert_eq!(
        condition(&waits.report.status, ConditionType::KeyApplied).1,
        "AccessMissing"
    );
}

/// A newer version of the key is to be sent later: it needs nobody.
#[test]
fn one_that_failed_waits_for_its_turn_to_get_the_new_version() {
    let declared = account(|object| {
        object["spec"]["accountKind"] = json!("OpenAI");
        object["spec"]["allowUnverified"] = json!(["OpenAIUserAssignedIdentity", "OpenAIRoleBasedVault"]);
    });
    let have = Live {
        kind: "openai".to_owned(),
        ..live(&declared, Some(KEY))
    };
    let status = quiet(&declared, &have);
    let mut observed = there(&declared, &status, broken(have));
    let Fact::Known(key) = &mut observed.key else {
        panic!("a key")
    };
    key.others = vec![key.current.clone()];
    key.current = key_version(NEXT_KEY, 100);
    let mut input = input(&declared, &status, &observed, 100);
    input.pace.rotation_spread = jiff::SignedDuration::from_hours(24);
    let plan = crate::plan(&input);
    assert_eq!(plan.write, None);
    let Opinion::Is(provisioned) = plan.judgement.provisioned else {
        panic!("a verdict")
    };
    assert!(!provisioned.stalled, "{provisioned:?}");
}

#[test]
fn another_objects_account_is_not_to_be_tagged() {
    let declared = account(|object| object["spec"]["managementPolicy"] = json!("ObserveOnly"));
    let mut have = live(&declared, Some(FOLLOWED));
    have.tags = [("keyholder-owner".to_owned(), "other/team/theirs".to_owned())].into();
    let status = quiet(&declared, &have);
    let observed = there(&declared, &status, broken(have));
    let found = next(&declared, &status, &observed, 100).report.status;
    is_stalled(&found);
    assert!(
        told(&found).ends_with("activity log names the cause."),
        "{}",
        told(&found)
    );
}

#[test]
fn one_that_failed_waits_for_the_identity_that_unwraps() {
    let declared = account(|_| {});
    let have = live(&declared, Some("https://corp-keys.vault.azure.net/keys/other"));
    let status = quiet(&declared, &have);
    let mut observed = there(&declared, &status, broken(have));
    observed.identities[0].1 = Fact::Absent;
    let found = next(&declared, &status, &observed, 100);
    assert_eq!(found.plan.write, None);
    is_stalled(&found.report.status);
    let text = told(&found.report.status);
    assert!(
        text.contains("which unwraps, does not exist") && text.contains("az identity create"),
        "{text}"
    );
}

#[test]
fn one_that_failed_waits_for_the_users_word() {
    let declared = account(|object| {
        object["spec"]["accountKind"] = json!("OpenAI");
        object["spec"]["allowUnverified"] = json!(["OpenAIUserAssignedIdentity"]);
    });
    let have = Live {
        kind: "openai".to_owned(),
        ..live(&declared, None)
    };
    let status = quiet(&declared, &have);
    let observed = there(&declared, &status, broken(have));
    let found = next(&declared, &status, &observed, 100).report.status;
    assert!(
        told(&found).contains("add OpenAIRoleBasedVault to spec.allowUnverified"),
        "{}",
        told(&found)
    );
}

#[test]
fn one_that_failed_is_told_to_be_encrypted_once_the_grant_has_effect() {
    let declared = with_its_own_identity("Grant");
    let have = live(&declared, None);
    let status = quiet(&declared, &have);
    let mut observed = there(&declared, &status, broken(have));
    observed.role_assignments = Fact::Known(Vec::new());
    let grants = next(&declared, &status, &observed, 100);
    assert_eq!(grants.plan.write.as_ref().unwrap().kind, OperationKind::Grant);
    observed.operation = OperationSeen::Succeeded;
    let waits = next(&declared, &grants.report.status, &observed, 110)
        .report
        .status;
    let text = &crate::judge::stored(&waits, ConditionType::PrerequisitesMet)
        .unwrap()
        .message;
    assert!(text.contains("the account is encrypted with it from"), "{text}");
}
