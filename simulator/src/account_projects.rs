//! `Microsoft.CognitiveServices/accounts/projects`: PUT, PATCH, DELETE, and what their operations do.
//!
//! Invariant: one operation at a time for an account and all its projects; a project has no encryption of its own.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::account_rules::is_set;
use crate::accounts::set_etag;
use crate::address::{ResourceId, is_within};
use crate::front::{Reply, Request};
use crate::operations::{Effect, Operation, Verb};
use crate::provisioning::{check_location, is_kind, set_state};
use crate::refusal::Refusal;
use crate::settings::ProjectChanges;
use crate::shape::drop_read_only;
use crate::text::{at, set};
use crate::types::{Behaviour, PROJECTS};
use crate::world::{Resource, World};

pub(crate) const BEHAVIOUR: Behaviour = Behaviour {
    put: World::put_account_project,
    patch: World::patch_account_project,
    delete: World::delete_account_project,
    taken_along: None,
};

/// Texts that can be changed, but not be taken away: nothing, null and an empty text leave them (azure-rest-api-specs #38422).
const LASTING: [&str; 2] = ["description", "displayName"];

impl World {
    /// PUT.
    fn put_account_project(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        if let Some(operation) = self.joined_in_account(request, id, Verb::Create)? {
            let project = self.get(&id.id).map(|one| one.body.clone()).unwrap_or_default();
            return Ok(self.begun(self.accepted(request, operation), StatusCode::CREATED, project));
        }
        if self.get(&id.id).is_some_and(|existing| existing.established) {
            return self.change_account_project(request, id, &body, true);
        }
        let mut project = self.new_account_project(id, &body, request.now)?;
        set_state(&mut project, "Creating");
        let mut resource = Resource::new(project.clone(), request.now);
        resource.stale = request.lag(None);
        self.put(resource);
        let effect = Effect::new(Verb::Create, |world: &mut Self, operation, now| {
            let outcome = operation.outcome_of(|| Ok(()));
            let state = if outcome.is_ok() { "Succeeded" } else { "Failed" };
            if let Some(resource) = world.get_mut(&operation.target) {
                set_state(&mut resource.body, state);
                set_etag(&mut resource.body, now);
                resource.changed = now;
                resource.established = outcome.is_ok();
            }
            outcome
        });
        let begun = self.begin(request, &id.id, effect);
        Ok(self.begun(begun, StatusCode::CREATED, project))
    }

    /// PATCH.
    fn patch_account_project(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let body = request.required_body()?.clone();
        self.authorize_identities(request, id, &body)?;
        self.joined_in_account(request, id, Verb::Change)?;
        self.change_account_project(request, id, &body, false)
    }

    /// Changes what can be changed. A `whole` body, of a PUT, says everything, a PATCH only what it changes.
    fn change_account_project(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        body: &Value,
        whole: bool,
    ) -> Result<Reply, Refusal> {
        let Some(before) = self.get(&id.id).map(|one| one.body.clone()) else {
            return Err(Refusal::resource_not_found(&id.kind, &id.name, id.group()));
        };
        check_location(id, &before, body)?;
        let mut project = self.account_project_with(id, body, Some(&before), whole);
        let kind = |project: &Value| at(project, "/identity/type").unwrap_or("None").to_owned();
        if kind(&before) != kind(&project) && !self.settings.accounts.project_identity_changes {
            self.forbidden_change(id, "identity.type")?;
            let own = before.get("identity").cloned().unwrap_or_default();
            set(&mut project, "identity", own);
        }
        self.check_identity_of_project(&project)?;
        set_etag(&mut project, request.now);
        if self.settings.accounts.project_changes == ProjectChanges::AtOnce {
            set_state(&mut project, "Succeeded");
            self.replace_body(request, id, project.clone(), before);
            return Ok(Reply::ok(project));
        }
        set_state(&mut project, "Accepted");
        self.replace_body(request, id, project.clone(), before.clone());
        let effect = Effect::new(Verb::Change, move |world: &mut Self, operation, now| {
            let outcome = operation.outcome_of(|| Ok(()));
            let now_there = world.get(&operation.target).map(|one| one.body.clone());
            let mut project = now_there
                .filter(|_| outcome.is_ok())
                .unwrap_or_else(|| before.clone());
            set_state(&mut project, world.state_after(&outcome));
            world.store(&operation.target, project, now);
            outcome
        });
        let begun = self.begin(request, &id.id, effect);
        let status = if whole {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        };
        Ok(self.begun(begun, status, project))
    }

