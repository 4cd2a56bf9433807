//! All chapters: the story that everybody sees, and more of some of its steps.

use serde_json::Value;
use testbed::azure::names::{ALICE, KEY, OTHER_KEY, OTHER_VAULT, STRANGER, VAULT, identity, vault};
use testbed::{Object, azure};

use crate::stage::{Stage, hub_id, in_namespace};
use crate::story::{Step, Story, Told, promised};
use crate::{around, family, health, projects, steps, tenants, year};

/// The chapter that is told when none is named.
pub const MAIN: &str = "story";

/// A step whose play is an `async fn`.
macro_rules! step {
    ($title:literal, $play:path) => {
        Step {
            title: $title,
            play: |stage| Box::pin($play(stage)),
        }
    };
}

/// The chapters, the main one first.
pub fn all() -> Vec<Story> {
    vec![
        Story {
            name: MAIN,
            about: "from YAML to Ready, what is refused, what is watched, and deletion (told without --chapter)",
            steps: vec![
                step!(
                    "A vault without purge protection is refused before anything is created",
                    steps::unprotected_vault
                ),
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!("What kubectl shows", steps::what_kubectl_shows),
                step!(
                    "The way back to Microsoft-managed keys is refused at apply",
                    steps::way_back_refused
                ),
                step!("Another key of the same vault", steps::another_key),
                step!(
                    "Somebody damages the managed resource group",
                    steps::managed_group_damaged
                ),
                step!("Deletion, with nothing left in Azure", steps::deletion),
            ],
        },
        Story {
            name: "family",
            about: "accounts beside hubs: with the key in one step or in two, followed by the service, refused, purged",
            steps: vec![
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!("A Foundry account, created with its key", family::foundry),
                step!("With projects no way leads back", family::way_back_refused),
                step!(
                    "An account's own identity comes into being with it, without access",
                    family::without_access
                ),
                step!("With access, the key is applied", family::with_access),
                step!("The estate on one screen", family::estate),
                step!("An account is purged", family::purged),
            ],
        },
        Story {
            name: "projects",
            about: "a project waits for its hub, tells the hub's key, stays with it, and goes before it",
            steps: vec![
                step!("A project before its hub", projects::waits),
                step!("With its hub it has its hub's key", projects::inherits),
                step!("Another hub is refused", projects::another_hub),
                step!("A hub with a project is not deleted", projects::hub_is_held),
                step!("The project goes, and the hub after it", projects::both_go),
            ],
        },
        Story {
            name: "dependents",
            about: "keys do not pass down: the hub's storage account has Microsoft's, until its owner or the hub gives it one",
            steps: vec![
                step!(
                    "A hub is Ready, and its storage account a warning",
                    around::keys_do_not_pass_down
                ),
                step!("Its owner encrypts it", around::encrypted_by_its_owner),
                step!("The hub encrypts it", around::encrypted_by_the_hub),
            ],
        },
        Story {
            name: "tampering",
            about: "somebody changes what Azure keeps for a hub, and its key: told, and what is ours is put back",
            steps: vec![
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!(
                    "What is in the managed resource group, and its keys",
                    around::whose_keys
                ),
                step!("One is led back to Microsoft's key", around::led_back),
                step!("Encrypted again, the hub is Ready", around::encrypted_again),
                step!("Somebody gives the hub another key", around::another_key_by_hand),
            ],
        },
        Story {
            name: "year",
            about: "a year of one key: four new versions, followed by a hub, an account and a project, each in its way",
            steps: vec![
                step!("A hub, an account and a project of one key", year::begin),
                step!("Four turns of ninety days", year::four_turns),
                step!("What it took", year::what_it_took),
            ],
        },
        Story {
            name: "two-tenants",
            about: "another team declares the same hub and asks to take it over: it can neither touch it nor learn of it",
            steps: vec![
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!("Another team declares the same hub", tenants::asks_for_it),
                step!("It learns nothing", tenants::learns_nothing),
                step!("The hub is as it was", tenants::untouched),
            ],
        },
        Story {
            name: "preflight",
            about: "an identity without access to the key: what is missing is named, cured, and seen",
            steps: vec![
                step!(
                    "An identity without access is refused before anything is created",
                    without_access
                ),
                step!("The cure from the message, and Ready", access_granted),
            ],
        },
        Story {
            name: "other-vault",
            about: "the key may change, the vault may not: refused at apply, and the hub stays as it was",
            steps: vec![
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!(
                    "Another vault is refused, its name in other letters is not",
                    other_vault
                ),
            ],
        },
        Story {
            name: "key-change",
            about: "from one key to another and back, and which versions are still needed",
            steps: vec![
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!("Another key of the same vault", steps::another_key),
                step!("And back, with every version remembered", back_again),
            ],
        },
        Story {
            name: "revocation",
            about: "access to the key is withdrawn: told within a sweep, never given again, healed when somebody gives it",
            steps: vec![
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!("The hub's identity loses its access", health::access_withdrawn),
                step!("Given again, it heals by itself", health::access_given_again),
            ],
        },
        Story {
            name: "lost-key",
            about: "the key is deleted in its vault: told within a sweep with the way back, and healed once it is recovered",
            steps: vec![
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!("Somebody deletes the key", health::key_lost),
                step!("Recovered, the hub heals by itself", health::key_recovered),
            ],
        },
        Story {
            name: "purge",
            about: "what each deletion policy leaves in Azure: Retain the hub, Delete one that can be recovered, DeleteAndPurge nothing",
            steps: vec![
                step!("From YAML to Ready", steps::from_yaml_to_ready),
                step!("Retain: gone from Kubernetes, still in Azure", retained),
                step!("Applied anew, it is the same hub", taken_up_again),
                step!("Delete: Azure keeps what can be recovered, and bills it", deleted),
                step!(
                    "Its name is reserved, and the message says how to free it",
                    name_reserved
                ),
                step!("DeleteAndPurge: nothing is left", steps::deletion),
            ],
        },
    ]
}

