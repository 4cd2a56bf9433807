//! A failing example says what to type. Typed, it makes the object Ready.

use serde_json::{Value, json};
use testbed::azure::{RestClient, names};

use crate::common::{example, settings, start, writes};
use testbed::Scenario;

/// The commands that a condition's message gives.
fn cure(message: &str) -> Vec<String> {
    let (_, commands) = message.split_once("\nCure:\n").expect("the message has a cure");
    commands
        .lines()
        .filter(|line| line.starts_with("az "))
        .map(str::to_owned)
        .collect()
}

/// Types an Azure CLI command: the words of a shell, and the requests that `az` would send.
async fn az(azure: &RestClient, command: &str) {
    let mut words = Vec::new();
    let mut quoted = false;
    let mut word = String::new();
    for c in command.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    let option = |name: &str| -> &str {
        let at = words
            .iter()
            .position(|word| word == name)
            .unwrap_or_else(|| panic!("{name} in {command}"));
        &words[at + 1]
    };
    let verb: Vec<&str> = words[1..]
        .iter()
        .take_while(|word| !word.starts_with('-'))
        .map(String::as_str)
        .collect();
    match verb.as_slice() {
        ["keyvault", "update"] => {
            let id = names::resource(
                option("--resource-group"),
                "Microsoft.KeyVault/vaults",
                option("--name"),
            );
            let protect = option("--enable-purge-protection") == "true";
            let body = json!({ "properties": { "enablePurgeProtection": protect } });
            azure.patch(&id, "2026-02-01", &body).await.unwrap();
        }
        ["role", "assignment", "create"] => {
            let role = format!("$filter=roleName eq '{}'", option("--role"))
                .replace(' ', "%20")
                .replace('\'', "%27");
            let path = format!(
                "{}/providers/Microsoft.Authorization/roleDefinitions?{role}",
                names::subscription()
            );
            let roles = azure.get(&path, "2022-04-01").await.unwrap();
            let role = roles["value"][0]["id"].as_str().unwrap().to_owned();
            let name = "55555555-0000-0000-0000-000000000001";
            let scope = option("--scope");
            let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
            let body = json!({ "properties": {
                "roleDefinitionId": role,
                "principalId": option("--assignee-object-id"),
                "principalType": option("--assignee-principal-type"),
            } });
            azure.put(&id, "2022-04-01", &body).await.unwrap();
        }
        ["provider", "register"] => {
            let path = format!(
                "{}/providers/{}/register",
                names::subscription(),
                option("--namespace")
            );
            azure
                .send(reqwest::Method::POST, &path, "2025-04-01", None)
                .await
                .unwrap()
                .ok("POST", &path)
                .unwrap();
        }
        ["group", "create"] => {
            let body = json!({ "location": option("--location") });
            azure
                .put(&names::group(option("--name")), "2025-04-01", &body)
                .await
                .unwrap();
        }
        ["identity", "create"] => {
            let kind = "Microsoft.ManagedIdentity/userAssignedIdentities";
            let id = names::resource(option("--resource-group"), kind, option("--name"));
            azure
                .put(&id, "2024-11-30", &json!({ "location": option("--location") }))
                .await
                .unwrap();
        }
        ["keyvault", "key", "create"] => {
            let id = format!(
                "{}/keys/{}",
                names::vault(option("--vault-name")),
                option("--name")
            );
            let size: Value = option("--size").parse().unwrap();
            let body = json!({ "properties": { "kty": option("--kty"), "keySize": size } });
            azure.put(&id, "2025-05-01", &body).await.unwrap();
        }
        other => panic!("no such command is known: {other:?} in {command}"),
    }
}