    /// DELETE. A project is not kept.
    fn delete_account_project(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        if self.get(&id.id).is_none() {
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
        if let Some(operation) = self.joined_in_account(request, id, Verb::Delete)? {
            return Ok(self.accepted(request, operation));
        }
        if let Some(resource) = self.get_mut(&id.id) {
            let before = resource.body.clone();
            resource.stale = request.lag(Some(before));
            set_state(&mut resource.body, "Deleting");
        }
        let effect = Effect::new(Verb::Delete, |world: &mut Self, operation, _| {
            let outcome = operation.outcome_of(|| Ok(()));
            if outcome.is_ok() {
                world.remove(&operation.target);
            } else if let Some(resource) = world.get_mut(&operation.target) {
                set_state(&mut resource.body, "Succeeded");
            }
            outcome
        });
        Ok(self.begin(request, &id.id, effect))
    }

    /// A new project, if its account lets it be.
    fn new_account_project(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let no = |message: &str| Err(Refusal::bad_request("BadRequest", message));
        let Some(account) = self.get(&id.scope) else {
            return Err(Refusal::parent_not_found(PROJECTS, &id.scope));
        };
        if !account.established {
            // microsoft-foundry-for-vscode #117.
            return no("Parent account does not provision correctly, please retry creating the account.");
        }
        if !is_kind(&account.body, "AIServices") || !is_set(&account.body, "allowProjectManagement") {
            // Reported in comments of templates; that the code is BadRequest is not confirmed.
            return no(
                "Project can only be created under AIServices Kind account with allowProjectManagement set to true.",
            );
        }
        // One whose creation failed is made anew, and keeps its system-assigned identity.
        let failed = self
            .get(&id.id)
            .map(|one| json!({ "identity": one.body.get("identity") }));
        let mut project = self.account_project_with(id, body, failed.as_ref(), true);
        self.check_identity_of_project(&project)?;
        set_etag(&mut project, now);
        Ok(project)
    }

    /// A project as a request wants it.
    fn account_project_with(
        &mut self,
        id: &ResourceId,
        sent: &Value,
        before: Option<&Value>,
        whole: bool,
    ) -> Value {
        let mut sent = sent.clone();
        drop_read_only(&crate::shapes::PROJECT, &mut sent);
        let own = |name: &str| before.and_then(|before| before.get(name));
        let said = |name: &str| sent.get(name).filter(|value| !value.is_null());
        let account = self
            .get(&id.scope)
            .map(|one| one.body.clone())
            .unwrap_or_default();
        let text = |pointer: &str| at(&account, pointer).unwrap_or_default();
        let mut project = json!({
            "id": own("id").and_then(Value::as_str).unwrap_or(&id.id),
            "name": format!("{}/{}", text("/name"), id.name),
            "type": PROJECTS,
            "location": said("location").or_else(|| own("location")).or_else(|| account.get("location")),
        });
        if let Some(tags) = said("tags").or_else(|| own("tags").filter(|_| !whole)) {
            set(&mut project, "tags", tags.clone());
        }
        if let Some(identity) = said("identity") {
            let block = self.identity_block(id, identity, own("identity"), whole);
            set(&mut project, "identity", block);
        } else if let Some(identity) = own("identity").filter(|own| !own.is_null()) {
            set(&mut project, "identity", identity.clone());
        }
        let subdomain = text("/properties/customSubDomainName");
        let host = if subdomain.is_empty() {
            text("/name")
        } else {
            subdomain
        };
        let is_first = !self
            .account_projects(&id.scope)
            .any(|one| !one.id().eq_ignore_ascii_case(&id.id));
        let mut properties = json!({
            "endpoints": {
                "AI Foundry API":
                    format!("https://{}.services.ai.azure.com/api/projects/{}", host.to_lowercase(), id.name),
            },
            "isDefault": before
                .and_then(|before| before.pointer("/properties/isDefault"))
                .map_or_else(|| json!(is_first), Value::clone),
        });
        for name in LASTING {
            let at_place = |body: &Value| {
                at(body, &format!("/properties/{name}"))
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned)
            };
            if let Some(value) = at_place(&sent).or_else(|| before.and_then(at_place)) {
                set(&mut properties, name, value);
            }
        }
        set(&mut project, "properties", properties);
        project
    }

    /// The text is not known.
    fn check_identity_of_project(&self, project: &Value) -> Result<(), Refusal> {
        let has_identity =
            at(project, "/identity/type").is_some_and(|kind| !kind.eq_ignore_ascii_case("None"));
        if has_identity || !self.settings.accounts.projects_need_identity {
            return Ok(());
        }
        Err(Refusal::bad_request(
            "BadRequest",
            "A project needs a managed identity.",
        ))
    }

    /// A project that was made earlier, for a seed.
    pub(crate) fn add_account_project(
        &mut self,
        id: &ResourceId,
        body: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut project = self.new_account_project(id, body, now)?;
        set_state(&mut project, "Succeeded");
        let mut resource = Resource::new(project, now);
        resource.established = true;
        self.put(resource);
        Ok(())
    }

    /// An account's projects, in whatever state they are.
    pub(crate) fn account_projects<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.within(account).filter(|one| one.kind() == PROJECTS)
    }

    /// Nothing is deleted over what lies in it (terraform-provider-azapi #894).
    pub(crate) fn check_nested(&self, account: &ResourceId) -> Result<(), Refusal> {
        let nested: Vec<&str> = self
            .account_projects(&account.id)
            .filter_map(|one| one.id().split_once("/providers/"))
            .map(|(_, id)| id)
            .collect();
        if nested.is_empty() {
            return Ok(());
        }
        Err(Refusal::conflict(
            "CannotDeleteResource",
            format!(
                "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: '{}'. Please \
                 delete all nested resources before deleting this resource.",
                nested.join(", ")
            ),
        ))
    }

    /// The operation under way on an account or what is within it, if the request asks for the same once more. While anything else is
    /// under way in the account, everything is refused (terraform-provider-azurerm #22939, tutor #117).
    pub(crate) fn joined_in_account(
        &self,
        request: &Request<'_>,
        id: &ResourceId,
        verb: Verb,
    ) -> Result<Option<&Operation>, Refusal> {
        let account = account_of(id);
        if let Some(operation) = self.joined(request, &id.id, verb, || self.busy(account))? {
            return Ok(Some(operation));
        }
        let is_busy = self
            .operations
            .values()
            .any(|one| one.outcome.is_none() && is_within(&one.target, account));
        if is_busy {
            return Err(self.busy(account));
        }
        Ok(None)
    }
}

/// The account that a resource is, or is within.
pub(crate) fn account_of(id: &ResourceId) -> &str {
    let depth = id.kind.split('/').count().saturating_sub(2);
    (0..2 * depth).fold(&id.id, |id, _| id.rsplit_once('/').map_or(id, |(outer, _)| outer))
}
