//! What Azure allows to change on a resource that exists: one table, a row for each profile, a column for each transition.
//!
//! Invariant: nothing else in Keyholder decides whether a change is possible.

use keyholder_crds::{DataLocation, UnverifiedTransition};
use strum::{Display, EnumIter};

use crate::name::KeyIdentifier;

/// A kind of resource as far as its encryption goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter)]
pub enum Profile {
    /// A hub whose data is in a managed resource group; also a hub with Microsoft-managed keys.
    HubManagedGroup,
    /// A hub whose data is on the service side.
    HubServiceSide,
    /// An account that allows Foundry projects.
    FoundryAccount,
    /// An account of kind OpenAI.
    OpenAIAccount,
    /// Any other account.
    Account,
    /// A project: it is encrypted as its parent is.
    Project,
    /// A storage account.
    StorageAccount,
    /// An AI Search service, of which it is enforced that its objects have keys.
    SearchService,
    /// An account of Cosmos DB.
    DatabaseAccount,
    /// A container registry.
    Registry,
}

impl Profile {
    /// The profile of a hub; `None` with Microsoft-managed keys.
    #[must_use]
    pub fn of_hub(data_location: Option<DataLocation>) -> Self {
        match data_location {
            Some(DataLocation::ServiceSide) => Self::HubServiceSide,
            Some(DataLocation::ManagedResourceGroup) | None => Self::HubManagedGroup,
        }
    }

    /// The profile of an account of this kind; `projects`: whether it allows projects.
    #[must_use]
    pub fn of_account(kind: &str, projects: bool) -> Self {
        if projects {
            Self::FoundryAccount
        } else if kind.eq_ignore_ascii_case("OpenAI") {
            Self::OpenAIAccount
        } else {
            Self::Account
        }
    }
}

/// A change of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Display, EnumIter)]
pub enum Transition {
    /// From Microsoft-managed to customer-managed keys.
    ToCustomerManaged,
    /// From customer-managed to Microsoft-managed keys.
    ToMicrosoftManaged,
    /// Another key of the same vault.
    OtherKey,
    /// A key of another vault or managed HSM.
    OtherVault,
    /// Another version of the same key.
    NewVersion,
    /// A key without version, which the service would have to follow by itself.
    Versionless,
    /// Between managed resource group and service side.
    DataLocation,
    /// A key that a user-assigned identity unwraps (a choice at creation).
    UserAssignedIdentity,
    /// A key of a managed HSM (a choice of the first key).
    ManagedHsm,
    /// A key of a vault that decides by role assignments (a choice of the first key).
    RoleBasedVault,
}

impl Transition {
    /// The change from one key to another, if they differ.
    #[must_use]
    pub fn between(current: &KeyIdentifier, wanted: &KeyIdentifier) -> Option<Self> {
        if !current.same_store(wanted) {
            Some(Self::OtherVault)
        } else if current.key() != wanted.key() {
            Some(Self::OtherKey)
        } else if current.version() == wanted.version() {
            None
        } else if wanted.version().is_none() {
            Some(Self::Versionless)
        } else {
            Some(Self::NewVersion)
        }
    }
}

/// How an allowed change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// As part of the PUT that creates the resource.
    Create,
    /// PATCH of `encryption.keyVaultProperties.keyIdentifier`, the one encryption property of a hub that Azure's PATCH takes.
    PatchKeyIdentifier,
    /// PATCH of what says how an account of Azure AI services, a storage account, a search service or an account of Cosmos DB is encrypted.
    PatchEncryption,
}

/// What is known of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// Azure does it.
    Allowed(How),
    /// Azure does not do it, or documents that it must not be done.
    Forbidden,
    /// No source confirms it. `spec.allowUnverified` lets it through by this name, if it has one.
    Unverified(Option<UnverifiedTransition>),
}

