//! Access policies, one by one and all at once.

use serde_json::{Value, json};

use crate::common::{Azure, NO_ROLE, TENANT, WRITER, hub_as, vault};
use crate::vaults::body;

fn policy(who: &str, keys: &[&str]) -> Value {
    json!({ "tenantId": TENANT, "objectId": who, "permissions": { "keys": keys } })
}

fn sent(policies: &[Value]) -> Value {
    json!({ "properties": { "accessPolicies": policies } })
}

async fn change(azure: &Azure, how: &str, policies: &[Value]) -> Value {
    let path = format!("{}/accessPolicies/{how}", vault("policies"));
    let answer = azure.put(&path, &sent(policies)).await.expect(200);
    let found = azure.get(&vault("policies")).await.expect(200);
    assert_eq!(
        answer.at("/properties/accessPolicies"),
        found.at("/properties/accessPolicies")
    );
    found.at("/properties/accessPolicies").clone()
}

#[tokio::test]
async fn one_identity_at_a_time() {
    let azure = Azure::start().await;
    // NO_ROLE has get, wrapKey and unwrapKey from the seed.
    let after = change(
        &azure,
        "add",
        &[policy(WRITER, &["get"]), policy(NO_ROLE, &["GET", "list"])],
    )
    .await;
    assert_eq!(
        after,
        json!([
            policy(NO_ROLE, &["get", "wrapKey", "unwrapKey", "list"]),
            policy(WRITER, &["get"])
        ])
    );
    azure
        .key_request("GET", "policies/keys/one", None)
        .await
        .expect(200);
    let after = change(&azure, "replace", &[policy(WRITER, &["list"])]).await;
    assert_eq!(after[1], policy(WRITER, &["list"]));
    let after = change(&azure, "remove", &[policy(NO_ROLE, &["unwrapkey"])]).await;
    assert_eq!(after[0], policy(NO_ROLE, &["get", "wrapKey", "list"]));
    let message = azure.fail("hub", &hub_as("no-role", "policies", "one")).await;
    crate::common::assert_has(&message, "lacks unwrap");
    // Of whom nothing is left, nothing is kept.
    let after = change(&azure, "remove", &[policy(WRITER, &["list"])]).await;
    assert_eq!(after.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_put_of_the_vault_replaces_all() {
    let azure = Azure::start().await;
    let wanted = policy(WRITER, &["all"]);
    let put = body(&json!({ "accessPolicies": [wanted], "enablePurgeProtection": true }));
    let after = azure.put(&vault("policies"), &put).await.expect(200);
    assert_eq!(after.at("/properties/accessPolicies"), &json!([wanted]));
    assert_eq!(after.at("/properties/enableRbacAuthorization"), false);
    azure.key_request("GET", "policies/keys", None).await.expect(200);
}

#[tokio::test]
async fn what_no_policy_is() {
    let azure = Azure::start().await;
    let path = |how: &str| format!("{}/accessPolicies/{how}", vault("policies"));
    let lacking = json!({ "tenantId": TENANT, "objectId": WRITER });
    azure
        .put(&path("add"), &sent(&[lacking]))
        .await
        .refused(400, "InvalidRequestContent", "permissions");
    azure
        .put(&path("set"), &sent(&[policy(WRITER, &["get"])]))
        .await
        .refused(400, "BadRequest", "'set'");
    azure
        .get(&path("add"))
        .await
        .refused(405, "MethodNotAllowed", "method");
    azure
        .send("reader", "PUT", &path("add"), Some(&sent(&[])))
        .await
        .refused(403, "AuthorizationFailed", "accessPolicies/write");
    let missing = path("add").replace("/policies/", "/missing/");
    azure
        .put(&missing, &sent(&[policy(WRITER, &["get"])]))
        .await
        .refused(404, "ResourceNotFound", "missing");
}

#[tokio::test]
async fn a_policy_of_a_group_is_its_members() {
    let azure = Azure::start().await;
    let group = "55555555-0000-0000-0000-000000000001";
    let all = ["get", "wrapKey", "unwrapKey"];
    change(&azure, "remove", &[policy(NO_ROLE, &all)]).await;
    change(&azure, "add", &[policy(group, &all)]).await;
    azure.fail("hub", &hub_as("no-role", "policies", "one")).await;
    let seed = json!({ "groups": [{ "name": "hubs", "objectId": group, "members": ["no-role"] }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure.create("hub", &hub_as("no-role", "policies", "one")).await;
}
