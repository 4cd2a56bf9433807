//! `Microsoft.KeyVault/managedHSMs`, by Azure Resource Manager, and who may use their keys.
//!
//! Invariant: roles of Azure Resource Manager count for nothing at the keys of an HSM, and its own role assignments are in no answer of
//! Resource Manager (key-vault, managed-hsm/access-control).

use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::key_access::{GET, Right, UNWRAP, WRAP};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::types::{Behaviour, HSMS};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::write_hsm,
    patch: World::write_hsm,
    delete: World::refuse_deletion_of_hsm,
    taken_along: None,
};

/// Local roles and what they give, as far as encryption at rest asks for it (managed-hsm/built-in-roles).
const ROLES: [(&str, &[Right]); 3] = [
    ("Managed HSM Crypto User", &[GET, WRAP, UNWRAP]),
    ("Managed HSM Crypto Service Encryption User", &[GET, WRAP, UNWRAP]),
    ("Managed HSM Crypto Auditor", &[GET]),
];

/// A role assignment in an HSM itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalAssignment {
    /// ARM id of the HSM, in lower case.
    pub(crate) hsm: String,
    /// `/`, `/keys` or `/keys/{name}`.
    pub(crate) scope: String,
    /// Name of the role.
    pub(crate) role: &'static str,
    /// Object id.
    pub(crate) principal: String,
}

/// A local role by its name.
pub(crate) fn role(name: &str) -> Option<&'static str> {
    ROLES.iter().map(|(role, _)| *role).find(|role| *role == name)
}

/// Whether a key store is a managed HSM.
pub(crate) fn is_hsm(store: &Resource) -> bool {
    store.kind() == HSMS
}

/// Where a key store answers.
pub(crate) fn uri(store: &Value) -> Option<&str> {
    at(store, "/properties/vaultUri").or_else(|| at(store, "/properties/hsmUri"))
}

/// Whether keys of a key store can be used: those of an HSM only once it is activated (managed-hsm/quick-create-cli).
pub(crate) fn is_active(store: &Resource) -> bool {
    let status = at(
        &store.body,
        "/properties/securityDomainProperties/activationStatus",
    );
    !is_hsm(store) || status.is_some_and(|status| status.eq_ignore_ascii_case("Active"))
}

impl World {
    /// PUT and PATCH of a managed HSM that is there.
    fn write_hsm(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let Some(before) = self.get(&id.id).map(|one| one.body.clone()) else {
            return Err(Refusal::bad_request(
                "BadRequest",
                "This Azure has the managed HSMs of its seed alone.",
            ));
        };
        let mut body = self.written(request, id)?;
        let protected = "/properties/enablePurgeProtection";
        if before.pointer(protected) == Some(&json!(true)) && body.pointer(protected) == Some(&json!(false)) {
            return Err(Refusal::bad_request(
                "BadRequest",
                "The property \"enablePurgeProtection\" cannot be set to false. Enabling it for a managed HSM is an \
                 irreversible action.",
            ));
        }
        // What only answers have stays.
        if let (Some(before), Some(properties)) = (before.get("properties"), body.get_mut("properties")) {
            for name in ["hsmUri", "provisioningState", "securityDomainProperties"] {
                if let Some(was) = before.get(name) {
                    set(properties, name, was.clone());
                }
            }
        }
        Ok(self.keep(request, id, body))
    }

    fn refuse_deletion_of_hsm(&mut self, _: &Request<'_>, _: &ResourceId) -> Result<Reply, Refusal> {
        Err(Refusal::new(
            axum::http::StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "This Azure deletes no managed HSMs.",
        ))
    }

    /// Whether a principal has a right on a key of an HSM, by the HSM's own role assignments.
    pub(crate) fn has_local_right(&self, principal: &str, right: Right, hsm: &Resource, key: &str) -> bool {
        let who = self.with_groups(principal);
        let hsm = hsm.id().to_lowercase();
        let path = key.to_lowercase();
        let path = path.strip_prefix(&hsm).unwrap_or_default();
        self.local_assignments
            .iter()
            .filter(|one| one.hsm == hsm && who.contains(&one.principal.to_lowercase()))
            .filter(|one| crate::address::is_within(path, &one.scope))
            .any(|one| {
                ROLES
                    .iter()
                    .any(|(role, rights)| *role == one.role && rights.contains(&right))
            })
    }
}

/// What Azure adds to a managed HSM.
pub(crate) fn complete_hsm(body: &mut Value, suffix: &str) {
    let name = at(body, "/name").unwrap_or_default().to_lowercase();
    let Some(properties) = body.get_mut("properties") else {
        return;
    };
    set(properties, "hsmUri", format!("https://{name}.{suffix}/"));
    let defaults = [
        ("provisioningState", json!("Succeeded")),
        ("enableSoftDelete", json!(true)),
        ("softDeleteRetentionInDays", json!(90)),
        ("publicNetworkAccess", json!("Enabled")),
        (
            "networkAcls",
            json!({ "bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": [] }),
        ),
        (
            "securityDomainProperties",
            json!({ "activationStatus": "Active" }),
        ),
    ];
    for (name, value) in defaults {
        if properties.get(name).is_none() {
            set(properties, name, value);
        }
    }
}
