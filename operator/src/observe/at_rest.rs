//! What resources around hubs and accounts are encrypted with, from the wire to facts.
//!
//! Invariant: that of [`super::convert`].

use keyholder_azure::wire;
use keyholder_planner::ArmId;
use keyholder_planner::name::KeyIdentifier;
use keyholder_planner::observed::{AtRest, Stored};
use serde_json::Value;

use super::account;
use super::convert::{ConvertError, arm_id, key_identifier, location, tags, typed};
use crate::resource::ApiType;

/// All of them.
static TYPES: [ApiType<Stored>; 5] = [
    ApiType {
        name: "Microsoft.Storage/storageAccounts",
        version: wire::STORAGE_VERSION,
        convert: storage_account,
    },
    ApiType {
        name: "Microsoft.CognitiveServices/accounts",
        version: wire::ACCOUNTS_VERSION,
        convert: cognitive_account,
    },
    ApiType {
        name: "Microsoft.Search/searchServices",
        version: wire::SEARCH_VERSION,
        convert: search_service,
    },
    ApiType {
        name: "Microsoft.DocumentDB/databaseAccounts",
        version: wire::DATABASE_ACCOUNTS_VERSION,
        convert: database_account,
    },
    ApiType {
        name: "Microsoft.ContainerRegistry/registries",
        version: wire::REGISTRIES_VERSION,
        convert: registry,
    },
];

/// The type of a resource, if its encryption can be read.
pub fn of(id: &ArmId) -> Option<&'static ApiType<Stored>> {
    TYPES.iter().find(|one| id.is_type(one.name))
}

/// `currentVersionedKeyIdentifier` tells the version in use; without a version declared the account follows its key.
fn storage_account(value: &Value) -> Result<Stored, ConvertError> {
    const KEY: &str = "properties.encryption.keyvaultproperties";
    let mut account: wire::StorageAccount = typed(value)?;
    let properties = account.properties.take().unwrap_or_default();
    let encryption = properties.encryption.unwrap_or_default();
    let source = encryption.key_source.unwrap_or_default();
    let state = properties.provisioning_state;
    if !source.eq_ignore_ascii_case("Microsoft.Keyvault") {
        return stored(account, state, AtRest::Microsoft, false, None);
    }
    let unwraps = encryption
        .identity
        .and_then(|identity| identity.user_assigned_identity);
    let key = encryption.key_vault_properties.unwrap_or_default();
    let in_use = key.current_versioned_key_identifier.filter(|url| !url.is_empty());
    let version = key.key_version.unwrap_or_default();
    let declared = || {
        let uri = key.key_vault_uri.as_deref().unwrap_or_default();
        let name = key.key_name.as_deref().unwrap_or_default();
        format!("{}/keys/{name}/{version}", uri.trim_end_matches('/'))
    };
    let identifier = key_identifier(KEY, &in_use.unwrap_or_else(declared))?;
    stored(
        account,
        state,
        AtRest::Key(identifier),
        version.is_empty(),
        unwraps,
    )
}

fn cognitive_account(value: &Value) -> Result<Stored, ConvertError> {
    let live = account::account(value)?;
    let (key, unwraps) = live.encryption.map(|one| (one.key, one.identity)).unzip();
    Ok(Stored {
        follows: key.as_ref().is_some_and(|key| key.version().is_none()),
        at_rest: key.map_or(AtRest::Microsoft, AtRest::Key),
        location: Some(live.location),
        provisioning_state: live.provisioning_state,
        tags: live.tags,
        user_assigned: live.user_assigned,
        system_assigned: live.system_assigned,
        unwraps: unwraps.flatten(),
        account: live.account.map(|account| (live.kind, account.projects)),
    })
}

/// `Unspecified` lets objects be without a key, as `Disabled` does (search 2025-05-01).
fn search_service(value: &Value) -> Result<Stored, ConvertError> {
    let mut service: wire::SearchService = typed(value)?;
    let properties = service.properties.take().unwrap_or_default();
    let encryption = properties.encryption_with_cmk.unwrap_or_default();
    let enforcement = encryption.enforcement.unwrap_or_default();
    let status = encryption.encryption_compliance_status.unwrap_or_default();
    let at_rest = if enforcement.eq_ignore_ascii_case("Enabled") {
        AtRest::Enforced {
            compliant: !status.eq_ignore_ascii_case("NonCompliant"),
        }
    } else {
        AtRest::NotEnforced
    };
    stored(service, properties.provisioning_state, at_rest, false, None)
}

/// The URL is without version, and the account follows its key; `keyVaultKeyUriVersion` tells the version in use.
fn database_account(value: &Value) -> Result<Stored, ConvertError> {
    const KEY: &str = "properties.keyVaultKeyUri";
    let mut account: wire::DatabaseAccount = typed(value)?;
    let properties = account.properties.take().unwrap_or_default();
    let state = properties.provisioning_state;
    let Some(uri) = properties.key_vault_key_uri.filter(|uri| !uri.is_empty()) else {
        return stored(account, state, AtRest::Microsoft, false, None);
    };
    let unwraps = unwraps(properties.default_identity.as_deref().unwrap_or_default());
    let key = key_identifier(KEY, &uri)?;
    let version = properties.key_vault_key_uri_version.unwrap_or_default();
    let whole = format!("{}/{version}", key.versionless());
    let key = KeyIdentifier::parse(&whole).unwrap_or(key);
    stored(account, state, AtRest::Key(key), true, unwraps)
}

