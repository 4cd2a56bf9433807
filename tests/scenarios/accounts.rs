//! Azure AI services accounts: created with their key or given it afterwards, followed or pinned, and gone for good.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::azure::names;
use testbed::{Object, Scenario};

use crate::common::{
    ACCOUNTS, account, account_example as example, operator_log, rotate, settings, start, until_patched,
};

const FOUNDRY: &str = "AIServicesAccount/foundry";
const SPEECH: &str = "AIServicesAccount/speech";

/// What the operator wrote about an account and got an answer to.
async fn writes(scenario: &Scenario, account: &str) -> Vec<(String, u16)> {
    let id = names::account(account).to_lowercase();
    let mut log = operator_log(scenario).await;
    log.retain(|one| one.is_write() && one.status != 0 && one.path().to_lowercase() == id);
    log.into_iter().map(|one| (one.method, one.status)).collect()
}

async fn in_azure(scenario: &Scenario, path: &str) -> (u16, Value) {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let answer = alice.send(Method::GET, path, ACCOUNTS, None).await.unwrap();
    (answer.status, answer.body)
}

async fn key_of(scenario: &Scenario, account: &str) -> Value {
    let (_, body) = in_azure(scenario, &names::account(account)).await;
    body["properties"]["encryption"]["keyVaultProperties"].clone()
}

