//! Azure Policy: deny, audit, modify, and what checkPolicyRestrictions tells beforehand.

use serde_json::{Value, json};

use crate::common::{Azure, GROUP, SUBSCRIPTION, hub, plain_hub, workspace};

const KIND: &str = "Microsoft.MachineLearningServices/workspaces";
const DEFINITION: &str =
    "/providers/Microsoft.Authorization/policyDefinitions/438c38d2-3772-465a-a9cc-7a6666a275ce";
const RESTRICTIONS: &str =
    "providers/Microsoft.PolicyInsights/checkPolicyRestrictions?api-version=2024-10-01";

fn policy(name: &str) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/{name}")
}

async fn assign(azure: &Azure, name: &str, effect: &str, operations: Value) {
    let assignment = json!({
        "id": policy(name),
        "displayName": "No public hubs",
        "definition": DEFINITION,
        "definitionName": "Machine Learning Workspaces should disable public network access",
        "effect": effect,
        "if": [
            { "field": "type", "equals": KIND },
            { "field": format!("{KIND}/publicNetworkAccess"), "notEquals": "Disabled" },
        ],
        "operations": operations,
    });
    let seed = json!({ "policyAssignments": [assignment] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
}

fn closed() -> Value {
    let mut body = plain_hub();
    body["properties"]["publicNetworkAccess"] = json!("Disabled");
    body
}

async fn check(azure: &Azure, who: &str, body: &Value, audits: bool) -> crate::common::Answer {
    let mut content = body.clone();
    content["type"] = json!(KIND);
    content["name"] = json!("hub");
    let request = json!({
        "resourceDetails": { "resourceContent": content, "apiVersion": "2026-05-01" },
        "includeAuditEffect": audits,
    });
    let path = format!("{GROUP}/{RESTRICTIONS}");
    azure.send(who, "POST", &path, Some(&request)).await
}

#[tokio::test]
async fn deny_names_policy_and_assignment() {
    let azure = Azure::start().await;
    assign(&azure, "no-public", "deny", json!([])).await;
    let refused = azure.put(&workspace("hub"), &plain_hub()).await.refused(
        403,
        "RequestDisallowedByPolicy",
        "Resource 'hub' was disallowed by policy",
    );
    assert_eq!(refused.at("/error/target"), "hub");
    let info = refused.at("/error/additionalInfo/0");
    assert_eq!(info["type"], "PolicyViolation");
    assert_eq!(info["info"]["policyDefinitionId"], DEFINITION);
    assert_eq!(info["info"]["policyAssignmentId"], json!(policy("no-public")));
    let expression = &info["info"]["evaluationDetails"]["evaluatedExpressions"][1];
    assert_eq!(expression["path"], "properties.publicNetworkAccess");
    assert_eq!(expression["targetValue"], "Disabled");
    azure.get(&workspace("hub")).await.expect(404);

    // What complies goes through, and a change that would not comply does not.
    azure.create("hub", &closed()).await;
    let open = json!({ "properties": { "publicNetworkAccess": "Enabled" } });
    azure
        .patch(&workspace("hub"), &open)
        .await
        .refused(403, "RequestDisallowedByPolicy", "hub");
    azure
        .patch(&workspace("hub"), &json!({ "tags": { "a": "b" } }))
        .await
        .expect(200);
    let list = azure
        .get(&format!(
            "{GROUP}/providers/Microsoft.Authorization/policyAssignments?api-version=2024-04-01"
        ))
        .await
        .expect(200);
    assert_eq!(list.at("/value/0/properties/policyDefinitionId"), DEFINITION);
    let path = format!("{}?api-version=2024-04-01", policy("no-public"));
    azure.get(&path).await.expect(200);
    azure.delete(&path).await.expect(200);
    azure.delete(&path).await.expect(204);
    azure
        .get(&path)
        .await
        .refused(404, "PolicyAssignmentNotFound", "no-public");
    azure.patch(&workspace("hub"), &open).await.expect(200);
}

#[tokio::test]
async fn modify_changes_the_request() {
    let azure = Azure::start().await;
    let operations = json!([
        { "field": format!("{KIND}/publicNetworkAccess"), "value": "Disabled" },
        { "field": "tags['cost']", "value": "7" },
    ]);
    assign(&azure, "close", "modify", operations).await;
    let mut body = plain_hub();
    body["tags"] = json!({ "team": "research" });
    let made = azure.create("hub", &body).await;
    assert_eq!(made["properties"]["publicNetworkAccess"], "Disabled");
    assert_eq!(made["tags"], json!({ "team": "research", "cost": "7" }));
    let open = json!({ "properties": { "publicNetworkAccess": "Enabled" } });
    let changed = azure.patch(&workspace("hub"), &open).await.expect(200);
    assert_eq!(changed.at("/properties/publicNetworkAccess"), "Disabled");
    assert_eq!(changed.at("/tags/team"), "research");
}

#[tokio::test]
async fn restrictions_are_told_beforehand() {
    let azure = Azure::start().await;
    let nothing = check(&azure, "reader", &plain_hub(), false).await.expect(200);
    assert_eq!(
        nothing.at("/contentEvaluationResult/policyEvaluations"),
        &json!([])
    );
    assert_eq!(nothing.at("/fieldRestrictions"), &json!([]));

    assign(&azure, "no-public", "deny", json!([])).await;
    let denied = check(&azure, "reader", &plain_hub(), false).await.expect(200);
    let evaluation = denied.at("/contentEvaluationResult/policyEvaluations/0");
    assert_eq!(evaluation["effectDetails"]["policyEffect"], "Deny");
    assert_eq!(
        evaluation["policyInfo"]["policyAssignmentId"],
        json!(policy("no-public"))
    );
    assert_eq!(
        evaluation["evaluationDetails"]["evaluatedExpressions"][1]["operator"],
        "NotEquals"
    );
    let fits = check(&azure, "reader", &closed(), false).await.expect(200);
    assert_eq!(fits.at("/contentEvaluationResult/policyEvaluations"), &json!([]));

    assign(&azure, "no-public", "audit", json!([])).await;
    let unasked = check(&azure, "reader", &plain_hub(), false).await.expect(200);
    assert_eq!(
        unasked.at("/contentEvaluationResult/policyEvaluations"),
        &json!([])
    );
    let audited = check(&azure, "reader", &plain_hub(), true).await.expect(200);
    let evaluation = audited.at("/contentEvaluationResult/policyEvaluations/0");
    assert_eq!(evaluation["effectDetails"]["policyEffect"], "Audit");
    azure.put(&workspace("hub"), &plain_hub()).await.expect(202);

    let operations = json!([{ "field": format!("{KIND}/publicNetworkAccess"), "value": "Disabled" }]);
    assign(&azure, "no-public", "modify", operations).await;
    let modified = check(&azure, "reader", &plain_hub(), false).await.expect(200);
    let restriction = modified.at("/fieldRestrictions/0");
    assert_eq!(restriction["field"], json!(format!("{KIND}/publicNetworkAccess")));
    assert_eq!(restriction["restrictions"][0]["result"], "Required");
    assert_eq!(restriction["restrictions"][0]["defaultValue"], "Disabled");
    assert_eq!(restriction["restrictions"][0]["policyEffect"], "Modify");
}

#[tokio::test]
async fn the_check_is_refused_as_any_request() {
    let azure = Azure::start().await;
    check(&azure, "stranger", &plain_hub(), false).await.refused(
        403,
        "AuthorizationFailed",
        "checkPolicyRestrictions/read",
    );
    let path = format!("{GROUP}/{RESTRICTIONS}");
    azure
        .send("owner", "POST", &path, Some(&json!({ "resource": {} })))
        .await
        .refused(400, "InvalidRequestContent", "resource");
    azure.send("owner", "GET", &path, None).await.expect(405);
    azure
        .send("owner", "POST", &path.replace("2024-10-01", "1999-01-01"), None)
        .await
        .refused(400, "NoRegisteredProviderFound", "2024-10-01");
    let elsewhere = format!("{SUBSCRIPTION}/resourceGroups/none/{RESTRICTIONS}");
    azure
        .send("owner", "POST", &elsewhere, Some(&json!({})))
        .await
        .refused(404, "ResourceGroupNotFound", "none");
}

#[tokio::test]
async fn a_policy_for_the_managed_group_fails_the_creation() {
    let azure = Azure::start().await;
    let assignment = json!({
        "id": policy("cosmos"),
        "displayName": "Cosmos",
        "definition": DEFINITION,
        "effect": "deny",
        "if": [{ "field": "type", "equals": "Microsoft.DocumentDB/databaseAccounts" }],
    });
    let seed = json!({ "policyAssignments": [assignment] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let accepted = azure.put(&workspace("hub"), &hub("main", "one")).await;
    let end = azure.finish(&accepted).await;
    assert_eq!(end["error"]["code"], "RequestDisallowedByPolicy", "{end}");
    assert_eq!(
        end["error"]["additionalInfo"][0]["info"]["policyAssignmentId"],
        json!(policy("cosmos"))
    );
}
