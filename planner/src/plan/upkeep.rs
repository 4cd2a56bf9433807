//! What to do about a hub that exists.

use jiff::Timestamp;
use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{CheckResult, ConditionType, Operation, OperationKind, OperationState, Reason};

use super::adoption::adopt;
use super::creation::begin;
use super::enabling::{self, Gate};
use super::fight::{self, Fight};
use super::{Input, Next, Plan, Request, Write, at, failed, progress_verdict, wait, with_hint};
use crate::encryption::KeyChange;
use crate::judge::{self, Judgement, Opinion, Truth, Verdict};
use crate::needs::{has_been_ready, has_failed, is_adoptable, is_deleting, is_in_progress, is_watched};
use crate::observed::{Body, Fact, Live};
use crate::progress::{self, Found, Step};
use crate::time::second;
use crate::validate::ValidEncryption;
use crate::{agents, at_rest, body, cure, encryption, group, key, preflight, transition};

/// The hub exists: whose is it, and is it in order?
pub(super) fn present(input: &Input<'_>, live: &Live) -> Plan {
    let mut judgement = Judgement::kept(input.status);
    if !is_watched(input.declared, live) {
        if is_adoptable(input.declared, live) && !is_in_progress(live) && !has_failed(live) {
            return adopt(input, live, judgement);
        }
        judgement.operation = None;
        if judgement.bound.is_none() {
            // What a creation would need is beside the point, and must not hide it.
            judgement.prerequisites = Opinion::NotApplicable;
        }
        let text = format!(
            "{} exists and does not carry the tag {OWNER_TAG} = {}: nothing is written to it or deleted.",
            live.id, input.declared.owner_tag
        );
        let owner = other_owner(input, live);
        let text = match &owner {
            Some(owner) => format!("{text} It carries the tag of {owner}."),
            None => text,
        };
        let message = if input.status.bound.is_some() && has_been_ready(input.status) {
            let text = format!("{text} It did carry it. If it is this object's, put the tag back.");
            cure::message(
                &text,
                &[cure::tag_resource(&live.id, OWNER_TAG, &input.declared.owner_tag)],
            )
        } else if owner.is_some() {
            format!("{text} Choose another name in spec.azureName.")
        } else {
            format!(
                "{text} It is somebody else's: choose another name in spec.azureName. One that no object owns is taken over with \
                 spec.adoptionPolicy: Adopt."
            )
        };
        judgement.provisioned = Opinion::Is(Verdict::no(Reason::NotOwned, message));
        return wait(judgement, at(input, input.pace.probe));
    }
    judgement.resource_id = Some(live.id.to_string());
    judgement.bound = Some(judge::bound(input, live, input.status.operation.as_ref()));
    if is_in_progress(live) {
        let kind = input
            .status
            .operation
            .as_ref()
            .map_or(OperationKind::Update, |operation| operation.kind);
        let kind = if is_deleting(live) {
            OperationKind::Delete
        } else {
            kind
        };
        judgement.provisioned = Opinion::Is(progress_verdict(input, kind));
        return wait(judgement, at(input, input.pace.poll));
    }
    // A PUT over what may hold data would take away what others set: an account or a project is changed by what differs alone.
    let rules = input.declared.kind.rules();
    let changes_alone = (rules.encrypts_later() || rules.parent().is_some()) && has_been_ready(input.status);
    if has_failed(live) && !changes_alone {
        return begin(input, judgement, Found::Broken, Some(live));
    }
    upkeep(input, judgement, live)
}

/// The object that owns a resource, as far as the resource's tag tells it, if it is another one.
fn other_owner(input: &Input<'_>, live: &Live) -> Option<String> {
    let (_, tag) = live
        .tags
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(OWNER_TAG))?;
    let parts: Vec<&str> = tag.split('/').collect();
    match parts.as_slice() {
        [owner_id, namespace, name] if *tag != input.declared.owner_tag => Some(format!(
            "object {name} in namespace {namespace} of the installation with ownerId {owner_id}"
        )),
        _ => None,
    }
}

