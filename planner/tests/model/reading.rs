//! What a pass reads of the small Azure, as the planner's own types.
//!
//! Invariant: it holds what the planner's `needs` asks for, and nothing else.

use jiff::Timestamp;
use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{Reason, ResourceStatus};
use keyholder_planner::kind::Kind;
use keyholder_planner::name::{KeyIdentifier, Location};
use keyholder_planner::needs::AccessOf;
use keyholder_planner::observed::{
    GroupResource, Live, LiveEncryption, LiveIdentity, LiveKey, LiveKeyVersion, LiveVault, OperationSeen,
    Permissions, RoleAssignment, RoleDefinition,
};
use keyholder_planner::{ArmId, Declared, Fact, Needs, Observed, Why, needs};

use crate::azure::{Azure, Hub, HubState, Key, Keys, Operation};
use crate::declared::SUBSCRIPTION;
use crate::time::{NOW, SOON, seconds};

const ROLE: &str = "/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6";

/// What goes wrong with reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    None,
    /// The operation's URL does not answer.
    OperationUnreadable,
    /// Azure does not know the operation's URL any more.
    OperationForgotten,
    /// The hub could not be read.
    HubUnreadable,
    /// The key could not be read.
    KeyUnreadable,
    /// The key was read before its last version was made.
    KeyOutdated,
}

/// What is seen of Azure by one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    pub azure: Azure,
    pub trouble: Trouble,
}

/// The azure that a pass sees, as far as it can tell on what `status` says; equal readings are equal values.
pub fn see(azure: Azure, trouble: Trouble, has_url: bool) -> Seen {
    let mut azure = azure;
    if !has_url {
        azure.operation = Operation::None;
    }
    if trouble == Trouble::OperationForgotten {
        azure.operation = Operation::None;
    }
    Seen { azure, trouble }
}

/// As the operator would have read it.
pub fn observed(seen: &Seen, hub: &Declared, status: &ResourceStatus, deleting: bool) -> Observed {
    let mut observed = Observed::nothing();
    let has_url = status
        .operation
        .as_ref()
        .is_some_and(|operation| operation.url.is_some());
    if has_url {
        observed.operation = match seen.azure.operation {
            _ if seen.trouble == Trouble::OperationUnreadable => OperationSeen::Unreadable(unreachable()),
            Operation::None => OperationSeen::None,
            Operation::Running(_) => OperationSeen::Running { poll_at: SOON },
            Operation::Succeeded => OperationSeen::Succeeded,
            Operation::Failed => OperationSeen::Failed {
                code: "ServiceUnavailable".to_owned(),
                message: "high demand".to_owned(),
            },
        };
        if matches!(
            observed.operation,
            OperationSeen::Running { .. } | OperationSeen::Unreadable(_)
        ) {
            return observed;
        }
    }
    observed.live = match &seen.azure.hub {
        _ if seen.trouble == Trouble::HubUnreadable => Fact::Unknown(unreachable()),
        None => Fact::Absent,
        Some(live) => Fact::Known(live_hub(hub, live)),
    };
    let needs = needs(hub, status, deleting, &observed.live);
    fill(&mut observed, &needs, seen);
    observed
}

fn fill(observed: &mut Observed, needs: &Needs, seen: &Seen) {
    if let (true, Some(vault), Some(name)) = (needs.key, &needs.vault, &needs.key_name) {
        observed.vault = Fact::Known(live_vault(vault));
        observed.key = if seen.trouble == Trouble::KeyUnreadable {
            Fact::Unknown(unreachable())
        } else {
            live_key(vault.name(), name.as_str(), needs, seen)
        };
    }
    if needs.preflight {
        observed.resource_group = Fact::Known(Location::parse("westeurope").unwrap());
        observed.providers = needs
            .providers
            .iter()
            .map(|one| ((*one).to_owned(), Fact::Known(true)))
            .collect();
    }
    observed.identities = needs
        .identities
        .iter()
        .map(|id| {
            let identity = LiveIdentity {
                principal_id: "principal".to_owned(),
                tenant_id: "tenant".to_owned(),
                client_id: "client".to_owned(),
            };
            (id.clone(), Fact::Known(identity))
        })
        .collect();
    if needs.access && needs.access_of != AccessOf::Nobody {
        observed.role_assignments = Fact::Known(vec![RoleAssignment {
            scope: format!("/subscriptions/{SUBSCRIPTION}"),
            role_definition_id: ROLE.to_owned(),
            conditional: false,
        }]);
        let actions = ["read", "wrap/action", "unwrap/action"]
            .map(|one| format!("Microsoft.KeyVault/vaults/keys/{one}"));
        let role = RoleDefinition {
            name: "Crypto".to_owned(),
            permissions: vec![(actions.to_vec(), Vec::new())],
        };
        observed
            .role_definitions
            .insert(ROLE.to_lowercase(), Fact::Known(role));
    }
    if needs.projects {
        observed.projects = Fact::Known(Vec::new());
    }
    if needs.managed_group.is_some() {
        let types = [
            "Microsoft.DocumentDB/databaseAccounts",
            "Microsoft.Search/searchServices",
            "Microsoft.Storage/storageAccounts",
        ];
        let resources = types.map(|kind| GroupResource {
            r#type: kind.to_owned(),
            name: "one".to_owned(),
            state: Some("Succeeded".to_owned()),
        });
        observed.managed_group = Fact::Known(resources.to_vec());
    }
}

