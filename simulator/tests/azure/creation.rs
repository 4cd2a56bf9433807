//! A hub's creation: accepted, under way, there.

use serde_json::{Value, json};

use crate::common::{Azure, HUB_KEYS, hub, identity, managed_group, plain_hub, workspace};

#[tokio::test]
async fn a_hub_with_a_managed_group() {
    let azure = Azure::with(&json!({ "retryAfterSeconds": 17 })).await;
    let accepted = azure
        .put(&workspace("hub"), &hub("main", "one"))
        .await
        .expect(202);
    assert_eq!(accepted.text, "");
    assert_eq!(accepted.header("retry-after"), "17");
    let operation = accepted.header("azure-asyncoperation").to_owned();
    assert!(
        operation.starts_with(&azure.url("/subscriptions/")),
        "{operation}"
    );
    assert_eq!(accepted.header("location"), format!("{operation}&monitor=true"));

    let end = azure.finish(&accepted).await;
    assert_eq!(end["status"], "Succeeded");
    let time = |name: &str| -> jiff::Timestamp { end[name].as_str().unwrap().parse().unwrap() };
    assert!(time("startTime") < time("endTime"), "{end}");
    assert!(end.get("error").is_none());

    let hub = azure.get(&workspace("hub")).await.expect(200).body;
    assert_eq!(hub["id"], workspace("hub"));
    assert_eq!(hub["kind"], "Hub");
    let properties = &hub["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["hbiWorkspace"], true);
    assert_eq!(properties["tenantId"], crate::common::TENANT);
    assert!(
        properties["workspaceId"]
            .as_str()
            .is_some_and(|id| id.len() == 36)
    );
    let assigned = &hub["identity"]["userAssignedIdentities"][identity("hub-keys")];
    assert_eq!(assigned["principalId"], HUB_KEYS);

    let group = managed_group(&hub);
    assert!(group.contains("/azureml-rg-hub_"), "{group}");
    let found = azure.get(&group).await.expect(200);
    assert_eq!(found.at("/location"), "westeurope");
    let inside = azure.get(&format!("{group}/resources")).await.expect(200);
    let kinds: Vec<&str> = inside
        .at("/value")
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["type"].as_str())
        .collect();
    assert_eq!(
        kinds,
        [
            "Microsoft.DocumentDB/databaseAccounts",
            "Microsoft.Search/searchServices",
            "Microsoft.Storage/storageAccounts",
        ]
    );
    for one in inside.at("/value").as_array().unwrap() {
        let id = one["id"].as_str().unwrap();
        let whole = azure.get(id).await.expect(200);
        let state = whole.at("/properties/provisioningState").as_str().unwrap();
        assert!(state.eq_ignore_ascii_case("Succeeded"), "{state}");
    }
}

#[tokio::test]
async fn a_hub_while_it_is_created() {
    let azure = Azure::with(&json!({ "operationSeconds": 3600 })).await;
    let accepted = azure
        .put(&workspace("hub"), &hub("main", "one"))
        .await
        .expect(202);
    let operation = azure
        .get(accepted.header("azure-asyncoperation"))
        .await
        .expect(200);
    assert_eq!(operation.at("/status"), "InProgress");
    assert_eq!(operation.header("retry-after"), "1");
    let monitor = azure.get(accepted.header("location")).await.expect(202);
    assert_eq!(monitor.header("location"), accepted.header("location"));
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(hub.at("/properties/provisioningState"), "Creating");
    assert_eq!(
        hub.at("/properties/serviceProvisionedResourceGroup"),
        &Value::Null
    );
}

#[tokio::test]
async fn the_location_url_ends_with_the_hub_or_with_the_refusal() {
    let azure = Azure::start().await;
    for (name, vault, status) in [("good", "main", 200), ("bad", "loose", 400)] {
        let accepted = azure.put(&workspace(name), &hub(vault, "one")).await.expect(202);
        let url = accepted.header("location").to_owned();
        azure.finish(&accepted).await;
        let end = azure.get(&url).await.expect(status);
        if status == 200 {
            assert_eq!(end.at("/name"), name);
        } else {
            end.refused(400, "BadRequest", "purge protection");
        }
    }
}

#[tokio::test]
async fn a_service_side_hub_has_no_group() {
    let azure = Azure::start().await;
    let mut body = hub("main", "one");
    body["properties"]["enableServiceSideCMKEncryption"] = json!(true);
    let hub = azure.create("hub", &body).await;
    assert_eq!(hub["properties"]["serviceProvisionedResourceGroup"], Value::Null);
    assert_eq!(hub["properties"]["hbiWorkspace"], true);
    assert_eq!(groups(&azure).await, ["ai"]);
}

#[tokio::test]
async fn a_hub_with_microsofts_keys_has_neither_group_nor_flag() {
    let azure = Azure::start().await;
    let hub = azure.create("hub", &plain_hub()).await;
    assert_eq!(hub["properties"]["serviceProvisionedResourceGroup"], Value::Null);
    assert_eq!(hub["properties"]["hbiWorkspace"], Value::Null);
    assert_eq!(hub["properties"]["encryption"], Value::Null);
    assert!(hub["identity"]["principalId"].is_string());
    assert_eq!(groups(&azure).await, ["ai"]);
}

#[tokio::test]
async fn the_same_put_joins_and_another_does_not() {
    let azure = Azure::with(&json!({ "operationSeconds": 3600 })).await;
    let hub_url = workspace("hub");
    let first = azure.put(&hub_url, &hub("main", "one")).await.expect(202);
    let again = azure.put(&hub_url, &hub("main", "one")).await.expect(202);
    assert_eq!(
        first.header("azure-asyncoperation"),
        again.header("azure-asyncoperation")
    );
    for answer in [
        azure.put(&hub_url, &hub("main", "two")).await,
        azure.patch(&hub_url, &json!({ "tags": {} })).await,
        azure.delete(&hub_url).await,
    ] {
        answer.refused(409, "Conflict", "Another operation is in progress");
    }
}

#[tokio::test]
async fn a_failed_creation_can_be_made_good() {
    let azure = Azure::start().await;
    let message = azure.fail("hub", &hub("loose", "one")).await;
    crate::common::assert_has(&message, "purge protection");
    let failed = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(failed.at("/properties/provisioningState"), "Failed");
    assert_eq!(groups(&azure).await, ["ai"]);
    let made = azure.create("hub", &hub("main", "one")).await;
    assert_eq!(
        made["properties"]["encryption"]["keyVaultProperties"]["keyVaultArmId"],
        crate::common::vault("main")
    );
    assert_eq!(groups(&azure).await.len(), 2);
}

#[tokio::test]
async fn the_system_assigned_identity_stays_the_same() {
    let azure = Azure::start().await;
    let principal = azure.create("hub", &plain_hub()).await["identity"]["principalId"].clone();
    let mut body = plain_hub();
    body["tags"] = json!({ "a": "b" });
    let after = azure.put(&workspace("hub"), &body).await.expect(200);
    assert_eq!(after.at("/identity/principalId"), &principal);
    let change = json!({ "identity": { "type": "SystemAssigned,UserAssigned",
        "userAssignedIdentities": { identity("hub-keys"): {} } } });
    let after = azure.patch(&workspace("hub"), &change).await.expect(200);
    assert_eq!(after.at("/identity/principalId"), &principal);
}

async fn groups(azure: &Azure) -> Vec<String> {
    let list = azure
        .get(&format!("{}/resourceGroups", crate::common::SUBSCRIPTION))
        .await
        .expect(200);
    list.at("/value")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}
