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
    /// Why the project must not be created so far, if the parent's object says so.
    pub waits_for: Option<String>,
}

/// The parent that `object` names by kind and name; `named`: the object of that name. `None`: it has none, or names it by its ARM id.
///
/// # Errors
/// Nothing is known of it, and the project was never bound.
pub fn parent_of(
    object: &dyn Validate,
    named: Option<&dyn Validate>,
    owner_id: &str,
) -> Result<Option<Parent>, Why> {
    let Some((reference, name)) = object
        .parent_ref()
        .and_then(|reference| Some((reference, reference.name.as_ref()?)))
    else {
        return Ok(None);
    };
    let kind = kind_of(reference);
    let declared = named.map(|named| named.validate(owner_id, None));
    if let (Some(named), Some(Ok(declared))) = (named, &declared) {
        return Ok(Some(of_object(named, declared, &format!("{kind} {name}"))));
    }
    let bound = object.status().and_then(|status| status.bound.as_ref());
    if let Some(parent) = bound.and_then(of_bound) {
        return Ok(Some(parent));
    }
    let namespace = object.metadata().namespace.as_deref().unwrap_or_default();
    let (reason, message) = match declared {
        Some(Err(errors)) => {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            let text = format!("{kind} {name} is not valid: {}", errors.join("; "));
            (Reason::ParentNotReady, text)
        }
        _ => {
            let text = format!(
                "spec.parentRef.name: there is no {kind} {name} in namespace {namespace}. The project is created once there is: apply it, \
                 or correct the name."
            );
            (Reason::ParentNotFound, text)
        }
    };
    Err(Why {
        reason,
        message,
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
    let waits_for = if named.metadata().deletion_timestamp.is_some() {
        Some(format!("{who} is being deleted."))
    } else {
        [ConditionType::Provisioned, ConditionType::KeyApplied]
            .into_iter()
            .find_map(|of| hindrance(status, of, who))
    };
    Parent {
        id: bound.unwrap_or_else(|| declared.id.clone()),
        location: declared.location.clone(),
        waits_for,
    }
}

fn hindrance(status: &ResourceStatus, of: ConditionType, who: &str) -> Option<String> {
    let Some(condition) = stored(status, of) else {
        return Some(format!("{of} of {who} is not known so far."));
    };
    (condition.status != Truth::True.as_str()).then(|| {
        format!(
            "{of} of {who} is {} ({}). The project is created once it is True.",
            condition.status, condition.reason
        )
    })
}

fn of_bound(bound: &Bound) -> Option<Parent> {
    Some(Parent {
        id: ArmId::parse(bound.parent.as_deref()?).ok()?,
        location: Location::parse(&bound.location).ok()?,
        waits_for: None,
    })
}

#[cfg(test)]
mod tests;
