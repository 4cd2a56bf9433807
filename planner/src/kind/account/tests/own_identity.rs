//! Accounts whose own identity unwraps: created with Microsoft's key, given access, then the declared key.

use super::*;

#[test]
fn its_own_identity_gets_the_key_after_creation_and_access() {
    let declared = with_its_own_identity("Verify");
    let first = next(
        &declared,
        &ResourceStatus::default(),
        &ready_for_creation(&declared),
        0,
    );
    let write = first.plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::Create);
    assert_eq!(encryption_of(&write.request), &Value::Null);

    let have = live(&declared, None);
    let status = settled(&declared, &have);
    // Microsoft's key, until the declared one is there: nothing is bound to a vault.
    let bound = status.bound.clone().unwrap();
    assert_eq!(
        (bound.mode.unwrap().to_string(), bound.vault),
        ("MicrosoftManaged".to_owned(), None)
    );
    assert_eq!(condition(&status, ConditionType::KeyApplied).1, "AccessMissing");

    let mut observed = there(&declared, &status, have.clone());
    observed.role_assignments = Fact::Known(Vec::new());
    let waits = next(&declared, &status, &observed, 30);
    assert_eq!(waits.plan.write, None);
    let said = &waits.report.status;
    assert_eq!(
        condition(said, ConditionType::PrerequisitesMet).1,
        "AccessMissing"
    );
    assert_eq!(condition(said, ConditionType::Ready).1, "AccessMissing");
    let message = &crate::judge::stored(said, ConditionType::Ready).unwrap().message;
    assert!(
        message.contains("account's own identity (principal own) lacks get, wrap, unwrap"),
        "{message}"
    );
    assert!(message.contains("az role assignment create"), "{message}");

    let given = next(&declared, said, &there(&declared, said, have), 60);
    let write = given.plan.write.unwrap();
    assert_eq!(
        (write.kind, write.intent.as_str()),
        (OperationKind::ChangeKey, FOLLOWED)
    );
    assert_eq!(write.bound.unwrap().mode.unwrap().to_string(), "CustomerManaged");
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..there(&declared, &given.report.status, live(&declared, Some(FOLLOWED)))
    };
    let ready = pass(&declared, &given.report.status, &done, 90, false, &Executed::Done);
    assert_eq!(ready.plan.write, None);
    let of = |of| condition(&ready.report.status, of);
    assert_eq!(of(ConditionType::Ready).1, "AllConditionsMet");
    assert_eq!(of(ConditionType::PrerequisitesMet).1, "ChecksPassed");
}

#[test]
fn its_own_identity_is_given_access_once_where_that_is_asked_for() {
    let declared = with_its_own_identity("Grant");
    let have = live(&declared, None);
    let status = settled(&declared, &have);
    let grant = status.operation.clone().unwrap();
    assert_eq!(
        (grant.kind, grant.state),
        (OperationKind::Grant, OperationState::Running)
    );
    let mut observed = there(&declared, &status, have);
    // It is waited for until the assignment has effect.
    let waits = pass(&declared, &status, &observed, 60, false, &Executed::Done);
    assert_eq!(waits.plan.write, None);
    let waiting = waits.report.status;
    assert_eq!(
        condition(&waiting, ConditionType::PrerequisitesMet).1,
        "AccessPropagating"
    );
    let later = next(&declared, &waiting, &observed, 60 + 601);
    assert_eq!(later.plan.write.unwrap().kind, OperationKind::ChangeKey);
    // What is withdrawn is not given again.
    observed.role_assignments = Fact::Known(Vec::new());
    let withdrawn = next(&declared, &waiting, &observed, 60 + 601);
    assert_eq!(withdrawn.plan.write, None);
    assert_eq!(
        condition(&withdrawn.report.status, ConditionType::PrerequisitesMet).1,
        "AccessMissing"
    );
}

#[test]
fn an_identity_is_put_on_the_account_before_it_unwraps_and_other_changes_do_not_wait_for_access() {
    let plain = account(|object| {
        object["spec"]["encryption"] = json!({ "mode": "MicrosoftManaged" });
        object["spec"].as_object_mut().unwrap().remove("identity");
    });
    let mut have = live(&plain, None);
    // What somebody else put there stays.
    have.system_assigned = true;
    let status = settled(&plain, &have);
    assert_eq!(condition(&status, ConditionType::Ready).0, "True");
    let declared = account(|object| object["metadata"]["generation"] = json!(2));
    let first = next(&declared, &status, &there(&declared, &status, have.clone()), 100);
    let write = first.plan.write.unwrap();
    assert_eq!(write.intent, "identity");
    have.user_assigned.clone_from(&declared.user_assigned);
    have.system_assigned = false;
    let observed = Observed {
        operation: OperationSeen::Succeeded,
        ..there(&declared, &first.report.status, have.clone())
    };
    let then = next(&declared, &first.report.status, &observed, 120);
    assert_eq!(then.plan.write.unwrap().kind, OperationKind::ChangeKey);

    let mut without_access = there(&declared, &status, have);
    without_access.role_assignments = Fact::Known(Vec::new());
    let tagged = account(|object| {
        object["metadata"]["generation"] = json!(2);
        object["spec"]["tags"] = json!({ "team": "a" });
    });
    let update = next(&tagged, &status, &without_access, 100);
    assert_eq!(update.plan.write.unwrap().intent, "tags");
    assert_eq!(
        condition(&update.report.status, ConditionType::PrerequisitesMet).1,
        "AccessMissing"
    );
}

#[test]
fn a_key_that_was_not_sent_waits_for_access_as_any_other() {
    let declared = with_its_own_identity("Verify");
    let have = live(&declared, None);
    let status = settled(&declared, &have);
    let mut observed = there(&declared, &status, have);
    let write = next(&declared, &status, &observed, 60).plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::ChangeKey);
    let noted = crate::intent(&status, &write, at_second(60), PACE);
    observed.role_assignments = Fact::Known(Vec::new());
    let withdrawn = next(&declared, &noted, &observed, 120);
    assert_eq!(withdrawn.plan.write, None);
    assert_eq!(
        condition(&withdrawn.report.status, ConditionType::PrerequisitesMet).1,
        "AccessMissing"
    );
}

#[test]
fn without_the_client_id_no_key_is_sent() {
    let declared = account(|_| {});
    let to = KeyChange::To(KeyIdentifier::parse(FOLLOWED).unwrap());
    assert_eq!(declared.kind.rules().key_change(&declared, &to, None), None);
}
