use keyholder_crds::{AIHub, AIProject, AIServicesAccount, Reason};
use serde_json::{Value, json};

use super::*;
use crate::fixtures;

fn project(reference: &Value, bound: Option<&str>) -> AIProject {
    let mut object = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIProject",
        "metadata": { "name": "churn", "namespace": "ml-platform", "generation": 1 },
        "spec": { "parentRef": reference },
    });
    if let Some(parent) = bound {
        object["status"] =
            json!({ "bound": { "resourceId": "/x", "location": "westeurope", "parent": parent } });
    }
    serde_json::from_value(object).unwrap()
}

fn by_name(bound: Option<&str>) -> AIProject {
    project(&json!({ "kind": "AIHub", "name": "research" }), bound)
}

fn hub(status: &Value) -> AIHub {
    let mut hub = fixtures::object("Delete");
    hub.status = serde_json::from_value(status.clone()).unwrap();
    hub
}

fn conditions(provisioned: &str, key_applied: &str) -> Value {
    let condition = |kind: &str, status: &str| {
        json!({ "type": kind, "status": status, "reason": "Creating", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": 1 })
    };
    json!({ "conditions": [condition("Provisioned", provisioned), condition("KeyApplied", key_applied)] })
}

const BOUND: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups/rg-ai/providers/microsoft.machinelearningservices/workspaces/research";

#[test]
fn a_parent_in_order_is_not_waited_for() {
    let named = hub(&conditions("True", "True"));
    let parent = parent_of(&by_name(None), Named::Object(&named), "owner")
        .unwrap()
        .unwrap();
    assert_eq!((parent.id.lower().as_str(), parent.waits_for), (BOUND, None));
    assert_eq!(parent.location.as_str(), "westeurope");
}

#[test]
fn a_parent_that_is_not_in_order_is_waited_for() {
    for (status, word) in [
        (Value::Null, "Provisioned of AIHub research is not known"),
        (
            conditions("False", "True"),
            "Provisioned of AIHub research is False (Creating)",
        ),
        (
            conditions("True", "Unknown"),
            "KeyApplied of AIHub research is Unknown (Creating)",
        ),
    ] {
        let named = hub(&status);
        let parent = parent_of(&by_name(None), Named::Object(&named), "owner")
            .unwrap()
            .unwrap();
        let waits_for = parent.waits_for.unwrap();
        assert_eq!(waits_for.reason, Reason::ParentNotReady);
        assert!(waits_for.message.starts_with(word), "{waits_for:?}");
    }
    let mut going = hub(&conditions("True", "True"));
    going.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
        fixtures::at_second(0),
    ));
    let parent = parent_of(&by_name(None), Named::Object(&going), "owner")
        .unwrap()
        .unwrap();
    assert_eq!(
        parent.waits_for.unwrap().message,
        "AIHub research is being deleted."
    );
}

/// Of an account with this in its spec and its status: what its project is told.
fn told(spec: &Value, bound: &Value) -> Reason {
    let mut object = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIServicesAccount",
        "metadata": { "name": "foundry", "namespace": "ml-platform", "generation": 1 },
        "spec": {
            "subscriptionId": fixtures::SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
            "accountKind": "AIServices", "sku": "S0", "identity": { "systemAssigned": true },
            "encryption": { "mode": "MicrosoftManaged" }, "deletionPolicy": "Retain",
        },
    });
    object["spec"]
        .as_object_mut()
        .unwrap()
        .extend(spec.as_object().unwrap().clone());
    if !bound.is_null() {
        let mut whole = json!({ "resourceId": "/x", "location": "westeurope" });
        whole
            .as_object_mut()
            .unwrap()
            .extend(bound.as_object().unwrap().clone());
        object["status"] = json!({ "bound": whole });
    }
    let account: AIServicesAccount = serde_json::from_value(object).unwrap();
    let project = project(&json!({ "kind": "AIServicesAccount", "name": "foundry" }), None);
    let parent = parent_of(&project, Named::Object(&account), "owner")
        .unwrap()
        .unwrap();
    let why = parent.waits_for.unwrap();
    assert!(
        why.reason != Reason::ParentUnsuitable || why.message.contains("spec.allowProjectManagement"),
        "{why:?}"
    );
    why.reason
}

