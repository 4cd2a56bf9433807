//! What hubs and accounts rest on, in a seed: storage accounts and search services.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::made::Made;
use crate::error::Error;
use crate::types;
use crate::world::World;

/// By its place alone, or by the PUT that made it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StorageAccount {
    id: String,
    location: Option<String>,
    body: Option<Value>,
}

/// By the PUT that made it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SearchService {
    id: String,
    body: Value,
    /// Whether all that is in it has a key of its own.
    #[serde(default = "yes")]
    objects_comply: bool,
}

fn yes() -> bool {
    true
}

impl SearchService {
    pub(super) fn apply(self, world: &mut World, now: Timestamp) -> Result<(), Error> {
        let kind = ("searchServices", types::SEARCH);
        Made::new(self.id.clone(), self.body).apply(world, kind, World::add_search, now)?;
        if !self.objects_comply {
            world.add_plain_objects(&self.id, now);
        }
        Ok(())
    }
}

impl StorageAccount {
    pub(super) fn apply(self, world: &mut World, now: Timestamp) -> Result<(), Error> {
        let body = match (self.location, self.body) {
            (Some(location), None) => {
                json!({ "location": location, "sku": { "name": "Standard_LRS" }, "kind": "StorageV2" })
            }
            (None, Some(body)) => body,
            _ => {
                return Err(Error::Seed(format!(
                    "storageAccounts: {}: it has either a location or a body",
                    self.id
                )));
            }
        };
        let kind = ("storageAccounts", types::STORAGE);
        Made::new(self.id, body).apply(world, kind, World::add_storage, now)
    }
}
