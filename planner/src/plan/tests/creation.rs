//! A hub that does not exist, or failed.

use super::*;
use crate::name::KeyIdentifier;
use crate::report::Executed;
use keyholder_crds::UnverifiedTransition;

fn hub() -> Declared {
    object("Delete").validate("owner", None).unwrap()
}

fn new(hub: &Declared, observed: &Observed) -> Pass {
    pass(hub, &ResourceStatus::default(), observed, 0, false, &accepted())
}

#[test]
fn a_creation_is_bound_to_what_is_declared() {
    let hub = hub();
    let pass = new(&hub, &ready_for_creation(&hub));
    let write = pass.plan.write.unwrap();
    assert_eq!(write.bound, Some(crate::transition::of_declared(&hub)));
    assert_eq!((write.id, write.intent), (hub.id.clone(), hub.id.to_string()));
    assert_eq!(write.started_at, at_second(0));
    assert_eq!(pass.plan.next, Next::At(at_second(10)));
}

#[test]
fn the_finalizer_comes_before_the_first_write_and_not_to_what_goes() {
    let hub = hub();
    let (status, observed) = (ResourceStatus::default(), ready_for_creation(&hub));
    let without = |deleting| {
        plan(&Input {
            has_finalizer: false,
            deleting,
            ..input(&hub, &status, &observed, 0)
        })
        .finalizer
    };
    assert_eq!(without(false), FinalizerStep::Add);
    assert_eq!(without(true), FinalizerStep::Remove);
    assert_eq!(
        plan(&input(&hub, &status, &observed, 0)).finalizer,
        FinalizerStep::Keep
    );
}

#[test]
fn without_a_fit_key_nothing_is_created() {
    let hub = hub();
    let mut observed = ready_for_creation(&hub);
    let retry_at = Some(at_second(77));
    observed.key = Fact::Unknown(Why {
        reason: Reason::Throttled,
        message: "later".to_owned(),
        retry_at,
    });
    let pass = new(&hub, &observed);
    assert_eq!(pass.plan.write, None);
    assert_eq!(pass.plan.next, Next::At(at_second(77)), "Azure said when to ask");
    assert_eq!(
        condition(&pass.report.status, ConditionType::PrerequisitesMet),
        ("Unknown".to_owned(), "Throttled".to_owned())
    );
    assert_eq!(
        condition(&pass.report.status, ConditionType::Provisioned).1,
        "Pending"
    );
    assert_eq!(pass.report.status.preflight.len(), 11);
}

#[test]
fn with_microsofts_key_none_is_needed() {
    let plain = Declared {
        encryption: crate::validate::ValidEncryption::MicrosoftManaged,
        ..hub()
    };
    let mut observed = ready_for_creation(&plain);
    observed.key = Fact::not_read();
    observed.vault = Fact::not_read();
    let write = new(&plain, &observed).plan.write.unwrap();
    let Request::Put(body) = write.request else {
        panic!()
    };
    assert_eq!(body.pointer("/properties/encryption"), None);
}

#[test]
fn an_unconfirmed_creation_waits_for_the_users_word() {
    let mut object = object("Delete");
    object.spec.encryption.data_location = Some(keyholder_crds::DataLocation::ServiceSide);
    let hub = object.validate("owner", None).unwrap();
    let observed = ready_for_creation(&hub);
    let refused = new(&hub, &observed);
    assert_eq!(refused.plan.write, None);
    assert_eq!(refused.plan.next, Next::At(at_second(30)));
    assert_eq!(
        condition(&refused.report.status, ConditionType::Ready).1,
        "TransitionUnverified"
    );
    object
        .spec
        .allow_unverified
        .push(UnverifiedTransition::ServiceSideUserAssignedIdentity);
    let hub = object.validate("owner", None).unwrap();
    assert!(new(&hub, &observed).plan.write.is_some());
}

