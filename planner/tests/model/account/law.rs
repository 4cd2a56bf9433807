//! What must not be written to an account.

use keyholder_planner::Write;
use keyholder_planner::plan::Request;

use super::World;
use super::azure::{Account, AccountState, Key, Work, owner, work};
use super::declared::Spec;
use super::reading::Trouble;
use crate::law::{Broken, Case, Told};
use crate::world::Policy;

/// The law that a write breaks.
pub fn of_write(case: &Case<'_, World>, write: &Write) -> Option<Broken> {
    let azure = &case.seen.azure;
    let account = azure.account.as_ref();
    if account.is_some_and(|account| !account.is_ours) {
        return Some(Broken::WroteToAnothers);
    }
    let work = work(write);
    let (object, is_deletion) = (&case.object, matches!(work, Work::Delete | Work::Purge));
    if is_deletion != object.is_deleting || (work != Work::Grant && write.id != case.declared.id) {
        return Some(Broken::WroteAForbiddenChange);
    }
    let is_allowed = match work {
        // Soft delete alone: Azure takes no purge with the deletion of an account.
        Work::Delete => object.policy != Policy::Retain && write.request == Request::Delete { purge: false },
        Work::Purge if azure.kept == Some(false) => return Some(Broken::WroteToAnothers),
        Work::Purge => {
            account.is_none()
                && azure.kept == Some(true)
                && object.policy == Policy::DeleteAndPurge
                && case.told != Told::Nothing
                && case.seen.trouble != Trouble::KeptUnreadable
        }
        Work::Grant => {
            object.spec == Spec::Grant
                && account.is_some_and(|account| account.key.is_none())
                && case.status.access_grant.is_none()
        }
        Work::Put(made) => return of_put(case, write, &made),
        Work::Key(key) => return of_key(case, account?, key),
        Work::Projects => account.is_some_and(|account| {
            object.spec == Spec::Projects && object.spec.can_become(account) && !account.is_in_progress()
        }),
    };
    (!is_allowed).then_some(Broken::WroteAForbiddenChange)
}

/// A PUT is for what is not there, or failed before it ever was in order; and a new account's identity has access to nothing.
fn of_put(case: &Case<'_, World>, write: &Write, made: &Account) -> Option<Broken> {
    let Request::Put(body) = &write.request else {
        return Some(Broken::WroteAForbiddenChange);
    };
    let spec = case.object.spec;
    let is_owned = owner(body) == Some(case.declared.owner_tag.as_str());
    match &case.seen.azure.account {
        None if case.told == Told::InOrder => Some(Broken::MadeAnEmptySuccessor),
        Some(_) if case.told == Told::InOrder => Some(Broken::PutOverData),
        None if made.key.is_some() => Some(Broken::SentAKeyTooEarly),
        None if is_owned
            && (case.seen.azure.kept.is_none() || case.seen.trouble == Trouble::KeptUnreadable) =>
        {
            None
        }
        Some(left) if is_owned && left.state == AccountState::Failed && spec.can_become(left) => made
            .key
            .and_then(|key| too_early(case, left, key))
            .or_else(|| (left.projects && !made.projects).then_some(Broken::WroteAForbiddenChange)),
        _ => Some(Broken::WroteAForbiddenChange),
    }
}

fn of_key(case: &Case<'_, World>, account: &Account, key: Option<Key>) -> Option<Broken> {
    let spec = case.object.spec;
    if key != spec.key() || !spec.can_become(account) || account.is_in_progress() {
        return Some(Broken::WroteAForbiddenChange);
    }
    key.and_then(|key| too_early(case, account, key))
}

/// No key is sent while it cannot be used. Whether the identity has access may be unknown: Azure would tell, and nothing is lost.
fn too_early(case: &Case<'_, World>, account: &Account, key: Key) -> Option<Broken> {
    let (azure, trouble) = (&case.seen.azure, case.seen.trouble);
    let is_another = account.key.is_none_or(|have| have.name() != key.name());
    let lacks_access = is_another && !azure.has_access && trouble != Trouble::AccessUnreadable;
    (lacks_access || !azure.keys_are_enabled || trouble == Trouble::KeyUnreadable)
        .then_some(Broken::SentAKeyTooEarly)
}
