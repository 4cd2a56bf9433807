//! An object that a newer version stored does not stop the others, and is told of.
//!
//! On a control plane of its own: a changed definition disturbs whoever watches.
#![cfg(test)]

use serde_json::json;

use std::fs;

use testbed::binaries::repository;
use testbed::{Scenario, ScenarioSettings};

fn hub(name: &str) -> String {
    let example = fs::read_to_string(repository().join("examples/managed-group/hub.yaml")).unwrap();
    example.replace("name: research", &format!("name: {name}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_a_newer_version_is_told_of_and_stops_no_other() {
    let settings = ScenarioSettings::new("newer-version", env!("CARGO_BIN_EXE_keyholder"));
    let scenario = Scenario::start(settings).await.unwrap();
    let kubectl = scenario.kubectl();
    // What a newer version's definition would allow.
    let path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/deletionPolicy/enum/-";
    let allow = json!([{ "op": "add", "path": path, "value": "Archive" }]).to_string();
    kubectl
        .ok(&[
            "patch",
            "crd",
            "aihubs.keyholder.dev",
            "--type=json",
            "--patch",
            &allow,
        ])
        .unwrap();
    let newer = hub("newer").replace("deletionPolicy: Retain", "deletionPolicy: Archive");
    let applied = loop {
        // The API server takes a moment to use a changed definition.
        let said = scenario.apply(&newer).unwrap();
        let waits = said.stderr.contains("Unsupported value") || said.stderr.contains("(re)initializing");
        if said.success || !waits {
            break said;
        }
    };
    applied.ok().unwrap();
    let told = scenario
        .until("newer", "Undecodable", |hub| hub.says("Ready", "Undecodable"))
        .await
        .unwrap();
    assert!(
        told.condition("Ready").unwrap().message.contains("Archive"),
        "{told}"
    );

    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    assert!(
        scenario
            .azure
            .operator_log()
            .await
            .unwrap()
            .iter()
            .all(|one| !one.url.contains("/workspaces/newer"))
    );

    // As this version knows it, it is worked on.
    scenario
        .run(&[
            "patch",
            "aihub",
            "newer",
            "--type=merge",
            "--patch",
            r#"{"spec":{"deletionPolicy":"Delete"}}"#,
        ])
        .unwrap()
        .ok()
        .unwrap();
    scenario.until_ready("newer").await.unwrap();
}
