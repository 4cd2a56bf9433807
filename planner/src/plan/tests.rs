//! One hub through its life: each step from the status that the step before has reported.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyholder_crds::{AIHub, AIHubStatus, ConditionType, OperationKind, OperationState, Reason};

use super::*;
use crate::name::Location;
use crate::observed::{
    GroupResource, LiveEncryption, LiveIdentity, LiveKey, LiveKeyVersion, LiveVault, RoleAssignment,
    RoleDefinition,
};
use crate::report::{Executed, Report, report};
use crate::validate::validate;

const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
const KEY: &str = "https://corp-keys.vault.azure.net/keys/ai-hub/0123456789abcdef0123456789abcdef";
const NEXT_KEY: &str = "https://corp-keys.vault.azure.net/keys/ai-hub/fedcba9876543210fedcba9876543210";
const PACE: Pace = Pace {
    probe: SignedDuration::from_secs(30),
    poll: SignedDuration::from_secs(10),
    settle: SignedDuration::from_secs(5),
    retry: SignedDuration::from_secs(30),
};

fn id(kind: &str, name: &str) -> ArmId {
    ArmId::parse(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ai/providers/{kind}/{name}"
    ))
    .unwrap()
}

fn at_second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// An object as the API server has it.
fn object(deletion_policy: &str) -> AIHub {
    let json = serde_json::json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIHub",
        "metadata": { "name": "research", "namespace": "ml-platform", "generation": 1 },
        "spec": {
            "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
            "identity": { "userAssigned": ["hub"] }, "storageAccount": "aihubdata", "keyVault": "hub-secrets",
            "encryption": { "mode": "CustomerManaged",
                "customerManagedKey": { "vault": "corp-keys", "key": "ai-hub", "identity": "hub" } },
            "deletionPolicy": deletion_policy,
        },
    });
    serde_json::from_value(json).unwrap()
}

fn key_version(url: &str, created: i64) -> LiveKeyVersion {
    LiveKeyVersion {
        identifier: KeyIdentifier::parse(url).unwrap(),
        enabled: true,
        not_before: None,
        expires: None,
        created: Some(at_second(created)),
    }
}

/// A world in which everything that a creation needs is there, and the hub is not.
fn ready_for_creation(hub: &ValidHub) -> Observed {
    let role =
        "/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6".to_owned();
    let actions =
        ["read", "wrap/action", "unwrap/action"].map(|one| format!("Microsoft.KeyVault/vaults/keys/{one}"));
    let vault = id("Microsoft.KeyVault/vaults", "corp-keys");
    Observed {
        hub: Fact::Absent,
        resource_group: Fact::Known(Location::parse("westeurope").unwrap()),
        vault: Fact::Known(LiveVault {
            id: vault.clone(),
            location: Location::parse("westeurope").unwrap(),
            tenant_id: "tenant".to_owned(),
            uri: "https://corp-keys.vault.azure.net/".to_owned(),
            soft_delete: true,
            purge_protection: true,
            rbac: true,
            access_policies: Vec::new(),
            trusted_services_pass: true,
        }),
        key: Fact::Known(LiveKey {
            kty: "RSA".to_owned(),
            size: Some(3072),
            current: key_version(KEY, -100),
            others: Vec::new(),
        }),
        identities: vec![(
            id("Microsoft.ManagedIdentity/userAssignedIdentities", "hub"),
            Fact::Known(LiveIdentity {
                principal_id: "principal".to_owned(),
                tenant_id: "tenant".to_owned(),
            }),
        )],
        role_assignments: Fact::Known(vec![RoleAssignment {
            scope: vault.to_string(),
            role_definition_id: role.clone(),
            conditional: false,
        }]),
        role_definitions: BTreeMap::from([(
            role.to_lowercase(),
            Fact::Known(RoleDefinition {
                name: "Crypto".to_owned(),
                permissions: vec![(actions.to_vec(), Vec::new())],
            }),
        )]),
        providers: preflight::providers(hub)
            .iter()
            .map(|one| ((*one).to_owned(), Fact::Known(true)))
            .collect(),
        ..Observed::nothing()
    }
}

/// The hub as Azure has it after its creation.
fn live(hub: &ValidHub, state: &str) -> LiveHub {
    LiveHub {
        id: hub.id.clone(),
        location: hub.location.clone(),
        kind: "hub".to_owned(),
        provisioning_state: Some(state.to_owned()),
        tags: hub.all_tags(),
        user_assigned: hub.user_assigned.clone(),
        system_assigned_principal: None,
        system_assigned: false,
        key_vault: Some(hub.key_vault.clone()),
        storage_account: Some(hub.storage_account.clone()),
        encryption: Some(LiveEncryption {
            vault: id("Microsoft.KeyVault/vaults", "corp-keys"),
            key: KeyIdentifier::parse(KEY).unwrap(),
            identity: hub.user_assigned.first().cloned(),
        }),
        service_side: false,
        high_business_impact: true,
        public_network_access: Some("Enabled".to_owned()),
        managed_group: Some("azureml-rg-research".to_owned()),
    }
}

