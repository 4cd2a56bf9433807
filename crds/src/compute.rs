//! What the disks of compute are encrypted with.
//!
//! Invariant: nothing here was read from a disk. Azure tells of high business impact alone; the rest is what Microsoft
//! documents of it, and where its pages differ, or more would have to be known, it is `Unknown`.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

/// What a kind of disk is encrypted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumIter)]
pub enum DiskEncryption {
    /// A key that Microsoft manages. A key of yours cannot be had there.
    MicrosoftManaged,
    /// Nothing.
    NotEncrypted,
    /// It cannot be told from what Azure shows and Microsoft documents.
    Unknown,
}

/// What the disks of a hub's compute are encrypted with. The hub's own key encrypts none of them: Azure offers no
/// customer-managed key for disks of compute. Attached compute is encrypted as whoever owns it chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComputeEncryption {
    /// OS disks of compute instances and clusters.
    pub os_disks: DiskEncryption,
    /// Scratch disks of compute instances: encrypted only where high business impact was chosen when the hub was created.
    pub instance_scratch_disks: DiskEncryption,
    /// Scratch disks of compute clusters. With high business impact Azure encrypts them only if the subscription had no
    /// clusters before, which cannot be seen here: Unknown.
    pub cluster_scratch_disks: DiskEncryption,
    /// OS disks of serverless compute. Without high business impact Microsoft's pages differ: Unknown.
    pub serverless_os_disks: DiskEncryption,
    /// Temporary disks of serverless compute, which last as long as the job.
    pub serverless_temporary_disks: DiskEncryption,
}
