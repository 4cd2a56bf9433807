//! Dependents that are not given the key, and what is said of it.

use keyholder_crds::{OperationKind, UnverifiedTransition};

use super::enforce::*;
use super::*;
use crate::fixtures::stored;
use crate::observed::Stored;

/// What is said of a dependent found so, and nothing written.
fn refused(hub: &Declared, status: &ResourceStatus, one: &Stored) -> (String, String) {
    let first = finds(hub, status, one, 100);
    let second = finds(hub, &first.report.status, one, 101);
    assert_eq!(second.plan.write, None);
    assert_eq!(second.report.status, first.report.status);
    let status = &second.report.status;
    let (truth, reason) = condition(status, ConditionType::DependentsEncrypted);
    assert_eq!(truth, "False");
    assert_eq!(
        condition(status, ConditionType::Ready),
        ("False".to_owned(), reason.clone())
    );
    (reason, status.dependents[0].message.clone().unwrap())
}

fn tagged(name: &str, value: &str) -> Stored {
    Stored {
        tags: [(name.to_owned(), value.to_owned())].into(),
        ..stored(AtRest::Microsoft)
    }
}

#[test]
fn a_registry_is_never_written_to() {
    let (hub, status) = enforcing(REGISTRY);
    let (_, text) = refused(&hub, &status, &stored(AtRest::Microsoft));
    assert!(
        text.starts_with("it gets its key at its creation alone. Set policy: Audit"),
        "{text}"
    );
    refused(&hub, &status, &with_key(&format!("{VAULT}/keys/another")));
}

#[test]
fn nothing_is_written_to_what_does_not_carry_this_objects_mark() {
    let (mut hub, status) = enforcing(STORAGE);
    let (reason, text) = refused(&hub, &status, &tagged("Keyholder-Owner", "owner/team/theirs"));
    assert_eq!(reason, "NotOwned");
    assert!(text.contains("owner/team/theirs"), "{text}");
    let other = tagged(ENCRYPTION_TAG, "owner/ml-platform/research/AIServicesAccount");
    let (reason, text) = refused(&hub, &status, &other);
    assert_eq!(reason, "NotOwned");
    assert!(
        text.contains("AIServicesAccount encrypts it") && text.contains("\nCure:\naz resource tag"),
        "{text}"
    );
    let bare = stored(AtRest::Microsoft);
    assert!(sent(&hub, &status, &bare).get("tags").is_some());

    hub.dependents[0].enforcement.as_mut().unwrap().adopts = false;
    let (reason, text) = refused(&hub, &status, &bare);
    assert_eq!(reason, "NotOwned");
    assert!(text.contains(&format!("keyholder-encryption={MARK}")), "{text}");
    assert!(
        sent(&hub, &status, &tagged("KEYHOLDER-encryption", MARK))
            .get("tags")
            .is_none()
    );
    // The condition names each, and the commands come last.
    hub.dependents.push(ValidDependent {
        id: id(STORAGE, "two"),
        ..hub.dependents[0].clone()
    });
    let mut observed = created(&hub);
    observed.at_rest = hub
        .dependents
        .iter()
        .map(|one| (one.id.clone(), Fact::Known(bare.clone())))
        .collect();
    let report = pass(&hub, &status, &observed, 100, false, &Executed::Nothing).report;
    let all = stored_message(&report);
    let (texts, commands) = all.split_once("\nCure:\n").unwrap();
    assert!(texts.contains("/one: ") && texts.contains("/two: "), "{all}");
    assert!(
        commands.lines().count() == 2 && commands.lines().all(|line| line.starts_with("az ")),
        "{all}"
    );
}

fn stored_message(report: &Report) -> String {
    crate::judge::stored(&report.status, ConditionType::DependentsEncrypted)
        .unwrap()
        .message
        .clone()
}

#[test]
fn what_azure_does_not_take_back_needs_the_specs_word() {
    let account = |projects| Stored {
        account: Some(("aiservices".to_owned(), projects)),
        ..stored(AtRest::Microsoft)
    };
    for (kind, one, what) in [
        (COSMOS, stored(AtRest::Microsoft), "an account of Cosmos DB never"),
        (ACCOUNTS, account(true), "an account that allows projects never"),
    ] {
        let (mut hub, status) = enforcing(kind);
        assert!(sent(&hub, &status, &one).is_object());
        hub.dependents[0].enforcement.as_mut().unwrap().irreversible = false;
        let (reason, text) = refused(&hub, &status, &one);
        assert_eq!(reason, "Irreversible");
        assert!(
            text.starts_with(what) && text.contains("allowIrreversible: true"),
            "{text}"
        );
    }
    let (mut hub, status) = enforcing(ACCOUNTS);
    hub.dependents[0].enforcement.as_mut().unwrap().irreversible = false;
    assert!(sent(&hub, &status, &account(false)).is_object());
}

#[test]
fn the_matrix_holds_for_dependents_too() {
    let theirs = |account: Option<(&str, bool)>| Stored {
        account: account.map(|(kind, projects)| (kind.to_owned(), projects)),
        ..with_key("https://their-keys.vault.azure.net/keys/k")
    };
    let (hub, status) = enforcing(STORAGE);
    assert!(sent(&hub, &status, &theirs(None)).is_object());
    for (kind, one, expected) in [
        (COSMOS, theirs(None), "TransitionUnverified"),
        (
            ACCOUNTS,
            theirs(Some(("aiservices", true))),
            "VaultSwitchForbidden",
        ),
        (
            ACCOUNTS,
            theirs(Some(("speechservices", false))),
            "TransitionUnverified",
        ),
    ] {
        let (hub, status) = enforcing(kind);
        assert_eq!(refused(&hub, &status, &one).0, expected, "{kind}");
    }
}