#[test]
fn an_account_that_never_has_projects_is_told_before_it_is_in_order() {
    let (never, waits) = (Reason::ParentUnsuitable, Reason::ParentNotReady);
    let open_ai = json!({ "accountKind": "OpenAI" });
    for (spec, bound, reason) in [
        (open_ai.clone(), Value::Null, never),
        (open_ai.clone(), json!({}), never),
        (json!({ "allowProjectManagement": false }), Value::Null, never),
        (json!({}), json!({ "allowProjectManagement": false }), never),
        // It is about to have them, or Microsoft has upgraded it.
        (
            json!({ "allowProjectManagement": true }),
            json!({ "allowProjectManagement": false }),
            waits,
        ),
        (open_ai, json!({ "allowProjectManagement": true }), waits),
        // Azure's choice, or that of whoever made it, is not known.
        (json!({}), Value::Null, waits),
        (
            json!({ "accountKind": "OpenAI", "adoptionPolicy": "Adopt" }),
            Value::Null,
            waits,
        ),
        (
            json!({ "accountKind": "OpenAI", "managementPolicy": "ObserveOnly" }),
            Value::Null,
            waits,
        ),
    ] {
        assert_eq!(told(&spec, &bound), reason, "{spec} {bound}");
    }
}

/// The edit is refused, and the hub stays where it is.
#[test]
fn a_parent_whose_spec_asks_for_another_resource_is_the_bound_one_still() {
    let mut status = conditions("True", "True");
    status["resourceId"] = json!(BOUND);
    status["bound"] = json!({ "resourceId": BOUND, "location": "westeurope" });
    let mut named = hub(&status);
    named.spec.azure_name = Some("elsewhere".to_owned());
    let parent = parent_of(&by_name(None), Named::Object(&named), "owner")
        .unwrap()
        .unwrap();
    assert_eq!(parent.id.as_str(), BOUND);
}

#[test]
fn without_its_parents_object_a_project_that_is_bound_keeps_its_parent() {
    let parent = parent_of(&by_name(Some(BOUND)), Named::Nothing, "owner")
        .unwrap()
        .unwrap();
    assert_eq!((parent.id.as_str(), parent.waits_for), (BOUND, None));
    let mut invalid = hub(&Value::Null);
    invalid.spec.location = "West/Europe".to_owned();
    let parent = parent_of(&by_name(Some(BOUND)), Named::Object(&invalid), "owner")
        .unwrap()
        .unwrap();
    assert_eq!(parent.id.as_str(), BOUND);

    let why = parent_of(&by_name(None), Named::Object(&invalid), "owner").unwrap_err();
    assert_eq!(why.reason, Reason::ParentNotReady);
    assert!(why.message.contains("spec.location"), "{}", why.message);
    let why = parent_of(&by_name(None), Named::Nothing, "owner").unwrap_err();
    assert_eq!(why.reason, Reason::ParentNotFound);
    assert!(
        why.message.contains("no AIHub research in namespace ml-platform"),
        "{}",
        why.message
    );
}

#[test]
fn what_a_parent_said_of_an_earlier_spec_says_nothing() {
    let mut changed = hub(&conditions("True", "True"));
    changed.metadata.generation = Some(2);
    let parent = parent_of(&by_name(None), Named::Object(&changed), "owner")
        .unwrap()
        .unwrap();
    assert!(parent.waits_for.unwrap().message.contains("is not known so far"));
}

#[test]
fn one_that_cannot_be_read_is_not_called_missing() {
    let why = parent_of(&by_name(None), Named::Undecodable, "owner").unwrap_err();
    assert_eq!(why.reason, Reason::ParentNotReady);
    let parent = parent_of(&by_name(Some(BOUND)), Named::Undecodable, "owner")
        .unwrap()
        .unwrap();
    assert_eq!(parent.id.as_str(), BOUND);
}

#[test]
fn a_parent_by_id_needs_no_object() {
    assert_eq!(
        parent_of(
            &project(&json!({ "resourceId": BOUND }), None),
            Named::Nothing,
            "owner"
        ),
        Ok(None)
    );
    assert_eq!(parent_of(&hub(&Value::Null), Named::Nothing, "owner"), Ok(None));
}
