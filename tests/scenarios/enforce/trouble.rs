//! The write to a dependent meets trouble, or the operator's end.

use jiff::Timestamp;
use serde_json::{Value, json};
use testbed::azure::{Exchange, names};
use testbed::{Object, Scenario};

use super::{COSMOS, STORAGE, dependent, enforcing, message, seen, storage, text};
use crate::common::{hub, merge, settings, start, until_patched};

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

/// The connection ends at each write, so that it may arrive yet; meanwhile the storage account is audited alone, and to be encrypted again.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_may_still_arrive_is_waited_for_through_the_users_edits() {
    let scenario = start("enforce-edited").await;
    let control = scenario.azure.control();
    let drops = json!({ "principal": names::OPERATOR, "method": "PATCH", "urlContains": "aihubdata", "action": "dropBefore" });
    control.fault(&drops).await.unwrap();
    scenario.apply(&enforcing()).unwrap().ok().unwrap();
    let unanswered = |hub: &Object| hub.text("/status/dependents/0/reason") == "AzureUnreachable";
    let told = scenario
        .until("research", "unanswered", unanswered)
        .await
        .unwrap();
    let audited = json!([{ "resource": told.at("/spec/dependents/0/resource"), "type": told.at("/spec/dependents/0/type") }]);
    let with = |dependents: &Value| json!({ "spec": { "dependents": dependents } }).to_string();
    merge(&scenario, "research", &with(&audited));
    scenario
        .until_says("research", "DependentsEncrypted", "AuditFinding")
        .await
        .unwrap();
    merge(&scenario, "research", &with(told.at("/spec/dependents")));
    control.clear_faults().await.unwrap();
    let ready = settled(&scenario).await;
    assert!(ready.says("DependentsEncrypted", "AllEncrypted"), "{ready}");

    let mut log = scenario.azure.operator_log().await.unwrap();
    log.retain(|one| one.method == "PATCH" && one.url.contains("aihubdata"));
    let at = |one: &Exchange| one.at.parse::<Timestamp>().unwrap();
    let gaps = log.windows(2).map(|two| at(&two[1]).duration_since(at(&two[0])));
    let gaps: Vec<_> = gaps.collect();
    assert!(!gaps.is_empty());
    // What may be on its way has arrived within five seconds, or never will.
    assert!(gaps.iter().all(|gap| gap.as_secs() >= 5), "{gaps:?}");
}
