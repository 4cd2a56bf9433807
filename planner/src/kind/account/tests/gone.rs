//! Accounts that were deleted, and what Azure keeps of them.

use super::*;

#[test]
fn a_deleted_namesake_is_told_before_anything_is_created() {
    let declared = account(|_| {});
    let observed = Observed {
        deleted: Fact::Known(Deleted::default()),
        ..ready_for_creation(&declared)
    };
    let first = next(&declared, &ResourceStatus::default(), &observed, 0);
    assert_eq!(first.plan.write, None);
    let said = crate::judge::stored(&first.report.status, ConditionType::PrerequisitesMet).unwrap();
    assert_eq!(said.reason, "NameReserved");
    assert!(
        said.message
            .contains("\naz cognitiveservices account recover --location westeurope --name vision")
    );
    assert!(
        said.message
            .contains("az cognitiveservices account purge --location westeurope --name vision")
    );
}

#[test]
fn it_is_purged_after_its_deletion_when_it_was_this_objects() {
    let declared = account(|_| {});
    let have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    let deletes = pass(
        &declared,
        &status,
        &there(&declared, &status, have),
        100,
        true,
        &accepted(),
    );
    assert_eq!(
        deletes.plan.write.unwrap().request,
        Request::Delete { purge: false }
    );
    let kept = |deleted: Fact<Deleted>| Observed {
        live: Fact::Absent,
        deleted,
        ..ready_for_creation(&declared)
    };
    let purges = pass(
        &declared,
        &deletes.report.status,
        &kept(Fact::Known(Deleted {
            tags: declared.all_tags(),
        })),
        200,
        true,
        &accepted(),
    );
    let Some(Request::Purge(path)) = purges.plan.write.map(|write| write.request) else {
        panic!("a purge");
    };
    assert!(
        path.ends_with("/locations/westeurope/resourceGroups/rg-ai/deletedAccounts/vision"),
        "{path}"
    );
    let done = pass(
        &declared,
        &purges.report.status,
        &kept(Fact::Absent),
        300,
        true,
        &accepted(),
    );
    assert_eq!(
        (done.plan.write, done.plan.finalizer),
        (None, FinalizerStep::Remove)
    );

    let left = pass(
        &declared,
        &deletes.report.status,
        &kept(Fact::Known(Deleted::default())),
        200,
        true,
        &accepted(),
    );
    assert_eq!(
        (left.plan.write, left.plan.finalizer),
        (None, FinalizerStep::Remove)
    );
}

#[test]
fn what_is_first_seen_when_its_object_is_deleted_is_purged_too() {
    let declared = account(|_| {});
    let have = live(&declared, Some(FOLLOWED));
    let unseen = ResourceStatus {
        resource_id: None,
        ..settled(&declared, &have)
    };
    let observed = there(&declared, &unseen, have);
    let deletes = pass(&declared, &unseen, &observed, 100, true, &accepted());
    assert_eq!(
        deletes.report.status.resource_id,
        Some(observed.live.known().unwrap().id.to_string())
    );
    // The same when the operator died after it had noted what it intends.
    let write = deletes.plan.write.unwrap();
    let noted = crate::intent(&unseen, &write, at_second(100), PACE);
    let kept = Observed {
        live: Fact::Absent,
        deleted: Fact::Known(Deleted {
            tags: declared.all_tags(),
        }),
        ..ready_for_creation(&declared)
    };
    let purges = pass(&declared, &noted, &kept, 200, true, &accepted());
    assert!(matches!(purges.plan.write.unwrap().request, Request::Purge(_)));
}
