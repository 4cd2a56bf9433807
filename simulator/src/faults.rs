//! Trouble on purpose, and requests that are held.
//!
//! Invariant: a request that is held before its effect and whose client goes away has no effect.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

use crate::front::Reply;
use crate::refusal::Refusal;

/// Which requests meet which trouble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Fault {
    /// Only this principal's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    /// Only this HTTP method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// Only this resource type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Only URLs with this in them, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url_contains: Option<String>,
    /// Only from the n-th such request on; counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nth: Option<u32>,
    /// So many times; without it and with `nth` once, else always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    /// What happens.
    pub(crate) action: Action,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Action {
    /// It is refused.
    #[serde(rename_all = "camelCase")]
    Status {
        status: u16,
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
        #[serde(default)]
        headers: HashMap<String, String>,
    },
    /// It waits, in milliseconds.
    DelayMs(u64),
    /// The connection ends before anything is done.
    DropBefore,
    /// It is done, and the connection ends without an answer.
    DropAfter,
    /// Half of the answer's body is sent.
    Truncate,
    /// The answer is JSON of another shape.
    WrongType,
    /// The list never ends.
    EndlessList,
    /// 200, and nothing is changed.
    IgnoreWrite,
    /// It is accepted, and its operation fails.
    FailOperation {
        code: String,
        #[serde(default)]
        message: String,
    },
    /// Reads see its effect only after so many seconds.
    LagSeconds(f64),
    /// It is held.
    Hold(When),
}

impl Action {
    /// The answer of a fault that refuses.
    pub(crate) fn refusal(&self) -> Option<Reply> {
        let Self::Status {
            status,
            code,
            message,
            headers,
        } = self
        else {
            return None;
        };
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reply = Reply::from(Refusal::new(status, code, message));
        Some(
            headers
                .iter()
                .fold(reply, |reply, (name, value)| reply.header(name, value)),
        )
    }
}

/// When a request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum When {
    /// Before it has its effect.
    Before,
    /// After its effect, before its answer.
    After,
}

/// What a fault is matched with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) principal: &'a str,
    pub(crate) method: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) url: &'a str,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u32,
    fired: u32,
}

#[derive(Debug)]
struct Held {
    what: Value,
    release: oneshot::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    armed: Vec<Armed>,
    held: BTreeMap<u64, Held>,
    next: u64,
}

/// All faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one.
    pub(crate) fn add(&self, fault: Fault) {
        self.lock().armed.push(Armed {
            fault,
            seen: 0,
            fired: 0,
        });
    }

    /// All that were added.
    pub(crate) fn list(&self) -> Value {
        let faults: Vec<Value> = self
            .lock()
            .armed
            .iter()
            .map(|armed| json!({ "fault": armed.fault, "seen": armed.seen, "fired": armed.fired }))
            .collect();
        Value::Array(faults)
    }

    /// Takes all away, and lets go what is held.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        state.armed.clear();
        state.held.clear();
    }

    /// What a request meets: the first fault that fits.
    pub(crate) fn meet(&self, seen: Seen<'_>) -> Option<Fault> {
        let mut met = None;
        for armed in &mut self.lock().armed {
            if !armed.fault.fits(seen) {
                continue;
            }
            armed.seen += 1;
            let from = armed.fault.nth.unwrap_or(1);
            let most = armed
                .fault
                .times
                .unwrap_or(if armed.fault.nth.is_some() { 1 } else { u32::MAX });
            if met.is_none() && armed.seen >= from && armed.fired < most {
                armed.fired += 1;
                met = Some(armed.fault.clone());
            }
        }
        met
    }

    /// Holds the request until it is let go. If the caller goes away meanwhile, it is held no more.
    pub(crate) async fn hold(&self, what: Value) {
        let (release, released) = oneshot::channel();
        let id = {
            let mut state = self.lock();
            state.next += 1;
            let id = state.next;
            state.held.insert(id, Held { what, release });
            id
        };
        self.changed.notify_waiters();
        let _forget = Forget { faults: self, id };
        // Let go, or all faults were taken away.
        let _ = released.await;
    }

    /// What is held.
    pub(crate) fn holds(&self) -> Vec<Value> {
        self.lock()
            .held
            .iter()
            .map(|(id, held)| {
                let mut what = held.what.clone();
                crate::text::set(&mut what, "id", id.to_string());
                what
            })
            .collect()
    }

    /// Waits until something is held.
    pub(crate) async fn until_held(&self) -> Vec<Value> {
        loop {
            let changed = self.changed.notified();
            let holds = self.holds();
            if !holds.is_empty() {
                return holds;
            }
            changed.await;
        }
    }

    /// Lets one go. Whether there was one.
    pub(crate) fn release(&self, id: u64) -> bool {
        match self.lock().held.remove(&id) {
            Some(held) => {
                // It may have gone by itself.
                let _ = held.release.send(());
                true
            }
            None => false,
        }
    }
}

struct Forget<'a> {
    faults: &'a Faults,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.faults.lock().held.remove(&self.id);
    }
}

impl Fault {
    fn fits(&self, seen: Seen<'_>) -> bool {
        let same = |wanted: &Option<String>, have: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(have))
        };
        same(&self.principal, seen.principal)
            && same(&self.method, seen.method)
            && same(&self.kind, seen.kind)
            && self
                .url_contains
                .as_ref()
                .is_none_or(|part| seen.url.to_lowercase().contains(&part.to_lowercase()))
    }
}
