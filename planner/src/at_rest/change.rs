//! The PATCH that encrypts a dependent.
//!
//! Invariant: it holds what differs alone, and the mark of the object that sends it.

use keyholder_crds::vocabulary::ENCRYPTION_TAG;
use serde_json::{Map, Value, json};

use super::enforce::tag;
use crate::arm_id::ArmId;
use crate::kind::account;
use crate::matrix::Profile;
use crate::name::KeyIdentifier;
use crate::observed::{Body, Stored};
use crate::plan::Input;
use crate::preflight;

/// What it leads to, for people, and the body; `to`: the key and who unwraps. `None` where that identity is not known by the name that
/// the resource needs.
pub(super) fn body(
    input: &Input<'_>,
    profile: Profile,
    stored: &Stored,
    to: Option<(&KeyIdentifier, &ArmId)>,
) -> Option<(String, Body)> {
    let mut body = Map::new();
    let ours = input.declared.encryption_tag();
    if tag(stored, ENCRYPTION_TAG) != Some(ours.as_str()) {
        // A PATCH replaces the tags: the others' go along.
        let mut tags = stored.tags.clone();
        tags.retain(|name, _| !name.eq_ignore_ascii_case(ENCRYPTION_TAG));
        tags.insert(ENCRYPTION_TAG.to_owned(), ours);
        body.insert("tags".to_owned(), json!(tags));
    }
    let (intent, properties) = match (profile, to) {
        (Profile::SearchService, _) => (
            "encryptionWithCmk.enforcement Enabled".to_owned(),
            json!({ "encryptionWithCmk": { "enforcement": "Enabled" } }),
        ),
        (_, None) => return None,
        (_, Some((key, unwraps))) => {
            if let Some(identity) = identity(profile, stored, unwraps) {
                body.insert("identity".to_owned(), identity);
            }
            (
                format!("encryption with {key}"),
                properties(input, profile, key, unwraps)?,
            )
        }
    };
    body.insert("properties".to_owned(), properties);
    Some((intent, Value::Object(body)))
}

/// The identities with the one that unwraps, where it is not among them. Each type spells both kinds at once in its own way.
fn identity(profile: Profile, stored: &Stored, unwraps: &ArmId) -> Option<Value> {
    if stored.user_assigned.contains(unwraps) {
        return None;
    }
    let kind = match (stored.system_assigned, profile) {
        (false, _) => "UserAssigned",
        (true, Profile::StorageAccount | Profile::DatabaseAccount) => "SystemAssigned,UserAssigned",
        (true, _) => "SystemAssigned, UserAssigned",
    };
    let all = stored.user_assigned.iter().chain([unwraps]);
    let all: Map<String, Value> = all.map(|id| (id.to_string(), json!({}))).collect();
    Some(json!({ "type": kind, "userAssignedIdentities": all }))
}

fn properties(input: &Input<'_>, profile: Profile, key: &KeyIdentifier, identity: &ArmId) -> Option<Value> {
    let properties = match profile {
        Profile::StorageAccount => {
            // From a pinned version back to none leads an empty one (customer-managed-keys-configure-existing-account).
            json!({ "encryption": {
                "keySource": "Microsoft.Keyvault",
                "keyvaultproperties": {
                    "keyvaulturi": key.store_url(),
                    "keyname": key.key().as_str(),
                    "keyversion": key.version().map(ToString::to_string).unwrap_or_default(),
                },
                "identity": { "userAssignedIdentity": identity.as_str() },
            } })
        }
        Profile::DatabaseAccount => json!({
            "defaultIdentity": format!("UserAssignedIdentity={identity}"),
            "keyVaultKeyUri": key.as_str(),
        }),
        // It is audited alone.
        Profile::Registry => return None,
        _ => {
            let client_id = preflight::client_id(input.declared, input.observed)?;
            json!({ "encryption": account::encryption(key, Some(client_id)) })
        }
    };
    Some(properties)
}
