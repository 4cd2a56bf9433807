//! Refusals: their status, their code, and what they say.

use serde_json::json;

use crate::common::{
    Azure, BARE, ENCRYPTION_USER, GROUP, NO_ROLE, SUBSCRIPTION, assignment, grant, hub, identity,
    managed_group, plain_hub, received, vault, workspace,
};

#[tokio::test]
async fn tokens_that_do_not_count() {
    let azure = Azure::start().await;
    let url = azure.url(&format!("{GROUP}?api-version=2025-04-01"));
    let ask = |header: Option<String>| {
        let request = azure.client.get(&url);
        let request = match header {
            Some(header) => request.header("authorization", header),
            None => request,
        };
        async { received(request.send().await.unwrap()).await }
    };
    ask(None).await.refused(401, "AuthenticationFailed", "missing");
    ask(Some("Basic b3duZXI6".into()))
        .await
        .refused(401, "AuthenticationFailed", "missing");
    ask(Some("Bearer nonsense".into()))
        .await
        .refused(401, "InvalidAuthenticationToken", "invalid");
    let token = azure.token("owner").await;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut other: Vec<char> = signature.chars().collect();
    other[0] = if other[0] == 'A' { 'B' } else { 'A' };
    let other: String = other.into_iter().collect();
    ask(Some(format!("Bearer {signed}.{other}")))
        .await
        .refused(401, "InvalidAuthenticationToken", "invalid");
    ask(Some(format!("Bearer {token}"))).await.expect(200);
}

#[tokio::test]
async fn token_that_has_expired() {
    let azure = Azure::with(&json!({ "tokenSeconds": -1 })).await;
    azure
        .get(GROUP)
        .await
        .refused(401, "ExpiredAuthenticationToken", "expired");
}

#[tokio::test]
async fn unknown_subscription() {
    let azure = Azure::start().await;
    azure
        .get("/subscriptions/55555555-0000-0000-0000-000000000000/resourceGroups")
        .await
        .refused(
            404,
            "SubscriptionNotFound",
            "'55555555-0000-0000-0000-000000000000'",
        );
}

#[tokio::test]
async fn paths_that_are_nothing() {
    let azure = Azure::start().await;
    for path in ["/", "/providers/x", "/nowhere/at/all"] {
        azure
            .ask_carelessly(&format!("{path}?api-version=2025-04-01"))
            .await
            .refused(404, "InvalidResourceType", path);
    }
    azure
        .ask_carelessly(&format!("{GROUP}/providers/Microsoft.Nothing/things/one"))
        .await
        .refused(404, "InvalidResourceType", "Microsoft.Nothing/things");
    azure
        .ask_carelessly(&format!("{SUBSCRIPTION}/providers/Microsoft.Nothing"))
        .await
        .refused(404, "InvalidResourceNamespace", "Microsoft.Nothing");
}

#[tokio::test]
async fn whether_something_is_there() {
    let azure = Azure::start().await;
    for (path, status) in [
        (GROUP.to_owned(), 204),
        (vault("main"), 204),
        (format!("{GROUP}-no"), 404),
    ] {
        let answer = azure.send("owner", "HEAD", &path, None).await.expect(status);
        assert_eq!(answer.text, "");
    }
}

#[tokio::test]
async fn api_versions() {
    let azure = Azure::start().await;
    for path in [GROUP, &vault("main"), &workspace("any")] {
        azure
            .ask_carelessly(&format!("{path}?api-version="))
            .await
            .refused(400, "MissingApiVersionParameter", "api-version");
        azure
            .ask_carelessly(&format!("{path}?api-version=1999-01-01"))
            .await
            .refused(400, "NoRegisteredProviderFound", "'1999-01-01'");
    }
    azure
        .ask_carelessly(&format!("{}?api-version=1999-01-01", vault("main")))
        .await
        .refused(400, "NoRegisteredProviderFound", "2026-02-01'");
}

#[tokio::test]
async fn callers_without_the_right() {
    let azure = Azure::start().await;
    let refused = azure.send("stranger", "GET", &vault("main"), None).await.refused(
        403,
        "AuthorizationFailed",
        "action 'Microsoft.KeyVault/vaults/read'",
    );
    let message = refused.at("/error/message").as_str().unwrap();
    assert!(
        message.contains("'22222222-0000-0000-0000-000000000004'"),
        "{message}"
    );
    assert!(
        message.contains("'22222222-0000-0000-0001-000000000004'"),
        "{message}"
    );
    assert!(message.contains(&vault("main")), "{message}");

    azure
        .send("reader", "GET", &vault("main"), None)
        .await
        .expect(200);
    azure
        .send("reader", "PUT", &workspace("hub"), Some(&plain_hub()))
        .await
        .refused(403, "AuthorizationFailed", "workspaces/write'");
    azure
        .send("reader", "DELETE", &vault("main"), None)
        .await
        .refused(403, "AuthorizationFailed", "vaults/delete'");
    azure
        .send(
            "reader",
            "PUT",
            &assignment(GROUP, 1),
            Some(&grant(ENCRYPTION_USER, NO_ROLE)),
        )
        .await
        .refused(403, "AuthorizationFailed", "roleAssignments/write'");
    azure
        .send(
            "reader",
            "POST",
            &format!("{SUBSCRIPTION}/providers/Microsoft.Search/register"),
            None,
        )
        .await
        .refused(403, "AuthorizationFailed", "Microsoft.Search/register/action'");
    azure.get(&vault("main")).await.expect(200);
    azure
        .get(&workspace("hub"))
        .await
        .refused(404, "ResourceNotFound", "hub");
}

