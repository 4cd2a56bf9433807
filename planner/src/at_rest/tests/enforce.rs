//! Dependents that are given the object's own key.

use keyholder_crds::{OperationKind, OperationState};

use super::*;
use crate::fixtures::{Pass, accepted, key_version, stored};
use crate::observed::Stored;
use crate::plan::Request;
use crate::validate::Enforcement;

pub(super) const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
pub(super) const ACCOUNTS: &str = "Microsoft.CognitiveServices/accounts";
pub(super) const VAULT: &str = "https://corp-keys.vault.azure.net";
pub(super) const MARK: &str = "owner/ml-platform/research/AIHub";

/// The identity that unwraps for the hub.
pub(super) fn hubs() -> ArmId {
    id("Microsoft.ManagedIdentity/userAssignedIdentities", "hub")
}

/// A ready hub with one dependent that is to have its key, which `adopts` and may be changed for good.
pub(super) fn enforcing(kind: &str) -> (Declared, ResourceStatus) {
    let (mut hub, status) = ready_hub();
    hub.dependents = vec![ValidDependent {
        id: id(kind, "one"),
        enforcement: Some(Enforcement {
            adopts: true,
            irreversible: true,
        }),
    }];
    (hub, status)
}

pub(super) fn with_key(url: &str) -> Stored {
    Stored {
        tags: [(ENCRYPTION_TAG.to_owned(), MARK.to_owned())].into(),
        user_assigned: vec![hubs()],
        unwraps: Some(hubs()),
        ..stored(AtRest::Key(KeyIdentifier::parse(url).unwrap()))
    }
}

/// A pass that finds the dependent so.
pub(super) fn finds(hub: &Declared, status: &ResourceStatus, one: &Stored, now: i64) -> Pass {
    let mut observed = created(hub);
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Known(one.clone()))];
    pass(hub, status, &observed, now, false, &accepted())
}

/// The body that a second pass sends: the first tells what is there.
pub(super) fn sent(hub: &Declared, status: &ResourceStatus, one: &Stored) -> serde_json::Value {
    let first = finds(hub, status, one, 100);
    assert_eq!(first.plan.write, None);
    let write = finds(hub, &first.report.status, one, 101).plan.write.unwrap();
    assert_eq!(
        (write.kind, &write.id),
        (OperationKind::EncryptDependent, &hub.dependents[0].id)
    );
    let Request::Patch(body) = write.request else {
        panic!("a PATCH")
    };
    body
}

pub(super) fn verdict(pass: &Pass) -> (String, String) {
    condition(&pass.report.status, ConditionType::DependentsEncrypted)
}

#[test]
fn a_storage_account_is_told_then_encrypted_then_read_back() {
    let (hub, status) = enforcing(STORAGE);
    let bare = Stored {
        tags: [("team".to_owned(), "a".to_owned())].into(),
        ..stored(AtRest::Microsoft)
    };
    let first = finds(&hub, &status, &bare, 100);
    assert_eq!(first.plan.write, None);
    assert_eq!(verdict(&first), ("False".to_owned(), "Pending".to_owned()));
    let second = finds(&hub, &first.report.status, &bare, 101);
    let Request::Patch(body) = second.plan.write.clone().unwrap().request else {
        panic!("a PATCH")
    };
    assert_eq!(
        body,
        json!({
            "tags": { "team": "a", "keyholder-encryption": MARK },
            "identity": { "type": "UserAssigned", "userAssignedIdentities": { hubs().as_str(): {} } },
            "properties": { "encryption": {
                "keySource": "Microsoft.Keyvault",
                "keyvaultproperties": { "keyvaulturi": VAULT, "keyname": "ai-hub", "keyversion": "" },
                "identity": { "userAssignedIdentity": hubs().as_str() },
            } },
        })
    );
    // The hub itself is as it was; that something is under way at the dependent keeps it from being Ready.
    let status = &second.report.status;
    assert_eq!(condition(status, ConditionType::Provisioned).0, "True");
    assert_eq!(condition(status, ConditionType::Ready).1, "Updating");
    assert_eq!(status.operation, None);
    let operation = status.dependents[0].operation.as_ref().unwrap();
    assert_eq!(operation.state, OperationState::Running);
    assert!(operation.intent.contains("keys/ai-hub"), "{operation:?}");

    let third = finds(&hub, status, &with_key(KEY), 120);
    assert_eq!(third.plan.write, None);
    assert_eq!(verdict(&third), ("True".to_owned(), "AllEncrypted".to_owned()));
    assert_eq!(third.report.status.dependents[0].operation, None);
    assert_eq!(condition(&third.report.status, ConditionType::Ready).0, "True");
    // Somebody takes the key away: it is given back, and the mark is there already.
    let reverted = Stored {
        at_rest: AtRest::Microsoft,
        ..with_key(KEY)
    };
    let again = finds(&hub, &third.report.status, &reverted, 200);
    let Request::Patch(body) = again.plan.write.unwrap().request else {
        panic!("a PATCH")
    };
    let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["properties"]);
}

