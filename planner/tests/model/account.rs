//! Accounts that their own identity encrypts: created with Microsoft's key, given access, and then given their key.

use keyholder_crds::{EncryptionMode, ResourceStatus};
use keyholder_planner::report::touch;
use keyholder_planner::{Declared, Observed, Write};

use crate::hub::has_url;
use crate::law::{Broken, Case, Told};
use crate::pass::Seen;
use crate::reading::Operation;
use crate::time::NOW;
use crate::world::{self, End, Ending, Place, Policy, Scene, Taken};
use azure::{Account, AccountState, Azure};
use declared::{SPECS, Spec};
use reading::Trouble;

pub mod azure;
pub mod declared;
pub mod law;
pub mod reading;

/// What others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Somebody deletes the account in Azure, which keeps it.
    Take,
    /// Somebody purges what is kept.
    Purge,
    /// Somebody makes an account of this name.
    MakeAnothers,
    /// Somebody takes the owner tag away.
    Untag,
    /// The account's identity is given access to the keys.
    Give,
    /// Its access is withdrawn.
    Withdraw,
    /// The keys are disabled.
    Disable,
}

/// Accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World;

impl world::World for World {
    type Spec = Spec;
    type Azure = Azure;
    type Trouble = Trouble;
    type Deed = Deed;

    const SPECS: &'static [Spec] = &SPECS;
    const UNTROUBLED: Trouble = Trouble::None;

    fn declared(spec: Spec, policy: Policy) -> Declared {
        spec.valid(policy)
    }

    fn touched(spec: Spec, policy: Policy, status: ResourceStatus) -> Option<ResourceStatus> {
        touch(&spec.object(policy, Some(status)), NOW)
    }

    fn nothing() -> Azure {
        Azure {
            account: None,
            kept: None,
            operation: Operation::None,
            has_access: false,
            keys_are_enabled: true,
        }
    }

    fn is_working(azure: &Azure, at: Place) -> bool {
        at == Place::Own && matches!(azure.operation, Operation::Running(_))
    }

    fn take(azure: &mut Azure, write: &Write) -> Taken {
        azure.take(write)
    }

    fn finish(azure: &mut Azure, _: Place, ending: Ending) {
        azure.finish(ending);
    }

