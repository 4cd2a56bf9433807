//! The change that the resource itself needs: what became of the last one, and which comes next.
//!
//! Invariant: no change goes over one that may still have effect, and none that failed is made again before its time.

use jiff::Timestamp;
use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{Bound, ConditionType, Operation, OperationKind, OperationState, Reason};

use super::enabling::{self, Gate};
use super::fight::{self, Fight};
use super::{Input, Next, Plan, Request, Write, at, failed, progress_verdict, wait, with_hint};
use crate::encryption::KeyChange;
use crate::judge::{self, Judgement, Opinion, Truth, Verdict};
use crate::needs::{has_failed, is_owned};
use crate::observed::{Body, Fact, Live};
use crate::progress::{self, Found, Step};
use crate::time::second;
use crate::validate::ValidEncryption;
use crate::{agents, body, cure, key, preflight, transition};

/// A change: its kind, what must be read back, and the PATCH.
type Change = (OperationKind, String, Body);

/// What is wanted by now.
struct Wanted {
    change: Option<Change>,
    /// Whether the key is to be changed is not known: something could not be read.
    is_unread: bool,
    /// When the access that a key needed was first given.
    granted_from: Option<Timestamp>,
    /// When to look again at what holds the key back.
    closed_until: Option<Next>,
}

/// Decides on the resource itself; `allowed`: the spec asks for nothing that is refused, `key`: the change of it that is wanted, `due`:
/// when one is to come by itself.
pub(super) fn own(
    input: &Input<'_>,
    mut judgement: Judgement,
    live: &Live,
    allowed: bool,
    key: Option<KeyChange>,
    due: Option<Timestamp>,
) -> Plan {
    let wanted = match wanted(input, &mut judgement, live, allowed, key) {
        Ok(wanted) => wanted,
        Err(grants) => return *grants,
    };
    let operation = input.status.operation.as_ref();
    let found = found(input, live, &wanted);
    let fight = if found == Found::AWAITED {
        fight::judge(input, operation)
    } else {
        Fight::None
    };
    if let Fight::On(hit) = &fight {
        judgement.provisioned = Opinion::Is(fight::verdict(input, hit));
        judgement.operation = operation.cloned();
        return wait(judgement, fight::next(input));
    }
    if fight == Fight::Unseen {
        judgement.provisioned = Opinion::Keep;
        judgement.operation = operation.cloned();
        return wait(judgement, fight::next(input));
    }
    let operation = operation.filter(|_| fight != Fight::Over);
    let started_at = match step(input, operation, found, &wanted) {
        Step::Wait { operation, next } => {
            let wants_update = matches!(&wanted.change, Some((OperationKind::Update, ..)));
            unfinished(input, &operation, wants_update, &mut judgement);
            let ended = fight::judge(input, Some(&operation));
            judgement.operation = Some(operation);
            if let Fight::On(hit) = ended {
                judgement.provisioned = Opinion::Is(fight::verdict(input, &hit));
                return wait(judgement, fight::next(input));
            }
            return wait(judgement, next);
        }
        Step::Failed {
            operation,
            next,
            verdict,
        } => {
            let verdict = match operation.kind {
                OperationKind::ChangeKey => with_hint(input, verdict),
                _ => verdict,
            };
            return failed(judgement, operation, next, verdict);
        }
        Step::Free { started_at } => started_at,
    };
    judgement.operation = None;
    judgement.bound = Some(judge::bound(input, live, None));
    let comes_by_itself = wanted.change.is_some() || due.is_some() || wanted.is_unread;
    if has_failed(live) && allowed && !comes_by_itself {
        judgement.provisioned = Opinion::Is(left_failed(input, live, &judgement.key_applied));
    }
    let next = next(input, &judgement, allowed, &wanted, due);
    let tried = operation.map(|operation| operation.kind);
    let write = wanted.change.map(|(kind, intent, body)| Write {
        generation: input.declared.generation,
        kind,
        id: input.declared.id.clone(),
        request: Request::Patch(body),
        bound: Some(bound(input, live, kind, &intent)),
        intent,
        started_at: started_at
            .filter(|_| tried == Some(kind))
            .or(wanted.granted_from)
            .unwrap_or_else(|| second(input.now)),
    });
    Plan {
        write,
        ..wait(judgement, next)
    }
}

