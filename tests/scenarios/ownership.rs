//! "Never adopt or overwrite what is not mine."

use serde_json::json;
use testbed::azure::names;

use crate::common::{WORKSPACES, hub, in_azure, start, writes};

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
    scenario
        .until_says("twin", "Provisioned", "NotOwned")
        .await
        .unwrap();
    scenario
        .run(&["delete", "aihub", "twin", "--timeout=30s"])
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(in_azure(&scenario, "research").await.0, 200);
    assert_eq!(writes(&scenario, "research").await, [("PUT".to_owned(), 202)]);
}
