//! Management locks: `Microsoft.Authorization/locks` (azure-resource-manager/management/lock-resources).
//!
//! Invariant: a lock holds at its scope and below, for everybody; `CanNotDelete` refuses deletes, `ReadOnly` everything but
//! reads. What is locked keeps also what contains it from being deleted.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::address::{ResourceId, is_within};
use crate::front::{Method, Reply, Request};
use crate::refusal::Refusal;
use crate::settings::LockNamed;
use crate::text::at;
use crate::types::LOCKS;
use crate::world::World;

/// A lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) read_only: bool,
    pub(crate) notes: Option<String>,
}

impl Lock {
    fn id(&self) -> String {
        format!("{}/providers/{LOCKS}/{}", self.scope, self.name)
    }

    fn body(&self) -> Value {
        json!({
            "id": self.id(),
            "name": self.name,
            "type": LOCKS,
            "properties": {
                "level": if self.read_only { "ReadOnly" } else { "CanNotDelete" },
                "notes": self.notes,
            },
        })
    }

    fn refuses(&self, target: &str, method: Method) -> bool {
        let covers = is_within(target, &self.scope);
        match method {
            Method::Get => false,
            Method::Delete => covers || is_within(&self.scope, target),
            Method::Put | Method::Patch | Method::Post => self.read_only && covers,
        }
    }
}

impl World {
    /// Refuses what a lock on `target`, above it or (for a delete) below it forbids.
    pub(crate) fn check_locks(&self, target: &str, method: Method) -> Result<(), Refusal> {
        let named: Vec<String> = self
            .locks
            .iter()
            .filter(|lock| lock.refuses(target, method))
            .map(|lock| match self.settings.scope_locked_names {
                LockNamed::Scope => format!("'{}'", lock.scope),
                LockNamed::Lock => format!("'{}'", lock.id()),
            })
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let verb = match method {
            Method::Delete => "delete",
            _ => "write",
        };
        Err(Refusal::conflict(
            "ScopeLocked",
            format!(
                "The scope '{target}' cannot perform {verb} operation because following scope(s) are locked: {}. Please \
                 remove the lock and try again.",
                named.join(",")
            ),
        ))
    }

    /// Answers for a lock.
    pub(crate) fn lock(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let found = self.locks.iter().position(|one| {
            one.name.eq_ignore_ascii_case(&id.name) && one.scope.eq_ignore_ascii_case(&id.scope)
        });
        match request.method {
            Method::Get => found
                .and_then(|at| self.locks.get(at))
                .map(|lock| Reply::ok(lock.body()))
                .ok_or_else(|| {
                    Refusal::new(
                        StatusCode::NOT_FOUND,
                        "LockNotFound",
                        format!("The lock '{}' could not be found.", id.name),
                    )
                }),
            Method::Put => {
                let sent = request.required_body()?;
                crate::shape::check(&crate::shapes::LOCK, sent, false)?;
                let lock = Lock {
                    name: id.name.clone(),
                    scope: id.scope.clone(),
                    read_only: at(sent, "/properties/level")
                        .is_some_and(|level| level.eq_ignore_ascii_case("ReadOnly")),
                    notes: at(sent, "/properties/notes").map(str::to_owned),
                };
                let status = if found.is_some() {
                    StatusCode::OK
                } else {
                    StatusCode::CREATED
                };
                let reply = Reply::with(status, lock.body());
                self.add_lock(lock);
                Ok(reply)
            }
            Method::Delete => Ok(match found {
                Some(at) => {
                    self.locks.remove(at);
                    Reply::empty(StatusCode::OK)
                }
                None => Reply::empty(StatusCode::NO_CONTENT),
            }),
            Method::Patch | Method::Post => Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "A lock is written by PUT.",
            )),
        }
    }

    /// Sets a lock, in place of one of its name at its scope.
    pub(crate) fn add_lock(&mut self, lock: Lock) {
        self.locks.retain(|one| {
            !(one.name.eq_ignore_ascii_case(&lock.name) && one.scope.eq_ignore_ascii_case(&lock.scope))
        });
        self.locks.push(lock);
    }

    /// Locks at, above and below a scope.
    pub(crate) fn list_locks(&self, request: &Request<'_>, scope: &str) -> Reply {
        let items = self
            .locks
            .iter()
            .filter(|one| is_within(scope, &one.scope) || is_within(&one.scope, scope))
            .map(Lock::body)
            .collect();
        self.page(request, items)
    }
}
