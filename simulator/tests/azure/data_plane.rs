//! Who may ask a vault for its keys, and how they are read.

use serde_json::{Value, json};

use crate::common::{
    Azure, CRYPTO_OFFICER, MICROSOFT, TENANT, WRITER, assert_has, assignment, grant, key, received, vault,
    vault_audience, vault_refused, vault_url,
};

#[tokio::test]
async fn without_a_token_it_is_said_where_to_get_one() {
    let azure = Azure::start().await;
    let ask = |token: Option<String>, vault: &'static str| {
        let azure = &azure;
        async move {
            let mut request = azure.client.get(vault_url(&format!("{vault}/keys/one")));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            received(request.send().await.unwrap()).await
        }
    };
    let challenge = |tenant: &str| {
        format!(
            "Bearer authorization=\"{}/{tenant}\", resource=\"{}\"",
            azure.url(""),
            vault_audience()
        )
    };
    let answer = ask(None, "main").await;
    vault_refused(&answer, 401, "Unauthorized", None, "AKV10000");
    assert_eq!(answer.header("www-authenticate"), challenge(TENANT));
    let for_arm = azure.token("owner").await;
    let answer = ask(Some(for_arm), "main").await;
    vault_refused(&answer, 401, "Unauthorized", None, "AKV10022: Invalid audience");
    assert_eq!(answer.header("www-authenticate"), challenge(TENANT));
    let answer = ask(Some("no token".to_owned()), "main").await;
    vault_refused(&answer, 401, "Unauthorized", None, "validating token");
    // A vault of another tenant wants that tenant's tokens.
    let own = azure.token_for("owner", &vault_audience()).await;
    let answer = ask(Some(own), "foreign").await;
    vault_refused(&answer, 401, "Unauthorized", None, "AKV10032");
    assert_eq!(
        answer.header("www-authenticate"),
        challenge("99999999-0000-0000-0000-000000000002")
    );
    azure.settings(&json!({ "tokenSeconds": -1 })).await;
    let old = azure.token_for("reader", &vault_audience()).await;
    let answer = ask(Some(old), "main").await;
    vault_refused(&answer, 401, "Unauthorized", None, "TokenExpired");
}

