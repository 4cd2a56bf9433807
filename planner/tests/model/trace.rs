//! A path through the state space, for people.

use std::fmt::Write as _;

use stateright::Path;

use crate::model::Life;
use crate::state::{Action, InKubernetes, State, Step};
use crate::world::World;

/// Tells what happened on a path, and what each event led to.
pub fn told<W: World>(model: &Life<W>, property: &str, path: Path<State<W>, Action<W>>) -> String {
    let mut text = format!("broken: {property}\n");
    let steps = path.into_vec();
    let after = steps.iter().skip(1).map(|(state, _)| state);
    for ((before, action), state) in steps.iter().zip(after) {
        let Some(action) = action else { continue };
        writeln!(text, "  {action:?}").unwrap();
        if let Step::Decided(id) = state.step
            && before.step == Step::Idle
        {
            let pass = model.operator.pass(id);
            let write = pass.plan.write.as_ref().map_or_else(
                || "nothing".to_owned(),
                |write| {
                    format!(
                        "{:?} {}",
                        write.kind,
                        write.intent.rsplit('/').next().unwrap_or_default()
                    )
                },
            );
            writeln!(text, "      plan: {write}; finalizer: {:?}", pass.plan.finalizer).unwrap();
        }
        if state.azure != before.azure {
            writeln!(text, "      Azure: {:?}", state.azure).unwrap();
        }
        if state.object != before.object {
            writeln!(text, "      Kubernetes: {}", object(model, state)).unwrap();
        }
    }
    if let Some((last, _)) = steps.last() {
        writeln!(text, "  so: {:?}; {}", last.broken, object(model, last)).unwrap();
    }
    text
}

fn object<W: World>(model: &Life<W>, state: &State<W>) -> String {
    let InKubernetes::Here(object) = state.object else {
        return format!("{:?}", state.object);
    };
    let status = model.operator.status(object.status);
    let of_dependents = status.dependents.iter().map(|one| &one.operation);
    let mut operation: String = of_dependents
        .chain([&status.operation])
        .flatten()
        .map(|one| format!("{} {} ", one.kind, one.state))
        .collect();
    if crate::time::waits(&status) {
        operation.push_str("(waits)");
    }
    let conditions: Vec<String> = status
        .conditions
        .iter()
        .filter(|one| matches!(one.type_.as_str(), "Ready" | "Stalled"))
        .map(|one| format!("{} {} {}", one.type_, one.status, one.reason))
        .collect();
    format!(
        "{:?}{}{}; bound {}; operation {operation}; {}",
        object.spec,
        if object.is_deleting {
            format!(", deleting with {:?}", object.policy)
        } else {
            String::new()
        },
        if object.has_finalizer {
            ""
        } else {
            ", no finalizer"
        },
        if status.bound.is_some() { "yes" } else { "no" },
        conditions.join(", "),
    )
}
