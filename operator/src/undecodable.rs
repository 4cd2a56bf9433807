//! Says of an object that does not decode that it does not.
//!
//! Invariant: nothing of it is changed but its Ready condition, by a field manager of its own; what a newer version wrote
//! stays.

use jiff::Timestamp;
use keyholder_crds::vocabulary::UNDECODABLE_MANAGER;
use keyholder_crds::{ConditionType, Reason};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::error_boundary::InvalidObject;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use crate::controller::Watched;

/// Sets the condition, unless it says so already.
///
/// # Errors
/// The API server's.
pub async fn tell<K: Watched>(
    client: Client,
    object: &InvalidObject,
    now: Timestamp,
) -> Result<(), kube::Error> {
    let name = object.metadata.name.clone().unwrap_or_default();
    let namespace = object.metadata.namespace.clone().unwrap_or_default();
    let api: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &ApiResource::erase::<K>(&()));
    let Some(live) = api.get_opt(&name).await? else {
        return Ok(());
    };
    let Some(condition) = condition(&live, &object.error, now) else {
        return Ok(());
    };
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": { "name": live.name_any() },
        "status": { "conditions": [condition] },
    });
    let parameters = PatchParams::apply(UNDECODABLE_MANAGER).force();
    api.patch_status(&name, &parameters, &Patch::Apply(patch)).await?;
    Ok(())
}

/// The condition that it must get; `None` when it has it.
fn condition(live: &DynamicObject, error: &str, now: Timestamp) -> Option<Value> {
    let message = format!(
        "This version of Keyholder cannot read the object ({error}), perhaps because a newer one stored it: nothing is done \
         about it. Upgrade Keyholder, or set the field to what this version knows."
    );
    let ready = ConditionType::Ready.to_string();
    let stored = live
        .data
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .and_then(|all| all.iter().find(|one| one.get("type") == Some(&json!(ready))));
    let text = |name: &str| {
        stored
            .and_then(|one| one.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let generation = live.metadata.generation;
    let observed = stored
        .and_then(|one| one.get("observedGeneration"))
        .and_then(Value::as_i64);
    if text("reason") == Reason::Undecodable.to_string()
        && text("message") == message
        && observed == generation
    {
        return None;
    }
    let since = if text("status") == "Unknown" {
        text("lastTransitionTime").to_owned()
    } else {
        keyholder_planner::second(now).to_string()
    };
    Some(json!({
        "type": ready,
        "status": "Unknown",
        "reason": Reason::Undecodable.to_string(),
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": since,
    }))
}