    fn endings(_: Place) -> &'static [Ending] {
        &[
            Ending::Succeeds,
            Ending::Fails,
            Ending::FailsAndBreaks,
            Ending::IsIgnored,
        ]
    }

    fn deeds(azure: &Azure, scene: Scene) -> Vec<Deed> {
        let mut deeds = Vec::new();
        if !Self::is_working(azure, Place::Own) && !scene.creates {
            match (azure.account, azure.kept) {
                (Some(account), _) => {
                    deeds.push(Deed::Take);
                    if account.is_ours && scene.is_quiet {
                        deeds.push(Deed::Untag);
                    }
                }
                (None, Some(_)) => deeds.push(Deed::Purge),
                (None, None) if scene.is_quiet => deeds.push(Deed::MakeAnothers),
                (None, None) => {}
            }
        }
        if azure.has_access {
            deeds.push(Deed::Withdraw);
        } else if azure.account.is_some() {
            deeds.push(Deed::Give);
        }
        if azure.keys_are_enabled {
            deeds.push(Deed::Disable);
        }
        deeds
    }

    fn act(azure: &mut Azure, deed: Deed) {
        match deed {
            Deed::Take => azure.remove(),
            Deed::Purge => azure.kept = None,
            Deed::MakeAnothers => azure.account = Some(Account::ANOTHERS),
            Deed::Untag => {
                if let Some(account) = &mut azure.account {
                    account.is_ours = false;
                }
            }
            Deed::Give => azure.has_access = true,
            Deed::Withdraw => azure.has_access = false,
            Deed::Disable => azure.keys_are_enabled = false,
        }
    }

    fn troubles(azure: &Azure, status: &ResourceStatus) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        if has_url(status) {
            troubles.extend([Trouble::OperationUnreadable, Trouble::OperationForgotten]);
        }
        troubles.extend([
            Trouble::AccountUnreadable,
            Trouble::KeyUnreadable,
            Trouble::AccessUnreadable,
        ]);
        if azure.account.is_none() {
            troubles.push(Trouble::KeptUnreadable);
        }
        troubles
    }

    fn see(mut azure: Azure, trouble: Trouble, status: &ResourceStatus) -> Azure {
        if !has_url(status) || trouble == Trouble::OperationForgotten {
            azure.operation = Operation::None;
        }
        azure
    }

    fn observed(seen: &Seen<Self>, declared: &Declared, status: &ResourceStatus, deleting: bool) -> Observed {
        reading::observed(seen, declared, status, deleting)
    }

    fn is_blind(trouble: Trouble) -> bool {
        matches!(trouble, Trouble::AccountUnreadable | Trouble::OperationUnreadable)
    }

    fn of_write(case: &Case<'_, Self>, write: &Write) -> Option<Broken> {
        law::of_write(case, write)
    }

    fn is_converged(azure: &Azure, spec: Spec) -> bool {
        azure.account.is_some_and(|account| {
            account.is_ours && account.state == AccountState::Succeeded && spec.is_met_by(&account)
        })
    }

    fn is_excused(case: &Case<'_, Self>) -> bool {
        let (azure, spec) = (&case.seen.azure, case.object.spec);
        if Self::is_working(azure, Place::Own) {
            return true;
        }
        let Some(account) = azure.account else {
            let lacks_key = spec.key().is_some() && !azure.keys_are_enabled;
            return case.told != Told::Nothing || azure.kept.is_some() || lacks_key;
        };
        !account.is_ours
            || account.is_in_progress()
            || !spec.can_become(&account)
            || waits_for_its_key(case, &account)
            // What failed after it was in order is changed by what differs alone.
            || (account.state == AccountState::Failed && spec.is_met_by(&account))
    }

    fn may_be_ready(case: &Case<'_, Self>) -> bool {
        let spec = case.object.spec;
        !Self::is_blind(case.seen.trouble)
            && case.seen.azure.account.is_some_and(|account| {
                let key_is_known = case.seen.trouble != Trouble::KeyUnreadable || account.key.is_none();
                account.is_ours
                    && account.state == AccountState::Succeeded
                    && spec.can_become(&account)
                    && (!key_is_known || spec.is_met_by(&account))
            })
    }

    fn told(azure: &Azure) -> Told {
        match azure.account {
            Some(account) if account.is_ours && account.state == AccountState::Succeeded => Told::InOrder,
            Some(account) if account.is_ours => Told::Seen,
            _ => Told::Nothing,
        }
    }

    /// A key binds from before it is there.
    fn is_bound(azure: &Azure, status: &ResourceStatus) -> bool {
        let Some(account) = azure.account.filter(|account| account.is_ours) else {
            return true;
        };
        let Some(bound) = &status.bound else {
            return false;
        };
        account.key.is_none_or(|key| {
            let vault = bound.vault.as_deref();
            bound.mode == Some(EncryptionMode::CustomerManaged)
                && vault.is_some_and(|vault| vault.ends_with(key.vault()))
        })
    }

    fn is_left(azure: &Azure, policy: Policy, told: Told) -> bool {
        let is_there = azure.account.is_some_and(|account| account.is_ours);
        // What was never seen is not the object's to purge.
        let is_kept = azure.kept == Some(true) && told != Told::Nothing;
        match policy {
            Policy::Retain => false,
            Policy::Delete => is_there,
            Policy::DeleteAndPurge => is_there || is_kept,
        }
    }

    fn end(case: &Case<'_, Self>) -> End {
        let (azure, spec) = (&case.seen.azure, case.object.spec);
        let Some(account) = azure.account else {
            let has_key = spec.key().is_none() || azure.keys_are_enabled;
            let can_be_made = case.told == Told::Nothing && azure.kept.is_none() && has_key;
            return if can_be_made { End::Ready } else { End::Stalled };
        };
        let is_usable = azure.has_access && azure.keys_are_enabled;
        // What was in order and failed is changed by what differs alone, and nothing does.
        let is_left_failed =
            account.state == AccountState::Failed && case.told == Told::InOrder && spec.is_met_by(&account);
        if !account.is_ours
            || !spec.can_become(&account)
            || waits_for_its_key(case, &account)
            || is_left_failed
        {
            End::Stalled
        } else if is_usable || account.key.is_none() {
            End::Ready
        } else {
            End::AsDeclared
        }
    }
}

/// Whether a check that the key fails holds it back.
fn waits_for_its_key(case: &Case<'_, World>, account: &Account) -> bool {
    let (azure, spec) = (&case.seen.azure, case.object.spec);
    let Some(key) = spec.key().filter(|key| account.key != Some(*key)) else {
        return false;
    };
    let needs_access = account.key.is_none_or(|have| have.name() != key.name());
    let was_encrypted = case
        .status
        .encryption
        .as_ref()
        .is_some_and(|encryption| !encryption.versions.is_empty());
    let is_given =
        spec == Spec::Grant && account.key.is_none() && case.status.access_grant.is_none() && !was_encrypted;
    !azure.keys_are_enabled || (needs_access && !azure.has_access && !is_given)
}
