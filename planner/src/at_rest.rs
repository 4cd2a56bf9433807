//! What the resources around a hub or an account are encrypted with: those in its managed resource group, and its dependents, to which
//! its key does not pass down (azure-ai-docs, cognitive-services-encryption-keys-portal).
//!
//! Invariant: what could not be read is told as not known, and what was known of it stays.

use keyholder_crds::{AtRestEncryption, DependentStatus, DependentType, Reason, ResourceStatus};
use strum::IntoEnumIterator;

use crate::arm_id::ArmId;
use crate::cure;
use crate::judge::{Judgement, Opinion, Verdict};
use crate::name::KeyIdentifier;
use crate::observed::{AtRest, Fact, GroupResource, Live, Observed, Stored};
use crate::plan::{Input, Next, Write};
use crate::progress;
use crate::validate::ValidDependent;

mod change;
mod enforce;
mod work;

/// The resources of a managed group whose encryption Azure tells.
#[must_use]
pub fn in_group(subscription: &str, group: &str, resources: &[GroupResource]) -> Vec<ArmId> {
    let told = |one: &&GroupResource| {
        DependentType::iter().any(|kind| kind.to_string().eq_ignore_ascii_case(&one.r#type))
    };
    let id = |one: &GroupResource| ArmId::of(subscription, group, &one.r#type, &one.name);
    resources.iter().filter(told).map(id).collect()
}

/// How a resource is encrypted, as status tells it.
pub(crate) fn told(fact: &Fact<Stored>) -> (AtRestEncryption, Option<String>) {
    match fact {
        Fact::Known(stored) => match &stored.at_rest {
            AtRest::Microsoft => (AtRestEncryption::MicrosoftManaged, None),
            AtRest::Key(key) => (AtRestEncryption::CustomerManaged, Some(key.to_string())),
            AtRest::Enforced { compliant: true } => (AtRestEncryption::Enforced, None),
            AtRest::Enforced { compliant: false } => (AtRestEncryption::EnforcedNotCompliant, None),
            AtRest::NotEnforced => (AtRestEncryption::NotEnforced, None),
        },
        Fact::Absent => (AtRestEncryption::NotFound, None),
        Fact::Unknown(_) => (AtRestEncryption::Unknown, None),
    }
}

/// What was read of a resource.
pub(crate) fn of<'a>(observed: &'a Observed, id: &ArmId) -> Option<&'a Fact<Stored>> {
    let found = observed.at_rest.iter().find(|(one, _)| one == id);
    found.map(|(_, fact)| fact)
}

/// What is thought of the dependents.
pub(crate) struct Judged {
    /// `DependentsEncrypted`.
    pub opinion: Opinion,
    /// Their places in status.
    pub statuses: Vec<DependentStatus>,
    /// A change that one of them needs.
    pub due: Option<Write>,
    /// When to look at them again.
    pub next: Next,
}

/// Judges the dependents; `judgement`: what is thought of the object itself.
pub(crate) fn judge(input: &Input<'_>, live: &Live, judgement: &Judgement) -> Judged {
    let key = live.encryption.as_ref().map(|encryption| &encryption.key);
    let before = &input.status.dependents;
    let mut judged = Judged {
        opinion: Opinion::NotApplicable,
        statuses: Vec::new(),
        due: None,
        next: Next::Change,
    };
    let dependents = &input.declared.dependents;
    let mut findings = Vec::new();
    let mut unknown: Option<Verdict> = None;
    let not_read = Fact::not_read();
    for ValidDependent { id, enforcement } in dependents {
        let fact = of(input.observed, id).unwrap_or(&not_read);
        let stored = before.iter().find(|one| is_place_of(one, id));
        if let Fact::Unknown(why) = fact {
            let text = format!("{id} could not be looked at: {}", why.message);
            // One that is to have the key is in the way of Ready until it is seen to have it.
            let reason = enforcement.map_or(Reason::Unreadable, |_| why.reason);
            unknown = unknown.or(Some(Verdict::unknown(reason, text)));
            if enforcement.is_some() {
                judged.next = judged.next.or_sooner(progress::retry(why));
            }
            let new = || status(id, fact, Some(why.message.clone()));
            let mut kept = stored.cloned().unwrap_or_else(new);
            if enforcement.is_none() {
                kept.reason = None;
                kept.operation = None;
            }
            judged.statuses.push(kept);
            continue;
        }
        let finding = finding(id, fact, key);
        let mut told = status(id, fact, finding.clone());
        if let Some(enforcement) = enforcement {
            let pass = work::of_one(input, live, judgement, (id, *enforcement), fact, stored);
            told.operation = pass.operation;
            judged.due = judged.due.or(pass.due);
            judged.next = judged.next.or_sooner(pass.next);
            if let Some(verdict) = pass.verdict {
                told.reason = Some(verdict.reason.to_string());
                told.message = Some(verdict.message);
                judged.statuses.push(told);
                continue;
            }
        }
        judged.statuses.push(told);
        findings.extend(finding.map(|text| format!("{id}: {text}")));
    }
    follow(input, &mut judged);
    if dependents.is_empty() {
        return judged;
    }
    judged.opinion = if let Some(verdict) = not_as_declared(&judged.statuses) {
        Opinion::Is(verdict)
    } else if let Some(unknown) = unknown {
        Opinion::Is(unknown)
    } else if !findings.is_empty() {
        Opinion::Is(Verdict::yes(Reason::AuditFinding, findings.join("\n")))
    } else {
        let text = "Each is encrypted with a key of yours, or lets nothing be without one; status.dependents names the keys.";
        Opinion::Is(Verdict::yes(Reason::AllEncrypted, text))
    };
    judged
}

/// Writes that are not asked for any more, and may still have effect, keep their place in status: so no other goes over them.
fn follow(input: &Input<'_>, judged: &mut Judged) {
    for stored in &input.status.dependents {
        let Ok(id) = ArmId::parse(&stored.resource_id) else {
            continue;
        };
        let is_enforced = |one: &ValidDependent| one.id == id && one.enforcement.is_some();
        if input.declared.dependents.iter().any(is_enforced) {
            continue;
        }
        let Some((operation, next)) = work::left(input, &id, stored) else {
            continue;
        };
        judged.next = judged.next.or_sooner(next);
        match judged.statuses.iter_mut().find(|one| is_place_of(one, &id)) {
            Some(place) => place.operation = Some(operation),
            None => judged.statuses.push(DependentStatus {
                reason: None,
                message: Some(
                    "spec.dependents does not name it any more; the last change sent to it is awaited."
                        .to_owned(),
                ),
                operation: Some(operation),
                ..stored.clone()
            }),
        }
    }
}

/// What is the matter with those that are not as declared, and then the commands that cure it; the reason is that of the first.
fn not_as_declared(statuses: &[DependentStatus]) -> Option<Verdict> {
    let broken = || {
        let told = |one: &DependentStatus| Some((one.reason.as_ref()?.parse::<Reason>().ok()?, one.clone()));
        statuses.iter().filter_map(told)
    };
    let (reason, _) = broken().next()?;
    let mut texts = Vec::new();
    let mut commands = Vec::new();
    for (_, one) in broken() {
        let message = one.message.unwrap_or_default();
        let (text, cure) = cure::split(&message);
        texts.push(format!("{}: {text}", one.resource_id));
        commands.extend(cure.map(str::to_owned));
    }
    Some(Verdict::no(reason, cure::message(&texts.join("\n"), &commands)))
}

/// What came of a write to a dependent: its place in status tells it, and the condition with what is the matter with the others.
pub(crate) fn of_write(status: &mut ResourceStatus, id: &ArmId, verdict: &Verdict) -> Verdict {
    tell(&mut status.dependents, id, verdict);
    let broken = status.dependents.iter().filter(|one| one.reason.is_some());
    let is_alone = broken.count() <= 1;
    let told = not_as_declared(&status.dependents).unwrap_or_else(|| verdict.clone());
    Verdict {
        // Whether it arrived may not be known.
        status: if is_alone { verdict.status } else { told.status },
        ..told
    }
}

/// Says at a dependent's place in status what is the matter with it.
pub(crate) fn tell(dependents: &mut [DependentStatus], id: &ArmId, verdict: &Verdict) {
    if let Some(dependent) = dependents.iter_mut().find(|one| is_place_of(one, id)) {
        dependent.reason = Some(verdict.reason.to_string());
        dependent.message = Some(verdict.message.clone());
    }
}

/// Whether this is a dependent's place in status.
#[must_use]
pub fn is_place_of(status: &DependentStatus, id: &ArmId) -> bool {
    ArmId::parse(&status.resource_id).is_ok_and(|other| other == *id)
}

fn status(id: &ArmId, fact: &Fact<Stored>, message: Option<String>) -> DependentStatus {
    let (encryption, key_identifier) = told(fact);
    DependentStatus {
        resource_id: id.to_string(),
        encryption,
        key_identifier,
        reason: None,
        message,
        operation: None,
    }
}

/// What is not as one would have it; another key than the hub's is a choice of its owner's, and told as no more than that.
fn finding(id: &ArmId, fact: &Fact<Stored>, key: Option<&KeyIdentifier>) -> Option<String> {
    let at_rest = match fact {
        Fact::Known(stored) => Fact::Known(&stored.at_rest),
        Fact::Absent => Fact::Absent,
        Fact::Unknown(_) => return None,
    };
    let text = match at_rest {
        Fact::Known(AtRest::Microsoft) => match key {
            Some(key) => format!(
                "Microsoft holds its key, and {} does not pass down to it: {}.",
                key.versionless(),
                remedy(id)
            ),
            None => return None,
        },
        Fact::Known(AtRest::NotEnforced) if key.is_some() => {
            "objects without a key of yours are let be, and which have one Azure Resource Manager does not tell: policy: \
             Enforce forbids it from now on; by hand: docs/dependents.md."
                .to_owned()
        }
        Fact::Known(AtRest::Enforced { compliant: false }) => {
            "some of its objects have no key of yours, which can be given to an object at its creation alone: make them \
             anew with encryptionKey."
                .to_owned()
        }
        Fact::Absent => "it does not exist: make it, or correct the spec.".to_owned(),
        Fact::Known(_) | Fact::Unknown(_) => return None,
    };
    Some(text)
}

/// What gives a resource a key of its owner's.
fn remedy(id: &ArmId) -> &'static str {
    match DependentType::iter().find(|kind| id.is_type(&kind.to_string())) {
        Some(DependentType::StorageAccount) => {
            "policy: Enforce gives it this object's; by hand: docs/dependents.md"
        }
        // azure-databases-docs, how-to-setup-customer-managed-keys-existing-accounts.
        Some(DependentType::DatabaseAccount) => {
            "policy: Enforce gives it this object's; by hand: docs/dependents.md"
        }
        Some(DependentType::AIServicesAccount) => {
            "declare it as an AIServicesAccount of its own, or policy: Enforce gives it this object's"
        }
        // container-registry, tutorial-customer-managed-keys; Azure/acr #416.
        Some(DependentType::Registry) => {
            "a registry gets one of yours at its creation alone, in Premium: make another one and move the images by az acr import \
             (docs/dependents.md), or leave it so"
        }
        Some(DependentType::SearchService) | None => "give it one of yours",
    }
}

#[cfg(test)]
mod tests;
