//! The chart as Helm renders it and as the API server takes it.
#![cfg(test)]

use serde_json::{Value, json};
use testbed::Kubectl;
use testbed::binaries::helm;
use testbed::chart::{self, RELEASE};
use testbed::installation::Installation;
use testbed::scenario::control_plane;

/// The rendered objects; kubectl reads the YAML.
fn rendered(kubectl: &Kubectl, values: &Value) -> Vec<Value> {
    let yaml = chart::render(&helm().unwrap(), "chart-system", values).unwrap();
    let said = kubectl
        .with_input(
            &["create", "--dry-run=client", "--output=json", "--filename=-"],
            &yaml,
        )
        .unwrap();
    let objects = said.ok().unwrap();
    // One JSON document after the other.
    serde_json::Deserializer::from_str(&objects)
        .into_iter::<Value>()
        .map(Result::unwrap)
        .collect()
}

fn words(list: &Value) -> String {
    let words: Vec<&str> = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    words.join(",")
}

/// Every right that the objects give, one a line.
fn rights(objects: &[Value]) -> Vec<String> {
    let mut rights = Vec::new();
    for object in objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        for rule in object["rules"].as_array().into_iter().flatten() {
            let place = object["metadata"]["namespace"].as_str().unwrap_or("everywhere");
            let (group, what) = (words(&rule["apiGroups"]), words(&rule["resources"]));
            rights.push(format!(
                "{kind} {place}: {group}/{what} {}",
                words(&rule["verbs"])
            ));
        }
    }
    rights.sort();
    rights
}

#[tokio::test]
async fn the_chart_gives_these_rights_and_no_others() {
    let kubectl = control_plane().await.unwrap().kubectl();
    let own = [
        "Role chart-system: /serviceaccounts get,list,watch",
        "Role chart-system: /serviceaccounts/token create",
        "Role chart-system: coordination.k8s.io/leases get,create,update",
    ];
    let one_namespace = [
        "Role watched: events.k8s.io/events create,patch",
        "Role watched: keyholder.dev/aihubs,aiservicesaccounts,aiprojects get,list,watch,patch",
        "Role watched: keyholder.dev/aihubs/status,aiservicesaccounts/status,aiprojects/status patch",
    ];
    let everywhere = [
        "ClusterRole everywhere: events.k8s.io/events create,patch",
        "ClusterRole everywhere: keyholder.dev/aihubs,aiservicesaccounts,aiprojects get,list,watch,patch",
        "ClusterRole everywhere: keyholder.dev/aihubs/status,aiservicesaccounts/status,aiprojects/status patch",
    ];
    let mut values = chart::values("testbed", "watched");
    assert_eq!(
        rights(&rendered(&kubectl, &values)),
        [&own[..], &one_namespace].concat()
    );
    values["watchNamespaces"] = json!([]);
    assert_eq!(
        rights(&rendered(&kubectl, &values)),
        [&everywhere[..], &own].concat()
    );
}

#[tokio::test]
async fn the_operators_pod_passes_the_restricted_standard() {
    let plane = control_plane().await.unwrap();
    let kubectl = plane.kubectl();
    let values = chart::values("testbed", "restricted");
    Installation::new(plane, "restricted-system", "restricted", &values).unwrap();
    kubectl
        .ok(&[
            "label",
            "namespace",
            "restricted-system",
            "pod-security.kubernetes.io/enforce=restricted",
        ])
        .unwrap();
    let get = [
        "get",
        "deployment",
        RELEASE,
        "--namespace=restricted-system",
        "--output=json",
    ];
    let deployment: Value = serde_json::from_str(&kubectl.ok(&get).unwrap()).unwrap();
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("probe");
    let create = [
        "create",
        "--dry-run=server",
        "--namespace=restricted-system",
        "--filename=-",
    ];
    kubectl
        .with_input(&create, &pod.to_string())
        .unwrap()
        .ok()
        .unwrap();

    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    let refused = kubectl.with_input(&create, &pod.to_string()).unwrap();
    assert!(
        !refused.success && refused.stderr.contains("PodSecurity"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_custom_resource_definition_outlives_its_release() {
    let kubectl = control_plane().await.unwrap().kubectl();
    let objects = rendered(&kubectl, &chart::values("testbed", "watched"));
    let mut names = Vec::new();
    for object in objects
        .iter()
        .filter(|object| object["kind"] == "CustomResourceDefinition")
    {
        assert_eq!(
            object["metadata"]["annotations"]["helm.sh/resource-policy"],
            "keep"
        );
        names.push(object["metadata"]["name"].as_str().unwrap());
    }
    assert_eq!(
        names,
        [
            "aihubs.keyholder.dev",
            "aiprojects.keyholder.dev",
            "aiservicesaccounts.keyholder.dev"
        ]
    );
}

#[test]
fn a_value_that_is_required_is_asked_for_by_name() {
    for (missing, values) in [
        ("ownerId", json!({ "image": { "repository": "keyholder" } })),
        ("image.repository", json!({ "ownerId": "testbed" })),
    ] {
        let refused = chart::render(&helm().unwrap(), "chart-system", &values)
            .unwrap_err()
            .chain();
        assert!(refused.contains(&format!("{missing} is required")), "{refused}");
    }
}
