//! The page about the simulator names all that it has.

use azure_simulator::Settings;
use serde_json::Value;

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
        "workspaces: [{ x: 1 }]",
        "roleAssignments: [{ x: 1 }]",
    ] {
        let error = azure_simulator::Seed::parse(text).unwrap_err().to_string();
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

#[test]
fn every_fault_is_named() {
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
        assert!(rows().iter().any(|(row, _)| row == name), "{name}");
    }
}
