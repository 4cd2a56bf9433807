//! "Give what my hub works with the hub's own key, and tell me what hinders it."

use serde_json::{Value, json};
use testbed::azure::names;
use testbed::{Object, Scenario};

use crate::common::{
    ACCOUNTS, account, example, hub, key_in_azure, merge, operator_log, settings, start, until_patched,
};

mod trouble;

const STORAGE: &str = "2026-04-01";
const SEARCH: &str = "2025-05-01";
const COSMOS: &str = "2026-03-15";
const MARK: &str = "/tags/keyholder-encryption";

fn dependent(kind: &str, name: &str) -> String {
    names::resource(names::AI_GROUP, kind, name)
}

fn storage() -> String {
    dependent("Microsoft.Storage/storageAccounts", "aihubdata")
}

fn enforcing() -> String {
    example("dependents-enforced").replace("deletionPolicy: Retain", "deletionPolicy: DeleteAndPurge")
}

/// A resource as the subscription's owner sees it.
async fn seen(scenario: &Scenario, id: &str, version: &str) -> Value {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    alice.get(id, version).await.unwrap()
}

fn text<'a>(body: &'a Value, pointer: &str) -> &'a str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn message(hub: &Object) -> String {
    hub.condition("DependentsEncrypted").unwrap().message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_account_gets_the_hubs_key_once_and_again_when_it_is_taken_away() {
    let scenario = start("enforce").await;
    scenario.apply(&enforcing()).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    assert!(ready.says("DependentsEncrypted", "AllEncrypted"), "{ready}");
    assert_eq!(ready.text("/status/dependents/0/encryption"), "CustomerManaged");
    let account = seen(&scenario, &storage(), STORAGE).await;
    let key = "/properties/encryption/keyvaultproperties";
    assert_eq!(text(&account, &format!("{key}/keyname")), names::KEY);
    assert_eq!(text(&account, &format!("{key}/keyversion")), "");
    assert!(
        text(&account, &format!("{key}/currentVersionedKeyIdentifier")).starts_with(
            key_in_azure(&scenario, "research")
                .await
                .rsplit_once('/')
                .unwrap()
                .0
        )
    );
    assert!(text(&account, MARK).ends_with("/research/AIHub"), "{account}");
    until_patched(&scenario, &storage(), 1).await;

    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let back = json!({ "properties": { "encryption": { "keySource": "Microsoft.Storage" } } });
    alice.patch(&storage(), STORAGE, &back).await.unwrap();
    let again = until_patched(&scenario, &storage(), 2).await.pop().unwrap();
    let fields: Vec<&String> = again.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["properties"]);
    let ready = scenario.until_ready("research").await.unwrap();
    assert!(ready.says("DependentsEncrypted", "AllEncrypted"), "{ready}");

    // It follows the hub to another key of the vault.
    let other = json!({ "spec": { "encryption": { "customerManagedKey": { "key": names::OTHER_KEY } } } });
    merge(&scenario, "research", &other.to_string());
    until_patched(&scenario, &storage(), 3).await;
    let ready = scenario.until_ready("research").await.unwrap();
    assert!(
        ready
            .text("/status/dependents/0/keyIdentifier")
            .contains(names::OTHER_KEY),
        "{ready}"
    );
    scenario
        .run(&["delete", "aihub", "research", "--wait=true"])
        .unwrap()
        .ok()
        .unwrap();
    let account = seen(&scenario, &storage(), STORAGE).await;
    assert_eq!(text(&account, &format!("{key}/keyname")), names::OTHER_KEY);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_carries_no_mark_or_anothers_is_left_alone_until_somebody_marks_it() {
    let scenario = start("enforce-marks").await;
    scenario
        .apply(&enforcing().replace("      adoptionPolicy: Adopt", "      adoptionPolicy: Never"))
        .unwrap()
        .ok()
        .unwrap();
    let refused = scenario
        .until_says("research", "DependentsEncrypted", "NotOwned")
        .await
        .unwrap();
    assert!(
        refused.is("Stalled", "True") && refused.says("Ready", "NotOwned"),
        "{refused}"
    );
    let cure = message(&refused);
    let mark = cure
        .split("--tags keyholder-encryption=")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let tag = |value: &str| json!({ "tags": { "keyholder-encryption": value } });
    alice
        .patch(&storage(), STORAGE, &tag("theirs/ml-platform/research/AIHub"))
        .await
        .unwrap();
    let adopting = json!({ "spec": { "dependents": [{
        "resource": "aihubdata", "type": "Microsoft.Storage/storageAccounts", "policy": "Enforce", "adoptionPolicy": "Adopt",
    }] } });
    merge(&scenario, "research", &adopting.to_string());
    scenario
        .until("research", "told of the other mark", |hub| {
            hub.says("DependentsEncrypted", "NotOwned") && message(hub).contains("theirs/ml-platform")
        })
        .await
        .unwrap();
    let wrote = |one: &testbed::azure::Exchange| one.is_write() && one.path().ends_with("aihubdata");
    assert_eq!(
        operator_log(&scenario)
            .await
            .iter()
            .filter(|one| wrote(one))
            .count(),
        0
    );

    alice.patch(&storage(), STORAGE, &tag(mark)).await.unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    assert!(ready.says("DependentsEncrypted", "AllEncrypted"), "{ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_objects_of_one_name_do_not_both_encrypt_it() {
    let scenario = start("enforce-two").await;
    scenario.apply(&enforcing()).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let second = account("research").replace(
        "spec:\n",
        "spec:\n  dependents:\n    - resource: aihubdata\n      type: Microsoft.Storage/storageAccounts\n      policy: Enforce\n      \
         adoptionPolicy: Adopt\n",
    ).replace(&format!("key: {}", names::KEY), &format!("key: {}", names::OTHER_KEY));
    scenario.apply(&second).unwrap().ok().unwrap();
    let refused = scenario
        .until("AIServicesAccount/research", "NotOwned", |one| {
            one.says("DependentsEncrypted", "NotOwned")
        })
        .await
        .unwrap();
    assert!(
        message(&refused).contains("/research/AIHub encrypts it"),
        "{refused}"
    );
    let account = seen(&scenario, &storage(), STORAGE).await;
    assert_eq!(
        text(&account, "/properties/encryption/keyvaultproperties/keyname"),
        names::KEY
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_it_is_told_which_one_and_goes_on_once_it_is_there() {
    let mut settings = settings("enforce-right");
    settings.seed =
        Box::new(|seed| seed.remove("roleAssignments", |one| one["role"] == "Keyholder Encryptor"));
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&enforcing()).unwrap().ok().unwrap();
    let refused = scenario
        .until_says("research", "DependentsEncrypted", "OperatorNotAuthorized")
        .await
        .unwrap();
    assert!(refused.is("Provisioned", "True"), "{refused}");
    assert!(
        message(&refused).contains("Microsoft.Storage/storageAccounts/write"),
        "{refused}"
    );
    let seed = json!({ "roleAssignments": [
        { "principal": names::OPERATOR, "role": "Keyholder Encryptor", "scope": storage() },
    ] });
    scenario.azure.control().seed(&seed.to_string()).await.unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn search_cosmos_db_and_accounts_are_encrypted_each_in_its_way() {
    let (search, cosmos, services) = (
        dependent("Microsoft.Search/searchServices", "find"),
        dependent("Microsoft.DocumentDB/databaseAccounts", "documents"),
        dependent("Microsoft.CognitiveServices/accounts", "speech"),
    );
    let mut settings = settings("enforce-types");
    let ids = [search.clone(), cosmos.clone(), services.clone()];
    settings.seed = Box::new(move |seed| {
        let [search, cosmos, services] = ids;
        let sku = json!({ "location": names::LOCATION, "sku": { "name": "basic" } });
        seed.add("searchServices", json!({ "id": search, "body": sku }));
        let body = json!({ "location": names::LOCATION, "properties": {
            "databaseAccountOfferType": "Standard", "locations": [{ "locationName": names::LOCATION }],
        } });
        seed.add("databaseAccounts", json!({ "id": cosmos, "body": body }));
        let body = json!({ "location": names::LOCATION, "kind": "SpeechServices", "sku": { "name": "S0" }, "properties": {} });
        seed.add("accounts", json!({ "id": services, "body": body }));
    });
    let scenario = Scenario::start(settings).await.unwrap();
    let entry = |name: &str, kind: &str, more: &str| {
        format!(
            "    - resource: {name}\n      type: {kind}\n      policy: Enforce\n      adoptionPolicy: Adopt\n{more}"
        )
    };
    let of = |more: &str| {
        hub("research").replace(
            "spec:\n",
            &format!(
                "spec:\n  dependents:\n{}{}{}",
                entry("find", "Microsoft.Search/searchServices", ""),
                entry("documents", "Microsoft.DocumentDB/databaseAccounts", more),
                entry("speech", "Microsoft.CognitiveServices/accounts", ""),
            ),
        )
    };
    let refused = scenario.apply(&of("")).unwrap();
    assert!(
        refused.stderr.contains("never returns to Microsoft's"),
        "{refused:?}"
    );
    scenario
        .apply(&of("      allowIrreversible: true\n"))
        .unwrap()
        .ok()
        .unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    assert!(ready.says("DependentsEncrypted", "AllEncrypted"), "{ready}");

    let found = seen(&scenario, &search, SEARCH).await;
    assert_eq!(
        text(&found, "/properties/encryptionWithCmk/enforcement"),
        "Enabled"
    );
    let documents = seen(&scenario, &cosmos, COSMOS).await;
    assert!(
        text(&documents, "/properties/keyVaultKeyUri").ends_with(&format!("/keys/{}", names::KEY)),
        "{documents}"
    );
    assert!(
        text(&documents, "/properties/defaultIdentity").starts_with("UserAssignedIdentity="),
        "{documents}"
    );
    let speech = seen(&scenario, &services, ACCOUNTS).await;
    assert_eq!(
        text(&speech, "/properties/encryption/keyVaultProperties/keyName"),
        names::KEY
    );
    for (id, body) in [(&search, &found), (&cosmos, &documents), (&services, &speech)] {
        assert!(text(body, MARK).ends_with("/research/AIHub"), "{body}");
        assert_eq!(until_patched(&scenario, id, 1).await.len(), 1);
    }
}
