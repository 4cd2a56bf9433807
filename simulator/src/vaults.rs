//! `Microsoft.KeyVault/vaults`, by Azure Resource Manager.
//!
//! Invariant: a vault answers at its `vaultUri`.

use serde_json::{Value, json};

use crate::address::{ResourceId, subscription_of};
use crate::front::{Reply, Request};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::types::{Behaviour, RBAC_BY_DEFAULT, VAULTS};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::write_vault,
    patch: World::write_vault,
    delete: World::ask_for_deletion,
    taken_along: Some(|world, id, now| {
        world.delete_vault(id, now);
    }),
};

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
        let recovers = request
            .body
            .as_ref()
            .and_then(|sent| at(sent, "/properties/createMode"))
            .is_some_and(|mode| mode.eq_ignore_ascii_case("recover"));
        if before.is_none() {
            if recovers {
                return self.recover(request, id);
            }
            self.check_name_is_free(id)?;
        }
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
        }
        check_retention(&body, before.as_ref())?;
        // What a PUT leaves out of these stays as it is: the permission model too (key-vault, access-control-default).
        if let (Some(before), Some(properties)) = (&before, body.get_mut("properties")) {
            for name in [
                "enablePurgeProtection",
                "enableSoftDelete",
                RETENTION,
                "enableRbacAuthorization",
            ] {
                let was = before.pointer(&format!("/properties/{name}"));
                if let (Some(was), None | Some(Value::Null)) = (was, properties.get(name)) {
                    set(properties, name, was.clone());
                }
            }
        }
        let has_rbac = before.is_none() && request.api_version.as_str() >= RBAC_BY_DEFAULT;
        complete_vault(&mut body, has_rbac, &self.vault_suffix);
        Ok(self.keep(request, id, body))
    }

    /// PUT with `createMode: recover`: what was deleted comes back as it was.
    fn recover(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let deleted = self.deleted_vaults.get(&id.name.to_lowercase());
        if deleted.is_none_or(|one| !one.vault_id().eq_ignore_ascii_case(&id.id)) {
            // The code is not confirmed.
            return Err(Refusal::new(
                axum::http::StatusCode::NOT_FOUND,
                "VaultNotFound",
                format!("There is no deleted vault '{}' that could be recovered.", id.id),
            ));
        }
        if let Some(operation) = self.under_way(&id.id) {
            return Err(Refusal::conflict(
                "ConflictError",
                format!(
                    "The vault '{}' is being purged (operation {}).",
                    id.name, operation.id
                ),
            ));
        }
        let body = self.recover_vault(&id.name).unwrap_or_default();
        if let Some(vault) = self.get_mut(&id.id) {
            vault.changed = request.now;
        }
        Ok(Reply::ok(self.shown(&body)))
    }

    /// Names of vaults are unique in all of Azure, and taken while a deleted vault is kept.
    fn check_name_is_free(&self, id: &ResourceId) -> Result<(), Refusal> {
        let own = subscription_of(&id.id);
        match self.deleted_vaults.get(&id.name.to_lowercase()) {
            Some(deleted) if subscription_of(deleted.vault_id()).eq_ignore_ascii_case(own) => {
                // alan-turing-institute/data-safe-haven #2523.
                Err(Refusal::conflict(
                    "ConflictError",
                    "A vault with the same name already exists in deleted state. You need to either recover or purge \
                     existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more \
                     information on soft delete.",
                ))
            }
            None if self.vault_named(&id.name).is_none() => Ok(()),
            _ => Err(Refusal::conflict(
                "VaultAlreadyExists",
                crate::key_vault::already_exists(&id.name),
            )),
        }
    }
}

/// The days for which a vault keeps what is deleted.
const RETENTION: &str = "softDeleteRetentionInDays";

/// 7 to 90 days, and never another number (Microsoft.KeyVault/vaults, softDeleteRetentionInDays). The codes are those of the
/// other properties that cannot be changed.
fn check_retention(body: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    let days = |body: &Value| {
        body.pointer(&format!("/properties/{RETENTION}"))
            .and_then(Value::as_i64)
    };
    let Some(wanted) = days(body) else { return Ok(()) };
    if !(7..=90).contains(&wanted) {
        return Err(Refusal::bad_request(
            "BadRequest",
            format!("The property \"{RETENTION}\" must be between 7 and 90; it is {wanted}."),
        ));
    }
    match before.and_then(days) {
        Some(was) if was != wanted => Err(Refusal::bad_request(
            "BadRequest",
            format!("The property \"{RETENTION}\" has been set already and it can't be modified."),
        )),
        _ => Ok(()),
    }
}

/// What Azure adds to a vault; `with_rbac` if that is what one gets without asking.
pub(crate) fn complete_vault(body: &mut Value, with_rbac: bool, suffix: &str) {
    let name = at(body, "/name").unwrap_or_default().to_lowercase();
    let Some(properties) = body.get_mut("properties") else {
        return;
    };
    set(properties, "vaultUri", format!("https://{name}.{suffix}/"));
    set(properties, "provisioningState", "Succeeded");
    let defaults = [
        ("enableSoftDelete", json!(true)),
        (RETENTION, json!(90)),
        ("accessPolicies", json!([])),
    ];
    for (name, value) in defaults {
        if properties.get(name).is_none() {
            set(properties, name, value);
        }
    }
    if with_rbac && properties.get("enableRbacAuthorization").is_none() {
        set(properties, "enableRbacAuthorization", true);
    }
    if let Some(object) = properties.as_object_mut() {
        // How a vault was made is not told, and off is absent.
        object.remove("createMode");
        if object.get("enablePurgeProtection") == Some(&Value::Bool(false)) {
            object.remove("enablePurgeProtection");
        }
    }
}
