//! "Encrypt my account with a key of my managed HSM": who may use it the HSM alone knows, and nothing is claimed of it.

use serde_json::{Value, json};
use testbed::azure::{Seed, names};
use testbed::{Object, Scenario};

use crate::common::{ACCOUNTS, account_example, hub, operator_log, settings, start};

const GUARDED: &str = "AIServicesAccount/guarded";
/// The principals of the seed's identities.
const HUB_PRINCIPAL: &str = "22222222-0000-0000-0000-000000000004";
const STRANGERS_PRINCIPAL: &str = "22222222-0000-0000-0000-000000000006";

fn manifest() -> String {
    account_example("account-with-managed-hsm")
        .replace("deletionPolicy: Retain", "deletionPolicy: DeleteAndPurge")
}

fn cure(principal: &str) -> String {
    format!(
        "\nCure:\naz keyvault role assignment create --hsm-name {} --role \"Managed HSM Crypto User\" --scope /keys/{} \
         --assignee-object-id {principal} --assignee-principal-type ServicePrincipal",
        names::HSM,
        names::KEY
    )
}

/// What a command of the cure does, which is nobody's but the HSM's to see.
async fn give_role(scenario: &Scenario, principal: &str) {
    let seed = json!({ "hsmRoleAssignments": [{
        "hsm": names::hsm(names::HSM), "principal": principal, "role": "Managed HSM Crypto User", "scope": format!("/keys/{}", names::KEY),
    }] });
    scenario.azure.control().seed(&seed.to_string()).await.unwrap();
}

fn access(object: &Object) -> Value {
    let checks = object.at("/status/preflight").as_array().cloned();
    let mut checks = checks.unwrap_or_default();
    checks.retain(|check| check["check"] == "Access");
    checks.pop().unwrap_or_default()
}

async fn encryption(scenario: &Scenario) -> Value {
    let alice = scenario.azure.sign_in(names::ALICE).await.unwrap();
    let body = alice.get(&names::account("guarded"), ACCOUNTS).await.unwrap();
    body["properties"]["encryption"].clone()
}

