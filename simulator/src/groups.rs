//! Resource groups, and the registration of resource providers.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use crate::front::{Method, Reply, Request, not_registered};
use crate::refusal::Refusal;
use crate::text::{at, set};
use crate::types::Type;
use crate::world::World;

impl World {
    /// A resource group.
    pub(crate) fn resource_group(
        &mut self,
        request: &Request<'_>,
        subscription: &str,
        name: &str,
    ) -> Result<Reply, Refusal> {
        let id = format!("/subscriptions/{subscription}/resourceGroups/{name}");
        let verb = match request.method {
            Method::Get => "read",
            Method::Put | Method::Patch => "write",
            Method::Delete => "delete",
            Method::Post => {
                return Err(Refusal::bad_request(
                    "InvalidResourceOperation",
                    "A group has no POST.",
                ));
            }
        };
        let action = format!("Microsoft.Resources/subscriptions/resourceGroups/{verb}");
        self.authorize(request.caller, &action, &id, request.now)?;
        self.check_locks(&id, request.method)?;
        let existing = self.group(subscription, name).map(|one| one.body.clone());
        match (request.method, existing) {
            (Method::Get, Some(body)) => Ok(Reply::ok(body)),
            (Method::Get | Method::Patch, None) => Err(Refusal::group_not_found(name)),
            (Method::Delete, None) => Err(Refusal::group_not_found(name)),
            (Method::Delete, Some(_)) => {
                self.delete_group(&id, request.now);
                Ok(Reply::empty(StatusCode::OK))
            }
            (_, existing) => {
                let sent = request.required_body()?;
                crate::shape::check(&crate::shapes::GROUP, sent, request.method == Method::Patch)?;
                let location = at(sent, "/location").unwrap_or_default();
                let is_new = existing.is_none();
                match existing {
                    None => self.add_group(&id, location, None, request.now),
                    Some(body) if !location.is_empty() && at(&body, "/location") != Some(location) => {
                        return Err(Refusal::conflict(
                            "InvalidResourceGroupLocation",
                            format!("The resource group '{name}' already exists in another location."),
                        ));
                    }
                    Some(_) => {}
                }
                let Some(group) = self.get_mut(&id) else {
                    return Err(Refusal::group_not_found(name));
                };
                if let Some(tags) = sent.get("tags") {
                    set(&mut group.body, "tags", tags.clone());
                }
                let status = if is_new {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                Ok(Reply::with(status, group.body.clone()))
            }
        }
    }

    /// Deletes a group with all that is in it. What is kept after its own deletion is kept after this one too.
    fn delete_group(&mut self, scope: &str, now: Timestamp) {
        let inside: Vec<(String, &Type)> = self
            .within(scope)
            .filter_map(|one| Some((one.id().to_owned(), Type::named(one.kind())?)))
            .collect();
        for (id, kind) in inside {
            if let Some(take_along) = kind.behaviour.taken_along {
                take_along(self, &id, now);
            }
        }
        self.remove(scope);
    }

    /// The resource groups of a subscription that the caller may read.
    pub(crate) fn list_groups(&self, request: &Request<'_>, subscription: &str) -> Reply {
        let action = "Microsoft.Resources/subscriptions/resourceGroups/read";
        let items = self
            .groups(subscription)
            .filter(|one| {
                self.authorize(request.caller, action, one.id(), request.now)
                    .is_ok()
            })
            .map(|one| one.body.clone())
            .collect();
        self.page(request, items)
    }

    /// A resource provider in a subscription.
    pub(crate) fn provider(
        &mut self,
        request: &Request<'_>,
        subscription: &str,
        namespace: &str,
        register: bool,
    ) -> Result<Reply, Refusal> {
        let scope = format!("/subscriptions/{subscription}");
        let known = crate::types::TYPES
            .iter()
            .filter_map(|kind| kind.name.split('/').next())
            .find(|one| one.eq_ignore_ascii_case(namespace));
        if register {
            if request.method != Method::Post {
                return Err(Refusal::bad_request(
                    "InvalidResourceOperation",
                    "To register is a POST.",
                ));
            }
            self.authorize(
                request.caller,
                &format!("{namespace}/register/action"),
                &scope,
                request.now,
            )?;
        } else {
            let action = "Microsoft.Resources/subscriptions/providers/read";
            self.authorize(request.caller, action, &scope, request.now)?;
        }
        let Some(known) = known else {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "InvalidResourceNamespace",
                format!("The resource namespace '{namespace}' is invalid."),
            ));
        };
        let registered = self
            .subscriptions
            .get_mut(&subscription.to_lowercase())
            .ok_or_else(|| not_registered(namespace))?;
        if register {
            registered.insert(namespace.to_lowercase());
        }
        let state = if registered.contains(&namespace.to_lowercase()) {
            "Registered"
        } else {
            "NotRegistered"
        };
        let types = crate::types::TYPES.iter().filter_map(|one| {
            let (of, name) = one.name.split_once('/')?;
            // The newest comes first, as clients expect that look for one.
            let versions: Vec<&str> = one.versions.iter().rev().copied().collect();
            let told = || json!({ "resourceType": name, "locations": [], "apiVersions": versions });
            of.eq_ignore_ascii_case(known).then(told)
        });
        Ok(Reply::ok(json!({
            "id": format!("{scope}/providers/{known}"),
            "namespace": known,
            "registrationPolicy": "RegistrationRequired",
            "registrationState": state,
            "resourceTypes": types.collect::<Vec<_>>(),
        })))
    }
}
