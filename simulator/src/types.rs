//! The resource types that this Azure has, with the api-versions that it understands, and what each of them does.
//!
//! Invariant: a further type is a row here and a file of its own.

use jiff::Timestamp;

use crate::address::ResourceId;
use crate::front::{Reply, Request};
use crate::refusal::Refusal;
use crate::shape::Shape;
use crate::shapes;
use crate::world::World;

/// One of a resource type's answers.
pub(crate) type Handler = fn(&mut World, &Request<'_>, &ResourceId) -> Result<Reply, Refusal>;

/// What a resource type does once the front door has let a request in.
#[derive(Debug)]
pub(crate) struct Behaviour {
    pub(crate) put: Handler,
    pub(crate) patch: Handler,
    pub(crate) delete: Handler,
    /// What comes before its end when its resource group is deleted.
    pub(crate) taken_along: Option<fn(&mut World, &str, Timestamp)>,
}

/// A resource type.
#[derive(Debug)]
pub(crate) struct Type {
    /// `Microsoft.X/as/bs`, as Azure writes it.
    pub(crate) name: &'static str,
    /// api-versions.
    pub(crate) versions: &'static [&'static str],
    /// What a PUT may hold.
    pub(crate) body: &'static Shape,
    /// Smallest and largest length of a name.
    pub(crate) length: (usize, usize),
    /// Other characters than letters and digits that a name may have.
    pub(crate) also: &'static str,
    /// What it does.
    pub(crate) behaviour: &'static Behaviour,
}

/// Microsoft.MachineLearningServices/workspaces
pub(crate) const WORKSPACES: &str = "Microsoft.MachineLearningServices/workspaces";
/// Microsoft.CognitiveServices/accounts
pub(crate) const ACCOUNTS: &str = "Microsoft.CognitiveServices/accounts";
/// Microsoft.CognitiveServices/accounts/projects
pub(crate) const PROJECTS: &str = "Microsoft.CognitiveServices/accounts/projects";
/// Microsoft.CognitiveServices/accounts/capabilityHosts
pub(crate) const CAPABILITY_HOSTS: &str = "Microsoft.CognitiveServices/accounts/capabilityHosts";
/// Microsoft.CognitiveServices/accounts/projects/capabilityHosts
pub(crate) const PROJECT_CAPABILITY_HOSTS: &str =
    "Microsoft.CognitiveServices/accounts/projects/capabilityHosts";
/// Microsoft.CognitiveServices/deletedAccounts: the list of a subscription.
pub(crate) const DELETED_ACCOUNTS: &str = "Microsoft.CognitiveServices/deletedAccounts";
/// Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts
pub(crate) const DELETED_ACCOUNTS_OF_LOCATION: &str =
    "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts";
/// Microsoft.KeyVault/vaults
pub(crate) const VAULTS: &str = "Microsoft.KeyVault/vaults";
/// Microsoft.KeyVault/vaults/accessPolicies: `add`, `replace` and `remove`.
pub(crate) const ACCESS_POLICIES: &str = "Microsoft.KeyVault/vaults/accessPolicies";
/// Microsoft.KeyVault/deletedVaults: the list of a subscription.
pub(crate) const DELETED_VAULTS: &str = "Microsoft.KeyVault/deletedVaults";
/// Microsoft.KeyVault/deletedManagedHSMs: the list of a subscription, in which there are none.
pub(crate) const DELETED_HSMS: &str = "Microsoft.KeyVault/deletedManagedHSMs";
/// Microsoft.KeyVault/locations/deletedVaults
pub(crate) const DELETED_VAULTS_OF_LOCATION: &str = "Microsoft.KeyVault/locations/deletedVaults";
/// Microsoft.KeyVault/vaults/keys
pub(crate) const KEYS: &str = "Microsoft.KeyVault/vaults/keys";
/// Microsoft.KeyVault/vaults/keys/versions
pub(crate) const VERSIONS: &str = "Microsoft.KeyVault/vaults/keys/versions";
/// Microsoft.KeyVault/managedHSMs
pub(crate) const HSMS: &str = "Microsoft.KeyVault/managedHSMs";
/// Microsoft.KeyVault/managedHSMs/keys
pub(crate) const HSM_KEYS: &str = "Microsoft.KeyVault/managedHSMs/keys";
/// Microsoft.KeyVault/managedHSMs/keys/versions
pub(crate) const HSM_VERSIONS: &str = "Microsoft.KeyVault/managedHSMs/keys/versions";
/// Microsoft.ManagedIdentity/userAssignedIdentities
pub(crate) const IDENTITIES: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
/// Microsoft.Storage/storageAccounts
pub(crate) const STORAGE: &str = "Microsoft.Storage/storageAccounts";
/// Microsoft.Search/searchServices
pub(crate) const SEARCH: &str = "Microsoft.Search/searchServices";
/// Microsoft.DocumentDB/databaseAccounts
pub(crate) const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
/// Microsoft.ContainerRegistry/registries
pub(crate) const REGISTRIES: &str = "Microsoft.ContainerRegistry/registries";
/// Microsoft.Network/virtualNetworks: those that Microsoft makes.
pub(crate) const VIRTUAL_NETWORKS: &str = "Microsoft.Network/virtualNetworks";
/// Microsoft.Network/privateEndpoints: those that Microsoft makes.
pub(crate) const PRIVATE_ENDPOINTS: &str = "Microsoft.Network/privateEndpoints";
/// Microsoft.Authorization/roleAssignments
pub(crate) const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";
/// Microsoft.Authorization/roleDefinitions
pub(crate) const DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions";

