//! Projects and their parents: waited for, told of, and never another.

use super::*;

#[test]
fn nothing_is_created_while_the_parent_is_not_in_order() {
    let project = declared(&json!({}), &hub());
    let hub_live = || ready(&project).parent.known().unwrap().clone();
    let other = |change: fn(&mut Live)| {
        let mut live = hub_live();
        change(&mut live);
        Fact::Known(live)
    };
    let unreadable = Fact::Unknown(Why {
        reason: Reason::AzureUnreachable,
        message: "no answer".to_owned(),
        retry_at: None,
    });
    for (parent, reason) in [
        (Fact::Absent, Reason::ParentNotFound),
        (unreadable, Reason::AzureUnreachable),
        (
            other(|live| live.provisioning_state = Some("Creating".to_owned())),
            Reason::ParentNotReady,
        ),
        (
            other(|live| live.provisioning_state = Some("Failed".to_owned())),
            Reason::ParentNotReady,
        ),
        (
            other(|live| live.kind = "default".to_owned()),
            Reason::ParentUnsuitable,
        ),
        (
            other(|live| live.location = Location::parse("northeurope").unwrap()),
            Reason::RegionMismatch,
        ),
        (Fact::Known(account_live(false)), Reason::ParentUnsuitable),
    ] {
        let mut observed = ready(&project);
        observed.parent = parent;
        let (plan, report) = decide(&project, &ResourceStatus::default(), &observed);
        assert_eq!(plan.write, None, "{reason}");
        assert_eq!(reason_of(&report, ConditionType::PrerequisitesMet), Some(reason));
        assert_eq!(reason_of(&report, ConditionType::Ready), Some(reason));
    }
}

#[test]
fn a_parent_that_azure_does_not_have_is_told_with_what_to_do() {
    let by_id = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIProject",
        "metadata": { "name": "churn", "namespace": "ml-platform", "generation": 1 },
        "spec": { "parentRef": { "resourceId": id(WORKSPACE, "research").as_str() }, "location": "westeurope" },
    });
    let by_id: AIProject = serde_json::from_value(by_id).unwrap();
    for (project, part) in [
        (
            by_id.validate("owner", None).unwrap(),
            "spec.parentRef.resourceId: /subscriptions/",
        ),
        (
            declared(&json!({}), &hub()),
            "see the conditions of AIHub/research.",
        ),
    ] {
        let observed = Observed {
            parent: Fact::Absent,
            ..ready(&project)
        };
        let (_, report) = decide(&project, &ResourceStatus::default(), &observed);
        let message = message_of(&report, ConditionType::PrerequisitesMet);
        assert!(message.contains(part), "{message}");
        let by_id = part.starts_with("spec");
        assert_eq!(
            message.ends_with("create it, or correct the id."),
            by_id,
            "{message}"
        );
    }
}

#[test]
fn what_the_parents_object_says_is_waited_for_and_nothing_is_read_meanwhile() {
    let parent = Parent {
        waits_for: Some(not_ready("Provisioned of AIHub research is False (Creating).")),
        ..hub()
    };
    let project = declared(&json!({}), &parent);
    let (plan, report) = decide(&project, &ResourceStatus::default(), &ready(&project));
    assert_eq!(plan.write, None);
    assert_eq!(
        reason_of(&report, ConditionType::Reconciling),
        Some(Reason::ParentNotReady)
    );
    assert!(message_of(&report, ConditionType::PrerequisitesMet).contains("AIHub research"));
}

