//! The page about the simulator names all that it has.

use azure_simulator::{Config, Seed, Settings, Simulator};
use serde_json::{Value, json};

use crate::common::Azure;

const PAGE: &str = include_str!("../../../docs/simulator.md");

/// Rows of a table, by what their first cell has in backquotes.
fn rows() -> Vec<(String, usize)> {
    PAGE.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| Some((line.split_once('`')?.0.to_owned(), line.split(" | ").count())))
        .collect()
}

#[test]
fn every_switch_has_its_row() {
    let Value::Object(settings) = serde_json::to_value(Settings::default()).unwrap() else {
        panic!("settings are no object");
    };
    let mut names = Vec::new();
    for (name, value) in &settings {
        match value {
            Value::Object(inner) => names.extend(inner.keys().map(|one| format!("{name}.{one}"))),
            _ => names.push(name.clone()),
        }
    }
    let rows = rows();
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !rows.iter().any(|(row, cells)| row == *name && *cells >= 3))
        .collect();
    assert!(missing.is_empty(), "no row in docs/simulator.md for {missing:?}");
}

#[test]
fn every_key_of_a_seed_is_named() {
    // The parser lists the keys that it knows when it meets one that it does not.
    for text in [
        "x: 1",
        "subscriptions: [{ x: 1 }]",
        "roleDefinitions: [{ x: 1 }]",
        "principals: [{ x: 1 }]",
        "resourceGroups: [{ x: 1 }]",
        "identities: [{ x: 1 }]",
        "identities: [{ federatedCredentials: [{ x: 1 }] }]",
        "vaults: [{ x: 1 }]",
        "vaults: [{ keys: [{ x: 1 }] }]",
        "storageAccounts: [{ x: 1 }]",
        "searchServices: [{ x: 1 }]",
        "databaseAccounts: [{ x: 1 }]",
        "registries: [{ x: 1 }]",
        "workspaces: [{ x: 1 }]",
        "accounts: [{ x: 1 }]",
        "projects: [{ x: 1 }]",
        "roleAssignments: [{ x: 1 }]",
        "groups: [{ x: 1 }]",
        "policyAssignments: [{ x: 1 }]",
        "policyAssignments: [{ if: [{ x: 1 }] }]",
        "policyAssignments: [{ operations: [{ x: 1 }] }]",
        "locks: [{ x: 1 }]",
        "quotas: [{ x: 1 }]",
    ] {
        let error = Seed::parse(text).unwrap_err().to_string();
        let known: Vec<&str> = error
            .split_once("expected one of ")
            .or_else(|| error.split_once("expected "))
            .unwrap_or_else(|| panic!("{error}"))
            .1
            .lines()
            .next()
            .unwrap()
            .split([',', ' ', '`'])
            .filter(|word| !word.is_empty() && *word != "or")
            .collect();
        assert!(known.len() > 1, "{error}");
        for name in known {
            assert!(PAGE.contains(&format!("`{name}`")), "{name} of {text}: {error}");
        }
    }
}

#[tokio::test]
async fn every_fault_is_named_and_can_be_written_so() {
    let azure = Azure::start().await;
    for name in [
        "status",
        "delayMs",
        "dropBefore",
        "dropAfter",
        "truncate",
        "wrongType",
        "endlessList",
        "ignoreWrite",
        "failOperation",
        "lagSeconds",
        "hold",
    ] {
        let row = PAGE
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` | ")))
            .unwrap_or_else(|| panic!("no row for {name}"));
        let written = row.rsplit(" | ").next().unwrap().trim_end_matches(" |");
        for action in written.split("`, `") {
            let action: Value = serde_json::from_str(action.trim_matches('`')).unwrap();
            azure.fault(&json!({ "action": action })).await;
        }
    }
    let example: String = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("    {\"principal\""))
        .take_while(|line| line.starts_with("    "))
        .collect();
    azure.fault(&serde_json::from_str(&example).unwrap()).await;
}

#[tokio::test]
async fn the_seed_of_the_page_is_one() {
    let text = PAGE.split_once("```yaml").unwrap().1.split_once("```").unwrap().0;
    let config = Config {
        seed: Some(Seed::parse(text).unwrap()),
        ..Config::default()
    };
    Simulator::start(config).await.unwrap();
}
