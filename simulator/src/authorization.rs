//! Who may do what: role assignments, deny assignments, and how long they take to be seen.
//!
//! Invariant: a deny assignment wins over every role.

use axum::http::StatusCode;
use jiff::Timestamp;

use crate::address::is_within;
use crate::conditions::{Attributes, admits};
use crate::refusal::Refusal;
use crate::roles::Plane;
use crate::world::{Principal, World};

impl World {
    /// Whether a principal has an action at a scope, by its roles there and above, and by those of its groups.
    pub(crate) fn has(
        &self,
        principal: &str,
        plane: Plane,
        action: &str,
        scope: &str,
        now: Timestamp,
    ) -> bool {
        self.has_with(principal, (plane, action), scope, &Attributes::default(), now)
    }

    /// The same, with what conditions of the assignments may ask about.
    fn has_with(
        &self,
        principal: &str,
        (plane, action): (Plane, &str),
        scope: &str,
        attributes: &Attributes,
        now: Timestamp,
    ) -> bool {
        let holders = self.with_groups(principal);
        self.assignments
            .iter()
            .filter(|assignment| {
                holders.contains(&assignment.principal_id.to_lowercase())
                    && assignment.has_effect(now)
                    && is_within(scope, &assignment.scope)
                    && assignment
                        .condition
                        .as_deref()
                        .is_none_or(|condition| admits(condition, action, attributes))
            })
            .filter_map(|assignment| {
                self.roles
                    .iter()
                    .find(|role| role.id.eq_ignore_ascii_case(&assignment.role))
            })
            .any(|role| role.allows(plane, action))
    }

    /// Lets a caller do something to a resource, or refuses.
    pub(crate) fn authorize(
        &self,
        caller: &Principal,
        action: &str,
        scope: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.authorize_with(caller, action, scope, &Attributes::default(), now)
    }

    /// The same, with what conditions of the caller's assignments may ask about.
    pub(crate) fn authorize_with(
        &self,
        caller: &Principal,
        action: &str,
        scope: &str,
        attributes: &Attributes,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let what = (Plane::Control, action);
        if !self.has_with(&caller.object_id, what, scope, attributes, now) {
            return Err(Refusal::authorization_failed(
                &caller.client_id,
                &caller.object_id,
                action,
                scope,
            ));
        }
        let reads = action.to_lowercase().ends_with("/read");
        if reads || caller.bypass_deny_assignments {
            return Ok(());
        }
        let denial = self.denials.iter().find(|denial| is_within(scope, &denial.scope));
        match denial {
            None => Ok(()),
            Some(denial) => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "DenyAssignmentAuthorizationFailed",
                format!(
                    "The client '{}' with object id '{}' has permission to perform action '{action}' on scope '{scope}'; \
                     however, the access is denied because of the deny assignment with name '{}' and Id '{}' at scope \
                     '{}'.",
                    caller.client_id,
                    caller.object_id,
                    denial.name,
                    denial.guid().replace('-', ""),
                    denial.scope,
                ),
            )),
        }
    }

    /// Lets a caller use a resource that its request refers to, or refuses (LinkedAuthorizationFailed).
    pub(crate) fn authorize_linked(
        &self,
        caller: &Principal,
        action: (&str, &str),
        linked: (&str, &str),
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let ((own_action, own_scope), (action, scope)) = (action, linked);
        if self.has(&caller.object_id, Plane::Control, action, scope, now) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "LinkedAuthorizationFailed",
            format!(
                "The client '{}' with object id '{}' has permission to perform action '{own_action}' on scope \
                 '{own_scope}'; however, it does not have permission to perform action(s) '{action}' on the linked \
                 scope(s) '{scope}' (respectively) or the linked scope(s) are invalid.",
                caller.client_id, caller.object_id,
            ),
        ))
    }
}
