//! The isolation of a managed network: bound from the moment on that a change of it may have arrived, and as Azure has it afterwards.

use keyholder_crds::{AIHub, ManagedNetwork, NetworkIsolation};

use super::*;
use crate::report::Executed;

fn with(isolation: Option<NetworkIsolation>, generation: i64) -> Declared {
    let mut object: AIHub = object("Delete");
    object.metadata.generation = Some(generation);
    object.spec.managed_network = Some(ManagedNetwork {
        isolation,
        ..ManagedNetwork::default()
    });
    object.validate("owner", None).unwrap()
}

fn has(hub: &Declared, mode: Option<&str>) -> Observed {
    let mut observed = created(hub);
    if let Fact::Known(live) = &mut observed.live {
        live.network_isolation = mode.map(str::to_owned);
    }
    observed
}

fn bound(pass: &Pass) -> Option<&str> {
    let bound = pass.report.status.bound.as_ref().unwrap();
    bound.managed_network_isolation.as_deref()
}

const INTERNET: Option<NetworkIsolation> = Some(NetworkIsolation::AllowInternetOutbound);
const APPROVED: Option<NetworkIsolation> = Some(NetworkIsolation::AllowOnlyApprovedOutbound);

#[test]
fn a_tighter_one_binds_when_it_is_written_and_stays_bound() {
    let (_, status) = ready_hub();
    let hub = with(INTERNET, 2);
    let first = pass(&hub, &status, &has(&hub, None), 100, false, &Executed::Done);
    assert_eq!(first.plan.write.as_ref().unwrap().intent, "managedNetwork");
    assert_eq!(bound(&first), Some("allowinternetoutbound"));
    // It does not show yet.
    let waits = pass(
        &hub,
        &first.report.status,
        &has(&hub, None),
        101,
        false,
        &Executed::Done,
    );
    assert_eq!(waits.plan.write, None);
    assert_eq!(bound(&waits), Some("allowinternetoutbound"));
    let shown = has(&hub, Some("AllowInternetOutbound"));
    let done = pass(&hub, &waits.report.status, &shown, 106, false, &Executed::Done);
    assert_eq!(done.plan.write, None);
    assert_eq!(bound(&done), Some("allowinternetoutbound"));
    assert_eq!(condition(&done.report.status, ConditionType::Ready).0, "True");
}

/// The old value can be restored then.
#[test]
fn one_that_azure_did_not_take_binds_no_more() {
    let (_, status) = ready_hub();
    let hub = with(APPROVED, 2);
    let seen = has(&hub, Some("AllowInternetOutbound"));
    let first = pass(&hub, &status, &seen, 100, false, &Executed::Done);
    assert_eq!(bound(&first), Some("allowonlyapprovedoutbound"));
    let mut status = first.report.status;
    if let Some(operation) = &mut status.operation {
        operation.state = OperationState::Failed;
        operation.not_before = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at_second(
            1000,
        )));
    }
    let after = pass(&hub, &status, &seen, 101, false, &Executed::Done);
    assert_eq!(bound(&after), Some("allowinternetoutbound"));
}

#[test]
fn a_looser_one_is_refused_and_nothing_is_written() {
    let (_, status) = ready_hub();
    for wanted in [INTERNET, Some(NetworkIsolation::Disabled)] {
        let hub = with(wanted, 2);
        let seen = has(&hub, Some("AllowOnlyApprovedOutbound"));
        let refused = pass(&hub, &status, &seen, 100, false, &Executed::Done);
        assert_eq!(refused.plan.write, None);
        assert_eq!(
            condition(&refused.report.status, ConditionType::TransitionAllowed),
            ("False".to_owned(), "ImmutableFieldChanged".to_owned())
        );
        assert_eq!(bound(&refused), Some("allowonlyapprovedoutbound"));
    }
}

#[test]
fn left_out_it_stays_as_it_is() {
    let (hub, status) = ready_hub();
    let seen = has(&hub, Some("AllowOnlyApprovedOutbound"));
    let kept = pass(&hub, &status, &seen, 100, false, &Executed::Done);
    assert_eq!(kept.plan.write, None);
    assert_eq!(condition(&kept.report.status, ConditionType::Ready).0, "True");
}
