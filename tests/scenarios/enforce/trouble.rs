//! The write to a dependent meets trouble, or the operator's end.

use serde_json::{Value, json};
use testbed::azure::names;
use testbed::{Object, Scenario};

use super::{COSMOS, STORAGE, dependent, enforcing, message, seen, storage, text};
use crate::common::{hub, settings, start, until_patched};

/// A fault at the operator's PATCHes of what has this in its URL.
fn patches(what: &str, times: u32, action: &Value) -> Value {
    json!({ "principal": names::OPERATOR, "method": "PATCH", "urlContains": what, "times": times, "action": action })
}

/// Somebody takes the key away from the storage account.
async fn taken_away(scenario: &Scenario) {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let back = json!({ "properties": { "encryption": { "keySource": "Microsoft.Storage" } } });
    alice.patch(&storage(), STORAGE, &back).await.unwrap();
}

/// The hub, once it is ready and nothing is intended any more.
async fn settled(scenario: &Scenario) -> Object {
    scenario
        .until("research", "settled", |hub| {
            hub.is_ready() && hub.at("/status/dependents/0/operation").is_null()
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_killed_at_the_write_comes_back_to_it() {
    let mut scenario = start("enforce-kill").await;
    for (turn, when) in ["before", "after"].into_iter().enumerate() {
        let control = scenario.azure.control();
        let held = patches("aihubdata", 1, &json!({ "hold": when }));
        control.fault(&held).await.unwrap();
        if turn == 0 {
            scenario.apply(&enforcing()).unwrap().ok().unwrap();
        } else {
            taken_away(&scenario).await;
        }
        control.until_held().await.unwrap();
        let noted = scenario.hub("research").await.unwrap();
        assert_eq!(
            noted.text("/status/dependents/0/operation/state"),
            "Intended",
            "{noted}"
        );
        assert_eq!(noted.at("/status/operation"), &Value::Null, "{noted}");
        let operator = scenario.operator.as_mut().unwrap();
        operator.kill();
        scenario.azure.control().clear_faults().await.unwrap();
        scenario.operator.as_mut().unwrap().restart().unwrap();
        let ready = settled(&scenario).await;
        assert!(
            ready.says("DependentsEncrypted", "AllEncrypted"),
            "{when}: {ready}"
        );
        let account = seen(&scenario, &storage(), STORAGE).await;
        assert_eq!(
            text(&account, "/properties/encryption/keySource"),
            "Microsoft.Keyvault"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_at_the_write_is_told_and_passes() {
    let scenario = start("enforce-trouble").await;
    scenario.apply(&enforcing()).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let control = scenario.azure.control();
    let status =
        |status: u16, code: &str| json!({ "status": { "status": status, "code": code, "message": "told" } });
    for (action, reason) in [
        (json!("dropBefore"), "AzureUnreachable"),
        (json!("dropAfter"), "AzureUnreachable"),
        (json!("truncate"), "AzureAnswerInvalid"),
        (status(500, "InternalServerError"), "AzureUnreachable"),
        (status(403, "RequestDisallowedByPolicy"), "PolicyDenied"),
        (status(409, "ScopeLocked"), "Locked"),
    ] {
        let held = patches("aihubdata", 1, &action);
        control.fault(&held).await.unwrap();
        taken_away(&scenario).await;
        scenario
            .until("research", &format!("told of {action}"), |hub| {
                hub.says("DependentsEncrypted", reason)
            })
            .await
            .unwrap();
        let ready = scenario.until_ready("research").await.unwrap();
        assert!(
            ready.says("DependentsEncrypted", "AllEncrypted") && ready.is("Provisioned", "True"),
            "{action}: {ready}"
        );
        control.clear_faults().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_azure_fails_in_its_operation_is_told_in_its_words_and_tried_again() {
    let cosmos = dependent("Microsoft.DocumentDB/databaseAccounts", "documents");
    let mut settings = settings("enforce-fails");
    let id = cosmos.clone();
    settings.seed = Box::new(move |seed| {
        let body = json!({ "location": names::LOCATION, "properties": {
            "databaseAccountOfferType": "Standard", "locations": [{ "locationName": names::LOCATION }],
        } });
        seed.add("databaseAccounts", json!({ "id": id, "body": body }));
    });
    let scenario = Scenario::start(settings).await.unwrap();
    let fails = json!({ "failOperation": { "code": "InternalServerError", "message": "the scan failed" } });
    scenario
        .azure
        .control()
        .fault(&patches("documents", 1, &fails))
        .await
        .unwrap();
    let manifest = hub("research").replace(
        "spec:\n",
        "spec:\n  dependents:\n    - resource: documents\n      type: Microsoft.DocumentDB/databaseAccounts\n      policy: Enforce\n      \
         adoptionPolicy: Adopt\n      allowIrreversible: true\n",
    );
    scenario.apply(&manifest).unwrap().ok().unwrap();
    let failed = scenario
        .until_says("research", "DependentsEncrypted", "ProvisioningFailed")
        .await
        .unwrap();
    assert!(
        message(&failed).contains("InternalServerError: the scan failed"),
        "{failed}"
    );
    assert!(failed.is("Provisioned", "True"), "{failed}");
    scenario.until_ready("research").await.unwrap();
    assert_eq!(until_patched(&scenario, &cosmos, 2).await.len(), 2);
    let documents = seen(&scenario, &cosmos, COSMOS).await;
    assert!(
        text(&documents, "/properties/keyVaultKeyUri").ends_with(names::KEY),
        "{documents}"
    );
}
