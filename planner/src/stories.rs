//! Stories in text, each compared with `tests/stories`: what happens to a hub, and the plan that each event led to.
//! `UPDATE=1 cargo test -p keyholder-planner stories` writes them anew.

use std::fmt::Write as _;

use jiff::Timestamp;
use keyholder_crds::{AIHub, DataLocation, Reason, ResourceStatus};

use crate::fixtures::*;
use crate::name::KeyIdentifier;
use crate::observed::{Fact, Observed, OperationSeen, Why};
use crate::plan::{FinalizerStep, Input, Next, Plan, Request, Write, plan};
use crate::report::{Executed, Report, report};
use crate::validate::{Declared, Validate};

/// A hub's life as it is told.
struct Story {
    text: String,
    object: AIHub,
    hub: Declared,
    status: ResourceStatus,
    deleting: bool,
    has_finalizer: bool,
    /// What is read in the next pass.
    observed: Observed,
    /// What becomes of the next write.
    executed: Executed,
}

impl Story {
    fn new(title: &str, object: AIHub) -> Self {
        let hub = object.validate("owner", None).unwrap();
        Self {
            text: format!("{title}\n"),
            observed: ready_for_creation(&hub),
            object,
            hub,
            status: ResourceStatus::default(),
            deleting: false,
            has_finalizer: false,
            executed: accepted(),
        }
    }

    /// A hub that is ready, told from there.
    fn ready(title: &str, object: AIHub) -> Self {
        let mut story = Self::new(title, object);
        story.has_finalizer = true;
        story.silent_pass(0);
        story.observed = Observed {
            operation: OperationSeen::Succeeded,
            ..created(&story.hub)
        };
        story.silent_pass(20);
        story.observed.operation = OperationSeen::None;
        story
    }

    fn silent_pass(&mut self, now: i64) {
        let (_, report) = self.decide(now);
        self.status = report.status;
    }

    fn decide(&self, now: i64) -> (Plan, Report) {
        let input = Input {
            declared: &self.hub,
            status: &self.status,
            deleting: self.deleting,
            has_finalizer: self.has_finalizer,
            observed: &self.observed,
            now: at_second(now),
            pace: PACE,
        };
        let plan = plan(&input);
        let nothing = Executed::Nothing;
        let executed = if plan.write.is_some() {
            &self.executed
        } else {
            &nothing
        };
        let report = report(&input, &plan, executed);
        (plan, report)
    }

    /// The user edits the spec.
    fn edit(&mut self, change: impl Fn(&mut AIHub)) {
        change(&mut self.object);
        let generation = self.object.metadata.generation.unwrap_or_default() + 1;
        self.object.metadata.generation = Some(generation);
        self.hub = self.object.validate("owner", None).unwrap();
    }

    /// One event and the pass after it.
    fn then(&mut self, now: i64, event: &str) {
        let (plan, report) = self.decide(now);
        let text = &mut self.text;
        writeln!(text, "\n+{now}s {event}").unwrap();
        match plan.finalizer {
            FinalizerStep::Keep => {}
            FinalizerStep::Add => writeln!(text, "  finalizer: add").unwrap(),
            FinalizerStep::Remove => writeln!(text, "  finalizer: remove").unwrap(),
        }
        match &plan.write {
            None => writeln!(text, "  write: none").unwrap(),
            Some(write) => writeln!(text, "  write: {}", told(write)).unwrap(),
        }
        writeln!(text, "  next: {}", moment(report.next)).unwrap();
        if report.status == self.status {
            writeln!(text, "  status: unchanged").unwrap();
        } else {
            let operation = report
                .status
                .operation
                .as_ref()
                .map_or_else(|| "none".to_owned(), |one| format!("{} {}", one.kind, one.state));
            let bound = if report.status.bound.is_some() {
                "yes"
            } else {
                "no"
            };
            writeln!(text, "  status: operation {operation}; bound {bound}").unwrap();
            for condition in &report.status.conditions {
                if !self.status.conditions.contains(condition) {
                    let (of, status, reason) = (&condition.type_, &condition.status, &condition.reason);
                    writeln!(text, "    {of} {status} {reason}").unwrap();
                    for line in condition.message.lines().filter(|_| of != "Ready") {
                        writeln!(text, "      {line}").unwrap();
                    }
                }
            }
        }
        for note in &report.notes {
            let kind = if note.warning { "Warning" } else { "Normal" };
            writeln!(text, "  event: {kind} {}", note.reason).unwrap();
        }
        self.has_finalizer |= plan.finalizer == FinalizerStep::Add;
        self.status = report.status;
    }

