//! Steps about what happens to a key, and to the access to it, while a hub lives.

use reqwest::Method;
use serde_json::{Value, json};
use testbed::azure::RestClient;
use testbed::azure::names::{ALICE, HUB_IDENTITY, KEY, VAULT, identity, vault};
use testbed::{Error, Object};

use crate::stage::Stage;
use crate::steps::{read_out, writes_of};
use crate::story::{Told, promised};

/// api-version of role assignments.
const ASSIGNMENTS: &str = "2022-04-01";

/// Access to the key is withdrawn: told within a sweep, and not given again by the operator.
pub async fn access_withdrawn(stage: &mut Stage) -> Told {
    let alice = stage.sign_in(ALICE).await?;
    let before = writes_of(stage).await?.len();
    for grant in grants(&alice).await? {
        let id = text(&grant, "/id");
        println!("   {ALICE} takes the role at vault {VAULT} from the hub's identity.");
        let answer = alice.send(Method::DELETE, id, ASSIGNMENTS, None).await?;
        promised(answer.status == 200, "Azure takes the role away", || {
            answer.body.to_string()
        })?;
    }
    let lost = "told to have lost its access";
    let hub = stage
        .until("research", lost, |hub| hub.says("KeyHealthy", "AccessLost"))
        .await?;
    read_out(&hub, "KeyHealthy");
    let writes = writes_of(stage).await?;
    promised(
        writes.len() == before,
        "the operator writes nothing to Azure: what was withdrawn is not given again",
        || writes.join(", "),
    )
}

/// Somebody gives the access again: the hub heals by itself.
pub async fn access_given_again(stage: &mut Stage) -> Told {
    let alice = stage.sign_in(ALICE).await?;
    let principal = principal(&alice).await?;
    println!("   {ALICE} assigns the role again, with the command from the message.");
    alice.let_unwrap(&principal, &vault(VAULT)).await?;
    stage.until("research", "Ready", Object::is_ready).await?;
    crate::steps::delete(stage, "research", "DeleteAndPurge").await
}

/// The key is deleted in its vault: told within a sweep, with the way back.
pub async fn key_lost(stage: &mut Stage) -> Told {
    println!(
        "   Somebody deletes key {KEY} of vault {VAULT}. The vault keeps it for a while: purge protection."
    );
    stage.azure().control().key(&key(), &json!("delete")).await?;
    let lost = "told that its key is gone";
    let hub = stage
        .until("research", lost, |hub| hub.says("KeyHealthy", "KeyDeleted"))
        .await?;
    read_out(&hub, "KeyHealthy");
    promised(
        hub.is("Ready", "False"),
        "the hub is not ready without its key",
        || hub.to_string(),
    )
}

/// The key is recovered: the hub heals by itself, under the same version.
pub async fn key_recovered(stage: &mut Stage) -> Told {
    println!("   Somebody recovers it, as the command in the message does.");
    stage.azure().control().key(&key(), &json!("recover")).await?;
    stage.until("research", "Ready", Object::is_ready).await?;
    crate::steps::delete(stage, "research", "DeleteAndPurge").await
}

fn key() -> String {
    format!("{}/keys/{KEY}", vault(VAULT))
}

/// The role assignments of the hub's identity at the vault.
async fn grants(azure: &RestClient) -> Result<Vec<Value>, Error> {
    let principal = principal(azure).await?;
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20'{principal}'",
        vault(VAULT)
    );
    let listed = azure.get(&path, ASSIGNMENTS).await?;
    Ok(listed
        .get("value")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default())
}

async fn principal(azure: &RestClient) -> Result<String, Error> {
    let found = azure.get(&identity(HUB_IDENTITY), "2024-11-30").await?;
    Ok(text(&found, "/properties/principalId").to_owned())
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
