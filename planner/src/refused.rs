//! What Azure refuses for reasons that lie outside the spec, in words: policies and locks, named, with the command that
//! looks at them or lifts them.
//!
//! Invariant: nothing is lifted by Keyholder itself; a command stands in a message for the people who may.

use keyholder_crds::Reason;

use crate::arm_id::ArmId;
use crate::cure;
use crate::observed::PolicyHit;
use crate::validate::{WORKSPACE, is_group_name, is_guid};

/// A policy that refuses a resource.
#[must_use]
pub fn denial(hit: &PolicyHit) -> String {
    let because = hit
        .field
        .as_ref()
        .map_or_else(String::new, |field| format!(" because of {field}"));
    format!("Azure Policy refuses it{because}: {}.", named(hit))
}

/// A policy that changes a field.
#[must_use]
pub fn change(hit: &PolicyHit) -> String {
    format!(
        "Azure Policy sets {} to {} whatever is asked for: {}.",
        hit.field.as_deref().unwrap_or("a field"),
        hit.value.as_deref().unwrap_or("another value"),
        named(hit)
    )
}

fn named(hit: &PolicyHit) -> String {
    let name = hit
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!("\"{name}\", "));
    format!("policy {name}{}, assigned by {}", hit.definition, hit.assignment)
}

/// Commands for whoever owns the policy: to look at the assignment, and to exempt the hub's resource group from it.
#[must_use]
pub fn exemption(hit: &PolicyHit, hub: &ArmId) -> Vec<String> {
    vec![
        cure::show_policy_assignment(&hit.assignment),
        cure::exempt(&hit.assignment, hub),
    ]
}

/// A refusal's message with what names its cause and cures it. `text` is what Azure said.
#[must_use]
pub fn message(reason: Reason, text: &str, hit: Option<&PolicyHit>, hub: Option<&ArmId>) -> String {
    match (reason, hit) {
        (Reason::PolicyDenied, Some(hit)) => {
            let commands = hub.map(|hub| exemption(hit, hub)).unwrap_or_default();
            cure::message(&format!("{}\n{text}", denial(hit)), &commands)
        }
        (Reason::NameReserved, _) => {
            let hub = hub.filter(|id| id.is_type(WORKSPACE));
            let commands: Vec<String> = hub.map(cure::purge_hub).into_iter().collect();
            let text = format!(
                "{text}\nPurging it deletes what Azure still keeps of it, for good. Or choose another spec.azureName."
            );
            cure::message(&text, &commands)
        }
        (Reason::OperatorNotAuthorized, _) => {
            let commands: Vec<String> = missing_role(text).into_iter().collect();
            let text = format!(
                "{text}\nThe operator's identity may not do this. It reads under the role Keyholder Observer and purges accounts under Keyholder \
                 Purger, both at the subscription; it writes under Keyholder Writer and encrypts dependents under Keyholder Encryptor, where \
                 these are (deploy/azure/README.md). If that subscription is not the one that is meant, correct spec.subscriptionId."
            );
            cure::message(&text, &commands)
        }
        (Reason::Locked, _) => cure::message(text, &locks(text)),
        _ => text.to_owned(),
    }
}

/// Actions of the role Keyholder Writer (deploy/azure/roles/writer.json).
const WRITES: &[&str] = &[
    "Microsoft.MachineLearningServices/workspaces/write",
    "Microsoft.MachineLearningServices/workspaces/delete",
    "Microsoft.MachineLearningServices/workspaces/hubs/join/action",
    "Microsoft.MachineLearningServices/workspaces/privateEndpointConnections/read",
    "Microsoft.MachineLearningServices/workspaces/privateEndpointConnections/write",
    "Microsoft.CognitiveServices/accounts/write",
    "Microsoft.CognitiveServices/accounts/delete",
    "Microsoft.CognitiveServices/accounts/projects/write",
    "Microsoft.CognitiveServices/accounts/projects/delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
];

/// Actions of the role Keyholder Encryptor that the Writer has not (deploy/azure/roles/encryptor.json).
const ENCRYPTS: &[&str] = &[
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Search/searchServices/write",
    "Microsoft.DocumentDB/databaseAccounts/write",
];

/// That of Keyholder Purger (deploy/azure/roles/purger.json).
const PURGES: &str = "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts/delete";

/// The role that has an action, of those that are assigned without a condition.
fn role_of(action: &str) -> Option<&'static str> {
    let is = |one: &str| one.eq_ignore_ascii_case(action);
    if is(PURGES) {
        Some("Keyholder Purger")
    } else if WRITES.iter().any(|one| is(one)) {
        Some("Keyholder Writer")
    } else if ENCRYPTS.iter().any(|one| is(one)) {
        Some("Keyholder Encryptor")
    } else if action.to_lowercase().ends_with("/read") {
        Some("Keyholder Observer")
    } else {
        None
    }
}

/// The command that gives what Azure says is missing: whose identity, which action and where stand in its message (`AuthorizationFailed`;
/// azure-resource-manager/troubleshooting/error-authorization-failed), and those of another resource that the request names
/// (`LinkedAuthorizationFailed`) after them.
fn missing_role(text: &str) -> Option<String> {
    let quoted = |after: &str| {
        let (_, rest) = text.split_once(after)?;
        rest.split('\'').next()
    };
    let principal = quoted("with object id '").filter(|id| is_guid(id))?;
    let (action, scope) = match quoted("permission to perform action(s) '") {
        Some(action) => (action, quoted("on the linked scope(s) '")?),
        None => (
            quoted("does not have authorization to perform action '")?,
            quoted("over scope '")?,
        ),
    };
    let role = role_of(action)?;
    let mut segments = scope.split('/').skip(1);
    let mut named = |kind: &str| {
        segments
            .next()
            .filter(|segment| segment.eq_ignore_ascii_case(kind))
            .and(segments.next())
    };
    let subscription = named("subscriptions").filter(|id| is_guid(id))?;
    let group = named("resourceGroups").filter(|name| is_group_name(name));
    // The lists that it reads, and deleted accounts, lie in no group.
    let group = group.filter(|_| role == "Keyholder Writer" || role == "Keyholder Encryptor");
    Some(cure::assign_role(role, principal, subscription, group))
}

/// Commands that look at the locks, or delete the locks, that Azure's message names: the locked scopes as a rule ("following
/// scope(s) are locked: '…'"), by one report the locks themselves.
fn locks(text: &str) -> Vec<String> {
    let Some((_, named)) = text.split_once("are locked:") else {
        return Vec::new();
    };
    let named = named.split("Please").next().unwrap_or_default();
    named
        .split('\'')
        .filter(|part| part.starts_with('/'))
        .map(|id| {
            if id
                .to_lowercase()
                .contains("/providers/microsoft.authorization/locks/")
            {
                cure::delete_lock(id)
            } else {
                cure::list_locks(id)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
