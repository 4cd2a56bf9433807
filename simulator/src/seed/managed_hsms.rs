//! Managed HSMs of a seed, with their keys, and the role assignments that they hold themselves.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::governance::named;
use super::parsed;
use super::vaults::{Key, add_keys};
use crate::error::Error;
use crate::managed_hsms::{self, LocalAssignment, complete_hsm};
use crate::text::{merge, set};
use crate::types::HSMS;
use crate::world::{Resource, World};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ManagedHsm {
    id: String,
    location: String,
    /// What differs from one that is activated, with purge protection.
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    keys: Vec<Key>,
}

/// A role assignment in an HSM, which Azure Resource Manager does not show.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct HsmRoleAssignment {
    /// ARM id.
    hsm: String,
    /// Name of a principal, of a user-assigned identity or of a group, or an object id.
    principal: String,
    /// Name of a local role.
    role: String,
    /// `/`, `/keys` or `/keys/{name}`.
    scope: String,
}

fn parsed_hsm(id: &str) -> Result<crate::address::ResourceId, Error> {
    parsed(id).and_then(|parsed| {
        if parsed.kind.eq_ignore_ascii_case(HSMS) {
            Ok(parsed)
        } else {
            Err(Error::Seed(format!("{id} is not the ARM id of a managed HSM")))
        }
    })
}

impl ManagedHsm {
    pub(super) fn apply(self, world: &mut World, now: Timestamp) -> Result<(), Error> {
        let name = parsed_hsm(&self.id)?.name;
        let mut body = json!({
            "id": self.id,
            "name": name,
            "type": HSMS,
            "location": self.location,
            "sku": { "family": "B", "name": "Standard_B1" },
        });
        let mut properties = json!({ "tenantId": world.tenant, "enablePurgeProtection": true });
        if !self.properties.is_null() {
            merge(&mut properties, &self.properties);
        }
        set(&mut body, "properties", properties);
        complete_hsm(&mut body, &world.hsm_suffix);
        world.put(Resource::new(body, now));
        add_keys(world, &self.id, self.keys, "RSA-HSM", now);
        Ok(())
    }
}

impl HsmRoleAssignment {
    pub(super) fn apply(self, world: &mut World) -> Result<(), Error> {
        parsed_hsm(&self.hsm)?;
        let wrong = |why: String| Error::Seed(format!("hsmRoleAssignments: {why}"));
        let role = managed_hsms::role(&self.role)
            .ok_or_else(|| wrong(format!("there is no local role {}", self.role)))?;
        let principal = named(world, &self.principal)
            .or_else(|| {
                uuid::Uuid::parse_str(&self.principal)
                    .ok()
                    .map(|id| id.to_string())
            })
            .ok_or_else(|| wrong(format!("there is no principal {}", self.principal)))?;
        world.local_assignments.push(LocalAssignment {
            hsm: self.hsm.to_lowercase(),
            scope: self.scope,
            role,
            principal,
        });
        Ok(())
    }
}
