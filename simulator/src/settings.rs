//! How this Azure behaves: its pace, and the switches for what no source settles.

use serde::{Deserialize, Serialize};

mod accounts;
mod dependents;
mod workspaces;

pub use accounts::{Accounts, Answers, Busy, ProjectChanges, PutWithoutEncryption};
pub use dependents::{DatabaseAccounts, KeyRefused, StorageAccounts};
pub use workspaces::{DeleteHubWithProjects, Workspaces};

/// All settings. `PATCH /_simulator/settings` changes those that it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// How long a long-running operation takes.
    pub operation_seconds: f64,
    /// `Retry-After` of a running operation. Azure's contract is 10 s to 10 min (azure-resource-manager-rpc, Addendum).
    pub retry_after_seconds: u32,
    /// How long a role assignment takes to have effect, or to lose it. Azure: up to about 10 minutes.
    pub propagation_seconds: f64,
    /// How long a storage account or an account of Cosmos DB takes to look for a newer version of its key. Storage looks once a day
    /// (customer-managed-keys-overview), Cosmos DB does without the old version after 24 hours. A container registry takes a 24th of it:
    /// an hour (tutorial-customer-managed-keys).
    pub key_version_seconds: f64,
    /// How long an access token is good for. Azure: 60 to 90 minutes; less than 0 makes tokens that have expired.
    pub token_seconds: i64,
    /// Items of a page of a list.
    pub page_size: usize,
    /// What a principal may ask of a subscription.
    pub limits: Limits,
    /// What a change of what cannot be changed is answered with: a workspace's PATCH of more than `keyIdentifier` in its
    /// encryption, a PUT that changes it, an account's way back to Microsoft's keys. No captured answer is known.
    pub forbidden_change: ForbiddenChange,
    /// In which state a workspace or an account is after a change of its key failed. Not documented.
    pub failed_change_leaves: Leaves,
    /// Whether a failed creation leaves the managed resource group behind. Not documented.
    pub failed_creation_leaves_group: bool,
    /// Whether the service gives a new system-assigned identity access to the key by itself. The quickstart with
    /// service-side encryption has no step for it; the documentation wants the grant.
    pub grants_system_assigned: bool,
    /// Whether hubs are kept after their deletion, as other workspaces are. Sources conflict.
    pub hubs_soft_delete: bool,
    /// Whether the storage account and the account of Cosmos DB in a managed resource group get their workspace's other key when
    /// it has changed. Not documented.
    pub managed_group_follows_key: bool,
    /// Whether the managed resource group names the workspace in `managedBy`. Not confirmed.
    pub managed_by: bool,
    /// Whether Key Vault wraps with a disabled key. The documentation says that such a key cannot be used; a report from a
    /// live vault has wrap, a public operation, still succeeding (azure-sdk-for-python #45342).
    pub disabled_key_wraps: bool,
    /// Case in which ids of user-assigned identities come back (azure-rest-api-specs #30625).
    pub identity_id_case: IdCase,
    /// What the message of ScopeLocked names: the scope that is locked, as reported answers show, or the lock.
    pub scope_locked_names: LockNamed,
    /// In which shape a missing quota shows in the operation of a workspace. No captured answer is known.
    pub quota_envelope: QuotaEnvelope,
    /// Tier of the search service in a managed resource group. Not documented.
    pub managed_search_tier: SearchTier,
    /// What is not settled about projects of hubs.
    pub workspaces: Workspaces,
    /// What is not settled about accounts.
    pub accounts: Accounts,
    /// What is not settled about storage accounts.
    pub storage_accounts: StorageAccounts,
    /// What is not settled about accounts of Cosmos DB.
    pub database_accounts: DatabaseAccounts,
    /// Lies, for checking that somebody notices.
    pub lies: Lies,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            operation_seconds: 30.0,
            retry_after_seconds: 10,
            propagation_seconds: 60.0,
            key_version_seconds: 86_400.0,
            token_seconds: 3600,
            page_size: 100,
            limits: Limits::default(),
            forbidden_change: ForbiddenChange::Refuse,
            failed_change_leaves: Leaves::Succeeded,
            failed_creation_leaves_group: false,
            grants_system_assigned: true,
            hubs_soft_delete: true,
            managed_group_follows_key: true,
            managed_by: false,
            disabled_key_wraps: false,
            identity_id_case: IdCase::AsSent,
            scope_locked_names: LockNamed::Scope,
            quota_envelope: QuotaEnvelope::Details,
            managed_search_tier: SearchTier::Standard,
            workspaces: Workspaces::default(),
            accounts: Accounts::default(),
            storage_accounts: StorageAccounts::default(),
            database_accounts: DatabaseAccounts::default(),
            lies: Lies::default(),
        }
    }
}

/// Token buckets of a principal in a subscription, for each kind of request: how many it holds, and how many come back in a
/// second. A bucket of size 0 limits nothing. Azure's numbers: azure-resource-manager, request-limits-and-throttling.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// GET and HEAD.
    pub reads: u32,
    /// GET and HEAD that come back in a second.
    pub reads_per_second: f64,
    /// PUT, PATCH and POST.
    pub writes: u32,
    /// PUT, PATCH and POST that come back in a second.
    pub writes_per_second: f64,
    /// DELETE.
    pub deletes: u32,
    /// DELETE that come back in a second.
    pub deletes_per_second: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reads: 250,
            reads_per_second: 25.0,
            writes: 200,
            writes_per_second: 10.0,
            deletes: 200,
            deletes_per_second: 10.0,
        }
    }
}

/// An answer to a change that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForbiddenChange {
    /// 400.
    Refuse,
    /// 200, and nothing is changed.
    Ignore,
}

/// What a failed change leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Leaves {
    /// The resource as it was.
    Succeeded,
    /// The resource with what it had, and the state Failed.
    Failed,
}

/// Case of an ARM id in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdCase {
    /// As it was sent.
    AsSent,
    /// In lower case.
    Lower,
}

/// What a refusal because of a lock names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockNamed {
    /// The scope that is locked.
    Scope,
    /// The lock itself.
    Lock,
}

/// The shape of an error that another resource provider gave: at least these are seen (azurerm's pollers; issues).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuotaEnvelope {
    /// `error: {code, message}`.
    Plain,
    /// Code and message in the operation's body itself.
    Flat,
    /// `error: {code, message, details: [{code, message, possibleCauses, recommendedAction, activityId}]}`.
    Details,
    /// A deployment's: details of details, the last with the error as text in its message.
    Deployment,
    /// Words alone, in the message of a BadRequest.
    Text,
}

/// A tier of AI Search that has customer-managed keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SearchTier {
    /// `basic`
    Basic,
    /// `standard`
    Standard,
}

impl SearchTier {
    /// As ARM spells it.
    #[must_use]
    pub const fn sku(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Standard => "standard",
        }
    }
}

/// What an honest Azure never does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lies {
    /// A change of a workspace's or an account's key is accepted, succeeds, and is not made.
    pub drop_key_write: bool,
    /// A vault without purge protection says that it has it.
    pub show_purge_protection: bool,
    /// A purge leaves the managed resource group.
    pub managed_group_survives_purge: bool,
}