/// The table, for hubs.
///
/// | transition | managed group | service side | source |
/// | --- | --- | --- | --- |
/// | to customer-managed | forbidden | forbidden | azure-ai-docs, hub-encryption-keys-portal (10/2025): a customer-managed key can be chosen only at creation |
/// | to Microsoft-managed | forbidden | forbidden | same page |
/// | other key, same vault | PATCH | PATCH | azure-ai-docs, concept-customer-managed-keys (2025) |
/// | other vault | forbidden | forbidden | same page; `keyVaultArmId` is not in the PATCH schema (workspaces 2025-06-01) |
/// | new version | PATCH | unverified | hub-encryption-keys-portal; no page speaks of rotation on the service side |
/// | versionless | unverified | unverified | no page allows it; azurerm refuses a key without version |
/// | data location | forbidden | forbidden | `enableServiceSideCMKEncryption` is not in the PATCH schema; documented as a choice at creation |
/// | user-assigned identity | at creation | unverified | azurerm's `ai_foundry`; the service-side quickstart shows a system-assigned identity alone |
/// | managed HSM | unverified | unverified | no page of hubs speaks of one |
/// | vault with roles | at creation | at creation | hub-encryption-keys-portal names both |
///
/// For accounts; where nothing else is named the source is azure-ai-docs, concepts-encryption-keys-portal (Foundry, 08/2026).
///
/// | transition | with projects | OpenAI | others | source |
/// | --- | --- | --- | --- | --- |
/// | to customer-managed | PATCH | PATCH | PATCH | |
/// | to Microsoft-managed | forbidden | PATCH | PATCH | azurerm, `cognitive_account_customer_managed_key` for those without projects |
/// | other key, same vault | PATCH | PATCH | PATCH | |
/// | other vault | forbidden | unverified | unverified | "only within the same key store"; no page speaks of accounts without projects |
/// | new version | PATCH | PATCH | PATCH | |
/// | versionless | PATCH | unverified | PATCH | the page of Azure OpenAI (04/2025) wants an update for each version |
/// | user-assigned identity | at creation | unverified | at creation | the same page: a system-assigned identity alone; newer pages make no exception |
/// | managed HSM | yes | unverified | yes | azurerm, `cognitive_account_customer_managed_key`, accepts one for any account (#31147); the page of Azure OpenAI wants access policies, which an HSM has not |
/// | vault with roles | yes | unverified | yes | newer pages ask for a role; the page of Azure OpenAI (04/2025) for access policies |
///
/// For dependents; where nothing else is named the sources are storage/common, customer-managed-keys-overview; search,
/// search-security-manage-encryption-keys; cosmos-db, how-to-setup-customer-managed-keys.
///
/// | transition | storage account | AI Search, whether keys are enforced | Cosmos DB | source |
/// | --- | --- | --- | --- | --- |
/// | to customer-managed | PATCH | PATCH | PATCH | Cosmos DB: how-to-setup-customer-managed-keys-existing-accounts |
/// | to Microsoft-managed | PATCH | PATCH | forbidden | the same |
/// | other key, same vault | PATCH | none | PATCH | |
/// | other vault | PATCH | none | unverified | no page of Cosmos DB speaks of it; terraform-provider-azurerm makes a new account |
/// | new version | PATCH | none | forbidden: it has no version to set | `keyVaultKeyUri` is without one |
/// | versionless | PATCH | none | PATCH | |
/// | user-assigned identity | PATCH | none | PATCH | |
/// | managed HSM | unverified | none | unverified | who may use its keys cannot be read |
/// | vault with roles | PATCH | none | PATCH | |
///
/// For container registries, which are audited alone; where nothing else is named the source is container-registry,
/// tutorial-rotate-revoke-customer-managed-keys (10/2026).
///
/// | transition | registry | source |
/// | --- | --- | --- |
/// | to customer-managed | forbidden | tutorial-customer-managed-keys: only while a registry is created, in Premium; Azure/acr #416 (11/2025): not planned |
/// | to Microsoft-managed | forbidden | tutorial-customer-managed-keys: it cannot be disabled |
/// | other key, same vault | PATCH | |
/// | other vault | PATCH | |
/// | new version | PATCH | |
/// | versionless | PATCH | it follows within one hour |
/// | user-assigned identity | PATCH | |
/// | managed HSM | PATCH | |
/// | vault with roles | PATCH | |
#[must_use]
pub fn cell(profile: Profile, transition: Transition) -> Cell {
    match profile {
        Profile::HubManagedGroup | Profile::HubServiceSide => of_hubs(profile, transition),
        // azure-ai-docs, hub-encryption-keys-portal: a project has its hub's key; accounts/projects has no encryption block.
        Profile::Project => Cell::Forbidden,
        Profile::FoundryAccount | Profile::OpenAIAccount | Profile::Account => {
            of_accounts(profile, transition)
        }
        Profile::StorageAccount => of_storage_accounts(transition),
        Profile::SearchService => match transition {
            Transition::ToCustomerManaged | Transition::ToMicrosoftManaged => {
                Cell::Allowed(How::PatchEncryption)
            }
            // Its objects have keys, it has none.
            _ => Cell::Forbidden,
        },
        Profile::DatabaseAccount => of_database_accounts(transition),
        Profile::Registry => match transition {
            Transition::ToCustomerManaged | Transition::ToMicrosoftManaged | Transition::DataLocation => {
                Cell::Forbidden
            }
            _ => Cell::Allowed(How::PatchEncryption),
        },
    }
}