#[test]
fn each_type_is_encrypted_in_its_own_words() {
    let mark = json!({ "keyholder-encryption": MARK });
    let identity = |kind: &str| json!({ "type": kind, "userAssignedIdentities": { hubs().as_str(): {} } });
    let (hub, status) = enforcing(SEARCH);
    assert_eq!(
        sent(&hub, &status, &stored(AtRest::NotEnforced)),
        json!({ "tags": mark, "properties": { "encryptionWithCmk": { "enforcement": "Enabled" } } })
    );
    let (hub, status) = enforcing(COSMOS);
    let own = Stored {
        system_assigned: true,
        ..stored(AtRest::Microsoft)
    };
    assert_eq!(
        sent(&hub, &status, &own),
        json!({
            "tags": mark, "identity": identity("SystemAssigned,UserAssigned"),
            "properties": {
                "defaultIdentity": format!("UserAssignedIdentity={}", hubs()),
                "keyVaultKeyUri": format!("{VAULT}/keys/ai-hub"),
            },
        })
    );
    let (hub, status) = enforcing(ACCOUNTS);
    let account = Stored {
        account: Some(("aiservices".to_owned(), true)),
        ..own
    };
    assert_eq!(
        sent(&hub, &status, &account),
        json!({
            "tags": mark, "identity": identity("SystemAssigned, UserAssigned"),
            "properties": { "encryption": {
                "keySource": "Microsoft.KeyVault",
                "keyVaultProperties": {
                    "keyVaultUri": format!("{VAULT}/"), "keyName": "ai-hub", "keyVersion": "", "identityClientId": "client",
                },
            } },
        })
    );
    for (kind, at_rest) in [
        (SEARCH, AtRest::Enforced { compliant: false }),
        (COSMOS, with_key(NEXT_KEY).at_rest),
        (STORAGE, with_key(NEXT_KEY).at_rest),
    ] {
        let (hub, status) = enforcing(kind);
        // With the key it needs no mark, and which version it follows to is its own affair.
        let unmarked = Stored {
            unwraps: Some(hubs()),
            ..stored(at_rest)
        };
        let pass = finds(&hub, &status, &unmarked, 100);
        assert_eq!(
            (pass.plan.write.clone(), verdict(&pass).0),
            (None, "True".to_owned())
        );
    }
}

#[test]
fn a_pinned_version_is_pinned_where_it_can_be() {
    let (mut hub, status) = enforcing(STORAGE);
    let crate::validate::ValidEncryption::CustomerManaged { version, .. } = &mut hub.encryption else {
        panic!("a key")
    };
    *version = KeyIdentifier::parse(KEY).unwrap().version().cloned();
    let body = sent(&hub, &status, &with_key(KEY));
    assert_eq!(
        body["properties"]["encryption"]["keyvaultproperties"]["keyversion"],
        "0123456789abcdef0123456789abcdef"
    );
    let pinned = Stored {
        follows: false,
        ..with_key(KEY)
    };
    assert_eq!(verdict(&finds(&hub, &status, &pinned, 100)).1, "AllEncrypted");
    // Without a pin it is let go again.
    let (free, status) = enforcing(STORAGE);
    let body = sent(&free, &status, &pinned);
    assert_eq!(
        body["properties"]["encryption"]["keyvaultproperties"]["keyversion"],
        ""
    );
    // Cosmos DB takes no version.
    hub.dependents[0].id = id(COSMOS, "one");
    assert_eq!(
        verdict(&finds(&hub, &status, &with_key(KEY), 100)).1,
        "AllEncrypted"
    );
}

