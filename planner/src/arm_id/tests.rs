//! Ids of any spelling and depth, and what is none.

use std::collections::{BTreeSet, HashSet};
use std::hash::DefaultHasher;

use super::*;

const VAULT: &str = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/corp-keys";

#[test]
fn an_id_tells_its_parts_and_keeps_its_spelling() {
    let id = ArmId::parse(VAULT).unwrap();
    assert_eq!((id.as_str(), id.to_string().as_str()), (VAULT, VAULT));
    assert_eq!((id.subscription(), id.resource_group()), ("S", "rg"));
    assert_eq!(
        (id.resource_type().as_str(), id.name()),
        ("Microsoft.KeyVault/vaults", "corp-keys")
    );
    assert!(id.is_type("microsoft.keyvault/VAULTS") && !id.is_type("Microsoft.KeyVault/vaults/keys"));
    assert_eq!(id, ArmId::of("S", "rg", "Microsoft.KeyVault/vaults", "corp-keys"));
    let key = id.child("keys", "ai-hub");
    assert_eq!(key, format!("{VAULT}/keys/ai-hub").parse().unwrap());
    assert_eq!(
        (key.resource_type().as_str(), key.name()),
        ("Microsoft.KeyVault/vaults/keys", "ai-hub")
    );
    assert_eq!(id.lower(), VAULT.to_ascii_lowercase());
}

#[test]
fn case_makes_no_other_id() {
    let one = ArmId::parse(VAULT).unwrap();
    let other = ArmId::parse(&VAULT.to_uppercase()).unwrap();
    let third = ArmId::parse(&format!("{VAULT}2")).unwrap();
    assert_eq!(one, other);
    assert_ne!(one, third);
    assert!(one.same_name(&other) && !one.same_name(&third));
    assert!(one < third && one.partial_cmp(&other) == Some(Ordering::Equal));
    let ids = [&one, &other, &third];
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 2);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 2);
    let hash = |id: &ArmId| {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        hasher.finish()
    };
    assert_eq!(hash(&one), hash(&other));
    assert_ne!(hash(&one), hash(&third));
    let moved = ArmId::parse(&VAULT.replace("rg", "elsewhere")).unwrap();
    assert!(one.same_name(&moved));
    assert_ne!(one, moved);
}

#[test]
fn what_is_no_id_is_refused_with_the_problem() {
    for (wrong, problem) in [
        ("", "does not start with /"),
        ("corp-keys", "does not start with /"),
        ("/", "it is empty"),
        ("/tenants/x", "/subscriptions/"),
        ("/subscriptions/", "the subscription is missing"),
        ("/subscriptions/S", "resourceGroups is missing"),
        ("/subscriptions/S/providers/x", "resourceGroups is missing"),
        (
            "/subscriptions/S/resourceGroups//providers",
            "the resource group is missing",
        ),
        ("/subscriptions/S/resourceGroups/rg", "providers is missing"),
        ("/subscriptions/S/resourceGroups/rg/x/y", "providers is missing"),
        (
            "/subscriptions/S/resourceGroups/rg/providers",
            "the provider namespace is missing",
        ),
        (
            "/subscriptions/S/resourceGroups/rg/providers/P",
            "type and name are missing",
        ),
        (
            "/subscriptions/S/resourceGroups/rg/providers/P/t",
            "a type or a name is missing",
        ),
        (
            "/subscriptions/S/resourceGroups/rg/providers/P/t/",
            "a type or a name is missing",
        ),
        (
            "/subscriptions/S/resourceGroups/rg/providers/P//n",
            "a type or a name is missing",
        ),
        (
            "/subscriptions/S/resourceGroups/rg/providers/P/t/n/u",
            "a type or a name is missing",
        ),
    ] {
        let error = ArmId::parse(wrong).unwrap_err().to_string();
        assert!(error.contains(problem), "{wrong:?}: {error}");
    }
}

#[test]
fn a_scope_holds_for_what_is_below_it_alone() {
    let key = ArmId::parse(&format!("{VAULT}/keys/ai-hub")).unwrap();
    for scope in [
        "/",
        "",
        "/providers/Microsoft.Management/managementGroups/corp",
        "/subscriptions/s",
        "/SUBSCRIPTIONS/S/resourcegroups/RG/",
        VAULT,
        key.as_str(),
    ] {
        assert!(key.is_within(scope), "{scope}");
    }
    for scope in [
        "/subscriptions/s2",
        "/subscriptions/S/resourceGroups/r",
        "/subscriptions/S/resourceGroups/rg2",
        &format!("{VAULT}/keys/ai-hub2"),
        &format!("{VAULT}/keys/ai"),
        &format!("{VAULT}/keys/ai-hub/versions/1"),
    ] {
        assert!(!key.is_within(scope), "{scope}");
    }
}
