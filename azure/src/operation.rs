//! Long-running operations: what an answer at the operation's URL means. Pure; the request is [`crate::ArmClient::operation`].
//!
//! Invariant: an operation is over only when ARM says one of its three last words. Any other word means that it runs
//! (azure-resource-manager, "Track asynchronous operations"; azure-resource-manager-rpc, Addendum).

use std::time::Duration;

use serde_json::Value;

use crate::arm::ArmResponse;
use crate::error::Fault;
use crate::text::clean;

#[cfg(test)]
mod tests;

/// Where a long-running operation stands.
#[derive(Clone, Debug, PartialEq)]
pub enum OperationState {
    /// It goes on.
    Running {
        /// How long ARM asks to be left alone.
        retry_after: Option<Duration>,
        /// `percentComplete`, 0 to 100.
        percent: Option<f64>,
    },
    /// It ended well. What came of it is to be read from the resource.
    Succeeded,
    /// It failed.
    Failed(Fault),
    /// It was canceled.
    Canceled,
    /// ARM does not know it, any more or yet: look at the resource instead.
    Unknown,
}

impl OperationState {
    /// The meaning of a success (200 to 299) at an operation's URL: an operation's body, the resource itself where the URL
    /// is the resource's own, or the bare status of `Location` polling.
    ///
    /// # Errors
    /// What is wrong with the body.
    pub fn parse(response: &ArmResponse) -> Result<Self, String> {
        let body = match &response.body {
            None if response.status == 202 => return Ok(Self::running(response, None)),
            None => return Ok(Self::Succeeded),
            Some(body) => body,
        };
        let Some(map) = body.as_object() else {
            return Err("it is not an operation: its body is not an object".to_owned());
        };
        let word = match map.get("status").or_else(|| state_of_resource(body)) {
            None if response.status == 202 => return Ok(Self::running(response, Some(body))),
            None if map.get("error").is_some_and(|error| !error.is_null()) => "Failed",
            None => return Ok(Self::Succeeded),
            Some(Value::String(word)) => word,
            Some(_) => return Err("it is not an operation: its status is not a string".to_owned()),
        };
        Ok(match word.trim().to_ascii_lowercase().as_str() {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed(Fault::parse(body).unwrap_or_else(unexplained)),
            "canceled" | "cancelled" => Self::Canceled,
            "" => return Err("it is not an operation: its status is empty".to_owned()),
            _ => Self::running(response, Some(body)),
        })
    }

    fn running(response: &ArmResponse, body: Option<&Value>) -> Self {
        let percent = body
            .and_then(|body| body.get("percentComplete"))
            .and_then(Value::as_f64)
            .filter(|percent| (0.0..=100.0).contains(percent));
        Self::Running {
            retry_after: response.retry_after,
            percent,
        }
    }
}

/// `properties.provisioningState`, where the operation's URL is the resource's own. Absent means succeeded.
fn state_of_resource(body: &Value) -> Option<&Value> {
    body.get("properties")
        .and_then(|properties| properties.get("provisioningState"))
}

fn unexplained() -> Fault {
    Fault::new(
        "Unknown",
        &clean("Azure says that the operation failed, and not why."),
    )
}
