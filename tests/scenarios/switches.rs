//! What no source settles about Azure: a hub's life under each answer.

use serde_json::{Value, json};
use testbed::Scenario;
use testbed::azure::names;

use crate::common::{example, hub, key_in_azure, merge, settings, writes};

async fn with(name: &str, settings_of_azure: &[(&'static str, Value)]) -> Scenario {
    let mut settings = settings(name);
    let changes: Vec<_> = settings_of_azure.to_vec();
    settings.seed = Box::new(move |seed| {
        for (name, value) in changes {
            seed.setting(name, value);
        }
    });
    Scenario::start(settings).await.unwrap()
}

/// Creation, a key change that fails at first, and deletion.
async fn life(scenario: &Scenario) {
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let action = json!({ "failOperation": { "code": "BadRequest", "message": "not now" } });
    let fault = json!({ "principal": "operator", "method": "PATCH", "nth": 1, "action": action });
    scenario.azure.control().fault(&fault).await.unwrap();
    let patch = format!(
        r#"{{"spec":{{"encryption":{{"customerManagedKey":{{"key":"{}"}}}}}}}}"#,
        names::OTHER_KEY
    );
    merge(scenario, "research", &patch);
    scenario.until_ready("research").await.unwrap();
    assert!(
        key_in_azure(scenario, "research")
            .await
            .contains(names::OTHER_KEY)
    );
    scenario
        .run(&["delete", "aihub", "research", "--timeout=60s"])
        .unwrap()
        .ok()
        .unwrap();
    let creations = writes(scenario, "research")
        .await
        .iter()
        .filter(|(method, _)| method == "PUT")
        .count();
    assert!(creations >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_answer() {
    let scenario = with(
        "switch-one",
        &[
            ("forbiddenChange", json!("Refuse")),
            ("failedChangeLeaves", json!("Succeeded")),
            ("hubsSoftDelete", json!(true)),
            ("managedBy", json!(false)),
            ("identityIdCase", json!("AsSent")),
        ],
    )
    .await;
    life(&scenario).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_answer() {
    let scenario = with(
        "switch-other",
        &[
            ("forbiddenChange", json!("Ignore")),
            ("failedChangeLeaves", json!("Failed")),
            ("failedCreationLeavesGroup", json!(true)),
            ("hubsSoftDelete", json!(false)),
            ("managedBy", json!(true)),
            ("identityIdCase", json!("Lower")),
        ],
    )
    .await;
    life(&scenario).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_assigned_identity_that_azure_does_not_grant_access_by_itself() {
    let scenario = with("switch-grant", &[("grantsSystemAssigned", json!(false))]).await;
    scenario.apply(&example("service-side")).unwrap().ok().unwrap();
    let told = scenario
        .until("serverless", "told of the missing access", |hub| {
            hub.conditions()
                .iter()
                .any(|one| one.message.contains("az role assignment create"))
        })
        .await
        .unwrap();
    assert!(!told.is("Ready", "True"), "{told}");
    let message = told
        .conditions()
        .into_iter()
        .find(|one| one.message.contains("az role assignment create"))
        .unwrap()
        .message;
    let principal = message
        .split("--assignee-object-id ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    alice
        .let_unwrap(&principal, &names::vault(names::VAULT))
        .await
        .unwrap();
    scenario.until_ready("serverless").await.unwrap();
}
