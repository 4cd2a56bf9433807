//! Groups of principals, and locks, as a seed has them.

use serde::Deserialize;

use super::parsed;
use crate::error::Error;
use crate::locks;
use crate::world::{PrincipalGroup, World};

/// A group of principals in the directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    object_id: Option<String>,
    /// Names of principals, identities and groups that stand above.
    #[serde(default)]
    members: Vec<String>,
}

/// A management lock.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Lock {
    id: String,
    level: Level,
    notes: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Level {
    CanNotDelete,
    ReadOnly,
}

impl Group {
    pub(super) fn apply(self, world: &mut World) -> Result<(), Error> {
        let members = self
            .members
            .iter()
            .map(|member| {
                named(world, member)
                    .ok_or_else(|| Error::Seed(format!("groups: there is no principal {member}")))
            })
            .collect::<Result<_, _>>()?;
        world.groups_of_principals.push(PrincipalGroup {
            object_id: self.object_id.unwrap_or_else(|| crate::text::guid(&self.name)),
            name: self.name,
            members,
        });
        Ok(())
    }
}

impl Lock {
    pub(super) fn apply(self, world: &mut World) -> Result<(), Error> {
        let id = parsed(&self.id)?;
        world.add_lock(locks::Lock {
            name: id.name,
            scope: id.scope,
            read_only: self.level == Level::ReadOnly,
            notes: self.notes,
        });
        Ok(())
    }
}

/// The object id of a principal, an identity or a group.
pub(super) fn named(world: &World, name: &str) -> Option<String> {
    let principals = world.principals.iter().map(|one| (&one.name, &one.object_id));
    let groups = world
        .groups_of_principals
        .iter()
        .map(|one| (&one.name, &one.object_id));
    principals
        .chain(groups)
        .find(|(known, _)| *known == name)
        .map(|(_, object_id)| object_id.clone())
}
