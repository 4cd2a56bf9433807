//! "If I ask for something that cannot be undone or is not allowed, I hear it at `kubectl apply`."
//!
//! Every edit by every route that kubectl has, on an object that is bound to a hub in Azure.

use serde_json::{Value, json};
use testbed::azure::names;

use crate::common::{hub, start};

use routes::{Edit, Refused, Taken, by_every_route};

mod accounts;
mod projects;
mod routes;

fn key(spec: &mut Value) -> &mut Value {
    &mut spec["encryption"]["customerManagedKey"]
}

fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name);
}

fn microsoft_managed(spec: &mut Value) {
    spec["encryption"] = json!({ "mode": "MicrosoftManaged" });
}

const EDITS: &[Edit] = &[
    Edit {
        name: "mode",
        steps: &[microsoft_managed],
        verdict: Refused("spec.encryption.mode"),
    },
    Edit {
        name: "another vault",
        steps: &[|spec| key(spec)["vault"] = json!(names::vault(names::OTHER_VAULT))],
        verdict: Refused("spec.encryption.customerManagedKey"),
    },
    Edit {
        name: "another key",
        steps: &[|spec| key(spec)["key"] = json!(names::OTHER_KEY)],
        verdict: Taken,
    },
    Edit {
        name: "data location",
        steps: &[|spec| spec["encryption"]["dataLocation"] = json!("ServiceSide")],
        verdict: Refused("spec.encryption.dataLocation"),
    },
    Edit {
        name: "data location left out",
        steps: &[|spec| remove(&mut spec["encryption"], "dataLocation")],
        verdict: Taken,
    },
    Edit {
        name: "data location left out, then another",
        steps: &[
            |spec| remove(&mut spec["encryption"], "dataLocation"),
            |spec| spec["encryption"]["dataLocation"] = json!("ServiceSide"),
        ],
        verdict: Refused("spec.encryption.dataLocation"),
    },
    Edit {
        name: "the key's block removed",
        steps: &[|spec| remove(&mut spec["encryption"], "customerManagedKey")],
        verdict: Refused("spec.encryption"),
    },
    Edit {
        name: "the encryption removed",
        steps: &[|spec| remove(spec, "encryption")],
        verdict: Refused("spec.encryption"),
    },
    Edit {
        name: "the key's identity removed",
        steps: &[|spec| remove(key(spec), "identity")],
        verdict: Refused("spec.encryption.customerManagedKey"),
    },
    Edit {
        name: "the key's identity taken from the hub",
        steps: &[|spec| spec["identity"]["userAssigned"] = json!(["other"])],
        verdict: Refused("spec.encryption.customerManagedKey"),
    },
    Edit {
        name: "high business impact set as it is, removed, and set otherwise",
        steps: &[
            |spec| spec["highBusinessImpact"] = json!(true),
            |spec| remove(spec, "highBusinessImpact"),
            |spec| spec["highBusinessImpact"] = json!(false),
        ],
        verdict: Refused("spec.highBusinessImpact"),
    },
    Edit {
        name: "the vault's letter case",
        steps: &[|spec| {
            key(spec)["vault"] = json!(
                names::vault(names::VAULT)
                    .to_uppercase()
                    .replace("/SUBSCRIPTIONS", "/subscriptions")
            );
        }],
        verdict: Taken,
    },
    Edit {
        name: "the group's letter case",
        steps: &[|spec| spec["resourceGroup"] = json!("RG-AI")],
        verdict: Taken,
    },
    Edit {
        name: "the region as people write it",
        steps: &[|spec| spec["location"] = json!("West Europe")],
        verdict: Taken,
    },
    Edit {
        name: "the vault's name instead of its id, and back",
        steps: &[
            |spec| key(spec)["vault"] = json!(names::VAULT),
            |spec| key(spec)["vault"] = json!(names::vault(names::VAULT)),
        ],
        verdict: Taken,
    },
    Edit {
        name: "the storage account's id instead of its name",
        steps: &[|spec| {
            spec["storageAccount"] = json!(names::resource(
                names::AI_GROUP,
                "Microsoft.Storage/storageAccounts",
                "aihubdata"
            ));
        }],
        verdict: Taken,
    },
    Edit {
        name: "another storage account",
        steps: &[|spec| spec["storageAccount"] = json!("otherdata")],
        verdict: Refused("spec.storageAccount"),
    },
    Edit {
        name: "another secret store",
        steps: &[|spec| spec["keyVault"] = json!("other-secrets")],
        verdict: Refused("spec.keyVault"),
    },
    Edit {
        name: "another region",
        steps: &[|spec| spec["location"] = json!("northeurope")],
        verdict: Refused("spec.location"),
    },
    Edit {
        name: "another group",
        steps: &[|spec| spec["resourceGroup"] = json!("rg-other")],
        verdict: Refused("spec.resourceGroup"),
    },
    Edit {
        name: "another name",
        steps: &[|spec| spec["azureName"] = json!("renamed")],
        verdict: Refused("spec.azureName"),
    },
    Edit {
        name: "no managed network, as Azure has it",
        steps: &[|spec| spec["managedNetwork"] = json!({ "isolation": "Disabled" })],
        verdict: Taken,
    },
    Edit {
        name: "a managed network of one's own",
        steps: &[|spec| spec["managedNetwork"] = json!({ "virtualNetwork": "mine" })],
        verdict: Refused("spec.managedNetwork.virtualNetwork"),
    },
    Edit {
        name: "a managed network at another address",
        steps: &[|spec| spec["managedNetwork"] = json!({ "addressPrefix": "10.0.0.0/16" })],
        verdict: Refused("spec.managedNetwork.addressPrefix"),
    },
    Edit {
        name: "tags",
        steps: &[|spec| spec["tags"] = json!({ "team": "other" })],
        verdict: Taken,
    },
    Edit {
        name: "deletion policy",
        steps: &[|spec| spec["deletionPolicy"] = json!("Delete")],
        verdict: Taken,
    },
];

