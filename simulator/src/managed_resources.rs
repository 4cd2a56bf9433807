//! What is in a workspace's managed resource group: an account of Cosmos DB, an AI Search service and a storage account, encrypted with
//! the workspace's key (hub-encryption-keys-portal).
//!
//! Invariant: they name the key that the workspace has when they are made; by what identity they fetch it is not documented, and they
//! show none.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::encryption::KeyUrl;
use crate::managed_group::scope_of;
use crate::storage_accounts::endpoints;
use crate::storage_key::{complete_encryption, has_own_key, write_version};
use crate::text::{at, merge, set};
use crate::types::{COSMOS, SEARCH, STORAGE};
use crate::world::World;

/// The vault of a workspace's key.
const VAULT: &str = "/properties/encryption/keyVaultProperties/keyVaultArmId";

/// A workspace's key, for those who use it too.
struct Key {
    url: KeyUrl,
    /// The version that it is at that time.
    in_use: String,
    expires: Option<i64>,
}

impl World {
    /// What is made in a group.
    pub(crate) fn managed_resources(&self, scope: &str, workspace: &Value, now: Timestamp) -> [Value; 3] {
        let id = at(workspace, "/properties/workspaceId").unwrap_or_default();
        let short: String = crate::text::version(&format!("{scope}{id}"))
            .chars()
            .take(16)
            .collect();
        let location = at(workspace, "/location").unwrap_or_default();
        let resource = |kind: &str, name: &str, rest: &Value| {
            let mut body = json!({
                "id": format!("{scope}/providers/{kind}/{name}"),
                "name": name,
                "type": kind,
                "location": location,
            });
            merge(&mut body, rest);
            body
        };
        let mut cosmos = resource(
            COSMOS,
            &format!("cosmos{short}"),
            &json!({
                "kind": "GlobalDocumentDB",
                "properties": {
                    "provisioningState": "Succeeded",
                    "databaseAccountOfferType": "Standard",
                    "defaultIdentity": "FirstPartyIdentity",
                    "locations": [{ "locationName": location, "failoverPriority": 0 }],
                },
            }),
        );
        let search = resource(
            SEARCH,
            &format!("search{short}"),
            &json!({
                "sku": { "name": self.settings.managed_search_tier.sku() },
                "properties": {
                    "provisioningState": "succeeded",
                    "status": "running",
                    "replicaCount": 1,
                    "partitionCount": 1,
                    "encryptionWithCmk": { "enforcement": "Enabled", "encryptionComplianceStatus": "Compliant" },
                },
            }),
        );
        let name = format!("st{short}");
        let mut storage = resource(
            STORAGE,
            &name,
            &json!({
                "sku": { "name": "Standard_LRS", "tier": "Standard" },
                "kind": "StorageV2",
                "properties": {
                    "provisioningState": "Succeeded",
                    "creationTime": now.to_string(),
                    "primaryEndpoints": endpoints(&name),
                },
            }),
        );
        let key = self.key_of_workspace(workspace);
        give_cosmos(&mut cosmos, key.as_ref());
        give_storage(&mut storage, key.as_ref(), now);
        [cosmos, search, storage]
    }

    /// After a change of a workspace's key: those that have a key have its key. One that was led back to Microsoft's keys stays there.
    pub(crate) fn give_managed_group_the_key(&mut self, workspace: &Value, now: Timestamp) {
        let Some(scope) = scope_of(workspace).filter(|_| self.settings.managed_group_follows_key) else {
            return;
        };
        let Some(key) = self.key_of_workspace(workspace) else {
            return;
        };
        let below = format!("{}/", scope.to_lowercase());
        let inside: Vec<Value> = self
            .resources
            .range(below.clone()..)
            .take_while(|(id, _)| id.starts_with(&below))
            .map(|(_, one)| one.body.clone())
            .collect();
        for mut body in inside {
            let is_storage = at(&body, "/type") == Some(STORAGE) && has_own_key(&body);
            let is_cosmos =
                at(&body, "/type") == Some(COSMOS) && at(&body, "/properties/keyVaultKeyUri").is_some();
            if is_storage {
                give_storage(&mut body, Some(&key), now);
            } else if is_cosmos {
                give_cosmos(&mut body, Some(&key));
            } else {
                continue;
            }
            let id = at(&body, "/id").unwrap_or_default().to_owned();
            self.store(&id, body, now);
        }
    }

    fn key_of_workspace(&self, workspace: &Value) -> Option<Key> {
        let url = KeyUrl::parse(at(workspace, crate::workspace_key::KEY)?)?;
        let found = at(workspace, VAULT)
            .and_then(|vault| self.get(vault))
            .and_then(|vault| self.key_in(vault, &url));
        let attribute = |pointer: &str| found.and_then(|key| key.body.pointer(pointer));
        let version = url.version.clone();
        Some(Key {
            in_use: attribute("/properties/keyUriWithVersion")
                .and_then(Value::as_str)
                .and_then(|uri| KeyUrl::parse(uri)?.version)
                .or(version)
                .unwrap_or_default(),
            expires: attribute("/properties/attributes/exp").and_then(Value::as_i64),
            url,
        })
    }
}

/// Cosmos DB knows keys without their version, and tells the one that it uses.
fn give_cosmos(account: &mut Value, key: Option<&Key>) {
    if let (Some(properties), Some(key)) = (account.get_mut("properties"), key) {
        set(properties, "keyVaultKeyUri", key.url.versionless());
        set(properties, "keyVaultKeyUriVersion", key.in_use.clone());
    }
}

fn give_storage(account: &mut Value, key: Option<&Key>, now: Timestamp) {
    if let (Some(properties), Some(key)) = (account.get_mut("properties"), key) {
        let mut named = json!({ "keyvaulturi": key.url.vault, "keyname": key.url.name });
        if let Some(version) = &key.url.version {
            set(&mut named, "keyversion", version.clone());
        }
        let encryption = json!({ "keySource": "Microsoft.Keyvault", "keyvaultproperties": null });
        merge(properties, &json!({ "encryption": encryption }));
        merge(
            properties,
            &json!({ "encryption": { "keyvaultproperties": named } }),
        );
    }
    complete_encryption(account, now);
    if let Some(key) = key {
        let version = format!("{}/{}", key.url.versionless(), key.in_use);
        write_version(account, &version, key.expires, now);
    }
}
