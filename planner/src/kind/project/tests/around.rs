//! What differs between the projects of a hub and those of an account, beside their bodies.

use super::*;
use crate::encryption::KeyChange;
use crate::fixtures::accepted;
use crate::name::KeyIdentifier;
use crate::needs::{Needs, needs};

fn of_both(spec: &Value) -> [Declared; 2] {
    [declared(spec, &hub()), declared(spec, &account())]
}

#[test]
fn identities_of_both_kinds_are_asked_for_as_each_provider_spells_them() {
    let spec = json!({ "identity": { "systemAssigned": true, "userAssigned": ["one"] } });
    let kinds = ["SystemAssigned,UserAssigned", "SystemAssigned, UserAssigned"];
    for (project, kind) in of_both(&spec).into_iter().zip(kinds) {
        let (status, observed) = settled(&declared(
            &json!({}),
            &Parent {
                id: project.kind.parent().unwrap().clone(),
                ..hub()
            },
        ));
        let (plan, _) = decide(&project, &status, &observed);
        assert_eq!(body(&plan)["identity"]["type"], kind);
    }
}

#[test]
fn its_deletion_is_told_with_what_azure_keeps() {
    let texts = [
        "Azure may keep the project for 14 days.",
        "Azure is not known to keep anything of it.",
    ];
    for (project, text) in of_both(&json!({ "deletionPolicy": "Delete" })).iter().zip(texts) {
        let (status, observed) = settled(project);
        let notes = pass(project, &status, &observed, 100, true, &accepted())
            .report
            .notes;
        assert!(notes.iter().any(|note| note.message.contains(text)), "{notes:?}");
    }
}

#[test]
fn each_needs_the_provider_that_it_is_of_and_nothing_but_a_project_is_one() {
    let [of_hub, of_account] = of_both(&json!({}));
    assert_eq!(
        crate::preflight::providers(&of_hub),
        ["Microsoft.MachineLearningServices"]
    );
    assert_eq!(
        crate::preflight::providers(&of_account),
        ["Microsoft.CognitiveServices"]
    );
    let other = Live {
        project: None,
        ..live(&of_hub)
    };
    assert!(crate::needs::is_owned(&of_hub, &live(&of_hub)));
    assert!(!crate::needs::is_owned(&of_hub, &other));
}

#[test]
fn what_its_parents_object_says_holds_while_it_is_bound_to_that_parent() {
    let parent = Parent {
        waits_for: Some(not_ready("AIHub research is being deleted.")),
        ..hub()
    };
    let bound = settled(&declared(&json!({}), &hub())).0;
    let waits_for = |parent: &Parent| {
        let mut object = object(&json!({}));
        object.status = Some(bound.clone());
        match object.validate("owner", Some(parent)).unwrap().kind {
            Kind::Project(project) => project.waits_for,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(waits_for(&parent), parent.waits_for);
    let elsewhere = Parent {
        id: id(WORKSPACE, "other"),
        ..parent
    };
    assert_eq!(waits_for(&elsewhere), None);
}

#[test]
fn it_is_bound_to_the_parent_that_it_was_created_under_whatever_azure_tells_later() {
    let project = declared(&json!({}), &hub());
    let (status, mut observed) = settled(&project);
    let mut found = live(&project);
    found.project.as_mut().unwrap().parent = id(WORKSPACE, "other");
    observed.live = Fact::Known(found);
    let (plan, report) = decide(&project, &status, &observed);
    assert_eq!((plan.write, &report.status.bound), (None, &status.bound));
    assert_eq!(
        reason_of(&report, ConditionType::TransitionAllowed),
        Some(Reason::ImmutableFieldChanged)
    );
}

#[test]
fn it_has_no_key_to_change_and_no_place_among_deleted_ones_and_compute_under_a_hub() {
    for (project, has_compute) in of_both(&json!({ "deletionPolicy": "DeleteAndPurge" }))
        .iter()
        .zip([true, false])
    {
        let (status, _) = settled(project);
        assert_eq!(
            stored_reason(&status, ConditionType::Provisioned),
            Some(Reason::Succeeded)
        );
        assert_eq!(status.compute_encryption.is_some(), has_compute);
        let needs = needs(project, &status, true, &Fact::Absent);
        assert_eq!(needs.deleted, None);
        let change = KeyChange::To(KeyIdentifier::parse(fixtures::KEY).unwrap());
        assert_eq!(project.kind.rules().key_change(project, &change, None), None);
    }
}

#[test]
fn its_parent_is_waited_for_only_before_anything_was_done() {
    let why = not_ready("Provisioned of AIHub research is not known so far.");
    let parent = Parent {
        waits_for: Some(why.clone()),
        ..hub()
    };
    let project = declared(&json!({}), &parent);
    let waits =
        |status: &ResourceStatus, deleting| crate::needs::waits_for_parent(&project, status, deleting);
    let nothing = ResourceStatus::default();
    assert_eq!(waits(&nothing, false), Some(&why));
    assert_eq!(waits(&nothing, true), None);
    let ready = declared(&json!({}), &hub());
    let bound = settled(&ready).0;
    assert_eq!((waits(&bound, false), &bound.operation), (None, &None));
    let write = decide(&ready, &nothing, &super::ready(&ready)).0.write.unwrap();
    let begun = ResourceStatus {
        bound: None,
        ..crate::intent(&nothing, &write, at_second(100), fixtures::PACE)
    };
    assert_eq!(waits(&begun, false), None);
}

#[test]
fn its_parent_is_read_before_and_after_it_is_created_and_capability_hosts_within_an_account() {
    for (project, has_agents) in of_both(&json!({})).iter().zip([false, true]) {
        let before = Needs {
            preflight: true,
            providers: crate::preflight::providers(project),
            parent: project.kind.parent().cloned(),
            policy: true,
            ..Needs::nothing()
        };
        let nothing = ResourceStatus::default();
        assert_eq!(needs(project, &nothing, false, &Fact::Absent), before);
        let (status, observed) = settled(project);
        let at_rest = Needs {
            parent: before.parent,
            capability_hosts: has_agents,
            ..Needs::nothing()
        };
        assert_eq!(needs(project, &status, false, &observed.live), at_rest);
    }
}