#[tokio::test]
async fn a_token_for_a_vault_is_none_for_resource_manager() {
    let azure = Azure::start().await;
    for audience in [vault_audience(), "https://vault.azure.net".to_owned()] {
        let token = azure.token_for("owner", &audience).await;
        let url = azure.url(&crate::common::versioned(&vault("main")));
        let request = azure.client.get(url).bearer_auth(&token);
        received(request.send().await.unwrap()).await.refused(
            401,
            "InvalidAuthenticationTokenAudience",
            "audience",
        );
        let request = azure.client.get(vault_url("main/keys")).bearer_auth(token);
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
}

#[tokio::test]
async fn a_vault_that_is_not_there_does_not_answer() {
    let azure = Azure::start().await;
    let request = azure.client.get(vault_url("new/keys"));
    assert!(request.send().await.is_err());
}

#[tokio::test]
async fn rights_by_role() {
    let azure = Azure::start().await;
    // Owner of the subscription is nobody in the vault.
    let answer = azure.ask_vault("owner", "GET", "main/keys/one", None).await;
    vault_refused(
        &answer,
        403,
        "Forbidden",
        Some("ForbiddenByRbac"),
        "Action: 'Microsoft.KeyVault/vaults/keys/read'",
    );
    assert_has(
        answer.at("/error/message").as_str().unwrap(),
        "/vaults/main/keys/one",
    );
    // A role on one key counts for that key.
    let scope = format!("{}/keys/one", vault("main"));
    azure
        .put(&assignment(&scope, 1), &grant(CRYPTO_OFFICER, WRITER))
        .await
        .expect(201);
    azure.key_request("GET", "main/keys/one", None).await.expect(200);
    let answer = azure.key_request("GET", "main/keys/two", None).await;
    vault_refused(&answer, 403, "Forbidden", Some("ForbiddenByRbac"), "/keys/two");
    // What is not allowed is not told to be absent.
    let answer = azure.key_request("GET", "main/keys/missing", None).await;
    vault_refused(
        &answer,
        403,
        "Forbidden",
        Some("ForbiddenByRbac"),
        "/keys/missing",
    );
    azure.make_officer("main").await;
    let answer = azure.key_request("GET", "main/keys/missing", None).await;
    vault_refused(&answer, 404, "KeyNotFound", None, "missing");
}

#[tokio::test]
async fn rights_by_access_policy() {
    let azure = Azure::start().await;
    // With access policies a role says nothing.
    azure.make_officer("policies").await;
    let answer = azure.key_request("GET", "policies/keys/one", None).await;
    vault_refused(
        &answer,
        403,
        "Forbidden",
        Some("ForbiddenByPolicy"),
        "does not have keys get permission on key vault 'policies;location=westeurope'",
    );
    let allow = |words: Value| {
        json!({ "properties": { "accessPolicies": [
            { "tenantId": TENANT, "objectId": WRITER, "permissions": { "keys": words } } ] } })
    };
    azure
        .patch(&vault("policies"), &allow(json!(["Get"])))
        .await
        .expect(200);
    azure
        .key_request("GET", "policies/keys/one", None)
        .await
        .expect(200);
    let answer = azure.key_request("GET", "policies/keys", None).await;
    vault_refused(&answer, 403, "Forbidden", Some("ForbiddenByPolicy"), "keys list");
    // `all` is everything but to purge.
    azure
        .patch(&vault("policies"), &allow(json!(["all"])))
        .await
        .expect(200);
    azure
        .key_request("DELETE", "policies/keys/one", None)
        .await
        .expect(200);
    let answer = azure
        .key_request("DELETE", "policies/deletedkeys/one", None)
        .await;
    vault_refused(&answer, 403, "Forbidden", Some("ForbiddenByPolicy"), "keys purge");
}

#[tokio::test]
async fn the_firewall() {
    let azure = Azure::start().await;
    for vault in ["closed", "trusting"] {
        azure.make_officer(vault).await;
    }
    let answer = azure.key_request("GET", "closed/keys/one", None).await;
    vault_refused(
        &answer,
        403,
        "Forbidden",
        Some("ForbiddenByFirewall"),
        "not a trusted service",
    );
    let answer = azure.key_request("GET", "trusting/keys/one", None).await;
    vault_refused(
        &answer,
        403,
        "Forbidden",
        Some("ForbiddenByConnection"),
        "Public network access",
    );
    // A trusted service passes where the rules let it.
    for (number, name) in ["closed", "trusting"].into_iter().enumerate() {
        let path = assignment(&vault(name), u32::try_from(number).unwrap());
        azure
            .put(&path, &grant(CRYPTO_OFFICER, MICROSOFT))
            .await
            .expect(201);
    }
    azure
        .ask_vault("microsoft", "GET", "trusting/keys/one", None)
        .await
        .expect(200);
    let answer = azure.ask_vault("microsoft", "GET", "closed/keys/one", None).await;
    vault_refused(&answer, 403, "Forbidden", Some("ForbiddenByFirewall"), "trusted");
    // An address that the rules name passes; Resource Manager needs none.
    let open = json!({ "properties": { "networkAcls": { "ipRules": [{ "value": "127.0.0.1/32" }] } } });
    azure.patch(&vault("closed"), &open).await.expect(200);
    azure
        .key_request("GET", "closed/keys/one", None)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_key_is_read() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let found = azure.key_request("GET", "main/keys/one/", None).await.expect(200);
    let kid = found.at("/key/kid").as_str().unwrap();
    assert_has(kid, &format!("{}/", key("main", "one")));
    assert_eq!(found.at("/key/kty"), "RSA");
    // RSA of 3072 bits, in base64url; its exponent is 65537.
    assert_eq!(found.at("/key/n").as_str().unwrap().len(), 512);
    assert_eq!(found.at("/key/e"), "AQAB");
    assert_eq!(found.at("/attributes/enabled"), true);
    assert_eq!(found.at("/attributes/recoveryLevel"), "Recoverable");
    assert_eq!(found.at("/attributes/recoverableDays"), 90);
    // It is Azure Resource Manager's key.
    let arm = azure
        .get(&format!("{}/keys/one", vault("main")))
        .await
        .expect(200);
    assert_eq!(arm.at("/properties/keyUriWithVersion"), kid);
    assert_eq!(
        arm.at("/properties/attributes/created"),
        found.at("/attributes/created")
    );
    // The same by its version, and the same pair each time.
    let version = format!("main/keys/one/{}", kid.rsplit('/').next().unwrap());
    let again = azure.key_request("GET", &version, None).await.expect(200);
    assert_eq!(again.body, found.body);
    let disabled = azure
        .key_request("GET", "main/keys/blocked", None)
        .await
        .expect(200);
    assert_eq!(disabled.at("/attributes/enabled"), false);
    let curve = azure
        .key_request("GET", "main/keys/curve", None)
        .await
        .expect(200);
    assert_eq!(curve.at("/key/crv"), "P-256");
    assert_eq!(curve.at("/key/x").as_str().unwrap().len(), 43);
}

#[tokio::test]
async fn lists_go_on() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let mut names = Vec::new();
    let mut next = "main/keys?maxresults=4".to_owned();
    let mut pages = 0;
    while !next.is_empty() {
        let page = azure.key_request("GET", &next, None).await.expect(200);
        for item in page.at("/value").as_array().unwrap() {
            let kid = item["kid"].as_str().unwrap();
            assert!(item.get("key").is_none());
            names.push(kid.rsplit('/').next().unwrap().to_owned());
        }
        next = page.at("/nextLink").as_str().unwrap_or_default().to_owned();
        pages += 1;
    }
    assert_eq!(pages, 2);
    names.sort();
    assert_eq!(names, ["blocked", "curve", "ended", "not-yet", "one", "two"]);
    let versions = azure
        .key_request("GET", "main/keys/one/versions", None)
        .await
        .expect(200);
    assert_eq!(versions.at("/value").as_array().unwrap().len(), 2);
    assert_eq!(versions.at("/nextLink"), &Value::Null);
    let answer = azure.key_request("GET", "main/keys?maxresults=26", None).await;
    vault_refused(&answer, 400, "BadParameter", None, "maxresults");
    let answer = azure.key_request("GET", "main/keys/missing/versions", None).await;
    vault_refused(&answer, 404, "KeyNotFound", None, "missing");
}

