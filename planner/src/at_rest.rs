//! What the resources around a hub or an account are encrypted with: those in its managed resource group, and its dependents, to which
//! its key does not pass down (azure-ai-docs, cognitive-services-encryption-keys-portal).
//!
//! Invariant: what could not be read is told as not known, and what was known of it stays.

use keyholder_crds::{AtRestEncryption, ConditionType, DependentStatus, DependentType, Reason};
use strum::IntoEnumIterator;

use crate::arm_id::ArmId;
use crate::judge::{Opinion, Verdict, stored};
use crate::name::KeyIdentifier;
use crate::observed::{AtRest, Fact, GroupResource, Live, Observed};
use crate::plan::Input;

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
pub(crate) fn told(fact: &Fact<AtRest>) -> (AtRestEncryption, Option<String>) {
    match fact {
        Fact::Known(AtRest::Microsoft) => (AtRestEncryption::MicrosoftManaged, None),
        Fact::Known(AtRest::Key(key)) => (AtRestEncryption::CustomerManaged, Some(key.to_string())),
        Fact::Known(AtRest::Enforced { compliant: true }) => (AtRestEncryption::Enforced, None),
        Fact::Known(AtRest::Enforced { compliant: false }) => (AtRestEncryption::EnforcedNotCompliant, None),
        Fact::Known(AtRest::NotEnforced) => (AtRestEncryption::NotEnforced, None),
        Fact::Absent => (AtRestEncryption::NotFound, None),
        Fact::Unknown(_) => (AtRestEncryption::Unknown, None),
    }
}

/// What was read of a resource.
pub(crate) fn of<'a>(observed: &'a Observed, id: &ArmId) -> Option<&'a Fact<AtRest>> {
    let found = observed.at_rest.iter().find(|(one, _)| one == id);
    found.map(|(_, fact)| fact)
}

/// Judges the dependents.
pub(crate) fn judge(input: &Input<'_>, live: &Live) -> (Opinion, Vec<DependentStatus>) {
    let key = live.encryption.as_ref().map(|encryption| &encryption.key);
    let before = &input.status.dependents;
    let dependents = &input.declared.dependents;
    if dependents.is_empty() {
        return (Opinion::NotApplicable, Vec::new());
    }
    let mut statuses = Vec::new();
    let mut findings = Vec::new();
    let mut unknown = None;
    let not_read = Fact::not_read();
    for id in dependents {
        let fact = of(input.observed, id).unwrap_or(&not_read);
        if let Fact::Unknown(why) = fact {
            unknown = unknown.or(Some((id, why)));
            let kept = before.iter().find(|one| is(one, id));
            statuses.push(
                kept.cloned()
                    .unwrap_or_else(|| status(id, fact, Some(why.message.clone()))),
            );
            continue;
        }
        let finding = finding(fact, key);
        statuses.push(status(id, fact, finding.clone()));
        findings.extend(finding.map(|text| format!("{id}: {text}")));
    }
    let opinion = if !findings.is_empty() {
        Opinion::Is(Verdict::yes(Reason::AuditFinding, findings.join("\n")))
    } else if let Some((id, why)) = unknown {
        if stored(input.status, ConditionType::DependentsEncrypted).is_some() {
            Opinion::Keep
        } else {
            let text = format!("{id} could not be looked at: {}", why.message);
            Opinion::Is(Verdict::unknown(Reason::Unreadable, text))
        }
    } else {
        let text = "Each is encrypted with a key of yours, or lets nothing be without one; status.dependents names the keys.";
        Opinion::Is(Verdict::yes(Reason::AllEncrypted, text))
    };
    (opinion, statuses)
}

fn is(status: &DependentStatus, id: &ArmId) -> bool {
    ArmId::parse(&status.resource_id).is_ok_and(|other| other == *id)
}

fn status(id: &ArmId, fact: &Fact<AtRest>, message: Option<String>) -> DependentStatus {
    let (encryption, key_identifier) = told(fact);
    DependentStatus {
        resource_id: id.to_string(),
        encryption,
        key_identifier,
        message,
    }
}

/// What is not as one would have it; another key than the hub's is a choice of its owner's, and told as no more than that.
fn finding(fact: &Fact<AtRest>, key: Option<&KeyIdentifier>) -> Option<String> {
    let text = match fact {
        Fact::Known(AtRest::Microsoft) => match key {
            Some(key) => format!("Microsoft holds its key; {} does not pass down to it.", key.versionless()),
            None => return None,
        },
        Fact::Known(AtRest::NotEnforced) if key.is_some() => {
            "objects without a key of yours are let be, and which have one Azure Resource Manager does not tell: set \
             encryptionWithCmk.enforcement."
                .to_owned()
        }
        Fact::Known(AtRest::Enforced { compliant: false }) => {
            "some of its objects have no key of yours, which can be given to an object at its creation alone.".to_owned()
        }
        Fact::Absent => "it does not exist.".to_owned(),
        Fact::Known(_) | Fact::Unknown(_) => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests;
