//! What is refused between what is and what is declared.

use keyholder_crds::{DataLocation, UnverifiedTransition};

use super::*;
use crate::fixtures::*;
use crate::validate::Validate;

fn bound() -> Bound {
    of_declared(&object("Delete").validate("owner", None).unwrap())
}

fn kind() -> Kind {
    object("Delete").validate("owner", None).unwrap().kind
}

/// The reasons and fields refused after one change of what is declared.
fn refused(change: impl Fn(&mut Bound)) -> Vec<(Reason, &'static str)> {
    let mut wanted = bound();
    change(&mut wanted);
    refusals(&kind(), &wanted, &bound())
        .into_iter()
        .map(|refusal| {
            assert!(refusal.message.starts_with(refusal.path), "{}", refusal.message);
            assert!(refusal.message.contains("beside this one"), "{}", refusal.message);
            (refusal.reason, refusal.path)
        })
        .collect()
}

#[test]
fn nothing_is_refused_while_nothing_changes() {
    assert_eq!(refused(|_| {}), []);
    let bound = bound();
    assert_eq!(
        bound.vault.as_deref(),
        Some(id("Microsoft.KeyVault/vaults", "corp-keys").lower().as_str())
    );
    assert_eq!(bound.resource_id, bound.resource_id.to_lowercase());
}

#[test]
fn each_one_way_field_is_refused_by_its_own_reason() {
    let fixed = Reason::ImmutableFieldChanged;
    type Change = fn(&mut Bound);
    let table: [(Change, Reason, &str); 9] = [
        (
            |bound| bound.mode = Some(EncryptionMode::MicrosoftManaged),
            Reason::ModeSwitchForbidden,
            "spec.encryption.mode",
        ),
        (
            |bound| bound.vault = Some("/x/other".to_owned()),
            Reason::VaultSwitchForbidden,
            "spec.encryption.customerManagedKey.vault",
        ),
        (
            |bound| bound.data_location = Some(DataLocation::ServiceSide),
            Reason::DataLocationSwitchForbidden,
            "spec.encryption.dataLocation",
        ),
        (
            |bound| bound.key_identity = None,
            fixed,
            "spec.encryption.customerManagedKey.identity",
        ),
        (|bound| bound.resource_id.push('2'), fixed, "spec.resourceGroup"),
        (|bound| bound.location.push('2'), fixed, "spec.location"),
        (
            |bound| bound.storage_account.as_mut().unwrap().push('2'),
            fixed,
            "spec.storageAccount",
        ),
        (
            |bound| bound.key_vault.as_mut().unwrap().push('2'),
            fixed,
            "spec.keyVault",
        ),
        (
            |bound| bound.high_business_impact = Some(false),
            fixed,
            "spec.highBusinessImpact",
        ),
    ];
    for (change, reason, path) in table {
        assert_eq!(refused(change), [(reason, path)]);
    }
}

#[test]
fn the_same_vault_may_be_named_otherwise() {
    let elsewhere = |id: &str| id.replace("rg-ai", "rg-security").to_uppercase();
    assert_eq!(
        refused(|bound| bound.vault = bound.vault.as_deref().map(elsewhere)),
        []
    );
    assert_eq!(
        refused(|bound| bound.storage_account = bound.storage_account.as_deref().map(elsewhere)),
        []
    );
    assert_eq!(
        refused(|bound| bound.key_vault = bound.key_vault.as_deref().map(elsewhere)),
        []
    );
    // An identity's name is not unique: another group is another identity.
    assert_eq!(
        refused(|bound| bound.key_identity = bound.key_identity.as_deref().map(elsewhere)).len(),
        1
    );
}

#[test]
fn leaving_a_value_out_and_setting_it_again_are_judged_alike() {
    // ManagedResourceGroup is what leaving dataLocation out means.
    let mut set = object("Delete");
    set.spec.encryption.data_location = Some(DataLocation::ManagedResourceGroup);
    set.spec.high_business_impact = Some(true);
    assert_eq!(of_declared(&set.validate("owner", None).unwrap()), bound());
    let mut unset = bound();
    unset.data_location = None;
    assert_eq!(refusals(&kind(), &bound(), &unset).len(), 1);
    assert_eq!(refusals(&kind(), &unset, &bound()).len(), 1);
}

#[test]
fn taking_the_key_away_and_bringing_it_back_is_refused_both_ways() {
    let mut object = object("Delete");
    object.spec.encryption.mode = EncryptionMode::MicrosoftManaged;
    object.spec.encryption.customer_managed_key = None;
    let microsoft = of_declared(&object.validate("owner", None).unwrap());
    let reasons = |declared: &Bound, have: &Bound| -> Vec<Reason> {
        refusals(&kind(), declared, have)
            .iter()
            .map(|one| one.reason)
            .collect()
    };
    // The vault, the identity and the rest only follow from it.
    assert_eq!(reasons(&microsoft, &bound()), [Reason::ModeSwitchForbidden]);
    assert_eq!(reasons(&bound(), &microsoft), [Reason::ModeSwitchForbidden]);
    let mut elsewhere = microsoft;
    elsewhere.location = "eastus".to_owned();
    assert_eq!(
        reasons(&elsewhere, &bound()),
        [Reason::ModeSwitchForbidden, Reason::ImmutableFieldChanged]
    );
}

