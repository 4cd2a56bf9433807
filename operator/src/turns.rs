//! Whose turn it is where Azure makes one change at a time: in an account with its projects (409 RequestConflict otherwise,
//! terraform-provider-azurerm #22939).
//!
//! Invariant: a turn ends with the write that it was taken for, or after a while; who waits for it is woken then, the first first. It is
//! a courtesy: after a restart nobody knows of it, and Azure's refusal is waited for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::controller::{Subject, Waker};

/// A turn that nobody keeps is over after this time.
const LONGEST: Duration = Duration::from_mins(10);
/// The time in which one that was woken takes its turn.
const SHORT: Duration = Duration::from_secs(10);

/// The turns that are taken.
pub struct Turns {
    taken: Mutex<HashMap<String, Turn>>,
    waker: Waker,
}

struct Turn {
    holder: Subject,
    until: Instant,
    waiting: VecDeque<Subject>,
}

impl Turns {
    /// Nobody's so far.
    #[must_use]
    pub fn new(waker: Waker) -> Self {
        Self {
            taken: Mutex::default(),
            waker,
        }
    }

    /// Takes the turn at `place`, or says who has it.
    ///
    /// # Errors
    /// Another object has it; this one is woken when its own has come.
    pub fn take(&self, place: &str, who: &Subject, now: Instant) -> Result<(), Subject> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let until = now + LONGEST;
        let Some(turn) = taken.get_mut(place) else {
            let turn = Turn {
                holder: who.clone(),
                until,
                waiting: VecDeque::new(),
            };
            taken.insert(place.to_owned(), turn);
            return Ok(());
        };
        if turn.holder == *who || turn.until <= now {
            turn.holder = who.clone();
            turn.until = until;
            turn.waiting.retain(|one| one != who);
            return Ok(());
        }
        if !turn.waiting.contains(who) {
            turn.waiting.push_back(who.clone());
        }
        Err(turn.holder.clone())
    }

    /// Azure is still at work on what an object wrote.
    pub fn keep(&self, who: &Subject, now: Instant) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for turn in taken.values_mut().filter(|turn| turn.holder == *who) {
            turn.until = now + LONGEST;
        }
    }

    /// Ends the turns of an object, if it has any, and gives them to who waits.
    pub fn end(&self, who: &Subject, now: Instant) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, turn| {
            turn.waiting.retain(|one| one != who);
            if turn.holder != *who {
                return true;
            }
            let Some(next) = turn.waiting.pop_front() else {
                return false;
            };
            self.waker.wake(next.clone());
            turn.holder = next;
            // One that does not come any more must not hold up the others.
            turn.until = now + SHORT;
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject {
            kind: "AIProject".into(),
            namespace: "a".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn one_after_the_other_and_each_place_for_itself() {
        let turns = Turns::new(Waker::new());
        let now = Instant::now();
        let [a, b, c] = ["a", "b", "c"].map(subject);
        assert_eq!(turns.take("one", &a, now), Ok(()));
        assert_eq!(turns.take("one", &a, now), Ok(()));
        assert_eq!(turns.take("one", &b, now), Err(a.clone()));
        assert_eq!(turns.take("one", &c, now), Err(a.clone()));
        assert_eq!(turns.take("other", &c, now), Ok(()));
        turns.end(&a, now);
        assert_eq!(turns.take("one", &c, now), Err(b.clone()));
        assert_eq!(turns.take("one", &b, now), Ok(()));
        turns.end(&b, now);
        assert_eq!(turns.take("one", &a, now), Err(c.clone()));
        turns.end(&c, now);
        turns.end(&a, now);
        assert!(turns.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn a_turn_that_nobody_ends_ends() {
        let turns = Turns::new(Waker::new());
        let now = Instant::now();
        let [a, b] = ["a", "b"].map(subject);
        turns.take("one", &a, now).unwrap();
        assert_eq!(turns.take("one", &b, now + LONGEST / 2), Err(a.clone()));
        turns.keep(&a, now + LONGEST / 2);
        assert_eq!(turns.take("one", &b, now + LONGEST), Err(a.clone()));
        let now = now + LONGEST / 2;
        assert_eq!(turns.take("one", &b, now + LONGEST), Ok(()));
        turns.take("one", &a, now + LONGEST).unwrap_err();
        turns.end(&b, now + LONGEST);
        assert_eq!(turns.take("one", &b, now + LONGEST), Err(a));
        assert_eq!(turns.take("one", &b, now + LONGEST + SHORT), Ok(()));
    }
}
