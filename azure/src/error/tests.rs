use serde_json::json;

use super::*;

const ASSIGNMENT: &str = "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/a";

/// A refusal by policy, as Azure writes it.
fn denied() -> serde_json::Value {
    json!({
        "code": "RequestDisallowedByPolicy",
        "target": "hub",
        "message": "Resource 'hub' was disallowed by policy.",
        "additionalInfo": [
            { "type": "Other", "info": {} },
            { "type": "PolicyViolation", "info": {
                "policyDefinitionDisplayName": "No public hubs",
                "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/d",
                "policyAssignmentId": ASSIGNMENT,
                "evaluationDetails": { "evaluatedExpressions": [
                    { "path": "properties.publicNetworkAccess", "operator": "NotEquals", "targetValue": "Disabled" },
                    { "path": "type", "operator": "Equals", "targetValue": "x" },
                ] },
            } },
        ],
    })
}

#[test]
fn a_refusal_by_policy_names_policy_and_assignment_however_deep_it_is() {
    let wrapped = json!({ "code": "BadRequest", "message": "no", "details": [denied()] });
    let text = json!({ "code": "ResourceDeploymentFailure", "message": "no",
        "details": [{ "code": "Conflict", "message": json!({ "error": denied() }).to_string() }] });
    for error in [denied(), wrapped, text] {
        let fault = Fault::parse(&json!({ "error": error })).unwrap();
        assert_eq!(fault.telling().code(), "RequestDisallowedByPolicy");
        let violation = fault.violation().unwrap();
        assert_eq!(violation.assignment, ASSIGNMENT);
        assert_eq!(violation.name.as_deref(), Some("No public hubs"));
        assert_eq!(
            violation.because.as_deref(),
            Some("properties.publicNetworkAccess NotEquals Disabled")
        );
    }
}

#[test]
fn an_error_without_a_policy_has_no_violation() {
    for info in [
        json!(null),
        json!("x"),
        json!([]),
        json!([{ "type": "PolicyViolation" }]),
        json!([1]),
    ] {
        let fault =
            Fault::parse(&json!({ "code": "Conflict", "message": "m", "additionalInfo": info })).unwrap();
        assert_eq!(fault.violation(), None);
        assert_eq!(fault.telling().code(), "Conflict");
    }
}

#[test]
fn a_quota_is_found_in_every_envelope() {
    let inner = json!({ "code": "ServiceQuotaExceeded", "message": "16 out of 16" });
    let text = json!({ "error": inner }).to_string();
    for body in [
        json!({ "id": "x", "status": "Failed", "error": inner }),
        json!({ "id": "x", "status": "Failed", "code": "ServiceQuotaExceeded", "message": "16 out of 16" }),
        json!({ "error": { "code": "BadRequest", "message": "no", "details": [{ "code": "Other", "message": "" }, inner] } }),
        json!({ "error": { "code": "BadRequest", "message": "no", "innererror": inner } }),
        json!({ "error": { "code": "ResourceDeploymentFailure", "message": "no",
            "details": [{ "code": "DeploymentFailed", "message": "no", "details": [{ "code": "Conflict", "message": text }] }] } }),
    ] {
        let fault = Fault::parse(&body).unwrap();
        assert_eq!(fault.telling().code(), "ServiceQuotaExceeded", "{body}");
        assert_eq!(fault.telling().message(), "16 out of 16");
    }
}

#[test]
fn a_request_that_was_not_sent_says_so() {
    let error = ArmError::new(
        "GET",
        "/subscriptions/s".to_owned(),
        Cause::Withheld {
            subscription: "s".to_owned(),
            kind: "reads",
            retry_after: Duration::from_secs(3),
        },
    );
    assert_eq!(error.class(), ErrorClass::Throttled);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert!(error.throttles_subscription() && !error.outcome_unknown());
    // Nothing in it changes with the clock: it stands in conditions.
    assert_eq!(
        error.to_string(),
        "not sent: no reads are left in subscription s for now (GET /subscriptions/s)"
    );
}
