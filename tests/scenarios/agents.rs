//! "Where does what the agents of my Foundry project keep lie?"

use std::fs;

use serde_json::{Value, json};
use testbed::azure::names;
use testbed::binaries::repository;
use testbed::{Object, Scenario};

use crate::common::{ACCOUNTS, account, operator_log, project, settings};

const AGENT: &str = "AIProject/agent";
const RIGHT: &str = "Microsoft.CognitiveServices/accounts/projects/capabilityHosts/read";

/// The operator's role, with the right or without it.
fn observer(with_right: bool) -> Value {
    let path = repository().join("deploy/azure/roles/observer.json");
    let mut role: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let actions = role["Actions"].as_array_mut().unwrap();
    assert!(actions.iter().any(|action| action == RIGHT));
    actions.retain(|action| with_right || action != RIGHT);
    role
}

async fn give(scenario: &Scenario, with_right: bool) {
    let seed = json!({ "roleDefinitions": [observer(with_right)] });
    scenario.azure.control().seed(&seed.to_string()).await.unwrap();
}

/// A change of the spec without one in Azure: all is looked at once more.
fn change_spec(scenario: &Scenario, deletion_policy: &str) {
    let patch = json!({ "spec": { "deletionPolicy": deletion_policy } }).to_string();
    scenario
        .run(&["patch", "aiproject", "agent", "--type=merge", "--patch", &patch])
        .unwrap()
        .ok()
        .unwrap();
}

async fn until_covered(scenario: &Scenario, coverage: &str) -> Object {
    let is = |object: &Object| object.is_ready() && object.text("/status/agentCoverage/coverage") == coverage;
    scenario
        .until(AGENT, &format!("ready with {coverage}"), is)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_microsofts_until_a_capability_host_names_resources_of_yours() {
    let mut settings = settings("agents");
    settings.seed = Box::new(|seed| seed.add("roleDefinitions", observer(false)));
    let mut scenario = Scenario::start(settings).await.unwrap();
    let manifests = format!(
        "{}---\n{}",
        account("foundry"),
        project("agent", "AIServicesAccount", "foundry")
    );
    scenario.apply(&manifests).unwrap().ok().unwrap();
    let unknown = until_covered(&scenario, "Unknown").await;
    let message = unknown.text("/status/agentCoverage/message");
    assert!(message.contains(RIGHT), "{message}");

    // With the right, after a restart.
    give(&scenario, true).await;
    scenario.operator().unwrap().kill();
    scenario.operator().unwrap().restart().unwrap();
    let partial = until_covered(&scenario, "Partial").await;
    assert_eq!(
        partial.at("/status/agentCoverage/notCovered"),
        &json!(["Files", "Threads", "VectorStores"])
    );

    // Somebody sets the agents up as Microsoft's page says.
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let control = scenario.azure.control();
    control.settings(&json!({ "operationSeconds": 0 })).await.unwrap();
    let foundry = names::account("foundry");
    let host = format!("{foundry}/projects/agent/capabilityHosts/standard");
    for (id, body) in [
        (
            format!("{foundry}/capabilityHosts/agents"),
            json!({ "properties": { "capabilityHostKind": "Agents" } }),
        ),
        (
            host.clone(),
            json!({ "properties": {
                "storageConnections": ["files"], "threadStorageConnections": ["cosmos"], "vectorStoreConnections": ["search"],
            } }),
        ),
    ] {
        alice.put(&id, ACCOUNTS, &body).await.unwrap();
    }
    change_spec(&scenario, "Delete");
    let full = until_covered(&scenario, "Full").await;
    assert_eq!(full.text("/status/agentCoverage/capabilityHost"), "standard");
    assert_eq!(full.at("/status/agentCoverage/notCovered"), &Value::Null);
    let described = scenario
        .run(&["describe", "aiproject", "agent"])
        .unwrap()
        .ok()
        .unwrap();
    for word in ["Agent Coverage:", "Full", "files, cosmos, search"] {
        assert!(described.contains(word), "{described}");
    }

    // What was known stays while nothing can be found out.
    give(&scenario, false).await;
    change_spec(&scenario, "Retain");
    let failed = |object: &Object| {
        object
            .text("/status/agentCoverage/lastLookFailed")
            .contains(RIGHT)
    };
    let kept = scenario
        .until(AGENT, "not to be looked at", failed)
        .await
        .unwrap();
    assert_eq!(kept.text("/status/agentCoverage/coverage"), "Full");
    assert_eq!(
        kept.text("/status/agentCoverage/message"),
        full.text("/status/agentCoverage/message")
    );

    // One cannot be changed, so that another takes its place: it comes without vector stores.
    give(&scenario, true).await;
    alice.delete(&host, ACCOUNTS).await.unwrap();
    let less =
        json!({ "properties": { "storageConnections": ["files"], "threadStorageConnections": ["cosmos"] } });
    alice.put(&host, ACCOUNTS, &less).await.unwrap();
    change_spec(&scenario, "DeleteAndPurge");
    let partial = until_covered(&scenario, "Partial").await;
    assert_eq!(
        partial.at("/status/agentCoverage/notCovered"),
        &json!(["VectorStores"])
    );
    assert_eq!(partial.at("/status/agentCoverage/lastLookFailed"), &Value::Null);

    // They were looked at, and nothing was written to them.
    let log = operator_log(&scenario).await;
    let of_hosts = log.iter().filter(|one| one.path().contains("apabilityHosts"));
    assert!(of_hosts.clone().count() > 0 && of_hosts.clone().all(|one| !one.is_write()));
}