#[tokio::test]
async fn identities_that_the_caller_may_not_assign() {
    let azure = Azure::start().await;
    azure
        .send("writer", "PUT", &workspace("hub"), Some(&hub("main", "one")))
        .await
        .refused(
            403,
            "LinkedAuthorizationFailed",
            "'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action' on the linked scope(s)",
        );
    azure
        .get(&workspace("hub"))
        .await
        .refused(404, "ResourceNotFound", "hub");
    let accepted = azure
        .send("writer", "PUT", &workspace("hub"), Some(&plain_hub()))
        .await;
    assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
    azure
        .put(
            &workspace("other"),
            &crate::common::hub_as("nobody", "main", "one"),
        )
        .await
        .refused(400, "FailedIdentityOperation", &identity("nobody"));
}

#[tokio::test]
async fn deny_assignment_of_the_managed_group() {
    let azure = Azure::start().await;
    let group = managed_group(&azure.create("hub", &hub("main", "one")).await);
    let inside = azure
        .get(&format!("{group}/resources"))
        .await
        .expect(200)
        .at("/value/0/id")
        .as_str()
        .unwrap()
        .to_owned();
    azure.get(&inside).await.expect(200);
    azure.delete(&inside).await.refused(
        403,
        "DenyAssignmentAuthorizationFailed",
        "deny assignment with name",
    );
    azure
        .delete(&group)
        .await
        .refused(403, "DenyAssignmentAuthorizationFailed", &group);
    azure
        .put(&assignment(&inside, 1), &grant(ENCRYPTION_USER, NO_ROLE))
        .await
        .refused(403, "DenyAssignmentAuthorizationFailed", "roleAssignments/write");
    azure.get(&inside).await.expect(200);
    // Who has no role at all is told so, and not of the deny assignment.
    azure
        .send("stranger", "DELETE", &inside, None)
        .await
        .refused(403, "AuthorizationFailed", "delete'");
    let gone = azure.send("microsoft", "DELETE", &inside, None).await.expect(202);
    azure.finish(&gone).await;
    azure.get(&inside).await.expect(404);
}

#[tokio::test]
async fn what_is_not_there() {
    let azure = Azure::start().await;
    let gone = format!("{SUBSCRIPTION}/resourceGroups/gone");
    azure
        .get(&gone)
        .await
        .refused(404, "ResourceGroupNotFound", "'gone'");
    azure
        .delete(&gone)
        .await
        .refused(404, "ResourceGroupNotFound", "'gone'");
    azure
        .get(&workspace("hub").replace("/ai/", "/gone/"))
        .await
        .refused(404, "ResourceGroupNotFound", "'gone'");
    azure
        .put(&workspace("hub").replace("/ai/", "/gone/"), &plain_hub())
        .await
        .refused(404, "ResourceGroupNotFound", "'gone'");
    azure.get(&workspace("hub")).await.refused(
        404,
        "ResourceNotFound",
        "'Microsoft.MachineLearningServices/workspaces/hub' under resource group 'ai'",
    );
    azure
        .patch(&workspace("hub"), &json!({ "tags": {} }))
        .await
        .refused(404, "ResourceNotFound", "hub");
    azure
        .get(&format!("{}/keys/none", vault("main")))
        .await
        .refused(404, "ResourceNotFound", "none");
    azure
        .put(
            &format!("{}/keys/new", vault("none")),
            &json!({ "properties": { "kty": "RSA" } }),
        )
        .await
        .refused(404, "ParentResourceNotFound", &vault("none"));
    azure.delete(&workspace("hub")).await.expect(204);
    azure
        .get(&format!("{SUBSCRIPTION}/operationresults/none"))
        .await
        .refused(404, "OperationNotFound", "'none'");
}

#[tokio::test]
async fn providers_that_are_not_registered() {
    let azure = Azure::start().await;
    let hub =
        format!("{BARE}/resourceGroups/bare/providers/Microsoft.MachineLearningServices/workspaces/hub");
    azure.put(&hub, &plain_hub()).await.refused(
        409,
        "MissingSubscriptionRegistration",
        "'Microsoft.MachineLearningServices'",
    );
    let provider = format!("{BARE}/providers/Microsoft.MachineLearningServices");
    let told = azure
        .get(&provider)
        .await
        .expect(200)
        .at("/resourceTypes")
        .clone();
    assert_eq!(
        (&told[0]["resourceType"], &told[0]["apiVersions"]),
        (
            &json!("workspaces"),
            &json!(["2026-05-01", "2026-03-01", "2025-12-01"])
        )
    );
    let state = |answer: crate::common::Answer| answer.expect(200).at("/registrationState").clone();
    assert_eq!(state(azure.get(&provider).await), "NotRegistered");
    let register = format!("{provider}/register");
    assert_eq!(
        state(azure.send("owner", "POST", &register, None).await),
        "Registered"
    );
    assert_eq!(state(azure.get(&provider).await), "Registered");
    azure.put(&hub, &plain_hub()).await.expect(202);
}

#[tokio::test]
async fn methods_that_are_not_meant() {
    let azure = Azure::start().await;
    azure
        .send("owner", "POST", &vault("main"), None)
        .await
        .refused(405, "MethodNotAllowed", "POST");
    let list = format!("{GROUP}/providers/Microsoft.KeyVault/vaults");
    azure
        .send("owner", "PUT", &list, Some(&json!({})))
        .await
        .refused(405, "MethodNotAllowed", "read");
    azure
        .send("owner", "POST", &format!("{}/diagnose", workspace("hub")), None)
        .await
        .refused(400, "InvalidResourceOperation", "diagnose/action");
}
