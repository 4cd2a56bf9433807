//! Accounts of Azure AI services: made, read, changed, listed, deleted.

use serde_json::{Value, json};

use crate::account_requests::{account, change, own, plain};
use crate::common::{Azure, BARE, GROUP, HUB_KEYS, SUBSCRIPTION, identity};

#[tokio::test]
async fn a_creation_says_201_and_is_not_done() {
    let azure = Azure::with(&json!({ "operationSeconds": 3600 })).await;
    let begun = azure.put(&account("ai"), &plain()).await.expect(201);
    assert_eq!(begun.at("/properties/provisioningState"), "Creating");
    assert_eq!(begun.header("retry-after"), "1");
    assert_eq!(begun.header("location"), "");
    let operation = azure.get(begun.header("azure-asyncoperation")).await.expect(200);
    assert_eq!(operation.at("/status"), "InProgress");
    let found = azure.get(&account("ai")).await.expect(200);
    assert_eq!(found.at("/properties/provisioningState"), "Creating");

    // The same joins it; anything else has to wait.
    let again = azure.put(&account("ai"), &plain()).await.expect(201);
    assert_eq!(
        begun.header("azure-asyncoperation"),
        again.header("azure-asyncoperation")
    );
    let mut other = plain();
    other["sku"]["name"] = json!("S1");
    for answer in [
        azure.put(&account("ai"), &other).await,
        azure.patch(&account("ai"), &json!({ "tags": {} })).await,
        azure.delete(&account("ai")).await,
    ] {
        let text = "Another operation is being performed on the parent resource";
        answer.refused(409, "RequestConflict", text);
    }
    azure
        .settings(&json!({ "accounts": { "busy": "NotTerminal" } }))
        .await;
    azure
        .delete(&account("ai"))
        .await
        .refused(409, "RequestConflict", "provisioning state is not terminal");
}

#[tokio::test]
async fn an_account_as_it_is_read() {
    let azure = Azure::start().await;
    let mut body = plain();
    body["tags"] = json!({ "team": "research" });
    body["identity"]["type"] = json!("SystemAssigned,UserAssigned");
    body["properties"] = json!({
        "customSubDomainName": "Contoso",
        "allowProjectManagement": true,
        "disableLocalAuth": true,
        "networkAcls": { "bypass": "AzureServices", "defaultAction": "Deny" },
        "provisioningState": "Failed",
        "endpoint": "https://nowhere/",
    });
    // What only answers have, and another spelling, are in no published request.
    let begun = azure
        .send("careless", "PUT", &account("ai"), Some(&body))
        .await
        .expect(201);
    let made = azure.done("ai", &begun).await;
    assert_eq!(made["id"], account("ai"));
    assert_eq!(made["type"], "Microsoft.CognitiveServices/accounts");
    assert_eq!(made["kind"], "AIServices");
    assert_eq!(made["tags"], body["tags"]);
    assert_eq!(made["identity"]["type"], "SystemAssigned, UserAssigned");
    assert!(made["identity"]["principalId"].is_string());
    let assigned = &made["identity"]["userAssignedIdentities"][identity("hub-keys")];
    assert_eq!(assigned["principalId"], HUB_KEYS);
    assert_eq!(assigned["clientId"], azure.client_id("hub-keys").await);
    let properties = &made["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(
        properties["endpoint"],
        "https://contoso.cognitiveservices.azure.com/"
    );
    assert_eq!(properties["publicNetworkAccess"], "Enabled");
    assert_eq!(properties["allowProjectManagement"], true);
    assert!(properties["dateCreated"].is_string());
    assert_eq!(properties.get("encryption"), None);

    // Each change has an etag of its own; tags of a PATCH replace them all.
    let patch = json!({ "tags": { "cost": "7" }, "properties": { "disableLocalAuth": false } });
    let after = azure.patch(&account("ai"), &patch).await.expect(200);
    assert_ne!(after.at("/etag"), &made["etag"]);
    assert!(made["etag"].as_str().unwrap().starts_with('"'));
    assert_eq!(after.at("/tags"), &json!({ "cost": "7" }));
    assert_eq!(after.at("/properties/disableLocalAuth"), false);
    assert_eq!(after.at("/properties/networkAcls/defaultAction"), "Deny");
    assert_eq!(
        after.at("/identity/principalId"),
        &made["identity"]["principalId"]
    );

    // A PUT says everything, but not what is set once.
    let mut again = plain();
    again.as_object_mut().unwrap().remove("identity");
    let after = azure.put(&account("ai"), &again).await.expect(200);
    assert_eq!(after.at("/properties/networkAcls"), &Value::Null);
    assert_eq!(after.at("/tags"), &Value::Null);
    assert_eq!(after.at("/properties/customSubDomainName"), "Contoso");
    assert_eq!(
        after.at("/identity/principalId"),
        &made["identity"]["principalId"]
    );
    assert_eq!(azure.get(&account("ai")).await.body, after.body);
}

