//! What a pass has read, as values. Missing knowledge is a value too: [`Fact::Unknown`] is never treated as absence.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keyholder_crds::Reason;
use serde_json::Value;

use crate::arm_id::ArmId;
use crate::name::{KeyIdentifier, Location};

/// Something that was looked up.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact<T> {
    /// It is there.
    Known(T),
    /// Azure says with authority (a 404 for the resource itself) that it does not exist.
    Absent,
    /// It could not be found out, or nobody looked.
    Unknown(Why),
}

impl<T> Fact<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// A fact that nobody looked up in this pass.
    #[must_use]
    pub fn not_read() -> Self {
        Self::Unknown(Why {
            reason: Reason::Pending,
            message: "not read".to_owned(),
            retry_at: None,
        })
    }
}

/// Why something is not known, or did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The condition's reason.
    pub reason: Reason,
    /// The whole cause chain, for people.
    pub message: String,
    /// Azure's Retry-After, as a point in time.
    pub retry_at: Option<Timestamp>,
}

/// Everything that one pass has read about a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The resource itself.
    pub live: Fact<Live>,
    /// The parent of a project.
    pub parent: Fact<Live>,
    /// The projects of a resource that is to be deleted.
    pub projects: Fact<Vec<ArmId>>,
    /// The operation that `status.operation.url` names.
    pub operation: OperationSeen,
    /// The hub's resource group.
    pub resource_group: Fact<Location>,
    /// The key's vault or managed HSM.
    pub vault: Fact<LiveVault>,
    /// The declared key.
    pub key: Fact<LiveKey>,
    /// The key among the vault's deleted ones; looked for in the vault itself, when the key is gone.
    pub deleted_key: Fact<DeletedKey>,
    /// The user-assigned identities that the spec names, in its order.
    pub identities: Vec<(ArmId, Fact<LiveIdentity>)>,
    /// The storage account and the key vault that the hub works with, as the spec names them.
    pub associated: Vec<(ArmId, Fact<()>)>,
    /// Role assignments that apply at the key's scope to the identity that unwraps.
    pub role_assignments: Fact<Vec<RoleAssignment>>,
    /// The role definitions that those assignments name, by lower-case ARM id.
    pub role_definitions: BTreeMap<String, Fact<RoleDefinition>>,
    /// Registration of resource providers in the subscription, by namespace.
    pub providers: BTreeMap<String, Fact<bool>>,
    /// The content of the managed resource group; Absent when the group itself does not exist.
    pub managed_group: Fact<Vec<GroupResource>>,
    /// What resources of the managed group and dependents are encrypted with.
    pub at_rest: Vec<(ArmId, Fact<Stored>)>,
    /// The operations that `status.dependents` names, by the dependent.
    pub dependent_operations: Vec<(ArmId, OperationSeen)>,
    /// The capability hosts of a project of an account.
    pub capability_hosts: Fact<Vec<CapabilityHost>>,
    /// The resource of the same name that was deleted and is kept, where Azure tells of it.
    pub deleted: Fact<Deleted>,
    /// What policies would do to the resource as it is declared.
    pub policy: Fact<PolicyOutlook>,
    /// Quotas in the hub's region, by namespace of the resource provider.
    pub usages: BTreeMap<String, Fact<Vec<Usage>>>,
    /// When to look again, if a read was not sent because Azure would have refused it.
    pub withheld_until: Option<Timestamp>,
}

impl Observed {
    /// Nothing read.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            live: Fact::not_read(),
            parent: Fact::not_read(),
            projects: Fact::not_read(),
            operation: OperationSeen::None,
            resource_group: Fact::not_read(),
            vault: Fact::not_read(),
            key: Fact::not_read(),
            deleted_key: Fact::not_read(),
            identities: Vec::new(),
            associated: Vec::new(),
            role_assignments: Fact::not_read(),
            role_definitions: BTreeMap::new(),
            providers: BTreeMap::new(),
            managed_group: Fact::not_read(),
            at_rest: Vec::new(),
            dependent_operations: Vec::new(),
            capability_hosts: Fact::not_read(),
            deleted: Fact::not_read(),
            policy: Fact::not_read(),
            usages: BTreeMap::new(),
            withheld_until: None,
        }
    }
}

