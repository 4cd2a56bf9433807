//! What there is in this Azure.
//!
//! Invariant: one value behind one lock; a request sees it whole and leaves it whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::address::{group_of, is_within};
use crate::deleted_accounts::DeletedAccount;
use crate::deleted_keys::DeletedKey;
use crate::deleted_vaults::DeletedVault;
use crate::locks::Lock;
use crate::managed_hsms::LocalAssignment;
use crate::operations::Operation;
use crate::policies;
use crate::quotas::Quota;
use crate::roles::{Assignment, Role};
use crate::settings::Settings;
use crate::throttling::Buckets;

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) tenant: String,
    pub(crate) settings: Settings,
    /// Registered namespaces, in lower case, by subscription.
    pub(crate) subscriptions: BTreeMap<String, BTreeSet<String>>,
    pub(crate) principals: Vec<Principal>,
    pub(crate) roles: Vec<Role>,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) denials: Vec<Denial>,
    /// By lower-case id.
    pub(crate) resources: BTreeMap<String, Resource>,
    /// Workspaces after their deletion, by lower-case id.
    pub(crate) deleted: BTreeMap<String, Resource>,
    pub(crate) operations: BTreeMap<String, Operation>,
    /// Keys after their deletion, by lower-case ARM id.
    pub(crate) deleted_keys: BTreeMap<String, DeletedKey>,
    /// Accounts after their deletion, by the lower-case id that they had.
    pub(crate) deleted_accounts: BTreeMap<String, DeletedAccount>,
    /// Vaults after their deletion, by lower-case name.
    pub(crate) deleted_vaults: BTreeMap<String, DeletedVault>,
    /// How many versions a key ever had, by lower-case ARM id: no name of a version is given twice.
    pub(crate) versions_made: BTreeMap<String, u64>,
    /// What follows a vault's name in its host: `vault.localhost:PORT`.
    pub(crate) vault_suffix: String,
    /// The same of managed HSMs: `managedhsm.localhost:PORT`.
    pub(crate) hsm_suffix: String,
    /// Role assignments that managed HSMs hold themselves.
    pub(crate) local_assignments: Vec<LocalAssignment>,
    pub(crate) buckets: Buckets,
    pub(crate) groups_of_principals: Vec<PrincipalGroup>,
    pub(crate) locks: Vec<Lock>,
    pub(crate) policies: Vec<policies::Assignment>,
    pub(crate) quotas: Vec<Quota>,
}

/// Somebody who can have a token or a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Principal {
    /// For the log and the seed.
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) object_id: String,
    /// A client secret.
    pub(crate) secret: Option<String>,
    /// Stands for Microsoft's own services, which deny assignments except.
    pub(crate) bypass_deny_assignments: bool,
    pub(crate) federated: Vec<FederatedCredential>,
}

/// A group in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrincipalGroup {
    pub(crate) name: String,
    pub(crate) object_id: String,
    /// Object ids, of groups too.
    pub(crate) members: Vec<String>,
}

/// Whose tokens a user-assigned identity trusts.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FederatedCredential {
    /// Its name.
    pub name: String,
    /// Issuer of the tokens.
    pub issuer: String,
    /// Their subject.
    pub subject: String,
    /// Their audience.
    pub audiences: Vec<String>,
    /// Certificate authority of the issuer, as PEM, instead of the system's.
    pub issuer_ca: Option<String>,
}

/// A deny assignment: nobody but Microsoft's own service changes what is in this scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) name: String,
    pub(crate) scope: String,
}

/// A resource or a resource group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    /// As Azure gives it back.
    pub(crate) body: Value,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    /// A resource whose creation succeeded: a PUT changes it, and does not make it again.
    pub(crate) established: bool,
    /// What reads say until then, after a write whose effect is slow to be seen.
    pub(crate) stale: Option<(Timestamp, Option<Value>)>,
    /// When its service last looked for a newer version of its key.
    pub(crate) looked: Timestamp,
    /// Whether a search service holds objects without a key of their own. No answer tells but by what it enforces.
    pub(crate) has_plain_objects: bool,
}

impl Resource {
    /// A new one.
    pub(crate) fn new(body: Value, now: Timestamp) -> Self {
        Self {
            body,
            created: now,
            changed: now,
            established: false,
            stale: None,
            looked: now,
            has_plain_objects: false,
        }
    }

