//! The managed resource group: whole, damaged, gone, or with a stranger in it.

use super::*;
use crate::fixtures::*;
use crate::observed::{Observed, Why};
use crate::validate::Declared;
use keyholder_crds::ResourceStatus;

fn judged(
    hub: &Declared,
    status: &ResourceStatus,
    group: Fact<Vec<GroupResource>>,
    change: impl Fn(&mut Live),
) -> Judgement {
    let observed = Observed {
        managed_group: group,
        ..created(hub)
    };
    let input = input(hub, status, &observed, 100);
    let mut live = live(hub, "Succeeded");
    change(&mut live);
    let mut judgement = Judgement::kept(status);
    judge(&input, &live, &mut judgement);
    judgement
}

fn told(judgement: &Judgement) -> &Verdict {
    let Opinion::Is(verdict) = &judgement.managed_group else {
        panic!("{:?}", judgement.managed_group)
    };
    verdict
}

fn resource(kind: &str, state: Option<&str>) -> GroupResource {
    GroupResource {
        r#type: kind.to_owned(),
        name: "more".to_owned(),
        state: state.map(str::to_owned),
    }
}

#[test]
fn a_hub_without_a_group_has_no_opinion_on_it() {
    let (hub, status) = ready_hub();
    for change in [
        |live: &mut Live| live.service_side = true,
        |live: &mut Live| live.managed_group = None,
    ] {
        let judgement = judged(&hub, &status, Fact::Known(group()), change);
        assert_eq!(judgement.managed_group, Opinion::NotApplicable);
    }
}

