//! What the disks of a hub's compute are encrypted with, as far as Azure shows and Microsoft documents it.
//!
//! Sources: azure-ai-docs, concept-customer-managed-keys (01/28/2025) and concept-data-encryption (02/05/2025). They agree that
//! scratch disks depend on high business impact; that the OS disks of serverless compute do is said by the second alone.

use keyholder_crds::{ComputeEncryption, DiskEncryption};

use crate::observed::Live;

/// Says it of a hub as Azure has it.
#[must_use]
pub fn encryption(live: &Live) -> ComputeEncryption {
    let with_impact = |yes, no| if live.high_business_impact { yes } else { no };
    ComputeEncryption {
        os_disks: DiskEncryption::MicrosoftManaged,
        instance_scratch_disks: with_impact(DiskEncryption::MicrosoftManaged, DiskEncryption::NotEncrypted),
        cluster_scratch_disks: with_impact(DiskEncryption::Unknown, DiskEncryption::NotEncrypted),
        serverless_os_disks: with_impact(DiskEncryption::MicrosoftManaged, DiskEncryption::Unknown),
        serverless_temporary_disks: DiskEncryption::MicrosoftManaged,
    }
}

#[cfg(test)]
mod tests;
