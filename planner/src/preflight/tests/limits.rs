//! Policies, quotas and the bill.

use super::*;
use crate::observed::{PolicyHit, PolicyOutlook};

fn hit() -> PolicyHit {
    PolicyHit {
        assignment: "/subscriptions/s/providers/Microsoft.Authorization/policyAssignments/closed".to_owned(),
        definition: "/providers/Microsoft.Authorization/policyDefinitions/d".to_owned(),
        name: None,
        field: Some("properties.publicNetworkAccess NotEquals Disabled".to_owned()),
        value: None,
    }
}

fn policy(outlook: &Fact<PolicyOutlook>) -> Outcome {
    let checks = run_with(|observed| observed.policy = outlook.clone());
    outcome(&checks, PreflightCheckName::Policy).clone()
}

fn quota(search: &[(&str, i64, i64)], storage: &Fact<Vec<crate::observed::Usage>>) -> Outcome {
    let checks = run_with(|observed| {
        let search = search
            .iter()
            .map(|(name, used, limit)| usage(name, *used, *limit))
            .collect();
        observed
            .usages
            .insert("Microsoft.Search".to_owned(), Fact::Known(search));
        observed
            .usages
            .insert("Microsoft.Storage".to_owned(), storage.clone());
    });
    outcome(&checks, PreflightCheckName::Quota).clone()
}

fn room() -> Fact<Vec<crate::observed::Usage>> {
    Fact::Known(vec![usage("StorageAccounts", 1, 250)])
}

#[test]
fn a_denying_policy_is_named_with_assignment_and_field() {
    let outcome = policy(&Fact::Known(PolicyOutlook {
        denies: vec![hit()],
        modifies: Vec::new(),
    }));
    let Outcome::Failed { reason, message } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reason, Reason::PolicyDenied);
    for part in [
        "policyAssignments/closed",
        "policyDefinitions/d",
        "properties.publicNetworkAccess NotEquals Disabled",
        "az policy exemption create --name keyholder-research",
    ] {
        assert!(message.contains(part), "no {part} in {message}");
    }
}

#[test]
fn a_modifying_policy_is_a_note() {
    let outcome = policy(&Fact::Known(PolicyOutlook {
        denies: Vec::new(),
        modifies: vec![PolicyHit {
            field: Some("tags['cost']".to_owned()),
            value: Some("7".to_owned()),
            ..hit()
        }],
    }));
    let Outcome::Passed { note: Some(note) } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(note.contains("sets tags['cost'] to 7"), "{note}");
}

#[test]
fn what_policy_says_may_be_unknown_and_blocks_nothing() {
    for fact in [Fact::Unknown(why("403")), Fact::Absent] {
        let outcome = policy(&fact);
        assert!(
            matches!(outcome, Outcome::Unknown { blocks: false, .. }),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_used_up_quota_is_told_with_its_numbers() {
    let outcome = quota(
        &[("free", 1, 1), ("basic", 16, 16), ("standard", 17, 16)],
        &room(),
    );
    let Outcome::Failed { reason, message } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reason, Reason::QuotaExceeded);
    for part in [
        "AI Search services in westeurope",
        "basic: 16 of 16, standard: 17 of 16",
        "az resource list --resource-type Microsoft.Search/searchServices",
    ] {
        assert!(message.contains(part), "no {part} in {message}");
    }
    assert!(!message.contains("storage"), "{message}");

    let outcome = quota(
        &[("standard", 0, 16), ("basic", 0, 16)],
        &Fact::Known(vec![usage("StorageAccounts", 250, 250)]),
    );
    let Outcome::Failed { message, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(message.contains("StorageAccounts: 250 of 250"), "{message}");
}

#[test]
fn one_tier_that_is_used_up_is_a_note() {
    let outcome = quota(&[("basic", 0, 16), ("standard", 16, 16)], &room());
    let Outcome::Passed { note: Some(note) } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(note.contains("standard: 16 of 16"), "{note}");
}

#[test]
fn quotas_that_cannot_be_read_block_nothing_but_one_that_is_used_up_does() {
    let outcome = quota(
        &[("basic", 0, 16), ("standard", 0, 16)],
        &Fact::Unknown(why("403")),
    );
    let Outcome::Unknown {
        why: told,
        blocks: false,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        told.message,
        "Not known whether there is quota for the managed resource group: 403"
    );
    let outcome = quota(&[("basic", 0, 0), ("standard", 0, 0)], &Fact::Unknown(why("403")));
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    let checks = run_with(|observed| observed.usages.clear());
    let outcome = outcome_of_quota(&checks);
    assert!(
        matches!(outcome, Outcome::Unknown { blocks: false, .. }),
        "{outcome:?}"
    );
}

fn outcome_of_quota(checks: &[Check]) -> &Outcome {
    outcome(checks, PreflightCheckName::Quota)
}

#[test]
fn the_bill_names_what_is_paid_for_and_how_to_avoid_it() {
    let checks = run_with(|_| {});
    let Outcome::Passed { note: Some(note) } = outcome(&checks, PreflightCheckName::Cost) else {
        panic!("{checks:?}")
    };
    for part in [
        "Cosmos DB",
        "AI Search",
        "storage account",
        SUBSCRIPTION,
        "https://azure.microsoft.com/pricing/calculator/",
        "ServiceSide",
    ] {
        assert!(note.contains(part), "no {part} in {note}");
    }
    assert_eq!(quotas(&hub()), ["Microsoft.Search", "Microsoft.Storage"]);
}
