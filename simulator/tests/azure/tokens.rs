//! The token endpoint, and what clients ask about this cloud.

use serde_json::json;

use crate::common::{Answer, Azure, GROUP, TENANT, assert_has, received, versioned};

const OWNER: &str = "22222222-0000-0000-0000-000000000001";

/// Entra's error: its OAuth word, its number, and its text.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, error: &str, code: u32, part: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_has(answer.header("content-type"), "application/json");
    assert_eq!(answer.at("/error"), error, "{}", answer.text);
    assert_eq!(answer.at("/error_codes"), &json!([code]), "{}", answer.text);
    let text = answer.at("/error_description").as_str().unwrap();
    assert!(text.starts_with(&format!("AADSTS{code}: ")), "{text}");
    assert_has(text, part);
    for name in ["trace_id", "correlation_id", "timestamp", "error_uri"] {
        assert!(
            answer.body[name].as_str().is_some_and(|one| !one.is_empty()),
            "{name}"
        );
    }
    assert!(answer.body.get("access_token").is_none());
}

fn right<'a>() -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", OWNER),
        ("client_secret", "of-owner"),
        ("scope", "https://management.azure.com/.default"),
    ]
}

fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    right()
        .into_iter()
        .map(|(other, old)| (other, if other == name { value } else { old }))
        .collect()
}

#[tokio::test]
async fn a_token_for_a_secret() {
    let azure = Azure::start().await;
    let answer = azure.sign_in(TENANT, &right()).await.expect(200);
    assert_eq!(answer.at("/token_type"), "Bearer");
    assert_eq!(answer.at("/expires_in"), 3599);
    azure.get(GROUP).await.expect(200);
}

#[tokio::test]
async fn each_wrong_form() {
    let azure = Azure::start().await;
    let cases = [
        (
            with("client_id", ""),
            400,
            "invalid_request",
            900_144,
            "'client_id'",
        ),
        (
            with("grant_type", ""),
            400,
            "invalid_request",
            900_144,
            "'grant_type'",
        ),
        (with("scope", ""), 400, "invalid_request", 900_144, "'scope'"),
        (
            with("grant_type", "password"),
            400,
            "unsupported_grant_type",
            70003,
            "grant type",
        ),
        (
            with("scope", "https://management.azure.com/user"),
            400,
            "invalid_scope",
            1_002_012,
            "/.default",
        ),
        (
            with("client_id", "66666666-0000-0000-0000-000000000000"),
            400,
            "unauthorized_client",
            700_016,
            "'66666666-0000-0000-0000-000000000000'",
        ),
        (
            with("client_secret", "of-reader"),
            401,
            "invalid_client",
            7_000_215,
            OWNER,
        ),
    ];
    for (form, status, error, code, part) in cases {
        let answer = azure.sign_in(TENANT, &form).await;
        refused(&answer, status, error, code, part);
    }
    let mut form = right();
    form.retain(|(name, _)| *name != "client_secret");
    let answer = azure.sign_in(TENANT, &form).await;
    refused(&answer, 401, "invalid_client", 7_000_218, "'client_secret'");
    let answer = azure.sign_in("elsewhere", &right()).await;
    refused(&answer, 400, "invalid_request", 90002, "'elsewhere'");
}

#[tokio::test]
async fn a_token_of_another_audience_is_refused() {
    let azure = Azure::start().await;
    let ask = |scope: String| {
        let azure = &azure;
        async move {
            let answer = azure.sign_in(TENANT, &with("scope", &scope)).await.expect(200);
            let token = answer.at("/access_token").as_str().unwrap().to_owned();
            let request = azure.client.get(azure.url(&versioned(GROUP))).bearer_auth(token);
            received(request.send().await.unwrap()).await
        }
    };
    ask("https://vault.azure.net/.default".to_owned()).await.refused(
        401,
        "InvalidAuthenticationTokenAudience",
        "audience",
    );
    ask("https://management.core.windows.net//.default".to_owned())
        .await
        .expect(200);
    ask(format!("{}/.default", azure.url(""))).await.expect(200);
}

#[tokio::test]
async fn what_is_said_of_this_cloud() {
    let azure = Azure::start().await;
    let read = |path: &'static str| {
        let azure = &azure;
        async move { received(azure.client.get(azure.url(path)).send().await.unwrap()).await }
    };
    let endpoints = read("/metadata/endpoints?api-version=2022-09-01")
        .await
        .expect(200);
    assert_eq!(endpoints.at("/resourceManager"), &json!(azure.url("")));
    assert_eq!(
        endpoints.at("/authentication/loginEndpoint"),
        &json!(azure.url(""))
    );
    let suffix = endpoints.at("/suffixes/keyVaultDns").as_str().unwrap();
    assert!(crate::common::vault_audience().ends_with(suffix), "{suffix}");
    // A list in the versions before.
    let clouds = read("/metadata/endpoints?api-version=2019-05-01")
        .await
        .expect(200);
    assert_eq!(clouds.at("/0"), &endpoints.body);
    let configuration = read("/some/v2.0/.well-known/openid-configuration")
        .await
        .expect(200);
    assert_eq!(
        configuration.at("/token_endpoint"),
        &json!(azure.url("/some/oauth2/v2.0/token"))
    );
    let instances = read("/common/discovery/instance").await.expect(200);
    assert_has(
        instances.at("/tenant_discovery_endpoint").as_str().unwrap(),
        &azure.url("/common"),
    );
}

#[tokio::test]
async fn secrets_are_not_recorded() {
    let azure = Azure::start().await;
    azure.sign_in(TENANT, &right()).await.expect(200);
    let log = azure.control("GET", "/log", None).await.expect(200);
    assert_eq!(log.at("/0/principal"), "owner");
    assert!(!log.text.contains("of-owner"), "{}", log.text);
    assert!(!log.text.contains("access_token"), "{}", log.text);
}
