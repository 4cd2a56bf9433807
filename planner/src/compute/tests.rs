//! High business impact is all that makes a difference, and a key of one's own makes none.

use keyholder_crds::DiskEncryption::{MicrosoftManaged, NotEncrypted, Unknown};

use super::*;
use crate::fixtures::*;

fn told(high_business_impact: bool) -> ComputeEncryption {
    let (hub, _) = ready_hub();
    let mut live = live(&hub, "Succeeded");
    live.high_business_impact = high_business_impact;
    let with_a_key = encryption(&live);
    live.encryption = None;
    assert_eq!(encryption(&live), with_a_key);
    with_a_key
}

#[test]
fn scratch_disks_depend_on_high_business_impact() {
    assert_eq!(
        told(true),
        ComputeEncryption {
            os_disks: MicrosoftManaged,
            instance_scratch_disks: MicrosoftManaged,
            cluster_scratch_disks: Unknown,
            serverless_os_disks: MicrosoftManaged,
            serverless_temporary_disks: MicrosoftManaged,
        }
    );
    assert_eq!(
        told(false),
        ComputeEncryption {
            os_disks: MicrosoftManaged,
            instance_scratch_disks: NotEncrypted,
            cluster_scratch_disks: NotEncrypted,
            serverless_os_disks: Unknown,
            serverless_temporary_disks: MicrosoftManaged,
        }
    );
}

#[test]
fn it_stands_in_the_status_once_the_hub_is_seen_in_order_and_follows_it() {
    let (hub, status) = ready_hub();
    assert_eq!(status.compute_encryption, Some(told(true)));
    let mut observed = created(&hub);
    let crate::observed::Fact::Known(live) = &mut observed.live else {
        panic!()
    };
    live.high_business_impact = false;
    let report = pass(&hub, &status, &observed, 100, false, &accepted()).report;
    assert_eq!(report.status.compute_encryption, Some(told(false)));
    // What was seen stays while Azure cannot be read.
    observed.live = crate::observed::Fact::not_read();
    let later = pass(&hub, &report.status, &observed, 200, false, &accepted()).report;
    assert_eq!(later.status.compute_encryption, Some(told(false)));
}
