//! "Tell me when Azure refuses for reasons of its own: policies, quotas, locks, too many requests."

use serde_json::{Value, json};
use testbed::Scenario;
use testbed::azure::{Exchange, Seed, names};
use testbed::binaries::repository;

use crate::common::{example, hub, merge, operator_log, settings, start, writes};

const KIND: &str = "Microsoft.MachineLearningServices/workspaces";
const POLICIES: &str = "2024-04-01";
const LOCKS: &str = "2020-05-01";
const CALCULATOR: &str = "https://azure.microsoft.com/pricing/calculator/";
const DEFINITION: &str =
    "/providers/Microsoft.Authorization/policyDefinitions/438c38d2-3772-465a-a9cc-7a6666a275ce";

fn authorization(scope: &str, kind: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/{kind}/{name}")
}

/// A policy that wants hubs closed to the public.
fn policy(effect: &str) -> Value {
    json!({
        "id": authorization(&names::subscription(), "policyAssignments", "closed-hubs"),
        "displayName": "Closed hubs",
        "definition": DEFINITION,
        "definitionName": "Machine Learning Workspaces should disable public network access",
        "effect": effect,
        "if": [
            { "field": "type", "equals": KIND },
            { "field": format!("{KIND}/publicNetworkAccess"), "notEquals": "Disabled" },
        ],
        "operations": [{ "field": format!("{KIND}/publicNetworkAccess"), "value": "Disabled" }],
    })
}

async fn with(name: &str, seed: impl FnOnce(&mut Seed) + Send + 'static) -> Scenario {
    let mut settings = settings(name);
    settings.seed = Box::new(seed);
    Scenario::start(settings).await.unwrap()
}

/// Somebody who may takes something away.
async fn delete(scenario: &Scenario, id: &str, version: &str) {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    alice.delete(id, version).await.unwrap();
}

async fn quota(scenario: &Scenario, kind: &str, limit: u32) {
    let quota = json!({ "quotas": [{
        "subscription": names::SUBSCRIPTION, "location": names::LOCATION, "type": kind, "limit": limit,
    }] });
    scenario.azure.control().seed(&quota.to_string()).await.unwrap();
}

