//! "Never lose my data because a file left a Git repository."

use crate::common::{WORKSPACES, hub, in_azure, start, writes};
use testbed::azure::names;

const GROUP: &str = "2025-04-01";

#[tokio::test(flavor = "multi_thread")]
async fn retain_leaves_the_hub_in_azure() {
    let scenario = start("delete-retain").await;
    scenario
        .apply(&hub("research").replace("DeleteAndPurge", "Retain"))
        .unwrap()
        .ok()
        .unwrap();
    scenario.until_ready("research").await.unwrap();
    scenario
        .run(&["delete", "aihub", "research"])
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(in_azure(&scenario, "research").await.0, 200);
    assert_eq!(writes(&scenario, "research").await, [("PUT".to_owned(), 202)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_keeps_what_soft_delete_keeps_and_says_so() {
    let scenario = start("delete-soft").await;
    scenario
        .apply(&hub("research").replace("DeleteAndPurge", "Delete"))
        .unwrap()
        .ok()
        .unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    let group = ready.text("/status/managedResourceGroup/name").to_owned();
    scenario
        .run(&["delete", "aihub", "research"])
        .unwrap()
        .ok()
        .unwrap();

    assert_eq!(in_azure(&scenario, "research").await.0, 404);
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    alice.get(&names::group(&group), GROUP).await.unwrap();
    let events = scenario
        .run(&["get", "events", "--output=json"])
        .unwrap()
        .ok()
        .unwrap();
    assert!(events.contains("Deleted") && events.contains(&group), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_and_purge_leaves_nothing() {
    let scenario = start("delete-purge").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    let group = ready.text("/status/managedResourceGroup/name").to_owned();
    scenario
        .run(&["delete", "aihub", "research"])
        .unwrap()
        .ok()
        .unwrap();

    assert_eq!(in_azure(&scenario, "research").await.0, 404);
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let gone = alice
        .send(reqwest::Method::GET, &names::group(&group), GROUP, None)
        .await
        .unwrap();
    assert_eq!(gone.status, 404, "{}", gone.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_hub_was_never_created_goes_at_once() {
    let scenario = start("delete-never").await;
    let manifest = crate::common::example("vault-without-purge-protection");
    scenario.apply(&manifest).unwrap().ok().unwrap();
    scenario
        .until_says("unprotected", "PrerequisitesMet", "PurgeProtectionDisabled")
        .await
        .unwrap();
    scenario
        .run(&["delete", "aihub", "unprotected", "--timeout=30s"])
        .unwrap()
        .ok()
        .unwrap();
    assert!(writes(&scenario, "unprotected").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_deleted_in_azure_gets_no_empty_successor() {
    let scenario = start("delete-elsewhere").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    alice
        .delete(
            &format!("{}?forceToPurge=true", names::hub("research")),
            WORKSPACES,
        )
        .await
        .unwrap();
    let told = scenario
        .until_says("research", "Provisioned", "DeletedInAzure")
        .await
        .unwrap();
    assert!(told.is("Stalled", "True") && told.is("Ready", "False"), "{told}");
    // Several looks later there is still no second creation.
    scenario.azure.control().reset_counters().await.unwrap();
    scenario.until_asked(&names::hub("research"), 3).await.unwrap();
    assert_eq!(writes(&scenario, "research").await, [("PUT".to_owned(), 202)]);
    scenario
        .run(&["delete", "aihub", "research", "--timeout=30s"])
        .unwrap()
        .ok()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_spec_does_not_hold_a_deletion() {
    let scenario = start("delete-invalid").await;
    let manifest = hub("research").replace(
        "  location: westeurope",
        "  location: westeurope\n  azureName: login-hub",
    );
    scenario.apply(&manifest).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "Ready", "InvalidSpec")
        .await
        .unwrap();
    assert!(
        told.condition("Ready")
            .unwrap()
            .message
            .contains("spec.azureName"),
        "{told}"
    );
    scenario
        .run(&["delete", "aihub", "research", "--timeout=30s"])
        .unwrap()
        .ok()
        .unwrap();
    assert!(writes(&scenario, "research").await.is_empty());
}

/// The name of a hub that Azure keeps is taken: told as such, with what frees it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_a_deleted_hub_holds_is_told_and_freed_by_its_purge() {
    let scenario = start("delete-again").await;
    let manifest = hub("research").replace("DeleteAndPurge", "Delete");
    scenario.apply(&manifest).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    scenario
        .run(&["delete", "aihub", "research"])
        .unwrap()
        .ok()
        .unwrap();
    scenario.apply(&manifest).unwrap().ok().unwrap();
    let told = scenario
        .until("research", "told that its name is taken", |hub| {
            hub.says("Provisioned", "NameReserved") && hub.is("Stalled", "True")
        })
        .await
        .unwrap();
    let message = told.condition("Provisioned").unwrap().message;
    let uri = message
        .split_once("az rest --method delete --uri \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(uri, _)| uri.to_owned())
        .unwrap();
    // Nothing is bound by a creation that was refused: another name may be chosen.
    scenario
        .until("research", "free to be changed", |hub| {
            hub.at("/status/bound").is_null()
        })
        .await
        .unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let (path, _) = uri.split_once('?').unwrap();
    let purge = format!("{path}?forceToPurge=true");
    alice.delete(&purge, WORKSPACES).await.unwrap();
    scenario.until_ready("research").await.unwrap();
}
