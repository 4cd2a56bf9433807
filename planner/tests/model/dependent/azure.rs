//! The hub's small Azure with a storage account beside it.

use keyholder_crds::vocabulary::ENCRYPTION_TAG;
use keyholder_planner::Write;
use keyholder_planner::plan::Request;

use crate::hub;
use crate::reading::Operation;
use crate::world::{Ending, Taken};

/// Whose mark the storage account carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    Nobodys,
    Ours,
    Anothers,
}

/// A key without version: the account follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// That of the first hubs.
    First,
    /// Another of the same vault.
    Other,
}

impl Key {
    pub fn url(self) -> &'static str {
        match self {
            Self::First => "https://corp-keys.vault.azure.net/keys/ai-hub",
            Self::Other => "https://corp-keys.vault.azure.net/keys/other",
        }
    }
}

/// The storage account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Storage {
    pub mark: Mark,
    /// `None`: Microsoft's.
    pub key: Option<Key>,
    pub is_updating: bool,
}

/// What a write to it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Work {
    pub marks: bool,
    pub key: Option<Key>,
}

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Azure {
    pub hub: hub::azure::Azure,
    pub storage: Storage,
    pub operation: Operation<Work>,
}

impl Azure {
    /// Takes a request to the storage account in.
    pub fn take(&mut self, write: &Write) -> Taken {
        let Some(work) = work(write) else {
            return Taken::Refused;
        };
        if self.storage.is_updating {
            return Taken::Conflict;
        }
        self.storage.is_updating = true;
        self.operation = Operation::Running(work);
        Taken::Accepted
    }

    /// Ends the operation on the storage account.
    pub fn finish(&mut self, ending: Ending) {
        let Operation::Running(work) = self.operation else {
            return;
        };
        self.storage.is_updating = false;
        self.operation = match ending {
            Ending::Succeeds | Ending::IsIgnored => Operation::Succeeded,
            Ending::Fails | Ending::FailsAndBreaks => Operation::Failed,
        };
        if ending == Ending::Succeeds {
            self.storage.key = work.key;
            if work.marks {
                self.storage.mark = Mark::Ours;
            }
        }
    }
}

/// What a request asks of the storage account; `None`: nothing that it takes.
pub fn work(write: &Write) -> Option<Work> {
    let Request::Patch(body) = &write.request else {
        return None;
    };
    let encryption = body.pointer("/properties/encryption/keyvaultproperties")?;
    let part = |name: &str| encryption[name].as_str();
    let url = format!("{}/keys/{}", part("keyvaulturi")?, part("keyname")?);
    let key = [Key::First, Key::Other]
        .into_iter()
        .find(|key| key.url() == url)?;
    let tags = body.get("tags");
    Some(Work {
        marks: tags.is_some_and(|tags| tags.get(ENCRYPTION_TAG).is_some()),
        key: Some(key),
    })
}