    /// Compares the story with its file.
    #[expect(
        clippy::disallowed_methods,
        reason = "the stories are files, and refreshed on demand"
    )]
    fn end(self, name: &str) {
        // Ids are told from the resource group on.
        let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ai/providers/");
        let text = self.text.replace(&group, "…/");
        let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/stories")
            .join(format!("{name}.txt"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "{name}: the story goes otherwise now; UPDATE=1 refreshes {}\n{}",
            path.display(),
            text
        );
    }
}

fn told(write: &Write) -> String {
    match &write.request {
        Request::Put(body) | Request::Assign(body) => format!("PUT ({}) {body}", write.kind),
        Request::Patch(body) => format!("PATCH ({}) {body}", write.kind),
        Request::Delete { purge: false } => "DELETE".to_owned(),
        Request::Delete { purge: true } => "DELETE with purge".to_owned(),
        Request::Purge(path) => format!("DELETE {path}"),
    }
}

fn moment(next: Next) -> String {
    match next {
        Next::Change => "when something changes".to_owned(),
        Next::Backoff => "after a backoff".to_owned(),
        Next::At(moment) => {
            let start: Timestamp = at_second(0);
            format!("+{}s", moment.duration_since(start).as_secs())
        }
    }
}

fn unreachable() -> Why {
    Why {
        reason: Reason::AzureUnreachable,
        message: "no route to management.azure.com".to_owned(),
        retry_at: None,
    }
}

#[test]
fn create() {
    let mut story = Story::new(
        "A hub is applied before its vault is fit, and becomes ready.",
        object("Delete"),
    );
    if let Fact::Known(vault) = &mut story.observed.vault {
        vault.purge_protection = false;
    }
    story.then(0, "the object is applied; the vault has no purge protection");
    story.then(30, "nothing has changed");
    story.observed = ready_for_creation(&story.hub);
    story.then(60, "somebody turns purge protection on");
    story.observed = Observed {
        operation: OperationSeen::Running {
            poll_at: at_second(80),
        },
        ..Observed::nothing()
    };
    story.then(70, "Azure works on it");
    story.observed = Observed {
        operation: OperationSeen::Succeeded,
        ..created(&story.hub)
    };
    story.then(80, "Azure is done, and the hub is there");
    story.observed.operation = OperationSeen::None;
    story.then(200, "a sweep finds everything as it was");
    story.end("create");
}

#[test]
fn key_change_ignored() {
    let mut story = Story::ready(
        "Azure says that it took the new key version, and did not.",
        object("Delete"),
    );
    if let Fact::Known(key) = &mut story.observed.key {
        key.others = vec![key.current.clone()];
        key.current = key_version(NEXT_KEY, 100);
    }
    story.then(100, "the key has a new version");
    story.observed.operation = OperationSeen::Succeeded;
    story.then(110, "Azure reports success and shows the old version");
    story.observed.operation = OperationSeen::None;
    story.then(115, "it shows the old version again");
    story.then(200, "it still does");
    if let Fact::Known(live) = &mut story.observed.live {
        live.encryption.as_mut().unwrap().key = KeyIdentifier::parse(NEXT_KEY).unwrap();
    }
    story.then(300, "late, Azure shows the new version");
    story.end("key-change-ignored");
}

#[test]
fn managed_group_damaged() {
    let mut story = Story::ready("Somebody works in the managed resource group.", object("Delete"));
    story.observed.managed_group = Fact::Known(group().into_iter().skip(1).collect());
    story.then(100, "the Cosmos DB account is deleted");
    story.then(160, "it is still gone");
    story.observed.managed_group = Fact::Absent;
    story.then(200, "the whole group is deleted");
    story.observed.managed_group = Fact::Unknown(unreachable());
    story.then(260, "the group cannot be read");
    story.observed.managed_group = Fact::Known(group());
    story.then(300, "everything is restored");
    story.end("managed-group-damaged");
}

#[test]
fn crash_after_intent() {
    let mut story = Story::new(
        "The operator dies around the write that creates the hub.",
        object("Delete"),
    );
    story.has_finalizer = true;
    story.executed = Executed::Refused(unreachable());
    story.then(
        0,
        "the intent is noted; the connection breaks before Azure's answer",
    );
    story.then(2, "the operator starts again; Azure shows no hub so far");
    let mut creating = live(&story.hub, "Creating");
    creating.encryption = None;
    story.observed.live = Fact::Known(creating);
    story.then(10, "Azure had taken the request: the hub is being created");
    story.observed = created(&story.hub);
    story.then(60, "the hub is there");
    story.end("crash-after-intent");
}

#[test]
fn crash_before_sending() {
    let mut story = Story::new(
        "The operator dies between intent and request: Azure never heard of it.",
        object("Delete"),
    );
    story.has_finalizer = true;
    story.executed = Executed::Refused(unreachable());
    story.then(0, "the intent is noted, and nothing is sent");
    story.executed = accepted();
    story.then(5, "the operator starts again, and there is no hub");
    story.end("crash-before-sending");
}