    /// ARM id, as first written.
    pub(crate) fn id(&self) -> &str {
        crate::text::at(&self.body, "/id").unwrap_or_default()
    }

    /// `Microsoft.X/as`
    pub(crate) fn kind(&self) -> &str {
        crate::text::at(&self.body, "/type").unwrap_or_default()
    }

    /// As a read sees it: behind, if a write is slow to be seen.
    pub(crate) fn seen(&self, now: Timestamp) -> Option<&Value> {
        match &self.stale {
            Some((until, body)) if now < *until => body.as_ref(),
            _ => Some(&self.body),
        }
    }
}

impl World {
    /// A resource.
    pub(crate) fn get(&self, id: &str) -> Option<&Resource> {
        self.resources.get(&id.to_lowercase())
    }

    /// A resource's body, to be changed.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Resource> {
        self.resources.get_mut(&id.to_lowercase())
    }

    /// Puts a resource in its place.
    pub(crate) fn put(&mut self, resource: Resource) {
        self.resources.insert(resource.id().to_lowercase(), resource);
    }

    /// Takes a resource away, with all below it.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Resource> {
        let below: Vec<String> = self
            .resources
            .keys()
            .filter(|other| is_within(other, id))
            .cloned()
            .collect();
        let mut found = None;
        for one in below {
            let removed = self.resources.remove(&one);
            if let Some(removed) = &removed {
                self.dissociate(&removed.body);
            }
            if one.eq_ignore_ascii_case(id) {
                found = removed;
            }
        }
        self.assignments
            .retain(|assignment| !is_within(&assignment.scope, id));
        found
    }

    /// Resources that are not groups, within a scope, in the order of their ids.
    pub(crate) fn within<'a>(&'a self, scope: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources
            .values()
            .filter(move |one| is_within(one.id(), scope) && one.kind() != GROUP)
    }

    /// The resource groups of a subscription.
    pub(crate) fn groups<'a>(&'a self, subscription: &'a str) -> impl Iterator<Item = &'a Resource> {
        let scope = format!("/subscriptions/{subscription}");
        self.resources
            .values()
            .filter(move |one| one.kind() == GROUP && is_within(one.id(), &scope))
    }

    /// A resource group.
    pub(crate) fn group(&self, subscription: &str, name: &str) -> Option<&Resource> {
        self.get(&format!("/subscriptions/{subscription}/resourceGroups/{name}"))
    }

    /// Makes a resource group.
    pub(crate) fn add_group(&mut self, id: &str, location: &str, managed_by: Option<&str>, now: Timestamp) {
        let mut body = json!({
            "id": id,
            "name": group_of(id),
            "type": GROUP,
            "location": location,
            "properties": { "provisioningState": "Succeeded" },
        });
        if let Some(managed_by) = managed_by {
            crate::text::set(&mut body, "managedBy", managed_by);
        }
        self.put(Resource::new(body, now));
    }

    /// A principal by its object id.
    pub(crate) fn principal(&self, object_id: &str) -> Option<&Principal> {
        self.principals
            .iter()
            .find(|one| one.object_id.eq_ignore_ascii_case(object_id))
    }

    /// A principal and all groups that it is in, by itself or through other groups; object ids in lower case.
    pub(crate) fn with_groups(&self, principal: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from([principal.to_lowercase()]);
        loop {
            let more: Vec<String> = self
                .groups_of_principals
                .iter()
                .filter(|group| !found.contains(&group.object_id.to_lowercase()))
                .filter(|group| {
                    group
                        .members
                        .iter()
                        .any(|one| found.contains(&one.to_lowercase()))
                })
                .map(|group| group.object_id.to_lowercase())
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    /// The principal that a user-assigned identity is.
    pub(crate) fn identity_principal(&self, id: &str) -> Option<&Principal> {
        let body = &self.get(id)?.body;
        self.principal(crate::text::at(body, "/properties/principalId")?)
    }

    /// Whether a namespace is registered in a subscription.
    pub(crate) fn is_registered(&self, subscription: &str, namespace: &str) -> bool {
        self.subscriptions
            .get(&subscription.to_lowercase())
            .is_some_and(|registered| registered.contains(&namespace.to_lowercase()))
    }
}

/// The type of a resource group.
pub(crate) const GROUP: &str = "Microsoft.Resources/resourceGroups";
