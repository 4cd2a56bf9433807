//! `Microsoft.ManagedIdentity/userAssignedIdentities`, and who may hand one to a resource.

use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::refusal::Refusal;
use crate::settings::IdCase;
use crate::text::{at, member, set};
use crate::types::{Behaviour, IDENTITIES};
use crate::world::{Principal, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::write_identity,
    patch: World::write_identity,
    delete: World::delete_identity,
    taken_along: None,
};

/// Namespaces that write both kinds of identity with a space between them (their published types).
const WITH_SPACE: [&str; 3] = [
    "Microsoft.CognitiveServices",
    "Microsoft.ContainerRegistry",
    "Microsoft.Search",
];

impl World {
    /// PUT and PATCH.
    pub(crate) fn write_identity(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
    ) -> Result<Reply, Refusal> {
        let mut body = self.written(request, id)?;
        let known = self.identity_principal(&id.id).cloned();
        let principal = known.unwrap_or_else(|| {
            let principal = Principal {
                name: id.name.clone(),
                client_id: crate::text::new_guid(),
                object_id: crate::text::new_guid(),
                ..Principal::default()
            };
            self.principals.push(principal.clone());
            principal
        });
        if let Some(properties) = body.get_mut("properties") {
            set(properties, "tenantId", self.tenant.clone());
            set(properties, "principalId", principal.object_id);
            set(properties, "clientId", principal.client_id);
        }
        Ok(self.keep(request, id, body))
    }

    /// DELETE: the principal goes too.
    fn delete_identity(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        if let Some(principal) = self.identity_principal(&id.id).map(|one| one.object_id.clone()) {
            self.principals.retain(|one| one.object_id != principal);
        }
        self.delete_plain(request, id)
    }

    /// The identity block of a resource as it comes back; `before` is the resource's own, when there is one. A `whole` one replaces it,
    /// but the system-assigned identity stays the same.
    pub(crate) fn identity_block(
        &mut self,
        id: &ResourceId,
        sent: &Value,
        before: Option<&Value>,
        whole: bool,
    ) -> Value {
        let kept = before.filter(|_| !whole);
        let kind = at(sent, "/type")
            .or_else(|| kept.and_then(|before| at(before, "/type")))
            .map_or_else(|| "None".to_owned(), |sent| spelled(&id.kind, sent));
        let mut block = json!({ "type": kind });
        if kind.to_lowercase().contains("systemassigned") {
            let known = before
                .and_then(|before| at(before, "/principalId"))
                .map(str::to_owned);
            let principal = known.unwrap_or_else(|| {
                let object_id = crate::text::new_guid();
                self.principals.push(Principal {
                    name: id.name.clone(),
                    client_id: crate::text::new_guid(),
                    object_id: object_id.clone(),
                    ..Principal::default()
                });
                object_id
            });
            set(&mut block, "principalId", principal);
            set(&mut block, "tenantId", self.tenant.clone());
        }
        let mut assigned = serde_json::Map::new();
        let old = kept
            .and_then(|before| before.get("userAssignedIdentities"))
            .and_then(Value::as_object);
        let new = sent.get("userAssignedIdentities").and_then(Value::as_object);
        let names = old.into_iter().flatten().chain(new.into_iter().flatten());
        for (name, value) in names {
            assigned.retain(|known: &String, _| !known.eq_ignore_ascii_case(name));
            if !value.is_null() {
                let principal = self.identity_principal(name);
                let entry = json!({
                    "principalId": principal.map(|one| one.object_id.clone()),
                    "clientId": principal.map(|one| one.client_id.clone()),
                });
                let name = match self.settings.identity_id_case {
                    IdCase::AsSent => name.clone(),
                    IdCase::Lower => name.to_lowercase(),
                };
                assigned.insert(name, entry);
            }
        }
        if kind.to_lowercase().contains("userassigned") {
            set(&mut block, "userAssignedIdentities", Value::Object(assigned));
        }
        block
    }

    /// Whoever gives a resource an identity must have `assign/action` on it, and it must exist.
    pub(crate) fn authorize_identities(
        &self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
    ) -> Result<(), Refusal> {
        let Some(assigned) = member(body, "identity")
            .and_then(|(_, identity)| identity.get("userAssignedIdentities"))
            .and_then(Value::as_object)
        else {
            return Ok(());
        };
        for (identity, _) in assigned.iter().filter(|(_, value)| !value.is_null()) {
            let own = (format!("{}/write", id.kind), id.id.clone());
            let action = format!("{IDENTITIES}/assign/action");
            self.authorize_linked(request.caller, (&own.0, &own.1), (&action, identity), request.now)?;
            if self.identity_principal(identity).is_none() {
                return Err(Refusal::bad_request(
                    "FailedIdentityOperation",
                    format!(
                        "Identity operation for resource '{}' failed with error 'Failed to perform resource identity \
                         operation. Status: 'NotFound'. The resource '{identity}' was not found.'.",
                        id.id
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The kind of identity in the spelling of a resource's provider.
fn spelled(kind: &str, sent: &str) -> String {
    let namespace = kind.split('/').next().unwrap_or_default();
    let tight = sent.replace(' ', "");
    if WITH_SPACE.iter().any(|one| one.eq_ignore_ascii_case(namespace)) {
        tight.replace(',', ", ")
    } else {
        tight
    }
}