fn deletion(policy: &str, name: &str) {
    let mut story = Story::ready(
        &format!("The object is deleted under the policy {policy}."),
        object(policy),
    );
    story.deleting = true;
    story.then(100, "kubectl delete");
    if policy != "Retain" {
        story.observed.operation = OperationSeen::Running {
            poll_at: at_second(120),
        };
        story.then(110, "Azure works on it");
        story.observed = Observed {
            operation: OperationSeen::Succeeded,
            live: Fact::Unknown(unreachable()),
            ..story.observed.clone()
        };
        story.then(120, "the hub cannot be read");
        story.observed.live = Fact::Absent;
        story.then(130, "Azure says that there is no hub");
    }
    story.end(name);
}

#[test]
fn deletion_with_each_policy() {
    deletion("Retain", "deletion-retain");
    deletion("Delete", "deletion-delete");
    deletion("DeleteAndPurge", "deletion-purge");
}

#[test]
fn forbidden_switch() {
    let mut story = Story::ready(
        "The spec asks for what cannot be, and is put right.",
        object("Delete"),
    );
    story.edit(|hub| {
        hub.spec.encryption.data_location = Some(DataLocation::ServiceSide);
        hub.spec.tags.insert("team".to_owned(), "research".to_owned());
    });
    story.then(100, "dataLocation is changed to ServiceSide, and a tag is added");
    story.observed.role_assignments = Fact::Known(Vec::new());
    if let Fact::Known(key) = &mut story.observed.key {
        key.current.enabled = false;
    }
    story.then(130, "meanwhile the key is disabled");
    if let Fact::Known(key) = &mut story.observed.key {
        key.current.enabled = true;
    }
    story.observed.role_assignments = ready_for_creation(&story.hub).role_assignments;
    story.edit(|hub| hub.spec.encryption.data_location = None);
    story.then(160, "the key is enabled, and dataLocation is as it was");
    story.end("forbidden-switch");
}

#[test]
fn unknown_answers() {
    let mut story = Story::new("Azure's answers cannot be had.", object("Delete"));
    story.has_finalizer = true;
    let all = story.observed.clone();
    story.observed.live = Fact::Unknown(unreachable());
    story.then(0, "nothing can be read");
    story.observed = Observed {
        key: Fact::Unknown(unreachable()),
        ..all.clone()
    };
    story.then(30, "there is no hub, and the key cannot be read");
    story.observed = Observed {
        resource_group: Fact::Unknown(unreachable()),
        ..all
    };
    story.then(
        60,
        "only the resource group cannot be read, which can be put right later",
    );
    story.observed = Observed {
        operation: OperationSeen::Unreadable(unreachable()),
        ..Observed::nothing()
    };
    story.then(70, "the operation cannot be read");
    story.observed = Observed {
        operation: OperationSeen::Failed {
            code: "RequestDisallowedByPolicy".to_owned(),
            message: "a policy".to_owned(),
        },
        live: Fact::Known(live(&story.hub, "Failed")),
        ..ready_for_creation(&story.hub)
    };
    story.then(90, "the operation failed, and so did the hub");
    story.end("unknown-answers");
}

#[test]
fn not_owned() {
    let mut story = Story::new("There is a hub of that name already.", object("Delete"));
    story.observed = created(&story.hub);
    if let Fact::Known(live) = &mut story.observed.live {
        live.tags = [("keyholder-owner".to_owned(), "other/team/research".to_owned())].into();
    }
    story.then(0, "the object is applied");
    story.then(30, "the other hub is still there");
    story.deleting = true;
    story.then(60, "kubectl delete");
    story.end("not-owned");
}

#[test]
fn deleted_in_azure() {
    let mut story = Story::ready("Somebody deletes the hub in Azure.", object("Delete"));
    story.observed = ready_for_creation(&story.hub);
    story.then(100, "Azure says that there is no hub");
    story.then(130, "there is still none");
    story.edit(|hub| {
        hub.spec.tags.insert("team".to_owned(), "research".to_owned());
    });
    story.then(160, "the spec is edited");
    story.observed = created(&story.hub);
    story.then(190, "the hub is recovered");
    story.end("deleted-in-azure");
}

/// Each file is told by a test.
#[test]
#[expect(clippy::disallowed_methods, reason = "the stories are files")]
fn no_story_is_forgotten() {
    let here =
        std::fs::read_to_string(std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/stories.rs"))
            .unwrap();
    let folder = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/stories");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(here.contains(&format!("\"{name}\"")), "no test tells {name}");
        count += 1;
    }
    assert!(count >= 8, "{count}");
}
