//! The rules of the CRD and the planner refuse the same changes.
//!
//! For random (old, new, bound): what the API server's rules refuse, the planner refuses; and what the planner refuses of
//! what this edit changes, the rules refuse. Each cell of the matrix is hit many times, and so is each way to name a vault.

use std::collections::BTreeMap;

use keyholder_crds::AIHub;
use kube::CustomResourceExt;
use kube::core::cel::{CompiledSchema, compile_schema, validate_compiled};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::*;
use crate::fixtures::SUBSCRIPTION;
use crate::matrix::Profile;
use crate::validate::Validate;

const ONE: &str = "0123456789abcdef0123456789abcdef";
const TWO: &str = "fedcba9876543210fedcba9876543210";
const CASES: u32 = 6000;
const HITS: u32 = 50;

/// What one spec says where it matters.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    customer_managed: bool,
    data_location: Option<&'static str>,
    vault: usize,
    key: &'static str,
    version: Option<&'static str>,
    identity: Option<usize>,
    high_business_impact: Option<bool>,
    group: &'static str,
    name: Option<&'static str>,
    location: &'static str,
    storage: usize,
    key_vault: usize,
    isolation: Option<&'static str>,
}

/// One name in its spellings: two of the same resource, its id here and elsewhere, and another.
fn reference(kind: &str, which: usize) -> String {
    let id = |group: &str, name: &str| {
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{name}")
    };
    match which {
        0 => "first1".to_owned(),
        1 => "FIRST1".to_owned(),
        2 => id("rg-ai", "first1"),
        3 => id("rg-elsewhere", "First1"),
        4 => id("rg-ai", "first1").to_uppercase(),
        _ => "second2".to_owned(),
    }
}

fn spec(choice: &Choice) -> Value {
    let mut encryption = json!({ "mode": "MicrosoftManaged" });
    if choice.customer_managed {
        let mut key =
            json!({ "vault": reference("Microsoft.KeyVault/vaults", choice.vault), "key": choice.key });
        if let Some(version) = choice.version {
            key["version"] = json!(version);
        }
        if let Some(which) = choice.identity {
            key["identity"] = json!(reference(
                "Microsoft.ManagedIdentity/userAssignedIdentities",
                which
            ));
        }
        encryption = json!({ "mode": "CustomerManaged", "customerManagedKey": key });
        if let Some(location) = choice.data_location {
            encryption["dataLocation"] = json!(location);
        }
    }
    let identities: Vec<String> = [0, 2, 3, 5]
        .map(|which| reference("Microsoft.ManagedIdentity/userAssignedIdentities", which))
        .to_vec();
    let mut spec = json!({
        "subscriptionId": SUBSCRIPTION, "resourceGroup": choice.group, "location": choice.location,
        "identity": { "systemAssigned": true, "userAssigned": identities },
        "storageAccount": reference("Microsoft.Storage/storageAccounts", choice.storage),
        "keyVault": reference("Microsoft.KeyVault/vaults", choice.key_vault),
        "encryption": encryption, "deletionPolicy": "Retain",
    });
    if let Some(impact) = choice.high_business_impact {
        spec["highBusinessImpact"] = json!(impact || choice.customer_managed);
    }
    if let Some(name) = choice.name {
        spec["azureName"] = json!(name);
    }
    if let Some(isolation) = choice.isolation {
        spec["managedNetwork"] = json!({ "isolation": isolation });
    }
    spec
}

fn object(choice: &Choice, bound: Option<&Bound>) -> AIHub {
    let mut json = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIHub",
        "metadata": { "name": "research", "namespace": "ml-platform", "generation": 1 },
        "spec": spec(choice),
    });
    if let Some(bound) = bound {
        json["status"] = json!({ "bound": bound });
    }
    serde_json::from_value(json).unwrap()
}

