//! Resources without behaviour of their own here: read, written and deleted at once.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::address::ResourceId;
use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::text::{merge, set};
use crate::types::{self, Behaviour, Type};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::write_plain,
    patch: World::write_plain,
    delete: World::delete_plain,
    taken_along: None,
};

impl World {
    /// GET.
    pub(crate) fn read(&self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        self.get(&id.id)
            .and_then(|resource| resource.seen(request.now))
            .map(|body| Reply::ok(self.shown(body)))
            .ok_or_else(|| Refusal::resource_not_found(&id.kind, &id.name, id.group()))
    }

    /// A body as it is shown.
    pub(crate) fn shown(&self, body: &Value) -> Value {
        let mut body = body.clone();
        let is_vault = crate::text::at(&body, "/type") == Some(types::VAULTS);
        if is_vault
            && self.settings.lies.show_purge_protection
            && let Some(properties) = body.get_mut("properties")
        {
            set(properties, "enablePurgeProtection", true);
        }
        self.show_settings_of_hub(&mut body);
        self.show_key_status(&mut body);
        // What becomes of a deleted key is the vault's to say, as it is now.
        if let Some(level) = self.recovery_level_of(crate::text::at(&body, "/id").unwrap_or_default())
            && let Some(attributes) = body.pointer_mut("/properties/attributes")
        {
            set(attributes, "recoveryLevel", level);
        }
        body
    }

    /// PUT and PATCH.
    pub(crate) fn write_plain(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = self.written(request, id)?;
        Ok(self.keep(request, id, body))
    }

    /// The body as it shall be: sent whole, or what is there with what was sent.
    pub(crate) fn written(&self, request: &Request<'_>, id: &ResourceId) -> Result<Value, Refusal> {
        let sent = request.required_body()?;
        let mut body = match (request.method, self.get(&id.id)) {
            (Method::Patch, None) => return Err(Refusal::resource_not_found(&id.kind, &id.name, id.group())),
            (Method::Patch, Some(existing)) => {
                let mut body = existing.body.clone();
                merge(&mut body, sent);
                body
            }
            (_, existing) => {
                let kind = Type::named(&id.kind).map_or(id.kind.as_str(), |kind| kind.name);
                let own = existing.map_or(id.id.as_str(), Resource::id);
                let mut body = json!({ "id": own, "name": id.name, "type": kind });
                merge(&mut body, sent);
                set(&mut body, "id", own);
                set(&mut body, "name", id.name.clone());
                set(&mut body, "type", kind);
                body
            }
        };
        if body.get("properties").is_none() {
            set(&mut body, "properties", json!({}));
        }
        Ok(body)
    }

    /// Stores it: 201 when it is new.
    pub(crate) fn keep(&mut self, request: &Request<'_>, id: &ResourceId, body: Value) -> Reply {
        let before = self.get(&id.id).cloned();
        let mut resource = Resource::new(body.clone(), request.now);
        resource.created = before.as_ref().map_or(request.now, |one| one.created);
        resource.stale = request.lag(before.as_ref().map(|one| one.body.clone()));
        self.put(resource);
        let status = if before.is_some() {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        };
        Reply::with(status, body)
    }

    /// DELETE.
    pub(crate) fn delete_plain(&mut self, _: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        Ok(Reply::empty(match self.remove(&id.id) {
            Some(_) => StatusCode::OK,
            None => StatusCode::NO_CONTENT,
        }))
    }
}
