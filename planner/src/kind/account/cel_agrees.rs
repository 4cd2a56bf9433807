//! The rules of the account's CRD and the planner refuse the same changes, as for hubs.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kube::CustomResourceExt;
use kube::core::cel::{CompiledSchema, compile_schema, validate_compiled};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::fixtures::SUBSCRIPTION;
use crate::key_store::KeyStore;
use crate::transition::cel_agrees::without_forms;
use crate::transition::{of_declared, refusals};

const CASES: u32 = 4000;
const HITS: u32 = 20;
const HSM: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-ai/providers/Microsoft.KeyVault/managedHSMs/corp-keys";
const MOVED_HSM: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-b/providers/microsoft.keyvault/managedhsms/Corp-Keys";

/// What one spec says where it matters.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    customer_managed: bool,
    vault: &'static str,
    identity: Option<&'static str>,
    kind: &'static str,
    projects: Option<bool>,
    sub_domain: Option<&'static str>,
    location: &'static str,
    name: Option<&'static str>,
}

fn object(choice: &Choice, bound: Option<&Bound>) -> AIServicesAccount {
    let mut encryption = json!({ "mode": "MicrosoftManaged" });
    if choice.customer_managed {
        let mut key = json!({ "vault": choice.vault, "key": "ai-hub" });
        if let Some(identity) = choice.identity {
            key["identity"] = json!(identity);
        }
        encryption = json!({ "mode": "CustomerManaged", "customerManagedKey": key });
    }
    let mut spec = json!({
        "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": choice.location,
        "accountKind": choice.kind, "sku": "S0", "deletionPolicy": "Retain",
        "identity": { "systemAssigned": true, "userAssigned": ["hub", "other"] },
        "encryption": encryption,
    });
    if let Some(projects) = choice.projects {
        spec["allowProjectManagement"] = json!(projects && choice.kind.eq_ignore_ascii_case("AIServices"));
    }
    if let Some(name) = choice.sub_domain {
        spec["customSubDomainName"] = json!(name);
    }
    if let Some(name) = choice.name {
        spec["azureName"] = json!(name);
    }
    let mut object = json!({
        "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIServicesAccount",
        "metadata": { "name": "vision", "namespace": "ml-platform", "generation": 1 },
        "spec": spec,
    });
    if let Some(bound) = bound {
        object["status"] = json!({ "bound": bound });
    }
    serde_json::from_value(object).unwrap()
}

