//! A small Azure: one hub, its last operation, and the versions of a key.
//!
//! Invariant: it does what a request's body says and knows nothing of why it was sent.

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_planner::Write;
use keyholder_planner::plan::Request;
use serde_json::Value;

use crate::reading::Operation;
use crate::world::{Ending, Taken};

/// A key version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The first version of the key.
    First,
    /// Its second.
    Second,
    /// Another key of the vault.
    Other,
    /// A key of another vault.
    Elsewhere,
}

impl Key {
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::Other, Self::Elsewhere];

    pub fn version(self) -> &'static str {
        match self {
            Self::First => "11111111111111111111111111111111",
            Self::Second => "22222222222222222222222222222222",
            Self::Other => "33333333333333333333333333333333",
            Self::Elsewhere => "44444444444444444444444444444444",
        }
    }

    pub fn vault(self) -> &'static str {
        if self == Self::Elsewhere {
            "other-keys"
        } else {
            "corp-keys"
        }
    }

    pub fn name(self) -> &'static str {
        if self == Self::Other { "other" } else { "ai-hub" }
    }

    pub fn url(self) -> String {
        format!(
            "https://{}.vault.azure.net/keys/{}/{}",
            self.vault(),
            self.name(),
            self.version()
        )
    }

    fn of_url(url: &str) -> Self {
        Self::ALL.into_iter().find(|one| one.url() == url).unwrap()
    }

    /// Whether this is an older version of the same key.
    pub fn is_older_than(self, other: Self) -> bool {
        self == Self::First && other == Self::Second
    }
}

/// The versions that the declared key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keys {
    /// The first.
    One,
    /// Two, both usable.
    Rotated,
    /// Two; the second is disabled.
    SecondDisabled,
}

/// How far the hub is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HubState {
    Creating,
    Updating,
    Deleting,
    Succeeded,
    Failed,
}

/// A hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hub {
    /// Whether it carries the object's owner tag.
    pub is_ours: bool,
    pub state: HubState,
    pub key: Option<Key>,
    pub other_storage: bool,
    pub is_tagged: bool,
}

impl Hub {
    /// Somebody else's, in order.
    pub const ANOTHERS: Self = Self {
        is_ours: false,
        state: HubState::Succeeded,
        key: Some(Key::First),
        other_storage: false,
        is_tagged: false,
    };

    pub fn is_in_progress(&self) -> bool {
        matches!(
            self.state,
            HubState::Creating | HubState::Updating | HubState::Deleting
        )
    }
}

/// What an operation will have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// The hub is then this.
    Put(Hub),
    Key(Key),
    Tags,
    Delete,
}

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Azure {
    pub hub: Option<Hub>,
    pub operation: Operation<Work>,
    pub keys: Keys,
}

impl Azure {
    pub fn is_working(&self) -> bool {
        matches!(self.operation, Operation::Running(_))
    }

    /// Takes a request in.
    pub fn take(&mut self, write: &Write) -> Taken {
        let work = work(write, self.hub.as_ref());
        let Some(hub) = self.hub.as_mut() else {
            return match work {
                Work::Put(hub) => {
                    self.hub = Some(Hub {
                        state: HubState::Creating,
                        ..hub
                    });
                    self.operation = Operation::Running(work);
                    Taken::Accepted
                }
                Work::Delete => Taken::Done,
                Work::Key(_) | Work::Tags => Taken::Refused,
            };
        };
        if self.operation == Operation::Running(work) && hub.state == HubState::Creating {
            return Taken::Accepted;
        }
        if hub.is_in_progress() {
            return Taken::Conflict;
        }
        hub.state = match work {
            Work::Put(_) => HubState::Creating,
            Work::Key(_) | Work::Tags => HubState::Updating,
            Work::Delete => HubState::Deleting,
        };
        self.operation = Operation::Running(work);
        Taken::Accepted
    }

    /// Ends the operation that runs.
    pub fn finish(&mut self, ending: Ending) {
        let Operation::Running(work) = self.operation else {
            return;
        };
        let succeeded = matches!(ending, Ending::Succeeds | Ending::IsIgnored);
        self.operation = if succeeded {
            Operation::Succeeded
        } else {
            Operation::Failed
        };
        let Some(hub) = self.hub.as_mut() else { return };
        hub.state = if ending == Ending::FailsAndBreaks {
            HubState::Failed
        } else {
            HubState::Succeeded
        };
        match (work, ending) {
            (Work::Put(made), Ending::Succeeds) => *hub = made,
            // A creation that failed leaves what it began.
            (Work::Put(_), _) => hub.state = HubState::Failed,
            (Work::Key(key), Ending::Succeeds) => hub.key = Some(key),
            (Work::Tags, Ending::Succeeds) => hub.is_tagged = true,
            (Work::Delete, Ending::Succeeds) => self.hub = None,
            _ => {}
        }
    }
}

/// What a request's body asks for.
pub fn work(write: &Write, hub: Option<&Hub>) -> Work {
    match &write.request {
        Request::Delete { .. } => Work::Delete,
        Request::Assign(_) => panic!("no object of the model asks for a grant"),
        Request::Purge(_) => panic!("a hub is purged with its deletion"),
        Request::Put(body) => Work::Put(Hub {
            is_ours: owner(body).is_some(),
            state: HubState::Succeeded,
            key: key(body),
            other_storage: body["properties"]["storageAccount"]
                .as_str()
                .unwrap()
                .ends_with("otherdata"),
            is_tagged: body["tags"].get("team").is_some(),
        }),
        Request::Patch(body) => match (key(body), hub) {
            (Some(key), _) => Work::Key(key),
            (None, _) => Work::Tags,
        },
    }
}

fn key(body: &Value) -> Option<Key> {
    body.pointer("/properties/encryption/keyVaultProperties/keyIdentifier")
        .map(|url| Key::of_url(url.as_str().unwrap()))
}

/// The owner tag that a body writes.
pub fn owner(body: &Value) -> Option<&str> {
    body.get("tags")?.get(OWNER_TAG)?.as_str()
}
