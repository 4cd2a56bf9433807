//! Quotas: what ARM tells of them, and how their excess fails a creation.

use serde_json::{Value, json};

use crate::common::{Azure, SUBSCRIPTION, assert_has, hub, workspace};

const ID: &str = "11111111-0000-0000-0000-000000000001";

fn usages(namespace: &str, version: &str) -> String {
    format!("{SUBSCRIPTION}/providers/{namespace}/locations/westeurope/usages?api-version={version}")
}

async fn limit(azure: &Azure, kind: &str, limit: u64) {
    let quota = json!({ "subscription": ID, "location": "westeurope", "type": kind, "limit": limit });
    let seed = json!({ "quotas": [quota] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
}

/// The error of a creation that fails.
async fn failed(azure: &Azure, name: &str) -> Value {
    let accepted = azure.put(&workspace(name), &hub("main", "one")).await;
    let end = azure.finish(&accepted).await;
    assert_eq!(end["status"], "Failed", "{end}");
    end
}

#[tokio::test]
async fn usages_count_what_is_there() {
    let azure = Azure::start().await;
    let search = usages("Microsoft.Search", "2025-05-01");
    let storage = usages("Microsoft.Storage", "2026-04-01");
    let standard = |answer: &crate::common::Answer| {
        answer
            .at("/value")
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["name"]["value"] == "standard")
            .unwrap()
            .clone()
    };
    let before = standard(&azure.get(&search).await.expect(200));
    assert_eq!(
        (&before["currentValue"], &before["limit"]),
        (&json!(0), &json!(16))
    );
    assert_eq!(before["unit"], "Count");
    assert_has(
        before["id"].as_str().unwrap(),
        "locations/westeurope/usages/standard",
    );
    azure.create("hub", &hub("main", "one")).await;
    assert_eq!(standard(&azure.get(&search).await)["currentValue"], 1);
    let accounts = azure.get(&storage).await.expect(200);
    assert_eq!(
        accounts.at("/value/0"),
        &json!({ "unit": "Count", "currentValue": 2, "limit": 250,
            "name": { "value": "StorageAccounts", "localizedValue": "Storage Accounts" } })
    );
    limit(&azure, "Microsoft.Search/searchServices", 1).await;
    limit(&azure, "Microsoft.MachineLearningServices", 100).await;
    assert_eq!(standard(&azure.get(&search).await)["limit"], 1);
    let machines = azure
        .get(&usages("Microsoft.MachineLearningServices", "2026-05-01"))
        .await
        .expect(200);
    assert_eq!(machines.at("/value/0/limit"), 100);
    azure.send("stranger", "GET", &search, None).await.refused(
        403,
        "AuthorizationFailed",
        "Microsoft.Search/locations/usages/read",
    );
    azure.send("reader", "GET", &search, None).await.expect(200);
    azure.send("owner", "POST", &search, None).await.expect(405);
    let elsewhere = search.replace("000000000001", "000000000002");
    azure
        .get(&elsewhere)
        .await
        .refused(409, "MissingSubscriptionRegistration", "Microsoft.Search");
}

#[tokio::test]
async fn each_envelope_has_the_error_in_it() {
    let azure = Azure::start().await;
    limit(&azure, "Microsoft.Search/searchServices", 0).await;
    for (envelope, pointer, code) in [
        ("Plain", "/error", "ServiceQuotaExceeded"),
        ("Flat", "", "ServiceQuotaExceeded"),
        ("Details", "/error/details/0", "ServiceQuotaExceeded"),
        ("Deployment", "/error/details/0/details/0", "Conflict"),
        ("Text", "/error", "BadRequest"),
    ] {
        azure.settings(&json!({ "quotaEnvelope": envelope })).await;
        let end = failed(&azure, &format!("hub-{envelope}")).await;
        let error = end.pointer(pointer).unwrap();
        assert_eq!(error["code"], code, "{envelope}: {end}");
        assert_has(error["message"].as_str().unwrap(), "service quota");
        assert_eq!(end["error"].is_null(), envelope == "Flat");
    }
    limit(&azure, "Microsoft.Search/searchServices", 1).await;
    azure.create("hub", &hub("main", "one")).await;
}

#[tokio::test]
async fn the_tier_decides_which_quota_counts() {
    let azure = Azure::with(&json!({ "managedSearchTier": "Basic", "quotaEnvelope": "Plain" })).await;
    let quota = json!({ "subscription": ID, "location": "westeurope", "type": "Microsoft.Search/searchServices",
        "name": "standard", "limit": 0 });
    azure
        .control("POST", "/seed", Some(&json!({ "quotas": [quota] })))
        .await
        .expect(200);
    azure.create("hub", &hub("main", "one")).await;
    let list = azure
        .get(&usages("Microsoft.Search", "2025-05-01"))
        .await
        .expect(200);
    let used = |tier: &str| {
        let items = list.at("/value").as_array().unwrap();
        items.iter().find(|one| one["name"]["value"] == tier).unwrap()["currentValue"].clone()
    };
    assert_eq!((used("basic"), used("standard")), (json!(1), json!(0)));
}

#[tokio::test]
async fn each_service_has_its_own_words() {
    let azure = Azure::with(&json!({ "quotaEnvelope": "Plain" })).await;
    limit(&azure, "Microsoft.Storage/storageAccounts", 1).await;
    let end = failed(&azure, "hub").await;
    assert_eq!(
        end["error"]["code"],
        "MaxStorageAccountsCountPerSubscriptionExceeded"
    );
    limit(&azure, "Microsoft.DocumentDB/databaseAccounts", 0).await;
    let end = failed(&azure, "hub").await;
    assert_eq!(end["error"]["code"], "ServiceUnavailable");
    assert_has(
        end["error"]["message"].as_str().unwrap(),
        "high demand in westeurope region",
    );
}