/// The creation failed; meanwhile the spec asks for what the failed hub cannot become.
#[test]
fn a_failed_hub_is_not_put_over_against_the_matrix() {
    let (mut hub, status) = ready_hub();
    let broken = Observed {
        live: Fact::Known(live(&hub, "Failed")),
        ..ready_for_creation(&hub)
    };
    hub.location = crate::name::Location::parse("eastus").unwrap();
    hub.generation = 2;
    let pass = pass(&hub, &status, &broken, 100, false, &accepted());
    assert_eq!(pass.plan.write, None);
    assert_eq!(
        condition(&pass.report.status, ConditionType::TransitionAllowed).1,
        "ImmutableFieldChanged"
    );
    assert_eq!(
        condition(&pass.report.status, ConditionType::Provisioned).1,
        "Succeeded",
        "what was stored is kept, for nothing was learned"
    );
}

#[test]
fn a_changed_spec_is_tried_without_waiting() {
    let mut hub = hub();
    let observed = ready_for_creation(&hub);
    let why = Why {
        reason: Reason::PolicyDenied,
        message: "a policy".to_owned(),
        retry_at: None,
    };
    let status = pass(
        &hub,
        &ResourceStatus::default(),
        &observed,
        0,
        false,
        &Executed::Refused(why),
    )
    .report
    .status;
    assert_eq!(status.operation.as_ref().unwrap().state, OperationState::Failed);
    let waiting = pass(&hub, &status, &observed, 1, false, &accepted());
    assert_eq!(waiting.plan.write, None);
    assert_eq!(
        condition(&waiting.report.status, ConditionType::Provisioned).1,
        "PolicyDenied"
    );
    hub.generation = 2;
    let again = pass(&hub, &status, &observed, 1, false, &accepted());
    assert_eq!(again.plan.write.unwrap().started_at, at_second(1));

    // What may be under way is waited for all the same.
    let mut running = status;
    running.operation.as_mut().unwrap().state = OperationState::Running;
    running.operation.as_mut().unwrap().not_before = None;
    let waiting = pass(&hub, &running, &observed, 1, false, &accepted());
    assert_eq!(waiting.plan.write, None);
    assert_eq!(
        condition(&waiting.report.status, ConditionType::Provisioned).1,
        "Creating"
    );
}

/// A hub whose own identity unwraps, and a creation of it that failed.
fn failed_with_its_own_identity() -> (Declared, ResourceStatus, Observed) {
    let mut declared = object("Delete");
    declared.spec.identity.system_assigned = Some(true);
    declared
        .spec
        .encryption
        .customer_managed_key
        .as_mut()
        .unwrap()
        .identity = None;
    let hub = declared.validate("owner", None).unwrap();
    let status = new(&hub, &ready_for_creation(&hub)).report.status;
    let mut left = live(&hub, "Failed");
    left.system_assigned_principal = Some("own-principal".to_owned());
    let observed = Observed {
        live: Fact::Known(left),
        operation: OperationSeen::Failed {
            code: "BadRequest".to_owned(),
            message: "it may not unwrap".to_owned(),
        },
        ..ready_for_creation(&hub)
    };
    (hub, status, observed)
}

#[test]
fn a_failed_creation_tells_what_the_hubs_own_identity_lacks_and_is_tried_again() {
    let (hub, status, mut observed) = failed_with_its_own_identity();
    let message = |observed: &Observed| {
        let report = pass(&hub, &status, observed, 20, false, &accepted()).report;
        assert_eq!(
            condition(&report.status, ConditionType::Provisioned).1,
            "ProvisioningFailed"
        );
        crate::judge::stored(&report.status, ConditionType::Provisioned)
            .unwrap()
            .message
            .clone()
    };
    assert_eq!(
        message(&observed),
        "BadRequest: it may not unwrap",
        "it has access"
    );
    observed.role_assignments = Fact::not_read();
    assert_eq!(
        message(&observed),
        "BadRequest: it may not unwrap",
        "nobody knows"
    );
    observed.role_assignments = Fact::Known(Vec::new());
    let told = message(&observed);
    assert!(
        told.starts_with("BadRequest: it may not unwrap\nThe hub's own identity (principal own-principal) lacks get, wrap, unwrap")
    );
    assert!(told.contains("az role assignment create"), "{told}");

    // Whether Azure gives the access by itself nobody knows: what cannot be seen does not hinder the next try.
    let failed = pass(&hub, &status, &observed, 20, false, &accepted())
        .report
        .status;
    let again = pass(&hub, &failed, &observed, 700, false, &accepted());
    assert!(again.plan.write.is_some());
}

