//! What the spec of an account may say.

use super::*;

/// The paths that are wrong in a spec that is otherwise in order.
fn wrong(change: &Value) -> Vec<String> {
    let mut spec = json!({
        "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
        "accountKind": "AIServices", "identity": { "systemAssigned": true },
        "encryption": { "mode": "MicrosoftManaged" }, "deletionPolicy": "Retain",
    });
    let changed = change.as_object().unwrap().clone();
    spec.as_object_mut().unwrap().extend(changed);
    let object: AIServicesAccount = serde_json::from_value(json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIServicesAccount",
        "metadata": { "name": "vision", "namespace": "ml-platform" }, "spec": spec,
    }))
    .unwrap();
    let errors = object.validate("owner", None).err().unwrap_or_default();
    errors.into_iter().map(|error| error.path).collect()
}

/// Texts that fit a field, and those that do not.
fn takes(field: &str, fit: &[&str], others: &[&str]) {
    for text in fit {
        assert!(wrong(&json!({ field: text })).is_empty(), "{field}: {text}");
    }
    for text in others {
        let expected = [format!("spec.{field}")];
        assert_eq!(wrong(&json!({ field: text })), expected, "{text}");
    }
}

#[test]
fn names_are_those_that_azure_takes() {
    let (longest, longer) = ("a".repeat(64), "a".repeat(65));
    takes(
        "accountKind",
        &["SpeechServices", "CustomVision.Training", "OpenAI2"],
        &["", "2OpenAI", ".OpenAI", "Open AI", "Open-AI"],
    );
    takes(
        "azureName",
        &["v2", "2v", "Vision_eu-1.a", &longest],
        &["v", "-vision", "_vision", ".vision", "vision eu", &longer],
    );
    takes(
        "customSubDomainName",
        &["v2", "2v", "Vision-eu", &longest],
        &["v", "-vision", "vision-", "vision.eu", "vision_eu", &longer],
    );
}

#[test]
fn projects_need_an_account_of_the_kind_with_an_identity() {
    let projects = |kind: &str, identity: Value, allowed: bool| {
        wrong(&json!({ "accountKind": kind, "identity": identity, "allowProjectManagement": allowed }))
    };
    let own = || json!({ "systemAssigned": true });
    let assigned = json!({ "userAssigned": ["hub"] });
    let none = || json!({ "systemAssigned": false });
    assert!(projects("aiservices", own(), true).is_empty());
    assert!(projects("AIServices", assigned, true).is_empty());
    assert!(projects("OpenAI", none(), false).is_empty());
    assert_eq!(
        projects("AIServices", none(), true),
        ["spec.allowProjectManagement"]
    );
    assert_eq!(projects("OpenAI", own(), true), ["spec.allowProjectManagement"]);
}

#[test]
fn nothing_but_an_account_is_one_and_its_own_provider_is_all_that_it_needs() {
    let declared = account(|_| {});
    let marked = live(&declared, Some(FOLLOWED));
    let other = Live {
        account: None,
        ..marked.clone()
    };
    assert!(crate::needs::is_owned(&declared, &marked));
    assert!(!crate::needs::is_owned(&declared, &other));
    assert_eq!(
        crate::preflight::providers(&declared),
        ["Microsoft.CognitiveServices"]
    );
    assert_eq!(
        declared.encryption_tag(),
        "owner/ml-platform/vision/AIServicesAccount"
    );
}

#[test]
fn identities_of_both_kinds_are_asked_for_as_this_provider_spells_them() {
    let declared = account(|object| {
        object["spec"]["identity"] = json!({ "systemAssigned": true, "userAssigned": ["hub"] });
    });
    let observed = ready_for_creation(&declared);
    let write = next(&declared, &ResourceStatus::default(), &observed, 0)
        .plan
        .write;
    assert_eq!(
        sent(&write.unwrap().request)["identity"]["type"],
        "SystemAssigned, UserAssigned"
    );
}
