//! What goes wrong on the way to the key, and afterwards.

use super::*;
use crate::arm_id::ArmId;
use crate::plan::Next;

/// Waits for access with its own identity, with a tag to be changed meanwhile.
fn waiting_with_a_tag() -> (Declared, ResourceStatus, Observed) {
    let declared = account(|object| {
        object["spec"]["identity"] = json!({ "systemAssigned": true });
        object["spec"]["encryption"]["customerManagedKey"] = json!({ "vault": "corp-keys", "key": "ai-hub" });
        object["spec"]["tags"] = json!({ "team": "a" });
    });
    let mut have = live(&declared, None);
    have.tags.remove("team");
    let status = settled(&declared, &have);
    let mut observed = there(&declared, &status, have);
    observed.role_assignments = Fact::Known(Vec::new());
    (declared, status, observed)
}

#[test]
fn a_change_that_is_ignored_while_the_key_waits_is_not_sent_again_and_again() {
    let (declared, status, observed) = waiting_with_a_tag();
    // The pass that found the account created sent the tag.
    assert_eq!(status.operation.as_ref().unwrap().intent, "tags");
    let mut told = status;
    let mut writes = 0;
    for second in 21..600 {
        let pass = pass(&declared, &told, &observed, second, false, &Executed::Done);
        writes += usize::from(pass.plan.write.is_some());
        told = pass.report.status;
    }
    assert_eq!(writes, 0);
    assert_eq!(told.operation.unwrap().state, OperationState::Ignored);
}

#[test]
fn a_key_that_failed_is_not_sent_again_while_access_is_missing() {
    let declared = with_its_own_identity("Verify");
    let have = live(&declared, None);
    let status = settled(&declared, &have);
    let sends = next(&declared, &status, &there(&declared, &status, have.clone()), 60);
    assert_eq!(sends.plan.write.as_ref().unwrap().kind, OperationKind::ChangeKey);
    let mut failed = Observed {
        operation: OperationSeen::Failed {
            code: "Forbidden".to_owned(),
            message: "it lacks get".to_owned(),
        },
        ..there(&declared, &sends.report.status, have)
    };
    let told = next(&declared, &sends.report.status, &failed, 70).report.status;
    assert_eq!(told.operation.as_ref().unwrap().state, OperationState::Failed);
    failed.operation = OperationSeen::None;
    failed.role_assignments = Fact::Known(Vec::new());
    let withdrawn = next(&declared, &told, &failed, 5000);
    assert_eq!(withdrawn.plan.write, None);
    assert_eq!(
        condition(&withdrawn.report.status, ConditionType::Ready).1,
        "AccessMissing"
    );
    assert_eq!(withdrawn.report.status.operation, None);
}

#[test]
fn one_that_failed_after_it_was_in_order_is_not_put_whole() {
    let declared = account(|_| {});
    let mut have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    have.provisioning_state = Some("Failed".to_owned());
    let same = next(&declared, &status, &there(&declared, &status, have.clone()), 100);
    assert_eq!(same.plan.write, None);
    assert_eq!(
        condition(&same.report.status, ConditionType::Ready).1,
        "ProvisioningFailed"
    );
    have.tags.remove("keyholder-owner");
    have.tags.insert("Keyholder-Owner".to_owned(), declared.owner_tag);
    have.public_network_access = Some("Disabled".to_owned());
    let enabled = account(|object| object["spec"]["publicNetworkAccess"] = json!("Enabled"));
    let patched = next(&enabled, &status, &there(&enabled, &status, have), 100);
    assert!(matches!(patched.plan.write.unwrap().request, Request::Patch(_)));
}

#[test]
fn what_the_key_waited_for_is_over_with_the_wish_for_it() {
    let declared = with_its_own_identity("Verify");
    let have = live(&declared, None);
    let status = settled(&declared, &have);
    assert_eq!(condition(&status, ConditionType::PrerequisitesMet).0, "False");
    let back = account(|object| {
        object["metadata"]["generation"] = json!(2);
        object["spec"]["identity"] = json!({ "systemAssigned": true });
        object["spec"]["encryption"] = json!({ "mode": "MicrosoftManaged" });
    });
    let said = next(&back, &status, &there(&back, &status, have), 100)
        .report
        .status;
    assert_eq!(condition(&said, ConditionType::PrerequisitesMet).0, "True");
    assert_eq!(condition(&said, ConditionType::Ready).0, "True");
    assert!(
        said.preflight
            .iter()
            .all(|check| check.result == keyholder_crds::CheckResult::Passed)
    );
}

