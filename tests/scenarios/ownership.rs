//! "Never adopt or overwrite what is not mine."

use serde_json::json;
use testbed::Scenario;
use testbed::azure::names;

use crate::common::{ACCOUNTS, WORKSPACES, account, hub, in_azure, operator_log, settings, start, writes};
use crate::kind::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_of_somebody_else_is_left_alone() {
    let scenario = start("owner-other").await;
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let body = json!({
        "kind": "Hub",
        "location": names::LOCATION,
        "identity": { "type": "SystemAssigned" },
        "tags": { "keyholder-owner": "another/installation/research" },
        "properties": { "friendlyName": "not yours" },
    });
    alice
        .put(&names::hub("research"), WORKSPACES, &body)
        .await
        .unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "Provisioned", "NotOwned")
        .await
        .unwrap();
    assert!(told.is("Stalled", "True"), "{told}");
    scenario
        .run(&["delete", "aihub", "research", "--timeout=30s"])
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(in_azure(&scenario, "research").await.0, 200);
    assert!(writes(&scenario, "research").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_objects_for_one_hub_the_older_keeps_it() {
    let scenario = start("owner-twins").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let twin = hub("twin").replace(
        "  location: westeurope",
        "  location: westeurope\n  azureName: research",
    );
    scenario.apply(&twin).unwrap().ok().unwrap();
    let told = scenario
        .until_says("twin", "Provisioned", "NotOwned")
        .await
        .unwrap();
    let message = told.condition("Provisioned").unwrap().message;
    let owner = format!("object research in namespace {} of", scenario.namespace);
    assert!(message.contains(&owner), "{message}");
    scenario
        .run(&["delete", "aihub", "twin", "--timeout=30s"])
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(in_azure(&scenario, "research").await.0, 200);
    assert_eq!(writes(&scenario, "research").await, [("PUT".to_owned(), 202)]);
}

/// An account of the subscription's owner, with the key of the examples.
async fn made_by_alice(scenario: &Scenario, key: &str) {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let identity = names::identity(names::HUB_IDENTITY);
    let client = alice.get(&identity, "2024-11-30").await.unwrap()["properties"]["clientId"].clone();
    let vault = alice
        .get(&names::vault(names::VAULT), "2026-02-01")
        .await
        .unwrap();
    let body = json!({
        "kind": "SpeechServices", "location": names::LOCATION, "sku": { "name": "S0" },
        "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity: {} } },
        "tags": { "team": "speech" },
        "properties": { "encryption": { "keySource": "Microsoft.KeyVault", "keyVaultProperties": {
            "keyVaultUri": vault["properties"]["vaultUri"], "keyName": key, "keyVersion": "", "identityClientId": client,
        } } },
    });
    alice
        .put(&names::account("found"), ACCOUNTS, &body)
        .await
        .unwrap();
}

fn found() -> String {
    account("found")
        .replace("accountKind: AIServices", "accountKind: SpeechServices")
        .replace("  customSubDomainName: found-westeurope\n", "")
        .replace("  allowProjectManagement: true\n", "")
}

async fn operator_writes(scenario: &Scenario) -> Vec<(String, serde_json::Value)> {
    let id = names::account("found").to_lowercase();
    let mut log = operator_log(scenario).await;
    log.retain(|one| one.is_write() && one.path().to_lowercase() == id);
    log.into_iter().map(|one| (one.method, one.request)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_an_owner_is_taken_over_once_its_key_is_the_declared_one() {
    let scenario = start("owner-adopts").await;
    made_by_alice(&scenario, names::OTHER_KEY).await;
    scenario.apply(&found()).unwrap().ok().unwrap();
    const FOUND: &str = "AIServicesAccount/found";
    scenario
        .until_says(FOUND, "Provisioned", "NotOwned")
        .await
        .unwrap();
    let merge = |patch: &str| {
        let patch = ["patch", FOUND, "--type=merge", "--patch", patch];
        scenario.run(&patch).unwrap().ok().unwrap();
    };
    merge(r#"{"spec":{"adoptionPolicy":"Adopt"}}"#);
    let refused = scenario
        .until_says(FOUND, "Provisioned", "AdoptionRefused")
        .await
        .unwrap();
    let message = refused.condition("Provisioned").unwrap().message;
    assert!(message.contains(names::OTHER_KEY), "{message}");
    assert!(operator_writes(&scenario).await.is_empty());

    // Declared as it is it is taken over, and the key is changed afterwards.
    let key = |name: &str| {
        json!({ "spec": { "encryption": { "customerManagedKey": { "key": name } } } }).to_string()
    };
    merge(&key(names::OTHER_KEY));
    scenario.until_ready(FOUND).await.unwrap();
    let tags = json!({ "keyholder-owner": "testbed/owner-adopts/found", "team": "speech" });
    let writes = operator_writes(&scenario).await;
    assert_eq!(writes[0], ("PATCH".to_owned(), json!({ "tags": tags })));
    merge(&key(names::KEY));
    let ready = scenario
        .until(FOUND, "Ready with the other key", |one| {
            one.is_ready() && one.text("/status/encryption/keyIdentifier").ends_with(names::KEY)
        })
        .await
        .unwrap();
    assert!(ready.says("KeyApplied", "FollowedByService"), "{ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_observed_or_suspended_is_not_written() {
    let scenario = start("owner-observes").await;
    made_by_alice(&scenario, names::KEY).await;
    let observing = found().replace(
        "  deletionPolicy:",
        "  managementPolicy: ObserveOnly\n  deletionPolicy:",
    );
    scenario.apply(&observing).unwrap().ok().unwrap();
    let told = scenario
        .until_says("AIServicesAccount/found", "Provisioned", "ObservedOnly")
        .await
        .unwrap();
    assert!(told.says("KeyApplied", "FollowedByService"), "{told}");
    let tags = r#"{"spec":{"tags":{"team":"speech"}}}"#;
    let patch = [
        "patch",
        "AIServicesAccount/found",
        "--type=merge",
        "--patch",
        tags,
    ];
    scenario.run(&patch).unwrap().ok().unwrap();
    scenario.until_ready("AIServicesAccount/found").await.unwrap();
    let delete = ["delete", "AIServicesAccount/found", "--timeout=30s"];
    scenario.run(&delete).unwrap().ok().unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    alice.get(&names::account("found"), ACCOUNTS).await.unwrap();
    assert!(operator_writes(&scenario).await.is_empty());

    let suspended = hub("research").replace("  deletionPolicy:", "  suspend: true\n  deletionPolicy:");
    scenario.apply(&suspended).unwrap().ok().unwrap();
    scenario
        .until_says("research", "Provisioned", "Suspended")
        .await
        .unwrap();
    assert!(writes(&scenario, "research").await.is_empty());
    crate::common::merge(&scenario, "research", r#"{"spec":{"suspend":false}}"#);
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_taken_over_or_only_looked_at() {
    let mut settings = settings("owner-projects");
    settings.seed = Box::new(|seed| {
        Kind::AccountProject.seed(seed);
        let body = json!({
            "location": names::LOCATION, "identity": { "type": "SystemAssigned" }, "tags": { "team": "churn" },
            "properties": { "displayName": "Alice's" },
        });
        for name in ["found", "seen"] {
            seed.add(
                "projects",
                json!({ "id": Kind::AccountProject.id(name), "body": body }),
            );
        }
    });
    let scenario = Scenario::start(settings).await.unwrap();
    let manifest = |name: &str, policy: &str| {
        let project = Kind::AccountProject.manifest(name);
        assert!(project.contains("  deletionPolicy:"), "{project}");
        project.replace("  deletionPolicy:", &format!("  {policy}\n  deletionPolicy:"))
    };
    let sent_to = async |name: &str| -> Vec<(String, serde_json::Value)> {
        let id = Kind::AccountProject.id(name).to_lowercase();
        let mut log = operator_log(&scenario).await;
        log.retain(|one| one.is_write() && one.path().to_lowercase() == id);
        log.into_iter().map(|one| (one.method, one.request)).collect()
    };

    const FOUND: &str = "AIProject/found";
    scenario
        .apply(&manifest("found", "adoptionPolicy: Never"))
        .unwrap()
        .ok()
        .unwrap();
    scenario
        .until_says(FOUND, "Provisioned", "NotOwned")
        .await
        .unwrap();
    assert!(sent_to("found").await.is_empty());
    scenario
        .apply(&manifest("found", "adoptionPolicy: Adopt"))
        .unwrap()
        .ok()
        .unwrap();
    scenario.until_ready(FOUND).await.unwrap();
    let tags = json!({ "keyholder-owner": "testbed/owner-projects/found", "team": "churn" });
    let sent = sent_to("found").await;
    assert_eq!(sent[0], ("PATCH".to_owned(), json!({ "tags": tags })));
    // What else is declared comes after the mark.
    let [_, (method, change)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(
        (method.as_str(), &change["properties"]["displayName"]),
        ("PATCH", &json!("found"))
    );

    const SEEN: &str = "AIProject/seen";
    scenario
        .apply(&manifest("seen", "managementPolicy: ObserveOnly"))
        .unwrap()
        .ok()
        .unwrap();
    let told = scenario
        .until_says(SEEN, "Provisioned", "ObservedOnly")
        .await
        .unwrap();
    let message = told.condition("Provisioned").unwrap().message;
    assert!(message.contains("displayName"), "{message}");
    let delete = ["delete", SEEN, "--timeout=30s"];
    scenario.run(&delete).unwrap().ok().unwrap();
    let (status, _) = Kind::AccountProject.in_azure(&scenario, "seen").await;
    assert_eq!(status, 200);
    assert!(sent_to("seen").await.is_empty());
}
