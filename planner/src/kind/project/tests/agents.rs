//! What agents keep is in resources of the user's own as far as the project's capability host says so.

use jiff::SignedDuration;
use keyholder_crds::{AgentCoverage, AgentData, Coverage};

use super::*;
use crate::needs;
use crate::observed::CapabilityHost;
use crate::plan::Next;

fn host(files: &[&str], threads: &[&str], vector_stores: &[&str]) -> CapabilityHost {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    CapabilityHost {
        name: "agents".to_owned(),
        state: Some("Succeeded".to_owned()),
        files: names(files),
        threads: names(threads),
        vector_stores: names(vector_stores),
    }
}

fn standard() -> CapabilityHost {
    host(&["files"], &["cosmos"], &["search"])
}

/// A project in order, with what was read of its capability hosts, and what a pass over it says.
fn looked(status: &ResourceStatus, hosts: Fact<Vec<CapabilityHost>>) -> (Plan, Report) {
    let project = declared(&json!({}), &account());
    let mut observed = ready(&project);
    observed.parent = Fact::Known(account_live(true));
    observed.live = Fact::Known(live(&project));
    observed.capability_hosts = hosts;
    let (plan, report) = decide(&project, status, &observed);
    assert_eq!(plan.write, None);
    assert_eq!(
        stored(&report.status, ConditionType::Ready).unwrap().status,
        "True"
    );
    (plan, report)
}

fn told(hosts: &[CapabilityHost]) -> AgentCoverage {
    let (_, report) = looked(&ResourceStatus::default(), Fact::Known(hosts.to_vec()));
    report.status.agent_coverage.unwrap()
}

fn no_right(message: &str) -> Fact<Vec<CapabilityHost>> {
    Fact::Unknown(Why {
        reason: Reason::OperatorNotAuthorized,
        message: message.to_owned(),
        retry_at: None,
    })
}

#[test]
fn all_three_must_have_a_connection() {
    let full = told(&[standard()]);
    assert_eq!(full.coverage, Coverage::Full);
    assert_eq!(full.capability_host.as_deref(), Some("agents"));
    assert!(full.not_covered.is_empty());
    for word in ["files, cosmos, search", "resources of your own", "not pass down"] {
        assert!(full.message.contains(word), "{}", full.message);
    }

    let all = [AgentData::Files, AgentData::Threads, AgentData::VectorStores];
    for (hosts, missing, word) in [
        (
            vec![],
            &all[..],
            "no capability host: files, threads and vector stores",
        ),
        (
            vec![host(&[], &["cosmos"], &["search"])],
            &all[..1],
            "connection for files of",
        ),
        (
            vec![host(&["files"], &[], &["search"])],
            &all[1..2],
            "connection for threads of",
        ),
        (
            vec![host(&["files"], &["cosmos"], &[])],
            &all[2..],
            "connection for vector stores of",
        ),
        (
            vec![host(&["files"], &[], &[])],
            &all[1..],
            "connection for threads and vector stores of",
        ),
    ] {
        let partial = told(&hosts);
        assert_eq!(partial.coverage, Coverage::Partial);
        assert_eq!(partial.not_covered, missing);
        assert!(partial.message.contains(word), "{}", partial.message);
        assert!(partial.message.contains("with Microsoft"), "{}", partial.message);
    }
}

#[test]
fn a_host_counts_once_it_has_succeeded() {
    let unfinished = |state: &str| CapabilityHost {
        name: "another".to_owned(),
        state: Some(state.to_owned()),
        ..standard()
    };
    for state in ["Creating", "Failed", "Deleting"] {
        let partial = told(&[unfinished(state)]);
        assert_eq!(
            (partial.coverage, partial.not_covered.len()),
            (Coverage::Partial, 3)
        );
        assert_eq!(partial.capability_host.as_deref(), Some("another"));
        assert!(
            partial.message.contains(&format!("another is {state}")),
            "{}",
            partial.message
        );
        // Beside one that has.
        let full = told(&[unfinished(state), standard()]);
        assert_eq!(full.coverage, Coverage::Full);
        assert_eq!(full.capability_host.as_deref(), Some("agents"));
    }
    let silent = CapabilityHost {
        state: None,
        ..standard()
    };
    assert_eq!(told(&[silent]).coverage, Coverage::Full);
}

#[test]
fn what_cannot_be_read_is_not_known_and_what_was_known_stays() {
    let nothing = ResourceStatus::default();
    let (plan, report) = looked(&nothing, no_right("no right (request 1a)"));
    let unknown = report.status.agent_coverage.clone().unwrap();
    assert_eq!(unknown.coverage, Coverage::Unknown);
    assert!(unknown.message.contains("no right"), "{}", unknown.message);
    assert_eq!(
        plan.next,
        Next::At(at_second(100) + SignedDuration::from_hours(1))
    );
    // The same trouble once more is not written once more.
    let (_, again) = looked(&report.status, no_right("no right (request 2b)"));
    assert_eq!(again.status, report.status);

    let (plan, report) = looked(&report.status, Fact::Known(vec![standard()]));
    let full = report.status.agent_coverage.clone().unwrap();
    assert_eq!(full.coverage, Coverage::Full);
    assert_eq!(
        plan.next,
        Next::At(at_second(100) + SignedDuration::from_hours(24))
    );
    let (plan, report) = looked(&report.status, no_right("no right (request 3c)"));
    let kept = report.status.agent_coverage.clone().unwrap();
    assert_eq!(kept.last_look_failed.as_deref(), Some("no right (request 3c)"));
    assert_eq!(
        AgentCoverage {
            last_look_failed: None,
            ..kept
        },
        full
    );
    assert_eq!(
        plan.next,
        Next::At(at_second(100) + SignedDuration::from_hours(1))
    );
    let (_, again) = looked(&report.status, no_right("no right (request 4d)"));
    assert_eq!(again.status, report.status);
    let (_, report) = looked(&report.status, Fact::Known(Vec::new()));
    let partial = report.status.agent_coverage.unwrap();
    assert_eq!(
        (partial.coverage, partial.last_look_failed),
        (Coverage::Partial, None)
    );
}

#[test]
fn a_project_of_a_hub_is_not_asked() {
    let project = declared(&json!({}), &hub());
    let (status, observed) = settled(&project);
    assert_eq!(status.agent_coverage, None);
    assert!(!needs(&project, &status, false, &observed.live).capability_hosts);

    let project = declared(&json!({}), &account());
    let needs = |live: Fact<Live>| needs(&project, &status, false, &live).capability_hosts;
    let in_state = |state: &str| {
        Fact::Known(Live {
            provisioning_state: Some(state.to_owned()),
            ..live(&project)
        })
    };
    assert!(needs(in_state("Succeeded")) && needs(in_state("Failed")));
    assert!(!needs(in_state("Creating")) && !needs(Fact::Absent));
}