/// What is wanted, or what must come before the key: access that is given, or waited for.
fn wanted(
    input: &Input<'_>,
    judgement: &mut Judgement,
    live: &Live,
    allowed: bool,
    mut key: Option<KeyChange>,
) -> Result<Wanted, Box<Plan>> {
    let mut wanted = Wanted {
        change: None,
        is_unread: false,
        granted_from: None,
        closed_until: None,
    };
    if !allowed {
        return Ok(wanted);
    }
    wanted.is_unread = matches!(input.declared.encryption, ValidEncryption::CustomerManaged { .. })
        && matches!(input.observed.key, Fact::Unknown(_));
    if input.declared.kind.rules().encrypts_later() {
        match enabling::gate(input, live, judgement, key.is_some()) {
            Gate::NotAsked => {}
            Gate::Grants(plan) => return Err(plan),
            Gate::Open { started_at } => wanted.granted_from = started_at,
            // What else is declared does not wait for the key.
            Gate::Closed { next, failed } => {
                key = None;
                wanted.closed_until = Some(next);
                wanted.is_unread = !failed;
            }
        }
    }
    wanted.change = change(input, live, key.as_ref());
    // The key waits for the client id of its identity.
    wanted.is_unread |= key.is_some()
        && wanted.change.is_none()
        && !preflight::has_no_identity(input.declared, input.observed);
    Ok(wanted)
}

/// A key is changed before anything else, but for the identity that is to unwrap with it.
fn change(input: &Input<'_>, live: &Live, key: Option<&KeyChange>) -> Option<Change> {
    let update = body::update(input.declared, live);
    let lacks_identity = update
        .as_ref()
        .is_some_and(|(fields, _)| fields.contains(&"identity"))
        && live.encryption.is_none();
    match key.filter(|_| !lacks_identity) {
        Some(key) => {
            let client_id = preflight::client_id(input.declared, input.observed);
            let rules = input.declared.kind.rules();
            let body = rules.key_change(input.declared, key, client_id)?;
            Some((OperationKind::ChangeKey, key.as_str().to_owned(), body))
        }
        None => update.map(|(fields, body)| (OperationKind::Update, fields.join(", "), body)),
    }
}

/// The resource beside the last operation: does it show, and is it wanted still?
fn found(input: &Input<'_>, live: &Live, wanted: &Wanted) -> Found {
    let change = wanted.change.as_ref();
    let operation = input.status.operation.as_ref();
    let asks_for_it = operation.and_then(|operation| operation.generation);
    let asks_for_it = asks_for_it.is_none_or(|generation| generation == input.declared.generation);
    Found::Settled {
        achieved: operation.is_none_or(|operation| match operation.kind {
            OperationKind::Create | OperationKind::Grant => true,
            OperationKind::ChangeKey => KeyChange::is_made(&operation.intent, live),
            // One that may still arrive is not over because something else, or nothing, is wanted by now.
            OperationKind::Update if operation.state == OperationState::Intended => {
                asks_for_it && change.is_none()
            }
            OperationKind::Update => {
                !matches!(change, Some((OperationKind::Update, intent, _)) if *intent == operation.intent)
            }
            OperationKind::Delete | OperationKind::EncryptDependent => false,
        }),
        // The same field may be wanted otherwise by now.
        superseded: input.status.observed_generation != Some(input.declared.generation)
            || !asks_for_it
            || operation.is_some_and(|operation| match change {
                // Whether the key is wanted still is not known.
                _ if wanted.is_unread && operation.kind == OperationKind::ChangeKey => false,
                Some((_, intent, _)) => *intent != operation.intent,
                // What hinders it may be gone before the time of the next try.
                None => operation.state != OperationState::Failed,
            }),
    }
}

/// What follows from the last operation. A next try that is not made for want of knowledge does not end the count of them.
fn step(input: &Input<'_>, operation: Option<&Operation>, found: Found, wanted: &Wanted) -> Step {
    let step = progress::step(input, operation, found);
    let is_put_off = wanted.is_unread && wanted.change.is_none();
    match operation.filter(|one| is_put_off && one.state == OperationState::Failed) {
        // One that is over or superseded has no first try to remember.
        Some(operation) if matches!(step, Step::Free { started_at: Some(_) }) => Step::Wait {
            operation: operation.clone(),
            next: at(input, input.pace.probe),
        },
        _ => step,
    }
}