fn choices() -> impl Strategy<Value = Choice> {
    let one_of = |items: &[&'static str]| prop::sample::select(items.to_vec());
    (
        any::<bool>(),
        one_of(&["corp-keys", "CORP-keys", "other-keys", HSM, MOVED_HSM]),
        prop::option::of(one_of(&["hub", "other"])),
        one_of(&["AIServices", "aiservices", "OpenAI", "SpeechServices"]),
        prop::option::of(any::<bool>()),
        prop::option::of(one_of(&["one", "One", "two"])),
        one_of(&["westeurope", "West Europe", "eastus"]),
        prop::option::of(one_of(&["vision", "other"])),
    )
        .prop_map(
            |(customer_managed, vault, identity, kind, projects, sub_domain, location, name)| Choice {
                customer_managed,
                vault,
                identity,
                kind,
                projects,
                sub_domain,
                location,
                name,
            },
        )
}

/// What is bound, and an edit, mostly of one field.
fn edits() -> impl Strategy<Value = (Choice, Choice, Choice, bool)> {
    (choices(), choices(), choices(), 0..9_usize, any::<[bool; 2]>()).prop_map(
        |(bound, third, other, field, [stale, bare])| {
            let with = |from: &Choice, to: &Choice, field: usize| {
                let mut new = from.clone();
                match field {
                    0 => new.customer_managed = !from.customer_managed,
                    1 => new.vault = to.vault,
                    2 => new.identity = to.identity,
                    3 => new.kind = to.kind,
                    4 => new.projects = to.projects,
                    5 => new.sub_domain = to.sub_domain,
                    6 => new.location = to.location,
                    7 => new.name = to.name,
                    _ => new = to.clone(),
                }
                new
            };
            let old = if stale {
                with(&bound, &third, (field + 4) % 9)
            } else {
                bound.clone()
            };
            let new = with(&old, &other, field);
            (bound, old, new, bare)
        },
    )
}

fn rules() -> CompiledSchema {
    let mut crd = serde_json::to_value(AIServicesAccount::crd()).unwrap();
    let schema = crd
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema")
        .unwrap();
    without_forms(schema);
    let rules = compile_schema(schema);
    assert!(!rules.has_errors(), "{:?}", rules.compilation_errors());
    rules
}

/// What Microsoft does by itself the planner does not undo; an edit back is refused all the same.
fn is_upgrade(have: &Bound, wanted: &Bound) -> bool {
    (have.account_kind.as_deref(), wanted.account_kind.as_deref()) == (Some("aiservices"), Some("openai"))
}

fn name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// A field's value, as far as the same value means the same.
fn value_of(bound: &Bound, path: &str) -> String {
    let name = |id: Option<&str>| name(id.unwrap_or_default()).to_owned();
    match path {
        "spec.encryption.mode" => bound.mode.unwrap().to_string(),
        "spec.encryption.customerManagedKey.vault" => {
            let vault = bound.vault.as_deref().unwrap_or_default();
            format!("{:?} {}", KeyStore::of_noted(vault), name(Some(vault)))
        }
        "spec.encryption.customerManagedKey.identity" => name(bound.key_identity.as_deref()),
        "spec.resourceGroup" => bound.resource_id.clone(),
        "spec.location" => bound.location.clone(),
        "spec.accountKind" => bound.account_kind.clone().unwrap_or_default(),
        "spec.allowProjectManagement" => format!("{:?}", bound.allow_project_management),
        "spec.customSubDomainName" => bound.custom_sub_domain_name.clone().unwrap_or_default(),
        other => panic!("unknown field {other}"),
    }
}

#[test]
fn the_rules_of_the_crd_and_the_planner_refuse_the_same() {
    let rules = rules();
    let hits = RefCell::new(BTreeMap::<String, u32>::new());
    let hit = |what: &str| *hits.borrow_mut().entry(what.to_owned()).or_default() += 1;
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        .run(&edits(), |(bound, old, new, bare)| {
            let of = |choice: &Choice| of_declared(&object(choice, None).validate("owner", None).unwrap());
            let (mut have, before, wanted) = (of(&bound), of(&old), of(&new));
            // Azure told the vault's name alone.
            have.vault = have.vault.map(|id| {
                if bare {
                    KeyStore::of_noted(&id).noted(name(&id))
                } else {
                    id
                }
            });
            let json = |choice| serde_json::to_value(object(choice, Some(&have))).unwrap();
            let cel: Vec<String> = match validate_compiled(&rules, &json(&new), Some(&json(&old))) {
                Ok(()) => Vec::new(),
                Err(errors) => errors.iter().map(ToString::to_string).collect(),
            };
            let kind = object(&new, None).validate("owner", None).unwrap().kind;
            let refused = refusals(&kind, &wanted, &have);
            prop_assert!(
                cel.is_empty() || !refused.is_empty() || is_upgrade(&have, &wanted),
                "rules alone: {cel:?}\n{have:?}\n{old:?} -> {new:?}"
            );
            let by_edit: Vec<_> = refused
                .iter()
                .filter(|one| {
                    let value = |bound| value_of(bound, one.path);
                    value(&before) != value(&wanted) && value(&wanted) != value(&have)
                })
                .collect();
            prop_assert!(
                by_edit.is_empty() || !cel.is_empty(),
                "planner alone: {by_edit:?}\n{have:?}\n{old:?} -> {new:?}"
            );
            hit(if cel.is_empty() { "let in" } else { "refused" });
            if have.mode != wanted.mode && cel.is_empty() {
                hit(if wanted.vault.is_some() {
                    "to a key"
                } else {
                    "back to Microsoft's"
                });
            }
            for one in by_edit {
                hit(one.path);
            }
            let store = |bound: &Bound| bound.vault.as_deref().map(KeyStore::of_noted);
            let (had, asks) = (store(&have), store(&wanted));
            if old.vault != new.vault && had.is_some() && had == asks && cel.is_empty() && refused.is_empty()
            {
                hit(&format!("the same {had:?}"));
            }
            if had.is_some() && asks.is_some() && had != asks && before == have {
                prop_assert!(!cel.is_empty(), "{old:?} -> {new:?}");
                hit("a managed HSM for a vault, or back");
            }
            Ok(())
        })
        .unwrap();
    let hits = hits.into_inner();
    for what in [
        "let in",
        "refused",
        "to a key",
        "back to Microsoft's",
        "spec.encryption.mode",
        "spec.encryption.customerManagedKey.vault",
        "spec.encryption.customerManagedKey.identity",
        "spec.resourceGroup",
        "spec.location",
        "spec.accountKind",
        "spec.allowProjectManagement",
        "spec.customSubDomainName",
        "a managed HSM for a vault, or back",
    ] {
        let hits = hits.get(what).copied().unwrap_or_default();
        assert!(hits >= HITS, "{what}: {hits} hits");
    }
    for what in ["the same Some(Vault)", "the same Some(ManagedHsm)"] {
        let hits = hits.get(what).copied().unwrap_or_default();
        assert!(hits >= 5, "{what}: {hits} hits");
    }
}
