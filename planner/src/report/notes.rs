//! Events: what Azure accepted, and what changed for people.

use keyholder_crds::{ConditionType, DeletionPolicy, OperationKind, Reason, ResourceStatus};

use super::Note;
use crate::judge;
use crate::plan::{Input, Request, Write};

/// Azure accepted a write.
pub(super) fn accepted(input: &Input<'_>, write: &Write) -> Note {
    let id = &write.id;
    let (reason, message) = match write.kind {
        OperationKind::Grant => (
            Reason::Granted,
            format!("Azure accepted the role assignment {id}: the identity may use the key."),
        ),
        OperationKind::Create => (Reason::Created, format!("Azure accepted the creation of {id}.")),
        OperationKind::ChangeKey => (
            Reason::KeyChanged,
            format!("Azure accepted the change of the key to {}.", write.intent),
        ),
        OperationKind::Update => (
            Reason::Updated,
            format!("Azure accepted a change of {}.", write.intent),
        ),
        OperationKind::Delete => (Reason::Deleted, deletion_message(input, write)),
        OperationKind::EncryptDependent => (
            Reason::Updated,
            format!("Azure accepted a change of {id}: {}.", write.intent),
        ),
    };
    Note {
        warning: false,
        reason,
        message,
    }
}

fn deletion_message(input: &Input<'_>, write: &Write) -> String {
    let id = &input.declared.id;
    if let Request::Purge(path) = &write.request {
        return format!("Azure accepted the purge of {path}.");
    }
    if input.declared.deletion_policy == DeletionPolicy::DeleteAndPurge {
        let and = if write.request == (Request::Delete { purge: true }) {
            " and purge"
        } else {
            ""
        };
        return format!("Azure accepted the deletion{and} of {id}.");
    }
    let permanent = if input.declared.system_assigned {
        ""
    } else {
        " With user-assigned identities alone it may be permanent."
    };
    let kept = input.declared.kind.rules().kept_after_deletion();
    let kept = match &input.status.managed_resource_group {
        Some(group) => format!(
            "{kept}, and bill its managed resource group {} as long.",
            group.name
        ),
        None => format!("{kept}."),
    };
    format!("Azure accepted the deletion of {id}. {kept}{permanent}")
}

/// Events about what changed.
pub(super) fn changes(before: &ResourceStatus, after: &ResourceStatus) -> Vec<Note> {
    let mut notes = Vec::new();
    for of in [
        ConditionType::Ready,
        ConditionType::Stalled,
        ConditionType::Provisioned,
        ConditionType::KeyHealthy,
        ConditionType::ManagedResourceGroupHealthy,
        ConditionType::DependentsEncrypted,
    ] {
        let Some(condition) = judge::stored(after, of) else {
            continue;
        };
        let same = judge::stored(before, of)
            .is_some_and(|old| old.status == condition.status && old.reason == condition.reason);
        let Ok(reason) = condition.reason.parse::<Reason>() else {
            continue;
        };
        let warning = match of {
            ConditionType::Ready if condition.status == "True" => false,
            ConditionType::Stalled => true,
            _ if judge::is_warning(reason) => true,
            _ => continue,
        };
        if !same {
            notes.push(Note {
                warning,
                reason,
                message: condition.message.clone(),
            });
        }
    }
    notes
}