#[test]
fn a_project_tells_the_key_of_its_parent() {
    let project = declared(&json!({}), &hub());
    let (status, mut observed) = settled(&project);
    assert_eq!(stored(&status, ConditionType::Ready).unwrap().status, "True");
    assert_eq!(
        stored_reason(&status, ConditionType::KeyApplied),
        Some(Reason::Inherited)
    );
    assert_eq!(stored(&status, ConditionType::KeyHealthy), None);
    let encryption = status.encryption.clone().unwrap();
    assert_eq!(encryption.key_identifier.as_deref(), Some(fixtures::KEY));
    assert_eq!(
        status.summary.clone().unwrap().key.as_deref(),
        Some("corp-keys/ai-hub")
    );

    // The hub follows its key: so does what is told.
    let Fact::Known(hub) = &mut observed.parent else {
        panic!("the hub is known")
    };
    hub.encryption.as_mut().unwrap().key = crate::name::KeyIdentifier::parse(fixtures::NEXT_KEY).unwrap();
    let (plan, report) = decide(&project, &status, &observed);
    assert_eq!(plan.write, None);
    let encryption = report.status.encryption.unwrap();
    assert_eq!(encryption.key_identifier.as_deref(), Some(fixtures::NEXT_KEY));
    assert_eq!(encryption.versions.len(), 2);
}

#[test]
fn what_is_not_known_of_the_parent_now_stays_as_it_was() {
    let project = declared(&json!({}), &hub());
    let (status, mut observed) = settled(&project);
    observed.parent = Fact::Unknown(Why {
        reason: Reason::AzureUnreachable,
        message: "no answer".to_owned(),
        retry_at: None,
    });
    let (_, report) = decide(&project, &status, &observed);
    assert_eq!(report.status, status);
    observed.parent = Fact::Absent;
    let (_, report) = decide(&project, &status, &observed);
    let applied = stored(&report.status, ConditionType::KeyApplied).unwrap();
    assert_eq!(
        (applied.status.as_str(), applied.reason.as_str()),
        ("Unknown", "ParentNotFound")
    );
    assert_eq!(report.status.encryption, status.encryption);
}

#[test]
fn a_project_of_a_hub_with_microsofts_key_says_so() {
    let project = declared(&json!({}), &hub());
    let (_, mut observed) = settled(&project);
    let Fact::Known(hub) = &mut observed.parent else {
        panic!("the hub is known")
    };
    hub.encryption = None;
    let (_, report) = decide(&project, &ResourceStatus::default(), &observed);
    assert!(message_of(&report, ConditionType::KeyApplied).contains("with Microsoft's key"));
    assert_eq!(report.status.summary.unwrap().key, None);
}

#[test]
fn another_parent_is_refused_and_the_project_stays() {
    let project = declared(&json!({}), &hub());
    let (status, observed) = settled(&project);
    let moved = declared(
        &json!({}),
        &Parent {
            id: ArmId::of(SUBSCRIPTION, "rg-else", WORKSPACE, "other"),
            location: Location::parse("northeurope").unwrap(),
            ..hub()
        },
    );
    let (plan, report) = decide(&moved, &status, &observed);
    assert_eq!(plan.write, None);
    assert_eq!(
        reason_of(&report, ConditionType::TransitionAllowed),
        Some(Reason::ImmutableFieldChanged)
    );
    let message = message_of(&report, ConditionType::TransitionAllowed);
    assert!(
        message.starts_with(
            "spec.parentRef: Azure fixes the project's parent when the project is created: it is /subscriptions/"
        ),
        "{message}"
    );
    assert!(
        message.contains("apply a new AIProject under another name"),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
}

/// The object that its parentRef names may be another's by now.
#[test]
fn a_bound_project_stays_where_it_is_whatever_its_parents_name_means_now() {
    for parent in [hub(), account()] {
        let project = declared(&json!({ "deletionPolicy": "Delete" }), &parent);
        let (status, observed) = settled(&project);
        let elsewhere = Parent {
            id: ArmId::of(SUBSCRIPTION, "rg-else", &parent.id.resource_type(), "new"),
            ..parent
        };
        let mut object = object(&json!({ "deletionPolicy": "Delete" }));
        object.status = Some(status.clone());
        let moved = object.validate("owner", Some(&elsewhere)).unwrap();
        assert_eq!(moved.id, project.id);
        let (plan, report) = decide(&moved, &status, &observed);
        assert_eq!(plan.write, None);
        assert_eq!(
            reason_of(&report, ConditionType::TransitionAllowed),
            Some(Reason::ImmutableFieldChanged)
        );
        assert_eq!(report.status.bound, status.bound);
        let deletion = deleting(&moved, &report.status, &observed).write.unwrap();
        assert_eq!(deletion.id, project.id);
    }
}
