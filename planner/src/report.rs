//! From a judgement and what was done, to status, conditions and events.
//!
//! Invariant: status says what was observed or done. Transition times change with the condition's status alone; the
//! same facts give the same status, so that an unchanged status is not written.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::{
    ConditionType, DeletionPolicy, Managed, OperationKind, OperationState, Reason, ResourceStatus, Summary,
};

use crate::at_rest;
use crate::intent::{intended, note, settled};
use crate::judge::{self, Opinion, Truth, Verdict};
use crate::name::KeyIdentifier;
use crate::observed::Why;
use crate::plan::{FinalizerStep, Input, Next, Plan, Write, progress_verdict};
use crate::progress::failed_operation;
use crate::validate::{FieldError, ValidEncryption};

mod conditions;
mod notes;
pub(crate) mod wording;

use conditions::{JUDGED, hindered, kept, remove, set, summarise};
use notes::{accepted, changes};

/// What became of the plan's write.
#[derive(Clone, Debug, PartialEq)]
pub enum Executed {
    /// There was nothing to write.
    Nothing,
    /// Azure accepted the write and works on it.
    Accepted {
        /// Where it reports, if it said.
        url: Option<String>,
        /// When it wants to be asked.
        poll_at: Timestamp,
    },
    /// Azure answered that the write is done.
    Done,
    /// The write was not accepted.
    Refused(Why),
    /// The intent could not be noted, so nothing was sent: somebody else changed the object.
    NotSent,
    /// Nothing was noted or sent: it is another object's turn.
    Waits(Why),
    /// Nothing was noted or sent: Azure would have refused it before this time.
    Withheld(Timestamp),
}

/// An event to emit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Warning rather than Normal.
    pub warning: bool,
    /// Reason.
    pub reason: Reason,
    /// Message.
    pub message: String,
}

/// What a pass has to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The whole new status.
    pub status: ResourceStatus,
    /// Events about what changed against the stored status.
    pub notes: Vec<Note>,
    /// When to look again.
    pub next: Next,
}

