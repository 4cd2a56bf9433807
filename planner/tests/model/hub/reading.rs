//! What a pass reads of the small Azure, as the planner's own types.
//!
//! Invariant: it holds what the planner's `needs` asks for, and nothing else.

use keyholder_crds::ResourceStatus;
use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_planner::kind::Kind;
use keyholder_planner::name::KeyIdentifier;
use keyholder_planner::needs::AccessOf;
use keyholder_planner::observed::{
    GroupResource, Live, LiveEncryption, LiveIdentity, LiveKey, LiveKeyVersion, OperationSeen,
};
use keyholder_planner::{Declared, Fact, Needs, Observed, needs};

use super::azure::{Hub, HubState, Key, Keys};
use crate::pass::Seen;
use crate::reading::{self, Operation, arm_id, fill_access, fill_preflight, live_vault, unreachable};

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

/// As the operator would have read it.
pub fn observed(
    seen: &Seen<super::World>,
    hub: &Declared,
    status: &ResourceStatus,
    deleting: bool,
) -> Observed {
    let mut observed = Observed::nothing();
    let has_url = status
        .operation
        .as_ref()
        .is_some_and(|operation| operation.url.is_some());
    if has_url {
        let is_read = seen.trouble != Trouble::OperationUnreadable;
        observed.operation = Operation::seen(is_read.then_some(&seen.azure.operation));
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

fn fill(observed: &mut Observed, needs: &Needs, seen: &Seen<super::World>) {
    if let (true, Some(vault), Some(name)) = (needs.key, &needs.vault, &needs.key_name) {
        observed.vault = Fact::Known(live_vault(vault));
        observed.key = if seen.trouble == Trouble::KeyUnreadable {
            Fact::Unknown(unreachable())
        } else {
            live_key(vault.name(), name.as_str(), needs, seen)
        };
    }
    if needs.preflight {
        fill_preflight(observed, needs);
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
        fill_access(observed, true);
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

fn version(key: Key, enabled: bool) -> LiveKeyVersion {
    reading::version(&key.url(), enabled, if key == Key::Second { 100 } else { 1000 })
}

/// The key with its current version and those that were asked for; all, when the current one cannot be used.
fn live_key(vault: &str, name: &str, needs: &Needs, seen: &Seen<super::World>) -> Fact<LiveKey> {
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
