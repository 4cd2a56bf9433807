//! Where what the agents of a project keep lies, as its capability host tells it (azure-ai-docs, foundry/agents: concepts-capability-hosts,
//! 06/23/2026, and faq, 02/02/2026).
//!
//! Invariant: what is not told to be in resources of the user's own is with Microsoft, and what could not be read is told as not known;
//! what was known of it stays. Connections of the account's capability host do not count for a project: an edition before that (01/20/2026)
//! said that they do.

use jiff::{SignedDuration, Timestamp};
use keyholder_crds::{AgentCoverage, AgentData, Coverage};
use strum::IntoEnumIterator;

use crate::observed::{CapabilityHost, Fact, Why};
use crate::plan::Input;
use crate::report::wording;
use crate::time::after;

/// Between two looks at rest: a capability host cannot be changed, only made anew, and no list of a subscription has them.
const BETWEEN_LOOKS: SignedDuration = SignedDuration::from_hours(24);
/// While Azure makes or takes away a capability host.
const WHILE_IT_CHANGES: SignedDuration = SignedDuration::from_mins(10);
/// After a look that found nothing out.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_hours(1);

/// Tells it.
pub(crate) fn judge(input: &Input<'_>) -> AgentCoverage {
    match &input.observed.capability_hosts {
        Fact::Known(hosts) => told(hosts),
        Fact::Absent => told(&[]),
        Fact::Unknown(why) => not_known(why, input.status.agent_coverage.as_ref()),
    }
}

/// When to look again, if nothing else calls for a look.
pub(crate) fn next_look(
    coverage: &AgentCoverage,
    hosts: &Fact<Vec<CapabilityHost>>,
    now: Timestamp,
) -> Timestamp {
    let found_out = coverage.coverage != Coverage::Unknown && coverage.last_look_failed.is_none();
    let changes = hosts
        .known()
        .is_some_and(|hosts| hosts.iter().any(|host| !in_force(host)));
    let wait = match (found_out, changes) {
        (true, true) => WHILE_IT_CHANGES,
        (true, false) => BETWEEN_LOOKS,
        (false, _) => AFTER_FAILURE,
    };
    after(now, wait)
}

fn told(hosts: &[CapabilityHost]) -> AgentCoverage {
    // Azure has one for each project; another may be on its way out or in.
    let host = hosts.iter().find(|host| in_force(host)).or(hosts.first());
    let connections = |data| {
        let host = host.filter(|host| in_force(host));
        host.map_or(&[][..], |host| match data {
            AgentData::Files => &host.files,
            AgentData::Threads => &host.threads,
            AgentData::VectorStores => &host.vector_stores,
        })
    };
    let not_covered: Vec<AgentData> = AgentData::iter()
        .filter(|data| connections(*data).is_empty())
        .collect();
    let missing = words(&not_covered);
    let message = match host {
        None => format!(
            "The project has no capability host: {missing} of its agents are with Microsoft, under Microsoft's keys, whatever key the \
             account has. For keys of your own the project needs a capability host that names connections to resources of yours for all \
             three, the standard agent setup."
        ),
        Some(host) if !in_force(host) => format!(
            "The project's capability host {} is {}: until it is Succeeded, {missing} of its agents are taken to be with Microsoft, under \
             Microsoft's keys.",
            host.name,
            host.state.as_deref().unwrap_or_default()
        ),
        Some(host) if !not_covered.is_empty() => format!(
            "The project's capability host {} names no connection for {missing} of its agents: they are with Microsoft, under Microsoft's \
             keys. A capability host cannot be changed, only deleted and made anew.",
            host.name
        ),
        Some(host) => {
            let named: Vec<&str> = AgentData::iter()
                .flat_map(&connections)
                .map(String::as_str)
                .collect();
            format!(
                "What its agents keep is in resources of your own, each with an encryption of its own, by the connections of the capability \
                 host {}: {}. The account's key does not pass down to them.",
                host.name,
                named.join(", ")
            )
        }
    };
    AgentCoverage {
        coverage: if not_covered.is_empty() {
            Coverage::Full
        } else {
            Coverage::Partial
        },
        capability_host: host.map(|host| host.name.clone()),
        not_covered,
        message,
        last_look_failed: None,
    }
}

fn not_known(why: &Why, before: Option<&AgentCoverage>) -> AgentCoverage {
    let worded = |stored: Option<&String>, new: String| {
        stored
            .filter(|stored| wording::says_the_same(stored, &new))
            .cloned()
            .unwrap_or(new)
    };
    match before.filter(|before| before.coverage != Coverage::Unknown) {
        Some(before) => AgentCoverage {
            last_look_failed: Some(worded(before.last_look_failed.as_ref(), why.message.clone())),
            ..before.clone()
        },
        None => AgentCoverage {
            coverage: Coverage::Unknown,
            capability_host: None,
            not_covered: Vec::new(),
            message: worded(
                before.map(|before| &before.message),
                format!(
                    "The project's capability hosts could not be looked at: {}",
                    why.message
                ),
            ),
            last_look_failed: None,
        },
    }
}

/// An absent state means succeeded (azure-resource-manager-rpc, Addendum).
fn in_force(host: &CapabilityHost) -> bool {
    let state = host.state.as_deref();
    state.is_none_or(|state| state.eq_ignore_ascii_case("Succeeded"))
}

/// `files, threads and vector stores`.
fn words(data: &[AgentData]) -> String {
    let words: Vec<&str> = data
        .iter()
        .map(|data| match data {
            AgentData::Files => "files",
            AgentData::Threads => "threads",
            AgentData::VectorStores => "vector stores",
        })
        .collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
