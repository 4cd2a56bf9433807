//! The managed resource group: is it there, complete and in order?
//!
//! Invariant: that a resource is missing is said only when the group's content was read.

use keyholder_crds::{
    ConditionType, ManagedResource, ManagedResourceGroupState, ManagedResourceGroupStatus, Reason,
};

use crate::judge::{Judgement, Opinion, Verdict, stored};
use crate::observed::{Fact, GroupResource, Live};
use crate::plan::Input;
use crate::preflight;

/// What Azure puts into the group of a hub with a customer-managed key (azure-ai-docs, hub-encryption-keys-portal).
const EXPECTED: [&str; 3] = [
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.Search/searchServices",
    "Microsoft.Storage/storageAccounts",
];
/// What Azure adds for private endpoints.
const NETWORK: &str = "microsoft.network/";

/// Judges the group of `live`, if it has one.
pub(crate) fn judge(input: &Input<'_>, live: &Live, judgement: &mut Judgement) {
    let Some(name) = live.managed_group.as_ref().filter(|_| !live.service_side) else {
        judgement.managed_group = Opinion::NotApplicable;
        return;
    };
    match &input.observed.managed_group {
        Fact::Unknown(why) => {
            if stored(input.status, ConditionType::ManagedResourceGroupHealthy).is_none() {
                judgement.managed_group = Opinion::Is(Verdict::unknown_why(why));
            }
        }
        Fact::Absent => {
            let text = format!(
                "Resource group {name}, which Microsoft manages for the hub, does not exist. Ask Microsoft's support."
            );
            judgement.managed_group = Opinion::Is(Verdict::no(Reason::Missing, text));
            let resources = listed(input, &[]);
            judgement.managed_resource_group = Some(ManagedResourceGroupStatus {
                name: name.clone(),
                state: ManagedResourceGroupState::Missing,
                resources,
            });
        }
        Fact::Known(found) => {
            judgement.managed_group = Opinion::Is(verdict(name, found, &preflight::bill(input.declared)));
            let resources = listed(input, found);
            judgement.managed_resource_group = Some(ManagedResourceGroupStatus {
                name: name.clone(),
                state: ManagedResourceGroupState::Present,
                resources,
            });
        }
    }
}

fn verdict(name: &str, found: &[GroupResource], bill: &str) -> Verdict {
    let missing: Vec<&str> = EXPECTED
        .into_iter()
        .filter(|kind| !found.iter().any(|one| one.r#type.eq_ignore_ascii_case(kind)))
        .collect();
    if !missing.is_empty() {
        let text = format!(
            "Resource group {name}, which Microsoft manages for the hub, has no {} any more. Ask Microsoft's support.",
            missing.join(", no ")
        );
        return Verdict::no(Reason::ResourceMissing, text);
    }
    let failed = |one: &&GroupResource| {
        one.state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("Failed"))
    };
    if let Some(one) = found.iter().find(failed) {
        let text = format!(
            "{} {} in resource group {name} is reported as failed.",
            one.r#type, one.name
        );
        return Verdict::no(Reason::ResourceUnhealthy, text);
    }
    let foreign = |one: &&GroupResource| {
        let kind = one.r#type.to_lowercase();
        !kind.starts_with(NETWORK) && !EXPECTED.iter().any(|expected| kind == expected.to_lowercase())
    };
    match found.iter().find(foreign) {
        Some(one) => Verdict::yes(
            Reason::ForeignResource,
            format!(
                "Resource group {name} is complete, and holds {} {}, which Azure does not put there.",
                one.r#type, one.name
            ),
        ),
        // The bill stands where one looks for what is paid for, for as long as it is.
        None => Verdict::yes(
            Reason::Complete,
            format!("Resource group {name} is complete. {bill}"),
        ),
    }
}

/// What is there, and what was there before and is not.
fn listed(input: &Input<'_>, found: &[GroupResource]) -> Vec<ManagedResource> {
    let state = |one: &GroupResource| one.state.clone().unwrap_or_else(|| "Succeeded".to_owned());
    let mut resources: Vec<ManagedResource> = found
        .iter()
        .map(|one| ManagedResource {
            r#type: one.r#type.clone(),
            name: one.name.clone(),
            state: state(one),
        })
        .collect();
    let before = input
        .status
        .managed_resource_group
        .iter()
        .flat_map(|group| &group.resources);
    for one in before {
        if !resources
            .iter()
            .any(|other| other.r#type.eq_ignore_ascii_case(&one.r#type) && other.name == one.name)
        {
            resources.push(ManagedResource {
                state: "Missing".to_owned(),
                ..one.clone()
            });
        }
    }
    resources.sort();
    resources
}

#[cfg(test)]
mod tests;