/// Microsoft.Authorization/denyAssignments
pub(crate) const DENIALS: &str = "Microsoft.Authorization/denyAssignments";
/// Microsoft.Authorization/locks
pub(crate) const LOCKS: &str = "Microsoft.Authorization/locks";
/// Microsoft.Authorization/policyAssignments
pub(crate) const POLICIES: &str = "Microsoft.Authorization/policyAssignments";

/// api-versions of `Microsoft.Resources`. Azure CLI and azure-mgmt-keyvault list the vaults of a subscription by the oldest.
pub(crate) const RESOURCES_VERSIONS: &[&str] = &[
    "2015-11-01",
    "2021-04-01",
    "2022-09-01",
    "2024-03-01",
    "2024-11-01",
    "2025-04-01",
];

/// api-versions of subscriptions.
pub(crate) const SUBSCRIPTIONS_VERSIONS: &[&str] = &["2022-12-01"];

/// api-versions of accounts and what is within them.
const ACCOUNT_VERSIONS: &[&str] = &["2026-07-01"];
/// api-versions of vaults.
pub(crate) const VAULT_VERSIONS: &[&str] = &["2025-05-01", "2026-02-01"];
/// The first api-version whose new vaults have RBAC unless they say otherwise (key-vault, access-control-default).
pub(crate) const RBAC_BY_DEFAULT: &str = "2026-02-01";