async fn writes(scenario: &Scenario) -> Vec<String> {
    let id = names::account("guarded").to_lowercase();
    let mut log = operator_log(scenario).await;
    log.retain(|one| one.is_write() && one.path().to_lowercase() == id);
    log.into_iter().map(|one| one.method).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_ready_and_the_access_is_unverifiable() {
    let scenario = start("hsm-ready").await;
    scenario.apply(&manifest()).unwrap().ok().unwrap();
    let ready = scenario.until_ready(GUARDED).await.unwrap();
    assert!(ready.says("KeyApplied", "FollowedByService"), "{ready}");
    assert!(
        ready.is("KeyHealthy", "Unknown") && ready.says("KeyHealthy", "Unverifiable"),
        "{ready}"
    );
    let message = ready.condition("KeyHealthy").unwrap().message;
    assert!(message.ends_with(&cure(HUB_PRINCIPAL)), "{message}");
    assert_eq!(access(&ready)["result"], "Unknown", "{ready}");
    assert!(
        ready
            .text("/status/bound/vault")
            .ends_with("/managedhsms/corp-hsm"),
        "{ready}"
    );
    let key = encryption(&scenario).await["keyVaultProperties"].clone();
    assert!(
        key["keyVaultUri"]
            .as_str()
            .unwrap()
            .starts_with("https://corp-hsm.managedhsm."),
        "{key}"
    );
    assert_eq!(writes(&scenario).await, ["PUT"]);
    // Role assignments there would prove nothing, and are not asked for.
    let log = operator_log(&scenario).await;
    let asked = |part: &str| log.iter().any(|one| one.path().to_lowercase().contains(part));
    assert!(asked("/managedhsms/corp-hsm/keys/ai-hub") && !asked("/roleassignments"));

    let control = scenario.azure.control();
    let key_id = format!("{}/keys/{}", names::hsm(names::HSM), names::KEY);
    control.key(&key_id, &json!("rotate")).await.unwrap();
    let seen = |object: &Object| object.at("/status/encryption/versions").as_array().map(Vec::len);
    let told = scenario
        .until(GUARDED, "seen with the new version", |one| seen(one) == Some(2))
        .await
        .unwrap();
    assert!(told.is_ready(), "{told}");
    control.key(&key_id, &json!("disable")).await.unwrap();
    scenario
        .until_says(GUARDED, "KeyHealthy", "KeyDisabled")
        .await
        .unwrap();
    control.key(&key_id, &json!("enable")).await.unwrap();
    scenario.until_ready(GUARDED).await.unwrap();
    assert_eq!(writes(&scenario).await, ["PUT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_managed_hsm_is_not_for_is_refused_at_admission() {
    let scenario = start("hsm-refused").await;
    let hsm = names::hsm(names::HSM);
    let vault = names::vault(names::VAULT);
    let refused = |manifest: &str, part: &str| {
        let said = scenario.apply(manifest).unwrap();
        assert!(!said.success && said.stderr.contains(part), "{said:?}");
    };
    let of_hub = hub("research");
    assert!(of_hub.contains(&vault), "{of_hub}");
    refused(
        &of_hub.replace(&vault, &hsm),
        "the key of a hub from a managed HSM",
    );
    let granted = manifest().replace(
        "      identity: hub\n",
        "      identity: hub\n      access: Grant\n",
    );
    refused(&granted, "Keyholder cannot give access to a managed HSM");
    scenario.apply(&manifest()).unwrap().ok().unwrap();
    scenario.until_ready(GUARDED).await.unwrap();
    // A vault of the HSM's name is another key store.
    refused(
        &manifest().replace(&hsm, names::HSM),
        "from another vault or managed HSM",
    );
    let spelled = manifest().replace(&hsm, &hsm.to_lowercase());
    scenario.apply(&spelled).unwrap().ok().unwrap();
    scenario.until_ready(GUARDED).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_role_azures_failure_is_told_with_the_cure_and_heals() {
    let scenario = start("hsm-no-role").await;
    let stranger = manifest()
        .replace("userAssigned: [hub]", "userAssigned: [stranger]")
        .replace("identity: hub", "identity: stranger");
    scenario.apply(&stranger).unwrap().ok().unwrap();
    let failed = scenario
        .until_says(GUARDED, "Ready", "ProvisioningFailed")
        .await
        .unwrap();
    let message = failed.condition("Ready").unwrap().message;
    assert!(message.contains("lacks get, wrap, unwrap"), "{message}");
    assert!(message.ends_with(&cure(STRANGERS_PRINCIPAL)), "{message}");
    assert!(failed.is("PrerequisitesMet", "True"), "{failed}");
    give_role(&scenario, STRANGERS_PRINCIPAL).await;
    let ready = scenario.until_ready(GUARDED).await.unwrap();
    assert!(ready.says("KeyHealthy", "Unverifiable"), "{ready}");
    assert_eq!(
        encryption(&scenario).await["keyVaultProperties"]["keyName"],
        names::KEY
    );
}

/// Kind `OpenAI` with a user-assigned identity: no role in the HSM would help.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_another_cause_is_not_told_with_the_cure_of_access() {
    let scenario = start("hsm-open-ai").await;
    let open_ai = manifest()
        .replace("accountKind: AIServices", "accountKind: OpenAI")
        .replace("  allowProjectManagement: true\n", "")
        .replace(
            "  deletionPolicy:",
            "  allowUnverified: [OpenAIUserAssignedIdentity, OpenAIManagedHsm]\n  deletionPolicy:",
        );
    scenario.apply(&open_ai).unwrap().ok().unwrap();
    let failed = scenario
        .until_says(GUARDED, "Ready", "ProvisioningFailed")
        .await
        .unwrap();
    let message = failed.condition("Ready").unwrap().message;
    assert!(
        message.contains("by its system-assigned identity") && !message.contains("Cure:"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_own_identity_gets_the_key_once_the_hsm_lets_it_in() {
    let mut settings = settings("hsm-own-identity");
    // The harder answer to what no source settles.
    settings.seed = Box::new(|seed: &mut Seed| seed.setting("failedChangeLeaves", "Failed"));
    let scenario = Scenario::start(settings).await.unwrap();
    let own = manifest()
        .replace("userAssigned: [hub]", "systemAssigned: true")
        .replace("      identity: hub\n", "");
    scenario.apply(&own).unwrap().ok().unwrap();
    let failed = scenario
        .until(GUARDED, "told that Azure failed", |one| {
            one.says("Ready", "ProvisioningFailed")
                && one
                    .condition("Ready")
                    .is_some_and(|ready| ready.message.contains("\nCure:\naz keyvault role"))
        })
        .await
        .unwrap();
    assert_eq!(encryption(&scenario).await, Value::Null);
    let message = failed.condition("Ready").unwrap().message;
    let (_, principal) = message.split_once("--assignee-object-id ").unwrap();
    give_role(&scenario, principal.split(' ').next().unwrap()).await;
    scenario.until_ready(GUARDED).await.unwrap();
    assert_eq!(
        encryption(&scenario).await["keyVaultProperties"]["keyName"],
        names::KEY
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_activated_is_told_before_anything_is_created() {
    let mut settings = settings("hsm-asleep");
    let hsm = |status: &str| {
        json!({ "id": names::hsm("new-hsm"), "location": names::LOCATION,
            "properties": { "securityDomainProperties": { "activationStatus": status } },
            "keys": [{ "name": names::KEY }] })
    };
    let asleep = hsm("NotActivated");
    settings.seed = Box::new(move |seed: &mut Seed| {
        seed.add("managedHsms", asleep);
        let role = json!({ "hsm": names::hsm("new-hsm"), "principal": names::HUB_IDENTITY,
            "role": "Managed HSM Crypto User", "scope": "/" });
        seed.add("hsmRoleAssignments", role);
    });
    let scenario = Scenario::start(settings).await.unwrap();
    let manifest = manifest().replace(&names::hsm(names::HSM), &names::hsm("new-hsm"));
    scenario.apply(&manifest).unwrap().ok().unwrap();
    let told = scenario
        .until_says(GUARDED, "PrerequisitesMet", "HsmNotActivated")
        .await
        .unwrap();
    assert!(told.says("Stalled", "HsmNotActivated"), "{told}");
    let message = told.condition("Ready").unwrap().message;
    assert!(
        message.contains("\nCure:\naz keyvault security-domain download --hsm-name new-hsm"),
        "{message}"
    );
    assert!(writes(&scenario).await.is_empty());
    let active = json!({ "managedHsms": [hsm("Active")] });
    scenario.azure.control().seed(&active.to_string()).await.unwrap();
    scenario.until_ready(GUARDED).await.unwrap();
}
