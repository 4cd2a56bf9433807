//! Keys without a version: storage accounts, accounts of Cosmos DB and container registries look from time to time whether there is a
//! newer one.
//!
//! Invariant: a look is made when its time has come and somebody reads or writes the resource, and nobody is told of it but by what the
//! resource shows.

use jiff::Timestamp;

use crate::address::Address;
use crate::operations::later;
use crate::types::{COSMOS, REGISTRIES, STORAGE};
use crate::world::World;

impl World {
    /// Lets those look that a request is about.
    pub(crate) fn look_for_versions(&mut self, address: &Address, now: Timestamp) {
        let ids: Vec<String> = match address {
            Address::Resource(id) => vec![id.id.clone()],
            Address::Collection { scope, kind } if has_versions(kind) => self
                .within(scope)
                .filter(|one| has_versions(one.kind()))
                .map(|one| one.id().to_owned())
                .collect(),
            _ => return,
        };
        for id in ids {
            let Some(resource) = self.get(&id) else { continue };
            let kind = resource.kind();
            if !has_versions(kind) || now < later(resource.looked, self.key_version_interval(kind)) {
                continue;
            }
            let mut body = resource.body.clone();
            if is_storage(kind) {
                self.follow_storage_key(&mut body, now);
            } else if is_registry(kind) {
                self.follow_registry_key(&mut body, now);
            } else {
                self.follow_database_key(&mut body, now);
            }
            if let Some(resource) = self.get_mut(&id) {
                resource.body = body;
                resource.looked = now;
            }
        }
    }

    /// A registry looks once an hour where storage looks once a day (container-registry, tutorial-customer-managed-keys).
    fn key_version_interval(&self, kind: &str) -> f64 {
        let day = self.settings.key_version_seconds;
        if is_registry(kind) { day / 24.0 } else { day }
    }
}

/// Whether a resource of a type looks for versions.
fn has_versions(kind: &str) -> bool {
    is_storage(kind) || is_registry(kind) || kind.eq_ignore_ascii_case(COSMOS)
}

fn is_registry(kind: &str) -> bool {
    kind.eq_ignore_ascii_case(REGISTRIES)
}

fn is_storage(kind: &str) -> bool {
    kind.eq_ignore_ascii_case(STORAGE)
}
