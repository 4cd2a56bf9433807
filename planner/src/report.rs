//! From a judgement and what was done, to status, conditions and events.
//!
//! Invariant: status says what was observed or done. Transition times change with the condition's status alone; the
//! same facts give the same status, so that an unchanged status is not written.

use jiff::Timestamp;
use keyholder_crds::{AIHubStatus, Reason};

use crate::observed::Why;
use crate::plan::{Input, Next, Plan};

/// What became of the plan's write.
#[derive(Clone, Debug, PartialEq)]
pub enum Executed {
    /// There was nothing to write.
    Nothing,
    /// Azure accepted the write and works on it.
    Accepted {
        /// Where it reports, if it said.
        url: Option<String>,
        /// When it wants to be asked.
        poll_at: Timestamp,
    },
    /// Azure answered that the write is done.
    Done,
    /// The write was not accepted.
    Refused(Why),
    /// The intent could not be noted, so nothing was sent: somebody else changed the object.
    NotSent,
}

/// An event to emit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Warning rather than Normal.
    pub warning: bool,
    /// Reason.
    pub reason: Reason,
    /// Message.
    pub message: String,
}

/// What a pass has to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The whole new status.
    pub status: AIHubStatus,
    /// Events about what changed against the stored status.
    pub notes: Vec<Note>,
    /// When to look again.
    pub next: Next,
}

/// Says what came of a pass.
#[must_use]
pub fn report(_input: &Input<'_>, _plan: &Plan, _executed: &Executed) -> Report {
    todo!()
}
