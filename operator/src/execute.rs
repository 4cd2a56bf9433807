//! Carries out the one write of a plan.
//!
//! Invariant: nothing goes to Azure before its intent stands in the object's status, under the resourceVersion that
//! the plan was made from. A conflict there means that the plan is out of date, and nothing is sent.

use jiff::Timestamp;
use keyholder_azure::{ArmError, ArmResponse, Method, wire};
use keyholder_crds::OperationKind;
use keyholder_planner::Executed;
use keyholder_planner::plan::{Request, Write};
use kube::ResourceExt;

use crate::controller::Watched;
use crate::identity::Azure;
use crate::metrics::WriteOutcome;
use crate::observe::at_rest;
use crate::observe::why;
use crate::reconcile::{Context, Failure, taken};
use crate::resource::ResourceType;
use crate::status::Writer;

/// Notes the intent, sends the request, and says what came of it, with the object as it is now.
///
/// # Errors
/// Kubernetes could not be written; nothing was sent to Azure.
pub async fn execute<K: Watched>(
    writer: &Writer<'_, K>,
    object: &K,
    write: &Write,
    azure: &Azure,
    context: &Context,
) -> Result<(Executed, K), Failure> {
    let arm = &azure.inventory.arm;
    let path = match &write.request {
        Request::Purge(path) => path,
        _ => write.id.as_str(),
    };
    let method = match &write.request {
        Request::Put(_) | Request::Assign(_) => Method::Put,
        Request::Patch(_) => Method::Patch,
        Request::Delete { .. } | Request::Purge(_) => Method::Delete,
    };
    let version = match at_rest::of(&write.id) {
        Some(kind) if write.kind == OperationKind::EncryptDependent => kind.version,
        _ => ResourceType::of(&write.id).api.version,
    };
    let operation = write.kind.to_string();
    if let Err(wait) = arm.covers(method, path) {
        context.metrics.azure_write(&operation, WriteOutcome::NotSent);
        let until = jiff::SignedDuration::try_from(wait)
            .ok()
            .and_then(|wait| Timestamp::now().checked_add(wait).ok());
        return Ok((
            Executed::Withheld(until.unwrap_or(Timestamp::MAX)),
            object.clone(),
        ));
    }
    let status = object.status().cloned().unwrap_or_default();
    let status = keyholder_planner::intent(&status, write, Timestamp::now(), context.pace);
    let Some(noted) = taken(writer.status(object, &status).await, "intent", object)? else {
        context.metrics.azure_write(&operation, WriteOutcome::NotSent);
        return Ok((Executed::NotSent, object.clone()));
    };

    let answer = match &write.request {
        Request::Put(body) => arm.put(path, version, body).await,
        Request::Assign(body) => arm.put(path, wire::ROLE_ASSIGNMENTS_VERSION, body).await,
        Request::Patch(body) => arm.patch(path, version, body).await,
        Request::Delete { purge: true } => arm.delete(path, version, &[("forceToPurge", "true")]).await,
        Request::Delete { purge: false } | Request::Purge(_) => arm.delete(path, version, &[]).await,
    };
    // What was read of it before says nothing any more.
    let read_before = match &write.request {
        Request::Assign(_) => path.rsplit_once('/').map_or(path, |(list, _)| list),
        _ => path,
    };
    azure.inventory.reader.invalidate(read_before);
    let now = Timestamp::now();
    let executed = outcome(answer.as_ref(), now, context);
    let label = if matches!(executed, Executed::Refused(_)) {
        WriteOutcome::Refused
    } else {
        WriteOutcome::Accepted
    };
    context.metrics.azure_write(&operation, label);
    match &answer {
        Ok(response) => tracing::info!(
            name = object.name_any(),
            namespace = object.namespace(),
            operation,
            id = path,
            intent = write.intent,
            status = response.status,
            request_id = response.request_id,
            "Azure accepted a write"
        ),
        Err(error) => tracing::warn!(
            name = object.name_any(),
            namespace = object.namespace(),
            operation,
            id = path,
            intent = write.intent,
            request_id = error.request_id(),
            error = keyholder_azure::chain(error),
            "Azure did not accept a write"
        ),
    }
    Ok((executed, noted))
}

fn outcome(answer: Result<&ArmResponse, &ArmError>, now: Timestamp, context: &Context) -> Executed {
    match answer {
        Err(error) => Executed::Refused(why(error, now)),
        Ok(response) => {
            let wait = response
                .retry_after
                .and_then(|after| jiff::SignedDuration::try_from(after).ok())
                .unwrap_or(context.pace.poll);
            let poll_at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
            let url = response.poll_url().map(ToString::to_string);
            if url.is_some() || response.status == 202 || is_in_progress(response) {
                Executed::Accepted { url, poll_at }
            } else {
                Executed::Done
            }
        }
    }
}

/// A body that names a provisioning state other than the final ones: Azure works on it although it named no operation.
fn is_in_progress(response: &ArmResponse) -> bool {
    let state = response
        .body
        .as_ref()
        .and_then(|body| body.pointer("/properties/provisioningState"))
        .and_then(|state| state.as_str());
    state.is_some_and(|state| {
        !["succeeded", "failed", "canceled", "cancelled"].contains(&state.to_lowercase().as_str())
    })
}
