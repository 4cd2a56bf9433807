//! The routes by which an edit reaches the API server, and a table of edits by each of them.

use std::fs;

use serde_json::{Value, json};
use testbed::{Kubectl, Object, Said, Scenario};

use crate::common::start;

/// How an edit reaches the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
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
pub enum Verdict {
    Taken,
    /// The refusal names this field.
    Refused(&'static str),
}
pub use Verdict::{Refused, Taken};

/// One change of a spec.
pub type Change = fn(&mut Value);

/// An edit in one step or several; the verdict is on the last one, those before it are taken.
pub struct Edit {
    pub name: &'static str,
    pub steps: &'static [Change],
    pub verdict: Verdict,
}

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
    kind: &'static str,
    folder: tempfile::TempDir,
}

impl Table<'_> {
    fn kubectl(&self) -> Kubectl {
        self.scenario.kubectl()
    }

    /// The object of this name.
    async fn object(&self, name: &str) -> Object {
        self.scenario.hub(&format!("{}/{name}", self.kind)).await.unwrap()
    }

    /// Gives the object `name` this spec.
    async fn set(&self, route: Route, name: &str, spec: &Value) -> Said {
        let namespace = format!("--namespace={}", self.scenario.namespace);
        let live = self.object(name).await;
        let declared = json!({
            "apiVersion": "keyholder.dev/v1alpha1",
            "kind": self.kind,
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
                    &["patch", self.kind, name, "--type=merge", "--patch", &patch],
                    &Value::Null,
                )
            }
            Route::JsonPatch => {
                let patch = json!([{ "op": "replace", "path": "/spec", "value": spec }]).to_string();
                input(
                    &["patch", self.kind, name, "--type=json", "--patch", &patch],
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
                let arguments = [&namespace, "edit", self.kind, name];
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

/// Makes each of `edits` by each route on an object of `kind`, whose manifest `manifest` gives by its name; `beside`: what must be there too.
pub async fn by_every_route(
    name: &str,
    kind: &'static str,
    edits: &[Edit],
    beside: &[String],
    manifest: fn(&str) -> String,
) {
    let mut scenario = start(name).await;
    for one in beside {
        scenario.apply(one).unwrap().ok().unwrap();
    }
    // An object for each route: who owns which field is then as that route leaves it.
    let objects = ROUTES.map(|route| (route, format!("{route:?}").to_lowercase()));
    for (route, name) in &objects {
        let manifest = manifest(name);
        match route {
            Route::ServerSideApply => {
                let here = manifest.replace(
                    "namespace: ml-platform",
                    &format!("namespace: {}", scenario.namespace),
                );
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
        scenario.until_ready(&format!("{kind}/{name}")).await.unwrap();
    }
    // From here on nobody but the table writes.
    scenario.operator().unwrap().terminate().await.unwrap();

    let table = Table {
        scenario: &scenario,
        kind,
        folder: tempfile::tempdir().unwrap(),
    };
    let mut wrong = Vec::new();
    let mut cells = 0;
    for (route, name) in &objects {
        let base = table.object(name).await.at("/spec").clone();
        for edit in edits {
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
            let before = table.object(name).await;
            last(&mut spec);
            let said = table.set(*route, name, &spec).await;
            cells += 1;
            let after = table.object(name).await;
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
            let cured = table.object(name).await;
            if !said.success || cured.at("/spec") != &base {
                wrong.push(format!("{cell}: the cure was refused: {}", said.stderr));
            }
        }
    }
    println!("{cells} cells: {} routes, {} edits", ROUTES.len(), edits.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cells, ROUTES.len() * edits.len());
}

fn generation(hub: &Object) -> Option<i64> {
    hub.object().metadata.generation
}
