//! Projects: they wait for their parent, tell its key, stay with it, and go before it.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::azure::names;
use testbed::{Object, Said, Scenario};

use crate::common::{
    ACCOUNTS, WORKSPACES, account, account_example, hub, operator_log, project, project_example, rotate,
    start, until_patched, writes,
};

const CHURN: &str = "AIProject/churn";

async fn in_azure(scenario: &Scenario, path: &str, version: &str) -> (u16, Value) {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let answer = alice.send(Method::GET, path, version, None).await.unwrap();
    (answer.status, answer.body)
}

fn apply(scenario: &Scenario, manifest: &str) {
    scenario.apply(manifest).unwrap().ok().unwrap();
}

fn merge(scenario: &Scenario, project: &str, patch: &Value) -> Said {
    let patch = patch.to_string();
    scenario
        .run(&["patch", "aiproject", project, "--type=merge", "--patch", &patch])
        .unwrap()
}

/// Whether this was refused for one cause alone: several are told as a list.
fn refused_for(said: &Said, part: &str) {
    assert!(!said.success && said.stderr.contains(part), "{part}: {said:?}");
    assert!(!said.stderr.contains("\n* "), "{said:?}");
}

/// When the operator's deletions were sent, in the order of `paths`.
async fn deletions(scenario: &Scenario, paths: &[String]) -> Vec<usize> {
    let log = operator_log(scenario).await;
    paths
        .iter()
        .map(|path| {
            log.iter()
                .position(|one| {
                    one.method == "DELETE"
                        && (200..300).contains(&one.status)
                        && one.path().eq_ignore_ascii_case(path)
                })
                .unwrap_or_else(|| panic!("{path} was not deleted"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_waits_for_its_hub_and_tells_the_key_it_ended_up_with() {
    let scenario = start("project-hub").await;
    apply(&scenario, &project_example("hub-with-project"));
    let waits = scenario
        .until_says(CHURN, "PrerequisitesMet", "ParentNotFound")
        .await
        .unwrap();
    assert!(
        waits.is("Reconciling", "True") && !waits.is("Stalled", "True"),
        "{waits}"
    );
    apply(&scenario, &hub("research"));
    let ready = scenario.until_ready(CHURN).await.unwrap();
    let hub = scenario.until_ready("research").await.unwrap();
    assert!(ready.says("KeyApplied", "Inherited"), "{ready}");
    let key = hub.text("/status/encryption/keyIdentifier");
    assert_eq!(ready.text("/status/encryption/keyIdentifier"), key);
    assert!(
        ready.condition("KeyApplied").unwrap().message.contains(key),
        "{ready}"
    );

    let (_, body) = in_azure(&scenario, &names::hub("churn"), WORKSPACES).await;
    assert_eq!(body["kind"], "Project");
    assert_eq!(body["properties"]["friendlyName"], "Churn");
    assert_eq!(writes(&scenario, "churn").await, [("PUT".to_owned(), 202)]);
    let table = scenario.run(&["get", "keyholder"]).unwrap().ok().unwrap();
    let line = table.lines().find(|line| line.contains("aiproject")).unwrap();
    for word in ["True", "CustomerManaged", "corp-keys/ai-hub"] {
        assert!(line.contains(word), "{table}");
    }

    // The hub follows its key, and the project tells it, without a write of its own.
    rotate(&scenario).await;
    let differs = |object: &Object| object.text("/status/encryption/keyIdentifier") != key;
    let followed = scenario
        .until(CHURN, "with the new version", differs)
        .await
        .unwrap();
    assert!(followed.is_ready(), "{followed}");
    assert_eq!(writes(&scenario, "churn").await.len(), 1);
}

/// The account waits for its resource group, and its project does not wait with it.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_never_has_projects_is_told_before_it_is_in_order() {
    let scenario = start("project-unsuitable").await;
    let speech = account("foundry")
        .replace("accountKind: AIServices", "accountKind: SpeechServices")
        .replace("  allowProjectManagement: true\n", "")
        .replace("resourceGroup: rg-ai", "resourceGroup: rg-absent");
    let agent = project("agent", "AIServicesAccount", "foundry");
    apply(&scenario, &format!("{speech}---\n{agent}"));
    let told = scenario
        .until_says("AIProject/agent", "PrerequisitesMet", "ParentUnsuitable")
        .await
        .unwrap();
    assert!(told.is("Stalled", "True"), "{told}");
    let message = told.condition("PrerequisitesMet").unwrap().message;
    assert!(message.contains("spec.allowProjectManagement"), "{message}");
    let account = scenario
        .until_says("AIServicesAccount/foundry", "Ready", "ResourceGroupNotFound")
        .await;
    account.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_of_one_account_are_made_one_after_the_other() {
    let scenario = start("project-account").await;
    let all: Vec<String> = (1..=4).map(|number| format!("agent-{number}")).collect();
    let projects: String = all
        .iter()
        .map(|name| format!("---\n{}", project(name, "AIServicesAccount", "foundry")))
        .collect();
    apply(
        &scenario,
        &format!("{}{projects}", account_example("foundry-account")),
    );
    for name in &all {
        let ready = scenario.until_ready(&format!("AIProject/{name}")).await.unwrap();
        assert!(ready.says("KeyApplied", "Inherited"), "{ready}");
        let path = format!("{}/projects/{name}", names::account("foundry"));
        let (status, body) = in_azure(&scenario, &path, ACCOUNTS).await;
        assert_eq!(
            (status, &body["properties"]["provisioningState"]),
            (200, &json!("Succeeded"))
        );
    }
    let refused = operator_log(&scenario).await;
    assert!(refused.iter().all(|one| one.status != 409), "each had its turn");
    let events = scenario
        .run(&["get", "events", "--output=json"])
        .unwrap()
        .ok()
        .unwrap();
    assert!(!events.contains("ProvisioningFailed"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_parent_is_refused() {
    let scenario = start("project-moves").await;
    let hubs = format!("{}---\n{}", hub("research"), hub("other"));
    apply(
        &scenario,
        &format!("{hubs}---\n{}", project("churn", "AIHub", "research")),
    );
    scenario.until_ready(CHURN).await.unwrap();
    let parents = [
        json!({ "name": "other" }),
        json!({ "kind": "AIServicesAccount" }),
        json!({ "kind": null, "name": null, "resourceId": names::hub("other") }),
    ];
    for parent in parents {
        let mut patch = json!({ "spec": { "parentRef": parent } });
        if parent.get("resourceId").is_some() {
            patch["spec"]["location"] = json!(names::LOCATION);
        }
        refused_for(&merge(&scenario, "churn", &patch), "another parent");
    }
    for id in [names::hub("research"), names::hub("other")] {
        let both = json!({ "spec": { "parentRef": { "resourceId": id } } });
        refused_for(&merge(&scenario, "churn", &both), "or by resourceId alone");
    }
    for (wrong, part) in [
        (
            project("named", "AIHub", "a/b"),
            "spec.parentRef.name: Invalid value: ",
        ),
        (
            project("research", "AIHub", "research").replace(
                "    kind: AIHub\n    name: research\n",
                &format!(
                    "    resourceId: {}\n  location: {}\n",
                    names::hub("research"),
                    names::LOCATION
                ),
            ),
            "the hub itself has this name",
        ),
    ] {
        refused_for(&scenario.apply(&wrong).unwrap(), part);
    }
    let renamed = merge(&scenario, "churn", &json!({ "spec": { "azureName": "else" } }));
    assert!(
        !renamed.success && renamed.stderr.contains("ARM id"),
        "{renamed:?}"
    );
    let encrypted = merge(
        &scenario,
        "churn",
        &json!({ "spec": { "encryption": { "mode": "CustomerManaged" } } }),
    );
    assert!(
        !encrypted.success || encrypted.stderr.contains("unknown field"),
        "{encrypted:?}"
    );
    // The same parent by its id is no other.
    let same = json!({ "spec": {
        "parentRef": { "kind": null, "name": null, "resourceId": names::hub("research") }, "location": names::LOCATION } });
    merge(&scenario, "churn", &same).ok().unwrap();
    scenario.until_ready(CHURN).await.unwrap();
    assert_eq!(writes(&scenario, "churn").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_projects_is_deleted_after_them_and_says_so() {
    let scenario = start("project-deletion").await;
    let hub_and_project = format!(
        "{}---\n{}",
        hub("research"),
        project("churn", "AIHub", "research")
    );
    let account_and_agent = format!(
        "{}---\n{}",
        account("foundry"),
        project("agent", "AIServicesAccount", "foundry")
    );
    apply(&scenario, &format!("{hub_and_project}---\n{account_and_agent}"));
    for (parent, project) in [
        ("AIHub/research", CHURN),
        ("AIServicesAccount/foundry", "AIProject/agent"),
    ] {
        scenario.until_ready(project).await.unwrap();
        let (kind, name) = parent.split_once('/').unwrap();
        scenario
            .run(&["delete", kind, name, "--wait=false"])
            .unwrap()
            .ok()
            .unwrap();
        let held = scenario
            .until_says(parent, "Provisioned", "HasProjects")
            .await
            .unwrap();
        let message = held.condition("Provisioned").unwrap().message;
        let (_, project_name) = project.split_once('/').unwrap();
        assert!(message.contains(project_name), "{message}");
        scenario
            .run(&["delete", "aiproject", project_name, "--wait=false"])
            .unwrap()
            .ok()
            .unwrap();
        scenario.until_gone(project).await.unwrap();
        scenario.until_gone(parent).await.unwrap();
    }
    assert_eq!(
        in_azure(&scenario, &names::hub("research"), WORKSPACES).await.0,
        404
    );
    assert_eq!(
        in_azure(&scenario, &names::account("foundry"), ACCOUNTS).await.0,
        404
    );
}

/// What the chart gives an operator of all namespaces.
fn rights_everywhere(scenario: &Scenario) -> String {
    let name = &scenario.namespace;
    let system = &scenario.system_namespace;
    let kinds = ["aihubs", "aiservicesaccounts", "aiprojects"];
    let status = kinds.map(|kind| format!("{kind}/status")).join(", ");
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{ name: {name} }}\nrules:\n\
         - {{ apiGroups: [keyholder.dev], resources: [{}], verbs: [get, list, watch, patch] }}\n\
         - {{ apiGroups: [keyholder.dev], resources: [{status}], verbs: [patch] }}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{ name: {name} }}\n\
         roleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name} }}\n\
         subjects: [{{ kind: ServiceAccount, name: keyholder, namespace: {system} }}]\n",
        kinds.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn all_goes_in_order_with_its_namespace() {
    let scenario = start("project-namespace").await;
    let hub_and_project = format!(
        "{}---\n{}",
        hub("research"),
        project("churn", "AIHub", "research")
    );
    let account_and_agent = format!(
        "{}---\n{}",
        account("foundry"),
        project("agent", "AIServicesAccount", "foundry")
    );
    apply(&scenario, &format!("{hub_and_project}---\n{account_and_agent}"));
    for project in [CHURN, "AIProject/agent"] {
        scenario.until_ready(project).await.unwrap();
    }
    // The chart's Role for a single namespace would go with it.
    scenario
        .apply_in("default", &rights_everywhere(&scenario))
        .unwrap()
        .ok()
        .unwrap();
    scenario
        .run(&["delete", "namespace", &scenario.namespace, "--wait=false"])
        .unwrap()
        .ok()
        .unwrap();
    for object in [
        CHURN,
        "AIProject/agent",
        "AIHub/research",
        "AIServicesAccount/foundry",
    ] {
        scenario.until_gone(object).await.unwrap();
    }
    let (hub, account) = (names::hub("research"), names::account("foundry"));
    let order = deletions(
        &scenario,
        &[
            names::hub("churn"),
            hub,
            format!("{account}/projects/agent"),
            account,
        ],
    )
    .await;
    assert!(order[0] < order[1] && order[2] < order[3], "{order:?}");
    // Nothing was tried that Azure would refuse.
    let refused: Vec<_> = operator_log(&scenario)
        .await
        .into_iter()
        .filter(|one| one.method == "DELETE" && one.status >= 400)
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_somebody_changes_is_put_back_and_anybodys_project_is_left_alone() {
    let scenario = start("project-drift").await;
    apply(
        &scenario,
        &format!(
            "{}---\n{}",
            hub("research"),
            project("churn", "AIHub", "research")
        ),
    );
    scenario.until_ready(CHURN).await.unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let changed = json!({ "properties": { "friendlyName": "Somebody's" } });
    alice
        .patch(&names::hub("churn"), WORKSPACES, &changed)
        .await
        .unwrap();
    let churn = names::hub("churn");
    until_patched(&scenario, &churn, 1).await;
    scenario.until_ready(CHURN).await.unwrap();
    let patches = until_patched(&scenario, &churn, 1).await;
    assert_eq!(patches, [json!({ "properties": { "friendlyName": "churn" } })]);

    let theirs = json!({
        "kind": "Project", "location": names::LOCATION, "identity": { "type": "SystemAssigned" },
        "properties": { "hubResourceId": names::hub("research") },
    });
    alice
        .put(&names::hub("theirs"), WORKSPACES, &theirs)
        .await
        .unwrap();
    apply(&scenario, &project("theirs", "AIHub", "research"));
    scenario
        .until_says("AIProject/theirs", "Provisioned", "NotOwned")
        .await
        .unwrap();
    assert!(writes(&scenario, "theirs").await.is_empty());
}