#[test]
fn a_hub_that_was_in_order_and_failed_is_not_taken_back_to_an_older_key() {
    let (hub, status) = ready_hub();
    let key = KeyIdentifier::parse(NEXT_KEY).unwrap();
    let mut left = live(&hub, "Failed");
    if let Some(encryption) = &mut left.encryption {
        encryption.key = key.clone();
    }
    let found = Fact::Known(left);
    let needs = crate::needs(&hub, &status, false, &found);
    assert_eq!(needs.versions.as_slice(), key.version().cloned().as_slice());
    let mut observed = Observed {
        live: found,
        ..ready_for_creation(&hub)
    };
    if let Fact::Known(known) = &mut observed.key {
        known.others = vec![known.current.clone()];
        known.current = key_version(NEXT_KEY, 100);
        known.current.enabled = false;
    }
    let write = pass(&hub, &status, &observed, 100, false, &accepted())
        .plan
        .write
        .unwrap();
    let Request::Put(body) = write.request else {
        panic!()
    };
    assert_eq!(
        body.pointer("/properties/encryption/keyVaultProperties/keyIdentifier")
            .unwrap(),
        NEXT_KEY
    );
}

#[test]
fn what_it_costs_is_told_once_and_before() {
    let hub = hub();
    let costs = |pass: &Pass| {
        pass.plan
            .beforehand
            .iter()
            .map(|note| note.reason)
            .collect::<Vec<_>>()
    };
    let created = new(&hub, &ready_for_creation(&hub));
    assert!(created.plan.write.is_some());
    assert_eq!(costs(&created), [Reason::BillableResources]);
    let keyless = Observed {
        key: Fact::Absent,
        ..ready_for_creation(&hub)
    };
    let blocked = new(&hub, &keyless);
    assert!(blocked.plan.write.is_none());
    assert_eq!(costs(&blocked), [Reason::BillableResources]);
    let again = pass(&hub, &blocked.report.status, &keyless, 60, false, &accepted());
    assert_eq!(costs(&again), []);
    // Earlier checks without a word on costs do not count as told.
    let mut before = blocked.report.status;
    before
        .preflight
        .retain(|check| check.check != keyholder_crds::PreflightCheckName::Cost);
    assert!(!before.preflight.is_empty());
    let told = pass(&hub, &before, &keyless, 60, false, &accepted());
    assert_eq!(costs(&told), [Reason::BillableResources]);
    let plain = Declared {
        encryption: crate::validate::ValidEncryption::MicrosoftManaged,
        ..hub
    };
    assert_eq!(costs(&new(&plain, &ready_for_creation(&plain))), []);
}

/// Where nothing is written nothing is tried again, and nobody is asked to mend what a creation would need.
#[test]
fn of_one_that_failed_and_is_only_looked_at_no_more_is_told() {
    let (hub, status) = ready_hub();
    let mut observed = ready_for_creation(&hub);
    (observed.live, observed.resource_group) = (Fact::Known(live(&hub, "Failed")), Fact::Absent);
    let looks = |management_policy| {
        let hub = Declared {
            management_policy,
            ..hub.clone()
        };
        let report = pass(&hub, &status, &observed, 100, false, &accepted()).report;
        let stored = |of| crate::judge::stored(&report.status, of).cloned();
        (
            stored(ConditionType::Provisioned).unwrap().message,
            stored(ConditionType::Stalled).is_some(),
        )
    };
    let (told, stalled) = looks(keyholder_crds::ManagementPolicy::Full);
    assert!(
        told.contains("tried again once this is mended: Resource group rg-ai does not exist") && stalled,
        "{told}"
    );
    let observed = looks(keyholder_crds::ManagementPolicy::ObserveOnly);
    assert_eq!(observed, ("Azure reports the hub as failed.".to_owned(), false));
}