/// The object becomes Ready by nothing but the commands in its conditions. How many it took.
async fn cured(scenario: &Scenario, name: &str) -> Vec<String> {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let mut typed = Vec::new();
    loop {
        let seen = typed.clone();
        let hub = scenario
            .until(name, "Ready, or with a cure that was not typed", |hub| {
                hub.is_ready()
                    || (hub.is_observed()
                        && hub.condition("PrerequisitesMet").is_some_and(|one| {
                            one.message.contains("\nCure:\n")
                                && cure(&one.message).iter().any(|one| !seen.contains(one))
                        }))
            })
            .await
            .unwrap();
        if hub.is_ready() {
            return typed;
        }
        assert!(hub.is("Stalled", "True"), "{hub}");
        assert!(
            writes(scenario, name).await.is_empty(),
            "nothing is written before the cure"
        );
        for command in cure(&hub.condition("PrerequisitesMet").unwrap().message) {
            if !typed.contains(&command) {
                az(&alice, &command).await;
                typed.push(command);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_vault_without_purge_protection() {
    let scenario = start("cure-purge").await;
    scenario
        .apply(&example("vault-without-purge-protection"))
        .unwrap()
        .ok()
        .unwrap();
    let typed = cured(&scenario, "unprotected").await;
    assert_eq!(typed.len(), 1, "{typed:?}");
    let described = scenario
        .run(&["describe", "aihub", "unprotected"])
        .unwrap()
        .ok()
        .unwrap();
    assert!(described.contains("The hub is as declared."), "{described}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_identity_without_access_after_the_grant_has_propagated() {
    let mut settings = settings("cure-access");
    settings.seed = Box::new(|seed| seed.setting("propagationSeconds", 2));
    let scenario = Scenario::start(settings).await.unwrap();
    scenario
        .apply(&example("identity-without-access"))
        .unwrap()
        .ok()
        .unwrap();
    scenario
        .until_says("locked-out", "PrerequisitesMet", "AccessMissing")
        .await
        .unwrap();
    let described = scenario
        .run(&["describe", "aihub", "locked-out"])
        .unwrap()
        .ok()
        .unwrap();
    assert!(described.contains("az role assignment create"), "{described}");
    let typed = cured(&scenario, "locked-out").await;
    assert_eq!(typed.len(), 1, "{typed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_operator_that_may_not_read() {
    let mut settings = settings("cure-operator");
    settings.seed = Box::new(|seed| {
        seed.remove("roleAssignments", |one| one["role"] == "Keyholder Observer");
    });
    let scenario = Scenario::start(settings).await.unwrap();
    scenario
        .apply(&crate::common::hub("research"))
        .unwrap()
        .ok()
        .unwrap();
    let told = scenario
        .until_says("research", "Ready", "OperatorNotAuthorized")
        .await
        .unwrap();
    let commands = cure(&told.condition("Ready").unwrap().message);
    assert_eq!(commands.len(), 1, "{commands:?}");
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    az(&alice, &commands[0]).await;
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_everything_that_can_be_missing_at_once() {
    let mut settings = settings("cure-all");
    settings.seed = Box::new(|seed| {
        let providers = json!([
            "Microsoft.MachineLearningServices",
            "Microsoft.KeyVault",
            "Microsoft.ManagedIdentity",
            "Microsoft.Storage",
            "Microsoft.Authorization"
        ]);
        seed.value()["subscriptions"][0]["registeredProviders"] = providers;
        let named = |value: &Value, name: &str| {
            value["id"]
                .as_str()
                .unwrap_or_default()
                .ends_with(&format!("/{name}"))
        };
        seed.remove("roleAssignments", |one| one["principal"] == names::HUB_IDENTITY);
        seed.remove("vaults", |vault| named(vault, names::LOOSE_VAULT));
        seed.add(
            "vaults",
            json!({
                "id": names::vault(names::LOOSE_VAULT),
                "location": names::LOCATION,
                "properties": { "enablePurgeProtection": false },
            }),
        );
    });
    let scenario = Scenario::start(settings).await.unwrap();
    scenario
        .apply(&example("vault-without-purge-protection"))
        .unwrap()
        .ok()
        .unwrap();
    let typed = cured(&scenario, "unprotected").await;
    for part in [
        "provider register --namespace Microsoft.DocumentDB",
        "provider register --namespace Microsoft.Search",
        "keyvault update",
        "keyvault key create",
        "role assignment create",
    ] {
        assert!(typed.iter().any(|one| one.contains(part)), "{part} in {typed:#?}");
    }
}
