//! The rules for projects alone.

use kube::core::{Reason, Rule};

use super::{PROJECT, transition};
use crate::formats::{ACCOUNT_NAME, AZURE_NAME, GROUP, GUID};

/// A parent is an object or a resource, and not both.
#[must_use]
pub fn one_parent() -> Rule {
    Rule::new("has(self.kind) == has(self.name) && has(self.name) != has(self.resourceId)")
        .message("name the parent by kind and name (an AIHub or AIServicesAccount of this namespace), or by resourceId alone.")
        .reason(Reason::FieldValueInvalid)
}

/// The ARM id of a hub or an account.
#[must_use]
pub fn parent_id() -> Rule {
    Rule::new(format!(
        "self.matches('(?i)^/subscriptions/{GUID}/resourceGroups/{GROUP}/providers/(Microsoft[.]MachineLearningServices/workspaces/{AZURE_NAME}|\
         Microsoft[.]CognitiveServices/accounts/{ACCOUNT_NAME})$')"
    ))
    .message(
        "not the ARM id of a hub or an account: /subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.MachineLearningServices/workspaces/NAME \
         or …/Microsoft.CognitiveServices/accounts/NAME.",
    )
}

/// True where both an object and a resource are named, or neither: that alone is told then.
fn is_not_one(parent: &str) -> String {
    format!("(has({parent}.kind) || has({parent}.name)) == has({parent}.resourceId)")
}

/// Of a parent that is an object the region is known.
#[must_use]
pub fn location_with_resource_id_alone() -> Rule {
    Rule::new(format!(
        "has(self.location) == has(self.parentRef.resourceId) || {}",
        is_not_one("self.parentRef")
    ))
    .message(
        "location is needed with parentRef.resourceId: the region of that resource. With a parent that is an object leave it out: \
         the project is in its region.",
    )
    .reason(Reason::FieldValueInvalid)
    .field_path(".location")
}

/// The name, whoever gives it, must be one that Azure takes.
#[must_use]
pub fn name_fits_azure() -> Rule {
    let parent = "self.spec.parentRef";
    let under_hub = format!(
        "(has({parent}.kind) ? {parent}.kind == 'AIHub' : (has({parent}.resourceId) && {parent}.resourceId.lowerAscii().contains('/workspaces/')))"
    );
    let name = "(has(self.spec.azureName) ? self.spec.azureName : self.metadata.name)";
    Rule::new(format!(
        "{name}.matches({under_hub} ? '^{AZURE_NAME}$' : '^{ACCOUNT_NAME}$')"
    ))
    .message(
        "the project's name is not one that Azure takes (under a hub 3 to 33 letters, digits, - and _; under an account 2 to 64 letters, \
         digits, - _ and .): set spec.azureName.",
    )
    .field_path(".spec.azureName")
}

/// Hubs and projects share their names. Which name an object's hub has in Azure is not known here.
#[must_use]
pub fn name_is_not_the_hubs() -> Rule {
    let id = "self.spec.parentRef.resourceId.lowerAscii()";
    let name = "(has(self.spec.azureName) ? self.spec.azureName : self.metadata.name)";
    Rule::new(format!(
        "!has(self.spec.parentRef.resourceId) || !{id}.endsWith('/workspaces/' + {name}.lowerAscii())"
    ))
    .message("the hub itself has this name, and hubs and projects share their names: choose another spec.azureName.")
    .field_path(".spec.azureName")
}

/// A project does not move to another parent. Which resource an object's name means is not known here, so the parent may be named by
/// its id instead, and by no name but that which it was bound under.
#[must_use]
pub fn parent_unchanged() -> Rule {
    let parent = |root: &str| {
        let of = format!("{root}.spec.parentRef");
        format!(
            "(has({of}.resourceId) ? {of}.resourceId.lowerAscii() : (has({of}.kind) ? {of}.kind : '') + '/' + (has({of}.name) ? {of}.name : ''))"
        )
    };
    let new = parent("self");
    transition(
        &new,
        &parent("oldSelf"),
        &format!(
            "(has(oldSelf.status.bound.parent) && {new} == oldSelf.status.bound.parent) || \
             (has(oldSelf.status.bound.parentObject) && {new} == oldSelf.status.bound.parentObject) || {}",
            is_not_one("self.spec.parentRef")
        ),
        ".spec.parentRef",
        &PROJECT.refusal("Azure cannot move a project to another parent."),
    )
}

/// The region is that of the parent.
#[must_use]
pub fn location_unchanged() -> Rule {
    let location = |root: &str| {
        format!("(has({root}.spec.location) ? {root}.spec.location.lowerAscii().replace(' ', '') : '')")
    };
    let new = location("self");
    transition(
        &new,
        &location("oldSelf"),
        &format!("{new} == '' || {new} == oldSelf.status.bound.location"),
        ".spec.location",
        &PROJECT.refusal("Azure cannot move a project to another region."),
    )
}
