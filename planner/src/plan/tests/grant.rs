//! Access that Keyholder gives.

use super::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::KeyAccess;

use crate::observed::Permissions;
use crate::report::Executed;

fn hub() -> Declared {
    let mut declared = object("Delete");
    declared
        .spec
        .encryption
        .customer_managed_key
        .as_mut()
        .unwrap()
        .access = KeyAccess::Grant;
    declared.validate("owner", None).unwrap()
}

fn without_access(hub: &Declared) -> Observed {
    Observed {
        role_assignments: Fact::Known(Vec::new()),
        ..ready_for_creation(hub)
    }
}

fn next(hub: &Declared, status: &ResourceStatus, observed: &Observed, now: i64, executed: &Executed) -> Pass {
    pass(hub, status, observed, now, false, executed)
}

/// The first pass over a hub whose identity has no access: it gives it.
fn given(hub: &Declared, executed: &Executed) -> Pass {
    next(hub, &ResourceStatus::default(), &without_access(hub), 0, executed)
}

fn prerequisites(pass: &Pass) -> (String, String) {
    condition(&pass.report.status, ConditionType::PrerequisitesMet)
}

#[test]
fn access_is_given_once_waited_for_and_then_the_hub_is_created() {
    let hub = hub();
    let first = given(&hub, &Executed::Done);
    let write = first.plan.write.unwrap();
    assert_eq!((write.kind, write.bound), (OperationKind::Grant, None));
    let Request::Assign(body) = &write.request else {
        panic!("{:?}", write.request)
    };
    assert_eq!(body["properties"]["principalId"], "principal");
    assert_eq!(body["properties"]["principalType"], "ServicePrincipal");
    assert!(
        write
            .id
            .as_str()
            .contains("/vaults/corp-keys/keys/ai-hub/providers/Microsoft.Authorization/roleAssignments/"),
        "{}",
        write.id
    );
    assert_eq!(first.report.notes[0].reason, Reason::Granted);
    assert_eq!(first.report.status.bound, None, "nothing is bound by a grant");

    // Azure has it; it may take a while to have effect, during which nothing is written.
    let seen = next(
        &hub,
        &first.report.status,
        &ready_for_creation(&hub),
        1,
        &accepted(),
    );
    assert_eq!(seen.plan.write, None);
    assert_eq!(seen.plan.next, Next::At(at_second(601)));
    let grant = seen.report.status.access_grant.clone().unwrap();
    assert_eq!(grant.role_assignment, write.id.to_string());
    assert_eq!(grant.principal_id, "principal");
    let expected = ("Unknown".to_owned(), "AccessPropagating".to_owned());
    assert_eq!(prerequisites(&seen), expected);
    let waiting = next(
        &hub,
        &seen.report.status,
        &ready_for_creation(&hub),
        600,
        &accepted(),
    );
    assert_eq!(
        (waiting.plan.write, waiting.plan.next),
        (None, Next::At(at_second(601)))
    );
    assert_eq!(
        waiting.report.status, seen.report.status,
        "and nothing new is said"
    );

    let created = next(
        &hub,
        &seen.report.status,
        &ready_for_creation(&hub),
        601,
        &accepted(),
    );
    assert_eq!(created.plan.write.unwrap().kind, OperationKind::Create);
    assert_eq!(created.report.status.access_grant, Some(grant));
}

#[test]
fn access_that_was_given_and_went_is_not_given_again() {
    let hub = hub();
    let first = given(&hub, &Executed::Done);
    let seen = next(
        &hub,
        &first.report.status,
        &ready_for_creation(&hub),
        1,
        &accepted(),
    );
    let gone = next(&hub, &seen.report.status, &without_access(&hub), 700, &accepted());
    assert_eq!(gone.plan.write, None);
    assert_eq!(prerequisites(&gone).1, "AccessMissing");
    let told = crate::judge::stored(&gone.report.status, ConditionType::PrerequisitesMet).unwrap();
    assert!(
        told.message.contains("not given a second time"),
        "{}",
        told.message
    );
    // What else is missing has nothing to do with it.
    let keyless = Observed {
        key: Fact::Absent,
        ..ready_for_creation(&hub)
    };
    let other = next(&hub, &seen.report.status, &keyless, 700, &accepted());
    assert_eq!(prerequisites(&other).1, "KeyNotFound");
    // Who no longer asks for it is told what is missing, and no more.
    let mut verified = hub.clone();
    let crate::validate::ValidEncryption::CustomerManaged { access, .. } = &mut verified.encryption else {
        panic!()
    };
    *access = KeyAccess::Verify;
    let unasked = next(
        &verified,
        &seen.report.status,
        &without_access(&hub),
        700,
        &accepted(),
    );
    assert_eq!(prerequisites(&unasked).1, "AccessMissing");
    for pass in [other, unasked] {
        let told = crate::judge::stored(&pass.report.status, ConditionType::PrerequisitesMet).unwrap();
        assert!(!told.message.contains("gave this access"), "{}", told.message);
    }
    // Nor is it to a hub that holds data.
    let (_, ready) = ready_hub();
    let lost = Observed {
        live: Fact::Known(live(&hub, "Failed")),
        ..without_access(&hub)
    };
    assert_eq!(next(&hub, &ready, &lost, 100, &accepted()).plan.write, None);
}

