//! Lists, page by page.
//!
//! Invariant: a list holds what the caller may read, and says where it goes on.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::address::{ResourceId, group_of, is_within};
use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::text::at;
use crate::types::{DEFINITIONS, DENIALS, LOCKS, POLICIES, PROJECTS};
use crate::world::{Resource, World};

impl World {
    /// One page of `items`.
    pub(crate) fn page(&self, request: &Request<'_>, items: Vec<Value>) -> Reply {
        self.page_of(request, items, |item| item)
    }

    /// One page of what is shown of `items`; only what is on the page is made.
    fn page_of<T>(&self, request: &Request<'_>, items: Vec<T>, show: impl FnMut(T) -> Value) -> Reply {
        let skip: usize = request
            .query("$skiptoken")
            .and_then(|token| token.parse().ok())
            .unwrap_or_default();
        let end = skip.saturating_add(self.settings.page_size.max(1));
        let more = items.len() > end;
        let page: Vec<Value> = items.into_iter().skip(skip).take(end - skip).map(show).collect();
        let mut body = json!({ "value": page });
        if more {
            crate::text::set(&mut body, "nextLink", next_link(request, &end.to_string()));
        }
        Reply::ok(body)
    }

    /// The resources of a type.
    pub(crate) fn list_collection(
        &self,
        request: &Request<'_>,
        scope: &str,
        kind: &str,
    ) -> Result<Reply, Refusal> {
        only_get(request)?;
        let kind = crate::types::Type::named(kind).map_or(kind, |found| found.name);
        let action = format!("{kind}/read");
        if kind.starts_with("Microsoft.Authorization/") {
            self.authorize(request.caller, &action, scope, request.now)?;
            return match kind {
                DEFINITIONS => Ok(self.list_definitions(request, scope)),
                DENIALS => self.list_denials(request, scope),
                LOCKS => Ok(self.list_locks(request, scope)),
                POLICIES => Ok(self.list_policies(request, scope)),
                _ => self.list_assignments(request, scope),
            };
        }
        if let Some(parent) = ResourceId::parse(scope) {
            self.authorize(request.caller, &action, scope, request.now)?;
            if self.get(scope).is_none() {
                return Err(Refusal::resource_not_found(
                    &parent.kind,
                    &parent.name,
                    parent.group(),
                ));
            }
        } else {
            self.check_group(scope)?;
        }
        let items = self
            .readable(request, scope, &action)
            .filter(|one| one.kind() == kind)
            .filter_map(|one| one.seen(request.now))
            .collect();
        Ok(self.page_of(request, items, |body| self.shown(body)))
    }

    /// Resources of all types, without their properties.
    pub(crate) fn list_resources(&self, request: &Request<'_>, scope: &str) -> Result<Reply, Refusal> {
        only_get(request)?;
        self.check_group(scope)?;
        let filter = Filter::parse(request.query("$filter").unwrap_or_default())?;
        let expand = request.query("$expand").unwrap_or_default();
        let items = self
            .within(scope)
            // No keys of vaults; projects of accounts are listed as accounts are.
            .filter(|one| one.kind().split('/').count() == 2 || one.kind() == PROJECTS)
            .filter(|one| {
                let action = format!("{}/read", one.kind());
                self.authorize(request.caller, &action, one.id(), request.now)
                    .is_ok()
            })
            .filter(|one| one.seen(request.now).is_some())
            .filter(|one| filter.admits(one))
            .collect();
        Ok(self.page_of(request, items, |one| generic(one, expand)))
    }

    fn readable<'a>(
        &'a self,
        request: &'a Request<'_>,
        scope: &'a str,
        action: &'a str,
    ) -> impl Iterator<Item = &'a Resource> {
        self.within(scope)
            .filter(move |one| one.id().len() > scope.len())
            .filter(move |one| is_within(one.id(), scope))
            .filter(move |one| {
                self.authorize(request.caller, action, one.id(), request.now)
                    .is_ok()
            })
    }

    fn check_group(&self, scope: &str) -> Result<(), Refusal> {
        let group = group_of(scope);
        if group.is_empty()
            || self
                .group(crate::address::subscription_of(scope), group)
                .is_some()
        {
            Ok(())
        } else {
            Err(Refusal::group_not_found(group))
        }
    }
}

/// Where a list goes on.
pub(crate) fn next_link(request: &Request<'_>, token: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &request.query {
        if !name.eq_ignore_ascii_case("$skiptoken") {
            query.append_pair(name, value);
        }
    }
    query.append_pair("$skiptoken", token);
    format!("{}{}?{}", request.endpoint, request.path, query.finish())
}

fn only_get(request: &Request<'_>) -> Result<(), Refusal> {
    if request.method == Method::Get {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "A list can only be read.",
    ))
}

/// A resource as a list of all types has it.
fn generic(resource: &Resource, expand: &str) -> Value {
    let mut item =
        json!({ "id": resource.id(), "name": at(&resource.body, "/name"), "type": resource.kind() });
    for name in ["kind", "location", "tags", "managedBy", "sku"] {
        if let Some(value) = resource.body.get(name) {
            crate::text::set(&mut item, name, value.clone());
        }
    }
    let expanded = |name: &str| expand.split(',').any(|one| one.trim().eq_ignore_ascii_case(name));
    if expanded("createdTime") {
        crate::text::set(&mut item, "createdTime", resource.created.to_string());
    }
    if expanded("changedTime") {
        crate::text::set(&mut item, "changedTime", resource.changed.to_string());
    }
    if expanded("provisioningState")
        && let Some(state) = at(&resource.body, "/properties/provisioningState")
    {
        crate::text::set(&mut item, "provisioningState", state);
    }
    item
}

/// The part of OData's filters that is understood: `resourceType eq 'x' and resourceGroup eq 'y' and name eq 'z'`.
#[derive(Debug, Default)]
struct Filter {
    kind: Option<String>,
    group: Option<String>,
    name: Option<String>,
}

impl Filter {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut filter = Self::default();
        for term in text.split(" and ").map(str::trim).filter(|term| !term.is_empty()) {
            let value = term.split('\'').nth(1).map(str::to_owned);
            match term.split(' ').next() {
                Some("resourceType") => filter.kind = value,
                Some("resourceGroup") => filter.group = value,
                Some("name") => filter.name = value,
                _ => {
                    return Err(Refusal::bad_request(
                        "InvalidFilterInQueryString",
                        format!("Invalid $filter '{term}' specified in the query string."),
                    ));
                }
            }
        }
        Ok(filter)
    }

    fn admits(&self, resource: &Resource) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        is(&self.kind, resource.kind())
            && is(&self.group, group_of(resource.id()))
            && is(&self.name, at(&resource.body, "/name").unwrap_or_default())
    }
}
