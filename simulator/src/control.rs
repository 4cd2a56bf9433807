//! What nobody can do to Azure: the control API under `/_simulator`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::faults::Fault;
use crate::seed::Seed;
use crate::server::Azure;
use crate::settings::Settings;
use crate::traffic::Exchange;

type Answer = Result<Json<Value>, (StatusCode, String)>;

/// All routes.
pub(crate) fn routes() -> Router<Arc<Azure>> {
    Router::new()
        .route("/seed", post(seed))
        .route("/settings", get(settings).patch(change_settings))
        .route("/counters", get(counters))
        .route("/counters/reset", post(reset_counters))
        .route("/faults", post(add_fault).get(faults).delete(clear_faults))
        .route("/holds", get(holds))
        .route("/holds/{id}", delete(release))
        .route("/age", post(age))
        .route("/keys", post(key))
        .route("/private-endpoints", post(private_endpoint))
        .route("/log", get(log))
}

fn refused(error: &dyn std::fmt::Display) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, error.to_string())
}

async fn seed(State(azure): State<Arc<Azure>>, text: String) -> Answer {
    let seed = Seed::parse(&text).map_err(|error: Error| refused(&error))?;
    seed.apply(&mut azure.world(), Timestamp::now())
        .map_err(|error| refused(&error))?;
    Ok(Json(json!({})))
}

async fn settings(State(azure): State<Arc<Azure>>) -> Answer {
    let settings = azure.world().settings.clone();
    serde_json::to_value(settings)
        .map(Json)
        .map_err(|error| refused(&error))
}

async fn change_settings(State(azure): State<Arc<Azure>>, Json(change): Json<Value>) -> Answer {
    let mut world = azure.world();
    let mut merged = serde_json::to_value(&world.settings).map_err(|error| refused(&error))?;
    crate::text::merge(&mut merged, &change);
    let changed: Settings = serde_json::from_value(merged.clone()).map_err(|error| refused(&error))?;
    world.settings = changed;
    Ok(Json(merged))
}

async fn counters(State(azure): State<Arc<Azure>>) -> Json<Value> {
    Json(azure.traffic().counters())
}

async fn reset_counters(State(azure): State<Arc<Azure>>) -> Json<Value> {
    azure.traffic().reset_counters();
    Json(json!({}))
}

async fn add_fault(State(azure): State<Arc<Azure>>, Json(fault): Json<Value>) -> Answer {
    let fault: Fault = serde_json::from_value(fault).map_err(|error| refused(&error))?;
    azure.faults.add(fault);
    Ok(Json(azure.faults.list()))
}

async fn faults(State(azure): State<Arc<Azure>>) -> Json<Value> {
    Json(azure.faults.list())
}

async fn clear_faults(State(azure): State<Arc<Azure>>) -> Json<Value> {
    azure.faults.clear();
    Json(json!([]))
}

#[derive(Debug, Deserialize)]
struct Wait {
    /// Seconds to wait at the most until something is held.
    wait: Option<u64>,
}

async fn holds(State(azure): State<Arc<Azure>>, Query(query): Query<Wait>) -> Json<Value> {
    let wait = Duration::from_secs(query.wait.unwrap_or_default());
    let held = tokio::time::timeout(wait, azure.faults.until_held()).await;
    Json(Value::Array(held.unwrap_or_else(|_| azure.faults.holds())))
}

async fn release(State(azure): State<Arc<Azure>>, Path(id): Path<u64>) -> Answer {
    if azure.faults.release(id) {
        Ok(Json(json!({})))
    } else {
        Err((StatusCode::NOT_FOUND, format!("nothing is held as {id}")))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Age {
    resource_id: String,
    days: i64,
}

/// Shifts a resource's stored dates back.
async fn age(State(azure): State<Arc<Azure>>, Json(age): Json<Age>) -> Answer {
    let back = SignedDuration::from_hours(24 * age.days);
    let mut world = azure.world();
    if world.age_deleted(&age.resource_id, back) {
        return Ok(Json(json!({})));
    }
    let Some(resource) = world.get_mut(&age.resource_id) else {
        return Err((StatusCode::NOT_FOUND, format!("there is no {}", age.resource_id)));
    };
    for time in [&mut resource.created, &mut resource.changed, &mut resource.looked] {
        *time = time.checked_sub(back).map_err(|error| refused(&error))?;
    }
    if let Some(attributes) = resource.body.pointer_mut("/properties/attributes") {
        for name in ["created", "updated", "exp", "nbf"] {
            if let Some(seconds) = attributes.get(name).and_then(Value::as_i64) {
                crate::text::set(attributes, name, seconds - back.as_secs());
            }
        }
    }
    Ok(Json(json!({})))
}

/// What happens to a key in its vault, which Azure Resource Manager cannot do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyChange {
    /// ARM id of the key, or of a version of it.
    key: String,
    action: KeyAction,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KeyAction {
    /// A new version.
    Rotate,
    Enable,
    Disable,
    /// Its end, in seconds since 1970.
    Expire(i64),
    Delete,
    /// Back from the deleted ones.
    Recover,
}

async fn key(State(azure): State<Arc<Azure>>, Json(change): Json<KeyChange>) -> Answer {
    let now = Timestamp::now();
    // What happens to a key happens to it whole.
    let whole = change.key.split("/versions/").next().unwrap_or(&change.key);
    let mut world = azure.world();
    let done = match change.action {
        KeyAction::Rotate => world.rotate_key(whole, now),
        KeyAction::Enable => world.set_key_attribute(&change.key, "enabled", &json!(true)),
        KeyAction::Disable => world.set_key_attribute(&change.key, "enabled", &json!(false)),
        KeyAction::Expire(at) => world.set_key_attribute(&change.key, "exp", &json!(at)),
        KeyAction::Delete => world.delete_key(whole, now).is_some(),
        KeyAction::Recover => world.recover_key(whole).is_some(),
    };
    if !done {
        return Err((StatusCode::NOT_FOUND, format!("there is no key {}", change.key)));
    }
    Ok(Json(json!({})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateEndpoint {
    /// ARM id of a workspace.
    workspace: String,
}

/// Somebody makes a private endpoint to a workspace, in a network that this Azure does not have.
async fn private_endpoint(State(azure): State<Arc<Azure>>, Json(made): Json<PrivateEndpoint>) -> Answer {
    if azure
        .world()
        .add_private_endpoint(&made.workspace, Timestamp::now())
    {
        Ok(Json(json!({})))
    } else {
        Err((StatusCode::NOT_FOUND, format!("there is no {}", made.workspace)))
    }
}

#[derive(Debug, Deserialize)]
struct Since {
    #[serde(default)]
    since: usize,
}

async fn log(State(azure): State<Arc<Azure>>, Query(query): Query<Since>) -> Json<Vec<Exchange>> {
    Json(azure.traffic().since(query.since))
}
