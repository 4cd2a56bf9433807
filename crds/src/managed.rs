//! What every custom resource of Keyholder's has, whatever it stands for in Azure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{AIHub, AIProject, AIServicesAccount, DeletionPolicy, ResourceStatus};

/// A custom resource that stands for one Azure resource.
pub trait Managed {
    /// Its metadata.
    fn metadata(&self) -> &ObjectMeta;
    /// Its status.
    fn status(&self) -> Option<&ResourceStatus>;
    /// What deleting it does in Azure.
    fn deletion_policy(&self) -> DeletionPolicy;
}

impl Managed for AIHub {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn status(&self) -> Option<&ResourceStatus> {
        self.status.as_ref()
    }

    fn deletion_policy(&self) -> DeletionPolicy {
        self.spec.deletion_policy
    }
}

impl Managed for AIServicesAccount {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn status(&self) -> Option<&ResourceStatus> {
        self.status.as_ref()
    }

    fn deletion_policy(&self) -> DeletionPolicy {
        self.spec.deletion_policy
    }
}

impl Managed for AIProject {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn status(&self) -> Option<&ResourceStatus> {
        self.status.as_ref()
    }

    fn deletion_policy(&self) -> DeletionPolicy {
        self.spec.deletion_policy
    }
}