fn group() -> Vec<GroupResource> {
    [
        "Microsoft.DocumentDB/databaseAccounts",
        "Microsoft.Search/searchServices",
        "Microsoft.Storage/storageAccounts",
    ]
    .into_iter()
    .map(|kind| GroupResource {
        id: format!("/x/{kind}/one"),
        r#type: kind.to_owned(),
        name: "one".to_owned(),
        state: Some("Succeeded".to_owned()),
    })
    .collect()
}

fn created(hub: &ValidHub) -> Observed {
    Observed {
        hub: Fact::Known(live(hub, "Succeeded")),
        managed_group: Fact::Known(group()),
        ..ready_for_creation(hub)
    }
}

struct Pass {
    plan: Plan,
    report: Report,
}

/// One pass, with the write (if any) ending as `executed`.
fn pass(
    hub: &ValidHub,
    status: &AIHubStatus,
    observed: &Observed,
    now: i64,
    deleting: bool,
    executed: &Executed,
) -> Pass {
    let input = Input {
        hub,
        status,
        deleting,
        has_finalizer: true,
        observed,
        now: at_second(now),
        pace: PACE,
    };
    let plan = plan(&input);
    let nothing = Executed::Nothing;
    let executed = if plan.write.is_some() { executed } else { &nothing };
    let report = report(&input, &plan, executed);
    Pass { plan, report }
}

fn condition(status: &AIHubStatus, of: ConditionType) -> (String, String) {
    let condition = crate::judge::stored(status, of).unwrap();
    (condition.status.clone(), condition.reason.clone())
}

fn accepted() -> Executed {
    Executed::Accepted {
        url: Some("https://localhost/operation".to_owned()),
        poll_at: at_second(10),
    }
}

fn ready_hub() -> (ValidHub, AIHubStatus) {
    let hub = validate(&object("Delete"), "owner").unwrap();
    let first = pass(
        &hub,
        &AIHubStatus::default(),
        &ready_for_creation(&hub),
        0,
        false,
        &accepted(),
    );
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..created(&hub)
    };
    let second = pass(&hub, &first.report.status, &done, 20, false, &accepted());
    assert_eq!(second.plan.write, None);
    (hub, second.report.status)
}

#[test]
fn a_hub_is_created_polled_and_ready() {
    let hub = validate(&object("Delete"), "owner").unwrap();
    let first = pass(
        &hub,
        &AIHubStatus::default(),
        &ready_for_creation(&hub),
        0,
        false,
        &accepted(),
    );
    let write = first.plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::Create);
    let Request::Put(body) = &write.request else {
        panic!("{:?}", write.request)
    };
    assert_eq!(
        body.pointer("/tags/keyholder-owner").unwrap(),
        "owner/ml-platform/research"
    );
    assert_eq!(
        body.pointer("/properties/encryption/keyVaultProperties/keyIdentifier")
            .unwrap(),
        KEY
    );
    let status = first.report.status;
    assert_eq!(
        condition(&status, ConditionType::Provisioned),
        ("False".to_owned(), "Creating".to_owned())
    );
    assert_eq!(status.operation.as_ref().unwrap().state, OperationState::Running);
    assert_eq!(first.report.next, Next::At(at_second(10)));

    let running = Observed {
        operation: OperationSeen::Running {
            poll_at: at_second(20),
        },
        ..Observed::nothing()
    };
    let second = pass(&hub, &status, &running, 10, false, &accepted());
    assert_eq!(second.plan.write, None);
    assert_eq!(second.report.status, status, "polling writes no status");

    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..created(&hub)
    };
    let third = pass(&hub, &status, &done, 20, false, &accepted());
    assert_eq!(third.plan.write, None);
    let status = third.report.status;
    assert_eq!(
        condition(&status, ConditionType::Ready),
        ("True".to_owned(), "AllConditionsMet".to_owned())
    );
    assert_eq!(status.operation, None);
    assert!(crate::judge::stored(&status, ConditionType::Reconciling).is_none());
}

#[test]
fn a_converged_hub_is_left_alone_and_its_status_does_not_change() {
    let (hub, status) = ready_hub();
    let again = pass(&hub, &status, &created(&hub), 1000, false, &accepted());
    assert_eq!(again.plan.write, None);
    assert_eq!(again.report.status, status);
    assert_eq!(again.report.next, Next::Change);
    assert!(again.report.notes.is_empty());
}

#[test]
fn without_purge_protection_nothing_is_created_and_the_cure_is_named() {
    let hub = validate(&object("Delete"), "owner").unwrap();
    let mut observed = ready_for_creation(&hub);
    if let Fact::Known(vault) = &mut observed.vault {
        vault.purge_protection = false;
    }
    let pass = pass(&hub, &AIHubStatus::default(), &observed, 0, false, &accepted());
    assert_eq!(pass.plan.write, None);
    let status = pass.report.status;
    let stored = crate::judge::stored(&status, ConditionType::PrerequisitesMet).unwrap();
    assert_eq!(stored.reason, Reason::PurgeProtectionDisabled.to_string());
    assert!(
        stored.message.contains("az keyvault update"),
        "{}",
        stored.message
    );
    assert_eq!(condition(&status, ConditionType::Stalled).0, "True");
}

