//! Tighter, looser, the same, and what is not known.

use NetworkIsolation::{AllowInternetOutbound, AllowOnlyApprovedOutbound, Disabled};

use keyholder_crds::ManagedNetwork;

use super::*;
use crate::validate::Validate;

const UNKNOWN: &str = "allowlandlinesonly";

#[test]
fn each_mode_against_each_other() {
    let modes: Vec<NetworkIsolation> = NetworkIsolation::iter().collect();
    assert_eq!(
        modes,
        [Disabled, AllowInternetOutbound, AllowOnlyApprovedOutbound]
    );
    for (rank, have) in modes.iter().enumerate() {
        for (wanted, declared) in modes.iter().enumerate() {
            let text = |mode: &NetworkIsolation| mode.to_string().to_lowercase();
            assert_eq!(
                loosens(Some(&text(declared)), Some(&text(have))),
                wanted < rank,
                "{have} -> {declared}"
            );
            assert_eq!(
                tightened(Some(*declared), Some(&have.to_string())),
                (wanted > rank).then(|| json!({ "isolationMode": declared.to_string() })),
                "{have} -> {declared}"
            );
        }
    }
}

#[test]
fn what_is_left_out_asks_for_nothing() {
    assert!(!loosens(None, Some("allowonlyapprovedoutbound")));
    assert_eq!(tightened(None, Some("Disabled")), None);
}

#[test]
fn a_hub_that_tells_no_mode_has_no_managed_network() {
    assert!(!loosens(Some("disabled"), None));
    assert_eq!(tightened(Some(Disabled), None), None);
    assert_eq!(
        tightened(Some(AllowInternetOutbound), None),
        Some(json!({ "isolationMode": "AllowInternetOutbound" }))
    );
}

#[test]
fn a_mode_that_is_not_known_is_left_alone() {
    assert!(loosens(Some("allowonlyapprovedoutbound"), Some(UNKNOWN)));
    assert_eq!(tightened(Some(AllowOnlyApprovedOutbound), Some(UNKNOWN)), None);
    assert_eq!(spelled(Some(UNKNOWN)), UNKNOWN);
    assert_eq!(spelled(Some("allowinternetoutbound")), "AllowInternetOutbound");
}

#[test]
fn a_network_of_ones_own_is_refused_with_the_reason() {
    let mut object = crate::fixtures::object("Delete");
    object.spec.managed_network = Some(ManagedNetwork {
        virtual_network: Some("mine".to_owned()),
        address_prefix: Some("10.0.0.0/16".to_owned()),
        ..ManagedNetwork::default()
    });
    let errors = object.validate("owner", None).unwrap_err();
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "spec.managedNetwork.virtualNetwork",
            "spec.managedNetwork.addressPrefix"
        ]
    );
    assert!(errors.iter().all(|error| {
        error
            .message
            .contains("it can be neither supplied nor re-addressed")
    }));
}
