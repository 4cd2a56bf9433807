//! A small Azure: one account, what is kept of a deleted one, its last operation, and who may use the keys.
//!
//! Invariant: it does what a request's body says and knows nothing of why it was sent.

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_planner::Write;
use keyholder_planner::plan::Request;
use serde_json::Value;

use crate::reading::Operation;
use crate::world::{Ending, Taken};

/// A key as an account names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A key of the vault, followed.
    Followed,
    /// The version of it that there is, pinned.
    Pinned,
    /// Another key of the vault.
    Other,
    /// A key of another vault.
    Elsewhere,
}

impl Key {
    pub const ALL: [Self; 4] = [Self::Followed, Self::Pinned, Self::Other, Self::Elsewhere];
    pub const VERSION: &'static str = "11111111111111111111111111111111";

    pub fn vault(self) -> &'static str {
        if self == Self::Elsewhere {
            "other-keys"
        } else {
            "corp-keys"
        }
    }

    pub fn name(self) -> &'static str {
        if self == Self::Other { "other" } else { "ai" }
    }

    pub fn url(self) -> String {
        let key = format!("https://{}.vault.azure.net/keys/{}", self.vault(), self.name());
        if self == Self::Pinned {
            format!("{key}/{}", Self::VERSION)
        } else {
            key
        }
    }
}

/// How far the account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountState {
    Creating,
    Updating,
    Deleting,
    Succeeded,
    Failed,
}

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// Whether it carries the object's owner tag.
    pub is_ours: bool,
    pub state: AccountState,
    /// `None`: Microsoft's.
    pub key: Option<Key>,
    pub projects: bool,
}

impl Account {
    /// Somebody else's, in order.
    pub const ANOTHERS: Self = Self {
        is_ours: false,
        state: AccountState::Succeeded,
        key: None,
        projects: false,
    };

    pub fn is_in_progress(&self) -> bool {
        !matches!(self.state, AccountState::Succeeded | AccountState::Failed)
    }
}

/// What an operation will have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// The account is then this.
    Put(Account),
    Key(Option<Key>),
    Projects,
    Delete,
    Purge,
    /// The account's own identity may use the keys.
    Grant,
}

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Azure {
    pub account: Option<Account>,
    /// A deleted account is kept; whether it carries the object's owner tag.
    pub kept: Option<bool>,
    pub operation: Operation<Work>,
    /// Whether the account's own identity may use the keys.
    pub has_access: bool,
    /// Whether the keys are enabled.
    pub keys_are_enabled: bool,
}

impl Azure {
    /// Takes a request in.
    pub fn take(&mut self, write: &Write) -> Taken {
        let work = work(write);
        if work == Work::Grant {
            // Without the account there is no such principal.
            self.has_access |= self.account.is_some();
            return Taken::Done;
        }
        if work == Work::Purge {
            // Nothing but its URL would tell of a purge that lasts: here it is over when it has arrived.
            self.kept = None;
            return Taken::Done;
        }
        match (&mut self.account, work) {
            // What is kept holds the name.
            (None, Work::Put(_)) if self.kept.is_some() => return Taken::Refused,
            (None, Work::Put(made)) => {
                self.account = Some(Account {
                    state: AccountState::Creating,
                    ..made
                });
            }
            (None, Work::Delete) => return Taken::Done,
            (None, _) => return Taken::Refused,
            (Some(account), _) if account.is_in_progress() => {
                let is_same =
                    self.operation == Operation::Running(work) && account.state == AccountState::Creating;
                return if is_same { Taken::Accepted } else { Taken::Conflict };
            }
            (Some(account), Work::Put(_)) => account.state = AccountState::Creating,
            (Some(account), Work::Delete) => account.state = AccountState::Deleting,
            (Some(account), _) => account.state = AccountState::Updating,
        }
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
        let Some(account) = self.account.as_mut() else {
            return;
        };
        account.state = if ending == Ending::FailsAndBreaks {
            AccountState::Failed
        } else {
            AccountState::Succeeded
        };
        match (work, ending) {
            (Work::Put(made), Ending::Succeeds) => *account = made,
            // A creation that failed leaves what it began.
            (Work::Put(_), _) => account.state = AccountState::Failed,
            (Work::Key(key), Ending::Succeeds) => account.key = key,
            (Work::Projects, Ending::Succeeds) => account.projects = true,
            (Work::Delete, Ending::Succeeds) => self.remove(),
            _ => {}
        }
    }

    /// The account is deleted and kept; its identity is gone.
    pub fn remove(&mut self) {
        self.kept = self.account.take().map(|account| account.is_ours);
        self.has_access = false;
    }
}

/// What a request's body asks for.
pub fn work(write: &Write) -> Work {
    let body = match &write.request {
        Request::Delete { .. } => return Work::Delete,
        Request::Assign(_) => return Work::Grant,
        Request::Purge(_) => return Work::Purge,
        Request::Put(body) | Request::Patch(body) => body,
    };
    let encryption = body.pointer("/properties/encryption");
    let key = encryption.and_then(key);
    let projects = body.pointer("/properties/allowProjectManagement") == Some(&Value::Bool(true));
    match (&write.request, encryption) {
        (Request::Put(_), _) => Work::Put(Account {
            is_ours: owner(body).is_some(),
            state: AccountState::Succeeded,
            key,
            projects,
        }),
        (_, Some(_)) => Work::Key(key),
        (_, None) => Work::Projects,
    }
}

/// The key of an encryption block; `None`: Microsoft's.
fn key(encryption: &Value) -> Option<Key> {
    if encryption["keySource"] == "Microsoft.CognitiveServices" {
        return None;
    }
    let of_key = &encryption["keyVaultProperties"];
    let part = |name: &str| of_key[name].as_str().unwrap();
    let url = format!("{}keys/{}", part("keyVaultUri"), part("keyName"));
    let url = match part("keyVersion") {
        "" => url,
        version => format!("{url}/{version}"),
    };
    Some(Key::ALL.into_iter().find(|one| one.url() == url).unwrap())
}

/// The owner tag that a body writes.
pub fn owner(body: &Value) -> Option<&str> {
    body.get("tags")?.get(OWNER_TAG)?.as_str()
}
