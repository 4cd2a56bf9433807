//! What in Azure an object rests on: what the sweep looks over for it.

use keyholder_crds::ResourceStatus;
use keyholder_planner::validate::{KeyUser, ValidEncryption};
use keyholder_planner::{ArmId, Declared};

use crate::controller::Subject;

/// One object, and what in Azure it rests on.
pub(super) struct Interest {
    pub object: Subject,
    pub resource: ArmId,
    /// Of a project.
    pub parent: Option<ArmId>,
    pub group: Option<String>,
    /// What stands in its managed group and among its dependents.
    pub around: Vec<ArmId>,
    pub vault: Option<ArmId>,
    pub key: Option<String>,
    /// The version in use, where it is not the key's newest: the key itself tells nothing of it.
    pub older_version: Option<String>,
    pub user: Option<KeyUser>,
}

impl Interest {
    /// That of a valid object.
    pub fn of(object: Subject, status: Option<&ResourceStatus>, declared: Declared) -> Self {
        let group = status
            .and_then(|status| status.managed_resource_group.as_ref())
            .map(|group| group.name.to_lowercase());
        let around = around(status, &declared);
        let (vault, key, user) = match declared.encryption {
            ValidEncryption::CustomerManaged {
                vault, key, identity, ..
            } => (Some(vault), Some(key.to_string()), Some(identity)),
            ValidEncryption::Inherited | ValidEncryption::MicrosoftManaged => (None, None, None),
        };
        Self {
            parent: declared.kind.parent().cloned(),
            object,
            resource: declared.id,
            group,
            around,
            older_version: status
                .and_then(|status| status.encryption.as_ref())
                .filter(|encryption| encryption.latest_version != encryption.version)
                .and_then(|encryption| encryption.version.as_deref())
                .map(str::to_lowercase),
            vault,
            key,
            user,
        }
    }
}

/// The resources whose encryption an object tells.
fn around(status: Option<&ResourceStatus>, declared: &Declared) -> Vec<ArmId> {
    let group = status.and_then(|status| status.managed_resource_group.as_ref());
    let told = group.into_iter().flat_map(|group| {
        let told = group.resources.iter().filter(|one| one.encryption.is_some());
        told.map(|one| ArmId::of(declared.id.subscription(), &group.name, &one.r#type, &one.name))
    });
    told.chain(declared.dependents.iter().map(|one| one.id.clone()))
        .collect()
}
