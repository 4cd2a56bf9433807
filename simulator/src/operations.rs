//! Long-running operations: accepted, under way, ended (azure-resource-manager, async-operations).
//!
//! Invariant: an operation has its effect when its time has come, whoever looks; what can fail in Azure only after it said
//! "accepted" fails here.

use std::fmt;
use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::front::{Reply, Request};
use crate::refusal::Refusal;
use crate::world::World;

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) subscription: String,
    /// The resource.
    pub(crate) target: String,
    pub(crate) started: Timestamp,
    pub(crate) ends: Timestamp,
    pub(crate) effect: Effect,
    /// The body that was sent: the same once more joins it.
    pub(crate) body: Value,
    /// A fault wants it to fail.
    pub(crate) fails: Option<Refusal>,
    /// Once it has ended.
    pub(crate) outcome: Option<Result<(), Refusal>>,
    pub(crate) api_version: String,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Change,
    Delete,
    Purge,
}

type End = dyn Fn(&mut World, &Operation, Timestamp) -> Result<(), Refusal> + Send + Sync;

/// What an operation does when its time has come: the resource type's own doing.
#[derive(Clone)]
pub(crate) struct Effect {
    pub(crate) verb: Verb,
    end: Arc<End>,
}

impl Effect {
    /// One with an end.
    pub(crate) fn new(
        verb: Verb,
        end: impl Fn(&mut World, &Operation, Timestamp) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self {
            verb,
            end: Arc::new(end),
        }
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Effect").field(&self.verb).finish()
    }
}

impl Operation {
    /// What a check says, unless a fault wants the operation to fail.
    pub(crate) fn outcome_of(&self, check: impl FnOnce() -> Result<(), Refusal>) -> Result<(), Refusal> {
        self.fails.clone().map_or_else(check, Err)
    }

    /// Whether a request asks for what is under way already. A deletion needs no body to be the same.
    fn is_asked_again(&self, request: &Request<'_>, verb: Verb) -> bool {
        self.effect.verb == verb
            && match verb {
                Verb::Create => request.body.as_ref() == Some(&self.body),
                Verb::Delete | Verb::Purge => true,
                Verb::Change => false,
            }
    }
}

impl World {
    /// Accepts an operation, and answers 202.
    pub(crate) fn begin(&mut self, request: &Request<'_>, target: &str, effect: Effect) -> Reply {
        let operation = Operation {
            id: crate::text::new_guid(),
            subscription: crate::address::subscription_of(target).to_owned(),
            target: target.to_owned(),
            started: request.now,
            ends: later(request.now, self.settings.operation_seconds),
            effect,
            body: request.body.clone().unwrap_or_default(),
            fails: request.fails.clone(),
            outcome: None,
            api_version: request.api_version.clone(),
        };
        let reply = self.accepted(request, &operation);
        self.operations.insert(operation.id.clone(), operation);
        reply
    }

    /// 202 with where to ask.
    pub(crate) fn accepted(&self, request: &Request<'_>, operation: &Operation) -> Reply {
        let url = format!(
            "{}/subscriptions/{}/operationresults/{}?api-version={}",
            request.endpoint, operation.subscription, operation.id, operation.api_version
        );
        Reply::empty(StatusCode::ACCEPTED)
            .header("azure-asyncoperation", &url)
            .header("location", &format!("{url}&monitor=true"))
            .header("retry-after", &self.settings.retry_after_seconds.to_string())
    }

    /// The unfinished operation on a resource.
    pub(crate) fn under_way(&self, target: &str) -> Option<&Operation> {
        self.operations
            .values()
            .find(|one| one.outcome.is_none() && one.target.eq_ignore_ascii_case(target))
    }

    /// The operation under way on a resource, if the request asks for the same once more: it joins it. Anything else is refused
    /// meanwhile, as its resource provider refuses it.
    pub(crate) fn joined(
        &self,
        request: &Request<'_>,
        target: &str,
        verb: Verb,
        busy: impl FnOnce() -> Refusal,
    ) -> Result<Option<&Operation>, Refusal> {
        match self.under_way(target) {
            Some(operation) if !operation.is_asked_again(request, verb) => Err(busy()),
            other => Ok(other),
        }
    }

    /// Ends what has come to its end.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        let mut due: Vec<(Timestamp, String)> = self
            .operations
            .values()
            .filter(|one| one.outcome.is_none() && one.ends <= now)
            .map(|one| (one.ends, one.id.clone()))
            .collect();
        due.sort();
        for (ends, id) in due {
            let Some(operation) = self.operations.get(&id).cloned() else {
                continue;
            };
            let outcome = (operation.effect.end)(self, &operation, ends);
            if let Some(stored) = self.operations.get_mut(&id) {
                stored.outcome = Some(outcome);
            }
        }
        self.end_retentions(now);
        self.assignments
            .retain(|assignment| assignment.until.is_none_or(|until| now < until));
    }

    /// GET of an operation: as `Azure-AsyncOperation` has it, or as `Location` has it.
    pub(crate) fn operation(&self, request: &Request<'_>, id: &str) -> Result<Reply, Refusal> {
        let operation = self.operations.get(id).ok_or_else(|| {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "OperationNotFound",
                format!("The operation '{id}' was not found."),
            )
        })?;
        if request.query("monitor").is_some() {
            return match &operation.outcome {
                None => Ok(self.accepted(request, operation)),
                Some(Ok(())) => Ok(self.get(&operation.target).map_or_else(
                    || Reply::empty(StatusCode::NO_CONTENT),
                    |one| Reply::ok(self.shown(&one.body)),
                )),
                Some(Err(refusal)) => Err(refusal.clone()),
            };
        }
        let mut body = json!({
            "id": format!("/subscriptions/{}/operationresults/{id}", operation.subscription),
            "name": id,
            "status": match &operation.outcome {
                None => "InProgress",
                Some(Ok(())) => "Succeeded",
                Some(Err(_)) => "Failed",
            },
            "startTime": operation.started.to_string(),
        });
        if let Some(outcome) = &operation.outcome {
            crate::text::set(&mut body, "endTime", operation.ends.to_string());
            match outcome {
                Err(refusal) if refusal.is_flat => crate::text::merge(&mut body, &refusal.error()),
                Err(refusal) => crate::text::set(&mut body, "error", refusal.error()),
                Ok(()) => {}
            }
            return Ok(Reply::ok(body));
        }
        Ok(Reply::ok(body).header("retry-after", &self.settings.retry_after_seconds.to_string()))
    }
}

/// A time after another.
pub(crate) fn later(now: Timestamp, seconds: f64) -> Timestamp {
    jiff::SignedDuration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|wait| now.checked_add(wait).ok())
        .unwrap_or(now)
}