#[test]
fn a_new_key_version_is_followed_and_an_ignored_write_is_told() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    if let Fact::Known(found) = &mut observed.key {
        found.others = vec![found.current.clone()];
        found.current = key_version(NEXT_KEY, 100);
    }
    let first = pass(&hub, &status, &observed, 200, false, &accepted());
    let write = first.plan.write.unwrap();
    assert_eq!(
        (write.kind, write.intent.as_str()),
        (OperationKind::ChangeKey, NEXT_KEY)
    );

    // Azure says that it is done, and shows the old key, twice.
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..observed.clone()
    };
    let second = pass(&hub, &first.report.status, &done, 210, false, &accepted());
    assert_eq!(second.plan.write, None);
    assert_eq!(
        second.report.status.operation.as_ref().unwrap().state,
        OperationState::Verifying
    );
    let third = pass(&hub, &second.report.status, &observed, 220, false, &accepted());
    assert_eq!(third.plan.write, None);
    assert_eq!(
        third.report.status.operation.as_ref().unwrap().state,
        OperationState::Ignored
    );
    let told = condition(&third.report.status, ConditionType::KeyApplied);
    assert_eq!(told, ("False".to_owned(), "WriteIgnored".to_owned()));
}

#[test]
fn somebody_elses_hub_is_never_written_nor_deleted() {
    let hub = validate(&object("Delete"), "owner").unwrap();
    let mut observed = created(&hub);
    if let Fact::Known(live) = &mut observed.hub {
        live.tags.clear();
    }
    let seen = pass(&hub, &AIHubStatus::default(), &observed, 0, false, &accepted());
    assert_eq!(seen.plan.write, None);
    assert_eq!(
        condition(&seen.report.status, ConditionType::Provisioned).1,
        "NotOwned"
    );
    let gone = pass(&hub, &seen.report.status, &observed, 1, true, &accepted());
    assert_eq!(
        (gone.plan.write, gone.plan.finalizer),
        (None, FinalizerStep::Remove)
    );
}

#[test]
fn a_hub_deleted_behind_our_back_is_not_created_again() {
    let (hub, status) = ready_hub();
    let observed = ready_for_creation(&hub);
    let pass = pass(&hub, &status, &observed, 100, false, &accepted());
    assert_eq!(pass.plan.write, None);
    assert_eq!(
        condition(&pass.report.status, ConditionType::Provisioned).1,
        "DeletedInAzure"
    );
    assert_eq!(pass.report.status.bound, None);
}

#[test]
fn a_resource_missing_from_the_managed_group_is_named() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    observed.managed_group = Fact::Known(group().into_iter().skip(1).collect());
    let pass = pass(&hub, &status, &observed, 100, false, &accepted());
    let stored =
        crate::judge::stored(&pass.report.status, ConditionType::ManagedResourceGroupHealthy).unwrap();
    assert_eq!(stored.reason, "ResourceMissing");
    assert!(
        stored.message.contains("Microsoft.DocumentDB/databaseAccounts"),
        "{}",
        stored.message
    );
    assert_eq!(
        condition(&pass.report.status, ConditionType::Ready),
        ("False".to_owned(), "ResourceMissing".to_owned())
    );
}

#[test]
fn deletion_follows_its_policy_and_the_finalizer_goes_last() {
    let (hub, status) = ready_hub();
    let first = pass(&hub, &status, &created(&hub), 100, true, &accepted());
    assert_eq!(
        first.plan.write.unwrap().request,
        Request::Delete { purge: false }
    );
    assert_eq!(first.plan.finalizer, FinalizerStep::Keep);
    let second = pass(
        &hub,
        &first.report.status,
        &ready_for_creation(&hub),
        120,
        true,
        &accepted(),
    );
    assert_eq!(
        (second.plan.write, second.plan.finalizer),
        (None, FinalizerStep::Remove)
    );

    let retained = validate(&object("Retain"), "owner").unwrap();
    let kept = pass(&retained, &status, &created(&retained), 100, true, &accepted());
    assert_eq!(
        (kept.plan.write, kept.plan.finalizer),
        (None, FinalizerStep::Remove)
    );
    assert!(
        kept.report
            .notes
            .iter()
            .any(|note| note.reason == Reason::Retained)
    );
}

#[test]
fn what_cannot_be_read_is_neither_created_nor_let_go() {
    let hub = validate(&object("Delete"), "owner").unwrap();
    let why = Why {
        reason: Reason::AzureUnreachable,
        message: "no route".to_owned(),
        retry_at: None,
    };
    let observed = Observed {
        hub: Fact::Unknown(why),
        ..ready_for_creation(&hub)
    };
    for deleting in [false, true] {
        let pass = pass(&hub, &AIHubStatus::default(), &observed, 0, deleting, &accepted());
        assert_eq!(
            (pass.plan.write, pass.plan.finalizer),
            (None, FinalizerStep::Keep)
        );
        assert_eq!(pass.report.next, Next::Backoff);
    }
}
