//! Keys without a version: a storage account and an account of Cosmos DB look from time to time whether there is a newer one.
//!
//! Invariant: a look is made when its time has come and somebody reads or writes the account, and nobody is told of it but by what the
//! account shows.

use jiff::Timestamp;

use crate::address::Address;
use crate::operations::later;
use crate::types::{COSMOS, STORAGE};
use crate::world::World;

impl World {
    /// Lets those look that a request is about.
    pub(crate) fn look_for_versions(&mut self, address: &Address, now: Timestamp) {
        let interval = self.settings.key_version_seconds;
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
            if !has_versions(resource.kind()) || now < later(resource.looked, interval) {
                continue;
            }
            let mut body = resource.body.clone();
            if is_storage(resource.kind()) {
                self.follow_storage_key(&mut body, now);
            } else {
                self.follow_database_key(&mut body, now);
            }
            if let Some(resource) = self.get_mut(&id) {
                resource.body = body;
                resource.looked = now;
            }
        }
    }
}

/// Whether a resource of a type looks for versions.
fn has_versions(kind: &str) -> bool {
    is_storage(kind) || kind.eq_ignore_ascii_case(COSMOS)
}

fn is_storage(kind: &str) -> bool {
    kind.eq_ignore_ascii_case(STORAGE)
}
