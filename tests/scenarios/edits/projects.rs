//! The same for projects.

use serde_json::json;
use testbed::azure::names;

use super::routes::{Edit, Refused, Taken, by_every_route};
use crate::common::{hub, project, start};

const EDITS: &[Edit] = &[
    Edit {
        name: "another hub",
        steps: &[|spec| spec["parentRef"]["name"] = json!("other")],
        verdict: Refused("spec.parentRef"),
    },
    Edit {
        name: "an account",
        steps: &[|spec| spec["parentRef"]["kind"] = json!("AIServicesAccount")],
        verdict: Refused("spec.parentRef"),
    },
    Edit {
        name: "another hub by its id",
        steps: &[|spec| {
            spec["parentRef"] = json!({ "resourceId": names::hub("other") });
            spec["location"] = json!(names::LOCATION);
        }],
        verdict: Refused("spec.parentRef"),
    },
    Edit {
        name: "the same hub by its id, then another by its name",
        steps: &[
            |spec| {
                spec["parentRef"] = json!({ "resourceId": names::hub("research") });
                spec["location"] = json!(names::LOCATION);
            },
            |spec| {
                spec["parentRef"] = json!({ "kind": "AIHub", "name": "other" });
                spec.as_object_mut().unwrap().remove("location");
            },
        ],
        verdict: Refused("spec.parentRef"),
    },
    Edit {
        name: "two parents",
        steps: &[|spec| spec["parentRef"]["resourceId"] = json!(names::hub("research"))],
        verdict: Refused("spec.parentRef"),
    },
    Edit {
        name: "no parent",
        steps: &[|spec| {
            spec.as_object_mut().unwrap().remove("parentRef");
        }],
        verdict: Refused("spec.parentRef"),
    },
    Edit {
        name: "a region beside an object",
        steps: &[|spec| spec["location"] = json!(names::LOCATION)],
        verdict: Refused("spec.location"),
    },
    Edit {
        name: "another name",
        steps: &[|spec| spec["azureName"] = json!("renamed")],
        verdict: Refused("spec.azureName"),
    },
    Edit {
        name: "another title",
        steps: &[|spec| spec["displayName"] = json!("Another")],
        verdict: Taken,
    },
    Edit {
        name: "no title",
        steps: &[|spec| {
            spec.as_object_mut().unwrap().remove("displayName");
        }],
        verdict: Taken,
    },
    Edit {
        name: "tags",
        steps: &[|spec| spec["tags"] = json!({ "team": "other" })],
        verdict: Taken,
    },
];

fn of_research(name: &str) -> String {
    project(name, "AIHub", "research")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_project_by_every_route() {
    let beside = [hub("research"), hub("other")];
    by_every_route("edits-projects", "AIProject", EDITS, &beside, of_research).await;
}

/// What is bound says one thing and the spec another, as after a restore from a backup: the object is not wedged.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_whose_spec_differs_from_what_is_bound_can_still_be_written() {
    let mut scenario = start("edits-wedged-project").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.apply(&of_research("churn")).unwrap().ok().unwrap();
    scenario.until_ready("AIProject/churn").await.unwrap();
    scenario.operator().unwrap().terminate().await.unwrap();
    let run = |arguments: &[&str]| {
        let mut all = vec!["patch", "aiproject", "churn", "--type=merge"];
        all.extend_from_slice(arguments);
        scenario.run(&all).unwrap()
    };
    let other = names::hub("other").to_lowercase();
    let bound = json!({ "status": { "bound": { "parent": other, "parentObject": "AIHub/other", "location": "northeurope" } } });
    run(&["--subresource=status", "--patch", &bound.to_string()])
        .ok()
        .unwrap();
    let status = json!({ "status": { "summary": { "key": "seen" } } }).to_string();
    run(&["--subresource=status", "--patch", &status]).ok().unwrap();
    for patch in [
        r#"{"metadata":{"labels":{"a":"b"}}}"#,
        r#"{"metadata":{"finalizers":["keyholder.dev/azure","example.com/other"]}}"#,
        r#"{"metadata":{"finalizers":["keyholder.dev/azure"]}}"#,
        r#"{"spec":{"parentRef":{"name":"other"}}}"#,
    ] {
        run(&["--patch", patch]).ok().unwrap();
    }
    assert!(!run(&["--patch", r#"{"spec":{"parentRef":{"name":"third"}}}"#]).success);
}