fn choices() -> impl Strategy<Value = Choice> {
    let first = (
        prop::bool::weighted(0.75),
        prop::sample::select(vec![
            None,
            Some("ManagedResourceGroup"),
            Some("ServiceSide"),
            Some("ServiceSide"),
        ]),
        prop::sample::select(vec![0_usize, 1, 2, 3, 4, 5, 5, 5]),
        prop::sample::select(vec!["ai-hub", "other"]),
        prop::sample::select(vec![None, Some(ONE), Some(TWO)]),
        prop::option::of(prop::sample::select(vec![0_usize, 1, 2, 3, 4, 5])),
    );
    let second = (
        prop::option::of(any::<bool>()),
        prop::sample::select(vec!["rg-ai", "RG-AI", "rg-other"]),
        prop::sample::select(vec![None, Some("research"), Some("Research"), Some("other")]),
        prop::sample::select(vec!["westeurope", "West Europe", "eastus"]),
        0..6_usize,
        0..6_usize,
        prop::option::weighted(
            0.9,
            prop::sample::select(vec![
                "Disabled",
                "AllowInternetOutbound",
                "AllowOnlyApprovedOutbound",
            ]),
        ),
    );
    (first, second).prop_map(
        |(
            (customer_managed, data_location, vault, key, version, identity),
            (high_business_impact, group, name, location, storage, key_vault, isolation),
        )| Choice {
            customer_managed,
            data_location,
            vault,
            key,
            version,
            identity,
            high_business_impact,
            group,
            name,
            location,
            storage,
            key_vault,
            isolation,
        },
    )
}

/// What is bound; what the object said before this edit; and what it says now. Mostly one field moves.
fn edits() -> impl Strategy<Value = (Choice, Choice, Choice)> {
    let fields = vec![
        0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14_usize,
    ];
    let field = prop::sample::select(fields);
    (choices(), choices(), choices(), field, 0..4_usize).prop_map(|(bound, other, third, field, stale)| {
        let with = |from: &Choice, to: &Choice, field: usize| {
            let mut new = from.clone();
            match field {
                0 => new.customer_managed = !from.customer_managed,
                1 => new.data_location = to.data_location,
                2 => new.vault = to.vault,
                3 => new.key = to.key,
                4 => new.version = to.version,
                5 => new.identity = to.identity,
                6 => new.high_business_impact = to.high_business_impact,
                7 => new.group = to.group,
                8 => new.name = to.name,
                9 => new.location = to.location,
                10 => new.storage = to.storage,
                11 => new.key_vault = to.key_vault,
                12 => {}
                14 => new.isolation = to.isolation,
                _ => new = to.clone(),
            }
            new
        };
        // An edit that was let in before the hub was bound, so that old is not what is bound.
        let old = if stale == 0 {
            with(&bound, &third, field.wrapping_add(5) % 15)
        } else {
            bound.clone()
        };
        let new = if stale == 0 && field >= 11 {
            bound.clone()
        } else {
            with(&old, &other, field)
        };
        (bound, old, new)
    })
}

/// The cells that an edit is an instance of.
fn cells(have: &Bound, old: &Choice, new: &Choice, wanted: &Bound) -> Vec<(Profile, Transition)> {
    let mut transitions = Vec::new();
    if have.mode != wanted.mode {
        transitions.push(if wanted.mode == Some(EncryptionMode::CustomerManaged) {
            Transition::ToCustomerManaged
        } else {
            Transition::ToMicrosoftManaged
        });
    } else if wanted.mode == Some(EncryptionMode::CustomerManaged) {
        if !crate::key_store::is_same(have.vault.as_deref(), wanted.vault.as_deref()) {
            transitions.push(Transition::OtherVault);
        }
        if have.data_location != wanted.data_location {
            transitions.push(Transition::DataLocation);
        }
        if old.key != new.key {
            transitions.push(Transition::OtherKey);
        }
        match (old.version, new.version) {
            (one, other) if one == other => {}
            (_, None) => transitions.push(Transition::Versionless),
            (_, Some(_)) => transitions.push(Transition::NewVersion),
        }
        if have.key_identity.is_none() && wanted.key_identity.is_some() {
            transitions.push(Transition::UserAssignedIdentity);
        }
    }
    let profile = Profile::of_hub(have.data_location);
    transitions.into_iter().map(|one| (profile, one)).collect()
}

