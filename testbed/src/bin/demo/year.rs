//! A year of one key: time passes for the key alone, whose dates move back.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use testbed::azure::names::{ALICE, KEY, VAULT, vault};
use testbed::{Error, Object};

use crate::stage::{Stage, in_namespace};
use crate::steps;
use crate::story::{Told, promised};

const KEYS: &str = "2025-05-01";
const DAY: i64 = 86_400;
/// Days that a version is good for, and after which the next one is made.
const GOOD_FOR: i64 = 120;
const TURN: u32 = 90;
const OBJECTS: [&str; 3] = ["AIHub/research", "AIServicesAccount/foundry", "AIProject/churn"];

fn key() -> String {
    format!("{}/keys/{KEY}", vault(VAULT))
}

/// A hub, an account and a project of one key.
pub async fn begin(stage: &mut Stage) -> Told {
    ends(stage).await?;
    stage.must(&[
        "apply",
        "--filename=examples/managed-group",
        "--filename=examples/foundry-account",
        "--filename=examples/hub-with-project",
    ])?;
    for name in OBJECTS {
        stage.until(name, "Ready", Object::is_ready).await?;
    }
    Ok(())
}

/// Four turns of ninety days: each time a warning, a new version, and everybody follows.
pub async fn four_turns(stage: &mut Stage) -> Told {
    for turn in 1..=4 {
        println!("   Day {}.", turn * TURN);
        pass(stage, TURN).await?;
        let warned = stage
            .until("AIHub/research", "told that its key's version ends soon", |hub| {
                hub.says("KeyHealthy", "KeyExpiringSoon")
            })
            .await?;
        promised(warned.is_ready(), "a warning does not clear Ready", || {
            warned.to_string()
        })?;
        stage.azure().control().key(&key(), &json!("rotate")).await?;
        ends(stage).await?;
        let version = version(stage).await?;
        println!("   The vault makes version {version}.");
        for name in OBJECTS {
            let knows = |object: &Object| {
                object.is_ready() && object.at("/status/encryption").to_string().contains(&version)
            };
            stage.until(name, "Ready with the new version", knows).await?;
        }
    }
    Ok(())
}

/// Who was changed, and which versions may still be needed.
pub async fn what_it_took(stage: &mut Stage) -> Told {
    let writes = steps::writes_of(stage).await?;
    let patches = |of: &str| {
        let to = |write: &&String| write.starts_with("PATCH") && write.contains(of);
        writes.iter().filter(to).count()
    };
    let (hub, account) = (patches("/workspaces/research"), patches("/accounts/foundry"));
    println!(
        "   Changes that Keyholder made: the hub {hub}, the account {account}: it follows its key by itself."
    );
    promised(
        (hub, account) == (4, 0),
        "four changes of the hub, none of the account",
        || writes.join(", "),
    )?;
    for name in OBJECTS {
        let object = stage.hub(name).await?;
        let versions = object
            .at("/status/encryption/versions")
            .as_array()
            .map_or(0, Vec::len);
        promised(versions == 5, "each of the five versions is remembered", || {
            object.to_string()
        })?;
    }
    stage.must(&["get", "keyholder", &in_namespace()])?;
    Ok(())
}

/// Days pass for the key and all its versions.
async fn pass(stage: &Stage, days: u32) -> Result<(), Error> {
    let alice = stage.sign_in(ALICE).await?;
    let listed = alice.get(&format!("{}/versions", key()), KEYS).await?;
    let control = stage.azure().control();
    let versions = listed
        .get("value")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for id in versions.filter_map(|one| one.get("id")?.as_str()) {
        control.age(id, days).await?;
    }
    control.age(&key(), days).await
}

/// The current version gets its end, as a rotation policy would give it.
async fn ends(stage: &Stage) -> Result<(), Error> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let end = i64::try_from(now).unwrap_or_default() + GOOD_FOR * DAY;
    stage
        .azure()
        .control()
        .key(&key(), &json!({ "expire": end }))
        .await
}

async fn version(stage: &Stage) -> Result<String, Error> {
    let alice = stage.sign_in(ALICE).await?;
    let found = alice.get(&key(), KEYS).await?;
    let url = found
        .pointer("/properties/keyUriWithVersion")
        .and_then(Value::as_str);
    Ok(url
        .and_then(|url| url.rsplit('/').next())
        .unwrap_or_default()
        .to_owned())
}
