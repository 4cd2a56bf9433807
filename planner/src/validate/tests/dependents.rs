//! What the rules of the CRD and the planner take as a dependent, and what they do not.

use kube::CustomResourceExt;
use kube::core::cel::{compile_schema, validate_compiled};

use super::*;

const SEARCH: &str = "Microsoft.Search/searchServices";

#[test]
fn rules_and_planner_take_the_same_dependents() {
    let crd = serde_json::to_value(AIHub::crd()).unwrap();
    let rules = compile_schema(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]);
    assert!(!rules.has_errors(), "{:?}", rules.compilation_errors());
    let whole = id(STORAGE_ACCOUNT, "aihubdata").to_string();
    for (kind, resource, refused) in [
        (STORAGE_ACCOUNT, "aihubdata".to_owned(), None),
        (STORAGE_ACCOUNT, whole.clone(), None),
        (STORAGE_ACCOUNT, whole.to_uppercase(), None),
        (SEARCH, id(SEARCH, "my-search").to_string(), None),
        (
            STORAGE_ACCOUNT,
            "rg-ai/aihubdata".to_owned(),
            Some("give its name"),
        ),
        (
            STORAGE_ACCOUNT,
            "https://aihubdata.blob.core.windows.net".to_owned(),
            Some("give its name"),
        ),
        (
            STORAGE_ACCOUNT,
            format!("{whole}/blobServices/default"),
            Some("something within it"),
        ),
        (STORAGE_ACCOUNT, format!("{whole}/"), Some("give its name")),
        (
            STORAGE_ACCOUNT,
            whole.replace(SUBSCRIPTION, "mine"),
            Some("give its name"),
        ),
        (SEARCH, whole.clone(), Some("correct the id or the type")),
    ] {
        let hub = with(
            "/spec/dependents",
            json!([{ "type": kind, "resource": resource }]),
        );
        let by_rules = validate_compiled(&rules, &serde_json::to_value(&hub).unwrap(), None);
        let by_planner = hub.validate("owner", None);
        let Some(part) = refused else {
            assert!(by_rules.is_ok(), "{resource}: {by_rules:?}");
            assert!(by_planner.is_ok(), "{resource}: {by_planner:?}");
            continue;
        };
        let told: Vec<String> = by_rules
            .expect_err(&resource)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(told.join("\n").contains(part), "{resource}: {told:?}");
        let (path, message) = only(&hub);
        assert_eq!(path, "spec.dependents[0].resource", "{resource}");
        let cure = message.contains("give the name or the ARM id") || message.contains("ARM id such as");
        assert!(cure, "{resource}: {message}");
    }
}
