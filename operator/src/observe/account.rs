//! Azure AI services accounts from the wire to the planner's facts.
//!
//! Invariant: that of [`super::convert`].

use keyholder_azure::wire;
use keyholder_planner::name::KeyIdentifier;
use keyholder_planner::observed::{Live, LiveAccount, LiveEncryption};
use serde_json::Value;

use super::convert::{ConvertError, arm_id, key_identifier, location, required_id, tags, typed};

const URI: &str = "properties.encryption.keyVaultProperties.keyVaultUri";

/// An account. Without `encryption` it has Microsoft's key (terraform-provider-azurerm #28368).
///
/// # Errors
/// See [`ConvertError`].
pub fn account(value: &Value) -> Result<Live, ConvertError> {
    let account: wire::Account = typed(value)?;
    let properties = account.properties.ok_or(ConvertError::Missing("properties"))?;
    let identity = account.identity.unwrap_or_default();
    let kinds = identity.r#type.unwrap_or_default().to_lowercase();
    let assigned = identity.user_assigned_identities.unwrap_or_default();
    let encryption = properties
        .encryption
        .filter(|block| {
            // One that names no source but a key means the key.
            let source = block.key_source.as_deref();
            source.map_or(block.key_vault_properties.is_some(), |source| {
                source.eq_ignore_ascii_case("Microsoft.KeyVault")
            })
        })
        .map(|block| {
            let key = block.key_vault_properties.unwrap_or_default();
            let client = key.identity_client_id.clone().filter(|id| !id.is_empty());
            let identity = client.as_ref().and_then(|client| of_client(client, &assigned));
            Ok(LiveEncryption {
                vault: None,
                key: identifier(&key)?,
                gone: client.filter(|_| identity.is_none()),
                identity: identity
                    .map(|id| arm_id("identity.userAssignedIdentities", id))
                    .transpose()?,
            })
        })
        .transpose()?;
    Ok(Live {
        id: required_id("id", account.id)?,
        location: location(account.location)?,
        kind: account.kind.unwrap_or_default().to_lowercase(),
        provisioning_state: properties.provisioning_state,
        tags: tags(account.tags),
        user_assigned: assigned
            .keys()
            .map(|id| arm_id("identity.userAssignedIdentities", id))
            .collect::<Result<_, _>>()?,
        system_assigned_principal: identity.principal_id,
        system_assigned: kinds.contains("systemassigned"),
        key_vault: None,
        storage_account: None,
        encryption,
        service_side: false,
        high_business_impact: false,
        public_network_access: properties.public_network_access,
        network_isolation: None,
        managed_group: None,
        account: Some(Box::new(LiveAccount {
            sku: account.sku.and_then(|sku| sku.name).unwrap_or_default(),
            sub_domain: properties.custom_sub_domain_name.filter(|name| !name.is_empty()),
            projects: properties.allow_project_management.unwrap_or(false),
        })),
        project: None,
    })
}

/// The key's URL, from the parts that an account tells.
fn identifier(key: &wire::AccountKey) -> Result<KeyIdentifier, ConvertError> {
    let uri = key.key_vault_uri.as_deref().ok_or(ConvertError::Missing(URI))?;
    let name = key.key_name.as_deref().unwrap_or_default();
    let version = key.key_version.as_deref().unwrap_or_default();
    let url = format!("{}/keys/{name}/{version}", uri.trim_end_matches('/'));
    key_identifier("properties.encryption.keyVaultProperties", &url)
}

/// Which of the account's identities has this client id.
fn of_client<'a>(
    client: &str,
    assigned: &'a std::collections::BTreeMap<String, Option<wire::AssignedIdentity>>,
) -> Option<&'a str> {
    let is = |identity: &Option<wire::AssignedIdentity>| {
        let client_id = identity.as_ref()?.client_id.as_deref()?;
        Some(client_id.eq_ignore_ascii_case(client))
    };
    let found = assigned.iter().find(|(_, identity)| is(identity) == Some(true));
    found.map(|(id, _)| id.as_str())
}
