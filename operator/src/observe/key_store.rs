//! Vaults and managed HSMs from the wire to the planner's facts.
//!
//! Invariant: that of [`super::convert`].

use keyholder_azure::wire;
use keyholder_planner::observed::{AccessPolicy, LiveVault, Permissions};
use serde_json::Value;

use super::convert::{ConvertError, location, required_id, typed};

/// A vault.
///
/// # Errors
/// See [`ConvertError`].
pub fn vault(value: &Value) -> Result<LiveVault, ConvertError> {
    let vault: wire::Vault = typed(value)?;
    let properties = vault.properties.ok_or(ConvertError::Missing("properties"))?;
    let policies = properties.access_policies.unwrap_or_default().into_iter();
    let policies = policies.map(|policy| AccessPolicy {
        object_id: policy.object_id.unwrap_or_default(),
        keys: policy
            .permissions
            .and_then(|permissions| permissions.keys)
            .unwrap_or_default(),
    });
    Ok(LiveVault {
        id: required_id("id", vault.id)?,
        location: location(vault.location)?,
        tenant_id: properties
            .tenant_id
            .ok_or(ConvertError::Missing("properties.tenantId"))?,
        uri: properties.vault_uri.unwrap_or_default(),
        soft_delete: properties.enable_soft_delete.unwrap_or(true),
        purge_protection: properties.enable_purge_protection.unwrap_or(false),
        permissions: if properties.enable_rbac_authorization.unwrap_or(false) {
            Permissions::Roles
        } else {
            Permissions::Policies(policies.collect())
        },
        inactive: None,
        trusted_services_pass: trusted_services_pass(
            properties.public_network_access.as_deref(),
            properties.network_acls,
        ),
    })
}

/// A managed HSM. That its activation is not known is nothing against it: Azure finds out before anything is encrypted.
///
/// # Errors
/// See [`ConvertError`].
pub fn managed_hsm(value: &Value) -> Result<LiveVault, ConvertError> {
    let hsm: wire::ManagedHsm = typed(value)?;
    let properties = hsm.properties.ok_or(ConvertError::Missing("properties"))?;
    let works_or_unknown = |status: &str| {
        ["Active", "Unknown"]
            .iter()
            .any(|one| status.eq_ignore_ascii_case(one))
    };
    Ok(LiveVault {
        id: required_id("id", hsm.id)?,
        location: location(hsm.location)?,
        tenant_id: properties
            .tenant_id
            .ok_or(ConvertError::Missing("properties.tenantId"))?,
        uri: properties.hsm_uri.unwrap_or_default(),
        soft_delete: properties.enable_soft_delete.unwrap_or(true),
        purge_protection: properties.enable_purge_protection.unwrap_or(false),
        permissions: Permissions::Local,
        inactive: properties
            .security_domain_properties
            .and_then(|domain| domain.activation_status)
            .filter(|status| !works_or_unknown(status)),
        trusted_services_pass: trusted_services_pass(
            properties.public_network_access.as_deref(),
            properties.network_acls,
        ),
    })
}

fn trusted_services_pass(public: Option<&str>, rules: Option<wire::NetworkAcls>) -> bool {
    let is = |text: Option<&str>, word: &str| text.is_some_and(|text| text.eq_ignore_ascii_case(word));
    let rules = rules.unwrap_or_default();
    let restricted = is(public, "disabled") || is(rules.default_action.as_deref(), "Deny");
    !(restricted && is(rules.bypass.as_deref(), "None"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hsm(change: impl Fn(&mut Value)) -> Result<LiveVault, ConvertError> {
        let mut body = json!({
            "id": "/subscriptions/S/resourceGroups/rg/providers/Microsoft.KeyVault/managedHSMs/corp-hsm",
            "location": "West Europe",
            "properties": {
                "tenantId": "tenant",
                "hsmUri": "https://corp-hsm.managedhsm.azure.net/",
                "enablePurgeProtection": true,
                "publicNetworkAccess": "Enabled",
                "securityDomainProperties": { "activationStatus": "Active" },
            },
        });
        change(&mut body["properties"]);
        managed_hsm(&body)
    }

    #[test]
    fn a_managed_hsm_is_read() {
        let live = hsm(|_| {}).unwrap();
        assert_eq!(live.permissions, Permissions::Local);
        assert_eq!(live.uri, "https://corp-hsm.managedhsm.azure.net/");
        assert_eq!(live.location.as_str(), "westeurope");
        assert!(live.soft_delete && live.purge_protection && live.trusted_services_pass);
        assert_eq!(live.inactive, None);
    }

    #[test]
    fn what_an_hsm_leaves_out_is_taken_for_off_where_that_is_safe() {
        let bare = hsm(|properties| *properties = json!({ "tenantId": "tenant" })).unwrap();
        assert!(bare.soft_delete && !bare.purge_protection && bare.trusted_services_pass);
        assert_eq!(bare.inactive, None);
        assert!(hsm(|properties| *properties = json!({})).is_err());
    }

    #[test]
    fn only_what_is_known_not_to_work_is_inactive() {
        for (status, inactive) in [
            ("NotActivated", true),
            ("Failed", true),
            ("unknown", false),
            ("active", false),
        ] {
            let live =
                hsm(|properties| properties["securityDomainProperties"]["activationStatus"] = json!(status));
            assert_eq!(live.unwrap().inactive.is_some(), inactive, "{status}");
        }
    }

    #[test]
    fn a_closed_hsm_without_bypass_keeps_the_service_out() {
        let passes = |access: &str, action: &str, bypass: &str| {
            let live = hsm(|properties| {
                properties["publicNetworkAccess"] = json!(access);
                properties["networkAcls"] = json!({ "defaultAction": action, "bypass": bypass });
            });
            live.unwrap().trusted_services_pass
        };
        assert!(passes("Enabled", "Allow", "None"));
        assert!(passes("Disabled", "Deny", "AzureServices"));
        assert!(!passes("Disabled", "Allow", "None"));
        assert!(!passes("Enabled", "Deny", "None"));
    }
}
