//! "Before anything is created, tell me what is missing."

use serde_json::{Value, json};
use testbed::Scenario;
use testbed::azure::{Seed, names};

use crate::common::{hub, operator_log, settings};

/// What is wrong, and the reason that names it.
type Case = (&'static str, &'static str, fn(&mut Seed), fn(String) -> String);

fn vault(seed: &mut Seed, change: &Value) {
    let vaults = seed.value()["vaults"].as_array_mut().unwrap();
    let found = vaults
        .iter_mut()
        .find(|one| one["id"] == json!(names::vault(names::VAULT)))
        .unwrap();
    for (name, value) in change.as_object().unwrap() {
        found[name] = value.clone();
    }
}

fn key(seed: &mut Seed, key: &Value) {
    vault(seed, &json!({ "keys": [key] }));
}

const CASES: &[Case] = &[
    (
        "no-group",
        "ResourceGroupNotFound",
        |_| {},
        |text| text.replace("resourceGroup: rg-ai", "resourceGroup: rg-none"),
    ),
    (
        "no-vault",
        "VaultNotFound",
        |_| {},
        |text| text.replace("vaults/corp-keys", "vaults/none-such"),
    ),
    (
        "no-key",
        "KeyNotFound",
        |_| {},
        |text| text.replace("key: ai-hub", "key: none-such"),
    ),
    (
        "no-version",
        "KeyNotFound",
        |_| {},
        |text| {
            text.replace(
                "key: ai-hub\n",
                "key: ai-hub\n      version: \"00000000000000000000000000000000\"\n",
            )
        },
    ),
    (
        "ec-key",
        "KeyUnsuitable",
        |seed| key(seed, &json!({ "name": "ai-hub", "kty": "EC", "keySize": 256 })),
        |text| text,
    ),
    (
        "expired",
        "KeyUnsuitable",
        |seed| key(seed, &json!({ "name": "ai-hub", "exp": 1_600_000_000 })),
        |text| text,
    ),
    (
        "disabled",
        "KeyUnsuitable",
        |seed| key(seed, &json!({ "name": "ai-hub", "enabled": false })),
        |text| text,
    ),
    (
        "no-identity",
        "IdentityNotFound",
        |_| {},
        |text| {
            text.replace("[hub]", "[nobody]")
                .replace("identity: hub", "identity: nobody")
        },
    ),
    (
        "no-storage",
        "AssociatedResourceNotFound",
        |_| {},
        |text| text.replace("storageAccount: aihubdata", "storageAccount: aihubdeta"),
    ),
    (
        "no-hub-vault",
        "AssociatedResourceNotFound",
        |_| {},
        |text| text.replace("keyVault: hub-secrets", "keyVault: hub-secretz"),
    ),
    (
        "region",
        "RegionMismatch",
        |seed| vault(seed, &json!({ "location": "northeurope" })),
        |text| text,
    ),
    (
        "tenant",
        "TenantMismatch",
        |seed| {
            vault(
                seed,
                &json!({ "properties": { "tenantId": "99999999-0000-0000-0000-000000000000" } }),
            );
        },
        |text| text,
    ),
    (
        "firewall",
        "VaultBlocksTrustedServices",
        |seed| {
            vault(
                seed,
                &json!({ "properties": { "networkAcls": { "bypass": "None", "defaultAction": "Deny" } } }),
            );
        },
        |text| text,
    ),
    (
        "soft-delete",
        "SoftDeleteDisabled",
        |seed| {
            vault(seed, &json!({ "properties": { "enableSoftDelete": false } }));
        },
        |text| text,
    ),
    (
        "provider",
        "ProviderNotRegistered",
        |seed| {
            seed.value()["subscriptions"][0]["registeredProviders"]
                .as_array_mut()
                .unwrap()
                .retain(|one| one != "Microsoft.Search");
        },
        |text| text,
    ),
    (
        "reader-only",
        "OperatorNotAuthorized",
        |seed| {
            seed.remove("roleAssignments", |one| one["role"] == "Keyholder Observer");
        },
        |text| text,
    ),
];

/// One operator looks at all cases that differ in their spec, and one at each that differs in Azure.
#[tokio::test(flavor = "multi_thread")]
async fn each_cause_has_its_reason_and_nothing_is_written() {
    for (name, reason, azure, spec) in CASES {
        let mut settings = settings(&format!("preflight-{name}"));
        let change = *azure;
        settings.seed = Box::new(change);
        let scenario = Scenario::start(settings).await.unwrap();
        scenario.apply(&spec(hub("research"))).unwrap().ok().unwrap();
        let told = scenario
            .until("research", reason, |hub| {
                hub.is_observed()
                    && ["PrerequisitesMet", "Provisioned"]
                        .iter()
                        .any(|one| hub.says(one, reason))
            })
            .await
            .unwrap();
        assert!(!told.is("Ready", "True"), "{told}");
        let written: Vec<_> = operator_log(&scenario)
            .await
            .into_iter()
            .filter(|one| one.is_write())
            .collect();
        assert!(written.is_empty(), "{name}: {written:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_inherited_from_the_subscription_counts() {
    let mut settings = settings("preflight-inherit");
    settings.seed = Box::new(|seed| {
        seed.remove("roleAssignments", |one| one["principal"] == names::HUB_IDENTITY);
        seed.add(
            "roleAssignments",
            json!({
                "principal": names::HUB_IDENTITY,
                "role": "Key Vault Crypto Officer",
                "scope": names::subscription(),
            }),
        );
    });
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_comes_through_a_group_counts() {
    let mut settings = settings("preflight-group");
    settings.seed = Box::new(|seed| {
        seed.remove("roleAssignments", |one| one["principal"] == names::HUB_IDENTITY);
        seed.add(
            "groups",
            json!({ "name": "hubs", "members": [names::HUB_IDENTITY] }),
        );
        seed.add("groups", json!({ "name": "key-users", "members": ["hubs"] }));
        seed.add(
            "roleAssignments",
            json!({
                "principal": "key-users",
                "role": "Key Vault Crypto Service Encryption User",
                "scope": names::vault(names::VAULT),
            }),
        );
    });
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn access_policies_count_in_a_vault_without_rbac() {
    let mut settings = settings("preflight-policies");
    settings.seed = Box::new(|seed| {
        seed.remove("roleAssignments", |one| one["principal"] == names::HUB_IDENTITY);
        let policy = json!({
            "tenantId": names::TENANT,
            "objectId": "22222222-0000-0000-0000-000000000004",
            "permissions": { "keys": ["get", "wrapKey", "unwrapKey"] },
        });
        vault(
            seed,
            &json!({ "properties": { "enableRbacAuthorization": false, "accessPolicies": [policy] } }),
        );
    });
    let scenario = Scenario::start(settings).await.unwrap();
    scenario.apply(&hub("research")).unwrap().ok().unwrap();
    scenario.until_ready("research").await.unwrap();
}