/// Names: 3-33 characters (workspaces), 3-24 (vaults, storage), 3-128 (identities), and so on, as the types say.
pub(crate) const TYPES: &[Type] = &[
    Type {
        name: WORKSPACES,
        versions: &["2025-12-01", "2026-03-01", "2026-05-01"],
        body: &shapes::WORKSPACE,
        length: (3, 33),
        also: "-_",
        behaviour: &crate::workspaces::BEHAVIOUR,
    },
    Type {
        name: ACCOUNTS,
        versions: ACCOUNT_VERSIONS,
        body: &shapes::ACCOUNT,
        length: (2, 64),
        also: "_.-",
        behaviour: &crate::accounts::BEHAVIOUR,
    },
    Type {
        name: PROJECTS,
        versions: ACCOUNT_VERSIONS,
        body: &shapes::PROJECT,
        length: (2, 64),
        also: "_.-",
        behaviour: &crate::account_projects::BEHAVIOUR,
    },
    Type {
        name: CAPABILITY_HOSTS,
        versions: ACCOUNT_VERSIONS,
        body: &shapes::CAPABILITY_HOST,
        length: (1, 255),
        also: "_-",
        behaviour: &crate::capability_hosts::BEHAVIOUR,
    },
    Type {
        name: PROJECT_CAPABILITY_HOSTS,
        versions: ACCOUNT_VERSIONS,
        body: &shapes::PROJECT_CAPABILITY_HOST,
        length: (1, 255),
        also: "_-",
        behaviour: &crate::capability_hosts::BEHAVIOUR,
    },
    Type {
        name: DELETED_ACCOUNTS,
        versions: ACCOUNT_VERSIONS,
        body: &shapes::NOTHING,
        length: (2, 64),
        also: "_.-",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: DELETED_ACCOUNTS_OF_LOCATION,
        versions: ACCOUNT_VERSIONS,
        body: &shapes::NOTHING,
        length: (2, 64),
        also: "_.-",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: VAULTS,
        versions: VAULT_VERSIONS,
        body: &shapes::VAULT,
        length: (3, 24),
        also: "-",
        behaviour: &crate::vaults::BEHAVIOUR,
    },
    Type {
        name: ACCESS_POLICIES,
        versions: VAULT_VERSIONS,
        body: &shapes::ACCESS_POLICIES,
        length: (3, 7),
        also: "",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: DELETED_VAULTS,
        versions: VAULT_VERSIONS,
        body: &shapes::NOTHING,
        length: (3, 24),
        also: "-",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: DELETED_HSMS,
        versions: VAULT_VERSIONS,
        body: &shapes::NOTHING,
        length: (3, 24),
        also: "-",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: DELETED_VAULTS_OF_LOCATION,
        versions: VAULT_VERSIONS,
        body: &shapes::NOTHING,
        length: (3, 24),
        also: "-",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: KEYS,
        versions: &["2025-05-01", "2026-02-01"],
        body: &shapes::KEY,
        length: (1, 127),
        also: "-",
        behaviour: &crate::keys::BEHAVIOUR,
    },
    Type {
        name: VERSIONS,
        versions: &["2025-05-01", "2026-02-01"],
        body: &shapes::KEY,
        length: (32, 32),
        also: "",
        behaviour: &crate::keys::BEHAVIOUR,
    },
    Type {
        name: HSMS,
        versions: VAULT_VERSIONS,
        body: &shapes::HSM,
        length: (3, 24),
        also: "-",
        behaviour: &crate::managed_hsms::BEHAVIOUR,
    },
    Type {
        name: HSM_KEYS,
        versions: VAULT_VERSIONS,
        body: &shapes::KEY,
        length: (1, 127),
        also: "-",
        behaviour: &crate::keys::BEHAVIOUR,
    },
    Type {
        name: HSM_VERSIONS,
        versions: VAULT_VERSIONS,
        body: &shapes::KEY,
        length: (32, 32),
        also: "",
        behaviour: &crate::keys::BEHAVIOUR,
    },
    Type {
        name: IDENTITIES,
        // The preview is Azure CLI's. What it has beside the other is not known here.
        versions: &["2024-11-30", "2025-05-31-preview"],
        body: &shapes::IDENTITY,
        length: (3, 128),
        also: "-_",
        behaviour: &crate::identities::BEHAVIOUR,
    },
    Type {
        name: STORAGE,
        versions: &["2026-04-01"],
        body: &shapes::STORAGE,
        length: (3, 24),
        also: "",
        behaviour: &crate::storage_accounts::BEHAVIOUR,
    },
    Type {
        name: SEARCH,
        versions: &["2025-05-01"],
        body: &shapes::SEARCH,
        length: (2, 60),
        also: "-",
        behaviour: &crate::search_services::BEHAVIOUR,
    },
    Type {
        name: COSMOS,
        versions: &["2026-03-15"],
        body: &shapes::COSMOS,
        length: (3, 50),
        also: "-",
        behaviour: &crate::database_accounts::BEHAVIOUR,
    },
    Type {
        name: REGISTRIES,
        versions: &["2025-11-01"],
        body: &shapes::REGISTRY,
        length: (5, 50),
        also: "",
        behaviour: &crate::registries::BEHAVIOUR,
    },
    Type {
        name: VIRTUAL_NETWORKS,
        versions: &["2024-05-01"],
        body: &shapes::NOTHING,
        length: (2, 64),
        also: "-_.",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: PRIVATE_ENDPOINTS,
        versions: &["2024-05-01"],
        body: &shapes::NOTHING,
        length: (2, 64),
        also: "-_.",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: ASSIGNMENTS,
        versions: &["2022-04-01"],
        body: &shapes::ASSIGNMENT,
        length: (36, 36),
        also: "-",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: DEFINITIONS,
        // The preview is Azure CLI's.
        versions: &["2022-04-01", "2022-05-01-preview"],
        body: &shapes::NOTHING,
        length: (36, 36),
        also: "-",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: DENIALS,
        versions: &["2022-04-01"],
        body: &shapes::NOTHING,
        length: (32, 36),
        also: "-",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: LOCKS,
        versions: &["2016-09-01", "2020-05-01"],
        body: &shapes::LOCK,
        length: (1, 260),
        also: "-_.()",
        behaviour: &crate::resources::BEHAVIOUR,
    },
    Type {
        name: POLICIES,
        versions: &["2022-06-01", "2023-04-01", "2024-04-01", "2025-03-01"],
        body: &shapes::NOTHING,
        length: (1, 64),
        also: "-_.",
        behaviour: &crate::resources::BEHAVIOUR,
    },
];

impl Type {
    /// The type of a name in any case.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// Whether a resource of this type may be called so.
    pub(crate) fn allows_name(&self, name: &str) -> bool {
        let (least, most) = self.length;
        (least..=most).contains(&name.len())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || self.also.contains(c))
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
    }
}