#[test]
fn nothing_is_given_where_it_is_not_asked_for_not_missing_or_of_no_use() {
    let plain = object("Delete").validate("owner", None).unwrap();
    let none = ResourceStatus::default();
    let verify = next(&plain, &none, &without_access(&plain), 0, &accepted());
    assert_eq!(
        (verify.plan.write.is_none(), prerequisites(&verify).1.as_str()),
        (true, "AccessMissing")
    );

    let hub = hub();
    let held = next(&hub, &none, &ready_for_creation(&hub), 0, &accepted());
    assert_eq!(held.plan.write.unwrap().kind, OperationKind::Create);

    let mut unknown = without_access(&hub);
    unknown.role_assignments = Fact::not_read();
    assert_eq!(next(&hub, &none, &unknown, 0, &accepted()).plan.write, None);

    // Something else is missing too: the hub could not be created, so no access is needed.
    let mut unprotected = without_access(&hub);
    if let Fact::Known(vault) = &mut unprotected.vault {
        vault.purge_protection = false;
    }
    let refused = next(&hub, &none, &unprotected, 0, &accepted());
    assert_eq!(
        (refused.plan.write.is_none(), prerequisites(&refused).1.as_str()),
        (true, "PurgeProtectionDisabled")
    );

    // A vault with access policies has no role assignments.
    let mut policies = without_access(&hub);
    if let Fact::Known(vault) = &mut policies.vault {
        vault.permissions = Permissions::Policies(Vec::new());
    }
    let refused = next(&hub, &none, &policies, 0, &accepted());
    assert_eq!(
        (refused.plan.write.is_none(), prerequisites(&refused).1.as_str()),
        (true, "AccessMissing")
    );
}

#[test]
fn a_grant_that_was_noted_and_perhaps_sent_is_looked_at_before_it_is_sent_again() {
    let hub = hub();
    let first = given(&hub, &Executed::Done);
    let mut noted = first.report.status;
    let operation = noted.operation.as_mut().unwrap();
    operation.state = OperationState::Intended;
    operation.not_before = Some(Time(at_second(5)));
    let early = next(&hub, &noted, &ready_for_creation(&hub), 4, &accepted());
    assert_eq!(
        (early.plan.write, early.plan.next),
        (None, Next::At(at_second(5)))
    );
    let arrived = next(&hub, &noted, &ready_for_creation(&hub), 5, &accepted());
    assert!(arrived.plan.write.is_none() && arrived.report.status.access_grant.is_some());
    let lost = next(&hub, &noted, &without_access(&hub), 5, &accepted());
    let again = lost.plan.write.unwrap();
    assert_eq!(
        (again.kind, again.started_at),
        (OperationKind::Grant, at_second(0))
    );
}

#[test]
fn a_refused_grant_is_told_and_tried_again() {
    let hub = hub();
    let why = Why {
        reason: Reason::OperatorNotAuthorized,
        message: "no roleAssignments/write".to_owned(),
        retry_at: None,
    };
    let refused = given(&hub, &Executed::Refused(why));
    assert_eq!(
        condition(&refused.report.status, ConditionType::Provisioned).1,
        "OperatorNotAuthorized"
    );
    assert_eq!(prerequisites(&refused).1, "OperatorNotAuthorized");
    let told = crate::judge::stored(&refused.report.status, ConditionType::PrerequisitesMet).unwrap();
    assert!(told.message.contains("Keyholder Granter"), "{}", told.message);
    let waits = next(
        &hub,
        &refused.report.status,
        &without_access(&hub),
        29,
        &accepted(),
    );
    assert_eq!(
        (waits.plan.write, waits.plan.next),
        (None, Next::At(at_second(30)))
    );
    let again = next(
        &hub,
        &refused.report.status,
        &without_access(&hub),
        30,
        &accepted(),
    );
    assert_eq!(again.plan.write.unwrap().kind, OperationKind::Grant);
}

#[test]
fn the_hubs_own_identity_gets_access_once_it_exists() {
    let mut declared = object("Delete");
    declared.spec.identity.system_assigned = Some(true);
    let key = declared.spec.encryption.customer_managed_key.as_mut().unwrap();
    key.identity = None;
    key.access = KeyAccess::Grant;
    let hub = declared.validate("owner", None).unwrap();
    let created = next(
        &hub,
        &ResourceStatus::default(),
        &without_access(&hub),
        0,
        &accepted(),
    );
    assert_eq!(created.plan.write.unwrap().kind, OperationKind::Create);
    let mut left = live(&hub, "Failed");
    left.system_assigned_principal = Some("own".to_owned());
    let failed = Observed {
        live: Fact::Known(left),
        operation: OperationSeen::Failed {
            code: "BadRequest".to_owned(),
            message: "no access".to_owned(),
        },
        ..without_access(&hub)
    };
    let told = next(&hub, &created.report.status, &failed, 20, &accepted());
    let gate = told
        .report
        .status
        .operation
        .as_ref()
        .unwrap()
        .not_before
        .clone()
        .unwrap()
        .0;
    let granted = next(
        &hub,
        &told.report.status,
        &failed,
        gate.as_second(),
        &Executed::Done,
    );
    assert_eq!(granted.plan.write.unwrap().kind, OperationKind::Grant);
}

#[test]
fn an_operation_that_azure_named_is_not_asked_for_again() {
    let hub = hub();
    let first = given(&hub, &accepted());
    assert!(first.report.status.operation.as_ref().unwrap().url.is_some());
    let seen = next(
        &hub,
        &first.report.status,
        &ready_for_creation(&hub),
        11,
        &accepted(),
    );
    let operation = seen.report.status.operation.unwrap();
    assert_eq!(
        (operation.state, operation.url),
        (OperationState::Verifying, None)
    );
}

#[test]
fn the_bill_comes_before_the_first_write() {
    let hub = hub();
    let first = given(&hub, &Executed::Done);
    assert_eq!(first.plan.write.unwrap().kind, OperationKind::Grant);
    assert_eq!(first.plan.beforehand[0].reason, Reason::BillableResources);
}