fn of_storage_accounts(transition: Transition) -> Cell {
    match transition {
        Transition::DataLocation => Cell::Forbidden,
        Transition::ManagedHsm => Cell::Unverified(None),
        _ => Cell::Allowed(How::PatchEncryption),
    }
}

fn of_database_accounts(transition: Transition) -> Cell {
    match transition {
        Transition::ToMicrosoftManaged | Transition::NewVersion | Transition::DataLocation => Cell::Forbidden,
        Transition::OtherVault | Transition::ManagedHsm => Cell::Unverified(None),
        _ => Cell::Allowed(How::PatchEncryption),
    }
}

fn of_accounts(profile: Profile, transition: Transition) -> Cell {
    use Transition::{
        DataLocation, ManagedHsm, NewVersion, OtherKey, OtherVault, RoleBasedVault, ToCustomerManaged,
        ToMicrosoftManaged, UserAssignedIdentity, Versionless,
    };
    match (transition, profile) {
        (DataLocation, _) | (ToMicrosoftManaged | OtherVault, Profile::FoundryAccount) => Cell::Forbidden,
        (OtherVault, _) | (Versionless, Profile::OpenAIAccount) => Cell::Unverified(None),
        (UserAssignedIdentity, Profile::OpenAIAccount) => {
            Cell::Unverified(Some(UnverifiedTransition::OpenAIUserAssignedIdentity))
        }
        (ManagedHsm, Profile::OpenAIAccount) => {
            Cell::Unverified(Some(UnverifiedTransition::OpenAIManagedHsm))
        }
        (RoleBasedVault, Profile::OpenAIAccount) => {
            Cell::Unverified(Some(UnverifiedTransition::OpenAIRoleBasedVault))
        }
        (UserAssignedIdentity | ManagedHsm | RoleBasedVault, _) => Cell::Allowed(How::Create),
        (ToCustomerManaged | ToMicrosoftManaged | OtherKey | NewVersion | Versionless, _) => {
            Cell::Allowed(How::PatchEncryption)
        }
    }
}

fn of_hubs(profile: Profile, transition: Transition) -> Cell {
    use Transition::{
        DataLocation, ManagedHsm, NewVersion, OtherKey, OtherVault, RoleBasedVault, ToCustomerManaged,
        ToMicrosoftManaged, UserAssignedIdentity, Versionless,
    };
    let service_side = profile == Profile::HubServiceSide;
    match transition {
        ToCustomerManaged | ToMicrosoftManaged | OtherVault | DataLocation => Cell::Forbidden,
        NewVersion if service_side => Cell::Unverified(Some(UnverifiedTransition::ServiceSideKeyRotation)),
        OtherKey | NewVersion => Cell::Allowed(How::PatchKeyIdentifier),
        UserAssignedIdentity if service_side => {
            Cell::Unverified(Some(UnverifiedTransition::ServiceSideUserAssignedIdentity))
        }
        UserAssignedIdentity | RoleBasedVault => Cell::Allowed(How::Create),
        Versionless | ManagedHsm => Cell::Unverified(None),
    }
}

/// Whether the change may be made, given what the user lets through.
#[must_use]
pub fn is_let_through(cell: Cell, allowed: &[UnverifiedTransition]) -> bool {
    match cell {
        Cell::Allowed(_) => true,
        Cell::Forbidden | Cell::Unverified(None) => false,
        Cell::Unverified(Some(name)) => allowed.contains(&name),
    }
}

#[cfg(test)]
mod tests;
