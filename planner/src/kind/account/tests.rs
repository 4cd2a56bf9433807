//! The lives of accounts.

use keyholder_crds::{ConditionType, OperationKind, OperationState, Reason, ResourceStatus};

use super::*;
use crate::fixtures::*;
use crate::name::KeyIdentifier;
use crate::observed::{
    AccessPolicy, Deleted, Fact, LiveAccount, LiveEncryption, Observed, OperationSeen, Permissions,
};
use crate::plan::{FinalizerStep, Request};
use crate::report::Executed;

mod declared;
mod failed;
mod gate;
mod managed_hsm;
mod reads;
mod trouble;

const FOLLOWED: &str = "https://corp-keys.vault.azure.net/keys/ai-hub";

fn account(change: impl Fn(&mut Value)) -> Declared {
    let mut object = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIServicesAccount",
        "metadata": { "name": "vision", "namespace": "ml-platform", "generation": 1 },
        "spec": {
            "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
            "accountKind": "AIServices", "identity": { "userAssigned": ["hub"] },
            "encryption": { "mode": "CustomerManaged",
                "customerManagedKey": { "vault": "corp-keys", "key": "ai-hub", "identity": "hub" } },
            "deletionPolicy": "DeleteAndPurge",
        },
    });
    change(&mut object);
    let object: AIServicesAccount = serde_json::from_value(object).unwrap();
    object.validate("owner", None).unwrap()
}

/// One whose own identity unwraps.
fn with_its_own_identity(access: &str) -> Declared {
    account(|object| {
        object["spec"]["identity"] = json!({ "systemAssigned": true });
        object["spec"]["encryption"]["customerManagedKey"] =
            json!({ "vault": "corp-keys", "key": "ai-hub", "access": access });
    })
}

fn live(declared: &Declared, key: Option<&str>) -> Live {
    let hub = object("Delete").validate("owner", None).unwrap();
    Live {
        id: declared.id.clone(),
        kind: "aiservices".to_owned(),
        tags: declared.all_tags(),
        user_assigned: declared.user_assigned.clone(),
        system_assigned: declared.system_assigned,
        system_assigned_principal: declared.system_assigned.then(|| "own".to_owned()),
        key_vault: None,
        storage_account: None,
        encryption: key.map(|key| LiveEncryption {
            vault: None,
            key: KeyIdentifier::parse(key).unwrap(),
            identity: declared.user_assigned.first().cloned(),
            gone: None,
        }),
        high_business_impact: false,
        managed_group: None,
        account: Some(Box::new(LiveAccount {
            sku: "S0".to_owned(),
            sub_domain: None,
            projects: false,
        })),
        ..crate::fixtures::live(&hub, "Succeeded")
    }
}

/// What was read, with the account as it is.
fn there(declared: &Declared, status: &ResourceStatus, live: Live) -> Observed {
    Observed {
        live: Fact::Known(crate::with_known_vault(live, declared, status)),
        deleted: Fact::Absent,
        ..ready_for_creation(declared)
    }
}

fn next(declared: &Declared, status: &ResourceStatus, observed: &Observed, now: i64) -> Pass {
    pass(declared, status, observed, now, false, &accepted())
}

/// The status of an account that was created and is as `live`.
fn settled(declared: &Declared, live: &Live) -> ResourceStatus {
    let absent = Observed {
        deleted: Fact::Absent,
        ..ready_for_creation(declared)
    };
    let created = next(declared, &ResourceStatus::default(), &absent, 0)
        .report
        .status;
    let mut observed = Observed {
        operation: OperationSeen::Succeeded,
        ..there(declared, &created, live.clone())
    };
    if live.system_assigned && live.encryption.is_none() {
        // An identity that just came into being has no access to anything.
        observed.role_assignments = Fact::Known(Vec::new());
    }
    pass(declared, &created, &observed, 20, false, &Executed::Done)
        .report
        .status
}

fn sent(request: &Request) -> &Value {
    let (Request::Put(body) | Request::Patch(body) | Request::Assign(body)) = request else {
        panic!("{request:?}");
    };
    body
}

fn encryption_of(request: &Request) -> &Value {
    &sent(request)["properties"]["encryption"]
}

