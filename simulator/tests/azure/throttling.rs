//! How much one principal may ask of one subscription.

use serde_json::json;

use crate::common::{Azure, BARE, GROUP, TENANT, plain_hub, vault, workspace};

const READS: &str = "x-ms-ratelimit-remaining-subscription-reads";
const WRITES: &str = "x-ms-ratelimit-remaining-subscription-writes";
const DELETES: &str = "x-ms-ratelimit-remaining-subscription-deletes";

#[tokio::test]
async fn every_answer_tells_what_is_left() {
    // Azure's own numbers.
    let azure = Azure::with(&json!({ "limits": {} })).await;
    assert_eq!(azure.get(GROUP).await.header(READS), "249");
    assert_eq!(
        azure
            .put(&workspace("hub"), &plain_hub())
            .await
            .expect(202)
            .header(WRITES),
        "199"
    );
    assert_eq!(azure.delete(&workspace("none")).await.header(DELETES), "199");
    let missing = azure.get(&workspace("none")).await.expect(404);
    let left: u32 = missing.header(READS).parse().unwrap();
    assert!((248..250).contains(&left), "{left}");
    assert_eq!(missing.header(WRITES), "");
}

#[tokio::test]
async fn an_empty_bucket_refuses_and_says_when_to_come_back() {
    let limits = json!({ "limits": { "reads": 2, "readsPerSecond": 0.1, "writes": 200 } });
    let azure = Azure::with(&limits).await;
    assert_eq!(azure.get(GROUP).await.expect(200).header(READS), "1");
    assert_eq!(azure.get(GROUP).await.expect(200).header(READS), "0");
    let refused = azure
        .get(GROUP)
        .await
        .refused(429, "SubscriptionRequestsThrottled", "'read' requests");
    assert_eq!(refused.header("retry-after"), "10");
    assert_eq!(refused.header(READS), "0");
    // Another kind of request, another principal and another subscription have their own.
    azure.put(&workspace("hub"), &plain_hub()).await.expect(202);
    azure.send("reader", "GET", GROUP, None).await.expect(200);
    azure.get(&format!("{BARE}/resourceGroups")).await.expect(200);
    // What is refused is not done.
    let fewer =
        json!({ "limits": { "reads": 250, "readsPerSecond": 1e6, "writes": 1, "writesPerSecond": 0 } });
    azure.settings(&fewer).await;
    azure.put(&vault("new"), &json!({})).await.expect(400);
    let body = json!({ "location": "westeurope", "properties": { "tenantId": TENANT, "sku": { "family": "A", "name": "standard" } } });
    let refused = azure.put(&vault("new"), &body).await.expect(429);
    assert_eq!(refused.header("retry-after"), "3600");
    azure.get(&vault("new")).await.expect(404);
}

#[tokio::test]
async fn tokens_come_back() {
    let azure = Azure::with(&json!({ "limits": { "reads": 1, "readsPerSecond": 1_000_000 } })).await;
    for _ in 0..5 {
        azure.get(GROUP).await.expect(200);
    }
}

#[tokio::test]
async fn a_size_of_nothing_limits_nothing() {
    let azure = Azure::with(&json!({ "limits": { "reads": 0, "readsPerSecond": 0 } })).await;
    for _ in 0..5 {
        assert_eq!(azure.get(GROUP).await.expect(200).header(READS), "");
    }
}