/// The hub is there and in order: is it as declared?
fn upkeep(input: &Input<'_>, mut judgement: Judgement, live: &Live) -> Plan {
    let rules = input.declared.kind.rules();
    let declared = transition::of_declared(input.declared);
    let mut refusals = judgement
        .bound
        .as_ref()
        .map(|bound| transition::refusals(&input.declared.kind, &declared, bound))
        .unwrap_or_default();
    if refusals.is_empty() {
        refusals = transition::refusals(
            &input.declared.kind,
            &declared,
            &transition::of_live(&input.declared.kind, live, &declared),
        );
    }
    let view = encryption::judge(input, live, !refusals.is_empty());
    refusals.extend(view.refusal);
    judgement.transition = Opinion::Is(judge::transition(&refusals));
    judgement.key_applied = view.applied;
    judgement.key_healthy = view.healthy;
    judgement.provisioned = Opinion::Is(provisioned(input, live));
    judgement.encryption = encryption::status(input, live, view.latest.as_ref());
    judgement.compute_encryption = rules.compute(live);
    judgement.preflight = Some(preflight::without_notes(&input.status.preflight));
    let asks_for_a_key = matches!(input.declared.encryption, ValidEncryption::CustomerManaged { .. });
    if !rules.encrypts_later() || live.encryption.is_some() == asks_for_a_key {
        waits_for_nothing(input, &mut judgement);
    }
    group::judge(input, live, &mut judgement);
    let dependents = at_rest::judge(input, live, &judgement);
    judgement.dependents_encrypted = dependents.opinion;
    judgement.dependents = dependents.statuses;

    if rules.has_agents() {
        judgement.agent_coverage = Some(agents::judge(input));
    }

    let plan = own(input, judgement, live, refusals.is_empty(), view.change, view.due);
    with_dependents(input, plan, dependents.due, dependents.next)
}

/// The object's own resource comes first; what was told to have failed or to have been ignored there is in no dependent's way.
fn with_dependents(input: &Input<'_>, plan: Plan, due: Option<Write>, next: Next) -> Plan {
    let may_have_effect = |operation: &Option<Operation>| {
        operation
            .as_ref()
            .is_some_and(|operation| operation.state.may_have_effect())
    };
    let is_free = plan.write.is_none()
        && !may_have_effect(&input.status.operation)
        && !may_have_effect(&plan.judgement.operation);
    // What is found to be over now is told first.
    let next = match &due {
        Some(_) if !is_free && plan.write.is_none() && plan.judgement.operation.is_none() => {
            Next::At(input.now)
        }
        _ => next,
    };
    let due = due.filter(|_| is_free);
    Plan {
        next: plan.next.or_sooner(next),
        write: plan.write.or(due),
        ..plan
    }
}

