//! What stands before the key of an account that is there with Microsoft's.

use keyholder_crds::Operation;

use super::*;

/// Its own identity is to have the key and has no access so far; `access`: who gives it.
fn without_access(access: &str) -> (Declared, ResourceStatus, Observed) {
    let declared = with_its_own_identity(access);
    let have = live(&declared, None);
    let status = settled(&with_its_own_identity("Verify"), &have);
    let mut observed = there(&declared, &status, have);
    observed.role_assignments = Fact::Known(Vec::new());
    (declared, status, observed)
}

fn prerequisites(pass: &Pass) -> String {
    condition(&pass.report.status, ConditionType::PrerequisitesMet).1
}

#[test]
fn what_the_key_waits_for_is_told_with_whose_key_it_has_meanwhile() {
    let (_, status, _) = without_access("Verify");
    let said = crate::judge::stored(&status, ConditionType::KeyApplied).unwrap();
    let part = "there with Microsoft's key; the declared one is applied once this is mended: The account's own identity";
    assert!(said.message.contains(part), "{said:?}");
}

#[test]
fn nothing_is_asked_of_one_that_has_its_key_or_whose_key_is_on_its_way() {
    let declared = account(|_| {});
    let have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    let mut observed = there(&declared, &status, have);
    observed.role_assignments = Fact::Known(Vec::new());
    let later = next(&declared, &status, &observed, 100);
    assert_eq!(prerequisites(&later), "ChecksPassed");

    let (declared, status, observed) = without_access("Verify");
    let given = there(&declared, &status, live(&declared, None));
    let sends = next(&declared, &status, &given, 60);
    let write = sends.plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::ChangeKey);
    let running = sends.report.status;
    let intended = crate::intent(&running, &write, at_second(60), PACE);
    for status in [running, intended] {
        let later = next(&declared, &status, &observed, 61);
        assert_eq!(
            (later.plan.write.clone(), prerequisites(&later).as_str()),
            (None, "ChecksPassed")
        );
    }
}

#[test]
fn access_is_given_once_nothing_else_is_under_way_and_again_if_it_never_arrived() {
    let (declared, status, mut observed) = without_access("Grant");
    let first = next(&declared, &status, &observed, 60);
    let write = first.plan.write.unwrap();
    assert_eq!(write.kind, OperationKind::Grant);
    // What was said before anything was given is not why the key waits now.
    assert_eq!(
        condition(&first.report.status, ConditionType::KeyApplied).1,
        "AccessPropagating"
    );
    let noted = crate::intent(&status, &write, at_second(60), PACE);
    let again = next(&declared, &noted, &observed, 120).plan.write.unwrap();
    assert_eq!(
        (again.kind, again.started_at),
        (OperationKind::Grant, at_second(60))
    );

    let mut busy = status;
    busy.operation = Some(Operation {
        kind: OperationKind::Update,
        state: OperationState::Running,
        intent: "tags".to_owned(),
        ..noted.operation.unwrap()
    });
    observed.operation = OperationSeen::Running {
        poll_at: at_second(70),
    };
    assert_eq!(next(&declared, &busy, &observed, 60).plan.write, None);
}