#[test]
fn what_this_object_never_had_is_not_purged() {
    let declared = account(|_| {});
    let kept = Observed {
        live: Fact::Absent,
        deleted: Fact::Known(Deleted {
            tags: declared.all_tags(),
        }),
        ..ready_for_creation(&declared)
    };
    let refused = next(&declared, &ResourceStatus::default(), &kept, 0)
        .report
        .status;
    assert_eq!(
        condition(&refused, ConditionType::PrerequisitesMet).1,
        "NameReserved"
    );
    let left = pass(&declared, &refused, &kept, 10, true, &accepted());
    assert_eq!(
        (left.plan.write, left.plan.finalizer),
        (None, FinalizerStep::Remove)
    );
}

#[test]
fn a_refused_grant_is_told_the_same_between_its_tries() {
    let declared = with_its_own_identity("Grant");
    let have = live(&declared, None);
    let absent = Observed {
        deleted: Fact::Absent,
        ..ready_for_creation(&declared)
    };
    let created = next(&declared, &ResourceStatus::default(), &absent, 0)
        .report
        .status;
    let mut observed = there(&declared, &created, have);
    observed.role_assignments = Fact::Known(Vec::new());
    let refused = Executed::Refused(crate::Why {
        reason: Reason::OperatorNotAuthorized,
        message: "it may not".to_owned(),
        retry_at: None,
    });
    let mut told = created;
    let mut reasons = Vec::new();
    for second in 20..400 {
        let pass = pass(&declared, &told, &observed, second, false, &refused);
        told = pass.report.status;
        reasons.push(condition(&told, ConditionType::Ready).1);
    }
    reasons.dedup();
    // At first the answer is not known.
    assert_eq!(reasons.last().unwrap(), "OperatorNotAuthorized");
    assert!(reasons.len() <= 2, "{reasons:?}");
}

#[test]
fn a_purge_that_was_ignored_is_looked_at_again_before_it_is_sent_again() {
    let declared = account(|_| {});
    let status = settled(&declared, &live(&declared, Some(FOLLOWED)));
    let kept = Observed {
        live: Fact::Absent,
        deleted: Fact::Known(Deleted {
            tags: declared.all_tags(),
        }),
        ..ready_for_creation(&declared)
    };
    let mut told = status;
    let mut nexts = Vec::new();
    for second in [100, 101, 110, 120] {
        let pass = pass(&declared, &told, &kept, second, true, &Executed::Done);
        nexts.push((pass.plan.write.is_some(), pass.plan.next));
        told = pass.report.status;
    }
    assert_eq!(told.operation.unwrap().state, OperationState::Ignored);
    assert_eq!(nexts[3], (false, Next::At(at_second(150))));
}

#[test]
fn an_identity_that_was_taken_away_while_it_unwraps_is_told_and_given_back() {
    let declared = account(|_| {});
    let have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    let mut without = have;
    without.user_assigned.clear();
    let encryption = without.encryption.as_mut().unwrap();
    encryption.identity = None;
    encryption.gone = Some("client".to_owned());
    let after = next(&declared, &status, &there(&declared, &status, without), 100);
    assert_eq!(
        condition(&after.report.status, ConditionType::KeyHealthy),
        ("False".to_owned(), "IdentityNotFound".to_owned())
    );
    assert_eq!(
        condition(&after.report.status, ConditionType::TransitionAllowed).0,
        "True"
    );
    let write = after.plan.write.unwrap();
    assert_eq!(
        (write.kind, write.intent.as_str()),
        (OperationKind::Update, "identity")
    );
}

#[test]
fn what_is_put_over_an_earlier_try_names_the_key_where_the_accounts_own_identity_can_have_access() {
    let declared = with_its_own_identity("Verify");
    let key = KeyIdentifier::parse(FOLLOWED).unwrap();
    let names_it = |state: &str, have: Option<&str>| {
        let left = Live {
            provisioning_state: Some(state.to_owned()),
            ..live(&declared, have)
        };
        let to_use = KeyToUse {
            identifier: &key,
            client_id: None,
        };
        let properties = declared
            .kind
            .rules()
            .properties(&declared, Some(to_use), Some(&left));
        properties.contains_key("encryption")
    };
    assert!(!names_it("Failed", None));
    assert!(names_it("Failed", Some(FOLLOWED)));
    assert!(names_it("Succeeded", None));
}

