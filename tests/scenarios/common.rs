//! What scenarios share.

use std::fs;

use serde_json::{Value, json};
use testbed::azure::Exchange;
use testbed::azure::names;
use testbed::binaries::repository;
use testbed::{Scenario, ScenarioSettings};

/// The api-version of accounts.
pub const ACCOUNTS: &str = "2026-07-01";
/// The api-version of workspaces.
pub const WORKSPACES: &str = "2026-05-01";

/// The usual settings, with the operator of this build.
pub fn settings(name: &str) -> ScenarioSettings {
    ScenarioSettings::new(name, env!("CARGO_BIN_EXE_keyholder"))
}

/// A scenario as usual.
pub async fn start(name: &str) -> Scenario {
    Scenario::start(settings(name)).await.unwrap()
}

/// The manifest of an example.
pub fn example(name: &str) -> String {
    fs::read_to_string(repository().join(format!("examples/{name}/hub.yaml"))).unwrap()
}

/// A hub with a managed resource group.
pub fn hub(name: &str) -> String {
    example("managed-group")
        .replace("name: research", &format!("name: {name}"))
        .replace("deletionPolicy: Retain", "deletionPolicy: DeleteAndPurge")
}

/// The manifest of an example of an account.
pub fn account_example(name: &str) -> String {
    fs::read_to_string(repository().join(format!("examples/{name}/account.yaml"))).unwrap()
}

/// A Foundry account with a key that it follows.
pub fn account(name: &str) -> String {
    account_example("foundry-account")
        .replace("name: foundry\n", &format!("name: {name}\n"))
        .replace("foundry-westeurope", &format!("{name}-westeurope"))
        .replace("deletionPolicy: Retain", "deletionPolicy: DeleteAndPurge")
}

/// The manifest of an example of a project.
pub fn project_example(name: &str) -> String {
    fs::read_to_string(repository().join(format!("examples/{name}/project.yaml"))).unwrap()
}

/// A project of this parent, with its own name as its title.
pub fn project(name: &str, parent_kind: &str, parent: &str) -> String {
    project_example("hub-with-project")
        .replace("  name: churn\n", &format!("  name: {name}\n"))
        .replace(
            "kind: AIHub\n    name: research",
            &format!("kind: {parent_kind}\n    name: {parent}"),
        )
        .replace("displayName: Churn", &format!("displayName: {name}"))
        .replace("deletionPolicy: Retain", "deletionPolicy: DeleteAndPurge")
}

/// What the operator wrote to Azure about a hub and got an answer to, as `PUT`, `PATCH` or `DELETE` with its status.
pub async fn writes(scenario: &Scenario, hub: &str) -> Vec<(String, u16)> {
    let id = names::hub(hub).to_lowercase();
    operator_log(scenario)
        .await
        .into_iter()
        .filter(|one| one.is_write() && one.status != 0 && one.path().to_lowercase() == id)
        .map(|one| (one.method, one.status))
        .collect()
}

/// The bodies of the operator's PATCHes of a resource, once there are so many.
pub async fn until_patched(scenario: &Scenario, id: &str, times: usize) -> Vec<Value> {
    let is_patch = |one: &Exchange| one.method == "PATCH" && one.path().eq_ignore_ascii_case(id);
    let what = format!("the operator did not change {id} {times} times");
    let enough = |log: &[Exchange]| log.iter().filter(|one| is_patch(one)).count() >= times;
    let log = scenario.until_logged(&what, enough).await.unwrap();
    log.into_iter().filter(is_patch).map(|one| one.request).collect()
}

/// What the operator asked of Azure Resource Manager.
pub async fn operator_log(scenario: &Scenario) -> Vec<Exchange> {
    let mut log = scenario.azure.operator_log().await.unwrap();
    log.retain(|one| one.path().starts_with("/subscriptions"));
    log
}

/// A hub as somebody else sees it in Azure; the status and the body.
pub async fn in_azure(scenario: &Scenario, hub: &str) -> (u16, Value) {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let answer = alice
        .send(reqwest::Method::GET, &names::hub(hub), WORKSPACES, None)
        .await
        .unwrap();
    (answer.status, answer.body)
}

/// The key that a hub has in Azure.
pub async fn key_in_azure(scenario: &Scenario, hub: &str) -> String {
    let (_, body) = in_azure(scenario, hub).await;
    body.pointer("/properties/encryption/keyVaultProperties/keyIdentifier")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The ARM id of a key in the vault of the examples.
pub fn key_id(key: &str) -> String {
    format!("{}/keys/{key}", names::vault(names::VAULT))
}

/// A new version of the examples' key is made.
pub async fn rotate(scenario: &Scenario) {
    let control = scenario.azure.control();
    control.key(&key_id(names::KEY), &json!("rotate")).await.unwrap();
}

/// `kubectl patch`, which is taken.
pub fn merge(scenario: &Scenario, hub: &str, patch: &str) {
    scenario
        .run(&["patch", "aihub", hub, "--type=merge", "--patch", patch])
        .unwrap()
        .ok()
        .unwrap();
}