/// A resource as Azure has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// ARM id as Azure spells it.
    pub id: ArmId,
    /// Region.
    pub location: Location,
    /// `kind`, lower case: hub, project, default, …; of an account: aiservices, openai, …
    pub kind: String,
    /// `properties.provisioningState`; absent means succeeded (azure-resource-manager-rpc Addendum).
    pub provisioning_state: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// User-assigned identities.
    pub user_assigned: Vec<ArmId>,
    /// Object id of the system-assigned identity, when the hub has one.
    pub system_assigned_principal: Option<String>,
    /// Whether the hub has a system-assigned identity.
    pub system_assigned: bool,
    /// The hub's own key vault.
    pub key_vault: Option<ArmId>,
    /// The hub's storage account.
    pub storage_account: Option<ArmId>,
    /// Encryption with a key of the user's.
    pub encryption: Option<LiveEncryption>,
    /// `enableServiceSideCMKEncryption`.
    pub service_side: bool,
    /// `hbiWorkspace`.
    pub high_business_impact: bool,
    /// `publicNetworkAccess`.
    pub public_network_access: Option<String>,
    /// `managedNetwork.isolationMode`, if a hub tells one.
    pub network_isolation: Option<String>,
    /// `serviceProvisionedResourceGroup`: name of the managed resource group.
    pub managed_group: Option<String>,
    /// What only an account has.
    pub account: Option<Box<LiveAccount>>,
    /// What only a project has.
    pub project: Option<Box<LiveProject>>,
}

/// A deleted resource that Azure keeps for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What only an Azure AI services account has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveAccount {
    /// `sku.name`.
    pub sku: String,
    /// `customSubDomainName`, if one is given.
    pub sub_domain: Option<String>,
    /// `allowProjectManagement`.
    pub projects: bool,
}

/// What only a project has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveProject {
    /// Its hub or its account.
    pub parent: ArmId,
    /// `friendlyName` or `displayName`, if it has one.
    pub display_name: Option<String>,
    /// `description`, if it has one.
    pub description: Option<String>,
}

/// What tells the Agent service where to keep what the agents of a project keep: names of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityHost {
    /// Name.
    pub name: String,
    /// `provisioningState`.
    pub state: Option<String>,
    /// `storageConnections`.
    pub files: Vec<String>,
    /// `threadStorageConnections`.
    pub threads: Vec<String>,
    /// `vectorStoreConnections`.
    pub vector_stores: Vec<String>,
}

/// A resource's encryption block.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveEncryption {
    /// The key's vault or managed HSM. Azure tells an account's by its URI alone: see [`Live::with_vault`].
    pub vault: Option<ArmId>,
    /// The key's URL; without version where the service follows the key.
    pub key: KeyIdentifier,
    /// The user-assigned identity that unwraps.
    pub identity: Option<ArmId>,
    /// The client id of who unwraps, where that is none of the resource's identities any more.
    pub gone: Option<String>,
}

impl Live {
    /// The same with the ARM id of the key's vault, where Azure told its URI alone and one of `candidates` is of its kind and
    /// has its name, which is unique in all of Azure.
    #[must_use]
    pub fn with_vault<'a>(mut self, candidates: impl IntoIterator<Item = &'a ArmId>) -> Self {
        if let Some(encryption) = self.encryption.as_mut()
            && encryption.vault.is_none()
        {
            encryption.vault = candidates
                .into_iter()
                .find(|id| encryption.key.is_in(id))
                .cloned();
        }
        self
    }
}

/// A resource that stores data around a hub or an account, as Azure has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What it is encrypted with.
    pub at_rest: AtRest,
    /// Whether it follows its key by itself, and names no version.
    pub follows: bool,
    /// Its region.
    pub location: Option<Location>,
    /// Its state; absent means succeeded.
    pub provisioning_state: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// User-assigned identities.
    pub user_assigned: Vec<ArmId>,
    /// Whether it has an identity of its own.
    pub system_assigned: bool,
    /// The user-assigned identity that unwraps its key, where one does.
    pub unwraps: Option<ArmId>,
    /// What only an account has: its kind, and whether it allows projects.
    pub account: Option<(String, bool)>,
}

/// What a resource is encrypted with.
#[derive(Clone, Debug, PartialEq)]
pub enum AtRest {
    /// Microsoft's key.
    Microsoft,
    /// A customer's key, with the version in use where Azure tells it.
    Key(KeyIdentifier),
    /// Its objects must have keys of the customer's; which they have is not told.
    Enforced {
        /// Whether all have one.
        compliant: bool,
    },
    /// Its objects may have keys of the customer's; which have one is not told.
    NotEnforced,
}

/// What the operation's URL told.
#[derive(Clone, Debug, PartialEq)]
pub enum OperationSeen {
    /// No operation to look at, or its URL is not known any more: the resource itself tells.
    None,
    /// Azure works on it.
    Running {
        /// When Azure wants to be asked again.
        poll_at: Timestamp,
    },
    /// It ended well.
    Succeeded,
    /// It failed or was canceled.
    Failed {
        /// Azure's innermost error code.
        code: String,
        /// Azure's message.
        message: String,
    },
    /// It could not be read.
    Unreadable(Why),
}

