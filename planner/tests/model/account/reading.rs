//! What a pass reads of the small Azure, as the planner's own types.
//!
//! Invariant: it holds what the planner's `needs` asks for, and nothing else.

use std::collections::BTreeMap;

use keyholder_crds::ResourceStatus;
use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_planner::name::KeyIdentifier;
use keyholder_planner::needs::AccessOf;
use keyholder_planner::observed::{Deleted, Live, LiveAccount, LiveEncryption, LiveKey, OperationSeen};
use keyholder_planner::{Declared, Fact, Needs, Observed, needs};

use super::World;
use super::azure::{Account, AccountState, Key};
use crate::pass::Seen;
use crate::reading::{Operation, arm_id, fill_access, fill_preflight, live_vault, unreachable, version};

/// What goes wrong with reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    None,
    /// The operation's URL does not answer.
    OperationUnreadable,
    /// Azure does not know the operation's URL any more.
    OperationForgotten,
    /// The account could not be read.
    AccountUnreadable,
    /// The key could not be read.
    KeyUnreadable,
    /// Who may use the key could not be read.
    AccessUnreadable,
    /// What is kept of deleted accounts could not be read.
    KeptUnreadable,
}

/// As the operator would have read it.
pub fn observed(
    seen: &Seen<World>,
    declared: &Declared,
    status: &ResourceStatus,
    deleting: bool,
) -> Observed {
    let mut observed = Observed::nothing();
    if crate::hub::has_url(status) {
        let is_read = seen.trouble != Trouble::OperationUnreadable;
        observed.operation = Operation::seen(is_read.then_some(&seen.azure.operation));
        if matches!(
            observed.operation,
            OperationSeen::Running { .. } | OperationSeen::Unreadable(_)
        ) {
            return observed;
        }
    }
    observed.live = match &seen.azure.account {
        _ if seen.trouble == Trouble::AccountUnreadable => Fact::Unknown(unreachable()),
        None => Fact::Absent,
        Some(account) => Fact::Known(live(declared, account)),
    };
    let needs = needs(declared, status, deleting, &observed.live);
    fill(&mut observed, declared, &needs, seen);
    observed
}

fn fill(observed: &mut Observed, declared: &Declared, needs: &Needs, seen: &Seen<World>) {
    if let (true, Some(vault), Some(name)) = (needs.key, &needs.vault, &needs.key_name) {
        observed.vault = Fact::Known(live_vault(vault));
        observed.key = if seen.trouble == Trouble::KeyUnreadable {
            Fact::Unknown(unreachable())
        } else {
            let url = format!(
                "https://{}.vault.azure.net/keys/{name}/{}",
                vault.name(),
                Key::VERSION
            );
            Fact::Known(LiveKey {
                kty: "RSA".to_owned(),
                size: Some(3072),
                current: version(&url, seen.azure.keys_are_enabled, 1000),
                others: Vec::new(),
                rotation: Vec::new(),
            })
        };
    }
    if needs.preflight {
        fill_preflight(observed, needs);
    }
    if needs.access && needs.access_of != AccessOf::Nobody {
        fill_access(observed, seen.azure.has_access);
        if seen.trouble == Trouble::AccessUnreadable {
            observed.role_assignments = Fact::Unknown(unreachable());
        }
    }
    if needs.projects {
        observed.projects = Fact::Known(Vec::new());
    }
    if needs.deleted.is_some() {
        observed.deleted = match seen.azure.kept {
            _ if seen.trouble == Trouble::KeptUnreadable => Fact::Unknown(unreachable()),
            None => Fact::Absent,
            Some(is_ours) => Fact::Known(Deleted {
                tags: tags(declared, is_ours),
            }),
        };
    }
}

fn tags(declared: &Declared, is_ours: bool) -> BTreeMap<String, String> {
    let owner = if is_ours {
        declared.owner_tag.clone()
    } else {
        "another/of/theirs".to_owned()
    };
    BTreeMap::from([(OWNER_TAG.to_owned(), owner)])
}

fn live(declared: &Declared, account: &Account) -> Live {
    let state = match account.state {
        AccountState::Creating => "Creating",
        AccountState::Updating => "Updating",
        AccountState::Deleting => "Deleting",
        AccountState::Succeeded => "Succeeded",
        AccountState::Failed => "Failed",
    };
    Live {
        id: declared.id.clone(),
        location: declared.location.clone(),
        kind: "aiservices".to_owned(),
        provisioning_state: Some(state.to_owned()),
        tags: tags(declared, account.is_ours),
        user_assigned: Vec::new(),
        system_assigned_principal: Some("principal".to_owned()),
        system_assigned: true,
        key_vault: None,
        storage_account: None,
        encryption: account.key.map(|key| LiveEncryption {
            vault: Some(arm_id("Microsoft.KeyVault/vaults", key.vault())),
            key: KeyIdentifier::parse(&key.url()).unwrap(),
            identity: None,
            gone: None,
        }),
        service_side: false,
        high_business_impact: false,
        public_network_access: Some("Enabled".to_owned()),
        network_isolation: None,
        managed_group: None,
        account: Some(Box::new(LiveAccount {
            sku: "S0".to_owned(),
            sub_domain: None,
            projects: account.projects,
        })),
        project: None,
    }
}