#[tokio::test]
async fn versions_of_the_interface_and_other_paths() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    for version in ["7.4", "7.5", "7.6", "2025-07-01"] {
        let path = format!("main/keys/one?api-version={version}");
        azure.key_request("GET", &path, None).await.expect(200);
    }
    let answer = azure
        .key_request("GET", "main/keys/one?api-version=6.0", None)
        .await;
    vault_refused(&answer, 400, "BadParameter", None, "6.0");
    let answer = azure.key_request("GET", "main/keys/one?api-version=", None).await;
    vault_refused(&answer, 400, "BadParameter", None, "version");
    let answer = azure.key_request("GET", "main/secrets/one", None).await;
    vault_refused(&answer, 404, "NotFound", None, "GET /secrets/one");
}

#[tokio::test]
async fn what_is_asked_is_recorded_without_what_is_wrapped() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let secret = json!({ "alg": "RSA-OAEP-256", "value": "c2VjcmV0LWFzLWNhbi1iZQ" });
    let wrapped = azure
        .key_request("POST", "main/keys/one/wrapkey", Some(&secret))
        .await
        .expect(200);
    let unwrap = json!({ "alg": "RSA-OAEP-256", "value": wrapped.at("/value") });
    azure
        .key_request("POST", "main/keys/one/unwrapkey", Some(&unwrap))
        .await
        .expect(200);
    let log = azure.control("GET", "/log", None).await.expect(200);
    let entries = log.body.as_array().unwrap();
    let entry = entries
        .iter()
        .find(|one| one["url"].as_str().unwrap().contains("/keys/one/wrapkey"))
        .unwrap();
    assert_eq!(entry["principal"], "writer");
    assert_eq!(entry["status"], 200);
    assert_eq!(entry["url"], vault_url("main/keys/one/wrapkey"));
    assert!(!log.text.contains("c2VjcmV0LWFzLWNhbi1iZQ"), "{}", log.text);
    let counters = azure.control("GET", "/counters", None).await.expect(200);
    let counted = counters.at("/requests").as_array().unwrap();
    assert!(
        counted.contains(
            &json!({ "principal": "writer", "method": "POST", "type": "keyvault/keys", "count": 2 })
        )
    );
}

#[tokio::test]
async fn faults_meet_it_too() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let refuse = json!({ "type": "keyvault/keys", "times": 1, "action": { "status": {
        "status": 429, "code": "Throttled", "message": "Slowly.", "headers": { "Retry-After": "7" } } } });
    azure.fault(&refuse).await;
    let answer = azure.key_request("GET", "main/keys/one", None).await;
    vault_refused(&answer, 429, "Throttled", None, "Slowly");
    assert_eq!(answer.header("retry-after"), "7");
    azure.key_request("GET", "main/keys/one", None).await.expect(200);
    azure
        .fault(&json!({ "type": "keyvault/keys", "action": "dropBefore" }))
        .await;
    let token = azure.token_for("writer", &vault_audience()).await;
    let request = azure.client.get(vault_url("main/keys/one")).bearer_auth(token);
    assert!(request.send().await.is_err());
    azure.get(&vault("main")).await.expect(200);
}
