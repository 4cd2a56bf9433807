use super::*;

const KIND: &str = "Microsoft.MachineLearningServices/workspaces";

fn holds(condition: Value, body: &Value) -> bool {
    let condition: Condition = serde_json::from_value(condition).unwrap();
    condition
        .holds(Subject {
            id: "/subscriptions/s/resourceGroups/g/providers/x/y/Name",
            kind: KIND,
            body,
        })
        .is_some()
}

#[test]
fn every_comparison_has_two_answers() {
    let body = json!({
        "location": "westeurope",
        "tags": { "Cost.Center": "7" },
        "properties": { "publicNetworkAccess": "Enabled", "encryption": { "status": "Enabled" }, "hbiWorkspace": true },
    });
    let access = format!("{KIND}/publicNetworkAccess");
    for (condition, expected) in [
        (json!({ "field": "type", "equals": KIND.to_lowercase() }), true),
        (json!({ "field": "name", "equals": "name" }), true),
        (
            json!({ "field": "location", "in": ["northeurope", "WestEurope"] }),
            true,
        ),
        (
            json!({ "field": "location", "notIn": ["northeurope", "WestEurope"] }),
            false,
        ),
        (json!({ "field": access, "equals": "enabled" }), true),
        (json!({ "field": access, "notEquals": "Disabled" }), true),
        (json!({ "field": access, "notEquals": "Enabled" }), false),
        (
            json!({ "field": format!("{KIND}/encryption.status"), "equals": "Enabled" }),
            true,
        ),
        (
            json!({ "field": format!("{KIND}/hbiWorkspace"), "equals": "true" }),
            true,
        ),
        (json!({ "field": "tags['cost.center']", "equals": "7" }), true),
        (json!({ "field": "tags.owner", "exists": false }), true),
        (json!({ "field": "tags.owner", "exists": true }), false),
        (json!({ "field": "tags.owner", "notEquals": "x" }), true),
        (json!({ "field": "tags.owner", "equals": "x" }), false),
    ] {
        assert_eq!(holds(condition.clone(), &body), expected, "{condition}");
    }
}