/// Says what came of a pass.
#[must_use]
pub fn report(input: &Input<'_>, plan: &Plan, executed: &Executed) -> Report {
    let judgement = &plan.judgement;
    let mut status = input.status.clone();
    status.observed_generation = Some(input.declared.generation);
    status.resource_id.clone_from(&judgement.resource_id);
    status.bound.clone_from(&judgement.bound);
    status.encryption.clone_from(&judgement.encryption);
    status
        .compute_encryption
        .clone_from(&judgement.compute_encryption);
    status
        .managed_resource_group
        .clone_from(&judgement.managed_resource_group);
    status.dependents.clone_from(&judgement.dependents);
    status.agent_coverage.clone_from(&judgement.agent_coverage);
    status.operation.clone_from(&judgement.operation);
    status.access_grant.clone_from(&judgement.access_grant);
    if let Some(checks) = &judgement.preflight {
        status.preflight = kept(&status.preflight, checks);
    }
    let mut of_write = None;
    let mut prerequisites = None;
    let mut next = plan.next;
    let mut notes = Vec::new();
    if let Some(write) = &plan.write {
        let mut operation = intended(write);
        match executed {
            Executed::Nothing | Executed::NotSent | Executed::Withheld(_) => {}
            Executed::Waits(why) => {
                next = why.retry_at.map_or(Next::Change, Next::At);
                of_write = Some(Verdict::no(why.reason, why.message.clone()));
            }
            Executed::Accepted { .. } | Executed::Done => {
                operation.state = OperationState::Running;
                next = Next::At(input.now);
                if let Executed::Accepted { url, poll_at } = executed {
                    operation.url.clone_from(url);
                    next = Next::At(*poll_at);
                }
                of_write = Some(progress_verdict(input, write.kind));
                notes.push(accepted(input, write));
                bind(&mut status, write);
                note(&mut status, write, operation);
            }
            Executed::Refused(why) => {
                next = why.retry_at.map_or(Next::Backoff, Next::At);
                let outcome_unknown =
                    matches!(why.reason, Reason::AzureUnreachable | Reason::AzureAnswerInvalid);
                if outcome_unknown {
                    operation.not_before = Some(settled(input.now, input.pace));
                    of_write = Some(Verdict::unknown_why(why));
                } else {
                    operation = failed_operation(&operation, input.now, input.pace);
                    if let (Reason::Throttled, Some(at)) = (why.reason, why.retry_at) {
                        operation.not_before = Some(Time(crate::time::not_before(at)));
                    }
                    of_write = Some(Verdict::no(why.reason, why.message.clone()));
                    if write.kind == OperationKind::Grant {
                        prerequisites = Some(Opinion::Is(cannot_grant(why)));
                    }
                }
                bind(&mut status, write);
                note(&mut status, write, operation);
            }
        }
    }
    let of_write = plan.write.as_ref().zip(of_write).map(|(write, verdict)| {
        if write.kind == OperationKind::EncryptDependent {
            let verdict = at_rest::of_write(&mut status, &write.id, &verdict);
            (ConditionType::DependentsEncrypted, Opinion::Is(verdict))
        } else {
            (ConditionType::Provisioned, Opinion::Is(verdict))
        }
    });
    // The judgement's, or what came of the write.
    let opinion = |of: ConditionType| match of {
        _ if of_write.as_ref().is_some_and(|(told, _)| *told == of) => {
            of_write.as_ref().map(|(_, opinion)| opinion)
        }
        ConditionType::PrerequisitesMet => prerequisites.as_ref().or(Some(&judgement.prerequisites)),
        _ => judgement.opinion(of),
    };
    for of in JUDGED {
        match opinion(of) {
            Some(Opinion::Is(verdict)) => set(&mut status, of, verdict, input.declared.generation, input.now),
            Some(Opinion::NotApplicable) => remove(&mut status, of),
            Some(Opinion::Keep) | None => {}
        }
    }
    let needs_somebody = |of: ConditionType| match opinion(of) {
        Some(Opinion::Is(verdict)) => verdict.stalled,
        // What was said stands, and whether it stalls.
        _ => judge::stored(input.status, ConditionType::Stalled)
            .zip(judge::stored(input.status, of))
            .is_some_and(|(stalled, stored)| stalled.reason == stored.reason),
    };
    summarise(&mut status, needs_somebody, input.declared, input.now);
    status.summary = Some(summary(input, &status));
    notes.extend(changes(input.status, &status));
    if plan.finalizer == FinalizerStep::Remove
        && input.declared.deletion_policy == DeletionPolicy::Retain
        && let Some(id) = &status.resource_id
    {
        notes.push(Note {
            warning: false,
            reason: Reason::Retained,
            message: format!("{id} stays in Azure as it is."),
        });
    }
    Report { status, notes, next }
}

/// The identity lacks access, and Keyholder may not give it.
fn cannot_grant(why: &Why) -> Verdict {
    Verdict::no(
        why.reason,
        format!(
            "The identity has no access to the key, and Keyholder could not give it: {}. To give access the operator's identity needs \
             the role Keyholder Granter at the vault (deploy/azure/README.md); or give it yourself.",
            why.message.lines().next().unwrap_or_default()
        ),
    )
}

fn bind(status: &mut ResourceStatus, write: &Write) {
    if let Some(bound) = &write.bound {
        status.bound = Some(bound.clone());
    }
}

