//! Trouble on purpose, one kind after the other.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Azure, GROUP, hub, key, plain_hub, received, vault, workspace};

#[tokio::test]
async fn a_status_with_its_headers() {
    let azure = Azure::start().await;
    azure
        .fault(&json!({ "times": 1, "action": { "status": {
            "status": 429, "code": "TooManyRequests", "message": "slowly", "headers": { "Retry-After": "7" } } } }))
        .await;
    let answer = azure.get(GROUP).await.refused(429, "TooManyRequests", "slowly");
    assert_eq!(answer.header("retry-after"), "7");
    azure.get(GROUP).await.expect(200);
}

#[tokio::test]
async fn a_delay() {
    let azure = Azure::start().await;
    azure.fault(&json!({ "action": { "delayMs": 60 } })).await;
    let begin = Instant::now();
    azure.get(GROUP).await.expect(200);
    assert!(begin.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn connections_that_end() {
    let azure = Azure::start().await;
    for (action, name, status) in [("dropBefore", "before", 404), ("dropAfter", "after", 200)] {
        azure
            .fault(&json!({ "method": "PUT", "urlContains": name, "times": 1, "action": action }))
            .await;
        let request = azure
            .request("owner", "PUT", &workspace(name), Some(&plain_hub()))
            .await;
        request.send().await.unwrap_err();
        azure.get(&workspace(name)).await.expect(status);
        let log = azure.control("GET", "/log", None).await.expect(200);
        let puts = log
            .body
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["method"] == "PUT" && one["url"].as_str().unwrap().contains(name))
            .count();
        assert_eq!(puts, 1, "{}", log.text);
    }
}

#[tokio::test]
async fn half_a_body() {
    let azure = Azure::start().await;
    let whole = azure.get(GROUP).await.expect(200).text;
    azure.fault(&json!({ "action": "truncate" })).await;
    let half = azure.get(GROUP).await.expect(200);
    assert_eq!(half.text.len(), whole.len() / 2);
    assert!(whole.starts_with(&half.text));
    assert_eq!(half.body, Value::Null);
}

#[tokio::test]
async fn json_of_another_shape() {
    let azure = Azure::start().await;
    azure.fault(&json!({ "action": "wrongType" })).await;
    let answer = azure.get(&format!("{GROUP}/resources")).await.expect(200);
    assert!(answer.at("/value").is_string());
}

#[tokio::test]
async fn a_list_without_end() {
    let azure = Azure::start().await;
    azure
        .fault(&json!({ "type": "Microsoft.KeyVault/vaults", "action": "endlessList" }))
        .await;
    let mut next = format!("{GROUP}/providers/Microsoft.KeyVault/vaults");
    let mut seen = Vec::new();
    for _ in 0..5 {
        assert!(!seen.contains(&next));
        seen.push(next.clone());
        let page = azure.get(&next).await.expect(200);
        assert_eq!(page.at("/value").as_array().unwrap().len(), 8);
        page.at("/nextLink").as_str().unwrap().clone_into(&mut next);
    }
}

#[tokio::test]
async fn writes_that_are_ignored() {
    let azure = Azure::start().await;
    let before = azure.create("hub", &hub("main", "one")).await;
    azure.fault(&json!({ "action": "ignoreWrite" })).await;
    let tags = json!({ "tags": { "a": "b" } });
    azure.patch(&workspace("hub"), &tags).await.expect(200);
    let other = json!({ "properties": { "encryption": { "keyVaultProperties": {
        "keyIdentifier": key("main", "two") } } } });
    azure.patch(&workspace("hub"), &other).await.expect(200);
    azure.patch(&vault("main"), &tags).await.expect(200);
    azure.put(&workspace("new"), &plain_hub()).await.expect(200);
    azure.delete(&workspace("hub")).await.expect(200);
    azure.control("DELETE", "/faults", None).await.expect(200);
    assert_eq!(azure.get(&workspace("hub")).await.body, before);
    assert_eq!(azure.get(&vault("main")).await.at("/tags"), &Value::Null);
    azure.get(&workspace("new")).await.expect(404);
}

#[tokio::test]
async fn operations_that_fail() {
    let azure = Azure::start().await;
    azure
        .fault(&json!({ "method": "PUT", "times": 1,
            "action": { "failOperation": { "code": "ServiceUnavailable", "message": "no room" } } }))
        .await;
    let accepted = azure.put(&workspace("hub"), &plain_hub()).await;
    let end = azure.finish(&accepted).await;
    assert_eq!(end["status"], "Failed");
    assert_eq!(
        end["error"],
        json!({ "code": "ServiceUnavailable", "message": "no room" })
    );
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(hub.at("/properties/provisioningState"), "Failed");
    azure.create("hub", &plain_hub()).await;
}

#[tokio::test]
async fn writes_that_are_seen_late() {
    let azure = Azure::start().await;
    azure
        .fault(&json!({ "method": "PUT", "urlContains": "late", "action": { "lagSeconds": 3600.0 } }))
        .await;
    azure.put(&workspace("late"), &plain_hub()).await.expect(202);
    azure.get(&workspace("late")).await.expect(404);
    let list = format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces");
    assert_eq!(azure.get(&list).await.at("/value"), &json!([]));

    azure.create("hub", &plain_hub()).await;
    for (tag, seconds) in [("b", 3600.0), ("c", 0.05)] {
        azure
            .fault(&json!({ "method": "PATCH", "times": 1, "action": { "lagSeconds": seconds } }))
            .await;
        let change = json!({ "tags": { "a": tag } });
        let answer = azure.patch(&workspace("hub"), &change).await.expect(200);
        assert_eq!(answer.at("/tags/a"), tag);
        if tag == "b" {
            assert_eq!(azure.get(&workspace("hub")).await.at("/tags"), &Value::Null);
        }
    }
    while azure.get(&workspace("hub")).await.at("/tags/a") != "c" {}
}

#[tokio::test]
async fn which_requests_meet_it() {
    let azure = Azure::start().await;
    azure
        .fault(
            &json!({ "principal": "reader", "method": "get", "type": "Microsoft.KeyVault/vaults",
            "urlContains": "MAIN", "nth": 2, "action": { "status": { "status": 500 } } }),
        )
        .await;
    for (who, path, status) in [
        ("reader", vault("main"), 200),
        ("owner", vault("main"), 200),
        ("reader", vault("other"), 200),
        ("reader", GROUP.to_owned(), 200),
        ("reader", vault("main"), 500),
        ("reader", vault("main"), 200),
    ] {
        azure.send(who, "GET", &path, None).await.expect(status);
    }
    let faults = azure.control("GET", "/faults", None).await.expect(200);
    assert_eq!(faults.at("/0/seen"), 3);
    assert_eq!(faults.at("/0/fired"), 1);
    let log = azure.control("GET", "/log", None).await.expect(200);
    let marked = log
        .body
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| !one["fault"].is_null())
        .count();
    assert_eq!(marked, 1);
}