#[test]
fn what_azure_failed_stands_and_is_tried_again_and_what_it_ignored_too() {
    let (hub, status) = enforcing(STORAGE);
    let bare = stored(AtRest::Microsoft);
    let first = finds(&hub, &status, &bare, 100);
    let refused = Executed::Refused(crate::Why {
        reason: Reason::PolicyDenied,
        message: "a policy refuses it".to_owned(),
        retry_at: None,
    });
    let mut observed = created(&hub);
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Known(bare.clone()))];
    let second = pass(&hub, &first.report.status, &observed, 101, false, &refused);
    assert_eq!(verdict(&second), ("False".to_owned(), "PolicyDenied".to_owned()));
    assert_eq!(condition(&second.report.status, ConditionType::Stalled).0, "True");
    let waiting = finds(&hub, &second.report.status, &bare, 110);
    assert_eq!(waiting.plan.write, None);
    assert_eq!(waiting.report.status, second.report.status);
    let again = finds(&hub, &second.report.status, &bare, 140);
    assert_eq!(again.plan.write.unwrap().started_at, fixtures::at_second(101));

    // What became of the write is not known: it was not as declared before, and the hub is not Ready.
    let broken = Executed::Refused(crate::Why {
        reason: Reason::AzureUnreachable,
        message: "the connection broke".to_owned(),
        retry_at: None,
    });
    let unknown = pass(&hub, &first.report.status, &observed, 101, false, &broken);
    assert_eq!(
        verdict(&unknown),
        ("Unknown".to_owned(), "AzureUnreachable".to_owned())
    );
    assert_eq!(
        condition(&unknown.report.status, ConditionType::Ready),
        ("Unknown".to_owned(), "AzureUnreachable".to_owned())
    );
    let known = finds(&hub, &unknown.report.status, &with_key(KEY), 102);
    assert_eq!(verdict(&known).1, "AllEncrypted");

    // What the operation's own URL tells of a failure is told in Azure's words.
    let begun = pass(&hub, &first.report.status, &observed, 101, false, &accepted())
        .report
        .status;
    let mut told = observed;
    let failed = crate::observed::OperationSeen::Failed {
        code: "KeyVaultPolicyError".to_owned(),
        message: "not recoverable".to_owned(),
    };
    told.dependent_operations = vec![(hub.dependents[0].id.clone(), failed)];
    let ended = pass(&hub, &begun, &told, 110, false, &accepted());
    assert_eq!(
        verdict(&ended),
        ("False".to_owned(), "ProvisioningFailed".to_owned())
    );
    let message = ended.report.status.dependents[0].message.clone().unwrap();
    assert_eq!(message, "KeyVaultPolicyError: not recoverable");
    let waiting = finds(&hub, &ended.report.status, &bare, 111);
    assert_eq!(waiting.report.status, ended.report.status);

    // Twice read, and not there: an hour passes before the next.
    let verifying = finds(&hub, &begun, &bare, 111);
    assert_eq!(verifying.plan.write, None);
    let ignored = finds(&hub, &verifying.report.status, &bare, 120);
    assert_eq!(verdict(&ignored), ("False".to_owned(), "WriteIgnored".to_owned()));
    assert_eq!(finds(&hub, &ignored.report.status, &bare, 3_000).plan.write, None);
    assert!(
        finds(&hub, &ignored.report.status, &bare, 3_800)
            .plan
            .write
            .is_some()
    );
}

#[test]
fn while_azure_works_on_it_nothing_is_written_and_the_hubs_own_changes_go_first() {
    let (hub, status) = enforcing(COSMOS);
    let bare = stored(AtRest::Microsoft);
    let first = finds(&hub, &status, &bare, 100);
    let begun = finds(&hub, &first.report.status, &bare, 101).report.status;
    let busy = Stored {
        provisioning_state: Some("Updating".to_owned()),
        ..bare
    };
    let mut observed = created(&hub);
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Known(busy))];
    for now in [110, 100_000] {
        let pass = pass(&hub, &begun, &observed, now, false, &accepted());
        assert_eq!(
            (pass.plan.write.clone(), verdict(&pass).1),
            (None, "Updating".to_owned())
        );
        assert!(pass.report.status.dependents[0].operation.is_some());
    }
    let Fact::Known(found) = &mut observed.key else {
        panic!("a key")
    };
    found.others = vec![found.current.clone()];
    found.current = key_version(NEXT_KEY, 100);
    let rotated = pass(&hub, &begun, &observed, 110, false, &accepted());
    assert_eq!(rotated.plan.write.unwrap().kind, OperationKind::ChangeKey);
    assert!(rotated.report.status.dependents[0].operation.is_some());
}
