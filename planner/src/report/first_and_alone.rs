//! Reports without a plan: at first touch, for a spec that cannot be, and for an object that cannot be worked for.

use super::*;
use crate::fixtures::*;

fn conditions(status: &ResourceStatus) -> Vec<(String, String, String)> {
    status
        .conditions
        .iter()
        .map(|one| (one.type_.clone(), one.status.clone(), one.reason.clone()))
        .collect()
}

fn row(of: &str, status: &str, reason: &str) -> (String, String, String) {
    (of.to_owned(), status.to_owned(), reason.to_owned())
}

#[test]
fn a_generation_is_touched_once() {
    let mut hub = object("Delete");
    let first = touch(&hub, at_second(0)).unwrap();
    let expected = [
        row("Ready", "Unknown", "Pending"),
        row("Reconciling", "True", "Pending"),
    ];
    assert_eq!(conditions(&first), expected);
    assert_eq!(first.observed_generation, None);
    hub.status = Some(first.clone());
    assert_eq!(touch(&hub, at_second(1)), None, "it was touched");
    hub.status.as_mut().unwrap().observed_generation = Some(1);
    assert_eq!(touch(&hub, at_second(1)), None, "it was reported");

    hub.metadata.generation = Some(2);
    let mut stalled = first;
    let verdict = Verdict::yes(Reason::VaultNotFound, "");
    set(&mut stalled, ConditionType::Stalled, &verdict, 1, at_second(0));
    hub.status = Some(stalled);
    let second = touch(&hub, at_second(2)).unwrap();
    assert_eq!(conditions(&second), expected);
    assert_eq!(second.conditions[0].observed_generation, Some(2));

    // Ready with another reason for this generation is no touch of it.
    hub.status.as_mut().unwrap().conditions[0].observed_generation = Some(2);
    hub.status.as_mut().unwrap().conditions[0].reason = "Creating".to_owned();
    assert!(touch(&hub, at_second(3)).is_some());
}

#[test]
fn a_spec_that_cannot_be_tells_every_field() {
    let error = |path: &str| FieldError {
        path: path.to_owned(),
        message: "is wrong".to_owned(),
    };
    let hub = object("Delete");
    let report = invalid(&hub, &[error("spec.a"), error("spec.b")], at_second(0));
    assert_eq!(
        conditions(&report.status),
        [
            row("Ready", "False", "InvalidSpec"),
            row("PrerequisitesMet", "False", "InvalidSpec"),
            row("Stalled", "True", "InvalidSpec"),
        ]
    );
    assert_eq!(
        report.status.conditions[0].message,
        "spec.a: is wrong\nspec.b: is wrong"
    );
    assert_eq!(report.status.observed_generation, Some(1));
    assert_eq!(report.next, Next::Change);
    assert_eq!(report.notes.len(), 1);
}

#[test]
fn an_object_that_cannot_be_worked_for_says_why() {
    let hub = object("Delete");
    for (reason, shown, retry_at, next) in [
        (Reason::NoIdentity, "Stalled", None, Next::Change),
        (
            Reason::AzureUnreachable,
            "Reconciling",
            Some(at_second(9)),
            Next::At(at_second(9)),
        ),
    ] {
        let why = Why {
            reason,
            message: "because".to_owned(),
            retry_at,
        };
        let report = blocked(&hub, &why, at_second(0));
        let expected = [
            row("Ready", "False", reason.as_ref()),
            row("PrerequisitesMet", "False", reason.as_ref()),
            row(shown, "True", reason.as_ref()),
        ];
        assert_eq!(conditions(&report.status), expected);
        assert_eq!(report.next, next);
    }
}

#[test]
fn worse_is_what_was_not_said_before() {
    let (_, ready) = ready_hub();
    assert!(!is_worse(&ready, &ready));
    assert!(
        !is_worse(&ready, &ResourceStatus::default()),
        "good news is not worse"
    );
    let with = |of, reason| {
        let mut status = ready.clone();
        set(&mut status, of, &Verdict::no(reason, ""), 1, at_second(50));
        status
    };
    let disabled = with(ConditionType::KeyHealthy, Reason::KeyDisabled);
    assert!(is_worse(&disabled, &ready));
    assert!(!is_worse(&disabled, &disabled));
    assert!(is_worse(
        &with(ConditionType::KeyHealthy, Reason::KeyDeleted),
        &disabled
    ));
    // A warning among what is well, once.
    let mut warned = ready.clone();
    let other = Verdict::yes(Reason::OtherKey, "");
    set(
        &mut warned,
        ConditionType::ManagedResourceGroupHealthy,
        &other,
        1,
        at_second(50),
    );
    assert!(is_worse(&warned, &ready));
    assert!(!is_worse(&warned, &warned));
    // What is missing before a creation is read anew each time.
    let missing = with(ConditionType::PrerequisitesMet, Reason::VaultNotFound);
    assert!(is_worse(&missing, &missing));
    // What follows from the others is not asked.
    assert!(!is_worse(
        &with(ConditionType::Ready, Reason::KeyDisabled),
        &ready
    ));
}
