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
mod gone;
mod managed_hsm;
mod own_identity;
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
