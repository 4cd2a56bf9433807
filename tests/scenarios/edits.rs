//! "If I ask for something that cannot be undone or is not allowed, I hear it at `kubectl apply`."
//!
//! Every edit by every route that kubectl has, on an object that is bound to a hub in Azure.

use std::fs;

use serde_json::{Value, json};
use testbed::azure::names;
use testbed::{Kubectl, Object, Said, Scenario};

use crate::common::{hub, start};

/// How an edit reaches the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Edit,
    MergePatch,
    JsonPatch,
    Replace,
    ServerSideApply,
    Apply,
}

const ROUTES: [Route; 6] = [
    Route::Edit,
    Route::MergePatch,
    Route::JsonPatch,
    Route::Replace,
    Route::ServerSideApply,
    Route::Apply,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    /// The refusal names this field.
    Refused(&'static str),
}
use Verdict::{Refused, Taken};

/// One change of a spec.
type Change = fn(&mut Value);

/// An edit in one step or several; the verdict is on the last one, those before it are taken.
struct Edit {
    name: &'static str,
    steps: &'static [Change],
    verdict: Verdict,
}

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

/// What changes `old` into `new`, as a JSON merge patch has it (RFC 7396).
fn difference(old: &Value, new: &Value) -> Value {
    let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
        return new.clone();
    };
    let mut patch = serde_json::Map::new();
    for (name, value) in after {
        match before.get(name) {
            Some(same) if same == value => {}
            Some(other) => drop(patch.insert(name.clone(), difference(other, value))),
            None => drop(patch.insert(name.clone(), value.clone())),
        }
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

struct Table<'a> {
    scenario: &'a Scenario,
    folder: tempfile::TempDir,
}

impl Table<'_> {
    fn kubectl(&self) -> Kubectl {
        self.scenario.kubectl()
    }

    /// Gives the object `name` this spec.
    async fn set(&self, route: Route, name: &str, spec: &Value) -> Said {
        let namespace = format!("--namespace={}", self.scenario.namespace);
        let live = self.scenario.hub(name).await.unwrap();
        let declared = json!({
            "apiVersion": "keyholder.dev/v1alpha1",
            "kind": "AIHub",
            "metadata": { "name": name, "namespace": self.scenario.namespace },
            "spec": spec,
        });
        let mut whole = serde_json::to_value(live.object()).unwrap();
        whole["spec"] = spec.clone();
        let input = |arguments: &[&str], body: &Value| {
            let mut all = vec![namespace.as_str()];
            all.extend_from_slice(arguments);
            self.kubectl().with_input(&all, &body.to_string()).unwrap()
        };
        match route {
            Route::Apply => input(&["apply", "--filename=-"], &declared),
            Route::ServerSideApply => input(
                &["apply", "--server-side", "--force-conflicts", "--filename=-"],
                &declared,
            ),
            Route::Replace => input(&["replace", "--filename=-"], &whole),
            Route::MergePatch => {
                let patch = json!({ "spec": difference(live.at("/spec"), spec) }).to_string();
                input(
                    &["patch", "aihub", name, "--type=merge", "--patch", &patch],
                    &Value::Null,
                )
            }
            Route::JsonPatch => {
                let patch = json!([{ "op": "replace", "path": "/spec", "value": spec }]).to_string();
                input(
                    &["patch", "aihub", name, "--type=json", "--patch", &patch],
                    &Value::Null,
                )
            }
            Route::Edit => {
                let file = self.folder.path().join(format!("{name}.json"));
                fs::write(&file, serde_json::to_string_pretty(&whole).unwrap()).unwrap();
                // A refused edit is opened again, with the refusal as a comment: it is kept, and nothing is changed then.
                let reopened = self.folder.path().join(format!("{name}.reopened"));
                let editor = self.folder.path().join(format!("{name}.sh"));
                let script = format!("cp \"$1\" {}\ncp {} \"$1\"\n", reopened.display(), file.display());
                fs::write(&editor, script).unwrap();
                let arguments = [&namespace, "edit", "aihub", name];
                let editor = format!("sh {}", editor.display());
                let mut said = self
                    .kubectl()
                    .with_editor(&arguments, &editor, self.folder.path())
                    .unwrap();
                said.stderr.push_str(&fs::read_to_string(reopened).unwrap());
                said
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_every_route() {
    let mut scenario = start("edits").await;
    // An object for each route: who owns which field is then as that route leaves it.
    let objects = ROUTES.map(|route| (route, format!("{route:?}").to_lowercase()));
    for (route, name) in &objects {
        let manifest = hub(name);
        match route {
            Route::ServerSideApply => {
                let here = manifest.replace("namespace: ml-platform", "namespace: edits");
                let apply = ["apply", "--server-side", "--filename=-"];
                scenario
                    .kubectl()
                    .with_input(&apply, &here)
                    .unwrap()
                    .ok()
                    .unwrap();
            }
            _ => drop(scenario.apply(&manifest).unwrap().ok().unwrap()),
        }
    }
    for (_, name) in &objects {
        scenario.until_ready(name).await.unwrap();
    }
    // From here on nobody but the table writes.
    scenario.operator().unwrap().terminate().await.unwrap();

    let table = Table {
        scenario: &scenario,
        folder: tempfile::tempdir().unwrap(),
    };
    let mut wrong = Vec::new();
    let mut cells = 0;
    for (route, name) in &objects {
        let base = scenario.hub(name).await.unwrap().at("/spec").clone();
        for edit in EDITS {
            let cell = format!("{route:?} of {}", edit.name);
            let mut spec = base.clone();
            let (last, first) = edit.steps.split_last().unwrap();
            for step in first {
                step(&mut spec);
                let said = table.set(*route, name, &spec).await;
                if !said.success {
                    wrong.push(format!("{cell}: an early step was refused: {}", said.stderr));
                }
            }
            let before = scenario.hub(name).await.unwrap();
            last(&mut spec);
            let said = table.set(*route, name, &spec).await;
            cells += 1;
            let after = scenario.hub(name).await.unwrap();
            match edit.verdict {
                Taken if !said.success => wrong.push(format!("{cell} was refused: {}", said.stderr)),
                Refused(_) if said.success => wrong.push(format!("{cell} was taken")),
                Refused(field) if !said.stderr.contains(field) => {
                    wrong.push(format!(
                        "{cell} was refused without the field {field}: {}",
                        said.stderr
                    ));
                }
                Refused(_) if said.stderr.matches("Nothing was changed").count() > 1 => {
                    wrong.push(format!("{cell}: told more than once: {}", said.stderr));
                }
                Refused(_) if generation(&before) != generation(&after) => {
                    wrong.push(format!("{cell} was refused and changed the object"));
                }
                _ => {}
            }
            // The cure, after a refusal as after a change: what was there before.
            let said = table.set(*route, name, &base).await;
            let cured = scenario.hub(name).await.unwrap();
            if !said.success || cured.at("/spec") != &base {
                wrong.push(format!("{cell}: the cure was refused: {}", said.stderr));
            }
        }
    }
    println!("{cells} cells: {} routes, {} edits", ROUTES.len(), EDITS.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cells, ROUTES.len() * EDITS.len());
}

fn generation(hub: &Object) -> Option<i64> {
    hub.object().metadata.generation
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
