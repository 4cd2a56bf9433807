//! "I apply YAML and get a hub encrypted with my key."

use crate::common::{example, hub, in_azure, key_in_azure, merge, operator_log, settings, start, writes};
use serde_json::json;
use testbed::Scenario;
use testbed::azure::names;

#[tokio::test(flavor = "multi_thread")]
async fn with_a_managed_group_within_the_budget() {
    let mut settings = settings("provision-group");
    settings.with_proxy = true;
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();

    assert_eq!(writes(&scenario, "research").await, [("PUT".to_owned(), 202)]);
    let vault = scenario
        .azure
        .endpoint()
        .replace("https://", "https://corp-keys.vault.");
    assert!(
        key_in_azure(&scenario, "research")
            .await
            .starts_with(&format!("{vault}/keys/ai-hub/"))
    );
    assert_eq!(ready.text("/status/summary/key"), "corp-keys/ai-hub");
    assert_eq!(
        ready
            .at("/status/managedResourceGroup/resources")
            .as_array()
            .unwrap()
            .len(),
        3
    );
    for condition in [
        "TransitionAllowed",
        "PrerequisitesMet",
        "Provisioned",
        "KeyApplied",
        "KeyHealthy",
        "ManagedResourceGroupHealthy",
    ] {
        assert!(ready.is(condition, "True"), "{ready}");
    }
    assert!(
        ready.condition("Reconciling").is_none() && ready.condition("Stalled").is_none(),
        "{ready}"
    );

    // Azure turned high business impact on with the key.
    assert_eq!(
        ready.text("/status/computeEncryption/instanceScratchDisks"),
        "MicrosoftManaged"
    );

    let reads = operator_log(&scenario)
        .await
        .iter()
        .filter(|one| one.method == "GET" && !one.path().contains("operationresults"))
        .count();
    let patches = scenario
        .proxy
        .as_ref()
        .unwrap()
        .writes()
        .iter()
        .filter(|write| write.path.ends_with("/research/status"))
        .count();
    println!("one creation with cold caches: 1 write, {reads} reads, {patches} status patches");
    assert!(reads <= 25, "{reads} reads");
    assert!(patches <= 6, "{patches} status patches");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_service_side_with_the_hubs_own_identity() {
    let scenario = start("provision-side").await;
    scenario.apply(&example("service-side")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("serverless").await.unwrap();
    assert!(ready.at("/status/managedResourceGroup").is_null(), "{ready}");
    let (_, body) = in_azure(&scenario, "serverless").await;
    assert_eq!(
        body.pointer("/properties/enableServiceSideCMKEncryption"),
        Some(&json!(true))
    );
    assert!(
        body.pointer("/properties/serviceProvisionedResourceGroup")
            .is_none()
    );

    scenario
        .run(&["delete", "aihub", "serverless", "--wait=false"])
        .unwrap()
        .ok()
        .unwrap();
    scenario.until_gone("serverless").await.unwrap();
    assert_eq!(in_azure(&scenario, "serverless").await.0, 404);
    assert_eq!(
        writes(&scenario, "serverless").await,
        [("PUT".to_owned(), 202), ("DELETE".to_owned(), 202)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_microsofts_key() {
    let scenario = start("provision-mmk").await;
    scenario
        .apply(&example("microsoft-managed"))
        .unwrap()
        .ok()
        .unwrap();
    let name = "sandbox";
    let ready = scenario.until_ready(name).await.unwrap();
    assert!(ready.says("KeyApplied", "MicrosoftManagedKey"), "{ready}");
    assert!(ready.at("/status/encryption/keyIdentifier").is_null());
    assert_eq!(
        ready.text("/status/computeEncryption/instanceScratchDisks"),
        "NotEncrypted"
    );
    let (_, body) = in_azure(&scenario, name).await;
    assert!(body.pointer("/properties/encryption").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_already_there_is_taken_up_again() {
    let scenario = start("provision-again").await;
    let manifest = hub("research").replace("DeleteAndPurge", "Retain");
    scenario.apply(&manifest).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    scenario
        .run(&["delete", "aihub", "research"])
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(in_azure(&scenario, "research").await.0, 200);

    scenario.apply(&manifest).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    assert_eq!(
        writes(&scenario, "research").await,
        [("PUT".to_owned(), 202)],
        "no second creation"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_follow_the_spec_and_others_tags_stay() {
    let scenario = start("provision-tags").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let id = names::hub("research");
    let mut tags = alice.get(&id, crate::common::WORKSPACES).await.unwrap()["tags"].clone();
    tags["cost"] = json!("42");
    alice
        .patch(&id, crate::common::WORKSPACES, &json!({ "tags": tags }))
        .await
        .unwrap();

    let patch = r#"{"spec":{"tags":{"team":"other"}}}"#;
    merge(&scenario, "research", patch);
    scenario.until_ready("research").await.unwrap();
    let (_, body) = in_azure(&scenario, "research").await;
    assert_eq!(body["tags"]["team"], json!("other"));
    assert_eq!(body["tags"]["cost"], json!("42"));
    assert_eq!(
        body["tags"]["keyholder-owner"],
        json!("testbed/provision-tags/research")
    );
}

/// Two changes of one field, the second before Azure shows the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_changed_twice_at_once_is_as_the_second_says() {
    let scenario = start("provision-twice").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let lag = json!({
        "principal": names::OPERATOR, "method": "PATCH", "urlContains": "workspaces/research", "nth": 1,
        "times": 1, "action": { "lagSeconds": 1.0 },
    });
    scenario.azure.control().fault(&lag).await.unwrap();
    let stage = |value: &str| {
        let patch = json!({ "spec": { "tags": { "stage": value } } }).to_string();
        merge(&scenario, "research", &patch);
    };
    stage("first");
    scenario
        .until("research", "being changed", |hub| {
            !hub.at("/status/operation").is_null()
        })
        .await
        .unwrap();
    stage("second");
    scenario.until_ready("research").await.unwrap();
    let (_, body) = in_azure(&scenario, "research").await;
    assert_eq!(body["tags"]["stage"], json!("second"));
}