#[tokio::test]
async fn the_region_names_the_endpoint_without_a_subdomain() {
    let azure = Azure::start().await;
    let made = azure.make("ai", &plain()).await;
    assert_eq!(
        made["properties"]["endpoint"],
        "https://westeurope.api.cognitive.microsoft.com/"
    );
}

#[tokio::test]
async fn wrong_bodies() {
    let azure = Azure::start().await;
    let absent = |name: &str| {
        let mut body = plain();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    for name in ["kind", "location", "sku"] {
        azure.put(&account("ai"), &absent(name)).await.refused(
            400,
            "InvalidRequestContent",
            &format!("'{name}'"),
        );
    }
    for (properties, part) in [
        (json!({ "encryptoin": {} }), "properties.encryptoin"),
        (
            json!({ "encryption": { "keySource": "Mine" } }),
            "properties.encryption.keySource",
        ),
        (json!({ "restore": "yes" }), "properties.restore"),
    ] {
        let mut body = plain();
        body["properties"] = properties;
        azure
            .put(&account("ai"), &body)
            .await
            .refused(400, "InvalidRequestContent", part);
    }
    for name in ["a", "-ai", &"a".repeat(65)] {
        let refused = azure.put(&account(name), &plain()).await;
        refused.refused(400, "InvalidResourceName", name);
    }
    azure.make("a_i.2-b", &plain()).await;
    azure.patch(&account("no"), &json!({})).await.expect(404);
    let version = format!("{}?api-version=2025-06-01", account("ai"));
    azure
        .put(&version, &plain())
        .await
        .refused(400, "NoRegisteredProviderFound", "2026-07-01");
}

#[tokio::test]
async fn projects_need_kind_and_identity() {
    let azure = Azure::start().await;
    let with = |kind: &str, identity: &str| {
        let mut body = plain();
        body["kind"] = json!(kind);
        body["identity"] = json!({ "type": identity });
        body["properties"]["allowProjectManagement"] = json!(true);
        body
    };
    for body in [with("OpenAI", "SystemAssigned"), with("AIServices", "None")] {
        azure
            .put(&account("ai"), &body)
            .await
            .refused(400, "BadRequest", "allowProjectManagement");
        azure.get(&account("ai")).await.expect(404);
    }
    azure.make("ai", &with("AIServices", "SystemAssigned")).await;
    let off = json!({ "properties": { "allowProjectManagement": false } });
    azure
        .patch(&account("ai"), &off)
        .await
        .refused(400, "BadRequest", "properties.allowProjectManagement");
    // The way back of an upgrade.
    let back = json!({ "kind": "OpenAI", "properties": { "allowProjectManagement": false } });
    let after = azure.patch(&account("ai"), &back).await.expect(200);
    assert_eq!(after.at("/kind"), "OpenAI");
    for kind in ["SpeechServices", "TextAnalytics"] {
        let other = json!({ "kind": kind });
        let refused = azure.patch(&account("ai"), &other).await;
        refused.refused(400, "BadRequest", "'kind'");
    }
    azure.settings(&json!({ "forbiddenChange": "Ignore" })).await;
    let speech = json!({ "kind": "SpeechServices" });
    let after = azure.patch(&account("ai"), &speech).await.expect(200);
    assert_eq!(after.at("/kind"), "OpenAI");
}

#[tokio::test]
async fn what_stays() {
    let azure = Azure::start().await;
    let mut body = plain();
    body["properties"]["customSubDomainName"] = json!("contoso");
    azure.make("ai", &body).await;
    azure.make("later", &plain()).await;
    let named = |name: &str| json!({ "properties": { "customSubDomainName": name } });
    azure
        .patch(&account("ai"), &named("fabrikam"))
        .await
        .refused(400, "BadRequest", "customSubDomainName");
    for answer in [
        azure.patch(&account("later"), &named("CONTOSO")).await,
        azure.put(&account("third"), &body).await,
    ] {
        answer.refused(409, "CustomDomainInUse", "pick a different name");
    }
    let after = azure
        .patch(&account("later"), &named("fabrikam"))
        .await
        .expect(200);
    assert_eq!(after.at("/properties/customSubDomainName"), "fabrikam");
    body["location"] = json!("northeurope");
    azure
        .put(&account("ai"), &body)
        .await
        .refused(409, "InvalidResourceLocation", "another location");
}

#[tokio::test]
async fn accounts_are_listed_whole_and_page_by_page() {
    let azure = Azure::with(&json!({ "pageSize": 2 })).await;
    for name in ["a1", "a2", "a3"] {
        azure.make(name, &azure.keyed("main", "one").await).await;
    }
    for scope in [SUBSCRIPTION, GROUP] {
        let path = format!("{scope}/providers/Microsoft.CognitiveServices/accounts");
        let first = azure.get(&path).await.expect(200);
        assert_eq!(first.at("/value").as_array().unwrap().len(), 2);
        let name = first.at("/value/1/properties/encryption/keyVaultProperties/keyName");
        assert_eq!(name, "one");
        let rest = azure
            .get(first.at("/nextLink").as_str().unwrap())
            .await
            .expect(200);
        assert_eq!(rest.at("/value/0/name"), "a3");
        assert_eq!(rest.at("/nextLink"), &Value::Null);
        let generic = azure
            .get(&format!(
                "{scope}/resources?api-version=2025-04-01&$expand=provisioningState\
                 &$filter=resourceType eq 'Microsoft.CognitiveServices/accounts'"
            ))
            .await
            .expect(200);
        assert_eq!(generic.at("/value/0/kind"), "AIServices");
        assert_eq!(generic.at("/value/0/provisioningState"), "Succeeded");
        assert_eq!(generic.at("/value/0/properties"), &Value::Null);
    }
}

#[tokio::test]
async fn rights_are_asked_for() {
    let azure = Azure::start().await;
    azure.make("ai", &plain()).await;
    for (who, method, action) in [
        ("stranger", "GET", "Microsoft.CognitiveServices/accounts/read"),
        ("reader", "PUT", "Microsoft.CognitiveServices/accounts/write"),
        ("reader", "PATCH", "Microsoft.CognitiveServices/accounts/write"),
        ("reader", "DELETE", "Microsoft.CognitiveServices/accounts/delete"),
    ] {
        let answer = azure.send(who, method, &account("ai"), Some(&plain())).await;
        answer.refused(403, "AuthorizationFailed", action);
    }
    let role = json!({
        "roleDefinitions": [{ "Name": "Account Writer", "Actions": ["Microsoft.CognitiveServices/accounts/*"] }],
        "roleAssignments": [{ "principal": "writer", "role": "Account Writer", "scope": GROUP }],
    });
    azure.control("POST", "/seed", Some(&role)).await.expect(200);
    azure
        .send("writer", "PUT", &account("other"), Some(&plain()))
        .await
        .refused(403, "LinkedAuthorizationFailed", "assign/action");
    let bare = format!("{BARE}/resourceGroups/bare/providers/Microsoft.CognitiveServices/accounts/ai");
    let mut body = plain();
    body["identity"] = json!({ "type": "SystemAssigned" });
    azure.put(&bare, &body).await.refused(
        409,
        "MissingSubscriptionRegistration",
        "Microsoft.CognitiveServices",
    );
    let register = format!("{BARE}/providers/Microsoft.CognitiveServices/register?api-version=2025-04-01");
    azure.send("owner", "POST", &register, None).await.expect(200);
    azure.put(&bare, &body).await.expect(201);
}

#[tokio::test]
async fn codes_of_the_other_answer() {
    let azure = Azure::with(&json!({ "accounts": { "answers": "Accepted" } })).await;
    let body = plain();
    let begun = azure.put(&account("ai"), &body).await.expect(202);
    assert_eq!(begun.body, Value::Null);
    assert_ne!(begun.header("location"), "");
    azure.done("ai", &begun).await;
    let keyed = change(&own("main", "one", &azure.client_id("hub-keys").await));
    let begun = azure.patch(&account("ai"), &keyed).await.expect(202);
    assert_eq!(begun.body, Value::Null);
    azure.done("ai", &begun).await;
}

#[tokio::test]
async fn an_account_of_a_seed_is_as_one_that_was_made() {
    let azure = Azure::start().await;
    let made = azure.keyed("main", "one").await;
    let seed = json!({ "accounts": [{ "id": account("ai"), "body": made }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let found = azure.get(&account("ai")).await.expect(200);
    assert_eq!(found.at("/properties/provisioningState"), "Succeeded");
    assert_eq!(
        found.at("/properties/encryption/keyVaultProperties/keyName"),
        "one"
    );
    azure.put(&account("ai"), &made).await.expect(200);
    for (id, body, part) in [
        (
            crate::common::workspace("ai"),
            plain(),
            "is no Microsoft.CognitiveServices/accounts",
        ),
        (account("ai"), json!({ "kind": "AIServices" }), "'location'"),
    ] {
        let seed = json!({ "accounts": [{ "id": id, "body": body }] });
        let answer = azure.control("POST", "/seed", Some(&seed)).await.expect(400);
        crate::common::assert_has(&answer.text, part);
    }
}
