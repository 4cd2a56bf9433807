//! Where a managed HSM may not stand.

use keyholder_crds::AIHub;
use kube::CustomResourceExt;
use kube::core::cel::{compile_schema, validate_compiled};

use super::*;

#[test]
fn a_name_that_no_vault_has_may_be_a_managed_hsms() {
    let by_name = account(|object| {
        object["spec"]["encryption"]["customerManagedKey"]["vault"] = json!("corp-keys");
    });
    let observed = Observed {
        vault: Fact::Absent,
        deleted: Fact::Absent,
        ..ready_for_creation(&by_name)
    };
    let status = next(&by_name, &ResourceStatus::default(), &observed, 0)
        .report
        .status;
    says(
        &status,
        ConditionType::PrerequisitesMet,
        "False",
        Reason::VaultNotFound,
    );
    let said = message(&status, ConditionType::PrerequisitesMet);
    assert!(
        said.contains("If it is a managed HSM, give its whole ARM id"),
        "{said}"
    );
}

#[test]
fn a_vault_of_the_same_name_is_another_key_store() {
    let (vault, hsm) = (account(|_| {}), declared(|_| {}));
    let kept = settled(&vault, &live(&vault, Some(FOLLOWED)));
    let begun = next(&hsm, &ResourceStatus::default(), &absent(&hsm), 0)
        .report
        .status;
    let done = found(&hsm, &begun, Some(&in_hsm(FOLLOWED)));
    let in_hsm_now = pass(&hsm, &begun, &done, 20, false, &Executed::Done)
        .report
        .status;
    for (wanted, status, observed) in [
        (&hsm, &kept, there(&hsm, &kept, live(&vault, Some(FOLLOWED)))),
        (
            &vault,
            &in_hsm_now,
            moved(there(&vault, &in_hsm_now, live(&hsm, Some(&in_hsm(FOLLOWED))))),
        ),
        // Nothing but the account knows the HSM.
        (
            &vault,
            &ResourceStatus::default(),
            there(
                &vault,
                &ResourceStatus::default(),
                live(&hsm, Some(&in_hsm(FOLLOWED))),
            ),
        ),
    ] {
        let pass = next(wanted, status, &observed, 100);
        assert_eq!(pass.plan.write, None);
        let said = message(&pass.report.status, ConditionType::TransitionAllowed);
        says(
            &pass.report.status,
            ConditionType::TransitionAllowed,
            "False",
            Reason::TransitionUnverified,
        );
        assert!(said.contains("from another key store"), "{said}");
    }
}

#[test]
fn one_of_open_ai_needs_a_word() {
    let declared = |allowed: &[&str]| {
        declared(|object| {
            object["spec"]["accountKind"] = json!("OpenAI");
            object["spec"]["allowUnverified"] = json!(allowed);
        })
    };
    let told = |declared: &Declared| {
        let pass = next(declared, &ResourceStatus::default(), &absent(declared), 0);
        let said = message(&pass.report.status, ConditionType::TransitionAllowed);
        (pass.plan.write.is_some(), said)
    };
    let (writes, said) = told(&declared(&[]));
    assert!(
        !writes && said.contains("OpenAIUserAssignedIdentity") && said.contains("OpenAIManagedHsm"),
        "{said}"
    );
    let (writes, said) = told(&declared(&["OpenAIUserAssignedIdentity"]));
    assert!(
        !writes && said.contains("add OpenAIManagedHsm to spec.allowUnverified"),
        "{said}"
    );
    assert!(told(&declared(&["OpenAIUserAssignedIdentity", "OpenAIManagedHsm"])).0);
}

/// The schema's rules on an object, and the planner's word.
fn judged(crd: &Value, object: &Value, planner: Result<Declared, Vec<FieldError>>) -> (String, String) {
    let rules = compile_schema(crd.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap());
    assert!(!rules.has_errors(), "{:?}", rules.compilation_errors());
    let cel: Vec<String> = match validate_compiled(&rules, object, None) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    };
    let planner = planner.err().unwrap_or_default();
    let planner: Vec<String> = planner.iter().map(ToString::to_string).collect();
    (cel.join("\n"), planner.join("\n"))
}

#[test]
fn rules_and_planner_agree_on_where_a_managed_hsm_may_stand() {
    let hsm = id(HSM, "corp-keys").to_string();
    let group = hsm
        .replace("rg-ai", "managedHSMs")
        .replace(HSM, "Microsoft.KeyVault/vaults");
    let account = |vault: &str, access: &str| {
        let object = json!({
            "apiVersion": "keyholder.dev/v1alpha1", "kind": "AIServicesAccount",
            "metadata": { "name": "vision", "namespace": "ml-platform", "generation": 1 },
            "spec": {
                "subscriptionId": SUBSCRIPTION, "resourceGroup": "rg-ai", "location": "westeurope",
                "accountKind": "AIServices", "sku": "S0", "identity": { "userAssigned": ["hub"] }, "deletionPolicy": "Retain",
                "encryption": { "mode": "CustomerManaged", "customerManagedKey":
                    { "vault": vault, "key": "ai-hub", "identity": "hub", "access": access } },
            },
        });
        let planner = serde_json::from_value::<AIServicesAccount>(object.clone())
            .unwrap()
            .validate("owner", None);
        let crd = serde_json::to_value(AIServicesAccount::crd()).unwrap();
        judged(&crd, &object, planner)
    };
    let none = (String::new(), String::new());
    for vault in [hsm.as_str(), &hsm.to_uppercase(), "corp-keys", &group] {
        assert_eq!(account(vault, "Verify"), none, "{vault}");
    }
    assert_eq!(account(&group, "Grant"), none);
    let (cel, planner) = account(&hsm, "Grant");
    for said in [cel, planner] {
        assert!(
            said.contains("Keyholder cannot give access to a managed HSM"),
            "{said}"
        );
    }
    for wrong in [
        hsm.replace("corp-keys", "a"),
        hsm.replace("managedHSMs", "managedHSM"),
        "managedHSMs/corp-keys".to_owned(),
        URI.to_owned(),
    ] {
        let (cel, planner) = account(&wrong, "Verify");
        assert!(
            cel.contains("not a key vault") && !planner.is_empty(),
            "{wrong}: {cel} {planner}"
        );
    }

    let hub = |vault: &str| {
        let mut object = serde_json::to_value(object("Retain")).unwrap();
        object["spec"]["encryption"]["customerManagedKey"]["vault"] = json!(vault);
        let planner = serde_json::from_value::<AIHub>(object.clone())
            .unwrap()
            .validate("owner", None);
        judged(&serde_json::to_value(AIHub::crd()).unwrap(), &object, planner)
    };
    assert_eq!(hub("corp-keys"), none);
    assert_eq!(hub(&group), none);
    let (cel, planner) = hub(&hsm);
    for said in [cel, planner] {
        assert!(
            said.contains("no source confirms that Azure takes the key of a hub from a managed HSM"),
            "{said}"
        );
    }
}
