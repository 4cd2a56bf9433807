//! How much one identity may still ask of Azure Resource Manager: an account for each subscription and kind of request.
//!
//! Invariants: a request that an account does not cover is sent nowhere; what one subscription lacks hinders no other; the
//! number of accounts is bounded. Nothing here waits: who is refused hears when to come back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use azure_core::http::Method;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Accounts kept at the most; the one that was not asked for longest goes first.
const MOST_ACCOUNTS: usize = 1024;
/// How long a subscription pauses when Azure names no time: the shortest that ARM's contract allows.
const USUAL_PAUSE: Duration = Duration::from_secs(10);
/// The shortest time that somebody is sent away for.
const SHORTEST: Duration = Duration::from_secs(1);
/// Sweeps leave a part of what there is to what users wait for: one in so many.
const RESERVED_PART: f64 = 5.0;

/// What a request counts as (azure-resource-manager, "Understand how Azure Resource Manager throttles requests").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// GET and HEAD.
    Reads,
    /// PUT, PATCH and POST.
    Writes,
    /// DELETE.
    Deletes,
}

impl Kind {
    /// The kind of a method.
    #[must_use]
    pub fn of(method: Method) -> Self {
        match method {
            Method::Get | Method::Head => Self::Reads,
            Method::Delete => Self::Deletes,
            _ => Self::Writes,
        }
    }

    /// As metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
        }
    }

    /// What comes back in a second (the same page: 25 reads, 10 writes, 10 deletes).
    const fn per_second(self) -> f64 {
        match self {
            Self::Reads => 25.0,
            Self::Writes | Self::Deletes => 10.0,
        }
    }
}

/// Who waits for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// Somebody who changed something, or whose object is worked on.
    Pass,
    /// Nobody: everything is looked over.
    Sweep,
}

/// An account as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Subscription id, in lower case.
    pub subscription: String,
    /// Which requests.
    pub kind: Kind,
    /// Requests that are left, as far as it is known.
    pub left: u32,
}

/// All accounts of one identity.
#[derive(Debug, Default)]
pub struct Budget {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    accounts: HashMap<(String, Kind), Entry>,
    /// Subscriptions that Azure asked to leave alone.
    paused: HashMap<String, Instant>,
    withheld: u64,
}

/// What is known of an account. Until Azure has told what is left, everything is let through.
#[derive(Clone, Copy, Debug)]
struct Entry {
    left: f64,
    /// The most that was ever left: as much as the bucket holds, as far as it was seen.
    most: f64,
    at: Instant,
}

impl Entry {
    /// What is left at `now`, with what came back since.
    fn left_at(&self, kind: Kind, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        passed.mul_add(kind.per_second(), self.left).min(self.most)
    }
}

impl Budget {
    /// Takes one request from an account.
    ///
    /// # Errors
    /// It is not covered; the time is when it may be.
    pub fn take(
        &self,
        subscription: &str,
        kind: Kind,
        urgency: Urgency,
        now: Instant,
    ) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let subscription = subscription.to_ascii_lowercase();
        if let Some(until) = state.paused.get(&subscription).copied() {
            if now < until {
                state.withheld += 1;
                return Err(until.saturating_duration_since(now));
            }
            state.paused.remove(&subscription);
        }
        let Some(entry) = state.accounts.get_mut(&(subscription, kind)) else {
            return Ok(());
        };
        let left = entry.left_at(kind, now);
        let reserved = match urgency {
            Urgency::Pass => 0.0,
            Urgency::Sweep => (entry.most / RESERVED_PART).floor(),
        };
        let wanted = reserved + 1.0;
        if left >= wanted {
            entry.left = left - 1.0;
            entry.at = now;
            return Ok(());
        }
        state.withheld += 1;
        Err(Duration::from_secs_f64((wanted - left) / kind.per_second()).max(SHORTEST))
    }

    /// Whether a request that somebody waits for would be covered. Takes nothing.
    ///
    /// # Errors
    /// It is not covered; the time is when it may be.
    pub fn look(&self, subscription: &str, kind: Kind, now: Instant) -> Result<(), Duration> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let subscription = subscription.to_ascii_lowercase();
        if let Some(until) = state.paused.get(&subscription).filter(|until| now < **until) {
            return Err(until.saturating_duration_since(now));
        }
        match state.accounts.get(&(subscription, kind)) {
            Some(entry) if entry.left_at(kind, now) < 1.0 => Err(SHORTEST),
            _ => Ok(()),
        }
    }

    /// Azure told what is left.
    pub fn told(&self, subscription: &str, kind: Kind, left: u32, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (subscription.to_ascii_lowercase(), kind);
        let left = f64::from(left);
        if !state.accounts.contains_key(&key) && state.accounts.len() >= MOST_ACCOUNTS {
            let oldest = state
                .accounts
                .iter()
                .min_by_key(|(_, entry)| entry.at)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                state.accounts.remove(&oldest);
            }
        }
        // An account that was only ever seen empty holds at least one: else nothing would ever be asked again.
        let most = state
            .accounts
            .get(&key)
            .map_or(left, |entry| entry.most.max(left))
            .max(1.0);
        state.accounts.insert(key, Entry { left, most, at: now });
    }

    /// Azure refused a request because too many were made in the subscription: nothing goes there until its time is over.
    pub fn throttled(&self, subscription: &str, retry_after: Option<Duration>, now: Instant) {
        let until = now + retry_after.unwrap_or(USUAL_PAUSE);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused.retain(|_, until| now < *until);
        if state.paused.len() < MOST_ACCOUNTS {
            let known = state
                .paused
                .entry(subscription.to_ascii_lowercase())
                .or_insert(until);
            *known = (*known).max(until);
        }
    }

    /// Requests that were not sent because they were not covered.
    #[must_use]
    pub fn withheld(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).withheld
    }

    /// All accounts as they stand.
    #[must_use]
    pub fn accounts(&self, now: Instant) -> Vec<Account> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .accounts
            .iter()
            .map(|((subscription, kind), entry)| Account {
                subscription: subscription.clone(),
                kind: *kind,
                left: if state.paused.get(subscription).is_some_and(|until| now < *until) {
                    0
                } else {
                    whole(entry.left_at(*kind, now))
                },
            })
            .collect()
    }
}

/// The subscription in a path; empty outside of all.
#[must_use]
pub fn subscription_of(path: &str) -> &str {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match segments.next() {
        Some(first) if first.eq_ignore_ascii_case("subscriptions") => segments.next().unwrap_or_default(),
        _ => "",
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is left came from a u32 and is not negative"
)]
fn whole(left: f64) -> u32 {
    left.clamp(0.0, f64::from(u32::MAX)) as u32
}
