//! "One tenant's namespace cannot use another's identity", and one replica works at a time.

use serde_json::json;
use testbed::{Operator, OperatorSettings, Scenario};

use crate::common::{hub, operator_log, settings, start, writes};

fn account(scenario: &Scenario, change: &[&str]) {
    let namespace = format!("--namespace={}", scenario.system_namespace);
    let mut all = vec![namespace.as_str(), "annotate", "--overwrite", "serviceaccount"];
    all.extend_from_slice(change);
    scenario.kubectl().ok(&all).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_no_identity_lists_gets_none() {
    let scenario = start("identity-none").await;
    account(&scenario, &["azure", "keyholder.dev/namespaces=elsewhere"]);
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario
        .until_says("research", "PrerequisitesMet", "NoIdentity")
        .await
        .unwrap();
    assert!(
        operator_log(&scenario).await.is_empty(),
        "nothing is asked of Azure"
    );
    account(
        &scenario,
        &["azure", "keyholder.dev/namespaces=elsewhere, identity-none"],
    );
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_two_identities_list_gets_none() {
    let scenario = start("identity-two").await;
    let namespace = format!("--namespace={}", scenario.system_namespace);
    scenario
        .kubectl()
        .ok(&[&namespace, "create", "serviceaccount", "second"])
        .unwrap();
    account(
        &scenario,
        &[
            "second",
            "azure.workload.identity/client-id=22222222-0000-0000-0000-000000000003",
            "azure.workload.identity/tenant-id=11111111-1111-1111-1111-111111111111",
            "keyholder.dev/namespaces=*",
        ],
    );
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "PrerequisitesMet", "NoIdentity")
        .await
        .unwrap();
    let message = told.condition("PrerequisitesMet").unwrap().message;
    assert!(
        message.contains("azure") && message.contains("second"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_entra_does_not_trust_is_told_with_entras_code() {
    let mut settings = settings("identity-untrusted");
    settings.seed = Box::new(|seed| {
        seed.value()["identities"][0]["federatedCredentials"][0]["subject"] =
            json!("system:serviceaccount:elsewhere:azure");
    });
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let told = scenario
        .until("research", "CredentialRejected", |hub| {
            hub.conditions()
                .iter()
                .any(|one| one.reason == "CredentialRejected")
        })
        .await
        .unwrap();
    assert!(
        told.conditions()
            .iter()
            .any(|one| one.message.contains("AADSTS700213")),
        "{told}"
    );
    assert!(writes(&scenario, "research").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_replica_waits_ready_and_takes_over() {
    let mut scenario = start("identity-replicas").await;
    let first = scenario.operator_settings();
    let mut second = Operator::start(OperatorSettings {
        replica: "second".into(),
        log: first.log.with_file_name("second.log"),
        ..first
    })
    .unwrap();
    second.until_ready().await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    assert!(
        !second.output().contains("this replica leads"),
        "{}",
        second.output()
    );
    scenario.operator().unwrap().terminate().await.unwrap();
    scenario.apply(&hub("second")).unwrap().ok().unwrap();
    scenario.until_ready("second").await.unwrap();
    assert!(second.output().contains("this replica leads"));
    assert_eq!(writes(&scenario, "second").await.len(), 1);
}