/// The change that the resource itself needs.
fn own(
    input: &Input<'_>,
    mut judgement: Judgement,
    live: &Live,
    allowed: bool,
    mut key: Option<KeyChange>,
    due: Option<Timestamp>,
) -> Plan {
    let rules = input.declared.kind.rules();
    let declared = transition::of_declared(input.declared);
    let update = body::update(input.declared, live);
    let mut granted_from = None;
    let mut closed_until = None;
    let mut is_unread = allowed
        && matches!(input.declared.encryption, ValidEncryption::CustomerManaged { .. })
        && matches!(input.observed.key, Fact::Unknown(_));
    if allowed && rules.encrypts_later() {
        match enabling::gate(input, live, &mut judgement, key.is_some()) {
            Gate::NotAsked => {}
            Gate::Grants(plan) => return *plan,
            Gate::Open { started_at } => granted_from = started_at,
            // What else is declared does not wait for the key.
            Gate::Closed { next, failed } => {
                key = None;
                closed_until = Some(next);
                is_unread = !failed;
            }
        }
    }
    let change = if allowed {
        wanted_change(input, live, key.as_ref(), update)
    } else {
        None
    };
    // The key waits for the client id of its identity.
    is_unread |= allowed && key.is_some() && change.is_none();
    let operation = input.status.operation.as_ref();
    let asks_for_it = operation.and_then(|operation| operation.generation);
    let asks_for_it = asks_for_it.is_none_or(|generation| generation == input.declared.generation);
    let found = Found::Settled {
        achieved: operation.is_none_or(|operation| match operation.kind {
            OperationKind::Create | OperationKind::Grant => true,
            OperationKind::ChangeKey => KeyChange::is_made(&operation.intent, live),
            // One that may still arrive is not over because something else, or nothing, is wanted by now.
            OperationKind::Update if operation.state == OperationState::Intended => {
                asks_for_it && change.is_none()
            }
            OperationKind::Update => {
                !matches!(&change, Some((OperationKind::Update, intent, _)) if *intent == operation.intent)
            }
            OperationKind::Delete | OperationKind::EncryptDependent => false,
        }),
        // The same field may be wanted otherwise by now.
        superseded: input.status.observed_generation != Some(input.declared.generation)
            || !asks_for_it
            || operation.is_some_and(|operation| match &change {
                // Whether the key is wanted still is not known.
                _ if is_unread && operation.kind == OperationKind::ChangeKey => false,
                Some((_, intent, _)) => *intent != operation.intent,
                // What hinders it may be gone before the time of the next try.
                None => operation.state != OperationState::Failed,
            }),
    };
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
    let step = match (progress::step(input, operation, found), operation) {
        // The next try is not made for want of knowledge: the count of them goes on.
        (Step::Free { .. }, Some(operation))
            if is_unread && change.is_none() && operation.state == OperationState::Failed =>
        {
            Step::Wait {
                operation: operation.clone(),
                next: at(input, input.pace.probe),
            }
        }
        (step, _) => step,
    };
    let started_at = match step {
        Step::Wait { operation, next } => {
            let wants_update = matches!(&change, Some((OperationKind::Update, ..)));
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
    if has_failed(live) && allowed && change.is_none() && due.is_none() && !is_unread {
        judgement.provisioned = Opinion::Is(left_failed(input, live, &judgement.key_applied));
    }
    let bound = |kind, intent: &str| {
        // A key binds from the moment on that it may be there.
        if kind == OperationKind::ChangeKey && live.encryption.is_none() {
            return declared.clone();
        }
        let mut bound = judge::bound(input, live, None);
        rules.bind_change(intent, &mut bound);
        bound
    };
    let write = change.map(|(kind, intent, body)| Write {
        generation: input.declared.generation,
        kind,
        id: input.declared.id.clone(),
        request: Request::Patch(body),
        bound: Some(bound(kind, &intent)),
        intent,
        started_at: started_at.or(granted_from).unwrap_or_else(|| second(input.now)),
    });
    let next = if let Some(next) = closed_until {
        next
    } else if allowed {
        // No watch and no sweep tells that a key's date has come.
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
    } else {
        at(input, input.pace.probe)
    };
    Plan {
        write,
        ..wait(judgement, next)
    }
}

/// Whether the resource is provisioned. One that failed after it was in order is changed by what differs, and is told of until then.
fn provisioned(input: &Input<'_>, live: &Live) -> Verdict {
    let noun = input.declared.kind.noun();
    if has_failed(live) {
        let text = format!(
            "Azure reports that the last change of the {noun} failed. Keyholder writes to it only what differs from what is declared."
        );
        return Verdict::no(Reason::ProvisioningFailed, text);
    }
    match input.declared.kind.rules().drift(live) {
        Some(drift) => Verdict::yes(Reason::KindChanged, drift),
        None => Verdict::yes(
            Reason::Succeeded,
            format!("Azure reports the {noun} as provisioned."),
        ),
    }
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
        _ => cure::message(
            &format!(
                "{text} Nothing that is declared differs from what Azure has, so Keyholder sends nothing. Azure's activity log names the \
                 cause; another change, be it the same tag once more, may settle it."
            ),
            &[cure::tag_resource(&live.id, OWNER_TAG, &input.declared.owner_tag)],
        ),
    };
    Verdict::no(Reason::ProvisioningFailed, message).stalled()
}

/// What the key, or a project, had to wait for is over.
fn waits_for_nothing(input: &Input<'_>, judgement: &mut Judgement) {
    if judge::stored(input.status, ConditionType::PrerequisitesMet).is_none()
        || judge::was(input.status, ConditionType::PrerequisitesMet, Truth::True)
    {
        return;
    }
    let text = "What had to be waited for is over.";
    judgement.prerequisites = Opinion::Is(Verdict::yes(Reason::ChecksPassed, text));
    if let Some(checks) = &mut judgement.preflight {
        checks.retain(|check| check.result == CheckResult::Passed);
    }
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
        // What Azure said stands until the next try.
        (OperationState::Failed, _) => judgement.provisioned = Opinion::Keep,
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

/// A key is changed before anything else, but for the identity that is to unwrap with it.
fn wanted_change(
    input: &Input<'_>,
    live: &Live,
    key: Option<&KeyChange>,
    update: Option<(Vec<&'static str>, Body)>,
) -> Option<(OperationKind, String, Body)> {
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