#[test]
fn a_whole_group_is_complete() {
    let (hub, _) = ready_hub();
    let mut found = group();
    found.push(resource("Microsoft.Network/privateEndpoints", None));
    let judgement = judged(&hub, &ResourceStatus::default(), Fact::Known(found), |_| {});
    assert_eq!(
        (told(&judgement).status, told(&judgement).reason),
        (crate::judge::Truth::True, Reason::Complete)
    );
    let status = judgement.managed_resource_group.unwrap();
    assert_eq!(
        (status.name.as_str(), status.state),
        ("azureml-rg-research", ManagedResourceGroupState::Present)
    );
    let listed: Vec<(&str, &str)> = status
        .resources
        .iter()
        .map(|one| (one.r#type.as_str(), one.state.as_str()))
        .collect();
    assert_eq!(
        listed,
        [
            ("Microsoft.DocumentDB/databaseAccounts", "Succeeded"),
            ("Microsoft.Network/privateEndpoints", "Succeeded"),
            ("Microsoft.Search/searchServices", "Succeeded"),
            ("Microsoft.Storage/storageAccounts", "Succeeded"),
        ]
    );
}

#[test]
fn the_virtual_network_is_listed_and_told_as_microsofts() {
    let (hub, _) = ready_hub();
    let mut found = group();
    found.push(resource("microsoft.network/virtualNetworks", Some("Succeeded")));
    let judgement = judged(&hub, &ResourceStatus::default(), Fact::Known(found), |_| {});
    let verdict = told(&judgement);
    assert_eq!(verdict.reason, Reason::Complete);
    assert!(
        verdict.message.contains(
            "Its virtual network more is Microsoft's: it can be neither supplied nor re-addressed."
        ),
        "{}",
        verdict.message
    );
    let listed = judgement.managed_resource_group.unwrap().resources;
    assert!(
        listed
            .iter()
            .any(|one| one.r#type == "microsoft.network/virtualNetworks")
    );
}

#[test]
fn each_missing_resource_is_named_and_stays_listed() {
    let (hub, status) = ready_hub();
    for index in 0..3 {
        let mut found = group();
        let gone = found.remove(index);
        let judgement = judged(&hub, &status, Fact::Known(found), |_| {});
        let verdict = told(&judgement);
        assert_eq!(verdict.reason, Reason::ResourceMissing);
        assert!(verdict.stalled);
        assert!(
            verdict.message.contains(&format!("no {} any more", gone.r#type)),
            "{}",
            verdict.message
        );
        let listed = judgement.managed_resource_group.unwrap().resources;
        assert_eq!(listed.len(), 3);
        let entry = listed.iter().find(|one| one.r#type == gone.r#type).unwrap();
        assert_eq!(entry.state, "Missing");
    }
    let two = judged(
        &hub,
        &status,
        Fact::Known(group().into_iter().take(1).collect()),
        |_| {},
    );
    assert!(
        told(&two)
            .message
            .contains("no Microsoft.Search/searchServices, no Microsoft.Storage/storageAccounts any more"),
        "{}",
        told(&two).message
    );
}

#[test]
fn a_resource_of_the_same_type_and_another_name_does_not_hide_the_one_that_went() {
    let (hub, status) = ready_hub();
    let mut found = group();
    found[0].name = "two".to_owned();
    found[1].r#type = found[1].r#type.to_uppercase();
    let judgement = judged(&hub, &status, Fact::Known(found), |_| {});
    assert_eq!(told(&judgement).reason, Reason::Complete);
    let listed: Vec<(String, String)> = judgement
        .managed_resource_group
        .unwrap()
        .resources
        .into_iter()
        .map(|one| (one.name, one.state))
        .collect();
    assert_eq!(listed.len(), 4, "{listed:?}");
    assert!(listed.contains(&("one".to_owned(), "Missing".to_owned())));
    assert!(listed.contains(&("two".to_owned(), "Succeeded".to_owned())));
}

#[test]
fn a_group_that_is_gone_is_missing_with_all_that_was_in_it() {
    let (hub, status) = ready_hub();
    let judgement = judged(&hub, &status, Fact::Absent, |_| {});
    assert_eq!(told(&judgement).reason, Reason::Missing);
    assert!(told(&judgement).message.contains("azureml-rg-research"));
    let group = judgement.managed_resource_group.unwrap();
    assert_eq!(group.state, ManagedResourceGroupState::Missing);
    assert_eq!(group.resources.len(), 3);
    assert!(group.resources.iter().all(|one| one.state == "Missing"));
}

#[test]
fn a_failed_resource_is_unhealthy() {
    let (hub, status) = ready_hub();
    let mut found = group();
    found[1].state = Some("failed".to_owned());
    let judgement = judged(&hub, &status, Fact::Known(found), |_| {});
    assert_eq!(told(&judgement).reason, Reason::ResourceUnhealthy);
    assert!(
        told(&judgement)
            .message
            .contains("Microsoft.Search/searchServices one")
    );
}

#[test]
fn a_stranger_is_a_warning_that_keeps_ready() {
    let (hub, status) = ready_hub();
    let mut observed = created(&hub);
    let mut found = group();
    found.push(resource("Microsoft.Compute/virtualMachines", Some("Succeeded")));
    observed.managed_group = Fact::Known(found);
    let pass = pass(&hub, &status, &observed, 100, false, &accepted());
    assert_eq!(
        condition(&pass.report.status, ConditionType::ManagedResourceGroupHealthy),
        ("True".to_owned(), "ForeignResource".to_owned())
    );
    assert_eq!(condition(&pass.report.status, ConditionType::Ready).0, "True");
    let warnings: Vec<_> = pass.report.notes.iter().filter(|note| note.warning).collect();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].reason, Reason::ForeignResource);
    assert!(
        warnings[0]
            .message
            .contains("Microsoft.Compute/virtualMachines more")
    );
}

#[test]
fn what_could_not_be_read_keeps_what_is_stored() {
    let (hub, status) = ready_hub();
    let why = Why {
        reason: Reason::Throttled,
        message: "later".to_owned(),
        retry_at: None,
    };
    let kept = judged(&hub, &status, Fact::Unknown(why.clone()), |_| {});
    assert_eq!(kept, Judgement::kept(&status));
    let first = judged(
        &hub,
        &ResourceStatus::default(),
        Fact::Unknown(why.clone()),
        |_| {},
    );
    assert_eq!(first.managed_group, Opinion::Is(Verdict::unknown_why(&why)));
}

fn key(url: &str) -> AtRest {
    AtRest::Key(crate::name::KeyIdentifier::parse(url).unwrap())
}

/// A pass over a whole group whose resources are encrypted like this, in the order of the group.
fn encrypted(status: &ResourceStatus, at_rest: [Fact<AtRest>; 3]) -> Pass {
    let (hub, _) = ready_hub();
    let mut observed = created(&hub);
    let ids = crate::at_rest::in_group(SUBSCRIPTION, "azureml-rg-research", &group());
    observed.at_rest = ids
        .into_iter()
        .zip(at_rest.map(crate::fixtures::stored_fact))
        .collect();
    pass(&hub, status, &observed, 100, false, &accepted())
}

const COMPLIANT: Fact<AtRest> = Fact::Known(AtRest::Enforced { compliant: true });

#[test]
fn each_resource_is_told_with_the_key_that_it_is_encrypted_with() {
    let (_, status) = ready_hub();
    let told = encrypted(
        &status,
        [Fact::Known(key(NEXT_KEY)), COMPLIANT, Fact::Known(key(KEY))],
    );
    let healthy = ConditionType::ManagedResourceGroupHealthy;
    assert_eq!(
        condition(&told.report.status, healthy),
        ("True".to_owned(), "Complete".to_owned())
    );
    let resources = &told
        .report
        .status
        .managed_resource_group
        .as_ref()
        .unwrap()
        .resources;
    let keys: Vec<_> = resources
        .iter()
        .map(|one| (one.encryption.unwrap().to_string(), one.key_identifier.as_deref()))
        .collect();
    assert_eq!(
        keys,
        [
            ("CustomerManaged".to_owned(), Some(NEXT_KEY)),
            ("Enforced".to_owned(), None),
            ("CustomerManaged".to_owned(), Some(KEY)),
        ]
    );

    let unknown = || {
        Fact::Unknown(Why {
            reason: Reason::AzureUnreachable,
            message: "no answer".to_owned(),
            retry_at: None,
        })
    };
    let later = encrypted(&told.report.status, [unknown(), unknown(), unknown()]);
    assert_eq!(later.report.status, told.report.status);
}

#[test]
fn one_without_the_hubs_key_is_not_in_order_and_one_with_another_is_a_warning() {
    let (_, status) = ready_hub();
    let healthy = ConditionType::ManagedResourceGroupHealthy;
    for tampered in [
        [Fact::Known(AtRest::Microsoft), COMPLIANT, Fact::Known(key(KEY))],
        [
            Fact::Known(key(KEY)),
            Fact::Known(AtRest::NotEnforced),
            Fact::Known(key(KEY)),
        ],
        [Fact::Known(key(KEY)), COMPLIANT, Fact::Known(AtRest::Microsoft)],
    ] {
        let told = encrypted(&status, tampered);
        assert_eq!(
            condition(&told.report.status, healthy),
            ("False".to_owned(), "NotEncrypted".to_owned())
        );
        assert_eq!(
            condition(&told.report.status, ConditionType::Stalled).1,
            "NotEncrypted"
        );
    }
    let other = || Fact::Known(key("https://corp-keys.vault.azure.net/keys/other"));
    let told = encrypted(&status, [Fact::Known(key(KEY)), COMPLIANT, other()]);
    assert_eq!(
        condition(&told.report.status, healthy),
        ("True".to_owned(), "OtherKey".to_owned())
    );
    assert_eq!(condition(&told.report.status, ConditionType::Ready).0, "True");
}
