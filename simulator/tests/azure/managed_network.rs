//! Isolation is made tighter and never looser, and nobody but Microsoft has a say in the network of a managed resource group.

use serde_json::{Value, json};

use crate::common::{Azure, GROUP, hub, managed_group, plain_hub, workspace};

const MODE: &str = "/properties/managedNetwork/isolationMode";
const OPEN: &str = "Disabled";
const INTERNET: &str = "AllowInternetOutbound";
const APPROVED: &str = "AllowOnlyApprovedOutbound";

fn isolated(mode: &str) -> Value {
    json!({ "properties": { "managedNetwork": { "isolationMode": mode } } })
}

async fn made(azure: &Azure, mode: &str) -> Value {
    let mut body = plain_hub();
    body["properties"]["managedNetwork"] = json!({ "isolationMode": mode });
    azure.create("hub", &body).await
}

#[tokio::test]
async fn a_hub_is_made_with_each_mode() {
    for mode in [OPEN, INTERNET, APPROVED] {
        let azure = Azure::start().await;
        let hub = made(&azure, mode).await;
        assert_eq!(hub.pointer(MODE), Some(&json!(mode)));
        let status = hub.pointer("/properties/managedNetwork/status/status");
        assert_eq!(status, (mode != OPEN).then_some(&json!("Inactive")), "{mode}");
    }
}

#[tokio::test]
async fn it_is_made_tighter() {
    let azure = Azure::start().await;
    made(&azure, OPEN).await;
    let rules = json!({ "properties": { "managedNetwork": { "outboundRules": { "blob": { "type": "PrivateEndpoint" } } } } });
    for (change, mode) in [
        (isolated(INTERNET), INTERNET),
        (rules, INTERNET),
        (isolated(APPROVED), APPROVED),
    ] {
        let answer = azure.patch(&workspace("hub"), &change).await.expect(200);
        assert_eq!(answer.at(MODE), mode);
    }
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(
        hub.at("/properties/managedNetwork/outboundRules/blob/type"),
        "PrivateEndpoint"
    );
    assert_eq!(hub.at("/properties/managedNetwork/status/status"), "Inactive");
}

#[tokio::test]
async fn it_is_not_made_looser() {
    let azure = Azure::start().await;
    for (have, wanted) in [(INTERNET, OPEN), (APPROVED, INTERNET), (APPROVED, OPEN)] {
        let change = isolated(have);
        azure.settings(&json!({ "forbiddenChange": "Refuse" })).await;
        if azure.get(&workspace("hub")).await.status == 404 {
            made(&azure, have).await;
        }
        azure.patch(&workspace("hub"), &change).await.expect(200);
        let mut whole = plain_hub();
        whole["properties"]["managedNetwork"] = json!({ "isolationMode": wanted });
        let removed = json!({ "properties": { "managedNetwork": null } });
        for (method, body) in [("PATCH", &isolated(wanted)), ("PATCH", &removed), ("PUT", &whole)] {
            azure
                .send("owner", method, &workspace("hub"), Some(body))
                .await
                .refused(400, "BadRequest", "managedNetwork.isolationMode");
        }
        azure.settings(&json!({ "forbiddenChange": "Ignore" })).await;
        let kept = azure
            .patch(&workspace("hub"), &isolated(wanted))
            .await
            .expect(200);
        assert_eq!(kept.at(MODE), have);
    }
}

#[tokio::test]
async fn a_hub_without_one_says_so_or_nothing() {
    for shows in [true, false] {
        let settings = json!({ "workspaces": { "showDisabledNetwork": shows } });
        let azure = Azure::with(&settings).await;
        let hub = azure.create("hub", &plain_hub()).await;
        assert_eq!(hub.pointer(MODE), shows.then_some(&json!(OPEN)));
        azure
            .patch(&workspace("hub"), &isolated(APPROVED))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn who_isolates_makes_private_endpoints() {
    let azure = Azure::start().await;
    azure.create("hub", &plain_hub()).await;
    let may = async |action: &str| {
        let name = format!("Role for {action}");
        let action = format!("Microsoft.MachineLearningServices/workspaces/{action}");
        let seed = json!({
            "roleDefinitions": [{ "Name": name, "Actions": [action] }],
            "roleAssignments": [{ "principal": "stranger", "role": name, "scope": GROUP }],
        });
        azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    };
    let change = async |mode: &str| {
        azure
            .send("stranger", "PATCH", &workspace("hub"), Some(&isolated(mode)))
            .await
    };
    may("write").await;
    change(OPEN).await.expect(200);
    for right in [
        "privateEndpointConnections/read",
        "privateEndpointConnections/write",
    ] {
        change(INTERNET).await.refused(403, "AuthorizationFailed", right);
        may(right).await;
    }
    change(INTERNET).await.expect(200);
}

#[tokio::test]
async fn a_private_endpoint_brings_microsofts_network_into_the_managed_group() {
    let azure = Azure::start().await;
    let hub = azure.create("hub", &hub("main", "one")).await;
    let resources = format!("{}/resources", managed_group(&hub));
    let networks = async || -> Vec<Value> {
        let list = azure.get(&resources).await.expect(200);
        let items = list.at("/value").as_array().unwrap().clone();
        items
            .into_iter()
            .filter(|one| one["type"].as_str().unwrap().starts_with("Microsoft.Network/"))
            .collect()
    };
    assert_eq!(networks().await, [] as [Value; 0]);
    let made = json!({ "workspace": workspace("hub") });
    azure
        .control("POST", "/private-endpoints", Some(&made))
        .await
        .expect(200);
    let found = networks().await;
    let kinds: Vec<&str> = found.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "Microsoft.Network/privateEndpoints",
            "Microsoft.Network/virtualNetworks"
        ]
    );
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(hub.at("/properties/privateLinkCount"), 1);

    let network = format!("{}?api-version=2024-05-01", found[1]["id"].as_str().unwrap());
    let moved = json!({ "properties": { "addressSpace": { "addressPrefixes": ["10.1.0.0/16"] } } });
    for (method, body) in [("PATCH", Some(&moved)), ("PUT", Some(&moved)), ("DELETE", None)] {
        azure.send("owner", method, &network, body).await.refused(
            403,
            "DenyAssignmentAuthorizationFailed",
            "deny assignment",
        );
    }
    azure.get(&network).await.expect(200);
    let nobody = json!({ "workspace": workspace("nobody") });
    assert_eq!(
        azure
            .control("POST", "/private-endpoints", Some(&nobody))
            .await
            .status,
        404
    );
}
