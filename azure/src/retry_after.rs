//! `Retry-After`: seconds or an HTTP date (RFC 9110, 10.2.3), clamped to what ARM's contract allows.
//!
//! Invariant: whatever a server says, nobody is parked for longer than ten minutes.

use std::time::Duration;

use azure_core::http::headers::{HeaderName, Headers, RETRY_AFTER};
use jiff::Timestamp;

#[cfg(test)]
mod tests;

/// The longest wait that is believed; ARM's contract allows 10 s to 10 min (azure-resource-manager-rpc, Addendum).
pub const LONGEST: Duration = Duration::from_secs(600);

/// Milliseconds, as a few Azure services send them beside or instead of the standard header.
const RETRY_AFTER_MS: [HeaderName; 2] = [
    HeaderName::from_static("retry-after-ms"),
    HeaderName::from_static("x-ms-retry-after-ms"),
];

/// How long the server asks to be left alone, counted from `now`; none when it does not say, or nothing that means it.
#[must_use]
pub fn of(headers: &Headers, now: Timestamp) -> Option<Duration> {
    headers
        .get_optional_str(&RETRY_AFTER)
        .and_then(|value| parse(value, now))
        .or_else(|| {
            let millis = RETRY_AFTER_MS
                .iter()
                .find_map(|name| headers.get_optional_str(name))?;
            millis
                .trim()
                .parse()
                .ok()
                .map(|millis| Duration::from_millis(millis).min(LONGEST))
        })
}

/// The meaning of the header's value: seconds, or the time from `now` to a date (zero when it has passed).
#[must_use]
pub fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds still mean "long".
        return Some(
            value
                .parse()
                .map_or(LONGEST, |seconds| Duration::from_secs(seconds).min(LONGEST)),
        );
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let wait = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
    Some(wait.min(LONGEST))
}
