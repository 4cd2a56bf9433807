//! Projects of accounts: made, read, changed, listed, deleted.

use serde_json::{Value, json};

use crate::account_requests::{account, parent, project, project_body};
use crate::common::{Azure, GROUP, HUB_KEYS, SUBSCRIPTION, assert_has, identity};

#[tokio::test]
async fn a_project_as_it_is_made_and_read() {
    let azure = Azure::with_parent(&json!({})).await;
    let begun = azure.put(&project("chat"), &project_body()).await.expect(201);
    assert_eq!(begun.at("/properties/provisioningState"), "Creating");
    assert_eq!(begun.header("location"), "");
    assert_eq!(begun.header("retry-after"), "1");
    let made = azure.done_project("chat", &begun).await;
    assert_eq!(made["id"], project("chat"));
    assert_eq!(made["name"], "ai/chat");
    assert_eq!(made["type"], "Microsoft.CognitiveServices/accounts/projects");
    assert_eq!(made["location"], "westeurope");
    assert_eq!(made["tags"], json!({ "team": "research" }));
    assert!(made["identity"]["principalId"].is_string());
    assert!(made["etag"].as_str().unwrap().starts_with('"'));
    let properties = json!({
        "displayName": "Chat",
        "description": "Talks",
        "isDefault": true,
        "provisioningState": "Succeeded",
        "endpoints": { "AI Foundry API": "https://ai.services.ai.azure.com/api/projects/chat" },
    });
    assert_eq!(made["properties"], properties);

    // The first is the default; without a region one has that of its account.
    let mut second = project_body();
    second.as_object_mut().unwrap().remove("location");
    second["identity"] =
        json!({ "type": "UserAssigned", "userAssignedIdentities": { identity("hub-keys"): {} } });
    let begun = azure.put(&project("second"), &second).await.expect(201);
    let made = azure.done_project("second", &begun).await;
    assert_eq!(made["properties"]["isDefault"], false);
    assert_eq!(made["location"], "westeurope");
    let assigned = &made["identity"]["userAssignedIdentities"][identity("hub-keys")];
    assert_eq!(assigned["principalId"], HUB_KEYS);
}

#[tokio::test]
async fn a_subdomain_is_in_the_endpoint() {
    let azure = Azure::start().await;
    let mut account = parent();
    account["properties"]["customSubDomainName"] = json!("Contoso");
    azure.make("ai", &account).await;
    let endpoint = &azure.make_project("chat").await["properties"]["endpoints"]["AI Foundry API"];
    assert_eq!(
        endpoint,
        "https://contoso.services.ai.azure.com/api/projects/chat"
    );
}

#[tokio::test]
async fn whether_an_identity_is_needed() {
    let azure = Azure::with_parent(&json!({})).await;
    let mut without = project_body();
    without.as_object_mut().unwrap().remove("identity");
    let mut none = project_body();
    none["identity"] = json!({ "type": "None" });
    for body in [&without, &none] {
        azure
            .put(&project("chat"), body)
            .await
            .refused(400, "BadRequest", "needs a managed identity");
    }
    azure
        .settings(&json!({ "accounts": { "projectsNeedIdentity": false } }))
        .await;
    azure.put(&project("chat"), &without).await.expect(201);
}

#[tokio::test]
async fn wrong_bodies_and_names() {
    let azure = Azure::with_parent(&json!({})).await;
    let mut encrypted = project_body();
    encrypted["properties"]["encryption"] = json!({ "keySource": "Microsoft.KeyVault" });
    azure
        .send("careless", "PUT", &project("chat"), Some(&encrypted))
        .await
        .refused(400, "InvalidRequestContent", "properties.encryption");
    azure
        .put(&project("x"), &project_body())
        .await
        .refused(400, "InvalidResourceName", "'x'");
    let old = format!("{}?api-version=2026-05-01", project("chat"));
    azure
        .send("careless", "PUT", &old, Some(&project_body()))
        .await
        .refused(400, "NoRegisteredProviderFound", "accounts/projects");
}

#[tokio::test]
async fn changes() {
    let azure = Azure::with_parent(&json!({})).await;
    let made = azure.make_project("chat").await;
    let patch = json!({ "properties": { "displayName": "Better" } });
    let after = azure.patch(&project("chat"), &patch).await.expect(200);
    assert_eq!(after.at("/properties/displayName"), "Better");
    assert_eq!(after.at("/properties/description"), "Talks");
    assert_eq!(after.at("/properties/isDefault"), true);
    assert_eq!(after.at("/tags/team"), "research");
    assert_ne!(after.at("/etag"), &made["etag"]);
    assert_eq!(after.header("azure-asyncoperation"), "");
    assert_eq!(azure.get(&project("chat")).await.body, after.body);

    // Texts cannot be taken away; tags go with a PUT, an identity does not.
    for nothing in [
        json!({ "location": "westeurope" }),
        json!({ "properties": { "displayName": "", "description": null } }),
    ] {
        let after = azure.put(&project("chat"), &nothing).await.expect(200);
        assert_eq!(after.at("/properties/displayName"), "Better");
        assert_eq!(after.at("/properties/description"), "Talks");
        assert_eq!(after.at("/tags"), &Value::Null);
        assert_eq!(after.at("/identity"), &made["identity"]);
    }
    let mut moved = project_body();
    moved["location"] = json!("northeurope");
    azure
        .put(&project("chat"), &moved)
        .await
        .refused(409, "InvalidResourceLocation", "another location");
    azure
        .patch(&project("absent"), &patch)
        .await
        .refused(404, "ResourceNotFound", "absent");
}