#[test]
fn with_a_user_assigned_identity_it_is_created_with_its_key() {
    let declared = account(|_| {});
    let first = next(
        &declared,
        &ResourceStatus::default(),
        &ready_for_creation(&declared),
        0,
    );
    let write = first.plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::Create);
    let body = sent(&write.request);
    assert_eq!(body["kind"], "AIServices");
    assert_eq!(body["sku"], json!({ "name": "S0" }));
    assert_eq!(
        encryption_of(&write.request),
        &json!({ "keySource": "Microsoft.KeyVault", "keyVaultProperties": {
            "keyVaultUri": "https://corp-keys.vault.azure.net/", "keyName": "ai-hub", "keyVersion": "",
            "identityClientId": "client",
        } })
    );
    let status = settled(&declared, &live(&declared, Some(FOLLOWED)));
    let of = |of| condition(&status, of);
    assert_eq!(
        of(ConditionType::Ready),
        ("True".to_owned(), "AllConditionsMet".to_owned())
    );
    assert_eq!(of(ConditionType::KeyApplied).1, "FollowedByService");
    assert_eq!(of(ConditionType::KeyHealthy).1, "KeyUsable");
    let encryption = status.encryption.unwrap();
    assert_eq!(encryption.key_identifier.as_deref(), Some(FOLLOWED));
    assert_eq!(encryption.version, None);
    // Which version Azure uses it does not tell: the newest is one that data may need.
    assert_eq!(encryption.versions[0].key_identifier, KEY);
    let bound = status.bound.unwrap();
    assert!(bound.vault.unwrap().ends_with("/vaults/corp-keys"));
    assert_eq!(bound.account_kind.as_deref(), Some("aiservices"));
}

#[test]
fn a_pinned_version_is_sent_and_kept_until_the_pin_goes() {
    let pinned = account(|object| {
        object["spec"]["encryption"]["customerManagedKey"]["version"] =
            json!("0123456789abcdef0123456789abcdef");
    });
    let first = next(
        &pinned,
        &ResourceStatus::default(),
        &ready_for_creation(&pinned),
        0,
    );
    let write = first.plan.write.unwrap();
    assert_eq!(
        encryption_of(&write.request)["keyVaultProperties"]["keyVersion"],
        "0123456789abcdef0123456789abcdef"
    );
    let have = live(&pinned, Some(KEY));
    let status = settled(&pinned, &have);
    assert_eq!(condition(&status, ConditionType::KeyApplied).1, "KeyInUse");
    let free = account(|_| {});
    let change = next(&free, &status, &there(&free, &status, have), 100);
    let write = change.plan.write.unwrap();
    assert_eq!(
        (write.kind, write.intent.as_str()),
        (OperationKind::ChangeKey, FOLLOWED)
    );
    assert_eq!(
        encryption_of(&write.request)["keyVaultProperties"]["keyVersion"],
        ""
    );
}

