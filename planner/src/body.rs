//! Bodies of requests to Azure, as far as all kinds share them.
//!
//! Invariant: a PUT says everything that the spec says and nothing else; a PATCH holds only what differs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::arm_id::ArmId;
use crate::kind::KeyToUse;
use crate::observed::{Body, Live};
use crate::validate::Declared;

/// The body that creates the resource; `key` is the key of a customer-managed one. `left` is what an earlier try left: tags
/// that others put there stay.
#[must_use]
pub fn create(declared: &Declared, key: Option<KeyToUse<'_>>, left: Option<&Live>) -> Body {
    let tags = left.map_or_else(|| declared.all_tags(), |left| merged_tags(declared, left));
    let mut properties = declared.kind.rules().properties(declared, key, left);
    if let Some(access) = declared.public_network_access {
        properties.insert("publicNetworkAccess".to_owned(), json!(access.to_string()));
    }
    let mut body = declared.kind.rules().content();
    body.insert("location".to_owned(), json!(declared.location.as_str()));
    if declared.system_assigned || !declared.user_assigned.is_empty() {
        body.insert("identity".to_owned(), identity_block(declared, &[]));
    }
    body.insert("tags".to_owned(), json!(tags));
    body.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(body)
}

/// The question what policies would do to the resource as it is declared; `live`: as it is so far (policyinsights, CheckRestrictionsRequest).
#[must_use]
pub fn policy_question(
    declared: &Declared,
    key: Option<KeyToUse<'_>>,
    live: Option<&Live>,
    api_version: &str,
) -> Body {
    let live = live.filter(|_| declared.kind.rules().encrypts_later());
    let mut content = create(declared, key, live);
    if let Some(content) = content.as_object_mut() {
        content.insert("type".to_owned(), json!(declared.id.resource_type()));
        content.insert("name".to_owned(), json!(declared.id.name()));
    }
    json!({ "resourceDetails": { "resourceContent": content, "apiVersion": api_version } })
}

/// The field of an update that a policy's field is, if the spec says anything of it: `tags['x']` only where the spec has
/// that tag.
#[must_use]
pub fn field_of(policy_field: &str, declared: &Declared) -> Option<&'static str> {
    let field = policy_field.to_lowercase();
    if let Some(tag) = field.strip_prefix("tags") {
        let tag = tag.trim_matches(|c| matches!(c, '.' | '[' | ']' | '\''));
        let ours = declared
            .all_tags()
            .keys()
            .any(|name| name.eq_ignore_ascii_case(tag));
        (tag.is_empty() || ours).then_some("tags")
    } else if field.ends_with("publicnetworkaccess") {
        Some("publicNetworkAccess")
    } else if field.ends_with("managednetwork.isolationmode") {
        Some("managedNetwork")
    } else if field.starts_with("identity") {
        Some("identity")
    } else {
        None
    }
}

/// What of the changeable fields differs from the resource as it is: the names of the fields, and the PATCH.
#[must_use]
pub fn update(declared: &Declared, live: &Live) -> Option<(Vec<&'static str>, Body)> {
    let mut fields = Vec::new();
    let mut body = Map::new();
    let mut properties = Map::new();
    let dropped: Vec<&ArmId> = live
        .user_assigned
        .iter()
        .filter(|id| !declared.user_assigned.contains(id))
        .collect();
    let added = declared
        .user_assigned
        .iter()
        .any(|id| !live.user_assigned.contains(id));
    // Where none is declared, what is there stays.
    let declares_some = declared.kind.rules().declares_identities()
        && (declared.system_assigned || !declared.user_assigned.is_empty());
    let differs = added || !dropped.is_empty() || live.system_assigned != declared.system_assigned;
    if declares_some && differs {
        fields.push("identity");
        body.insert("identity".to_owned(), identity_block(declared, &dropped));
    }
    let tags = merged_tags(declared, live);
    if tags != live.tags {
        fields.push("tags");
        body.insert("tags".to_owned(), json!(tags));
    }
    if let Some(access) = declared.public_network_access {
        let wanted = access.to_string();
        if !live
            .public_network_access
            .as_deref()
            .is_some_and(|have| have.eq_ignore_ascii_case(&wanted))
        {
            fields.push("publicNetworkAccess");
            properties.insert("publicNetworkAccess".to_owned(), json!(wanted));
        }
    }
    for change in declared.kind.rules().changes(live) {
        fields.push(change.field);
        let of = if change.is_property {
            &mut properties
        } else {
            &mut body
        };
        of.insert(change.field.to_owned(), change.value);
    }
    if !properties.is_empty() {
        body.insert("properties".to_owned(), Value::Object(properties));
    }
    if fields.is_empty() {
        None
    } else {
        Some((fields, Value::Object(body)))
    }
}

/// The identity block; an identity is taken away by naming it with null (azure-resource-manager-rpc on managed identity).
fn identity_block(declared: &Declared, dropped: &[&ArmId]) -> Value {
    let kind = match (declared.system_assigned, declared.user_assigned.is_empty()) {
        (true, true) => "SystemAssigned",
        (true, false) => declared.kind.rules().both_identities(),
        (false, false) => "UserAssigned",
        (false, true) => "None",
    };
    let mut block = json!({ "type": kind });
    let ids: Map<String, Value> = declared
        .user_assigned
        .iter()
        .map(|id| (id.as_str().to_owned(), json!({})))
        .chain(
            dropped
                .iter()
                .filter(|_| !declared.user_assigned.is_empty())
                .map(|id| (id.as_str().to_owned(), Value::Null)),
        )
        .collect();
    if let (false, Some(block)) = (ids.is_empty(), block.as_object_mut()) {
        block.insert("userAssignedIdentities".to_owned(), Value::Object(ids));
    }
    block
}

/// All tags as they shall be: PUT and PATCH replace the whole map, so the others' go along. Azure's tag names ignore case,
/// and one that has its value already stays as it is spelled.
fn merged_tags(declared: &Declared, live: &Live) -> BTreeMap<String, String> {
    let mut merged = live.tags.clone();
    for (name, value) in declared.all_tags() {
        let have = live
            .tags
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(&name));
        if have.is_some_and(|(_, have)| *have == value) {
            continue;
        }
        if let Some((spelled, _)) = have {
            merged.remove(spelled);
        }
        merged.insert(name, value);
    }
    merged
}

#[cfg(test)]
mod tests;
