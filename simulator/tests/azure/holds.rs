//! Requests that are held.

use serde_json::{Value, json};

use crate::common::{Answer, Azure, plain_hub, received, workspace};

/// Sends a PUT of a hub that is held, and waits until it is.
async fn hold(azure: &Azure, when: &str) -> (tokio::task::JoinHandle<Answer>, Value) {
    azure
        .fault(&json!({ "method": "PUT", "action": { "hold": when } }))
        .await;
    let request = azure
        .request("owner", "PUT", &workspace("hub"), Some(&plain_hub()))
        .await;
    let task = tokio::spawn(async move { received(request.send().await.unwrap()).await });
    let held = azure.control("GET", "/holds?wait=30", None).await.expect(200);
    assert_eq!(held.body.as_array().unwrap().len(), 1, "{}", held.text);
    (task, held.at("/0").clone())
}

async fn release(azure: &Azure, held: &Value) {
    let path = format!("/holds/{}", held["id"].as_str().unwrap());
    azure.control("DELETE", &path, None).await.expect(200);
}

/// Polls until nothing is held.
async fn until_none_is_held(azure: &Azure) {
    while azure.control("GET", "/holds", None).await.body != json!([]) {}
}

#[tokio::test]
async fn before_its_effect() {
    let azure = Azure::start().await;
    let (task, held) = hold(&azure, "before").await;
    assert_eq!(held["method"], "PUT");
    assert_eq!(held["principal"], "owner");
    crate::common::assert_has(held["url"].as_str().unwrap(), &workspace("hub"));
    azure.get(&workspace("hub")).await.expect(404);
    assert!(!task.is_finished());
    release(&azure, &held).await;
    task.await.unwrap().expect(202);
    azure.get(&workspace("hub")).await.expect(200);
}

#[tokio::test]
async fn after_its_effect() {
    let azure = Azure::start().await;
    let (task, held) = hold(&azure, "after").await;
    azure.get(&workspace("hub")).await.expect(200);
    assert!(!task.is_finished());
    release(&azure, &held).await;
    task.await.unwrap().expect(202);
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_effect() {
    let azure = Azure::start().await;
    let (task, held) = hold(&azure, "before").await;
    task.abort();
    until_none_is_held(&azure).await;
    let path = format!("/holds/{}", held["id"].as_str().unwrap());
    azure.control("DELETE", &path, None).await.expect(404);
    azure.get(&workspace("hub")).await.expect(404);
    let log = azure.control("GET", "/log", None).await.expect(200);
    let put = log
        .body
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["method"] == "PUT")
        .unwrap();
    assert_eq!(put["status"], 0);
    assert_eq!(put["response"], Value::Null);
}

#[tokio::test]
async fn a_client_that_goes_away_after_the_effect() {
    let azure = Azure::start().await;
    let (task, _) = hold(&azure, "after").await;
    task.abort();
    until_none_is_held(&azure).await;
    azure.get(&workspace("hub")).await.expect(200);
}

#[tokio::test]
async fn clearing_the_faults_lets_everything_go() {
    let azure = Azure::start().await;
    let (task, _) = hold(&azure, "before").await;
    azure.control("DELETE", "/faults", None).await.expect(200);
    task.await.unwrap().expect(202);
    assert_eq!(azure.control("GET", "/holds", None).await.body, json!([]));
}

#[tokio::test]
async fn nothing_is_held() {
    let azure = Azure::start().await;
    assert_eq!(azure.control("GET", "/holds?wait=0", None).await.body, json!([]));
    azure.control("DELETE", "/holds/1", None).await.expect(404);
}