/// Each field's value in a [`Bound`], as far as the same value means the same resource.
fn value_of(bound: &Bound, path: &str) -> String {
    let name = |id: Option<&str>| {
        id.and_then(|id| id.rsplit('/').next())
            .unwrap_or_default()
            .to_owned()
    };
    match path {
        "spec.encryption.mode" => bound.mode.unwrap().to_string(),
        "spec.encryption.customerManagedKey.vault" => name(bound.vault.as_deref()),
        "spec.encryption.dataLocation" => location(bound),
        "spec.encryption.customerManagedKey.identity" => bound.key_identity.clone().unwrap_or_default(),
        "spec.location" => bound.location.clone(),
        "spec.storageAccount" => name(bound.storage_account.as_deref()),
        "spec.keyVault" => name(bound.key_vault.as_deref()),
        "spec.managedNetwork.isolation" => bound.managed_network_isolation.clone().unwrap_or_default(),
        "spec.highBusinessImpact" => bound.high_business_impact.unwrap_or_default().to_string(),
        other => panic!("unknown field {other}"),
    }
}

/// Takes the rules for the form of values away: here each value is well formed, and their expressions cost the most.
pub(crate) fn without_forms(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(rules)) = members.get_mut("x-kubernetes-validations") {
                rules.retain(|rule| !rule["rule"].as_str().unwrap().contains(".matches('(?i)^"));
            }
            members.values_mut().for_each(without_forms);
        }
        Value::Array(items) => items.iter_mut().for_each(without_forms),
        _ => {}
    }
}

/// The rules as the API server has them.
fn rules() -> CompiledSchema {
    let mut crd = serde_json::to_value(AIHub::crd()).unwrap();
    let schema = crd
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema")
        .unwrap();
    without_forms(schema);
    let rules = compile_schema(schema);
    assert!(!rules.has_errors(), "{:?}", rules.compilation_errors());
    rules
}

/// Whether this edit takes the field of a refusal away from what is bound.
fn leads_away(path: &str, have: &Bound, before: &Bound, wanted: &Bound) -> bool {
    let moved = |part: &dyn Fn(&Bound) -> String| part(before) != part(wanted) && part(wanted) != part(have);
    if path == "spec.resourceGroup" {
        // Two fields make the id.
        let part = |index: usize| {
            move |bound: &Bound| {
                let id = &bound.resource_id;
                id.split('/').nth(index).unwrap_or_default().to_owned()
            }
        };
        return [2, 4, 8].into_iter().any(|index| moved(&part(index)));
    }
    moved(&|bound| value_of(bound, path))
}

