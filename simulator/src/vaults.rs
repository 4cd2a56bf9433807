//! `Microsoft.KeyVault/vaults`, by Azure Resource Manager.
//!
//! Invariant: a vault answers at its `vaultUri`.

use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::types::VAULTS;
use crate::world::{Resource, World};

impl World {
    /// The vault of a name, which is unique in all of Azure.
    pub(crate) fn vault_named(&self, name: &str) -> Option<&Resource> {
        self.resources.values().find(|one| {
            one.kind() == VAULTS && at(&one.body, "/name").is_some_and(|own| own.eq_ignore_ascii_case(name))
        })
    }

    /// PUT and PATCH of a vault.
    pub(crate) fn write_vault(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let before = self.get(&id.id).map(|one| one.body.clone());
        let mut body = self.written(request, id)?;
        let flag = |body: &Value, name: &str| {
            body.pointer(&format!("/properties/{name}"))
                .and_then(Value::as_bool)
        };
        // Only true is accepted, and there is no way back (Microsoft.KeyVault/vaults, enablePurgeProtection).
        for name in ["enablePurgeProtection", "enableSoftDelete"] {
            let was = before.as_ref().and_then(|before| flag(before, name));
            let sent = request.body.as_ref().and_then(|sent| flag(sent, name));
            if sent == Some(false) && (was == Some(true) || name == "enablePurgeProtection") {
                return Err(Refusal::bad_request(
                    "BadRequest",
                    format!(
                        "The property \"{name}\" cannot be set to false. Enabling it for a vault is an irreversible action."
                    ),
                ));
            }
            if let (Some(true), None, Some(properties)) = (was, flag(&body, name), body.get_mut("properties"))
            {
                set(properties, name, true);
            }
        }
        complete_vault(&mut body, before.is_none(), &self.vault_suffix);
        Ok(self.keep(request, id, body))
    }
}

/// What Azure adds to a vault.
pub(crate) fn complete_vault(body: &mut Value, is_new: bool, suffix: &str) {
    let name = at(body, "/name").unwrap_or_default().to_lowercase();
    let Some(properties) = body.get_mut("properties") else {
        return;
    };
    set(properties, "vaultUri", format!("https://{name}.{suffix}/"));
    set(properties, "provisioningState", "Succeeded");
    let defaults = [
        ("enableSoftDelete", json!(true)),
        ("softDeleteRetentionInDays", json!(90)),
        ("accessPolicies", json!([])),
    ];
    for (name, value) in defaults {
        if properties.get(name).is_none() {
            set(properties, name, value);
        }
    }
    // From api-version 2026-02-01 on a new vault has RBAC unless it says otherwise (access-control-default).
    if is_new && properties.get("enableRbacAuthorization").is_none() {
        set(properties, "enableRbacAuthorization", true);
    }
    if properties.get("enablePurgeProtection") == Some(&Value::Bool(false))
        && let Some(object) = properties.as_object_mut()
    {
        // Off is absent.
        object.remove("enablePurgeProtection");
    }
}
