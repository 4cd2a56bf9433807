//! Bodies of requests to Azure (`Microsoft.MachineLearningServices/workspaces`, api-version 2026-05-01).
//!
//! Invariant: a PUT says everything that the spec says and nothing else; a PATCH holds only what differs.

use std::collections::BTreeMap;

use keyholder_crds::DataLocation;
use serde_json::{Map, Value, json};

use crate::arm_id::ArmId;
use crate::name::KeyIdentifier;
use crate::observed::{Body, LiveHub};
use crate::validate::{KeyUser, ValidEncryption, ValidHub};

/// The body that creates the hub; `key` is the versioned key of a customer-managed hub. `left` is what an earlier try left:
/// tags that others put there stay.
#[must_use]
pub fn create(hub: &ValidHub, key: Option<&KeyIdentifier>, left: Option<&LiveHub>) -> Body {
    let tags = left.map_or_else(|| hub.all_tags(), |left| merged_tags(hub, left));
    let mut properties = Map::new();
    properties.insert("storageAccount".to_owned(), json!(hub.storage_account.as_str()));
    properties.insert("keyVault".to_owned(), json!(hub.key_vault.as_str()));
    properties.insert("hbiWorkspace".to_owned(), json!(hub.high_business_impact));
    if let Some(access) = hub.public_network_access {
        properties.insert("publicNetworkAccess".to_owned(), json!(access.to_string()));
    }
    if let Some(primary) = hub.primary_identity() {
        properties.insert("primaryUserAssignedIdentity".to_owned(), json!(primary.as_str()));
    }
    if let (
        ValidEncryption::CustomerManaged {
            data_location,
            vault,
            identity,
            ..
        },
        Some(key),
    ) = (&hub.encryption, key)
    {
        let mut encryption = json!({
            "status": "Enabled",
            "keyVaultProperties": { "keyVaultArmId": vault.as_str(), "keyIdentifier": key.as_str() },
        });
        if let (KeyUser::UserAssigned(id), Some(block)) = (identity, encryption.as_object_mut()) {
            block.insert(
                "identity".to_owned(),
                json!({ "userAssignedIdentity": id.as_str() }),
            );
        }
        properties.insert("encryption".to_owned(), encryption);
        if *data_location == DataLocation::ServiceSide {
            properties.insert("enableServiceSideCMKEncryption".to_owned(), json!(true));
        }
    }
    json!({
        "kind": "Hub",
        "location": hub.location.as_str(),
        "identity": identity_block(hub, &[]),
        "tags": tags,
        "properties": properties,
    })
}

/// The question what policies would do to the hub as it is declared (policyinsights, CheckRestrictionsRequest).
#[must_use]
pub fn policy_question(hub: &ValidHub, key: Option<&KeyIdentifier>, api_version: &str) -> Body {
    let mut content = create(hub, key, None);
    if let Some(content) = content.as_object_mut() {
        content.insert(
            "type".to_owned(),
            json!("Microsoft.MachineLearningServices/workspaces"),
        );
        content.insert("name".to_owned(), json!(hub.id.name()));
    }
    json!({ "resourceDetails": { "resourceContent": content, "apiVersion": api_version } })
}

/// The field of an update that a policy's field is, if the spec says anything of it: `tags['x']` only where the spec has
/// that tag.
#[must_use]
pub fn field_of(policy_field: &str, hub: &ValidHub) -> Option<&'static str> {
    let field = policy_field.to_lowercase();
    if let Some(tag) = field.strip_prefix("tags") {
        let tag = tag.trim_matches(|c| matches!(c, '.' | '[' | ']' | '\''));
        let ours = hub.all_tags().keys().any(|name| name.eq_ignore_ascii_case(tag));
        (tag.is_empty() || ours).then_some("tags")
    } else if field.ends_with("publicnetworkaccess") {
        Some("publicNetworkAccess")
    } else if field.starts_with("identity") {
        Some("identity")
    } else {
        None
    }
}

/// The body that applies another key.
#[must_use]
pub fn change_key(key: &KeyIdentifier) -> Body {
    json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": key.as_str() } } } })
}

/// What of the changeable fields differs from the hub as it is: the names of the fields, and the PATCH.
#[must_use]
pub fn update(hub: &ValidHub, live: &LiveHub) -> Option<(Vec<&'static str>, Body)> {
    let mut fields = Vec::new();
    let mut body = Map::new();
    let dropped: Vec<&ArmId> = live
        .user_assigned
        .iter()
        .filter(|id| !hub.user_assigned.contains(id))
        .collect();
    let added = hub
        .user_assigned
        .iter()
        .any(|id| !live.user_assigned.contains(id));
    if added || !dropped.is_empty() || live.system_assigned != hub.system_assigned {
        fields.push("identity");
        body.insert("identity".to_owned(), identity_block(hub, &dropped));
    }
    let tags = merged_tags(hub, live);
    if tags != live.tags {
        fields.push("tags");
        body.insert("tags".to_owned(), json!(tags));
    }
    if let Some(access) = hub.public_network_access {
        let wanted = access.to_string();
        if !live
            .public_network_access
            .as_deref()
            .is_some_and(|have| have.eq_ignore_ascii_case(&wanted))
        {
            fields.push("publicNetworkAccess");
            body.insert("properties".to_owned(), json!({ "publicNetworkAccess": wanted }));
        }
    }
    if fields.is_empty() {
        None
    } else {
        Some((fields, Value::Object(body)))
    }
}

/// The identity block; an identity is taken away by naming it with null (azure-resource-manager-rpc on managed identity).
fn identity_block(hub: &ValidHub, dropped: &[&ArmId]) -> Value {
    let kind = match (hub.system_assigned, hub.user_assigned.is_empty()) {
        (true, true) => "SystemAssigned",
        (true, false) => "SystemAssigned,UserAssigned",
        (false, false) => "UserAssigned",
        (false, true) => "None",
    };
    let mut block = json!({ "type": kind });
    let ids: Map<String, Value> = hub
        .user_assigned
        .iter()
        .map(|id| (id.as_str().to_owned(), json!({})))
        .chain(
            dropped
                .iter()
                .filter(|_| !hub.user_assigned.is_empty())
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
fn merged_tags(hub: &ValidHub, live: &LiveHub) -> BTreeMap<String, String> {
    let mut merged = live.tags.clone();
    for (name, value) in hub.all_tags() {
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
