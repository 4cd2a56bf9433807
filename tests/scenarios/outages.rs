//! Azure or Kubernetes in trouble: it is said, nothing wrong is written, and it heals by itself.

use serde_json::{Value, json};
use testbed::Scenario;
use testbed::azure::names;

use crate::common::{hub, in_azure, operator_log, settings, start, writes};

const UNREACHABLE: &str = "AzureUnreachable";
const INVALID: &str = "AzureAnswerInvalid";

/// What goes wrong with reads, and the reason that says so.
fn bad_reads() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("truncated", json!("truncate"), INVALID),
        ("wrong type", json!("wrongType"), INVALID),
        ("dropped", json!("dropBefore"), UNREACHABLE),
        (
            "500",
            json!({ "status": { "status": 500, "code": "InternalServerError", "message": "try again" } }),
            UNREACHABLE,
        ),
        (
            "throttled",
            json!({ "status": { "status": 429, "code": "TooManyRequests", "message": "slow down" } }),
            "Throttled",
        ),
        (
            "403",
            json!({ "status": { "status": 403, "code": "AuthorizationFailed", "message": "no" } }),
            "OperatorNotAuthorized",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_go_wrong_are_told_and_write_nothing() {
    let scenario = start("outage-reads").await;
    let control = scenario.azure.control();
    for (index, (what, action, reason)) in bad_reads().into_iter().enumerate() {
        let name = format!("hub-{index}");
        let fault = json!({ "principal": "operator", "method": "GET", "urlContains": format!("/workspaces/{name}"), "action": action });
        control.fault(&fault).await.unwrap();
        scenario.apply(&hub(&name)).unwrap().ok().unwrap();
        let told = scenario
            .until(&name, what, |hub| {
                hub.conditions().iter().any(|one| one.reason == reason)
            })
            .await
            .unwrap();
        assert!(!told.is("Ready", "True"), "{what}: {told}");
        assert!(writes(&scenario, &name).await.is_empty(), "{what}");
        control.clear_faults().await.unwrap();
        scenario.until_ready(&name).await.unwrap();
        assert_eq!(writes(&scenario, &name).await.len(), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_list_ends_and_a_ready_hub_stays_ready() {
    let scenario = start("outage-endless").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let fault = json!({ "principal": "operator", "method": "GET", "type": "microsoft.machinelearningservices/workspaces", "times": 3000, "action": "endlessList" });
    scenario.azure.control().fault(&fault).await.unwrap();
    let path = format!(
        "{}/providers/Microsoft.MachineLearningServices/workspaces",
        names::subscription()
    );
    scenario.until_asked(&path, 50).await.unwrap();
    scenario.azure.control().clear_faults().await.unwrap();
    scenario.until_asked(&path, 2).await.unwrap();
    scenario.until_ready("research").await.unwrap();
    assert_eq!(writes(&scenario, "research").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_whose_answer_is_lost_is_not_made_twice() {
    for (name, action) in [
        ("after", json!("dropAfter")),
        ("before", json!("dropBefore")),
        ("lag", json!({ "lagSeconds": 3 })),
    ] {
        let scenario = start(&format!("outage-{name}")).await;
        let fault = json!({ "principal": "operator", "method": "PUT", "nth": 1, "action": action });
        scenario.azure.control().fault(&fault).await.unwrap();
        scenario.apply(&hub("research")).unwrap().ok().unwrap();
        scenario.until_ready("research").await.unwrap();
        let accepted: Vec<_> = writes(&scenario, "research")
            .await
            .into_iter()
            .filter(|(_, status)| *status == 202)
            .collect();
        assert_eq!(accepted.len(), 1, "{name}: {accepted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_a_creation_have_their_reason() {
    let cases = [
        (403, "RequestDisallowedByPolicy", "PolicyDenied"),
        (409, "ScopeLocked", "Locked"),
        (409, "QuotaExceeded", "QuotaExceeded"),
        (400, "BadRequest", "ProvisioningFailed"),
    ];
    let scenario = start("outage-refused").await;
    for (index, (status, code, _)) in cases.iter().enumerate() {
        let name = format!("hub-{index}");
        let action = json!({ "status": { "status": status, "code": code, "message": "because" } });
        let url = format!("/workspaces/{name}");
        let fault = json!({ "principal": "operator", "method": "PUT", "urlContains": url, "action": action });
        scenario.azure.control().fault(&fault).await.unwrap();
        scenario.apply(&hub(&name)).unwrap().ok().unwrap();
    }
    for (index, (_, _, reason)) in cases.iter().enumerate() {
        let told = scenario
            .until(&format!("hub-{index}"), reason, |hub| {
                hub.conditions().iter().any(|one| one.reason == *reason)
            })
            .await
            .unwrap();
        assert!(
            told.conditions()
                .iter()
                .any(|one| one.message.contains("because")),
            "{told}"
        );
    }
    scenario.azure.control().clear_faults().await.unwrap();
    for index in 0..cases.len() {
        scenario.until_ready(&format!("hub-{index}")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_fails_inside_azure_is_told_and_tried_again() {
    let scenario = start("outage-inside").await;
    let action =
        json!({ "failOperation": { "code": "ServiceUnavailable", "message": "high demand in westeurope" } });
    let fault = json!({ "principal": "operator", "method": "PUT", "nth": 1, "action": action });
    scenario.azure.control().fault(&fault).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario
        .until("research", "told of the failure", |hub| {
            hub.condition("Provisioned")
                .is_some_and(|one| one.message.contains("high demand in westeurope"))
        })
        .await
        .unwrap();
    scenario.until_ready("research").await.unwrap();
    assert_eq!(writes(&scenario, "research").await.len(), 2);
    assert_eq!(
        in_azure(&scenario, "research").await.1["properties"]["provisioningState"],
        "Succeeded"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_azure_that_is_away_from_the_start_is_said_and_waited_for() {
    let mut settings = settings("outage-azure");
    settings.with_operator = false;
    let mut scenario = Scenario::start(settings).await.unwrap();
    let away = json!({ "principal": "operator", "action": "dropBefore" });
    scenario.azure.control().fault(&away).await.unwrap();
    let mut operator = testbed::Operator::start(scenario.operator_settings()).unwrap();
    operator.until_ready().await.unwrap();
    scenario.operator = Some(operator);
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario
        .until("research", UNREACHABLE, |hub| {
            hub.conditions().iter().any(|one| one.reason == UNREACHABLE)
        })
        .await
        .unwrap();
    scenario.azure.control().clear_faults().await.unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubernetes_that_is_away_is_waited_for() {
    let mut settings = settings("outage-kube");
    settings.with_proxy = true;
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let proxy = scenario.proxy.as_ref().unwrap();
    proxy.cut(true);
    scenario.apply(&hub("second")).unwrap().ok().unwrap();
    let path = format!(
        "{}/providers/Microsoft.MachineLearningServices/workspaces",
        names::subscription()
    );
    let asked = operator_log(&scenario).await.len();
    scenario.until_asked(&path, 2).await.unwrap();
    assert!(operator_log(&scenario).await.len() > asked);
    assert!(
        writes(&scenario, "second").await.is_empty(),
        "nothing is written to Azure before its intent is noted"
    );
    proxy.cut(false);
    scenario.until_ready("second").await.unwrap();
}

/// Each look at a trouble that lasts finds the same, whatever id Azure gives the request: it is written once.
#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_lasts_is_written_once() {
    let mut settings = settings("outage-lasting");
    settings.with_proxy = true;
    let scenario = Scenario::start(settings).await.unwrap();
    let elsewhere = hub("elsewhere").replace(
        &format!("subscriptionId: {}", names::SUBSCRIPTION),
        "subscriptionId: 00000000-0000-0000-0000-000000000002",
    );
    scenario.apply(&elsewhere).unwrap().ok().unwrap();
    scenario.apply(&hub("blind")).unwrap().ok().unwrap();
    let no = json!({ "status": { "status": 403, "code": "AuthorizationFailed", "message": "no" } });
    let fault =
        json!({ "principal": "operator", "method": "GET", "urlContains": "/workspaces/blind", "action": no });
    scenario.azure.control().fault(&fault).await.unwrap();
    for name in ["elsewhere", "blind"] {
        scenario
            .until_says(name, "Ready", "OperatorNotAuthorized")
            .await
            .unwrap();
    }
    let of_status = || {
        let writes = scenario.proxy.as_ref().unwrap().writes();
        writes.iter().filter(|one| one.path.ends_with("/status")).count()
    };
    let written = of_status();
    let asked = names::hub("elsewhere").replace(names::SUBSCRIPTION, "00000000-0000-0000-0000-000000000002");
    // Waiting times grow: three more looks take some seconds.
    scenario.until_asked(&asked, 3).await.unwrap();
    let more = of_status() - written;
    assert!(more <= 2, "{more} writes of a status that says the same");
    scenario.azure.control().clear_faults().await.unwrap();
    scenario.until_ready("blind").await.unwrap();
}