fn runner() -> TestRunner {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn the_rules_of_the_crd_and_the_planner_refuse_the_same() {
    let rules = rules();
    let hits = std::cell::RefCell::new(BTreeMap::<String, u32>::new());
    let hit = |what: String| *hits.borrow_mut().entry(what).or_default() += 1;

    runner()
        .run(&edits(), |(bound, old, new)| {
            let of = |choice: &Choice| of_declared(&object(choice, None).validate("owner", None).unwrap());
            let (have, before, wanted) = (of(&bound), of(&old), of(&new));
            let json = |choice| serde_json::to_value(object(choice, Some(&have))).unwrap();
            let cel: Vec<String> = match validate_compiled(&rules, &json(&new), Some(&json(&old))) {
                Ok(()) => Vec::new(),
                Err(errors) => errors.iter().map(ToString::to_string).collect(),
            };
            let kind = object(&new, None).validate("owner", None).unwrap().kind;
            let refused = refusals(&kind, &wanted, &have);
            for (profile, transition) in cells(&have, &old, &new, &wanted) {
                hit(format!("{profile} {transition}"));
                if cell(profile, transition) == Cell::Forbidden && before == have {
                    prop_assert!(!cel.is_empty(), "{profile} {transition}: {old:?} -> {new:?}");
                }
            }
            prop_assert!(
                cel.is_empty() || !refused.is_empty(),
                "rules alone: {cel:?}\n{old:?} -> {new:?}"
            );
            let by_edit: Vec<&Refusal> = refused
                .iter()
                .filter(|one| leads_away(one.path, &have, &before, &wanted))
                .collect();
            prop_assert!(
                by_edit.is_empty() || !cel.is_empty(),
                "planner alone: {by_edit:?}\n{old:?} -> {new:?}"
            );
            hit(if cel.is_empty() { "let in" } else { "refused" }.to_owned());
            for one in &by_edit {
                hit(one.path.to_owned());
            }
            if old.vault != new.vault && cel.is_empty() && new.customer_managed {
                let is_id = |vault: usize| (2..=4).contains(&vault);
                let what = match (is_id(old.vault), is_id(new.vault)) {
                    (one, other) if one != other => "a name for an id, or back",
                    (true, _) if old.vault != 3 && new.vault != 3 => "letter case of an id",
                    (true, _) => "the vault in another group",
                    (false, _) => "letter case of a name",
                };
                hit(what.to_owned());
            }
            if !refused.is_empty() && by_edit.is_empty() {
                hit("an old difference does not hinder another edit".to_owned());
            }
            if cel.is_empty() && crate::network::loosens(old.isolation, new.isolation) {
                hit("a tighter isolation".to_owned());
            }
            if before != have && wanted == have && old != new {
                hit("a cure after a difference".to_owned());
                prop_assert!(cel.is_empty(), "{cel:?}");
            }
            Ok(())
        })
        .unwrap();

    let hits = hits.into_inner();
    let count = |what: &str| hits.get(what).copied().unwrap_or_default();
    let mut cells = 0;
    for profile in [Profile::HubManagedGroup, Profile::HubServiceSide] {
        for transition in Transition::iter() {
            // Refused whatever is bound, and told by the vault itself: other tests.
            if matches!(transition, Transition::ManagedHsm | Transition::RoleBasedVault) {
                continue;
            }
            // A hub with Microsoft-managed keys has the first profile, so this one cell has no instance.
            if (profile, transition) == (Profile::HubServiceSide, Transition::ToCustomerManaged) {
                assert_eq!(count(&format!("{profile} {transition}")), 0);
                continue;
            }
            let hits = count(&format!("{profile} {transition}"));
            assert!(hits >= HITS, "{profile} {transition}: {hits} hits");
            cells += 1;
        }
    }
    assert_eq!(cells, 15);
    for what in [
        "let in",
        "refused",
        "an old difference does not hinder another edit",
        "spec.encryption.mode",
        "spec.encryption.customerManagedKey.vault",
        "spec.encryption.dataLocation",
        "spec.encryption.customerManagedKey.identity",
        "spec.resourceGroup",
        "spec.location",
        "spec.storageAccount",
        "spec.keyVault",
        "spec.highBusinessImpact",
        "spec.managedNetwork.isolation",
        "a tighter isolation",
    ] {
        assert!(count(what) >= HITS, "{what}: {} hits", count(what));
    }
    for what in [
        "letter case of a name",
        "letter case of an id",
        "a name for an id, or back",
        "the vault in another group",
        "a cure after a difference",
    ] {
        assert!(count(what) >= 5, "{what}: {} hits; {hits:#?}", count(what));
    }
}

/// While nothing is bound everything may still be changed.
#[test]
fn nothing_is_refused_before_anything_is_bound() {
    let rules = rules();
    let different = std::cell::Cell::new(0);
    let mut runner = runner();
    runner
        .run(&(choices(), choices()), |(old, new)| {
            let json = |choice| serde_json::to_value(object(choice, None)).unwrap();
            let result = validate_compiled(&rules, &json(&new), Some(&json(&old)));
            prop_assert!(result.is_ok(), "{result:?}");
            different.set(different.get() + u32::from(old != new));
            Ok(())
        })
        .unwrap();
    assert!(different.get() >= HITS);
}