/// What the object is bound to from a change on: a key binds from the moment on that it may be there.
fn bound(input: &Input<'_>, live: &Live, kind: OperationKind, intent: &str) -> Bound {
    if kind == OperationKind::ChangeKey && live.encryption.is_none() {
        return transition::of_declared(input.declared);
    }
    let mut bound = judge::bound(input, live, None);
    input.declared.kind.rules().bind_change(intent, &mut bound);
    bound
}

/// When to look again, if nothing hinders. No watch and no sweep tells that a key's date has come.
fn next(
    input: &Input<'_>,
    judgement: &Judgement,
    allowed: bool,
    wanted: &Wanted,
    due: Option<Timestamp>,
) -> Next {
    if let Some(next) = wanted.closed_until {
        return next;
    }
    if !allowed {
        return at(input, input.pace.probe);
    }
    let key = input
        .observed
        .key
        .known()
        .and_then(|found| key::next_change(found, input.pace.expiry_lead, input.now));
    let agents = judgement.agent_coverage.as_ref();
    let agents =
        agents.map(|coverage| agents::next_look(coverage, &input.observed.capability_hosts, input.now));
    let moment = key.into_iter().chain(due).chain(agents).min();
    moment.map_or(Next::Change, Next::At)
}

/// It failed, and there is nothing to send that might settle it: for what hinders the key, or because nothing differs.
fn left_failed(input: &Input<'_>, live: &Live, key_applied: &Opinion) -> Verdict {
    let noun = input.declared.kind.noun();
    let text = format!("Azure reports that the last change of the {noun} failed.");
    let message = match key_applied {
        Opinion::Is(hindered) if hindered.status == Truth::False => {
            format!(
                "{text} It is changed again once this is mended: {}",
                hindered.message
            )
        }
        _ => {
            let text = format!(
                "{text} Nothing that is declared differs from what Azure has, so Keyholder sends nothing. Azure's activity log names the cause"
            );
            if is_owned(input.declared, live) {
                let tag = cure::tag_resource(&live.id, OWNER_TAG, &input.declared.owner_tag);
                let text = format!("{text}; another change, be it the same tag once more, may settle it.");
                cure::message(&text, &[tag])
            } else {
                format!("{text}.")
            }
        }
    };
    Verdict::no(Reason::ProvisioningFailed, message).stalled()
}

fn holds(opinion: &Opinion) -> bool {
    matches!(opinion, Opinion::Is(verdict) if verdict.status == Truth::True)
}

/// What an operation that is not over says of a hub that is otherwise in order.
fn unfinished(input: &Input<'_>, operation: &Operation, wants_update: bool, judgement: &mut Judgement) {
    let ignored = |what: String| {
        let text = format!("Azure answered that it applied {what}; reading twice showed that it did not.");
        Opinion::Is(Verdict::no(Reason::WriteIgnored, text))
    };
    match (operation.state, operation.kind) {
        (OperationState::Ignored, OperationKind::ChangeKey) => {
            judgement.key_applied = ignored(operation.intent.clone());
        }
        (OperationState::Ignored, OperationKind::Update) => {
            judgement.provisioned = ignored(format!("a change of {}", operation.intent));
        }
        // It has the declared key without it.
        (OperationState::Failed, OperationKind::ChangeKey) if holds(&judgement.key_applied) => {}
        // What Azure said stands until the next try.
        (OperationState::Failed, _) if judge::was(input.status, ConditionType::Provisioned, Truth::False) => {
            judgement.provisioned = Opinion::Keep;
        }
        (OperationState::Failed, _) => {
            let text = format!(
                "Azure failed the last change, of {}; it is made again later.",
                operation.intent
            );
            judgement.provisioned = Opinion::Is(Verdict::no(Reason::ProvisioningFailed, text));
        }
        (_, OperationKind::Update) => {
            judgement.provisioned = Opinion::Is(progress_verdict(input, OperationKind::Update));
        }
        // What else is declared waits for this one.
        _ if wants_update => {
            judgement.provisioned = Opinion::Is(progress_verdict(input, OperationKind::Update));
        }
        _ => {}
    }
}
