//! Keyholder's Kubernetes API: the custom resources, the rules that the API server applies to them, and the
//! vocabulary of conditions, events, annotations and tags.
//!
//! Invariant: what stands here is API. Names are added, never changed, and each is defined once.

pub mod account;
pub mod agents;
pub mod compute;
pub mod condition;
pub mod dependents;
pub mod encryption;
pub mod formats;
pub mod hub;
pub mod managed;
pub mod network;
pub mod policy;
pub mod project;
pub mod rules;
pub mod status;
pub mod vocabulary;

pub use account::{AIServicesAccount, AIServicesAccountSpec, AccountEncryption};
pub use agents::{AgentCoverage, AgentData, Coverage};
pub use compute::{ComputeEncryption, DiskEncryption};
pub use condition::{ConditionType, Reason};
pub use dependents::{AtRestEncryption, Dependent, DependentPolicy, DependentStatus, DependentType};
pub use encryption::{CustomerManagedKey, DataLocation, Encryption, EncryptionMode, KeyAccess};
pub use hub::{AIHub, AIHubSpec, DeletionPolicy, Identity, PublicNetworkAccess, UnverifiedTransition};
pub use managed::Managed;
pub use network::{ManagedNetwork, NetworkIsolation};
pub use policy::{AdoptionPolicy, ManagementPolicy};
pub use project::{AIProject, AIProjectSpec, ParentKind, ParentRef};
pub use status::{
    AccessGrant, Bound, CheckResult, EncryptionStatus, KeyVersionStatus, ManagedResource,
    ManagedResourceGroupState, ManagedResourceGroupStatus, Operation, OperationKind, OperationState,
    PreflightCheck, PreflightCheckName, ResourceStatus, Summary,
};

#[cfg(test)]
mod tests;