#[test]
fn one_of_open_ai_is_moved_to_each_new_version_and_its_user_assigned_identity_needs_a_word() {
    let open_ai = |object: &mut Value| object["spec"]["accountKind"] = json!("OpenAI");
    let refused = next(
        &account(open_ai),
        &ResourceStatus::default(),
        &ready_for_creation(&account(open_ai)),
        0,
    );
    assert_eq!(refused.plan.write, None);
    assert_eq!(
        condition(&refused.report.status, ConditionType::TransitionAllowed).1,
        "TransitionUnverified"
    );
    let with_word = |words: &[&str]| {
        account(|object| {
            open_ai(object);
            object["spec"]["allowUnverified"] = json!(words);
        })
    };
    // So does a vault that decides by roles; one with access policies does not.
    let declared = with_word(&["OpenAIUserAssignedIdentity"]);
    let mut observed = ready_for_creation(&declared);
    let refused = next(&declared, &ResourceStatus::default(), &observed, 0);
    assert_eq!(refused.plan.write, None);
    let said = crate::judge::stored(&refused.report.status, ConditionType::TransitionAllowed).unwrap();
    assert!(
        said.message
            .contains("add OpenAIRoleBasedVault to spec.allowUnverified"),
        "{said:?}"
    );
    let Fact::Known(vault) = &mut observed.vault else {
        panic!("a vault")
    };
    vault.permissions = Permissions::Policies(vec![AccessPolicy {
        object_id: "principal".to_owned(),
        keys: ["get", "wrapKey", "unwrapKey"].map(str::to_owned).to_vec(),
    }]);
    let allowed = next(&declared, &ResourceStatus::default(), &observed, 0);
    assert_eq!(allowed.plan.write.unwrap().kind, OperationKind::Create);
    let declared = with_word(&["OpenAIUserAssignedIdentity", "OpenAIRoleBasedVault"]);
    let write = next(
        &declared,
        &ResourceStatus::default(),
        &ready_for_creation(&declared),
        0,
    )
    .plan
    .write
    .unwrap();
    assert_eq!(
        encryption_of(&write.request)["keyVaultProperties"]["keyVersion"],
        "0123456789abcdef0123456789abcdef"
    );
}

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
fn it_goes_back_to_microsofts_key_in_so_many_words_unless_it_has_projects() {
    let microsoft = |object: &mut Value| {
        object["metadata"]["generation"] = json!(2);
        object["spec"]["encryption"] = json!({ "mode": "MicrosoftManaged" });
    };
    let before = account(|_| {});
    let have = live(&before, Some(FOLLOWED));
    let status = settled(&before, &have);
    let declared = account(microsoft);
    let back = next(&declared, &status, &there(&declared, &status, have.clone()), 100);
    let write = back.plan.write.unwrap();
    assert_eq!(
        encryption_of(&write.request),
        &json!({ "keySource": "Microsoft.CognitiveServices" })
    );
    let done = Observed {
        operation: OperationSeen::Succeeded,
        ..there(&declared, &back.report.status, live(&declared, None))
    };
    let ready = pass(&declared, &back.report.status, &done, 200, false, &Executed::Done);
    assert_eq!(ready.plan.write, None);
    assert_eq!(
        condition(&ready.report.status, ConditionType::KeyApplied).1,
        "MicrosoftManagedKey"
    );
    assert_eq!(
        ready.report.status.bound.unwrap().mode.unwrap().to_string(),
        "MicrosoftManaged"
    );

    let mut with_projects = have;
    with_projects.account.as_mut().unwrap().projects = true;
    let status = settled(&before, &with_projects);
    let refused = next(&declared, &status, &there(&declared, &status, with_projects), 100);
    assert_eq!(refused.plan.write, None);
    assert_eq!(
        condition(&refused.report.status, ConditionType::TransitionAllowed).1,
        "ModeSwitchForbidden"
    );
}

#[test]
fn a_key_of_another_vault_is_refused_and_the_old_one_stays_watched() {
    let before = account(|_| {});
    let have = live(&before, Some(FOLLOWED));
    let status = settled(&before, &have);
    let declared = account(|object| {
        object["metadata"]["generation"] = json!(2);
        object["spec"]["encryption"]["customerManagedKey"]["vault"] = json!("other-keys");
    });
    let observed = there(&declared, &status, have);
    // The vault in use is known by what the object is bound to.
    let live = observed.live.known().unwrap();
    assert!(live.encryption.as_ref().unwrap().vault.is_some());
    let refused = next(&declared, &status, &observed, 100);
    assert_eq!(refused.plan.write, None);
    assert_eq!(
        condition(&refused.report.status, ConditionType::TransitionAllowed).1,
        "TransitionUnverified"
    );
    assert_eq!(
        condition(&refused.report.status, ConditionType::KeyHealthy).1,
        "KeyUsable"
    );
}

#[test]
fn an_account_that_microsoft_upgraded_is_a_warning() {
    let declared = account(|object| {
        object["spec"]["accountKind"] = json!("OpenAI");
        object["spec"]["allowUnverified"] = json!(["OpenAIUserAssignedIdentity"]);
    });
    let mut have = live(&declared, Some(KEY));
    have.kind = "openai".to_owned();
    let status = settled(&declared, &have);
    assert_eq!(condition(&status, ConditionType::Provisioned).1, "Succeeded");
    have.kind = "aiservices".to_owned();
    let after = next(&declared, &status, &there(&declared, &status, have), 100);
    assert_eq!(
        condition(&after.report.status, ConditionType::Provisioned),
        ("True".to_owned(), "KindChanged".to_owned())
    );
    assert!(
        after
            .report
            .notes
            .iter()
            .any(|note| note.warning && note.reason == Reason::KindChanged)
    );
    assert_eq!(
        condition(&after.report.status, ConditionType::TransitionAllowed).0,
        "True"
    );
}

