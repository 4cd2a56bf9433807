//! What resources around hubs and accounts are encrypted with, from the wire to facts.
//!
//! Invariant: that of [`super::convert`].

use keyholder_azure::wire;
use keyholder_planner::ArmId;
use keyholder_planner::name::KeyIdentifier;
use keyholder_planner::observed::AtRest;
use serde_json::Value;

use super::account;
use super::convert::{ConvertError, key_identifier, typed};

/// How the encryption of resources of one type is read.
#[derive(Debug)]
pub struct AtRestType {
    /// The type as Azure writes it.
    name: &'static str,
    /// The api-version.
    pub version: &'static str,
    /// From an answer to facts.
    pub convert: fn(&Value) -> Result<AtRest, ConvertError>,
}

/// All of them.
static TYPES: [AtRestType; 4] = [
    AtRestType {
        name: "Microsoft.Storage/storageAccounts",
        version: wire::STORAGE_VERSION,
        convert: storage_account,
    },
    AtRestType {
        name: "Microsoft.CognitiveServices/accounts",
        version: wire::ACCOUNTS_VERSION,
        convert: cognitive_account,
    },
    AtRestType {
        name: "Microsoft.Search/searchServices",
        version: wire::SEARCH_VERSION,
        convert: search_service,
    },
    AtRestType {
        name: "Microsoft.DocumentDB/databaseAccounts",
        version: wire::DATABASE_ACCOUNTS_VERSION,
        convert: database_account,
    },
];

impl AtRestType {
    /// The type of a resource, if its encryption can be read.
    pub fn of(id: &ArmId) -> Option<&'static Self> {
        TYPES.iter().find(|one| id.is_type(one.name))
    }
}

/// `currentVersionedKeyIdentifier` tells the version in use; without a version declared the account follows its key.
fn storage_account(value: &Value) -> Result<AtRest, ConvertError> {
    const KEY: &str = "properties.encryption.keyvaultproperties";
    let account: wire::StorageAccount = typed(value)?;
    let Some(encryption) = account.properties.and_then(|properties| properties.encryption) else {
        return Ok(AtRest::Microsoft);
    };
    let source = encryption.key_source.unwrap_or_default();
    if !source.eq_ignore_ascii_case("Microsoft.Keyvault") {
        return Ok(AtRest::Microsoft);
    }
    let key = encryption.key_vault_properties.unwrap_or_default();
    let in_use = key.current_versioned_key_identifier.filter(|url| !url.is_empty());
    let declared = || {
        let uri = key.key_vault_uri.as_deref().unwrap_or_default();
        let name = key.key_name.as_deref().unwrap_or_default();
        format!("{}/keys/{name}", uri.trim_end_matches('/'))
    };
    key_identifier(KEY, &in_use.unwrap_or_else(declared)).map(AtRest::Key)
}

fn cognitive_account(value: &Value) -> Result<AtRest, ConvertError> {
    let live = account::account(value)?;
    Ok(live
        .encryption
        .map_or(AtRest::Microsoft, |encryption| AtRest::Key(encryption.key)))
}

/// `Unspecified` lets objects be without a key, as `Disabled` does (search 2025-05-01).
fn search_service(value: &Value) -> Result<AtRest, ConvertError> {
    let service: wire::SearchService = typed(value)?;
    let encryption = service
        .properties
        .and_then(|properties| properties.encryption_with_cmk)
        .unwrap_or_default();
    let enforcement = encryption.enforcement.unwrap_or_default();
    if !enforcement.eq_ignore_ascii_case("Enabled") {
        return Ok(AtRest::NotEnforced);
    }
    let status = encryption.encryption_compliance_status.unwrap_or_default();
    Ok(AtRest::Enforced {
        compliant: !status.eq_ignore_ascii_case("NonCompliant"),
    })
}

/// The URL is without version; `keyVaultKeyUriVersion` tells the one in use.
fn database_account(value: &Value) -> Result<AtRest, ConvertError> {
    const KEY: &str = "properties.keyVaultKeyUri";
    let account: wire::DatabaseAccount = typed(value)?;
    let properties = account.properties.unwrap_or_default();
    let Some(uri) = properties.key_vault_key_uri.filter(|uri| !uri.is_empty()) else {
        return Ok(AtRest::Microsoft);
    };
    let key = key_identifier(KEY, &uri)?;
    let version = properties.key_vault_key_uri_version.unwrap_or_default();
    let whole = format!("{}/{version}", key.versionless());
    Ok(AtRest::Key(KeyIdentifier::parse(&whole).unwrap_or(key)))
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
            storage_account(&json!({ "properties": { "encryption": encryption } })).unwrap()
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
        let service =
            |cmk: Value| search_service(&json!({ "properties": { "encryptionWithCmk": cmk } })).unwrap();
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
        let account = |properties: Value| database_account(&json!({ "properties": properties })).unwrap();
        assert_eq!(account(json!({})), AtRest::Microsoft);
        assert_eq!(account(json!({ "keyVaultKeyUri": KEY })), key(KEY));
        let AtRest::Key(in_use) = account(json!({ "keyVaultKeyUri": KEY, "keyVaultKeyUriVersion": VERSION }))
        else {
            panic!("a key")
        };
        assert_eq!(in_use.version().unwrap().to_string(), VERSION);
    }

    #[test]
    fn an_account_is_read_as_any_other() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a";
        let plain = json!({ "id": id, "location": "westeurope", "properties": {} });
        assert_eq!(cognitive_account(&plain).unwrap(), AtRest::Microsoft);
    }
}
