//! What to do about a hub that does not exist, or whose provisioning failed.

use keyholder_crds::{ManagementPolicy, OperationKind, OperationState, PreflightCheckName, Reason};

use super::{Input, Next, Plan, Request, Write, at, grant, progress_verdict, wait, with_hint};
use crate::judge::{self, Judgement, Opinion, Truth, Verdict};
use crate::kind::KeyToUse;
use crate::name::KeyIdentifier;
use crate::needs::{has_been_ready, was_created};
use crate::observed::Live;
use crate::preflight::{self, Before};
use crate::progress::{self, Found, Step};
use crate::report::Note;
use crate::time::second;
use crate::validate::ValidEncryption;
use crate::{body, encryption, transition};

/// The hub does not exist: it is created, unless it was there before.
pub(super) fn absent(input: &Input<'_>) -> Plan {
    let mut judgement = Judgement::kept(input.status);
    if was_created(input.status) {
        judgement.bound = None;
        judgement.operation = None;
        // Nothing will be created, so what that would need must not hide why.
        judgement.prerequisites = Opinion::NotApplicable;
        // What was said of it is not true any more.
        judgement.key_applied = Opinion::NotApplicable;
        judgement.key_healthy = Opinion::NotApplicable;
        judgement.managed_group = Opinion::NotApplicable;
        judgement.dependents_encrypted = Opinion::NotApplicable;
        judgement.provisioned = Opinion::Is(Verdict::no(
            Reason::DeletedInAzure,
            format!(
                "{} was there and somebody deleted it in Azure. Keyholder creates no empty {} in its place: recover it, or \
                 delete this object and apply it again to create a new one.",
                input.declared.id,
                input.declared.kind.noun()
            ),
        ));
        return wait(judgement, at(input, input.pace.probe));
    }
    begin(input, judgement, Found::Absent, None)
}

/// The parent's object says that it is not in order: its next word wakes the project, and nothing is read until then.
pub(super) fn waits(input: &Input<'_>) -> Plan {
    let mut judgement = Judgement::kept(input.status);
    let checks = preflight::run(input.declared, input.observed, Before::Creation, input.now);
    let (verdict, _) = judge::prerequisites(&checks);
    judgement.prerequisites = Opinion::Is(verdict);
    judgement.preflight = Some(checks.iter().map(preflight::Check::to_status).collect());
    judgement.provisioned = Opinion::Is(Verdict::no(Reason::Pending, "Nothing was created so far."));
    wait(judgement, at(input, input.pace.probe))
}

