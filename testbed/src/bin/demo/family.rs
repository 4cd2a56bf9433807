//! Accounts beside hubs: one created with its key, one that gets it once its own identity has access.

use serde_json::Value;
use testbed::Object;
use testbed::azure::names::{ALICE, LOCATION, VAULT, account, vault};

use crate::stage::{Stage, in_namespace};
use crate::steps;
use crate::story::{Told, promised};

const ACCOUNTS: &str = "2026-07-01";
const FOUNDRY: &str = "AIServicesAccount/foundry";
const SPEECH: &str = "AIServicesAccount/speech";

/// One step: the identity is there before the account.
pub async fn foundry(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/foundry-account"])?;
    let ready = stage.until(FOUNDRY, "Ready", Object::is_ready).await?;
    steps::read_out(&ready, "KeyApplied");
    promised(
        ready.says("KeyApplied", "FollowedByService"),
        "the account follows its key by itself",
        || ready.to_string(),
    )
}

/// No way back, with projects.
pub async fn way_back_refused(stage: &mut Stage) -> Told {
    let patch = r#"{"spec":{"encryption":{"mode":"MicrosoftManaged","customerManagedKey":null}}}"#;
    let arguments = [
        "patch",
        "aiservicesaccount",
        "foundry",
        &in_namespace(),
        "--type=merge",
        "--patch",
        patch,
    ];
    let said = stage.type_kubectl(&arguments)?;
    promised(
        !said.success && said.stderr.contains("an account with projects"),
        "the patch is refused, because the account allows projects",
        || said.stdout.clone(),
    )
}

/// The first of two steps.
pub async fn without_access(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/account-with-its-own-identity"])?;
    let waits = stage
        .until(SPEECH, "created, and waiting for access to its key", |one| {
            one.is("Provisioned", "True") && one.says("Ready", "AccessMissing")
        })
        .await?;
    steps::read_out(&waits, "Ready");
    promised(
        waits.text("/status/bound/mode") == "MicrosoftManaged",
        "the account has Microsoft's key so far, and its status says so",
        || waits.to_string(),
    )
}

/// The second.
pub async fn with_access(stage: &mut Stage) -> Told {
    let alice = stage.sign_in(ALICE).await?;
    let speech = alice.get(&account("speech"), ACCOUNTS).await?;
    let principal = speech
        .pointer("/identity/principalId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    println!(
        "   Alice gives the account's identity the role Key Vault Crypto Service Encryption User at the vault."
    );
    alice.let_unwrap(principal, &vault(VAULT)).await?;
    let ready = stage.until(SPEECH, "Ready", Object::is_ready).await?;
    promised(
        ready.text("/status/bound/mode") == "CustomerManaged",
        "the account has the declared key now",
        || ready.to_string(),
    )
}

/// The estate on one screen.
pub async fn estate(stage: &mut Stage) -> Told {
    let table = stage.must(&["get", "keyholder", &in_namespace()])?;
    promised(
        ["aihub", "aiservicesaccount"]
            .iter()
            .all(|kind| table.contains(kind)),
        "one table shows hubs and accounts",
        || table.clone(),
    )
}

/// What a deleted account leaves, and what a purge does.
pub async fn purged(stage: &mut Stage) -> Told {
    let policy = r#"{"spec":{"deletionPolicy":"DeleteAndPurge"}}"#;
    let namespace = in_namespace();
    stage.must(&[
        "patch",
        "aiservicesaccount",
        "foundry",
        &namespace,
        "--type=merge",
        "--patch",
        policy,
    ])?;
    stage.must(&["delete", "aiservicesaccount", "foundry", &namespace])?;
    let path = format!(
        "{}/providers/Microsoft.CognitiveServices/locations/{LOCATION}/resourceGroups/{}/deletedAccounts/foundry",
        testbed::azure::names::subscription(),
        testbed::azure::names::AI_GROUP
    );
    let alice = stage.sign_in(ALICE).await?;
    let answer = alice.send(reqwest::Method::GET, &path, ACCOUNTS, None).await?;
    promised(
        answer.status == 404,
        "nothing of the account is kept in Azure",
        || answer.body.to_string(),
    )
}
