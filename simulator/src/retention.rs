//! For how long what was deleted is kept: keys, vaults and accounts.
//!
//! Invariant: what has come to its end is gone, whoever looks.

use jiff::{SignedDuration, Timestamp};

use crate::world::World;

/// The end of a retention of `days` that begins now.
pub(crate) fn end_of_retention(now: Timestamp, days: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * days))
        .unwrap_or(Timestamp::MAX)
}

impl World {
    /// Takes away for good what was kept long enough.
    pub(crate) fn end_retentions(&mut self, now: Timestamp) {
        let ended: Vec<String> = self
            .deleted_vaults
            .iter()
            .filter(|(_, deleted)| deleted.ends <= now)
            .map(|(name, _)| name.clone())
            .collect();
        for name in ended {
            self.purge_vault(&name);
        }
        self.deleted_keys.retain(|_, key| now < key.ends);
        self.deleted_accounts.retain(|_, account| now < account.ends);
    }

    /// Shifts the dates of what was deleted back, by the id that it had. Whether there is such a thing.
    pub(crate) fn age_deleted(&mut self, id: &str, back: SignedDuration) -> bool {
        let lower = id.to_lowercase();
        let vault = self
            .deleted_vaults
            .values_mut()
            .find(|one| one.vault_id().eq_ignore_ascii_case(&lower))
            .map(|one| [&mut one.deleted, &mut one.ends]);
        let key = self
            .deleted_keys
            .get_mut(&lower)
            .map(|one| [&mut one.deleted, &mut one.ends]);
        let account = self
            .deleted_accounts
            .get_mut(&lower)
            .map(|one| [&mut one.deleted, &mut one.ends]);
        let Some(times) = vault.or(key).or(account) else {
            return false;
        };
        for time in times {
            *time = time.checked_sub(back).unwrap_or(Timestamp::MIN);
        }
        true
    }
}
