//! The same for projects.

use serde_json::json;
use testbed::azure::names;

use super::routes::{Edit, Refused, Taken, by_every_route};
use crate::common::{hub, project};

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
