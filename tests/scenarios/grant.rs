//! `access: Grant`: the identity gets access to the key once, before the hub is first encrypted with it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testbed::azure::{granter, names};
use testbed::{Scenario, ScenarioSettings, Seed};

use crate::common::{example, operator_log, settings, writes};

fn with_granter(seed: &mut Seed) {
    seed.add("roleAssignments", granter().unwrap());
}

fn patient(name: &str) -> ScenarioSettings {
    let mut settings = settings(name);
    settings
        .environment
        .push(("KEYHOLDER_GRANT_PROPAGATION".to_owned(), "5s".to_owned()));
    settings.seed = Box::new(|seed| {
        with_granter(seed);
        seed.setting("propagationSeconds", 4);
    });
    settings
}

async fn grants(scenario: &Scenario) -> Vec<(String, String, u16)> {
    operator_log(scenario)
        .await
        .into_iter()
        .filter(|one| one.is_write() && one.path().to_lowercase().contains("/roleassignments/"))
        .map(|one| (one.path().to_owned(), one.method, one.status))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_given_once_and_waited_for_without_writes() {
    let scenario = Scenario::start(patient("grant-once")).await.unwrap();
    scenario.apply(&example("granted-access")).unwrap().ok().unwrap();
    scenario
        .until_says("granted", "PrerequisitesMet", "AccessPropagating")
        .await
        .unwrap();
    let hub = scenario.until_ready("granted").await.unwrap();
    let given = grants(&scenario).await;
    assert_eq!(given.len(), 1, "{given:?}");
    assert_eq!((given[0].1.as_str(), given[0].2), ("PUT", 201));
    assert_eq!(
        hub.text("/status/accessGrant/roleAssignment").to_lowercase(),
        given[0].0.to_lowercase()
    );
    // The creation came after the wait, and succeeded at once.
    assert_eq!(writes(&scenario, "granted").await, [("PUT".to_owned(), 202)]);

    // Somebody withdraws it: that is told, and it is not given again.
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    alice
        .send(Method::DELETE, &given[0].0, "2022-04-01", None)
        .await
        .unwrap()
        .ok("DELETE", &given[0].0)
        .unwrap();
    let told = scenario
        .until_says("granted", "KeyHealthy", "AccessLost")
        .await
        .unwrap();
    assert!(told.is("Ready", "False"), "{told}");
    let vault = names::vault(names::VAULT);
    scenario.until_asked(&vault, 2).await.unwrap();
    assert_eq!(grants(&scenario).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_grant_it_says_so_and_goes_on_once_it_has_it() {
    let mut settings = settings("grant-refused");
    settings.sweep_interval = Duration::from_secs(1);
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&example("granted-access")).unwrap().ok().unwrap();
    let told = scenario
        .until_says("granted", "Provisioned", "OperatorNotAuthorized")
        .await
        .unwrap();
    let message = told.condition("Provisioned").unwrap().message;
    assert!(
        message.contains("Microsoft.Authorization/roleAssignments/write"),
        "{message}"
    );
    let granter = json!({ "roleAssignments": [granter().unwrap()] });
    scenario.azure.control().seed(&granter.to_string()).await.unwrap();
    scenario.until_ready("granted").await.unwrap();
    let statuses: Vec<u16> = grants(&scenario)
        .await
        .into_iter()
        .map(|(_, _, status)| status)
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
}

/// Whoever already has access gets nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn access_that_is_there_is_not_given() {
    let mut settings = settings("grant-held");
    settings.seed = Box::new(with_granter);
    let scenario = Scenario::start(settings).await.unwrap();
    let manifest = crate::common::hub("research")
        .replace("      identity: hub", "      identity: hub\n      access: Grant");
    scenario.apply(&manifest).unwrap().ok().unwrap();
    let hub = scenario.until_ready("research").await.unwrap();
    assert_eq!(grants(&scenario).await, []);
    assert_eq!(hub.at("/status/accessGrant"), &Value::Null);
}
