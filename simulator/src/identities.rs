//! `Microsoft.ManagedIdentity/userAssignedIdentities`, and who may hand one to a resource.

use serde_json::Value;

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::refusal::Refusal;
use crate::text::{member, set};
use crate::types::IDENTITIES;
use crate::world::{Principal, World};

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
