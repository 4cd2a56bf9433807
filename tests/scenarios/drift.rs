//! "What somebody changes behind me is put back, however often."

use serde_json::json;
use testbed::azure::names;

use crate::common::{ACCOUNTS, WORKSPACES, account, hub, start, until_patched};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_change_made_again_before_the_next_sweep_is_put_back_again() {
    let scenario = start("drift-again").await;
    let manifest = hub("research").replace("spec:\n", "spec:\n  publicNetworkAccess: Disabled\n");
    scenario.apply(&manifest).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let open = json!({ "properties": { "publicNetworkAccess": "Enabled" } });
    let id = names::hub("research");
    for time in 1..=3 {
        alice.patch(&id, WORKSPACES, &open).await.unwrap();
        let sent = until_patched(&scenario, &id, time).await;
        assert_eq!(
            sent[time - 1],
            json!({ "properties": { "publicNetworkAccess": "Disabled" } })
        );
        scenario
            .until("research", "settled", |hub| {
                hub.is_ready() && hub.at("/status/operation").is_null()
            })
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_identity_that_unwraps_is_given_back_to_an_account() {
    let scenario = start("drift-identity").await;
    scenario.apply(&account("foundry")).unwrap().ok().unwrap();
    scenario.until_ready("AIServicesAccount/foundry").await.unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let id = names::account("foundry");
    let other = json!({ "identity": { "type": "SystemAssigned", "userAssignedIdentities": { names::identity(names::HUB_IDENTITY): null } } });
    alice.patch(&id, ACCOUNTS, &other).await.unwrap();
    let sent = until_patched(&scenario, &id, 1).await;
    assert!(
        sent[0].pointer("/identity/userAssignedIdentities").is_some(),
        "{sent:?}"
    );
    let settled = scenario
        .until("AIServicesAccount/foundry", "settled", |one| {
            one.is_ready() && one.at("/status/operation").is_null()
        })
        .await
        .unwrap();
    assert!(settled.says("KeyHealthy", "KeyUsable"), "{settled}");
}
