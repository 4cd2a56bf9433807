//! Resources that were read by themselves after their list was, and found otherwise than it tells.
//!
//! Invariant: one that is changed to what its list told before the next list is read is not taken for unchanged.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use keyholder_planner::ArmId;

use crate::resource::list_of;

/// By the path of their list: lower-case ARM ids, with when each was last found otherwise.
#[derive(Debug, Default)]
pub struct Overtaken(Mutex<HashMap<String, HashMap<String, Instant>>>);

impl Overtaken {
    /// Notes one.
    pub fn note(&self, id: &ArmId) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = lists.entry(list_of(id)).or_default();
        ids.insert(id.lower(), Instant::now());
    }

    /// Those of a list, which is compared: having begun to be read then, it tells of all that was noted before.
    pub fn told_again(&self, path: &str, began: Instant) -> HashSet<String> {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ids) = lists.get_mut(path) else {
            return HashSet::new();
        };
        let noted = ids.keys().cloned().collect();
        ids.retain(|_, at| *at >= began);
        noted
    }

    /// Forgets the lists that nobody reads any more.
    pub fn keep(&self, paths: &BTreeMap<String, impl Sized>) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|path, _| paths.contains_key(path));
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
        let told = |id: &ArmId| overtaken.told_again(&list_of(id), began);
        assert_eq!(told(&mine), HashSet::from([mine.lower()]));
        assert!(told(&mine).is_empty());
        assert_eq!(told(&other), HashSet::from([other.lower()]));
        // What is noted while the list is read is told of by the next.
        overtaken.note(&mine);
        assert_eq!(told(&mine).len(), 1);
        assert_eq!(told(&mine).len(), 1);
        overtaken.keep(&BTreeMap::from([(list_of(&other), ())]));
        assert!(told(&mine).is_empty());
    }
}
