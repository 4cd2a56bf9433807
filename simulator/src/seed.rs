//! What there is at the beginning, in one YAML file.

use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::address::{self, Address, ResourceId, subscription_of};
use crate::error::Error;
use crate::quotas::Quota;
use crate::roles::{Assignment, Role};
use crate::settings::Settings;
use crate::text::{at, merge, set};
use crate::types;
use crate::world::{FederatedCredential, Principal, Resource, World};

mod dependents;
mod governance;
mod made;
mod managed_hsms;
mod vaults;

use dependents::{SearchService, StorageAccount};
use governance::{Group, Lock, named};
use made::Made;
use managed_hsms::{HsmRoleAssignment, ManagedHsm};
use vaults::Vault;

/// A seed. Everything may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Seed {
    tenant: Option<String>,
    settings: Option<Value>,
    subscriptions: Vec<Subscription>,
    role_definitions: Vec<RoleDefinition>,
    principals: Vec<ServicePrincipal>,
    resource_groups: Vec<Place>,
    identities: Vec<Identity>,
    vaults: Vec<Vault>,
    managed_hsms: Vec<ManagedHsm>,
    storage_accounts: Vec<StorageAccount>,
    search_services: Vec<SearchService>,
    database_accounts: Vec<Made>,
    registries: Vec<Made>,
    workspaces: Vec<Made>,
    accounts: Vec<Made>,
    projects: Vec<Made>,
    capability_hosts: Vec<Made>,
    project_capability_hosts: Vec<Made>,
    role_assignments: Vec<RoleAssignment>,
    hsm_role_assignments: Vec<HsmRoleAssignment>,
    groups: Vec<Group>,
    policy_assignments: Vec<crate::policies::Assignment>,
    locks: Vec<Lock>,
    quotas: Vec<Quota>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subscription {
    id: String,
    #[serde(default)]
    registered_providers: Vec<String>,
}

