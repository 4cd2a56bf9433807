//! What every model reads of what is around a resource, as the planner's own types.

use jiff::Timestamp;
use keyholder_crds::Reason;
use keyholder_planner::name::{KeyIdentifier, Location};
use keyholder_planner::observed::{
    LiveKeyVersion, LiveVault, OperationSeen, Permissions, RoleAssignment, RoleDefinition,
};
use keyholder_planner::{ArmId, Fact, Needs, Observed, Why};

use crate::time::{NOW, SOON, seconds};

pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
pub const OWNER: &str = "owner";
const ROLE: &str = "/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6";

/// The last operation, which its URL tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation<Work> {
    None,
    Running(Work),
    Succeeded,
    Failed,
}

impl<Work> Operation<Work> {
    /// What its URL tells; `None`: it could not be read.
    pub fn seen(operation: Option<&Self>) -> OperationSeen {
        match operation {
            None => OperationSeen::Unreadable(unreachable()),
            Some(Self::None) => OperationSeen::None,
            Some(Self::Running(_)) => OperationSeen::Running { poll_at: SOON },
            Some(Self::Succeeded) => OperationSeen::Succeeded,
            Some(Self::Failed) => OperationSeen::Failed {
                code: "ServiceUnavailable".to_owned(),
                message: "high demand".to_owned(),
            },
        }
    }
}

/// Resource group and providers, as they must be.
pub fn fill_preflight(observed: &mut Observed, needs: &Needs) {
    observed.resource_group = Fact::Known(Location::parse("westeurope").unwrap());
    let providers = needs.providers.iter();
    observed.providers = providers
        .map(|one| ((*one).to_owned(), Fact::Known(true)))
        .collect();
}

/// The role assignments of an identity that may use the keys, or of one that may not.
pub fn fill_access(observed: &mut Observed, has_access: bool) {
    let assignment = RoleAssignment {
        scope: format!("/subscriptions/{SUBSCRIPTION}"),
        role_definition_id: ROLE.to_owned(),
        conditional: false,
    };
    observed.role_assignments = Fact::Known(has_access.then_some(assignment).into_iter().collect());
    let actions =
        ["read", "wrap/action", "unwrap/action"].map(|one| format!("Microsoft.KeyVault/vaults/keys/{one}"));
    let role = RoleDefinition {
        name: "Crypto".to_owned(),
        permissions: vec![(actions.to_vec(), Vec::new())],
    };
    observed
        .role_definitions
        .insert(ROLE.to_lowercase(), Fact::Known(role));
}

/// A version of a key that is so old.
pub fn version(url: &str, enabled: bool, age: i64) -> LiveKeyVersion {
    let created: Timestamp = NOW - seconds(age);
    LiveKeyVersion {
        identifier: KeyIdentifier::parse(url).unwrap(),
        enabled,
        not_before: None,
        expires: None,
        created: Some(created),
    }
}

pub fn unreachable() -> Why {
    Why {
        reason: Reason::AzureUnreachable,
        message: "no answer".to_owned(),
        retry_at: None,
    }
}

pub fn arm_id(kind: &str, name: &str) -> ArmId {
    ArmId::parse(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ai/providers/{kind}/{name}"
    ))
    .unwrap()
}

pub fn live_vault(id: &ArmId) -> LiveVault {
    LiveVault {
        id: id.clone(),
        location: Location::parse("westeurope").unwrap(),
        tenant_id: "tenant".to_owned(),
        uri: format!("https://{}.vault.azure.net/", id.name()),
        soft_delete: true,
        purge_protection: true,
        permissions: Permissions::Roles,
        inactive: None,
        trusted_services_pass: true,
    }
}