#[test]
fn the_message_tells_what_is_and_what_is_asked_for() {
    let mut service_side = bound();
    service_side.data_location = Some(DataLocation::ServiceSide);
    service_side.vault = None;
    let told = refusals(&kind(), &service_side, &bound());
    for (refusal, part) in told.iter().zip([
        "asked for is none",
        "it is ManagedResourceGroup, asked for is ServiceSide",
    ]) {
        assert!(refusal.message.contains(part), "{}", refusal.message);
    }
    assert_eq!(told.len(), 2);
    assert!(
        told[0].message.contains("vaults/corp-keys"),
        "{}",
        told[0].message
    );
}

#[test]
fn the_message_tells_what_high_business_impact_is() {
    let mut off = bound();
    off.high_business_impact = Some(false);
    assert!(
        refusals(&kind(), &off, &bound())[0]
            .message
            .contains("it is true")
    );
    assert!(
        refusals(&kind(), &bound(), &off)[0]
            .message
            .contains("it is false")
    );
}

#[test]
fn a_managed_network_is_made_tighter_and_never_looser() {
    let isolated = |mode: &str| Bound {
        managed_network_isolation: Some(mode.to_owned()),
        ..bound()
    };
    let (open, internet, approved) = (
        isolated("disabled"),
        isolated("allowinternetoutbound"),
        isolated("allowonlyapprovedoutbound"),
    );
    for (have, wanted) in [
        (&open, &internet),
        (&open, &approved),
        (&internet, &approved),
        (&bound(), &open),
    ] {
        assert_eq!(refusals(&kind(), wanted, have), []);
    }
    for (have, wanted) in [(&internet, &open), (&approved, &open), (&approved, &internet)] {
        let told = refusals(&kind(), wanted, have);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].reason, told[0].path),
            (Reason::ImmutableFieldChanged, "spec.managedNetwork.isolation")
        );
    }
    let told = refusals(&kind(), &internet, &approved);
    assert!(
        told[0].message.contains("it is AllowOnlyApprovedOutbound"),
        "{}",
        told[0].message
    );
    // Left out, it stays.
    assert_eq!(refusals(&kind(), &bound(), &approved), []);
}

#[test]
fn a_live_hub_is_what_it_tells_and_else_as_declared() {
    let hub = object("Delete").validate("owner", None).unwrap();
    let mut seen = live(&hub, "Succeeded");
    seen.high_business_impact = false;
    assert_eq!(
        of_live(&kind(), &seen, &bound()),
        bound(),
        "a customer-managed key turns it on"
    );
    seen.storage_account = None;
    seen.key_vault = None;
    assert_eq!(of_live(&kind(), &seen, &bound()), bound());
    seen.service_side = true;
    assert_eq!(
        of_live(&kind(), &seen, &bound()).data_location,
        Some(DataLocation::ServiceSide)
    );
    seen.encryption = None;
    let plain = of_live(&kind(), &seen, &bound());
    assert_eq!(plain.mode, Some(EncryptionMode::MicrosoftManaged));
    assert_eq!(
        (plain.data_location, plain.vault, plain.key_identity),
        (None, None, None)
    );
    assert_eq!(plain.high_business_impact, Some(false));
    seen.high_business_impact = true;
    assert_eq!(of_live(&kind(), &seen, &bound()).high_business_impact, Some(true));
}

#[test]
fn an_unconfirmed_creation_names_what_lets_it_through() {
    let mut object = object("Delete");
    let refusal = |object: &keyholder_crds::AIHub| {
        unverified_creation(&object.validate("owner", None).unwrap(), &Observed::nothing())
            .into_iter()
            .next()
    };
    assert_eq!(refusal(&object), None);
    object.spec.encryption.data_location = Some(DataLocation::ServiceSide);
    let refused = refusal(&object).unwrap();
    assert_eq!(refused.reason, Reason::TransitionUnverified);
    assert!(
        refused
            .message
            .ends_with("add ServiceSideUserAssignedIdentity to spec.allowUnverified."),
        "{}",
        refused.message
    );
    object
        .spec
        .allow_unverified
        .push(UnverifiedTransition::ServiceSideKeyRotation);
    assert!(refusal(&object).is_some());
    object
        .spec
        .allow_unverified
        .push(UnverifiedTransition::ServiceSideUserAssignedIdentity);
    assert_eq!(refusal(&object), None);
    object.spec.allow_unverified.clear();
    object.spec.identity.system_assigned = Some(true);
    object
        .spec
        .encryption
        .customer_managed_key
        .as_mut()
        .unwrap()
        .identity = None;
    assert_eq!(refusal(&object), None);
}

#[test]
fn a_cell_without_a_name_offers_none() {
    let refused = unverified(Cell::Unverified(None), "spec.x", "No.");
    assert_eq!((refused.path, refused.message.as_str()), ("spec.x", "No."));
}
