//! "The hub's network is isolated as I declare, and nobody loosens it, not even by mistake."

use reqwest::Method;
use serde_json::{Value, json};
use testbed::Scenario;
use testbed::azure::names;

use crate::common::{WORKSPACES, example, in_azure, merge, settings, start, until_patched, writes};

const SENTENCE: &str = "Microsoft makes and keeps the virtual network of the managed resource group; it can be neither supplied nor re-addressed";
const NETWORKS: &str = "Microsoft.Network/virtualNetworks";

/// The example, with this isolation.
fn isolated(isolation: &str) -> String {
    example("managed-network")
        .replace("AllowOnlyApprovedOutbound\n", &format!("{isolation}\n"))
        .replace("deletionPolicy: Retain", "deletionPolicy: DeleteAndPurge")
}

fn to(isolation: &str) -> String {
    json!({ "spec": { "managedNetwork": { "isolation": isolation } } }).to_string()
}

async fn mode(scenario: &Scenario) -> String {
    let (_, body) = in_azure(scenario, "research").await;
    let mode = body.pointer("/properties/managedNetwork/isolationMode");
    mode.and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn patched(scenario: &Scenario) -> usize {
    let writes = writes(scenario, "research").await;
    writes.iter().filter(|(method, _)| method == "PATCH").count()
}

/// What kubectl says to a change that is refused.
fn refused(scenario: &Scenario, patch: &str) -> String {
    let said = scenario
        .run(&["patch", "aihub", "research", "--type=merge", "--patch", patch])
        .unwrap();
    assert!(!said.success, "{}", said.stdout);
    said.stderr
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_declared_made_tighter_and_never_looser() {
    let scenario = start("network-tighter").await;
    scenario
        .apply(&isolated("AllowInternetOutbound"))
        .unwrap()
        .ok()
        .unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    assert_eq!(mode(&scenario).await, "AllowInternetOutbound");
    assert_eq!(
        ready.text("/status/bound/managedNetworkIsolation"),
        "allowinternetoutbound"
    );
    let said = refused(&scenario, &to("Disabled"));
    assert!(
        said.contains("spec.managedNetwork.isolation") && said.contains("never looser"),
        "{said}"
    );

    merge(&scenario, "research", &to("AllowOnlyApprovedOutbound"));
    let ready = scenario.until_ready("research").await.unwrap();
    assert_eq!(mode(&scenario).await, "AllowOnlyApprovedOutbound");
    assert_eq!(
        ready.text("/status/bound/managedNetworkIsolation"),
        "allowonlyapprovedoutbound"
    );
    let all = writes(&scenario, "research").await;
    assert_eq!(all, [("PUT".to_owned(), 202), ("PATCH".to_owned(), 200)]);
    for looser in ["AllowInternetOutbound", "Disabled"] {
        let said = refused(&scenario, &to(looser));
        assert!(said.contains("kubectl apply a new AIHub"), "{said}");
    }
    // Left out, it stays.
    merge(&scenario, "research", r#"{"spec":{"managedNetwork":null}}"#);
    scenario.until_ready("research").await.unwrap();
    assert_eq!(mode(&scenario).await, "AllowOnlyApprovedOutbound");
    assert!(!refused(&scenario, &to("Disabled")).is_empty());
    assert_eq!(patched(&scenario).await, 1);
}

/// A hub that was made without one, whether Azure says so or tells nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_without_one_gets_one() {
    for shows in [true, false] {
        let mut settings = settings(&format!("network-later-{shows}"));
        settings.seed =
            Box::new(move |seed| seed.setting("workspaces", json!({ "showDisabledNetwork": shows })));
        let scenario = Scenario::start(settings).await.unwrap();
        let without = isolated("Disabled").replace("  managedNetwork:\n    isolation: Disabled\n", "");
        scenario.apply(&without).unwrap().ok().unwrap();
        scenario.until_ready("research").await.unwrap();
        merge(&scenario, "research", &to("Disabled"));
        scenario.until_ready("research").await.unwrap();
        assert_eq!(patched(&scenario).await, 0, "there is none, as declared");
        merge(&scenario, "research", &to("AllowInternetOutbound"));
        scenario.until_ready("research").await.unwrap();
        assert_eq!(mode(&scenario).await, "AllowInternetOutbound");
    }
}

/// As nobody can in Azure: the hub is another one than a moment ago.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_loosened_is_made_as_tight_as_declared() {
    let scenario = start("network-drift").await;
    let network = "  managedNetwork:\n    isolation: AllowOnlyApprovedOutbound\n  deletionPolicy:";
    let plain = example("microsoft-managed")
        .replace("name: sandbox", "name: research")
        .replace("  deletionPolicy:", network);
    scenario.apply(&plain).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    let (_, mut body) = in_azure(&scenario, "research").await;
    body["properties"]["managedNetwork"] = json!({ "isolationMode": "AllowInternetOutbound" });
    let seed = json!({ "workspaces": [{ "id": names::hub("research"), "body": body }] });
    scenario.azure.control().seed(&seed.to_string()).await.unwrap();
    assert_eq!(mode(&scenario).await, "AllowInternetOutbound");
    until_patched(&scenario, &names::hub("research"), 1).await;
    scenario.until_ready("research").await.unwrap();
    assert_eq!(mode(&scenario).await, "AllowOnlyApprovedOutbound");
    let patches = until_patched(&scenario, &names::hub("research"), 1).await;
    let only =
        json!({ "properties": { "managedNetwork": { "isolationMode": "AllowOnlyApprovedOutbound" } } });
    assert_eq!(patches.last(), Some(&only));
}

/// Azure gives no way back: it is told, nothing is written, and declaring what is there is the cure.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_somebody_tightened_is_told() {
    let scenario = start("network-raised").await;
    scenario
        .apply(&isolated("AllowInternetOutbound"))
        .unwrap()
        .ok()
        .unwrap();
    scenario.until_ready("research").await.unwrap();
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let body =
        json!({ "properties": { "managedNetwork": { "isolationMode": "AllowOnlyApprovedOutbound" } } });
    let hub = names::hub("research");
    let change = alice.send(Method::PATCH, &hub, WORKSPACES, Some(&body)).await;
    assert_eq!(change.unwrap().status, 200);
    let told = scenario
        .until_says("research", "TransitionAllowed", "ImmutableFieldChanged")
        .await
        .unwrap();
    assert!(told.is("Ready", "False") && told.is("Stalled", "True"), "{told}");
    let message = told.condition("TransitionAllowed").unwrap().message;
    assert!(
        message.contains("spec.managedNetwork.isolation")
            && message.contains("it is AllowOnlyApprovedOutbound"),
        "{message}"
    );
    merge(&scenario, "research", &to("AllowOnlyApprovedOutbound"));
    scenario.until_ready("research").await.unwrap();
    assert_eq!(patched(&scenario).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_ones_own_is_refused_with_the_reason() {
    let scenario = start("network-own").await;
    for field in ["virtualNetwork: mine", "addressPrefix: 10.0.0.0/16"] {
        let isolation = "isolation: AllowOnlyApprovedOutbound\n";
        let asks =
            isolated("AllowOnlyApprovedOutbound").replace(isolation, &format!("{isolation}    {field}\n"));
        let said = scenario.apply(&asks).unwrap();
        assert!(
            !said.success && said.stderr.contains(SENTENCE),
            "{field}: {}",
            said.stderr
        );
        let (name, _) = field.split_once(':').unwrap();
        assert!(
            said.stderr.contains(&format!("spec.managedNetwork.{name}")),
            "{}",
            said.stderr
        );
    }
    // A field that is not there does not go unheard either.
    let asks = isolated("Disabled").replace(
        "isolation: Disabled\n",
        "isolation: Disabled\n    subnetId: mine\n",
    );
    let said = scenario.apply(&asks).unwrap();
    assert!(
        !said.success && said.stderr.contains("subnetId"),
        "{}",
        said.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn microsofts_network_is_shown_and_is_nobody_elses() {
    let scenario = start("network-shown").await;
    scenario
        .apply(&isolated("AllowOnlyApprovedOutbound"))
        .unwrap()
        .ok()
        .unwrap();
    let ready = scenario.until_ready("research").await.unwrap();
    let group = ready.text("/status/managedResourceGroup/name").to_owned();
    scenario
        .azure
        .control()
        .private_endpoint(&names::hub("research"))
        .await
        .unwrap();
    let find = |hub: &testbed::Object| -> Option<Value> {
        let resources = hub.at("/status/managedResourceGroup/resources").as_array()?;
        resources.iter().find(|one| one["type"] == NETWORKS).cloned()
    };
    let shown = scenario
        .until("research", "shown with its network", |hub| find(hub).is_some())
        .await
        .unwrap();
    let network = find(&shown).unwrap();
    let name = network["name"].as_str().unwrap();
    assert_eq!(network["state"], "Succeeded");
    assert!(shown.is("Ready", "True"), "{shown}");
    assert!(shown.says("ManagedResourceGroupHealthy", "Complete"), "{shown}");
    let message = shown.condition("ManagedResourceGroupHealthy").unwrap().message;
    assert!(
        message.contains(name) && message.contains("neither supplied nor re-addressed"),
        "{message}"
    );

    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let moved = json!({ "properties": { "addressSpace": { "addressPrefixes": ["10.1.0.0/16"] } } });
    let id = names::resource(&group, NETWORKS, name);
    let refused = alice
        .send(Method::PATCH, &id, "2024-05-01", Some(&moved))
        .await
        .unwrap();
    assert_eq!(refused.status, 403);
    assert_eq!(refused.body["error"]["code"], "DenyAssignmentAuthorizationFailed");
}
