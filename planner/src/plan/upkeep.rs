//! What to do about a hub that exists.

use keyholder_crds::vocabulary::OWNER_TAG;
use keyholder_crds::{CheckResult, ConditionType, Operation, OperationKind, Reason};

use super::adoption::adopt;
use super::creation::begin;
use super::own::own;
use super::{Input, Next, Plan, Write, at, progress_verdict, wait};
use crate::judge::{self, Judgement, Opinion, Truth, Verdict};
use crate::needs::{has_been_ready, has_failed, is_adoptable, is_deleting, is_in_progress, is_watched};
use crate::observed::Live;
use crate::progress::Found;
use crate::validate::ValidEncryption;
use crate::{agents, at_rest, cure, encryption, group, preflight, transition};

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