#[tokio::test]
async fn the_kind_of_identity_stays() {
    let azure = Azure::with_parent(&json!({})).await;
    let made = azure.make_project("chat").await;
    let both = json!({ "identity": {
        "type": "SystemAssigned, UserAssigned", "userAssignedIdentities": { identity("hub-keys"): {} } } });
    azure.patch(&project("chat"), &both).await.refused(
        400,
        "BadRequest",
        "'identity.type' of the project 'chat'",
    );
    azure.settings(&json!({ "forbiddenChange": "Ignore" })).await;
    let after = azure.patch(&project("chat"), &both).await.expect(200);
    assert_eq!(after.at("/identity"), &made["identity"]);
    azure
        .settings(&json!({ "accounts": { "projectIdentityChanges": true } }))
        .await;
    let after = azure.patch(&project("chat"), &both).await.expect(200);
    assert_eq!(after.at("/identity/type"), "SystemAssigned, UserAssigned");
}

#[tokio::test]
async fn or_a_change_is_an_operation() {
    let settings = json!({ "accounts": { "projectChanges": "Operation" } });
    let azure = Azure::with_parent(&settings).await;
    azure.make_project("chat").await;
    let named = |name: &str| json!({ "properties": { "displayName": name } });
    for (method, status) in [("PUT", 200), ("PATCH", 202)] {
        let begun = azure
            .send("owner", method, &project("chat"), Some(&named(method)))
            .await
            .expect(status);
        assert_eq!(begun.at("/properties/provisioningState"), "Accepted");
        let made = azure.done_project("chat", &begun).await;
        assert_eq!(made["properties"]["provisioningState"], "Succeeded");
        assert_eq!(made["properties"]["displayName"], method);
    }
    let failing = json!({ "method": "PATCH", "times": 1,
        "action": { "failOperation": { "code": "InternalServerError", "message": "not now" } } });
    azure.fault(&failing).await;
    let begun = azure.patch(&project("chat"), &named("Lost")).await.expect(202);
    assert_eq!(azure.failure(&begun).await.0, "InternalServerError");
    let found = azure.get(&project("chat")).await.expect(200);
    assert_eq!(found.at("/properties/displayName"), "PATCH");
    assert_eq!(found.at("/properties/provisioningState"), "Succeeded");
}

#[tokio::test]
async fn codes_of_the_other_answer() {
    let azure = Azure::with(&json!({ "accounts": { "answers": "Accepted" } })).await;
    let begun = azure.put(&account("ai"), &parent()).await.expect(202);
    azure.done("ai", &begun).await;
    let begun = azure.put(&project("chat"), &project_body()).await.expect(202);
    assert_eq!(begun.body, Value::Null);
    azure.done_project("chat", &begun).await;
}

#[tokio::test]
async fn a_creation_that_failed_starts_anew() {
    let azure = Azure::with_parent(&json!({})).await;
    let failing = json!({ "method": "PUT", "times": 1,
        "action": { "failOperation": { "code": "InternalServerError", "message": "not now" } } });
    azure.fault(&failing).await;
    let begun = azure.put(&project("chat"), &project_body()).await.expect(201);
    azure.failure(&begun).await;
    let failed = azure.get(&project("chat")).await.expect(200);
    assert_eq!(failed.at("/properties/provisioningState"), "Failed");
    let made = azure.make_project("chat").await;
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(made["properties"]["isDefault"], true);
    assert_eq!(&made["identity"], failed.at("/identity"));
}

