//! Fields of a resource as policies name them: `type`, `tags['x']`, and aliases such as
//! `Microsoft.MachineLearningServices/workspaces/publicNetworkAccess` (governance/policy, definition-structure-alias).

use serde_json::{Value, json};

use super::Subject;
use crate::text::{member, set};

/// Where a field is in the body, with dots: `tags.x`, `properties.publicNetworkAccess`.
pub(super) fn path(subject: Subject<'_>, field: &str) -> String {
    let alias = field
        .split_at_checked(subject.kind.len())
        .filter(|(kind, _)| kind.eq_ignore_ascii_case(subject.kind))
        .and_then(|(_, rest)| rest.strip_prefix('/'));
    if let Some(rest) = alias {
        return format!("properties.{rest}");
    }
    match field.split_once('[') {
        Some((tags, name)) => format!("{tags}.{}", name.trim_end_matches(']').trim_matches('\'')),
        None => field.to_owned(),
    }
}

/// The segments of a path. A tag's name may have dots.
fn segments(path: &str) -> Vec<&str> {
    match path.split_once('.') {
        Some(("tags", name)) => vec!["tags", name],
        _ => path.split('.').collect(),
    }
}

/// The value of a field.
pub(super) fn lookup(subject: Subject<'_>, field: &str) -> Option<Value> {
    match field.to_ascii_lowercase().as_str() {
        "type" => return Some(json!(subject.kind)),
        "id" => return Some(json!(subject.id)),
        "name" => return subject.id.rsplit('/').next().map(|name| json!(name)),
        _ => {}
    }
    let path = path(subject, field);
    let mut value = subject.body;
    for segment in segments(&path) {
        value = member(value, segment)?.1;
    }
    (!value.is_null()).then(|| value.clone())
}

/// Sets a field, with what it lies in.
pub(super) fn write(subject: Subject<'_>, body: &mut Value, field: &str, new: &Value) {
    let path = path(subject, field);
    let mut segments = segments(&path);
    let Some(last) = segments.pop() else { return };
    let mut value = body;
    for segment in segments {
        let name = member(value, segment).map_or_else(|| segment.to_owned(), |(name, _)| name.clone());
        if value.get(&name).is_none_or(|inner| !inner.is_object()) {
            set(value, &name, json!({}));
        }
        let Some(inner) = value.get_mut(&name) else { return };
        value = inner;
    }
    let name = member(value, last).map_or_else(|| last.to_owned(), |(name, _)| name.clone());
    set(value, &name, new.clone());
}

/// Whether two values are the same to a policy: text is compared without regard to case.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text(one).eq_ignore_ascii_case(&text(other))
}
