//! Resources that were read by themselves after their list was, and found otherwise than it tells.
//!
//! Invariant: one that is changed to what its list told before the next list is read is not taken for unchanged.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use keyholder_planner::ArmId;

use crate::resource::list_of;

/// Lower-case ARM ids, with when each was last found otherwise.
#[derive(Debug, Default)]
pub struct Overtaken(Mutex<HashMap<String, Instant>>);

impl Overtaken {
    /// Notes one.
    pub fn note(&self, id: &ArmId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(id.lower(), Instant::now());
    }

    /// Whether it was noted.
    pub fn has(&self, id: &ArmId) -> bool {
        let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.contains_key(&id.lower())
    }

    /// A list that began to be read then has been compared: it tells of all that was noted before.
    pub fn told_again(&self, path: &str, began: Instant) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.retain(|id, at| *at >= began || ArmId::parse(id).is_ok_and(|id| list_of(&id) != path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_of_what_was_noted_before_it_was_read_and_of_its_own_alone() {
        let id = |kind: &str| {
            ArmId::parse(&format!(
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.X/{kind}/One"
            ))
            .unwrap()
        };
        let (mine, other) = (id("Mine"), id("others"));
        let overtaken = Overtaken::default();
        overtaken.note(&mine);
        overtaken.note(&other);
        let began = Instant::now();
        assert!(overtaken.has(&mine));
        overtaken.told_again(&list_of(&mine), began);
        assert!(!overtaken.has(&mine) && overtaken.has(&other));
        overtaken.note(&mine);
        overtaken.told_again(&list_of(&mine), began);
        assert!(overtaken.has(&mine));
    }
}
