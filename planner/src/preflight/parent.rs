//! The check of a project's parent: is it there, in order, and can it have projects?
//!
//! Azure would refuse the project for each of these, and a project of an account whose key is not applied so far would hold data under
//! Microsoft's.

use keyholder_crds::Reason;

use super::Outcome;
use crate::kind::Project;
use crate::needs::{has_failed, is_in_progress};
use crate::observed::{Fact, Live, Observed};
use crate::parent::no_projects;
use crate::validate::{Declared, WORKSPACE};

pub(super) fn check(declared: &Declared, project: &Project, observed: &Observed) -> Outcome {
    let failed = |reason, text: &str| Outcome::failed(reason, text, &[]);
    let id = &project.parent;
    if let Some(why) = &project.waits_for {
        return failed(why.reason, &why.message);
    }
    let live = match &observed.parent {
        Fact::Known(live) => live,
        Fact::Absent => {
            let (field, mend) = match &project.parent_object {
                None => (
                    "spec.parentRef.resourceId",
                    "create it, or correct the id".to_owned(),
                ),
                Some(object) => ("spec.parentRef", format!("see the conditions of {object}")),
            };
            let text = format!("{field}: {id} does not exist. The project is created once it does: {mend}.");
            return failed(Reason::ParentNotFound, &text);
        }
        Fact::Unknown(why) => return Outcome::unknown(why, true),
    };
    if let Some(text) = unsuitable(live) {
        return failed(Reason::ParentUnsuitable, &text);
    }
    if live.location != declared.location {
        let text = format!(
            "spec.location: a project is in the region of its parent: {id} is in {}, declared is {}.",
            live.location, declared.location
        );
        return failed(Reason::RegionMismatch, &text);
    }
    if is_in_progress(live) || has_failed(live) {
        let state = live.provisioning_state.as_deref().unwrap_or_default();
        let text = format!("{id} is {state}. The project is created once it is Succeeded.");
        return failed(Reason::ParentNotReady, &text);
    }
    Outcome::PASSED
}

/// Why a resource cannot have projects.
fn unsuitable(live: &Live) -> Option<String> {
    let id = &live.id;
    match &live.account {
        Some(account) if !account.projects => Some(no_projects(id)),
        None if id.is_type(WORKSPACE) && !live.kind.eq_ignore_ascii_case("hub") => Some(format!(
            "spec.parentRef: {id} is a workspace of kind {}, and only hubs have projects.",
            live.kind
        )),
        _ => None,
    }
}
