//! Projects of hubs.

use serde_json::{Value, json};

use crate::common::{Azure, GROUP, SUBSCRIPTION, hub, key, plain_hub, storage, vault, workspace};

/// A project of the hub `hub`.
fn project() -> Value {
    json!({
        "kind": "Project",
        "location": "westeurope",
        "identity": { "type": "SystemAssigned" },
        "properties": { "friendlyName": "Project", "hubResourceId": workspace("hub") },
    })
}

/// An Azure with a hub that has a key, a vault and a registry.
async fn with_hub(settings: &Value) -> Azure {
    let azure = Azure::with(settings).await;
    let mut body = hub("main", "one");
    body["properties"]["keyVault"] = json!(vault("main"));
    body["properties"]["containerRegistry"] = json!("/subscriptions/x/registry");
    azure.create("hub", &body).await;
    azure
}

#[tokio::test]
async fn a_project_shows_what_its_hub_has() {
    let azure = with_hub(&json!({})).await;
    let made = azure.create("project", &project()).await;
    assert_eq!(made["kind"], "Project");
    let properties = &made["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["hubResourceId"], workspace("hub"));
    assert_eq!(properties["storageAccount"], storage("artifacts"));
    assert_eq!(properties["keyVault"], vault("main"));
    assert_eq!(properties["containerRegistry"], "/subscriptions/x/registry");
    assert_eq!(properties["hbiWorkspace"], true);
    // A managed resource group is the hub's.
    assert_eq!(properties.get("serviceProvisionedResourceGroup"), None);
    let of_project = "/properties/encryption/keyVaultProperties/keyIdentifier";
    assert_eq!(made.pointer(of_project), Some(&json!(key("main", "one"))));

    // As the hub has it now, in lists too.
    let other = json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": key("main", "two") } } } });
    azure.finish(&azure.patch(&workspace("hub"), &other).await).await;
    let found = azure.get(&workspace("project")).await.expect(200);
    assert_eq!(found.at(of_project), &json!(key("main", "two")));
    let all = azure
        .get(&format!(
            "{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"
        ))
        .await
        .expect(200);
    assert_eq!(all.at("/value/1/name"), "project");
    assert_eq!(
        all.at(&format!("/value/1{of_project}")),
        &json!(key("main", "two"))
    );

    azure
        .settings(&json!({ "workspaces": { "projectsShowEncryption": false } }))
        .await;
    let found = azure.get(&workspace("project")).await.expect(200);
    assert_eq!(found.at("/properties/encryption"), &Value::Null);
    assert_eq!(found.at("/properties/keyVault"), &json!(vault("main")));
}

#[tokio::test]
async fn a_project_needs_a_hub_that_is_ready() {
    let azure = Azure::start().await;
    let path = workspace("project");
    let with = |hub: Value| {
        let mut body = project();
        body["properties"]["hubResourceId"] = hub;
        body
    };
    for (hub, part) in [
        (Value::Null, "needs properties.hubResourceId"),
        (json!(workspace("hub")), "was not found"),
        (json!(storage("artifacts")), "was not found"),
    ] {
        azure
            .put(&path, &with(hub))
            .await
            .refused(400, "BadRequest", part);
    }
    let mut other = plain_hub();
    other["kind"] = json!("Default");
    azure.create("other", &other).await;
    let body = with(json!(workspace("other")));
    azure
        .put(&path, &body)
        .await
        .refused(400, "BadRequest", "not of kind Hub");

    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    azure.put(&workspace("hub"), &plain_hub()).await.expect(202);
    let text = "is not provisioned: its state is Creating";
    azure
        .put(&path, &project())
        .await
        .refused(400, "BadRequest", text);
    azure.get(&path).await.expect(404);
}

#[tokio::test]
async fn a_hub_that_failed_is_not_ready() {
    let azure = Azure::start().await;
    azure.fail("hub", &hub("loose", "one")).await;
    let text = "is not provisioned: its state is Failed";
    azure
        .put(&workspace("project"), &project())
        .await
        .refused(400, "BadRequest", text);
}

#[tokio::test]
async fn a_project_lies_in_the_region_of_its_hub() {
    let azure = with_hub(&json!({})).await;
    let mut body = project();
    body["location"] = json!("northeurope");
    azure
        .put(&workspace("project"), &body)
        .await
        .refused(400, "BadRequest", "in the region of its hub");
    body["location"] = json!("West Europe");
    azure.create("project", &body).await;
}

#[tokio::test]
async fn settings_of_the_hub_are_not_a_projects_to_say() {
    let azure = with_hub(&json!({})).await;
    let path = workspace("project");
    let made = azure.create("project", &project()).await;
    for name in [
        "encryption",
        "keyVault",
        "storageAccount",
        "containerRegistry",
        "managedNetwork",
    ] {
        let mut body = project();
        body["properties"][name] = match name {
            "managedNetwork" => json!({ "isolationMode": "Disabled" }),
            _ => made["properties"][name].clone(),
        };
        let part = format!("takes properties.{name} from its hub");
        for answer in [
            azure.put(&workspace("new"), &body).await,
            azure.put(&path, &body).await,
        ] {
            answer.refused(400, "BadRequest", &part);
        }
    }
    let registry = json!({ "properties": { "containerRegistry": "/subscriptions/x/other" } });
    azure
        .patch(&path, &registry)
        .await
        .refused(400, "BadRequest", "from its hub");
}

#[tokio::test]
async fn a_project_stays_with_its_hub() {
    let azure = with_hub(&json!({})).await;
    let path = workspace("project");
    let made = azure.create("project", &project()).await;
    azure.create("second", &plain_hub()).await;
    let other = json!({ "properties": { "hubResourceId": workspace("second") } });
    azure
        .patch(&path, &other)
        .await
        .refused(400, "BadRequest", "properties.hubResourceId");
    let mut whole = project();
    whole["properties"]["hubResourceId"] = json!(workspace("second"));
    azure
        .put(&path, &whole)
        .await
        .refused(400, "BadRequest", "properties.hubResourceId");

    // The rest can be changed, and what an answer shows of it can be sent again.
    let mut again = project();
    again["properties"]["friendlyName"] = json!("Another");
    again["properties"]["hbiWorkspace"] = made["properties"]["hbiWorkspace"].clone();
    again["tags"] = json!({ "team": "research" });
    let after = azure.put(&path, &again).await.expect(200);
    assert_eq!(after.at("/properties/friendlyName"), "Another");
    assert_eq!(after.at("/properties/keyVault"), &json!(vault("main")));
    assert_eq!(after.at("/tags/team"), "research");
    assert_eq!(azure.get(&path).await.body, after.body);
    azure.settings(&json!({ "forbiddenChange": "Ignore" })).await;
    let after = azure.patch(&path, &other).await.expect(200);
    assert_eq!(after.at("/properties/hubResourceId"), &json!(workspace("hub")));
}

#[tokio::test]
async fn a_hub_lists_its_projects() {
    let azure = Azure::start().await;
    let mut body = plain_hub();
    // Which ones it has is not the hub's to say.
    body["properties"]["associatedWorkspaces"] = json!([workspace("made-up")]);
    let list = |hub: &Value| hub["properties"]["associatedWorkspaces"].clone();
    assert_eq!(list(&azure.create("hub", &body).await), Value::Null);
    azure.create("pr1", &project()).await;
    azure.create("pr2", &project()).await;
    let both = json!([workspace("pr1"), workspace("pr2")]);
    let found = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(list(&found.body), both);
    let after = azure.put(&workspace("hub"), &body).await.expect(200);
    assert_eq!(list(&after.body), both);

    let gone = azure.delete(&workspace("pr1")).await;
    assert_eq!(azure.finish(&gone).await["status"], "Succeeded");
    let found = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(list(&found.body), json!([workspace("pr2")]));
}

#[tokio::test]
async fn a_hub_with_projects_is_not_deleted() {
    let azure = with_hub(&json!({})).await;
    azure.create("project", &project()).await;
    for query in ["", "?forceToPurge=true"] {
        azure
            .delete(&format!("{}{query}", workspace("hub")))
            .await
            .refused(409, "Conflict", &workspace("project"));
    }
    let found = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(found.at("/properties/provisioningState"), "Succeeded");
    azure.finish(&azure.delete(&workspace("project")).await).await;
    let gone = azure.delete(&workspace("hub")).await;
    assert_eq!(azure.finish(&gone).await["status"], "Succeeded");
    // A deleted project holds nothing, and its name is taken.
    azure
        .put(&workspace("project"), &project())
        .await
        .refused(409, "Conflict", "Soft-deleted workspace");
}

#[tokio::test]
async fn a_project_that_is_being_made_holds_its_hub() {
    let azure = with_hub(&json!({})).await;
    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    azure.put(&workspace("project"), &project()).await.expect(202);
    azure
        .delete(&workspace("hub"))
        .await
        .refused(409, "Conflict", "has projects");
}

#[tokio::test]
async fn or_a_hub_takes_its_projects_along() {
    let settings = json!({ "workspaces": { "deleteHubWithProjects": "TakeAlong" } });
    for query in ["", "?forceToPurge=true"] {
        let azure = with_hub(&settings).await;
        azure.create("project", &project()).await;
        azure.create("second", &plain_hub()).await;
        let mut of_second = project();
        of_second["properties"]["hubResourceId"] = json!(workspace("second"));
        azure.create("stays", &of_second).await;
        let gone = azure.delete(&format!("{}{query}", workspace("hub"))).await;
        assert_eq!(azure.finish(&gone).await["status"], "Succeeded");
        for name in ["hub", "project"] {
            azure.get(&workspace(name)).await.expect(404);
        }
        azure.get(&workspace("stays")).await.expect(200);
        // Both are kept, or neither is.
        let mut body = plain_hub();
        body["properties"]["friendlyName"] = json!("Project");
        let answer = azure.put(&workspace("project"), &body).await;
        assert_eq!(answer.status, if query.is_empty() { 409 } else { 202 });
    }
}

#[tokio::test]
async fn the_right_to_join_is_asked_for() {
    let azure = with_hub(&json!({})).await;
    let path = workspace("project");
    let action = "Microsoft.MachineLearningServices/workspaces/hubs/join/action";
    let role = |name: &str, action: &str, scope: &str| {
        json!({
            "roleDefinitions": [{ "Name": name, "Actions": [action] }],
            "roleAssignments": [{ "principal": "stranger", "role": name, "scope": scope }],
        })
    };
    let write = "Microsoft.MachineLearningServices/workspaces/write";
    let seed = role("Maker", write, GROUP);
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure
        .send("stranger", "PUT", &path, Some(&project()))
        .await
        .refused(403, "LinkedAuthorizationFailed", action);
    let seed = role("Joiner", action, &workspace("hub"));
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let begun = azure.send("stranger", "PUT", &path, Some(&project())).await;
    assert_eq!(azure.finish(&begun).await["status"], "Succeeded");
    // It is there, and its hub is not asked again.
    let seed = json!({ "roleDefinitions": [{ "Name": "Joiner", "Actions": [] }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let again = azure.send("stranger", "PUT", &path, Some(&project())).await;
    again.expect(200);
}

#[tokio::test]
async fn projects_of_a_seed() {
    let azure = Azure::start().await;
    let made = |name: &str, body: Value| json!({ "id": workspace(name), "body": body });
    let seed = json!({ "workspaces": [made("hub", plain_hub()), made("project", project())] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let found = azure.get(&workspace("project")).await.expect(200);
    assert_eq!(
        found.at("/properties/storageAccount"),
        &json!(storage("artifacts"))
    );
    let found = azure.get(&workspace("hub")).await.expect(200);
    let listed = found.at("/properties/associatedWorkspaces/0");
    assert_eq!(listed, &json!(workspace("project")));

    let mut lost = project();
    lost["properties"]["hubResourceId"] = json!(format!("{SUBSCRIPTION}/nowhere"));
    let seed = json!({ "workspaces": [made("lost", lost)] });
    let answer = azure.control("POST", "/seed", Some(&seed)).await.expect(400);
    crate::common::assert_has(&answer.text, "was not found");
}