#[test]
fn another_identity_for_its_key_is_refused_with_a_way_out() {
    let before = account(|_| {});
    let have = live(&before, Some(FOLLOWED));
    let status = settled(&before, &have);
    let declared = account(|object| {
        object["spec"]["identity"] = json!({ "userAssigned": ["hub", "other"] });
        object["spec"]["encryption"]["customerManagedKey"]["identity"] = json!("other");
    });
    let refused = next(&declared, &status, &there(&declared, &status, have), 100);
    let said = crate::judge::stored(&refused.report.status, ConditionType::TransitionAllowed).unwrap();
    assert_eq!(said.reason, "ImmutableFieldChanged");
    for part in [
        "lets another identity unwrap the key of an account: it is /subscriptions/",
        "apply a new AIServicesAccount under another name",
    ] {
        assert!(said.message.contains(part), "{said:?}");
    }
}

#[test]
fn one_that_allows_projects_is_not_deleted_while_it_has_some() {
    let declared = account(|_| {});
    let mut have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    let project = ArmId::parse(&format!("{}/projects/churn", declared.id)).unwrap();
    let deletes = |have: &Live, projects: Fact<Vec<ArmId>>| {
        let observed = Observed {
            projects,
            ..there(&declared, &status, have.clone())
        };
        pass(&declared, &status, &observed, 100, true, &accepted())
    };
    let some = Fact::Known(vec![project]);
    assert!(deletes(&have, some.clone()).plan.write.is_some());
    have.account.as_mut().unwrap().projects = true;
    let waits = deletes(&have, some);
    assert_eq!(waits.plan.write, None);
    assert_eq!(
        condition(&waits.report.status, ConditionType::Provisioned).1,
        "HasProjects"
    );
    assert!(deletes(&have, Fact::Known(Vec::new())).plan.write.is_some());
}

#[test]
fn its_deletion_is_told_with_how_long_azure_keeps_it() {
    let declared = account(|object| object["spec"]["deletionPolicy"] = json!("Delete"));
    let have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    let observed = there(&declared, &status, have);
    let deletes = pass(&declared, &status, &observed, 100, true, &accepted());
    let told = |note: &crate::report::Note| note.message.contains("Azure keeps the account for 48 hours.");
    assert!(
        deletes.report.notes.iter().any(told),
        "{:?}",
        deletes.report.notes
    );
}

#[test]
fn what_azure_fixes_is_refused_with_what_it_is() {
    let before = account(|_| {});
    let mut have = live(&before, Some(FOLLOWED));
    let fixed = have.account.as_mut().unwrap();
    fixed.projects = true;
    fixed.sub_domain = Some("Vision-eu".to_owned());
    let status = settled(&before, &have);
    for (field, value, expected) in [
        (
            "accountKind",
            json!("SpeechServices"),
            "the account is created: it is aiservices.",
        ),
        ("allowProjectManagement", json!(false), "cannot disallow projects"),
        (
            "customSubDomainName",
            json!("other"),
            "the subdomain of an account: it is vision-eu.",
        ),
    ] {
        let declared = account(|object| object["spec"][field] = value.clone());
        let refused = next(&declared, &status, &there(&declared, &status, have.clone()), 100);
        assert_eq!(refused.plan.write, None);
        let said = crate::judge::stored(&refused.report.status, ConditionType::TransitionAllowed).unwrap();
        assert!(said.message.starts_with(&format!("spec.{field}: ")), "{said:?}");
        assert!(said.message.contains(expected), "{said:?}");
    }
}

#[test]
fn what_azure_keeps_of_a_deleted_one_is_asked_for_where_it_is_to_be_purged() {
    for (policy, asked) in [("DeleteAndPurge", true), ("Delete", false), ("Retain", false)] {
        let declared = account(|object| object["spec"]["deletionPolicy"] = json!(policy));
        let needs = crate::needs::needs(&declared, &ResourceStatus::default(), true, &Fact::Absent);
        assert_eq!(needs.deleted.is_some(), asked, "{policy}");
    }
}

#[test]
fn a_tag_that_is_written_while_the_key_waits_binds_to_no_key() {
    let (declared, status, observed) = waiting_with_a_tag();
    let quiet = ResourceStatus {
        operation: None,
        ..status
    };
    let write = next(&declared, &quiet, &observed, 100).plan.write.unwrap();
    assert_eq!(write.intent, "tags");
    let bound = write.bound.unwrap();
    assert_eq!(
        (bound.mode, bound.vault),
        (Some(keyholder_crds::EncryptionMode::MicrosoftManaged), None)
    );
}
