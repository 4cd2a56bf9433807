//! Two teams, each with an identity of its own: what the one has the other can neither touch nor learn of.

use std::fs;

use testbed::azure::names;
use testbed::binaries::repository;
use testbed::{Error, Object};

use crate::stage::{NEIGHBOUR, NEIGHBOUR_IDENTITY, Stage};
use crate::steps;
use crate::story::{Told, promised};

/// The neighbour's object for the first team's hub.
fn stolen() -> String {
    format!("{NEIGHBOUR}/AIHub/research")
}

/// The other team declares the same hub, wants to take it over, and have it purged.
pub async fn asks_for_it(stage: &mut Stage) -> Told {
    let path = repository().join("examples/managed-group/hub.yaml");
    let manifest = fs::read_to_string(&path).map_err(Error::file("reading", &path))?;
    let manifest = manifest
        .replace("namespace: ml-platform", &format!("namespace: {NEIGHBOUR}"))
        .replace(
            "deletionPolicy: Retain",
            "adoptionPolicy: Adopt\n  deletionPolicy: DeleteAndPurge",
        );
    println!("   The team in namespace {NEIGHBOUR} applies the same hub, with adoptionPolicy: Adopt.");
    let said = stage.type_with_input(&["apply", "--filename=-"], &manifest)?;
    promised(
        said.success,
        "the object is taken: it may declare what it likes",
        || said.stderr.clone(),
    )?;
    let refused = stage
        .until(&stolen(), "refused by Azure", |hub| {
            hub.says("Ready", "OperatorNotAuthorized")
        })
        .await?;
    steps::read_out(&refused, "Ready");
    Ok(())
}

/// Nothing that the first team's identity read is in the other's object.
pub async fn learns_nothing(stage: &mut Stage) -> Told {
    let hub = stage.hub(&stolen()).await?;
    let status = hub.at("/status").to_string();
    let learned: Vec<&str> = [
        "keyIdentifier",
        "managedResourceGroup",
        "resourceId\":",
        "azureml-rg",
    ]
    .into_iter()
    .filter(|word| status.contains(word))
    .collect();
    promised(
        learned.is_empty(),
        "its status holds nothing of the hub's",
        || format!("{learned:?} in {status}"),
    )?;
    let log = stage.azure().control().log(0).await?;
    let by_neighbour = log.iter().filter(|one| {
        one.principal.as_deref() == Some(NEIGHBOUR_IDENTITY) && one.path().starts_with("/subscriptions")
    });
    let (writes, reads): (Vec<_>, Vec<_>) = by_neighbour.partition(|one| one.is_write());
    println!(
        "   Its own identity asked Azure {} times, was refused, and wrote {} times.",
        reads.len(),
        writes.len()
    );
    promised(
        writes.is_empty() && !reads.is_empty(),
        "it was asked for under the other team's own identity, and nothing was written",
        || format!("{} writes, {} reads", writes.len(), reads.len()),
    )
}

/// The first team's hub is as it was.
pub async fn untouched(stage: &mut Stage) -> Told {
    stage.until("research", "Ready", Object::is_ready).await?;
    let writes = steps::writes_to(stage, "research").await?;
    promised(
        writes.len() == 1,
        &format!("{} was written once, when it was created", names::hub("research")),
        || writes.join(", "),
    )?;
    steps::delete(stage, "research", "DeleteAndPurge").await
}