#[test]
fn a_deleted_namesake_is_told_before_anything_is_created() {
    let declared = account(|_| {});
    let observed = Observed {
        deleted: Fact::Known(Deleted::default()),
        ..ready_for_creation(&declared)
    };
    let first = next(&declared, &ResourceStatus::default(), &observed, 0);
    assert_eq!(first.plan.write, None);
    let said = crate::judge::stored(&first.report.status, ConditionType::PrerequisitesMet).unwrap();
    assert_eq!(said.reason, "NameReserved");
    assert!(
        said.message
            .contains("\naz cognitiveservices account recover --location westeurope --name vision")
    );
    assert!(
        said.message
            .contains("az cognitiveservices account purge --location westeurope --name vision")
    );
}

#[test]
fn it_is_purged_after_its_deletion_when_it_was_this_objects() {
    let declared = account(|_| {});
    let have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    let deletes = pass(
        &declared,
        &status,
        &there(&declared, &status, have),
        100,
        true,
        &accepted(),
    );
    assert_eq!(
        deletes.plan.write.unwrap().request,
        Request::Delete { purge: false }
    );
    let kept = |deleted: Fact<Deleted>| Observed {
        live: Fact::Absent,
        deleted,
        ..ready_for_creation(&declared)
    };
    let purges = pass(
        &declared,
        &deletes.report.status,
        &kept(Fact::Known(Deleted {
            tags: declared.all_tags(),
        })),
        200,
        true,
        &accepted(),
    );
    let Some(Request::Purge(path)) = purges.plan.write.map(|write| write.request) else {
        panic!("a purge");
    };
    assert!(
        path.ends_with("/locations/westeurope/resourceGroups/rg-ai/deletedAccounts/vision"),
        "{path}"
    );
    let done = pass(
        &declared,
        &purges.report.status,
        &kept(Fact::Absent),
        300,
        true,
        &accepted(),
    );
    assert_eq!(
        (done.plan.write, done.plan.finalizer),
        (None, FinalizerStep::Remove)
    );

    let left = pass(
        &declared,
        &deletes.report.status,
        &kept(Fact::Known(Deleted::default())),
        200,
        true,
        &accepted(),
    );
    assert_eq!(
        (left.plan.write, left.plan.finalizer),
        (None, FinalizerStep::Remove)
    );
}

#[test]
fn what_is_first_seen_when_its_object_is_deleted_is_purged_too() {
    let declared = account(|_| {});
    let have = live(&declared, Some(FOLLOWED));
    let unseen = ResourceStatus {
        resource_id: None,
        ..settled(&declared, &have)
    };
    let observed = there(&declared, &unseen, have);
    let deletes = pass(&declared, &unseen, &observed, 100, true, &accepted());
    assert_eq!(
        deletes.report.status.resource_id,
        Some(observed.live.known().unwrap().id.to_string())
    );
    // The same when the operator died after it had noted what it intends.
    let write = deletes.plan.write.unwrap();
    let noted = crate::intent(&unseen, &write, at_second(100), PACE);
    let kept = Observed {
        live: Fact::Absent,
        deleted: Fact::Known(Deleted {
            tags: declared.all_tags(),
        }),
        ..ready_for_creation(&declared)
    };
    let purges = pass(&declared, &noted, &kept, 200, true, &accepted());
    assert!(matches!(purges.plan.write.unwrap().request, Request::Purge(_)));
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
fn what_can_change_on_it_is_changed_by_what_differs_alone() {
    let declared = account(|object| {
        object["spec"]["sku"] = json!("F0");
        object["spec"]["customSubDomainName"] = json!("vision-eu");
        object["spec"]["allowProjectManagement"] = json!(true);
        object["spec"]["publicNetworkAccess"] = json!("Disabled");
    });
    let (fields, body) = crate::body::update(&declared, &live(&declared, Some(FOLLOWED))).unwrap();
    assert_eq!(
        fields,
        [
            "publicNetworkAccess",
            "sku",
            "customSubDomainName",
            "allowProjectManagement"
        ]
    );
    assert_eq!(
        body,
        json!({ "sku": { "name": "F0" }, "properties": {
            "publicNetworkAccess": "Disabled", "customSubDomainName": "vision-eu", "allowProjectManagement": true,
        } })
    );
}

#[test]
fn without_the_client_id_no_key_is_sent() {
    let declared = account(|_| {});
    let to = KeyChange::To(KeyIdentifier::parse(FOLLOWED).unwrap());
    assert_eq!(declared.kind.rules().key_change(&declared, &to, None), None);
}
