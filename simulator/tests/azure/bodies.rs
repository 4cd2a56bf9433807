//! Bodies and names that are refused before anything is done.

use serde_json::{Value, json};

use crate::common::{Azure, GROUP, hub, identity, plain_hub, received, vault, versioned, workspace};

/// A hub's body with a member changed.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = hub("main", "one");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

#[tokio::test]
async fn each_wrong_body_is_refused_with_its_path() {
    let azure = Azure::start().await;
    let mut no_location = plain_hub();
    no_location.as_object_mut().unwrap().remove("location");
    let cases = [
        (
            with("/properties/frendlyName", json!("x")),
            "member 'frendlyName' on the object. Path 'properties.frendlyName'",
        ),
        (
            with("/properties/encryption/keyVaultProperties/vault", json!("x")),
            "Path 'properties.encryption.keyVaultProperties.vault'",
        ),
        (
            with("/properties/hbiWorkspace", json!("true")),
            "Path 'properties.hbiWorkspace': expected true or false, found a string",
        ),
        (
            with("/properties/friendlyName", json!(1)),
            "Path 'properties.friendlyName': expected a string, found a number",
        ),
        (
            with("/properties/encryption", json!([])),
            "Path 'properties.encryption': expected an object, found a list",
        ),
        (
            with("/properties/encryption/status", json!("On")),
            "Path 'properties.encryption.status': 'On' is none of Enabled, Disabled",
        ),
        (
            with(
                "/properties/encryption/keyVaultProperties",
                json!({ "keyVaultArmId": "x" }),
            ),
            "Required property 'keyIdentifier' not found. Path 'properties.encryption.keyVaultProperties'",
        ),
        (
            with("/properties/associatedWorkspaces", json!([1])),
            "Path 'properties.associatedWorkspaces[0]': expected a string",
        ),
        (
            with("/tags", json!({ "a": 1 })),
            "Path 'tags.a': expected a string",
        ),
        (
            with("/identity/type", json!(null)),
            "Required property 'type' not found. Path 'identity'",
        ),
        (no_location, "Required property 'location' not found. Path ''"),
        (json!([]), "expected an object, found a list"),
    ];
    for (body, part) in cases {
        azure
            .put(&workspace("hub"), &body)
            .await
            .refused(400, "InvalidRequestContent", part);
    }
    azure.get(&workspace("hub")).await.expect(404);
}

#[tokio::test]
async fn a_body_that_is_no_json() {
    let azure = Azure::start().await;
    let url = azure.url(&versioned(&workspace("hub")));
    let token = azure.token("owner").await;
    for body in ["{", "kind: Hub"] {
        let request = azure.client.put(&url).bearer_auth(&token).body(body);
        received(request.send().await.unwrap()).await.refused(
            400,
            "InvalidRequestContent",
            "could not be deserialized",
        );
    }
    azure.send("owner", "PUT", &workspace("hub"), None).await.refused(
        400,
        "InvalidRequestContent",
        "there is no body",
    );
}

#[tokio::test]
async fn a_patch_may_lack_what_a_put_needs_and_nothing_else() {
    let azure = Azure::start().await;
    azure.create("hub", &plain_hub()).await;
    azure
        .patch(&workspace("hub"), &json!({ "tags": { "a": "b" } }))
        .await
        .expect(200);
    azure
        .patch(&workspace("hub"), &json!({ "tag": {} }))
        .await
        .refused(400, "InvalidRequestContent", "member 'tag'");
}

#[tokio::test]
async fn other_types_are_looked_at_too() {
    let azure = Azure::start().await;
    azure
        .put(
            &vault("new"),
            &json!({ "location": "westeurope", "properties": {} }),
        )
        .await
        .refused(400, "InvalidRequestContent", "Required property 'tenantId'");
    azure
        .put(&identity("new"), &json!({ "location": 1 }))
        .await
        .refused(400, "InvalidRequestContent", "Path 'location'");
    azure
        .put(&format!("{GROUP}-new"), &json!({ "tags": {} }))
        .await
        .refused(400, "InvalidRequestContent", "Required property 'location'");
    azure
        .put(
            &crate::common::assignment(GROUP, 1),
            &json!({ "properties": { "principalId": "x" } }),
        )
        .await
        .refused(400, "InvalidRequestContent", "'roleDefinitionId'");
    azure
        .put(
            &format!("{}/keys/new", vault("main")),
            &json!({ "properties": { "kty": "oct" } }),
        )
        .await
        .refused(400, "InvalidRequestContent", "'oct' is none of");
}

#[tokio::test]
async fn names() {
    let azure = Azure::start().await;
    for name in ["ab", "-hub", "hub.one", &"h".repeat(34)] {
        azure
            .put(&workspace(name), &plain_hub())
            .await
            .refused(400, "InvalidResourceName", name);
    }
    for name in ["abc", "h_b-1", &"h".repeat(33)] {
        azure.put(&workspace(name), &plain_hub()).await.expect(202);
    }
    let body = json!({ "location": "westeurope", "properties": {
        "tenantId": crate::common::TENANT, "sku": { "family": "A", "name": "standard" } } });
    azure
        .put(&vault("a_b"), &body)
        .await
        .refused(400, "InvalidResourceName", "a_b");
}

#[tokio::test]
async fn what_a_workspace_cannot_be() {
    let azure = Azure::start().await;
    let mut project = hub("main", "one");
    project["kind"] = json!("Project");
    azure
        .put(&workspace("project"), &project)
        .await
        .refused(400, "BadRequest", "its hub");
    let mut service_side = plain_hub();
    service_side["properties"]["enableServiceSideCMKEncryption"] = json!(true);
    azure.put(&workspace("hub"), &service_side).await.refused(
        400,
        "BadRequest",
        "enableServiceSideCMKEncryption",
    );
}