#[test]
fn what_no_source_confirms_is_told_with_what_lets_it_through() {
    let (hub, status) = enforcing(COSMOS);
    let (_, text) = refused(
        &hub,
        &status,
        &with_key("https://their-keys.vault.azure.net/keys/k"),
    );
    assert!(text.contains("no source confirms that it can have one"), "{text}");
    // Azure's pages contradict each other on much of OpenAI.
    let (mut hub, status) = enforcing(ACCOUNTS);
    let open_ai = Stored {
        account: Some(("openai".to_owned(), false)),
        ..stored(AtRest::Microsoft)
    };
    let says = |hub: &Declared, one: &Stored, texts: &[&str]| {
        let (reason, text) = refused(hub, &status, one);
        assert_eq!(reason, "TransitionUnverified");
        assert!(texts.iter().all(|part| text.contains(part)), "{text}");
        text
    };
    says(
        &hub,
        &open_ai,
        &["takes a key that", "add OpenAIUserAssignedIdentity to"],
    );
    hub.allow_unverified = vec![UnverifiedTransition::OpenAIUserAssignedIdentity];
    says(&hub, &open_ai, &["set customerManagedKey.version"]);
    let crate::validate::ValidEncryption::CustomerManaged { version, .. } = &mut hub.encryption else {
        panic!("a key")
    };
    *version = KeyIdentifier::parse(KEY).unwrap().version().cloned();
    says(
        &hub,
        &open_ai,
        &["by role assignments", "add OpenAIRoleBasedVault to"],
    );
    hub.allow_unverified
        .push(UnverifiedTransition::OpenAIRoleBasedVault);
    assert!(sent(&hub, &status, &open_ai).is_object());
    // No word lets another identity through.
    let by_other = Stored {
        account: open_ai.account,
        follows: false,
        unwraps: Some(id("Microsoft.ManagedIdentity/userAssignedIdentities", "other")),
        ..with_key(KEY)
    };
    for words in [hub.allow_unverified.clone(), Vec::new()] {
        hub.allow_unverified = words;
        let text = says(&hub, &by_other, &["another identity unwraps its key"]);
        assert!(!text.contains("allowUnverified"), "{text}");
    }
}

#[test]
fn what_azure_would_refuse_is_not_sent() {
    let (hub, status) = enforcing(STORAGE);
    let other = id("Microsoft.ManagedIdentity/userAssignedIdentities", "other");
    let two = Stored {
        user_assigned: vec![other.clone()],
        ..stored(AtRest::Microsoft)
    };
    let (reason, text) = refused(&hub, &status, &two);
    assert_eq!(reason, "DependentUnsuitable");
    assert!(text.contains(other.as_str()), "{text}");
    let (hub, status) = enforcing(ACCOUNTS);
    let far = Stored {
        account: Some(("aiservices".to_owned(), false)),
        location: Some(crate::name::Location::parse("eastus").unwrap()),
        ..stored(AtRest::Microsoft)
    };
    assert_eq!(refused(&hub, &status, &far).0, "RegionMismatch");
    let mut observed = created(&hub);
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Absent)];
    let report = pass(&hub, &status, &observed, 100, false, &Executed::Nothing).report;
    assert_eq!(
        condition(&report.status, ConditionType::DependentsEncrypted).1,
        "AssociatedResourceNotFound"
    );
}

#[test]
fn the_key_is_given_on_once_the_hub_has_it_and_it_is_healthy() {
    let bare = stored(AtRest::Microsoft);
    let (hub, status) = enforcing(STORAGE);
    let first = finds(&hub, &status, &bare, 100).report.status;
    let mut observed = created(&hub);
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Known(bare))];
    let Fact::Known(key) = &mut observed.key else {
        panic!("a key")
    };
    key.current.enabled = false;
    let pass = pass(&hub, &first, &observed, 110, false, &Executed::Nothing);
    assert_eq!(
        condition(&pass.report.status, ConditionType::KeyHealthy).0,
        "False"
    );
    assert_eq!(
        (pass.plan.write.clone(), verdict(&pass).1),
        (None, "Pending".to_owned())
    );
    // AI Search is told of no key.
    let (hub, status) = enforcing(SEARCH);
    let open = stored(AtRest::NotEnforced);
    let first = finds(&hub, &status, &open, 100).report.status;
    observed.at_rest = vec![(hub.dependents[0].id.clone(), Fact::Known(open))];
    let pass = fixtures::pass(&hub, &first, &observed, 110, false, &Executed::Nothing);
    assert_eq!(pass.plan.write.unwrap().kind, OperationKind::EncryptDependent);
}

#[test]
fn a_suspended_object_says_what_it_would_write() {
    let (mut hub, status) = enforcing(STORAGE);
    hub.suspend = true;
    let bare = stored(AtRest::Microsoft);
    let first = finds(&hub, &status, &bare, 100).report.status;
    let second = finds(&hub, &first, &bare, 101);
    assert_eq!(second.plan.write, None);
    assert_eq!(verdict(&second), ("False".to_owned(), "Suspended".to_owned()));
    assert_eq!(
        condition(&second.report.status, ConditionType::Provisioned).0,
        "True"
    );
    assert!(stored_message(&second.report).contains("/one would be changed: encryption with"));
    assert_eq!(
        second.report.status.dependents[0].reason.as_deref(),
        Some("Suspended")
    );
}