async fn without_access(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/identity-without-access"])?;
    let refused = "refused for its identity's missing access";
    let hub = stage
        .until("locked-out", refused, |hub| {
            hub.says("PrerequisitesMet", "AccessMissing")
        })
        .await?;
    steps::read_out(&hub, "PrerequisitesMet");
    let writes = steps::writes_to(stage, "locked-out").await?;
    promised(writes.is_empty(), "nothing was created in Azure", || {
        writes.join(", ")
    })
}

async fn access_granted(stage: &mut Stage) -> Told {
    let alice = stage.sign_in(ALICE).await?;
    let stranger = alice.get(&identity(STRANGER), "2024-11-30").await?;
    let principal = stranger
        .pointer("/properties/principalId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    println!("   {ALICE} assigns the role, as `az role assignment create` would.");
    let key = format!("{}/keys/{KEY}", vault(VAULT));
    alice.let_unwrap(principal, &key).await?;
    stage.until("locked-out", "Ready", Object::is_ready).await?;
    steps::delete(stage, "locked-out", "DeleteAndPurge").await
}

async fn other_vault(stage: &mut Stage) -> Told {
    let change = |vault: String| {
        format!(r#"{{"spec":{{"encryption":{{"customerManagedKey":{{"vault":"{vault}"}}}}}}}}"#)
    };
    let patch = change(vault(OTHER_VAULT));
    let said = stage.type_kubectl(&[
        "patch",
        "aihub",
        "research",
        &in_namespace(),
        "--type=merge",
        "--patch",
        &patch,
    ])?;
    promised(!said.success, "the other vault is refused", || {
        said.stdout.clone()
    })?;
    let patch = change(vault(&VAULT.to_uppercase()));
    stage.must(&[
        "patch",
        "aihub",
        "research",
        &in_namespace(),
        "--type=merge",
        "--patch",
        &patch,
    ])?;
    stage.until("research", "Ready", Object::is_ready).await?;
    steps::delete(stage, "research", "DeleteAndPurge").await
}

async fn back_again(stage: &mut Stage) -> Told {
    steps::change_key(stage, "research", KEY).await?;
    let versions = [
        "get",
        "aihub",
        "research",
        &in_namespace(),
        "--output=jsonpath={.status.encryption.versions}",
    ];
    let listed = stage.must(&versions)?;
    let both = listed.contains(&format!("/{KEY}/")) && listed.contains(&format!("/{OTHER_KEY}/"));
    promised(both, "both keys that the hub was seen with are listed", || {
        listed.clone()
    })?;
    steps::delete(stage, "research", "DeleteAndPurge").await
}

async fn retained(stage: &mut Stage) -> Told {
    steps::delete(stage, "research", "Retain").await?;
    still_there(stage).await
}

async fn taken_up_again(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/managed-group"])?;
    stage.until("research", "Ready", Object::is_ready).await?;
    let puts = steps::writes_to(stage, "research")
        .await?
        .iter()
        .filter(|write| write.starts_with("PUT"))
        .count();
    promised(puts == 1, "the hub was created once and no second time", || {
        format!("{puts} PUTs")
    })?;
    still_there(stage).await
}

async fn still_there(stage: &Stage) -> Told {
    let alice = stage.sign_in(ALICE).await?;
    let answer: azure::Answer = alice
        .send(reqwest::Method::GET, &hub_id("research"), steps::WORKSPACES, None)
        .await?;
    println!("   Azure, asked for the hub, says {}.", answer.status);
    promised(answer.status == 200, "the hub is still in Azure", || {
        answer.body.to_string()
    })
}

async fn deleted(stage: &mut Stage) -> Told {
    let group = steps::managed_group(stage, "research").await?;
    steps::delete(stage, "research", "Delete").await?;
    let (hub, kept) = steps::left_in_azure(stage, &group).await?;
    println!(
        "   Azure, asked for the hub, says {hub}; asked for its managed resource group {group}, {kept}."
    );
    promised(
        (hub, kept) == (404, 200),
        "the hub is deleted, and its managed resource group is kept with it",
        || format!("the hub answers {hub}, the group {kept}"),
    )
}

async fn name_reserved(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/managed-group"])?;
    let hub = stage
        .until("research", "refused for its name", |hub| {
            hub.says("Provisioned", "NameReserved")
        })
        .await?;
    steps::read_out(&hub, "Provisioned");
    println!("   {ALICE} does as the message says:");
    let alice = stage.sign_in(ALICE).await?;
    let purge = format!("{}?forceToPurge=true", hub_id("research"));
    let answer = alice
        .send(reqwest::Method::DELETE, &purge, steps::WORKSPACES, None)
        .await?;
    println!("     {}", answer.status);
    stage.until("research", "Ready", Object::is_ready).await?;
    Ok(())
}