fn check(hub: &testbed::Object, name: &str) -> (String, String) {
    let checks = hub
        .at("/status/preflight")
        .as_array()
        .cloned()
        .unwrap_or_default();
    let found = checks.iter().find(|one| one["check"] == name);
    let text = |field: &str| {
        found
            .and_then(|one| one[field].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    (text("result"), text("message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_roles_can_ask_and_the_bill_is_told() {
    let scenario = start("limits-roles").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    for name in ["Policy", "Cost"] {
        assert_eq!(check(&ready, name).0, "Passed", "{name}: {ready}");
    }
    assert_eq!(check(&ready, "Cost").1, "", "{ready}");
    let alive = ready.condition("ManagedResourceGroupHealthy").unwrap();
    assert!(alive.message.contains(CALCULATOR), "{ready}");
    let events = scenario
        .run(&["get", "events", "--output=json"])
        .unwrap()
        .ok()
        .unwrap();
    assert_eq!(events.matches("BillableResources").count(), 1, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denying_policy_is_told_before_anything_is_created() {
    let scenario = with("limits-deny", |seed| {
        seed.add("policyAssignments", policy("deny"));
    })
    .await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "PrerequisitesMet", "PolicyDenied")
        .await
        .unwrap();
    let message = told.condition("PrerequisitesMet").unwrap().message;
    for part in [
        DEFINITION,
        "policyAssignments/closed-hubs",
        "publicNetworkAccess",
        "az policy exemption create",
    ] {
        assert!(message.contains(part), "no {part} in {message}");
    }
    assert!(told.is("Stalled", "True"), "{told}");
    assert!(check(&told, "Cost").1.contains(CALCULATOR), "{told}");
    assert!(writes(&scenario, "research").await.is_empty());
    let assignment = authorization(&names::subscription(), "policyAssignments", "closed-hubs");
    delete(&scenario, &assignment, POLICIES).await;
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_is_refused_and_cured_as_its_page_says() {
    let scenario = with("limits-example", |_| {}).await;
    let page = std::fs::read_to_string(repository().join("examples/policy-denial/README.md")).unwrap();
    let (_, rest) = page.split_once("<<'SEED'\n").unwrap();
    let (seed, _) = rest.split_once("SEED\n").unwrap();
    scenario.azure.control().seed(seed).await.unwrap();
    scenario.apply(&example("policy-denial")).unwrap().ok().unwrap();
    scenario
        .until_says("open-hub", "PrerequisitesMet", "PolicyDenied")
        .await
        .unwrap();
    let closed = r#"{"spec":{"publicNetworkAccess":"Disabled"}}"#;
    assert!(page.contains(closed), "{page}");
    merge(&scenario, "open-hub", closed);
    scenario.until_ready("open-hub").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_not_allowed_blocks_nothing_and_the_refusal_names_the_policy() {
    let scenario = with("limits-403", |seed| {
        seed.add("policyAssignments", policy("deny"));
        let actions = seed.value()["roleDefinitions"][0]["Actions"]
            .as_array_mut()
            .unwrap();
        actions.retain(|one| {
            let one = one.as_str().unwrap_or_default();
            !one.contains("checkPolicyRestrictions") && !one.contains("usages")
        });
    })
    .await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "Provisioned", "PolicyDenied")
        .await
        .unwrap();
    assert_eq!(check(&told, "Policy").0, "Unknown", "{told}");
    assert_eq!(check(&told, "Quota").0, "Unknown", "{told}");
    let message = told.condition("Provisioned").unwrap().message;
    for part in [
        "Machine Learning Workspaces should disable public network access",
        "policyAssignments/closed-hubs",
        "properties.publicNetworkAccess NotEquals Disabled",
        "az policy assignment show --name closed-hubs",
    ] {
        assert!(message.contains(part), "no {part} in {message}");
    }
    // The spec is what the user can change.
    let closed = hub("research").replace("  tags:", "  publicNetworkAccess: Disabled\n  tags:");
    scenario.apply(&closed).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_undoes_a_change_is_told_and_not_fought() {
    let scenario = with("limits-modify", |seed| {
        seed.add("policyAssignments", policy("modify"));
    })
    .await;
    let open = hub("research").replace("  tags:", "  publicNetworkAccess: Enabled\n  tags:");
    scenario.apply(&open).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "Provisioned", "PolicyModifies")
        .await
        .unwrap();
    let message = told.condition("Provisioned").unwrap().message;
    assert!(message.contains("publicNetworkAccess to Disabled"), "{message}");
    assert!(message.contains("policyAssignments/closed-hubs"), "{message}");
    let written = writes(&scenario, "research").await;
    assert_eq!(written.len(), 2, "one PUT and one PATCH: {written:?}");
    // Looked at again, and not written again.
    let asks = format!(
        "{}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
        names::group(names::AI_GROUP)
    );
    scenario.until_asked(&asks, 2).await.unwrap();
    assert_eq!(writes(&scenario, "research").await.len(), 2);
    let assignment = authorization(&names::subscription(), "policyAssignments", "closed-hubs");
    delete(&scenario, &assignment, POLICIES).await;
    scenario.until_ready("research").await.unwrap();
    assert_eq!(writes(&scenario, "research").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_told_before_anything_is_created() {
    let mut settings = settings("limits-quota");
    let predicts = ("KEYHOLDER_PREDICT_QUOTAS".to_owned(), "true".to_owned());
    settings.environment.push(predicts);
    settings.is_untyped = true;
    let scenario = Scenario::start(settings).await.unwrap();
    quota(&scenario, "Microsoft.Search/searchServices", 0).await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "PrerequisitesMet", "QuotaExceeded")
        .await
        .unwrap();
    let message = told.condition("PrerequisitesMet").unwrap().message;
    assert!(message.contains("basic: 0 of 0, standard: 0 of 0"), "{message}");
    assert!(writes(&scenario, "research").await.is_empty());
    quota(&scenario, "Microsoft.Search/searchServices", 16).await;
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_recognised_inside_the_operation_whatever_it_is_wrapped_in() {
    let scenario = start("limits-envelopes").await;
    let control = scenario.azure.control();
    // ARM tells nothing of Cosmos DB.
    let (cosmos, search) = (
        "Microsoft.DocumentDB/databaseAccounts",
        "Microsoft.Search/searchServices",
    );
    for (index, (kind, envelope)) in [
        (cosmos, "Plain"),
        (cosmos, "Text"),
        (search, "Flat"),
        (search, "Details"),
        (search, "Deployment"),
        (search, "Text"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("hub-{index}");
        control
            .settings(&json!({ "quotaEnvelope": envelope }))
            .await
            .unwrap();
        quota(&scenario, kind, 0).await;
        scenario.apply(&hub(&name)).unwrap().ok().unwrap();
        let told = scenario
            .until_says(&name, "Provisioned", "QuotaExceeded")
            .await
            .unwrap();
        assert!(told.is("Stalled", "True"), "{told}");
        quota(&scenario, kind, 100).await;
    }
    scenario.until_ready("hub-0").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_are_named_with_their_cure() {
    let scenario = start("limits-locks").await;
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let group = names::group(names::AI_GROUP);
    let frozen = authorization(&group, "locks", "frozen");
    let level = |level: &str| json!({ "properties": { "level": level } });
    alice.put(&frozen, LOCKS, &level("ReadOnly")).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let told = scenario
        .until_says("research", "Provisioned", "Locked")
        .await
        .unwrap();
    let message = told.condition("Provisioned").unwrap().message;
    assert!(
        message.contains("az lock list --resource-group rg-ai --subscription"),
        "{message}"
    );
    assert!(told.is("Stalled", "True"), "{told}");
    alice.delete(&frozen, LOCKS).await.unwrap();
    scenario.until_ready("research").await.unwrap();

    let kept = authorization(&names::hub("research"), "locks", "keep");
    alice.put(&kept, LOCKS, &level("CanNotDelete")).await.unwrap();
    scenario
        .azure
        .control()
        .settings(&json!({ "scopeLockedNames": "Lock" }))
        .await
        .unwrap();
    scenario
        .run(&["delete", "aihub", "research", "--wait=false"])
        .unwrap()
        .ok()
        .unwrap();
    let told = scenario
        .until("research", "Locked", |hub| hub.says("Provisioned", "Locked"))
        .await
        .unwrap();
    let message = told.condition("Provisioned").unwrap().message;
    assert!(
        message.contains(&format!("az lock delete --ids {kept}")),
        "{message}"
    );
    alice.delete(&kept, LOCKS).await.unwrap();
    scenario.until_gone("research").await.unwrap();
}

/// Seconds since an exchange.
fn seconds(from: &Exchange, to: &Exchange) -> f64 {
    let time = |one: &Exchange| one.at.parse::<jiff::Timestamp>().unwrap();
    time(to).duration_since(time(from)).as_secs_f64()
}

const OTHER: &str = "00000000-0000-0000-0000-000000000002";

/// A second subscription with what a hub rests on.
fn second_subscription(seed: &mut Seed) {
    let there = |id: String| id.replace(names::SUBSCRIPTION, OTHER);
    let providers = seed.value()["subscriptions"][0]["registeredProviders"].clone();
    seed.add(
        "subscriptions",
        json!({ "id": OTHER, "registeredProviders": providers }),
    );
    let place = |id: String| json!({ "id": id, "location": names::LOCATION });
    seed.add("resourceGroups", place(there(names::group(names::AI_GROUP))));
    let resource = |kind: &str, name: &str| there(names::resource(names::AI_GROUP, kind, name));
    seed.add(
        "storageAccounts",
        place(resource("Microsoft.Storage/storageAccounts", "aihubdata2")),
    );
    seed.add(
        "vaults",
        place(resource("Microsoft.KeyVault/vaults", "hub-secrets2")),
    );
    for role in ["Keyholder Observer", "Keyholder Writer"] {
        let scope = format!("/subscriptions/{OTHER}");
        seed.add(
            "roleAssignments",
            json!({ "principal": names::OPERATOR, "role": role, "scope": scope }),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_subscription_pauses_alone() {
    let scenario = with("limits-throttle", second_subscription).await;
    let throttled = json!({ "status": { "status": 429, "code": "SubscriptionRequestsThrottled", "message": "later",
        "headers": { "Retry-After": "15", "x-ms-ratelimit-remaining-subscription-reads": "0" } } });
    let fault = json!({ "principal": "operator", "method": "GET", "urlContains": names::hub("research"), "times": 1,
        "action": throttled });
    scenario.azure.control().fault(&fault).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    let first = names::hub("research").to_lowercase();
    scenario.until_asked(&first, 1).await.unwrap();
    // The other subscription's goes on meanwhile.
    let other = example("microsoft-managed")
        .replace(names::SUBSCRIPTION, OTHER)
        .replace("storageAccount: aihubdata", "storageAccount: aihubdata2")
        .replace("keyVault: hub-secrets", "keyVault: hub-secrets2")
        .replace("name: sandbox", "name: elsewhere");
    scenario.apply(&other).unwrap().ok().unwrap();
    scenario.until_ready("elsewhere").await.unwrap();
    scenario.until_ready("research").await.unwrap();
    let log = operator_log(&scenario).await;
    let refused = log.iter().find(|one| one.status == 429).unwrap();
    let (mut paused, mut elsewhere) = (Vec::new(), 0);
    for one in &log {
        let after = seconds(refused, one);
        if !(0.5..14.5).contains(&after) {
            continue;
        }
        if one.path().contains(OTHER) {
            elsewhere += 1;
        } else {
            paused.push(format!("{} {} after {after}", one.method, one.url));
        }
    }
    assert!(paused.is_empty(), "{paused:#?}");
    assert!(elsewhere > 0, "nothing was asked of the other subscription");
    assert_eq!(log.iter().filter(|one| one.status == 429).count(), 1);
    assert_eq!(writes(&scenario, "research").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_budget_is_kept_to() {
    let scenario = with("limits-budget", |seed| {
        seed.setting(
            "limits",
            json!({ "reads": 40, "readsPerSecond": 25, "writes": 20, "writesPerSecond": 10 }),
        );
    })
    .await;
    let manifests: Vec<String> = (0..10).map(|index| hub(&format!("hub-{index}"))).collect();
    scenario.apply(&manifests.join("\n---\n")).unwrap().ok().unwrap();
    for index in 0..10 {
        scenario.until_ready(&format!("hub-{index}")).await.unwrap();
    }
    let log = operator_log(&scenario).await;
    let refused = log.iter().filter(|one| one.status == 429).count();
    // Answers cross requests, the more the busier the machine is; without a budget most would be refused.
    assert!(
        refused * 10 <= log.len(),
        "{refused} of {} were refused",
        log.len()
    );
}