#[tokio::test]
async fn how_often() {
    let azure = Azure::start().await;
    azure
        .fault(&json!({ "nth": 2, "times": 2, "action": { "status": { "status": 503 } } }))
        .await;
    for status in [200, 503, 503, 200] {
        azure.get(GROUP).await.expect(status);
    }
}

#[tokio::test]
async fn a_fault_that_is_none() {
    let azure = Azure::start().await;
    for fault in [
        json!({}),
        json!({ "action": "explode" }),
        json!({ "action": "truncate", "kind": "x" }),
        json!({ "action": { "status": { "status": 500, "kode": "x" } } }),
    ] {
        azure.control("POST", "/faults", Some(&fault)).await.expect(400);
    }
    assert_eq!(azure.control("GET", "/faults", None).await.body, json!([]));
}

#[tokio::test]
async fn counters() {
    let azure = Azure::start().await;
    azure.get(&vault("main")).await.expect(200);
    azure.get(&vault("other")).await.expect(200);
    azure.send("stranger", "GET", GROUP, None).await.expect(403);
    let counters = azure.control("GET", "/counters", None).await.expect(200);
    let count = |principal: &str, kind: &str| {
        let all = counters.at("/requests").as_array().unwrap();
        all.iter()
            .find(|one| one["principal"] == principal && one["type"] == kind)
            .map_or(0, |one| one["count"].as_u64().unwrap())
    };
    assert_eq!(count("owner", "microsoft.keyvault/vaults"), 2);
    assert_eq!(count("stranger", "microsoft.resources/resourcegroups"), 1);
    assert_eq!(count("owner", "entra/token"), 1);
    azure.control("POST", "/counters/reset", None).await.expect(200);
    let counters = azure.control("GET", "/counters", None).await;
    assert_eq!(counters.at("/requests"), &json!([]));
    let seen = azure
        .control("GET", "/log", None)
        .await
        .body
        .as_array()
        .unwrap()
        .len();
    azure.get(&vault("main")).await.expect(200);
    let since = azure.control("GET", &format!("/log?since={seen}"), None).await;
    assert_eq!(since.body.as_array().unwrap().len(), 1);
    assert_eq!(since.at("/0/status"), 200);
    let bare = received(
        azure
            .client
            .get(azure.url(&crate::common::versioned(GROUP)))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(bare.status, 401);
}