/// Azure's form of a custom role.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RoleDefinition {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default, rename = "IsCustom")]
    _is_custom: bool,
    #[serde(default, rename = "Id")]
    id: Option<String>,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    not_actions: Vec<String>,
    #[serde(default)]
    data_actions: Vec<String>,
    #[serde(default)]
    not_data_actions: Vec<String>,
    #[serde(default)]
    assignable_scopes: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServicePrincipal {
    name: String,
    client_id: String,
    object_id: String,
    secret: Option<String>,
    #[serde(default)]
    bypass_deny_assignments: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Place {
    id: String,
    location: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Identity {
    id: String,
    location: String,
    client_id: Option<String>,
    principal_id: Option<String>,
    #[serde(default)]
    federated_credentials: Vec<FederatedCredential>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoleAssignment {
    /// Name of a principal, of a user-assigned identity or of a group.
    principal: String,
    /// Name or GUID of a role.
    role: String,
    scope: String,
    condition: Option<String>,
}

impl Seed {
    /// Reads one.
    ///
    /// # Errors
    /// It is not YAML, or has something that no seed has; the error says where.
    pub fn parse(text: &str) -> Result<Self, Error> {
        serde_saphyr::from_str(text).map_err(|error| Error::Seed(error.to_string()))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`Seed::parse`], or it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Adds everything to a world.
    pub(crate) fn apply(self, world: &mut World, now: Timestamp) -> Result<(), Error> {
        if let Some(tenant) = self.tenant {
            world.tenant = tenant;
        }
        if let Some(change) = self.settings {
            let mut settings =
                serde_json::to_value(&world.settings).map_err(|error| Error::Seed(error.to_string()))?;
            merge(&mut settings, &change);
            world.settings = serde_path_to_error::deserialize::<_, Settings>(settings)
                .map_err(|error| Error::Seed(format!("settings: {error}")))?;
        }
        for subscription in self.subscriptions {
            let registered = world
                .subscriptions
                .entry(subscription.id.to_lowercase())
                .or_default();
            registered.extend(
                subscription
                    .registered_providers
                    .iter()
                    .map(|one| one.to_lowercase()),
            );
        }
        for role in self.role_definitions {
            world.roles.retain(|other| other.name != role.name);
            world.roles.push(role.into());
        }
        for principal in self.principals {
            world.principals.push(Principal {
                name: principal.name,
                client_id: principal.client_id,
                object_id: principal.object_id,
                secret: principal.secret,
                bypass_deny_assignments: principal.bypass_deny_assignments,
                federated: Vec::new(),
            });
        }
        for group in self.resource_groups {
            if !matches!(address::parse(&group.id), Some(Address::Group { .. })) {
                return Err(Error::Seed(format!(
                    "resourceGroups: {} is not the ARM id of a resource group",
                    group.id
                )));
            }
            world.add_group(&group.id, &group.location, None, now);
        }
        for identity in self.identities {
            identity.apply(world, now)?;
        }
        for vault in self.vaults {
            vault.apply(world, now)?;
        }
        for hsm in self.managed_hsms {
            hsm.apply(world, now)?;
        }
        for account in self.storage_accounts {
            account.apply(world, now)?;
        }
        for service in self.search_services {
            service.apply(world, now)?;
        }
        for account in self.database_accounts {
            let kind = ("databaseAccounts", types::COSMOS);
            account.apply(world, kind, World::add_database, now)?;
        }
        for registry in self.registries {
            let kind = ("registries", types::REGISTRIES);
            registry.apply(world, kind, World::add_registry, now)?;
        }
        for workspace in self.workspaces {
            workspace.apply(
                world,
                ("workspaces", types::WORKSPACES),
                World::add_workspace,
                now,
            )?;
        }
        for account in self.accounts {
            account.apply(world, ("accounts", types::ACCOUNTS), World::add_account, now)?;
        }
        for project in self.projects {
            let kind = ("projects", types::PROJECTS);
            project.apply(world, kind, World::add_account_project, now)?;
        }
        for host in self.capability_hosts {
            let kind = ("capabilityHosts", types::CAPABILITY_HOSTS);
            host.apply(world, kind, World::add_capability_host, now)?;
        }
        for host in self.project_capability_hosts {
            let kind = ("projectCapabilityHosts", types::PROJECT_CAPABILITY_HOSTS);
            host.apply(world, kind, World::add_capability_host, now)?;
        }
        for group in self.groups {
            group.apply(world)?;
        }
        for policy in self.policy_assignments {
            parsed(&policy.id)?;
            world.add_policy(policy);
        }
        for lock in self.locks {
            lock.apply(world)?;
        }
        for quota in self.quotas {
            world.add_quota(quota);
        }
        for assignment in self.role_assignments {
            assignment.apply(world, now)?;
        }
        for assignment in self.hsm_role_assignments {
            assignment.apply(world)?;
        }
        Ok(())
    }
}

impl From<RoleDefinition> for Role {
    fn from(role: RoleDefinition) -> Self {
        Self {
            id: role.id.unwrap_or_else(|| crate::text::guid(&role.name)),
            name: role.name,
            description: role.description,
            custom: true,
            actions: role.actions,
            not_actions: role.not_actions,
            data_actions: role.data_actions,
            not_data_actions: role.not_data_actions,
            assignable_scopes: role.assignable_scopes,
        }
    }
}

impl Identity {
    fn apply(self, world: &mut World, now: Timestamp) -> Result<(), Error> {
        let mut body = envelope(&self.id, &self.location)?;
        let name = at(&body, "/name").unwrap_or_default().to_owned();
        let principal = Principal {
            name,
            client_id: self.client_id.unwrap_or_else(crate::text::new_guid),
            object_id: self.principal_id.unwrap_or_else(crate::text::new_guid),
            federated: self.federated_credentials,
            ..Principal::default()
        };
        let properties = json!({
            "tenantId": world.tenant,
            "principalId": principal.object_id,
            "clientId": principal.client_id,
        });
        set(&mut body, "properties", properties);
        world.principals.push(principal);
        world.put(Resource::new(body, now));
        Ok(())
    }
}

impl RoleAssignment {
    fn apply(self, world: &mut World, now: Timestamp) -> Result<(), Error> {
        let principal = named(world, &self.principal).ok_or_else(|| {
            Error::Seed(format!(
                "roleAssignments: there is no principal {}",
                self.principal
            ))
        })?;
        let role = world
            .roles
            .iter()
            .find(|one| one.name == self.role || one.id.eq_ignore_ascii_case(&self.role))
            .ok_or_else(|| Error::Seed(format!("roleAssignments: there is no role {}", self.role)))?;
        let assignment = Assignment {
            name: crate::text::guid(&format!("{}{}{}", self.principal, self.role, self.scope)),
            scope: self.scope,
            role: role.id.clone(),
            principal_id: principal,
            condition: self.condition,
            created: now,
            from: now,
            until: None,
        };
        world.assignments.push(assignment);
        Ok(())
    }
}

fn parsed(id: &str) -> Result<ResourceId, Error> {
    ResourceId::parse(id)
        .filter(|parsed| types::Type::named(&parsed.kind).is_some() && !subscription_of(id).is_empty())
        .ok_or_else(|| {
            Error::Seed(format!(
                "{id} is not the ARM id of a resource that this Azure has"
            ))
        })
}

fn envelope(id: &str, location: &str) -> Result<Value, Error> {
    let parsed = parsed(id)?;
    let kind = types::Type::named(&parsed.kind).map_or(parsed.kind.as_str(), |kind| kind.name);
    Ok(json!({ "id": id, "name": parsed.name, "type": kind, "location": location }))
}