#[tokio::test]
async fn projects_are_listed() {
    let azure = Azure::with(&json!({ "pageSize": 2 })).await;
    azure.make("ai", &parent()).await;
    azure.make("ai-other", &parent()).await;
    let list = format!("{}/projects", account("ai"));
    assert_eq!(azure.get(&list).await.expect(200).at("/value"), &json!([]));
    for name in ["one", "three", "two"] {
        azure.make_project(name).await;
    }
    let elsewhere = format!("{}/projects/chat", account("ai-other"));
    let begun = azure.put(&elsewhere, &project_body()).await.expect(201);
    azure.end_of(&begun).await;
    let first = azure.get(&list).await.expect(200);
    assert_eq!(first.at("/value/0/name"), "ai/one");
    assert_eq!(first.at("/value/1/properties/displayName"), "Chat");
    let rest = azure
        .get(first.at("/nextLink").as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(rest.at("/value/0/name"), "ai/two");
    assert_eq!(rest.at("/value").as_array().unwrap().len(), 1);
    azure
        .get(&format!("{}/projects", account("absent")))
        .await
        .refused(404, "ResourceNotFound", "absent");

    // Accounts are listed without them; the list of all types has both.
    let accounts = format!("{GROUP}/providers/Microsoft.CognitiveServices/accounts");
    let accounts = azure.get(&accounts).await.expect(200);
    assert_eq!(accounts.at("/value/1/name"), "ai-other");
    let generic = format!(
        "{SUBSCRIPTION}/resources?api-version=2025-04-01&$expand=provisioningState\
         &$filter=resourceType eq 'Microsoft.CognitiveServices/accounts/projects' and name eq 'ai/two'"
    );
    let generic = azure.get(&generic).await.expect(200);
    assert_eq!(generic.at("/value/0/id"), &json!(project("two")));
    assert_eq!(generic.at("/value/0/provisioningState"), "Succeeded");
    assert_eq!(generic.at("/value/0/properties"), &Value::Null);
}

#[tokio::test]
async fn a_deletion() {
    let azure = Azure::with_parent(&json!({})).await;
    azure.delete(&project("chat")).await.expect(204);
    azure.make_project("chat").await;
    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    let begun = azure.delete(&project("chat")).await.expect(202);
    let again = azure.delete(&project("chat")).await.expect(202);
    assert_eq!(
        begun.header("azure-asyncoperation"),
        again.header("azure-asyncoperation")
    );
    let found = azure.get(&project("chat")).await.expect(200);
    assert_eq!(found.at("/properties/provisioningState"), "Deleting");

    let azure = Azure::with_parent(&json!({})).await;
    azure.make_project("chat").await;
    let failing = json!({ "method": "DELETE", "times": 1,
        "action": { "failOperation": { "code": "InternalServerError", "message": "not now" } } });
    azure.fault(&failing).await;
    let begun = azure.delete(&project("chat")).await.expect(202);
    azure.failure(&begun).await;
    let found = azure.get(&project("chat")).await.expect(200);
    assert_eq!(found.at("/properties/provisioningState"), "Succeeded");
    // It is gone at once then, and its name is free.
    azure.remove_project("chat").await;
    azure.make_project("chat").await;
}

#[tokio::test]
async fn rights_are_asked_for() {
    let azure = Azure::with_parent(&json!({})).await;
    azure.make_project("chat").await;
    let kind = "Microsoft.CognitiveServices/accounts/projects";
    for (who, method, verb) in [
        ("stranger", "GET", "read"),
        ("reader", "PUT", "write"),
        ("reader", "PATCH", "write"),
        ("reader", "DELETE", "delete"),
    ] {
        let answer = azure
            .send(who, method, &project("chat"), Some(&project_body()))
            .await;
        answer.refused(403, "AuthorizationFailed", &format!("{kind}/{verb}"));
    }
    let list = format!("{}/projects", account("ai"));
    azure.send("stranger", "GET", &list, None).await.refused(
        403,
        "AuthorizationFailed",
        &format!("{kind}/read"),
    );
    let role = json!({
        "roleDefinitions": [{ "Name": "Project Writer", "Actions": [format!("{kind}/*")] }],
        "roleAssignments": [{ "principal": "writer", "role": "Project Writer", "scope": account("ai") }],
    });
    azure.control("POST", "/seed", Some(&role)).await.expect(200);
    let mut assigned = project_body();
    assigned["identity"] =
        json!({ "type": "UserAssigned", "userAssignedIdentities": { identity("hub-keys"): {} } });
    azure
        .send("writer", "PUT", &project("new"), Some(&assigned))
        .await
        .refused(403, "LinkedAuthorizationFailed", "assign/action");
    azure
        .send("writer", "PUT", &project("new"), Some(&project_body()))
        .await
        .expect(201);
}

#[tokio::test]
async fn projects_of_a_seed() {
    let azure = Azure::start().await;
    let seeded = |name: &str, body: &Value| json!({ "id": project(name), "body": body });
    let seed = json!({
        "accounts": [{ "id": account("ai"), "body": parent() }],
        "projects": [seeded("chat", &project_body())],
    });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let found = azure.get(&project("chat")).await.expect(200);
    assert_eq!(found.at("/properties/provisioningState"), "Succeeded");
    assert_eq!(found.at("/properties/isDefault"), true);
    azure.put(&project("chat"), &project_body()).await.expect(200);

    let elsewhere = format!("{}/projects/chat", account("absent"));
    for (seed, part) in [
        (seeded("new", &json!({})), "needs a managed identity"),
        (
            json!({ "id": elsewhere, "body": project_body() }),
            "could not be found",
        ),
        (
            json!({ "id": account("ai"), "body": project_body() }),
            "is no Microsoft.CognitiveServices/accounts/projects",
        ),
    ] {
        let seed = json!({ "projects": [seed] });
        let answer = azure.control("POST", "/seed", Some(&seed)).await.expect(400);
        assert_has(&answer.text, part);
    }
}
