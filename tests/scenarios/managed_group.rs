//! "Watch the resource group that Microsoft manages."

use testbed::azure::names;

use crate::common::{hub, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_went_is_told_and_its_return_too() {
    let scenario = start("group-damaged").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    let group = ready.text("/status/managedResourceGroup/name").to_owned();
    let search = resource(&ready, "Microsoft.Search/searchServices", &group);

    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let refused = alice
        .send(reqwest::Method::DELETE, &search, "2025-05-01", None)
        .await
        .unwrap();
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body["error"]["code"], "DenyAssignmentAuthorizationFailed");

    let microsoft = scenario.azure.sign_in(names::MICROSOFT).await.unwrap();
    let body = microsoft.get(&search, "2025-05-01").await.unwrap();
    microsoft.delete(&search, "2025-05-01").await.unwrap();
    let told = scenario
        .until_says("research", "ManagedResourceGroupHealthy", "ResourceMissing")
        .await
        .unwrap();
    assert!(told.is("Ready", "False") && told.is("Stalled", "True"), "{told}");
    microsoft.put(&search, "2025-05-01", &body).await.unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_went_is_told() {
    let scenario = start("group-gone").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    let group = ready.text("/status/managedResourceGroup/name").to_owned();
    let microsoft = scenario.azure.sign_in(names::MICROSOFT).await.unwrap();
    microsoft
        .delete(&names::group(&group), "2025-04-01")
        .await
        .unwrap();
    let told = scenario
        .until_says("research", "ManagedResourceGroupHealthy", "Missing")
        .await
        .unwrap();
    assert!(told.is("Ready", "False"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn something_foreign_in_it_is_a_warning_and_no_more() {
    let scenario = start("group-foreign").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    let group = ready.text("/status/managedResourceGroup/name").to_owned();
    let microsoft = scenario.azure.sign_in(names::MICROSOFT).await.unwrap();
    let foreign = names::resource(
        &group,
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "stray",
    );
    let body = serde_json::json!({ "location": names::LOCATION });
    microsoft.put(&foreign, "2024-11-30", &body).await.unwrap();
    let told = scenario
        .until_says("research", "ManagedResourceGroupHealthy", "ForeignResource")
        .await
        .unwrap();
    assert!(
        told.is("ManagedResourceGroupHealthy", "True") && told.is("Ready", "True"),
        "{told}"
    );
}

fn resource(hub: &testbed::Object, kind: &str, group: &str) -> String {
    let resources = hub
        .at("/status/managedResourceGroup/resources")
        .as_array()
        .unwrap();
    let found = resources.iter().find(|one| one["type"] == kind).unwrap();
    names::resource(group, kind, found["name"].as_str().unwrap())
}