/// At first touch of a generation: nothing is known of it so far. `None` when it was touched before.
#[must_use]
pub fn touch(object: &impl Managed, now: Timestamp) -> Option<ResourceStatus> {
    let generation = object.metadata().generation.unwrap_or_default();
    let mut status = object.status().cloned().unwrap_or_default();
    if status.observed_generation == Some(generation) {
        return None;
    }
    // The generation itself is noted when its first report is made.
    let pending = Verdict::unknown(Reason::Pending, "This generation was not looked at so far.");
    if judge::stored(&status, ConditionType::Ready).is_some_and(|ready| {
        ready.observed_generation == Some(generation) && ready.reason == Reason::Pending.as_ref()
    }) {
        return None;
    }
    set(&mut status, ConditionType::Ready, &pending, generation, now);
    remove(&mut status, ConditionType::Stalled);
    let working = Verdict::yes(Reason::Pending, "Work is about to begin.");
    set(&mut status, ConditionType::Reconciling, &working, generation, now);
    Some(status)
}

/// The spec holds something that cannot be.
#[must_use]
pub fn invalid(object: &impl Managed, errors: &[FieldError], now: Timestamp) -> Report {
    let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let verdict = Verdict::no(Reason::InvalidSpec, messages.join("\n"));
    alone(
        object,
        ConditionType::PrerequisitesMet,
        &verdict,
        Next::Change,
        now,
    )
}

/// Nothing can be done in Azure for this object.
#[must_use]
pub fn blocked(object: &impl Managed, why: &Why, now: Timestamp) -> Report {
    let verdict = Verdict::no(why.reason, why.message.clone());
    alone(
        object,
        ConditionType::PrerequisitesMet,
        &verdict,
        why.retry_at.map_or(Next::Change, Next::At),
        now,
    )
}

fn alone(object: &impl Managed, of: ConditionType, verdict: &Verdict, next: Next, now: Timestamp) -> Report {
    let before = object.status().cloned().unwrap_or_default();
    let generation = object.metadata().generation.unwrap_or_default();
    let mut status = before.clone();
    status.observed_generation = Some(generation);
    set(&mut status, of, verdict, generation, now);
    hindered(&mut status, verdict.clone(), generation, now);
    let notes = changes(&before, &status);
    Report { status, notes, next }
}

/// Whether `new` says something for the worse, a warning among it, that `old` did not say, or that must be read anew each time.
#[must_use]
pub fn is_worse(new: &ResourceStatus, old: &ResourceStatus) -> bool {
    JUDGED
        .into_iter()
        .filter_map(|of| Some((of, judge::stored(new, of)?)))
        .any(|(of, condition)| {
            let same = judge::stored(old, of)
                .is_some_and(|before| before.status == condition.status && before.reason == condition.reason);
            let warns = condition.reason.parse().is_ok_and(judge::is_warning);
            (condition.status != Truth::True.as_str() || warns)
                && (!same || of == ConditionType::PrerequisitesMet)
        })
}

fn summary(input: &Input<'_>, status: &ResourceStatus) -> Summary {
    let key = match &input.declared.encryption {
        ValidEncryption::MicrosoftManaged => None,
        ValidEncryption::CustomerManaged { vault, key, .. } => Some(format!("{}/{key}", vault.name())),
        ValidEncryption::Inherited => status
            .encryption
            .as_ref()
            .and_then(|encryption| KeyIdentifier::parse(encryption.key_identifier.as_deref()?).ok())
            .map(|key| format!("{}/{}", key.vault(), key.key())),
    };
    // A version of another key would be told as one of this.
    let in_use = status.encryption.as_ref().filter(|encryption| {
        let used = encryption.key_identifier.as_deref();
        let used = used.and_then(|url| KeyIdentifier::parse(url).ok());
        match &input.declared.encryption {
            ValidEncryption::CustomerManaged { vault, key, .. } => {
                used.is_some_and(|used| used.is_in(vault) && used.key() == key)
            }
            ValidEncryption::MicrosoftManaged | ValidEncryption::Inherited => true,
        }
    });
    Summary {
        key,
        version: in_use.and_then(|encryption| encryption.version.clone()),
        azure_name: Some(input.declared.id.name().to_owned()),
    }
}

#[cfg(test)]
mod first_and_alone;
#[cfg(test)]
mod tests;