fn isolate(spec: &mut Value, isolation: &str) {
    spec["managedNetwork"] = json!({ "isolation": isolation });
}

/// On a hub whose network allows the internet.
const EDITS_OF_ISOLATION: &[Edit] = &[
    Edit {
        name: "isolation as it is, in its block alone",
        steps: &[|spec| isolate(spec, "AllowInternetOutbound")],
        verdict: Taken,
    },
    Edit {
        name: "tighter isolation",
        steps: &[|spec| isolate(spec, "AllowOnlyApprovedOutbound")],
        verdict: Taken,
    },
    Edit {
        name: "isolation left out",
        steps: &[|spec| remove(spec, "managedNetwork")],
        verdict: Taken,
    },
    Edit {
        name: "no isolation any more",
        steps: &[|spec| isolate(spec, "Disabled")],
        verdict: Refused("spec.managedNetwork.isolation"),
    },
    Edit {
        name: "isolation left out, then none any more",
        steps: &[
            |spec| remove(spec, "managedNetwork"),
            |spec| isolate(spec, "Disabled"),
        ],
        verdict: Refused("spec.managedNetwork.isolation"),
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn of_an_isolated_hub_by_every_route() {
    by_every_route("edits-network", "AIHub", EDITS_OF_ISOLATION, &[], |name| {
        let isolation = "  managedNetwork:\n    isolation: AllowInternetOutbound\n  deletionPolicy:";
        hub(name).replace("  deletionPolicy:", isolation)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hub_by_every_route() {
    by_every_route("edits", "AIHub", EDITS, &[], hub).await;
}

/// What is bound says one thing and the spec another, as after a restore from a backup: the object is not wedged.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_spec_differs_from_what_is_bound_can_still_be_written() {
    let mut scenario = start("edits-wedged").await;
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
    scenario.operator().unwrap().terminate().await.unwrap();
    let run = |arguments: &[&str]| {
        let mut all = vec!["patch", "aihub", "research", "--type=merge"];
        all.extend_from_slice(arguments);
        scenario.run(&all).unwrap()
    };
    let other = names::vault(names::OTHER_VAULT).to_lowercase();
    let bound = json!({ "status": { "bound": { "vault": other } } }).to_string();
    run(&["--subresource=status", "--patch", &bound]).ok().unwrap();

    let status = json!({ "status": { "summary": { "key": "seen" } } }).to_string();
    run(&["--subresource=status", "--patch", &status]).ok().unwrap();
    run(&["--patch", r#"{"metadata":{"labels":{"a":"b"}}}"#])
        .ok()
        .unwrap();
    run(&[
        "--patch",
        r#"{"metadata":{"finalizers":["keyholder.dev/azure","example.com/other"]}}"#,
    ])
    .ok()
    .unwrap();
    run(&[
        "--patch",
        r#"{"metadata":{"finalizers":["keyholder.dev/azure"]}}"#,
    ])
    .ok()
    .unwrap();
    let elsewhere = json!({ "spec": { "encryption": { "customerManagedKey": { "vault": names::vault(names::LOOSE_VAULT) } } } });
    assert!(
        !run(&["--patch", &elsewhere.to_string()]).success,
        "a third vault is refused"
    );
    let cure = json!({ "spec": { "encryption": { "customerManagedKey": { "vault": names::vault(names::OTHER_VAULT) } } } });
    run(&["--patch", &cure.to_string()]).ok().unwrap();
}
