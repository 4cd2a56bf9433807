//! What the operator may have written to Azure in a life with trouble, judged by Azure's log.

use serde_json::Value;
use testbed::azure::Exchange;

use super::{Phase, Trouble};
use crate::kind::Kind;

/// No write that is forbidden, and none twice.
pub fn check(kind: Kind, name: &str, phase: Phase, trouble: Trouble, log: &[Exchange]) -> Result<(), String> {
    let id = kind.id(name).to_lowercase();
    let writes: Vec<&Exchange> = log.iter().filter(|one| one.is_write()).collect();
    let told: Vec<String> = writes
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {} {}",
                one.method, one.url, one.status, one.request, one.fault
            )
        })
        .collect();
    let wrong = |what: &str| Err(format!("{what}: {}", told.join("\n  ")));
    let mut effects = Vec::new();
    let mut tries = 0;
    for one in &writes {
        let is_purge = kind.is_purge(one, name);
        if one.path().to_lowercase() != id && !is_purge {
            return wrong("a write to something else");
        }
        let fields: Vec<String> = fields(&one.request);
        let is_fit = match one.method.as_str() {
            "PUT" => {
                !effects.contains(&"PATCH")
                    && kind.has_key() == fields.iter().any(|field| field.contains("/keyVaultProperties/"))
            }
            "PATCH" => fields
                .iter()
                .all(|field| kind.may_patch(field) || field.starts_with("/tags/")),
            "DELETE" => phase == Phase::Delete && kind.may_delete(one, is_purge),
            _ => false,
        };
        if !is_fit {
            return wrong("a forbidden write");
        }
        tries += 1;
        let had_no_effect = !one.fault.is_null() && trouble.undoes_writes();
        let is_about_tags = one.method == "PATCH" && fields.iter().all(|field| field.starts_with("/tags/"));
        if !had_no_effect && !is_about_tags && !is_purge && (one.status < 300 || !one.fault.is_null()) {
            effects.push(one.method.as_str());
        }
    }
    let purges_ignored = writes
        .iter()
        .any(|one| !one.fault.is_null() && kind.is_purge(one, name));
    let expected: &[&str] = match phase {
        Phase::Create => &["PUT"],
        // Somebody else deletes it.
        Phase::Delete if trouble == Trouble::IgnoreWrite && !purges_ignored => &["PUT"],
        Phase::Change | Phase::Rotate => &["PUT", "PATCH"],
        Phase::Delete => &["PUT", "DELETE"],
    };
    if effects != expected {
        return wrong("not the writes that there should be");
    }
    if tries > expected.len() + 4 {
        return wrong("too many tries");
    }
    Ok(())
}

/// The paths of a body's values.
fn fields(body: &Value) -> Vec<String> {
    match body.as_object() {
        Some(object) => object
            .iter()
            .flat_map(|(name, value)| {
                fields(value)
                    .into_iter()
                    .map(move |rest| format!("/{name}{rest}"))
            })
            .collect(),
        None => vec![String::new()],
    }
}
