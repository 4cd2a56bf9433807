//! "One tenant's namespace cannot use another's identity", and one replica works at a time.

use serde_json::json;
use testbed::Neighbour;
use testbed::scenario::PATIENCE;
use testbed::{Object, Operator, OperatorSettings, Scenario, object};

use crate::common::{account as account_of, hub, operator_log, settings, start, writes};

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

/// What a hostile tenant does to an account of another: it names it, asks to adopt it, and to have it purged.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_learns_nothing_of_anothers_account_and_cannot_touch_it() {
    const HOSTILE: &str = "tenants-hostile";
    let mut settings = settings("tenants");
    settings.neighbour = Some(Neighbour {
        namespace: HOSTILE.to_owned(),
        identity: "hostile".to_owned(),
        client_id: "66666666-0000-0000-0000-000000000001".to_owned(),
    });
    let scenario = Scenario::start(settings).await.unwrap();
    let secret = account_of("foundry").replace("team: research", "team: secret-project");
    scenario.apply(&secret).unwrap().ok().unwrap();
    scenario.until_ready("AIServicesAccount/foundry").await.unwrap();

    let stolen =
        account_of("foundry").replace("  deletionPolicy:", "  adoptionPolicy: Adopt\n  deletionPolicy:");
    scenario.apply_in(HOSTILE, &stolen).unwrap().ok().unwrap();
    let api = Object::api(scenario.client(), HOSTILE, "AIServicesAccount");
    let refused = |one: &Object| one.says("Ready", "OperatorNotAuthorized");
    let told = object::until(&api, "foundry", "refused", PATIENCE, refused)
        .await
        .unwrap();
    let status = told.at("/status").to_string();
    for learned in [
        "secret-project",
        "resourceId\":\"",
        "keyIdentifier",
        "principalId",
    ] {
        assert!(!status.contains(learned), "{learned} in {status}");
    }
    // Its object cannot go while nobody knows what is in Azure; without a wish to delete it can.
    let namespace = format!("--namespace={HOSTILE}");
    let delete = [
        &namespace,
        "delete",
        "aiservicesaccount",
        "foundry",
        "--wait=false",
    ];
    scenario.kubectl().ok(&delete).unwrap();
    let retain = r#"{"spec":{"deletionPolicy":"Retain"}}"#;
    let patch = [
        &namespace,
        "patch",
        "aiservicesaccount",
        "foundry",
        "--type=merge",
        "--patch",
        retain,
    ];
    scenario.kubectl().ok(&patch).unwrap();
    object::until_gone(&api, "foundry", PATIENCE).await.unwrap();

    let mut by_hostile = scenario.azure.control().log(0).await.unwrap();
    by_hostile.retain(|one| {
        one.principal.as_deref() == Some("hostile") && one.path().starts_with("/subscriptions")
    });
    assert!(!by_hostile.is_empty(), "the other identity was used");
    assert!(by_hostile.iter().all(|one| !one.is_write()), "{by_hostile:?}");
    assert!(
        scenario
            .hub("AIServicesAccount/foundry")
            .await
            .unwrap()
            .is_ready()
    );
}