fn unreachable() -> Why {
    Why {
        reason: Reason::AzureUnreachable,
        message: "no answer".to_owned(),
        retry_at: None,
    }
}

fn arm_id(kind: &str, name: &str) -> ArmId {
    ArmId::parse(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ai/providers/{kind}/{name}"
    ))
    .unwrap()
}

fn live_hub(hub: &Declared, live: &Hub) -> Live {
    let mut tags = std::collections::BTreeMap::new();
    let owner = if live.is_ours {
        hub.owner_tag.clone()
    } else {
        "another/of/theirs".to_owned()
    };
    tags.insert(OWNER_TAG.to_owned(), owner);
    if live.is_tagged {
        tags.insert("team".to_owned(), "research".to_owned());
    }
    let storage = if live.other_storage {
        "otherdata"
    } else {
        "aihubdata"
    };
    let state = match live.state {
        HubState::Creating => "Creating",
        HubState::Updating => "Updating",
        HubState::Deleting => "Deleting",
        HubState::Succeeded => "Succeeded",
        HubState::Failed => "Failed",
    };
    let Kind::Hub(kind) = &hub.kind else {
        panic!("a hub");
    };
    Live {
        id: hub.id.clone(),
        location: hub.location.clone(),
        kind: "hub".to_owned(),
        provisioning_state: Some(state.to_owned()),
        tags,
        user_assigned: hub.user_assigned.clone(),
        system_assigned_principal: None,
        system_assigned: false,
        key_vault: Some(kind.key_vault.clone()),
        storage_account: Some(arm_id("Microsoft.Storage/storageAccounts", storage)),
        encryption: live.key.map(|key| LiveEncryption {
            vault: Some(arm_id("Microsoft.KeyVault/vaults", key.vault())),
            key: KeyIdentifier::parse(&key.url()).unwrap(),
            identity: Some(arm_id("Microsoft.ManagedIdentity/userAssignedIdentities", "hub")),
            gone: None,
        }),
        service_side: false,
        high_business_impact: live.key.is_some(),
        public_network_access: Some("Enabled".to_owned()),
        network_isolation: None,
        managed_group: live.key.map(|_| "azureml-rg-research".to_owned()),
        account: None,
        project: None,
    }
}

fn live_vault(id: &ArmId) -> LiveVault {
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

fn version(key: Key, enabled: bool) -> LiveKeyVersion {
    let created: Timestamp = NOW - seconds(if key == Key::Second { 100 } else { 1000 });
    LiveKeyVersion {
        identifier: KeyIdentifier::parse(&key.url()).unwrap(),
        enabled,
        not_before: None,
        expires: None,
        created: Some(created),
    }
}

/// The key with its current version and those that were asked for; all, when the current one cannot be used.
fn live_key(vault: &str, name: &str, needs: &Needs, seen: &Seen) -> Fact<LiveKey> {
    let of_name = |key: &Key| key.vault() == vault && key.name() == name;
    let keys = if seen.trouble == Trouble::KeyOutdated {
        Keys::One
    } else {
        seen.azure.keys
    };
    let enabled = keys != Keys::SecondDisabled;
    let (current, others) = match Key::ALL.into_iter().find(of_name) {
        None => return Fact::Absent,
        Some(Key::First) if keys == Keys::One => {
            (version(Key::First, true), vec![version(Key::Second, true)])
        }
        Some(Key::First) => (version(Key::Second, enabled), vec![version(Key::First, true)]),
        Some(other) => (version(other, true), Vec::new()),
    };
    let is_there = |one: &LiveKeyVersion| {
        seen.azure.keys != Keys::One
            || one.identifier.version().map(ToString::to_string).as_deref() != Some(Key::Second.version())
    };
    let is_asked_for = |one: &LiveKeyVersion| {
        one.identifier
            .version()
            .is_some_and(|version| needs.versions.contains(version))
    };
    Fact::Known(LiveKey {
        kty: "RSA".to_owned(),
        size: Some(3072),
        others: others
            .into_iter()
            .filter(|one| is_there(one) && (!current.enabled || is_asked_for(one)))
            .collect(),
        current,
        rotation: Vec::new(),
    })
}
