//! The rules of the project's CRD and the planner refuse the same changes, as for hubs: every edit of a small world.
//!
//! The rules alone refuse one thing more: a name that the project was not bound under, although it may mean the same resource.

use std::collections::BTreeMap;

use keyholder_crds::{AIProject, Bound};
use kube::CustomResourceExt;
use kube::core::cel::{CompiledSchema, compile_schema, validate_compiled};
use serde_json::{Value, json};

use crate::arm_id::ArmId;
use crate::fixtures::id;
use crate::kind::Kind;
use crate::name::Location;
use crate::parent::Parent;
use crate::transition::cel_agrees::without_forms;
use crate::transition::{of_declared, refusals};
use crate::validate::{ACCOUNT, Declared, Validate, WORKSPACE};

/// What one spec says where it matters.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Choice {
    parent: &'static str,
    by_id: bool,
    location: &'static str,
    name: Option<&'static str>,
}

/// Of a name, in this world: hubs but for foundry.
fn resource(name: &str) -> ArmId {
    let kind = if name == "foundry" { ACCOUNT } else { WORKSPACE };
    id(kind, name)
}

fn kind_of(name: &str) -> &'static str {
    if name == "foundry" {
        "AIServicesAccount"
    } else {
        "AIHub"
    }
}

fn choices() -> Vec<Choice> {
    let mut all = Vec::new();
    for parent in ["research", "other", "foundry"] {
        for name in [None, Some("churn"), Some("renamed")] {
            for (by_id, location) in [(false, "westeurope"), (true, "West Europe"), (true, "eastus")] {
                all.push(Choice {
                    parent,
                    by_id,
                    location,
                    name,
                });
            }
        }
    }
    all
}

fn object(choice: Choice, bound: Option<&Bound>) -> AIProject {
    let mut spec = if choice.by_id {
        json!({ "parentRef": { "resourceId": resource(choice.parent).as_str() }, "location": choice.location })
    } else {
        json!({ "parentRef": { "kind": kind_of(choice.parent), "name": choice.parent } })
    };
    spec["deletionPolicy"] = json!("Retain");
    if let Some(name) = choice.name {
        spec["azureName"] = json!(name);
    }
    let mut object = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIProject",
        "metadata": { "name": "churn", "namespace": "ml-platform", "generation": 1 },
        "spec": spec,
    });
    if let Some(bound) = bound {
        object["status"] = json!({ "bound": bound });
    }
    serde_json::from_value(object).unwrap()
}

fn declared(choice: Choice, bound: Option<&Bound>) -> Declared {
    let parent = Parent {
        id: resource(choice.parent),
        location: Location::parse("westeurope").unwrap(),
        waits_for: None,
    };
    object(choice, bound).validate("owner", Some(&parent)).unwrap()
}

fn rules() -> CompiledSchema {
    let mut crd = serde_json::to_value(AIProject::crd()).unwrap();
    let schema = crd
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema")
        .unwrap();
    without_forms(schema);
    let rules = compile_schema(schema);
    assert!(!rules.has_errors(), "{:?}", rules.compilation_errors());
    rules
}

#[test]
fn a_name_of_the_hubs_own_is_refused_where_the_spec_tells() {
    let rules = rules();
    for (parent, name, refused) in [
        ("research", Some("Research"), true),
        // The object's own name.
        ("churn", None, true),
        ("research", Some("research-2"), false),
        ("other", Some("research"), false),
        ("foundry", Some("foundry"), false),
    ] {
        let choice = Choice {
            parent,
            by_id: true,
            location: "westeurope",
            name,
        };
        let project = object(choice, None);
        let by_rules = validate_compiled(&rules, &serde_json::to_value(&project).unwrap(), None);
        let by_planner = project.validate("owner", None);
        assert_eq!(by_rules.is_err(), refused, "{choice:?}: {by_rules:?}");
        assert_eq!(by_planner.is_err(), refused, "{choice:?}");
    }
}

#[test]
fn a_parents_name_is_an_objects() {
    let rules = rules();
    for (name, taken) in [
        ("research", true),
        ("a.b-2", true),
        ("a/b", false),
        ("Research", false),
        ("-a", false),
        ("a.", false),
        ("a..b", false),
    ] {
        let mut project = serde_json::to_value(object(choices().remove(0), None)).unwrap();
        project["spec"]["parentRef"]["name"] = json!(name);
        let said = validate_compiled(&rules, &project, None);
        assert_eq!(said.is_ok(), taken, "{name}: {said:?}");
    }
}

#[test]
fn the_rules_of_the_crd_and_the_planner_refuse_the_same() {
    let rules = rules();
    let mut hits = BTreeMap::<String, u32>::new();
    for bound in choices() {
        let have = of_declared(&declared(bound, None));
        // The parent may have been named by its id in the meantime.
        let by_id = Choice {
            by_id: true,
            location: if bound.location == "westeurope" {
                "West Europe"
            } else {
                bound.location
            },
            ..bound
        };
        for old in [bound, by_id] {
            for new in choices() {
                let json = |choice| serde_json::to_value::<AIProject>(object(choice, Some(&have))).unwrap();
                let (before, after): (Value, Value) = (json(old), json(new));
                let cel = validate_compiled(&rules, &after, Some(&before)).is_err();
                let wanted = declared(new, Some(&have));
                let refused = refusals(&wanted.kind, &of_declared(&wanted), &have);
                let unknown_name = !new.by_id && new != old && have.parent_object.is_none();
                assert!(
                    !cel || !refused.is_empty() || unknown_name,
                    "rules alone: {have:?}\n{old:?} -> {new:?}"
                );
                assert!(
                    refused.is_empty() || cel || new == old,
                    "planner alone: {refused:?}\n{have:?}\n{old:?} -> {new:?}"
                );
                assert!(
                    matches!(&wanted.kind, Kind::Project(project) if project.parent.lower() == have.parent.clone().unwrap())
                );
                *hits
                    .entry(if cel { "refused" } else { "let in" }.to_owned())
                    .or_default() += 1;
                for one in refused {
                    *hits.entry(one.path.to_owned()).or_default() += 1;
                }
            }
        }
    }
    for what in [
        "refused",
        "let in",
        "spec.parentRef",
        "spec.azureName",
        "spec.location",
    ] {
        let hits = hits.get(what).copied().unwrap_or_default();
        assert!(hits >= 50, "{what}: {hits} hits");
    }
}