/// The user-assigned identity that `defaultIdentity` names: `UserAssignedIdentity=ID`, maybe with `&FederatedClientId=…` behind it.
fn unwraps(default_identity: &str) -> Option<String> {
    let (kind, id) = default_identity.split_once('=')?;
    let id = id.split('&').next().filter(|id| !id.is_empty())?;
    kind.eq_ignore_ascii_case("UserAssignedIdentity")
        .then(|| id.to_owned())
}

/// `versionedKeyIdentifier` tells the version in use; a registry whose key is named without version follows it (registries 2025-11-01).
fn registry(value: &Value) -> Result<Stored, ConvertError> {
    const KEY: &str = "properties.encryption.keyVaultProperties.keyIdentifier";
    let mut registry: wire::Registry = typed(value)?;
    let properties = registry.properties.take().unwrap_or_default();
    let state = properties.provisioning_state;
    let encryption = properties.encryption.unwrap_or_default();
    let status = encryption.status.unwrap_or_default();
    if !status.eq_ignore_ascii_case("enabled") {
        return stored(registry, state, AtRest::Microsoft, false, None);
    }
    let key = encryption.key_vault_properties.unwrap_or_default();
    let declared = key_identifier(KEY, &key.key_identifier.unwrap_or_default())?;
    let in_use = key.versioned_key_identifier.as_deref().map(KeyIdentifier::parse);
    let follows = declared.version().is_none();
    let key = in_use.and_then(Result::ok).unwrap_or(declared);
    stored(registry, state, AtRest::Key(key), follows, None)
}

