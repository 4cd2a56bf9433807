//! A policy that undoes what is written.

use keyholder_crds::PublicNetworkAccess;

use super::*;
use crate::observed::{PolicyHit, PolicyOutlook};
use crate::report::Executed;

/// A ready hub whose spec wants public access, which it has not.
fn wanted() -> (Declared, ResourceStatus, Observed) {
    let (mut hub, status) = ready_hub();
    hub.public_network_access = Some(PublicNetworkAccess::Enabled);
    hub.generation = 2;
    let mut observed = created(&hub);
    if let Fact::Known(live) = &mut observed.live {
        live.public_network_access = Some("Disabled".to_owned());
    }
    observed.policy = Fact::not_read();
    (hub, status, observed)
}

fn closing() -> Fact<PolicyOutlook> {
    Fact::Known(PolicyOutlook {
        denies: Vec::new(),
        modifies: vec![PolicyHit {
            assignment: "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/close"
                .to_owned(),
            definition: "/d".to_owned(),
            name: None,
            field: Some("Microsoft.MachineLearningServices/workspaces/publicNetworkAccess".to_owned()),
            value: Some("Disabled".to_owned()),
        }],
    })
}

/// The status after the change was written and did not show, with what policy says.
fn ignored(policy: Fact<PolicyOutlook>) -> (Declared, ResourceStatus, Observed) {
    let (hub, status, mut observed) = wanted();
    let first = pass(&hub, &status, &observed, 100, false, &Executed::Done);
    assert_eq!(first.plan.write.as_ref().unwrap().intent, "publicNetworkAccess");
    observed.policy = policy;
    let verifying = pass(&hub, &first.report.status, &observed, 101, false, &accepted());
    assert!(verifying.plan.write.is_none());
    let told = pass(&hub, &verifying.report.status, &observed, 200, false, &accepted());
    assert!(told.plan.write.is_none());
    (hub, told.report.status, observed)
}

#[test]
fn it_is_told_and_not_written_again() {
    let (hub, status, observed) = ignored(closing());
    assert_eq!(
        condition(&status, ConditionType::Provisioned),
        ("False".to_owned(), "PolicyModifies".to_owned())
    );
    assert_eq!(condition(&status, ConditionType::Stalled).0, "True");
    let message = crate::judge::stored(&status, ConditionType::Provisioned).unwrap();
    for part in [
        "policyAssignments/close",
        "publicNetworkAccess to Disabled",
        "az policy exemption create",
    ] {
        assert!(message.message.contains(part), "{}", message.message);
    }
    // However long it stands: no write, and nothing new to say.
    for now in [1000, 10_000, 100_000] {
        let again = pass(&hub, &status, &observed, now, false, &accepted());
        assert_eq!(again.plan.write, None);
        assert_eq!(again.report.status, status);
        assert_eq!(again.report.next, Next::At(at_second(now + 300)));
    }
}

#[test]
fn it_stands_while_nobody_can_ask_and_is_tried_again_after_an_hour() {
    let (hub, status, mut observed) = ignored(closing());
    observed.policy = Fact::not_read();
    let blind = pass(&hub, &status, &observed, 1000, false, &accepted());
    assert_eq!(blind.plan.write, None);
    assert_eq!(blind.report.status, status);
    let later = pass(&hub, &status, &observed, 200 + 3601, false, &accepted());
    assert!(later.plan.write.is_some());
}

#[test]
fn it_ends_when_the_policy_goes_when_the_spec_agrees_or_changes() {
    let (hub, status, mut observed) = ignored(closing());
    observed.policy = Fact::Known(PolicyOutlook::default());
    let free = pass(&hub, &status, &observed, 1000, false, &accepted());
    assert_eq!(free.plan.write.unwrap().intent, "publicNetworkAccess");

    let (mut agrees, status, observed) = ignored(closing());
    agrees.public_network_access = Some(PublicNetworkAccess::Disabled);
    agrees.generation = 3;
    let well = pass(&agrees, &status, &observed, 1000, false, &accepted());
    assert_eq!(well.plan.write, None);
    assert_eq!(condition(&well.report.status, ConditionType::Ready).0, "True");

    let (mut other, status, observed) = ignored(closing());
    other.generation = 3;
    let tried = pass(&other, &status, &observed, 1000, false, &accepted());
    assert!(tried.plan.write.is_some());
}

#[test]
fn without_a_policy_it_is_a_write_that_was_ignored() {
    for policy in [
        Fact::not_read(),
        Fact::Absent,
        Fact::Known(PolicyOutlook::default()),
    ] {
        let (hub, status, observed) = ignored(policy);
        assert_eq!(
            condition(&status, ConditionType::Provisioned),
            ("False".to_owned(), "WriteIgnored".to_owned())
        );
        // No policy is to blame, so that none says anything does not free the next try.
        let again = pass(&hub, &status, &observed, 1000, false, &accepted());
        assert_eq!(again.plan.write, None);
    }
}

#[test]
fn it_stands_unseen_only_until_the_next_try_is_due() {
    let (hub, status, mut observed) = ignored(closing());
    observed.policy = Fact::not_read();
    let due = status.operation.as_ref().unwrap().not_before.as_ref().unwrap().0;
    let due = due.as_second() - at_second(0).as_second();
    assert_eq!(
        pass(&hub, &status, &observed, due - 1, false, &accepted())
            .plan
            .write,
        None
    );
    assert!(
        pass(&hub, &status, &observed, due, false, &accepted())
            .plan
            .write
            .is_some()
    );
}
