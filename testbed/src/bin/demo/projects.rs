//! A project under a hub: it tells the key of its hub, stays with it, and goes before it.

use testbed::Object;

use crate::stage::{Stage, in_namespace};
use crate::steps;
use crate::story::{Told, promised};

const CHURN: &str = "AIProject/churn";

/// The project comes first, and waits for its hub.
pub async fn waits(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/hub-with-project"])?;
    let waits = stage
        .until(CHURN, "waiting for its hub", |one| {
            one.says("PrerequisitesMet", "ParentNotFound")
        })
        .await?;
    steps::read_out(&waits, "PrerequisitesMet");
    Ok(())
}

/// With its hub it has its hub's key.
pub async fn inherits(stage: &mut Stage) -> Told {
    stage.must(&["apply", "--filename=examples/managed-group"])?;
    let ready = stage.until(CHURN, "Ready", Object::is_ready).await?;
    steps::read_out(&ready, "KeyApplied");
    let table = stage.must(&["get", "keyholder", &in_namespace()])?;
    let shown = table
        .lines()
        .any(|line| line.contains("aiproject") && line.contains("corp-keys/ai-hub"));
    promised(shown, "the table shows the project with its hub's key", || {
        table.clone()
    })
}

/// Another hub is refused at apply.
pub async fn another_hub(stage: &mut Stage) -> Told {
    let patch = r#"{"spec":{"parentRef":{"name":"another"}}}"#;
    let arguments = [
        "patch",
        "aiproject",
        "churn",
        &in_namespace(),
        "--type=merge",
        "--patch",
        patch,
    ];
    let said = stage.type_kubectl(&arguments)?;
    promised(
        !said.success && said.stderr.contains("another parent"),
        "the patch is refused",
        || said.stdout.clone(),
    )
}

/// A hub with projects is not deleted.
pub async fn hub_is_held(stage: &mut Stage) -> Told {
    let policy = r#"{"spec":{"deletionPolicy":"DeleteAndPurge"}}"#;
    let namespace = in_namespace();
    for (kind, name) in [("aihub", "research"), ("aiproject", "churn")] {
        stage.must(&["patch", kind, name, &namespace, "--type=merge", "--patch", policy])?;
    }
    stage.must(&["delete", "aihub", "research", &namespace, "--wait=false"])?;
    let held = stage
        .until("research", "held by its project", |hub| {
            hub.says("Provisioned", "HasProjects")
        })
        .await?;
    steps::read_out(&held, "Provisioned");
    let writes = steps::writes_to(stage, "research").await?;
    let deleted = writes.iter().any(|write| write.starts_with("DELETE"));
    promised(!deleted, "Azure was not asked to delete the hub", || {
        writes.join(", ")
    })
}

/// The project goes, and the hub after it.
pub async fn both_go(stage: &mut Stage) -> Told {
    let namespace = in_namespace();
    stage.must(&["delete", "aiproject", "churn", &namespace, "--timeout=60s"])?;
    stage.must(&[
        "wait",
        "--for=delete",
        "aihub/research",
        &namespace,
        "--timeout=60s",
    ])?;
    let (hub, _) = steps::left_in_azure(stage, "none").await?;
    promised(hub == 404, "the hub is gone from Azure", || {
        format!("it answers {hub}")
    })
}
