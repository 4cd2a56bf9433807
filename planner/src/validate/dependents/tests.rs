//! What `policy: Enforce` needs is refused alike at apply and by the planner.

use keyholder_crds::AIHub;
use kube::CustomResourceExt;
use kube::core::cel::{compile_schema, validate_compiled};
use serde_json::{Value, json};

use crate::fixtures::{SUBSCRIPTION, object};
use crate::validate::{Declared, Enforcement, FieldError, Validate};

const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const SEARCH: &str = "Microsoft.Search/searchServices";
const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
const REGISTRY: &str = "Microsoft.ContainerRegistry/registries";

fn enforced(kind: &str) -> Value {
    json!({ "resource": "one", "type": kind, "policy": "Enforce" })
}

/// The spec of a hub with these dependents.
fn spec(encryption: Option<Value>, dependents: &[Value]) -> Value {
    let mut spec = serde_json::to_value(object("Retain").spec).unwrap();
    spec["dependents"] = json!(dependents);
    if let Some(encryption) = encryption {
        spec["encryption"] = encryption;
        spec["identity"] = json!({ "userAssigned": ["hub"], "systemAssigned": true });
    }
    spec
}

fn planned(spec: &Value) -> Result<Declared, Vec<FieldError>> {
    let mut hub: Value = serde_json::to_value(object("Retain")).unwrap();
    hub["spec"] = spec.clone();
    serde_json::from_value::<AIHub>(hub)
        .unwrap()
        .validate("owner", None)
}

/// What the API server says, which fills in the defaults first.
fn admitted(spec: &Value) -> Vec<String> {
    let crd = serde_json::to_value(AIHub::crd()).unwrap();
    let schema = crd
        .pointer("/spec/versions/0/schema/openAPIV3Schema")
        .unwrap()
        .clone();
    let mut hub = object("Retain");
    hub.spec = serde_json::from_value(spec.clone()).unwrap();
    let whole = serde_json::to_value(hub).unwrap();
    match validate_compiled(&compile_schema(&schema), &whole, None) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_enforcement_needs_is_refused_alike_at_apply_and_later() {
    let own_identity =
        json!({ "mode": "CustomerManaged", "customerManagedKey": { "vault": "corp-keys", "key": "ai-hub" } });
    let microsoft = json!({ "mode": "MicrosoftManaged" });
    let mut word = enforced(COSMOS);
    word["allowIrreversible"] = json!(true);
    let mut registry = enforced(REGISTRY);
    registry["allowIrreversible"] = json!(true);
    let audited = json!({ "resource": "one", "type": COSMOS });
    let audited_registry = json!({ "resource": "one", "type": REGISTRY });
    for (encryption, dependent, text) in [
        (None, enforced(STORAGE), None),
        (None, enforced(SEARCH), None),
        (None, enforced(COSMOS), Some("allowIrreversible: true")),
        (None, word, None),
        (None, registry, Some("at its creation alone: set policy: Audit")),
        (None, audited_registry, None),
        (Some(microsoft.clone()), audited, None),
        (
            Some(microsoft.clone()),
            enforced(STORAGE),
            Some("CustomerManaged"),
        ),
        (Some(microsoft), enforced(SEARCH), Some("CustomerManaged")),
        (
            Some(own_identity.clone()),
            enforced(STORAGE),
            Some("customerManagedKey.identity"),
        ),
        (Some(own_identity), enforced(SEARCH), None),
    ] {
        let spec = spec(encryption, std::slice::from_ref(&dependent));
        let (planned, admitted) = (planned(&spec), admitted(&spec));
        match text {
            None => {
                assert!(planned.is_ok(), "{dependent}: {planned:?}");
                assert!(admitted.is_empty(), "{dependent}: {admitted:?}");
            }
            Some(text) => {
                let errors = planned.unwrap_err();
                let [error] = errors.as_slice() else {
                    panic!("{errors:?}")
                };
                assert_eq!(error.path, "spec.dependents[0].policy");
                assert!(error.message.contains(text), "{error}");
                assert!(
                    admitted.iter().any(|said| said.contains(text)),
                    "{dependent}: {admitted:?}"
                );
            }
        }
    }
}

#[test]
fn keys_of_managed_hsms_are_not_given_on() {
    let hsm = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/managedHSMs/corp"
    );
    let key = json!({ "vault": hsm, "key": "ai-hub", "identity": "hub" });
    let spec = json!({
        "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
        "identity": { "userAssigned": ["hub"] }, "accountKind": "AIServices",
        "encryption": { "mode": "CustomerManaged", "customerManagedKey": key },
        "dependents": [enforced(STORAGE), enforced(SEARCH)],
    });
    let object = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIServicesAccount",
        "metadata": { "name": "foundry", "namespace": "ml-platform" }, "spec": spec,
    });
    let account: keyholder_crds::AIServicesAccount = serde_json::from_value(object).unwrap();
    let errors = account.validate("owner", None).unwrap_err();
    let [error] = errors.as_slice() else {
        panic!("{errors:?}")
    };
    assert_eq!(error.path, "spec.dependents[0].policy");
    assert!(error.message.contains("key vaults alone"), "{error}");
}

#[test]
fn one_resource_stands_in_the_list_once() {
    let (audited, enforced) = (json!({ "resource": "ONE", "type": STORAGE }), enforced(STORAGE));
    let twice = planned(&spec(None, &[enforced.clone(), audited.clone()])).unwrap_err();
    assert_eq!(twice[0].path, "spec.dependents[1].resource");
    let same = planned(&spec(None, &[audited.clone(), audited])).unwrap();
    assert_eq!(same.dependents.len(), 1);
    let declared = planned(&spec(None, &[enforced])).unwrap();
    assert_eq!(declared.encryption_tag(), "owner/ml-platform/research/AIHub");
}

#[test]
fn an_entry_lets_through_what_it_says_and_nothing_else() {
    for (field, value, adopts, irreversible) in [
        ("policy", json!("Enforce"), false, false),
        ("adoptionPolicy", json!("Never"), false, false),
        ("adoptionPolicy", json!("Adopt"), true, false),
        ("allowIrreversible", json!(true), false, true),
    ] {
        let mut entry = enforced(STORAGE);
        entry[field] = value;
        let hub = planned(&spec(None, &[entry])).unwrap();
        let expected = Enforcement { adopts, irreversible };
        assert_eq!(hub.dependents[0].enforcement, Some(expected), "{field}");
    }
}