/// A key vault or a managed HSM as ARM has it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveVault {
    /// ARM id.
    pub id: ArmId,
    /// Region.
    pub location: Location,
    /// Tenant.
    pub tenant_id: String,
    /// `vaultUri` or `hsmUri`.
    pub uri: String,
    /// `enableSoftDelete`; absent means on.
    pub soft_delete: bool,
    /// `enablePurgeProtection`; absent means off.
    pub purge_protection: bool,
    /// How it is decided who may use its keys.
    pub permissions: Permissions,
    /// `securityDomainProperties.activationStatus` of a managed HSM whose keys cannot be used because of it.
    pub inactive: Option<String>,
    /// Whether trusted Microsoft services get through: false when networks are restricted and `networkAcls.bypass` is None.
    pub trusted_services_pass: bool,
}

/// How a vault or a managed HSM decides who may use its keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Permissions {
    /// By role assignments of Azure Resource Manager (`enableRbacAuthorization` of a vault).
    Roles,
    /// By a vault's access policies.
    Policies(Vec<AccessPolicy>),
    /// By a managed HSM's own role assignments, which Azure Resource Manager does not show (key-vault, managed-hsm/access-control).
    Local,
}

/// One access policy of a vault.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessPolicy {
    /// Object id of the principal.
    pub object_id: String,
    /// Key permissions, as Azure spells them.
    pub keys: Vec<String>,
}

/// A key as ARM has it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveKey {
    /// `kty`: RSA, RSA-HSM, EC, …
    pub kty: String,
    /// `keySize` in bits.
    pub size: Option<u32>,
    /// The version that Azure calls current.
    pub current: LiveKeyVersion,
    /// Other versions that were read.
    pub others: Vec<LiveKeyVersion>,
    /// When its rotation policy makes new versions.
    pub rotation: Vec<Rotation>,
}

/// A key that was deleted and can be recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedKey {
    /// When the vault purges it.
    pub purge_at: Option<Timestamp>,
}

/// When a rotation policy makes a new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// So long after the creation of the version before.
    AfterCreation(SignedDuration),
    /// So long before that version expires.
    BeforeExpiry(SignedDuration),
}

/// One version of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveKeyVersion {
    /// URL with version.
    pub identifier: KeyIdentifier,
    /// `attributes.enabled`.
    pub enabled: bool,
    /// `attributes.nbf`.
    pub not_before: Option<Timestamp>,
    /// `attributes.exp`.
    pub expires: Option<Timestamp>,
    /// `attributes.created`.
    pub created: Option<Timestamp>,
}

/// A user-assigned identity as ARM has it.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveIdentity {
    /// Object id of its service principal.
    pub principal_id: String,
    /// Tenant.
    pub tenant_id: String,
    /// Application (client) id: an account names its identity by it.
    pub client_id: String,
}

/// What policies would do to a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyOutlook {
    /// Those that refuse it.
    pub denies: Vec<PolicyHit>,
    /// Those that would change a field of it.
    pub modifies: Vec<PolicyHit>,
}

/// A policy that meets a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyHit {
    /// ARM id of its assignment.
    pub assignment: String,
    /// ARM id of its definition.
    pub definition: String,
    /// What people call it, if Azure told.
    pub name: Option<String>,
    /// What it looked at (deny), or the field that it sets (modify).
    pub field: Option<String>,
    /// What it sets the field to (modify).
    pub value: Option<String>,
}

/// How much of a quota is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What is counted.
    pub name: String,
    /// How many there are.
    pub used: i64,
    /// How many there may be.
    pub limit: i64,
}

/// One role assignment.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleAssignment {
    /// Where it applies: there and below.
    pub scope: String,
    /// ARM id of the role definition.
    pub role_definition_id: String,
    /// Whether it carries a condition.
    pub conditional: bool,
}

/// What a role allows on data.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleDefinition {
    /// Name for people.
    pub name: String,
    /// Each permission's (`dataActions`, `notDataActions`).
    pub permissions: Vec<(Vec<String>, Vec<String>)>,
}

/// One resource of a managed resource group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupResource {
    /// ARM resource type.
    pub r#type: String,
    /// Name.
    pub name: String,
    /// `provisioningState`.
    pub state: Option<String>,
}

/// A body that the planner built, as it goes to Azure.
pub type Body = Value;
