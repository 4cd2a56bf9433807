//! How much Azure Resource Manager lets one principal ask of one subscription: a token bucket for reads, one for writes, one
//! for deletes (azure-resource-manager/management/request-limits-and-throttling).
//!
//! Invariant: a request that is refused takes nothing; what is left is told with every answer.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::Timestamp;

use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::settings::Limits;
use crate::world::World;

/// What a request counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Reads,
    Writes,
    Deletes,
}

impl Class {
    fn of(method: Method) -> Self {
        match method {
            Method::Get => Self::Reads,
            Method::Put | Method::Patch | Method::Post => Self::Writes,
            Method::Delete => Self::Deletes,
        }
    }

    fn header(self) -> &'static str {
        match self {
            Self::Reads => "x-ms-ratelimit-remaining-subscription-reads",
            Self::Writes => "x-ms-ratelimit-remaining-subscription-writes",
            Self::Deletes => "x-ms-ratelimit-remaining-subscription-deletes",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Reads => "read",
            Self::Writes => "write",
            Self::Deletes => "delete",
        }
    }

    fn size(self, limits: &Limits) -> (u32, f64) {
        match self {
            Self::Reads => (limits.reads, limits.reads_per_second),
            Self::Writes => (limits.writes, limits.writes_per_second),
            Self::Deletes => (limits.deletes, limits.deletes_per_second),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// All buckets, by subscription, principal and class. One that was never asked is full.
#[derive(Debug, Default)]
pub(crate) struct Buckets(BTreeMap<(String, String, Class), Bucket>);

impl World {
    /// Takes a token for a request, or refuses it. Gives the header that tells what is left, unless nothing is limited.
    pub(crate) fn take_token(
        &mut self,
        request: &Request<'_>,
        subscription: &str,
    ) -> Result<Option<(&'static str, u32)>, Reply> {
        let class = Class::of(request.method);
        let (size, per_second) = class.size(&self.settings.limits);
        if size == 0 {
            return Ok(None);
        }
        let full = f64::from(size);
        let key = (
            subscription.to_lowercase(),
            request.caller.object_id.to_lowercase(),
            class,
        );
        let bucket = self.buckets.0.entry(key).or_insert(Bucket {
            tokens: full,
            at: request.now,
        });
        let passed = request.now.duration_since(bucket.at).as_secs_f64().max(0.0);
        bucket.tokens = passed.mul_add(per_second, bucket.tokens).min(full);
        bucket.at = request.now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(Some((class.header(), whole(bucket.tokens))));
        }
        let wait = if per_second > 0.0 {
            whole(((1.0 - bucket.tokens) / per_second).ceil()).max(1)
        } else {
            3600
        };
        let refusal = Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "SubscriptionRequestsThrottled",
            format!(
                "Number of '{}' requests for subscription '{subscription}' actor '{}' exceeded. Please try again after \
                 '{wait}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for \
                 additional information.",
                class.word(),
                request.caller.object_id
            ),
        );
        Err(Reply::from(refusal)
            .header("retry-after", &wait.to_string())
            .header(class.header(), "0"))
    }
}

/// A number of tokens without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bucket holds a small number that is not negative"
)]
fn whole(tokens: f64) -> u32 {
    tokens.clamp(0.0, f64::from(u32::MAX)) as u32
}
