//! Condition types and reasons. People alert on them: each is defined here once, and docs/conditions.md explains it.

use strum::{AsRefStr, Display, EnumIter, EnumString, IntoStaticStr};

/// Types of conditions, in the order in which `Ready` asks them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    AsRefStr,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
pub enum ConditionType {
    /// Everything that gates it holds.
    Ready,
    /// No forbidden change is asked for.
    TransitionAllowed,
    /// Preflight passed; not judged again once the object is bound.
    PrerequisitesMet,
    /// The ARM resource exists and its provisioning succeeded.
    Provisioned,
    /// The effective key that was read back is the declared one.
    KeyApplied,
    /// The key is enabled, valid in time, and may be used.
    KeyHealthy,
    /// The managed resource group is present, complete and untouched.
    ManagedResourceGroupHealthy,
    /// What the key does not pass down to is encrypted too. It never keeps an object from being Ready.
    DependentsEncrypted,
    /// kstatus: work is under way. Present only when True.
    Reconciling,
    /// kstatus: it will not heal without somebody acting. Present only when True.
    Stalled,
}

/// Reasons of conditions and events.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Display,
    AsRefStr,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
pub enum Reason {
    /// Not looked at so far.
    Pending,
    /// Ready: everything that gates it holds.
    AllConditionsMet,
    /// TransitionAllowed: the spec asks for nothing that Azure forbids.
    NoForbiddenChange,
    /// PrerequisitesMet: every check passed.
    ChecksPassed,
    /// Provisioned: Azure reports Succeeded.
    Succeeded,
    /// KeyApplied: the key read back is the declared one.
    KeyInUse,
    /// KeyApplied: the service follows the key by itself.
    FollowedByService,
    /// KeyApplied: the project is encrypted as its parent is.
    Inherited,
    /// KeyApplied, KeyHealthy: Microsoft holds the key.
    MicrosoftManagedKey,
    /// KeyHealthy: enabled, valid, and access is there.
    KeyUsable,
    /// KeyHealthy: the version in use expires soon, and nothing renews it before: a warning.
    KeyExpiringSoon,
    /// KeyHealthy: the key's versions expire and no rotation policy makes new ones: a warning.
    RotationPolicyMissing,
    /// ManagedResourceGroupHealthy: everything is there.
    Complete,

    /// The spec holds something that cannot be; the message names each field.
    InvalidSpec,
    /// The stored object does not decode, for example because a newer version wrote it.
    Undecodable,

    /// Microsoft-managed and customer-managed keys cannot be exchanged on a hub.
    ModeSwitchForbidden,
    /// The key must stay in its vault.
    VaultSwitchForbidden,
    /// Data cannot move between managed resource group and service side.
    DataLocationSwitchForbidden,
    /// Another field that Azure fixes at creation was changed.
    ImmutableFieldChanged,
    /// No source confirms that Azure allows this; spec.allowUnverified can let it through.
    TransitionUnverified,

    /// No identity, or more than one, is given to this namespace.
    NoIdentity,
    /// Entra did not give a token.
    CredentialRejected,
    /// The operator's identity lacks a permission in Azure.
    OperatorNotAuthorized,
    /// The resource group does not exist.
    ResourceGroupNotFound,
    /// The vault does not exist.
    VaultNotFound,
    /// The vault has no soft delete.
    SoftDeleteDisabled,
    /// The vault has no purge protection.
    PurgeProtectionDisabled,
    /// The vault's firewall keeps trusted Microsoft services out.
    VaultBlocksTrustedServices,
    /// The managed HSM is not activated: none of its keys works.
    HsmNotActivated,
    /// The vault is in another region.
    RegionMismatch,
    /// The vault is in another tenant.
    TenantMismatch,
    /// The key, or the pinned version, does not exist.
    KeyNotFound,
    /// The key's type, size or operations are not what Azure takes.
    KeyUnsuitable,
    /// The identity may not get, wrap or unwrap with the key.
    AccessMissing,
    /// The access was given and may not have effect so far.
    AccessPropagating,
    /// A user-assigned identity does not exist.
    IdentityNotFound,
    /// The hub's storage account or its own key vault does not exist.
    AssociatedResourceNotFound,
    /// A dependent cannot be given the key as it is.
    DependentUnsuitable,
    /// A dependent would be changed in a way that Azure does not take back, and the spec does not allow it.
    Irreversible,
    /// The project's parent does not exist.
    ParentNotFound,
    /// The project's parent is not in order so far.
    ParentNotReady,
    /// The project's parent cannot have projects.
    ParentUnsuitable,
    /// A resource provider is not registered in the subscription.
    ProviderNotRegistered,
    /// A quota is used up.
    QuotaExceeded,
    /// A soft-deleted hub holds the name.
    NameReserved,

    /// The resource is being created.
    Creating,
    /// The resource is being changed.
    Updating,
    /// The resource is being deleted.
    Deleting,
    /// Azure reports a failure.
    ProvisioningFailed,
    /// An Azure policy refuses it.
    PolicyDenied,
    /// An Azure policy changes what was written, again and again.
    PolicyModifies,
    /// A lock refuses it.
    Locked,
    /// Azure asks for fewer requests.
    Throttled,
    /// The resource belongs to somebody else.
    NotOwned,
    /// The resource is not taken over while it is otherwise than declared.
    AdoptionRefused,
    /// spec.suspend holds back what would be written.
    Suspended,
    /// spec.managementPolicy holds back what would be written.
    ObservedOnly,
    /// The resource is not deleted while it has projects.
    HasProjects,
    /// The resource was there and was deleted in Azure.
    DeletedInAzure,
    /// Azure or Entra cannot be reached.
    AzureUnreachable,
    /// Azure answered something that cannot be understood.
    AzureAnswerInvalid,

    /// The resource is there and its encryption is not the declared one yet.
    EncryptionPending,
    /// Provisioned: Azure has the account as one of another kind: a warning.
    KindChanged,
    /// The declared key is not applied yet.
    RotationPending,
    /// Azure holds another key than the declared one.
    KeyMismatch,
    /// Azure answered that it applied the key, and did not.
    WriteIgnored,

    /// The key version in use is disabled.
    KeyDisabled,
    /// The key version in use is past its date.
    KeyExpired,
    /// The key in use does not exist any more.
    KeyDeleted,
    /// The identity lost its permission on the key.
    AccessLost,
    /// It cannot be known with the means at hand.
    Unverifiable,

    /// The managed resource group does not exist.
    Missing,
    /// A resource of the managed resource group does not exist.
    ResourceMissing,
    /// A resource of the managed resource group is not in order.
    ResourceUnhealthy,
    /// The managed resource group holds something that Azure does not put there: a warning.
    ForeignResource,

    /// A resource of the managed resource group is encrypted with Microsoft's key.
    NotEncrypted,
    /// ManagedResourceGroupHealthy: a resource is encrypted with another key than the hub's: a warning.
    OtherKey,
    /// DependentsEncrypted: each is.
    AllEncrypted,
    /// DependentsEncrypted: one is not, or is not there: a warning.
    AuditFinding,
    /// DependentsEncrypted: one could not be read.
    Unreadable,

    /// Event: access to the key was given.
    Granted,
    /// Event: what this choice puts into the subscription is billed.
    BillableResources,
    /// Event: the resource was created.
    Created,
    /// Event: the resource was changed.
    Updated,
    /// Event: the key was changed.
    KeyChanged,
    /// Event: the resource was deleted.
    Deleted,
    /// Event: the resource was left in Azure.
    Retained,
}
