//! Whose project a project is.
//!
//! Invariant: an object's name means one resource. Once a project is bound it keeps its parent, whatever becomes of the parent's object.

use keyholder_crds::{Bound, ConditionType, ParentRef, Reason, ResourceStatus};

use crate::arm_id::ArmId;
use crate::judge::{Truth, stored};
use crate::name::Location;
use crate::observed::Why;
use crate::validate::{Declared, Validate};

/// The parent of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its ARM id.
    pub id: ArmId,
    /// Its region.
    pub location: Location,
    /// Why the project must not be created, or not so far, if the parent's object says so.
    pub waits_for: Option<Why>,
}

/// What there is under the name that a project gives its parent.
#[derive(Clone, Copy)]
pub enum Named<'a> {
    /// No object.
    Nothing,
    /// One that this version of Keyholder cannot read.
    Undecodable,
    /// This.
    Object(&'a dyn Validate),
}

/// The parent that `object` names by kind and name. `None`: it has none, or names it by its ARM id.
///
/// # Errors
/// Nothing is known of it, and the project was never bound.
pub fn parent_of(object: &dyn Validate, named: Named<'_>, owner_id: &str) -> Result<Option<Parent>, Why> {
    let Some((reference, name)) = object
        .parent_ref()
        .and_then(|reference| Some((reference, reference.name.as_ref()?)))
    else {
        return Ok(None);
    };
    let who = format!("{} {name}", kind_of(reference));
    let why = match named {
        Named::Object(named) => match named.validate(owner_id, None) {
            Ok(declared) => return Ok(Some(of_object(named, &declared, &who))),
            Err(errors) => {
                let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
                let text = format!("{who} is not valid: {}", errors.join("; "));
                (Reason::ParentNotReady, text)
            }
        },
        Named::Undecodable => {
            let text = format!("{who} cannot be read by this version of Keyholder.");
            (Reason::ParentNotReady, text)
        }
        Named::Nothing => {
            let namespace = object.metadata().namespace.as_deref().unwrap_or_default();
            let text = format!(
                "spec.parentRef.name: there is no {who} in namespace {namespace}. The project is created once there is: apply it, or \
                 correct the name."
            );
            (Reason::ParentNotFound, text)
        }
    };
    let bound = object.status().and_then(|status| status.bound.as_ref());
    bound.and_then(of_bound).map(Some).ok_or(Why {
        reason: why.0,
        message: why.1,
        retry_at: None,
    })
}

fn kind_of(reference: &ParentRef) -> String {
    reference.kind.map(|kind| kind.to_string()).unwrap_or_default()
}

fn of_object(named: &dyn Validate, declared: &Declared, who: &str) -> Parent {
    let nothing = ResourceStatus::default();
    let status = named.status().unwrap_or(&nothing);
    // A spec that asks for another resource than the bound one is refused, and the resource stays.
    let bound = status
        .bound
        .as_ref()
        .and(status.resource_id.as_deref())
        .and_then(|id| ArmId::parse(id).ok());
    let id = bound.unwrap_or_else(|| declared.id.clone());
    let why = |reason, message| Why {
        reason,
        message,
        retry_at: None,
    };
    let rules = declared.kind.rules();
    // An account that never has projects is not worth waiting for.
    let waits_for = if rules.takes_no_projects(declared, status.bound.as_ref()) {
        Some(why(Reason::ParentUnsuitable, no_projects(&id)))
    } else if named.metadata().deletion_timestamp.is_some() {
        Some(why(Reason::ParentNotReady, format!("{who} is being deleted.")))
    } else {
        [ConditionType::Provisioned, ConditionType::KeyApplied]
            .into_iter()
            .find_map(|of| hindrance(status, of, who, named.metadata().generation))
            .map(|text| why(Reason::ParentNotReady, text))
    };
    Parent {
        id,
        location: declared.location.clone(),
        waits_for,
    }
}

/// What is to be said of an account that does not allow projects.
pub(crate) fn no_projects(id: &ArmId) -> String {
    format!(
        "spec.parentRef: the account {id} does not allow projects: set spec.allowProjectManagement: true on its object, which needs \
         accountKind: AIServices and an identity."
    )
}

/// What a condition says against the project. One of an earlier generation says nothing: its key may be about to change.
fn hindrance(
    status: &ResourceStatus,
    of: ConditionType,
    who: &str,
    generation: Option<i64>,
) -> Option<String> {
    let condition = stored(status, of).filter(|condition| condition.observed_generation == generation);
    let Some(condition) = condition else {
        return Some(format!("{of} of {who} is not known so far."));
    };
    (condition.status != Truth::True.as_str()).then(|| {
        format!(
            "{of} of {who} is {} ({}). The project is created once it is True.",
            condition.status, condition.reason
        )
    })
}

/// The parent that a project is bound to.
pub(crate) fn of_bound(bound: &Bound) -> Option<Parent> {
    Some(Parent {
        id: ArmId::parse(bound.parent.as_deref()?).ok()?,
        location: Location::parse(&bound.location).ok()?,
        waits_for: None,
    })
}

#[cfg(test)]
mod tests;
