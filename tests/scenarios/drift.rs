//! "What somebody changes behind me is put back, however often."

use serde_json::json;
use testbed::azure::names;

use crate::common::{WORKSPACES, hub, start, until_patched};

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
