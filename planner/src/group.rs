//! The managed resource group: is it there, complete and in order?
//!
//! Invariant: that a resource is missing is said only when the group's content was read.

use keyholder_crds::{
    ConditionType, ManagedResource, ManagedResourceGroupState, ManagedResourceGroupStatus, Reason,
};

use crate::arm_id::ArmId;
use crate::at_rest;
use crate::judge::{Judgement, Opinion, Verdict, stored};
use crate::observed::{AtRest, Fact, GroupResource, Live, Stored};
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
/// What secures the hub's way to these where it has a private endpoint (azure-ai-docs, cognitive-services-encryption-keys-portal).
const VIRTUAL_NETWORK: &str = "Microsoft.Network/virtualNetworks";

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
            let inside = inside(input, name, found);
            let verdict = hinders(name, found)
                .or_else(|| not_encrypted(name, live, &inside))
                .or_else(|| warning(input, name, live, &inside))
                .unwrap_or_else(|| complete(name, found, &preflight::bill(input.declared)));
            judgement.managed_group = Opinion::Is(verdict);
            let resources = listed(input, &inside);
            judgement.managed_resource_group = Some(ManagedResourceGroupStatus {
                name: name.clone(),
                state: ManagedResourceGroupState::Present,
                resources,
            });
        }
    }
}

/// A resource of the group, and its encryption if that was read.
struct Inside<'a> {
    resource: &'a GroupResource,
    stored: Option<&'a Fact<Stored>>,
}

impl Inside<'_> {
    fn at_rest(&self) -> Option<&AtRest> {
        Some(&self.stored?.known()?.at_rest)
    }
}

fn inside<'a>(input: &Input<'a>, group: &str, found: &'a [GroupResource]) -> Vec<Inside<'a>> {
    let subscription = input.declared.id.subscription();
    let of = |resource: &'a GroupResource| {
        let id = ArmId::of(subscription, group, &resource.r#type, &resource.name);
        Inside {
            resource,
            stored: at_rest::of(input.observed, &id),
        }
    };
    found.iter().map(of).collect()
}

/// What is missing or not in order.
fn hinders(name: &str, found: &[GroupResource]) -> Option<Verdict> {
    let missing: Vec<&str> = EXPECTED
        .into_iter()
        .filter(|kind| !found.iter().any(|one| one.r#type.eq_ignore_ascii_case(kind)))
        .collect();
    if !missing.is_empty() {
        let text = format!(
            "Resource group {name}, which Microsoft manages for the hub, has no {} any more. Ask Microsoft's support.",
            missing.join(", no ")
        );
        return Some(Verdict::no(Reason::ResourceMissing, text));
    }
    let failed = |one: &&GroupResource| {
        one.state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("Failed"))
    };
    let one = found.iter().find(failed)?;
    let text = format!(
        "{} {} in resource group {name} is reported as failed.",
        one.r#type, one.name
    );
    Some(Verdict::no(Reason::ResourceUnhealthy, text))
}

/// Azure encrypts what it puts there with the hub's key (azure-ai-docs, hub-encryption-keys-portal): what is without it was changed.
fn not_encrypted(name: &str, live: &Live, inside: &[Inside<'_>]) -> Option<Verdict> {
    let key = &live.encryption.as_ref()?.key;
    let without = |one: &&Inside<'_>| {
        is_expected(one.resource) && matches!(one.at_rest(), Some(AtRest::Microsoft | AtRest::NotEnforced))
    };
    let one = inside.iter().find(without)?.resource;
    let text = format!(
        "{} {} in resource group {name} is not encrypted with {}, as Azure made it: somebody changed it. Ask Microsoft's support.",
        one.r#type,
        one.name,
        key.versionless()
    );
    Some(Verdict::no(Reason::NotEncrypted, text))
}

fn is_expected(one: &GroupResource) -> bool {
    EXPECTED.iter().any(|kind| one.r#type.eq_ignore_ascii_case(kind))
}

/// What is otherwise than Azure leaves it. How soon these resources follow a change of the hub's key is not documented.
fn warning(input: &Input<'_>, name: &str, live: &Live, inside: &[Inside<'_>]) -> Option<Verdict> {
    let foreign = |one: &&Inside<'_>| {
        let kind = one.resource.r#type.to_lowercase();
        !kind.starts_with(NETWORK) && !is_expected(one.resource)
    };
    if let Some(Inside { resource, .. }) = inside.iter().find(foreign) {
        let text = format!(
            "Resource group {name} is complete, and holds {} {}, which Azure does not put there.",
            resource.r#type, resource.name
        );
        return Some(Verdict::yes(Reason::ForeignResource, text));
    }
    let key = &live.encryption.as_ref()?.key;
    if input.status.operation.is_some() {
        return None;
    }
    let (one, other) = inside.iter().find_map(|one| match one.at_rest() {
        Some(AtRest::Key(other)) if !other.same_key(key) => Some((one.resource, other)),
        _ => None,
    })?;
    let text = format!(
        "{} {} in resource group {name} is encrypted with {other}, the hub with {key}.",
        one.r#type, one.name
    );
    Some(Verdict::yes(Reason::OtherKey, text))
}

/// The bill stands where one looks for what is paid for, for as long as it is.
fn complete(name: &str, found: &[GroupResource], bill: &str) -> Verdict {
    let network = found
        .iter()
        .find(|one| one.r#type.eq_ignore_ascii_case(VIRTUAL_NETWORK))
        .map(|one| {
            format!(
                " Its virtual network {} is Microsoft's: it can be neither supplied nor re-addressed.",
                one.name
            )
        })
        .unwrap_or_default();
    Verdict::yes(
        Reason::Complete,
        format!("Resource group {name} is complete.{network} {bill}"),
    )
}

/// What is there, and what was there before and is not. What could not be read now stays as it was read.
fn listed(input: &Input<'_>, inside: &[Inside<'_>]) -> Vec<ManagedResource> {
    let before = input
        .status
        .managed_resource_group
        .iter()
        .flat_map(|group| &group.resources);
    let is = |one: &ManagedResource, kind: &str, name: &str| {
        one.r#type.eq_ignore_ascii_case(kind) && one.name == name
    };
    let mut resources: Vec<ManagedResource> = inside
        .iter()
        .map(|Inside { resource, stored }| {
            let (encryption, key_identifier) = match stored {
                None | Some(Fact::Unknown(_)) => before
                    .clone()
                    .find(|one| is(one, &resource.r#type, &resource.name))
                    .map(|one| (one.encryption, one.key_identifier.clone()))
                    .unwrap_or_default(),
                Some(fact) => {
                    let (encryption, key) = at_rest::told(fact);
                    (Some(encryption), key)
                }
            };
            ManagedResource {
                r#type: resource.r#type.clone(),
                name: resource.name.clone(),
                state: resource.state.clone().unwrap_or_else(|| "Succeeded".to_owned()),
                encryption,
                key_identifier,
            }
        })
        .collect();
    for one in before {
        if !resources.iter().any(|other| is(other, &one.r#type, &one.name)) {
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
