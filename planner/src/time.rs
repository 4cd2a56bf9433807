//! Points in time as status holds them.
//!
//! Invariant: Kubernetes keeps whole seconds; a time that gates something is rounded up, so that it is never early.

use jiff::{SignedDuration, Timestamp};

/// The second that a moment is in.
#[must_use]
pub fn second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

/// The next whole second, or the moment itself when it is one.
#[must_use]
pub fn not_before(moment: Timestamp) -> Timestamp {
    let second = second(moment);
    if second >= moment {
        second
    } else {
        after(second, SignedDuration::from_secs(1))
    }
}

/// A moment and a while; at the end of time it stays there.
#[must_use]
pub fn after(moment: Timestamp, while_: SignedDuration) -> Timestamp {
    moment.saturating_add(while_).unwrap_or(moment)
}

#[cfg(test)]
mod tests;
