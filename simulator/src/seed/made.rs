//! Resources of a seed that were made earlier, each by a PUT.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::parsed;
use crate::address::ResourceId;
use crate::error::Error;
use crate::refusal::Refusal;
use crate::types::Type;
use crate::world::World;

/// One that was made earlier.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Made {
    id: String,
    /// As in the PUT that made it.
    body: Value,
}

impl Made {
    pub(super) fn new(id: String, body: Value) -> Self {
        Self { id, body }
    }

    /// Adds it, if it is of the type that the list of the seed is for.
    pub(super) fn apply(
        self,
        world: &mut World,
        (list, kind): (&str, &str),
        add: fn(&mut World, &ResourceId, &Value, Timestamp) -> Result<(), Refusal>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let wrong = |why: &str| Error::Seed(format!("{list}: {}: {why}", self.id));
        let id = parsed(&self.id)?;
        let kind = Type::named(kind)
            .filter(|kind| id.kind.eq_ignore_ascii_case(kind.name))
            .ok_or_else(|| wrong(&format!("is no {kind}")))?;
        crate::shape::check(kind.body, &self.body, false).map_err(|refusal| wrong(&refusal.message))?;
        add(world, &id, &self.body, now).map_err(|refusal| wrong(&refusal.message))
    }
}
