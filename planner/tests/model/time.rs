//! Time, as far as it matters: a moment is past, or still to come.
//!
//! Invariant: it is always [`NOW`]. Time passes by moving everything that lay ahead into the past; so there are as many
//! statuses as there are things to say, and not as many as moments.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::{Operation, ResourceStatus};
use keyholder_planner::plan::Pace;

/// The one moment.
pub const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
/// Any moment that is still to come.
pub const SOON: Timestamp = Timestamp::constant(1_800_000_005, 0);
/// Any moment that is long past.
const LONG_AGO: Timestamp = Timestamp::constant(1_799_990_000, 0);

pub const PACE: Pace = Pace {
    probe: seconds(30),
    poll: seconds(10),
    settle: seconds(5),
    retry: seconds(30),
    expiry_lead: seconds(30 * 86_400),
    rotation_spread: seconds(0),
    propagation: seconds(600),
};

pub const fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// The status with each moment as one of the few.
pub fn normal(mut status: ResourceStatus) -> ResourceStatus {
    for condition in &mut status.conditions {
        condition.last_transition_time = Time(NOW);
    }
    for operation in operations(&mut status) {
        operation.not_before = operation
            .not_before
            .take()
            .map(|time| Time(if time.0 > NOW { SOON } else { NOW }));
        operation.started_at = Time(if operation.started_at.0 >= NOW {
            NOW
        } else {
            LONG_AGO
        });
    }
    if let Some(grant) = &mut status.access_grant {
        grant.granted_at = Time(NOW);
    }
    if let Some(encryption) = &mut status.encryption {
        encryption.applied_at = encryption.applied_at.take().map(|_| Time(NOW));
        for version in &mut encryption.versions {
            version.history_since = Time(NOW);
        }
    }
    status
}

/// The status a while later.
pub fn later(mut status: ResourceStatus) -> ResourceStatus {
    for operation in operations(&mut status) {
        operation.not_before = operation.not_before.take().map(|_| Time(NOW));
        operation.started_at = Time(LONG_AGO);
    }
    status
}

fn operations(status: &mut ResourceStatus) -> impl Iterator<Item = &mut Operation> {
    let of_dependents = status.dependents.iter_mut().map(|one| &mut one.operation);
    of_dependents.chain([&mut status.operation]).flatten()
}

/// Whether the status holds something that waits for its time.
pub fn waits(status: &ResourceStatus) -> bool {
    later(status.clone()) != *status
}

/// The status as a spec of a new generation finds it.
pub fn outdated(mut status: ResourceStatus) -> ResourceStatus {
    status.observed_generation = status.observed_generation.map(|_| 0);
    for condition in &mut status.conditions {
        condition.observed_generation = Some(0);
    }
    for operation in operations(&mut status) {
        operation.generation = Some(0);
    }
    status
}