/// With what its type tells of its encryption.
fn stored<Properties>(
    resource: wire::DataResource<Properties>,
    provisioning_state: Option<String>,
    at_rest: AtRest,
    follows: bool,
    unwraps: Option<String>,
) -> Result<Stored, ConvertError> {
    let identity = resource.identity.unwrap_or_default();
    let kinds = identity.r#type.unwrap_or_default().to_lowercase();
    let assigned = identity.user_assigned_identities.unwrap_or_default();
    Ok(Stored {
        at_rest,
        follows,
        location: resource.location.map(|name| location(Some(name))).transpose()?,
        provisioning_state: provisioning_state.filter(|state| !state.is_empty()),
        tags: tags(resource.tags),
        user_assigned: assigned
            .keys()
            .map(|id| arm_id("identity.userAssignedIdentities", id))
            .collect::<Result<_, _>>()?,
        system_assigned: kinds.contains("systemassigned"),
        unwraps: unwraps
            .filter(|id| !id.is_empty())
            .map(|id| arm_id("the identity that unwraps", &id))
            .transpose()?,
        account: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "https://corp-keys.vault.azure.net/keys/ai-hub";
    const VERSION: &str = "0123456789abcdef0123456789abcdef";

    fn key(url: &str) -> AtRest {
        AtRest::Key(KeyIdentifier::parse(url).unwrap())
    }

    #[test]
    fn a_storage_account_tells_the_version_in_use_before_the_declared_key() {
        let account = |encryption: Value| {
            storage_account(&json!({ "properties": { "encryption": encryption } }))
                .unwrap()
                .at_rest
        };
        assert_eq!(
            account(json!({ "keySource": "Microsoft.Storage" })),
            AtRest::Microsoft
        );
        assert_eq!(account(Value::Null), AtRest::Microsoft);
        let mut declared =
            json!({ "keyname": "ai-hub", "keyvaulturi": "https://corp-keys.vault.azure.net/" });
        let with = |declared: &Value| {
            account(json!({ "keySource": "microsoft.keyvault", "keyvaultproperties": declared }))
        };
        assert_eq!(with(&declared), key(KEY));
        declared["currentVersionedKeyIdentifier"] = json!(format!("{KEY}/{VERSION}"));
        let AtRest::Key(in_use) = with(&declared) else {
            panic!("a key")
        };
        assert_eq!(in_use.version().unwrap().to_string(), VERSION);
        let nothing = json!({ "properties": { "encryption": { "keySource": "Microsoft.Keyvault" } } });
        assert!(storage_account(&nothing).is_err());
    }

    #[test]
    fn a_search_service_tells_enforcement_and_no_key() {
        let service = |cmk: Value| {
            search_service(&json!({ "properties": { "encryptionWithCmk": cmk } }))
                .unwrap()
                .at_rest
        };
        for (cmk, expected) in [
            (Value::Null, AtRest::NotEnforced),
            (json!({ "enforcement": "Unspecified" }), AtRest::NotEnforced),
            (
                json!({ "enforcement": "Enabled", "encryptionComplianceStatus": "Compliant" }),
                AtRest::Enforced { compliant: true },
            ),
            (
                json!({ "enforcement": "enabled", "encryptionComplianceStatus": "NonCompliant" }),
                AtRest::Enforced { compliant: false },
            ),
        ] {
            assert_eq!(service(cmk), expected);
        }
    }

    #[test]
    fn a_database_account_tells_its_key_and_the_version_in_use() {
        let account = |properties: Value| {
            database_account(&json!({ "properties": properties }))
                .unwrap()
                .at_rest
        };
        assert_eq!(account(json!({})), AtRest::Microsoft);
        assert_eq!(account(json!({ "keyVaultKeyUri": KEY })), key(KEY));
        let AtRest::Key(in_use) = account(json!({ "keyVaultKeyUri": KEY, "keyVaultKeyUriVersion": VERSION }))
        else {
            panic!("a key")
        };
        assert_eq!(in_use.version().unwrap().to_string(), VERSION);
    }

    #[test]
    fn a_registry_tells_the_version_in_use_before_the_declared_key() {
        let registry = |encryption: Value| {
            registry(&json!({ "properties": { "provisioningState": "Succeeded", "encryption": encryption } }))
        };
        for without in [
            Value::Null,
            json!({ "status": "disabled" }),
            json!({ "status": "disabled", "keyVaultProperties": { "keyIdentifier": KEY } }),
        ] {
            assert_eq!(registry(without).unwrap().at_rest, AtRest::Microsoft);
        }
        let enabled = |key: Value| json!({ "status": "Enabled", "keyVaultProperties": key });
        let pinned = format!("{KEY}/{VERSION}");
        for (declared, in_use, told, follows) in [
            (KEY, None, KEY, true),
            (KEY, Some(pinned.as_str()), pinned.as_str(), true),
            (&pinned, Some(&pinned), &pinned, false),
            (&pinned, Some(""), &pinned, false),
        ] {
            let stored = registry(enabled(
                json!({ "keyIdentifier": declared, "versionedKeyIdentifier": in_use }),
            ))
            .unwrap();
            assert_eq!((stored.at_rest, stored.follows), (key(told), follows));
            assert_eq!(stored.provisioning_state.as_deref(), Some("Succeeded"));
        }
        let error = registry(enabled(Value::Null)).unwrap_err();
        assert!(
            error.to_string().contains("keyVaultProperties.keyIdentifier"),
            "{error}"
        );
    }

    #[test]
    fn an_account_is_read_as_any_other() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a";
        let plain = json!({ "id": id, "location": "westeurope", "properties": {} });
        assert_eq!(cognitive_account(&plain).unwrap().at_rest, AtRest::Microsoft);
    }

    #[test]
    fn what_a_change_must_know_is_told_of_each() {
        let identity = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/hub";
        let resource = |properties: Value| {
            json!({
                "location": "West Europe", "tags": { "team": "a" },
                "identity": { "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": { identity: {} } },
                "properties": properties,
            })
        };
        let of_key = json!({ "keyname": "ai-hub", "keyvaulturi": "https://corp-keys.vault.azure.net", "keyversion": VERSION });
        let encryption = json!({
            "keySource": "Microsoft.Keyvault", "keyvaultproperties": of_key, "identity": { "userAssignedIdentity": identity },
        });
        let pinned = json!({ "provisioningState": "ResolvingDNS", "encryption": encryption });
        let pinned = storage_account(&resource(pinned)).unwrap();
        assert!(!pinned.follows);
        assert_eq!(pinned.at_rest, key(&format!("{KEY}/{VERSION}")));
        assert_eq!(pinned.provisioning_state.as_deref(), Some("ResolvingDNS"));
        let search = search_service(&resource(json!({ "provisioningState": "succeeded" }))).unwrap();
        let default = format!("UserAssignedIdentity={identity}&FederatedClientId=x");
        let database = json!({ "keyVaultKeyUri": KEY, "defaultIdentity": default });
        let database = database_account(&resource(database)).unwrap();
        for one in [&pinned, &database] {
            assert_eq!(one.unwraps.as_ref().unwrap().as_str(), identity);
        }
        let own = json!({ "keyVaultKeyUri": KEY, "defaultIdentity": "SystemAssignedIdentity" });
        assert_eq!(database_account(&resource(own)).unwrap().unwraps, None);
        assert!(database.follows && !search.follows);
        for one in [pinned, search, database] {
            assert_eq!(one.location.unwrap().as_str(), "westeurope");
            assert_eq!(one.tags["team"], "a");
            assert_eq!(one.user_assigned[0].as_str(), identity);
            assert!(one.system_assigned && one.account.is_none());
        }
        let account = json!({
            "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a",
            "location": "westeurope", "kind": "AIServices", "properties": { "allowProjectManagement": true },
        });
        let account = cognitive_account(&account).unwrap();
        assert_eq!(account.account, Some(("aiservices".to_owned(), true)));
    }
}