fn merge(scenario: &Scenario, account: &str, patch: &str) -> testbed::Said {
    let patch = [
        "patch",
        "aiservicesaccount",
        account,
        "--type=merge",
        "--patch",
        patch,
    ];
    scenario.run(&patch).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foundry_account_is_created_with_its_key_and_follows_it() {
    let scenario = start("account-foundry").await;
    scenario.apply(&example("foundry-account")).unwrap().ok().unwrap();
    let ready = scenario.until_ready(FOUNDRY).await.unwrap();
    assert!(ready.says("KeyApplied", "FollowedByService"), "{ready}");
    assert_eq!(ready.text("/status/encryption/version"), "");
    let key = key_of(&scenario, "foundry").await;
    assert_eq!(
        (&key["keyName"], &key["keyVersion"]),
        (&json!(names::KEY), &json!(""))
    );
    assert_eq!(writes(&scenario, "foundry").await, [("PUT".to_owned(), 201)]);

    // A new version is the service's matter: it is told, and nothing is written.
    let seen = |object: &Object| object.at("/status/encryption/versions").as_array().map(Vec::len);
    assert_eq!(seen(&ready), Some(1));
    rotate(&scenario).await;
    let told = scenario
        .until(FOUNDRY, "seen with the new version", |one| seen(one) == Some(2))
        .await
        .unwrap();
    assert!(told.is_ready(), "{told}");
    assert_eq!(writes(&scenario, "foundry").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_pinned_and_let_go() {
    let scenario = start("account-pin").await;
    scenario.apply(&example("foundry-account")).unwrap().ok().unwrap();
    let ready = scenario.until_ready(FOUNDRY).await.unwrap();
    let newest = ready.text("/status/encryption/latestVersion").to_owned();
    let pin =
        json!({ "spec": { "encryption": { "customerManagedKey": { "version": newest } } } }).to_string();
    merge(&scenario, "foundry", &pin).ok().unwrap();
    let pinned = scenario.until_ready(FOUNDRY).await.unwrap();
    assert!(pinned.says("KeyApplied", "KeyInUse"), "{pinned}");
    assert_eq!(key_of(&scenario, "foundry").await["keyVersion"], json!(newest));
    let free = json!({ "spec": { "encryption": { "customerManagedKey": { "version": null } } } }).to_string();
    merge(&scenario, "foundry", &free).ok().unwrap();
    scenario
        .until_says(FOUNDRY, "KeyApplied", "FollowedByService")
        .await
        .unwrap();
    assert_eq!(key_of(&scenario, "foundry").await["keyVersion"], json!(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_gets_its_key_once_its_own_identity_has_access() {
    let scenario = start("account-two-steps").await;
    scenario
        .apply(&example("account-with-its-own-identity"))
        .unwrap()
        .ok()
        .unwrap();
    let waits = scenario
        .until_says(SPEECH, "PrerequisitesMet", "AccessMissing")
        .await
        .unwrap();
    assert!(
        waits.says("Ready", "AccessMissing") && waits.is("Provisioned", "True"),
        "{waits}"
    );
    assert_eq!(key_of(&scenario, "speech").await, Value::Null);
    assert_eq!(waits.text("/status/bound/mode"), "MicrosoftManaged");

    let (_, body) = in_azure(&scenario, &names::account("speech")).await;
    let principal = body["identity"]["principalId"].as_str().unwrap();
    let message = waits.condition("Ready").unwrap().message;
    assert!(
        message.contains(&format!(
            "az role assignment create --assignee-object-id {principal}"
        )),
        "{message}"
    );
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    alice
        .let_unwrap(principal, &names::vault(names::VAULT))
        .await
        .unwrap();
    let ready = scenario.until_ready(SPEECH).await.unwrap();
    assert!(ready.says("KeyApplied", "FollowedByService"), "{ready}");
    assert_eq!(ready.text("/status/bound/mode"), "CustomerManaged");
    assert_eq!(
        writes(&scenario, "speech").await,
        [("PUT".to_owned(), 201), ("PATCH".to_owned(), 202)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_projects_goes_back_to_microsofts_key_and_one_with_them_does_not() {
    let scenario = start("account-back").await;
    let plain = account("plain").replace("  allowProjectManagement: true\n", "");
    scenario.apply(&plain).unwrap().ok().unwrap();
    scenario.apply(&example("foundry-account")).unwrap().ok().unwrap();
    scenario.until_ready("AIServicesAccount/plain").await.unwrap();
    scenario.until_ready(FOUNDRY).await.unwrap();
    let back = r#"{"spec":{"encryption":{"mode":"MicrosoftManaged","customerManagedKey":null}}}"#;
    merge(&scenario, "plain", back).ok().unwrap();
    let ready = scenario
        .until_says("AIServicesAccount/plain", "KeyApplied", "MicrosoftManagedKey")
        .await
        .unwrap();
    assert_eq!(ready.text("/status/bound/mode"), "MicrosoftManaged");
    assert_eq!(key_of(&scenario, "plain").await, Value::Null);

    let refused = merge(&scenario, "foundry", back);
    assert!(
        !refused.success && refused.stderr.contains("back to Microsoft-managed keys"),
        "{refused:?}"
    );
    let other = r#"{"spec":{"encryption":{"customerManagedKey":{"vault":"other-keys"}}}}"#;
    let refused = merge(&scenario, "foundry", other);
    assert!(
        !refused.success && refused.stderr.contains("another vault"),
        "{refused:?}"
    );
    let without = r#"{"spec":{"allowProjectManagement":false}}"#;
    let refused = merge(&scenario, "foundry", without);
    assert!(
        !refused.success && refused.stderr.contains("disallow projects"),
        "{refused:?}"
    );
    assert!(scenario.hub(FOUNDRY).await.unwrap().is_ready());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_account_leaves_its_name_free_and_a_deleted_one_holds_it() {
    let scenario = Scenario::start(settings("account-purge")).await.unwrap();
    let purged = account("foundry");
    scenario.apply(&purged).unwrap().ok().unwrap();
    scenario.until_ready(FOUNDRY).await.unwrap();
    scenario
        .run(&["delete", "aiservicesaccount", "foundry", "--wait=false"])
        .unwrap()
        .ok()
        .unwrap();
    scenario.until_gone(FOUNDRY).await.unwrap();
    let kept = format!(
        "{}/providers/Microsoft.CognitiveServices/locations/{}/resourceGroups/{}/deletedAccounts/foundry",
        names::subscription(),
        names::LOCATION,
        names::AI_GROUP
    );
    assert_eq!(in_azure(&scenario, &kept).await.0, 404);

    let deleted = purged.replace("DeleteAndPurge", "Delete");
    scenario.apply(&deleted).unwrap().ok().unwrap();
    scenario.until_ready(FOUNDRY).await.unwrap();
    scenario
        .run(&["delete", "aiservicesaccount", "foundry", "--wait=false"])
        .unwrap()
        .ok()
        .unwrap();
    scenario.until_gone(FOUNDRY).await.unwrap();
    assert_eq!(in_azure(&scenario, &kept).await.0, 200);
    scenario.apply(&deleted).unwrap().ok().unwrap();
    let told = scenario
        .until_says(FOUNDRY, "PrerequisitesMet", "NameReserved")
        .await
        .unwrap();
    let message = told.condition("PrerequisitesMet").unwrap().message;
    assert!(
        message.contains("az cognitiveservices account recover"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_field_that_somebody_changes_is_put_back_by_a_patch_of_it_alone() {
    let scenario = start("account-drift").await;
    let declared = account("drift").replace(
        "  deletionPolicy:",
        "  publicNetworkAccess: Disabled\n  deletionPolicy:",
    );
    scenario.apply(&declared).unwrap().ok().unwrap();
    scenario.until_ready("AIServicesAccount/drift").await.unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let id = names::account("drift");
    let before = alice.get(&id, ACCOUNTS).await.unwrap();
    let encryption = before["properties"]["encryption"].clone();
    let mut other_key = encryption.clone();
    other_key["keyVaultProperties"]["keyName"] = json!(names::OTHER_KEY);
    let (hub, stranger) = (
        names::identity(names::HUB_IDENTITY),
        names::identity(names::STRANGER),
    );
    let table = [
        (json!({ "tags": {} }), json!({ "tags": before["tags"] })),
        (
            json!({ "sku": { "name": "S1" } }),
            json!({ "sku": { "name": "S0" } }),
        ),
        (
            json!({ "properties": { "publicNetworkAccess": "Enabled" } }),
            json!({ "properties": { "publicNetworkAccess": "Disabled" } }),
        ),
        (
            json!({ "identity": { "type": "UserAssigned",
                "userAssignedIdentities": { hub.clone(): {}, stranger.clone(): {} } } }),
            json!({ "identity": { "type": "UserAssigned",
                "userAssignedIdentities": { hub: {}, stranger: null } } }),
        ),
        (
            json!({ "properties": { "encryption": other_key } }),
            json!({ "properties": { "encryption": encryption } }),
        ),
    ];
    for (index, (change, correction)) in table.into_iter().enumerate() {
        // Without the owner's tag it would be nobody's.
        let mut change = change;
        if let Some(tags) = change.get_mut("tags") {
            tags["keyholder-owner"] = before["tags"]["keyholder-owner"].clone();
        }
        alice.patch(&id, ACCOUNTS, &change).await.unwrap();
        until_patched(&scenario, &id, index + 1).await;
        scenario.until_ready("AIServicesAccount/drift").await.unwrap();
        let patches = until_patched(&scenario, &id, index + 1).await;
        assert_eq!(patches[index], correction);
        assert_eq!(patches.len(), index + 1);
    }
}

/// Azure failed a change of the key and left the account as failed; then the change is not wanted any more.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_a_change_left_failed_is_told_until_another_settles_it() {
    let mut settings = settings("account-left-failed");
    settings.seed = Box::new(|seed| seed.setting("failedChangeLeaves", "Failed"));
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&account("left")).unwrap().ok().unwrap();
    let left = "AIServicesAccount/left";
    let ready = scenario.until_ready(left).await.unwrap();
    let fails = json!({ "principal": names::OPERATOR, "method": "PATCH", "type": "Microsoft.CognitiveServices/accounts",
        "action": { "failOperation": { "code": "InternalServerError", "message": "the key could not be set" } } });
    scenario.azure.control().fault(&fails).await.unwrap();
    let newest = ready.text("/status/encryption/latestVersion");
    let pin =
        json!({ "spec": { "encryption": { "customerManagedKey": { "version": newest } } } }).to_string();
    merge(&scenario, "left", &pin).ok().unwrap();
    let failed = scenario
        .until_says(left, "Provisioned", "ProvisioningFailed")
        .await
        .unwrap();
    let message = failed.condition("Ready").unwrap().message;
    assert!(message.contains("the key could not be set"), "{failed}");
    assert!(failed.condition("Stalled").is_none(), "{failed}");

    let free = json!({ "spec": { "encryption": { "customerManagedKey": { "version": null } } } }).to_string();
    merge(&scenario, "left", &free).ok().unwrap();
    let stalled = scenario
        .until_says(left, "Stalled", "ProvisioningFailed")
        .await
        .unwrap();
    let message = stalled.condition("Ready").unwrap().message;
    let id = names::account("left");
    assert!(
        message.contains(&format!(
            "az resource tag --ids {id} --is-incremental --tags keyholder-owner="
        )),
        "{message}"
    );
    let before = until_patched(&scenario, &id, 1).await.len();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let tags = alice.get(&id, ACCOUNTS).await.unwrap()["tags"].clone();
    alice
        .patch(&id, ACCOUNTS, &json!({ "tags": tags }))
        .await
        .unwrap();
    let ready = scenario.until_ready(left).await.unwrap();
    assert!(ready.says("KeyApplied", "FollowedByService"), "{ready}");
    assert_eq!(until_patched(&scenario, &id, 1).await.len(), before);
}