/// Creates the hub, or tries again, unless something hinders it.
pub(super) fn begin(input: &Input<'_>, mut judgement: Judgement, found: Found, live: Option<&Live>) -> Plan {
    let operation = input.status.operation.as_ref();
    let same_spec = input.status.observed_generation == Some(input.declared.generation);
    // A spec that was changed may have removed the cause of a failure.
    let operation = operation.filter(|operation| same_spec || operation.state != OperationState::Failed);
    let grant = operation.filter(|operation| operation.kind == OperationKind::Grant);
    let granted_from = match grant.map(|operation| grant::noted(input, operation, &judgement)) {
        None => None,
        Some(grant::Noted::Waits(plan)) => return *plan,
        Some(grant::Noted::Over { started_at }) => started_at,
    };
    let operation = operation.filter(|operation| operation.kind != OperationKind::Grant);
    let started_at = match progress::step(input, operation, found) {
        Step::Wait { operation, next } => {
            if operation.state.may_have_effect() {
                judgement.provisioned = Opinion::Is(progress_verdict(input, operation.kind));
            } else if live.is_none() {
                // Azure refused, and has nothing: nothing is bound.
                judgement.bound = None;
            }
            judgement.operation = Some(operation);
            return wait(judgement, next);
        }
        Step::Failed {
            operation,
            next,
            verdict,
        } => {
            judgement.operation = Some(operation);
            judgement.provisioned = Opinion::Is(with_hint(input, verdict));
            return wait(judgement, next);
        }
        Step::Free { started_at } => started_at,
    };
    judgement.operation = None;
    judgement.bound = live.map(|live| judge::bound(input, live, input.status.operation.as_ref()));
    let declared = transition::of_declared(input.declared);
    let mut refusals = judgement
        .bound
        .as_ref()
        .map(|bound| transition::refusals(&input.declared.kind, &declared, bound))
        .unwrap_or_default();
    refusals.extend(transition::unverified_creation(input.declared, input.observed));
    judgement.transition = Opinion::Is(judge::transition(&refusals));
    let checks = preflight::run(input.declared, input.observed, Before::Creation, input.now);
    let (verdict, blocked) = judge::prerequisites(&checks);
    let verdict = grant::withdrawn(input, verdict);
    judgement.prerequisites = Opinion::Is(verdict.clone());
    judgement.preflight = Some(checks.iter().map(preflight::Check::to_status).collect());
    let key = wanted_key(input, live);
    let beforehand = bill(input);
    if refusals.is_empty()
        && key.is_ok()
        && let Some(plan) = grant::due(input, &checks, &judgement, granted_from)
    {
        return Plan { beforehand, ..plan };
    }
    if !refusals.is_empty() || blocked || key.is_err() {
        if live.is_none() {
            judgement.provisioned = Opinion::Is(Verdict::no(Reason::Pending, "Nothing was created so far."));
        } else if refusals.is_empty() && verdict.status == Truth::False {
            judgement.provisioned = Opinion::Is(waiting(input, &verdict));
        }
        let next = judge::retry_of(&checks).map_or_else(|| at(input, input.pace.probe), Next::At);
        return Plan {
            beforehand,
            ..wait(judgement, next)
        };
    }
    // Only a hub that never was in order is created: one that was holds data, and its absence must be told.
    let kind = if has_been_ready(input.status) {
        OperationKind::Update
    } else {
        OperationKind::Create
    };
    let write = Write {
        generation: input.declared.generation,
        kind,
        id: input.declared.id.clone(),
        request: Request::Put(body::create(
            input.declared,
            key_to_use(input, key.ok().flatten().as_ref()),
            live,
        )),
        intent: input.declared.id.to_string(),
        bound: Some(judgement.bound.clone().unwrap_or(declared)),
        started_at: started_at.unwrap_or_else(|| second(input.now)),
    };
    Plan {
        write: Some(write),
        beforehand,
        ..wait(judgement, at(input, input.pace.poll))
    }
}

/// What failed is not tried again, for this cause.
fn waiting(input: &Input<'_>, cause: &Verdict) -> Verdict {
    let text = format!("Azure reports the {} as failed", input.declared.kind.noun());
    let observes = input.declared.management_policy == ManagementPolicy::ObserveOnly;
    let text = if observes {
        format!("{text}.")
    } else {
        format!("{text}; it is tried again once this is mended: {}", cause.message)
    };
    Verdict {
        stalled: cause.stalled && !observes,
        ..Verdict::no(Reason::ProvisioningFailed, text)
    }
}

/// What the choice costs, told once: the checks that the status has from then on show that it was.
fn bill(input: &Input<'_>) -> Vec<Note> {
    let told = input
        .status
        .preflight
        .iter()
        .any(|check| check.check == PreflightCheckName::Cost);
    if told || !input.declared.has_managed_group() {
        return Vec::new();
    }
    vec![Note {
        warning: false,
        reason: Reason::BillableResources,
        message: preflight::bill(input.declared),
    }]
}

fn key_to_use<'a>(input: &Input<'a>, key: Option<&'a KeyIdentifier>) -> Option<KeyToUse<'a>> {
    key.map(|identifier| KeyToUse {
        identifier,
        client_id: preflight::client_id(input.declared, input.observed),
    })
}

/// The key version to create with: none with Microsoft-managed keys, an error when there is none that can be used. A hub that
/// was in order may hold data under the version it has, and is not taken back to an older one.
fn wanted_key(input: &Input<'_>, live: Option<&Live>) -> Result<Option<KeyIdentifier>, ()> {
    let in_use = live
        .filter(|_| has_been_ready(input.status))
        .and_then(|live| live.encryption.as_ref())
        .map(|encryption| &encryption.key);
    match &input.declared.encryption {
        ValidEncryption::Inherited | ValidEncryption::MicrosoftManaged => Ok(None),
        ValidEncryption::CustomerManaged { version, .. } => input
            .observed
            .key
            .known()
            .and_then(|found| encryption::wanted(input, found, version.as_ref(), in_use))
            .map(Some)
            .ok_or(()),
    }
}
