//! Roles and their assignments.

use jiff::Timestamp;
use serde_json::{Value, json};

/// A role definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    /// A GUID.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) custom: bool,
    pub(crate) actions: Vec<String>,
    pub(crate) not_actions: Vec<String>,
    pub(crate) data_actions: Vec<String>,
    pub(crate) not_data_actions: Vec<String>,
    pub(crate) assignable_scopes: Vec<String>,
}

/// A role assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// A GUID.
    pub(crate) name: String,
    pub(crate) scope: String,
    /// GUID of the role.
    pub(crate) role: String,
    pub(crate) principal_id: String,
    pub(crate) condition: Option<String>,
    pub(crate) created: Timestamp,
    /// Has effect from then on.
    pub(crate) from: Timestamp,
    /// Is not listed any more, and has no effect from then on.
    pub(crate) until: Option<Timestamp>,
}

impl Assignment {
    /// Whether it has effect.
    pub(crate) fn has_effect(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// Which kind of action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plane {
    /// On resources.
    Control,
    /// On the data in them.
    Data,
}

impl Role {
    /// Whether it allows an action.
    pub(crate) fn allows(&self, plane: Plane, action: &str) -> bool {
        let (actions, except) = match plane {
            Plane::Control => (&self.actions, &self.not_actions),
            Plane::Data => (&self.data_actions, &self.not_data_actions),
        };
        actions.iter().any(|pattern| matches(pattern, action))
            && !except.iter().any(|pattern| matches(pattern, action))
    }

    /// As Azure gives it back.
    pub(crate) fn body(&self, subscription: &str) -> Value {
        json!({
            "id": format!("/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}", self.id),
            "name": self.id,
            "type": crate::types::DEFINITIONS,
            "properties": {
                "roleName": self.name,
                "description": self.description,
                "type": if self.custom { "CustomRole" } else { "BuiltInRole" },
                "assignableScopes": self.assignable_scopes,
                "permissions": [{
                    "actions": self.actions,
                    "notActions": self.not_actions,
                    "dataActions": self.data_actions,
                    "notDataActions": self.not_data_actions,
                }],
            },
        })
    }
}

/// Azure's wildcard: `*` stands for any text; case does not count.
pub(crate) fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    let pieces: Vec<&str> = pattern.split('*').collect();
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return false;
    };
    if pieces.len() == 1 {
        return pattern == action;
    }
    let Some(mut rest) = action.strip_prefix(first) else {
        return false;
    };
    for piece in pieces.iter().skip(1).take(pieces.len() - 2) {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Built-in roles (learn.microsoft.com, role-based-access-control/built-in-roles).
pub(crate) fn built_in() -> Vec<Role> {
    let role = |id: &str, name: &str, actions: &[&str], not: &[&str], data: &[&str]| Role {
        id: id.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        custom: false,
        actions: owned(actions),
        not_actions: owned(not),
        data_actions: owned(data),
        not_data_actions: Vec::new(),
        assignable_scopes: owned(&["/"]),
    };
    let key = "Microsoft.KeyVault/vaults/keys";
    vec![
        role("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", &["*"], &[], &[]),
        role(
            "b24988ac-6180-42a0-ab88-20f7382dd24c",
            "Contributor",
            &["*"],
            &[
                "Microsoft.Authorization/*/Delete",
                "Microsoft.Authorization/*/Write",
                "Microsoft.Authorization/elevateAccess/Action",
            ],
            &[],
        ),
        role(
            "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            "Reader",
            &["*/read"],
            &[],
            &[],
        ),
        role(
            "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
            "User Access Administrator",
            &["*/read", "Microsoft.Authorization/*"],
            &[],
            &[],
        ),
        role(
            "e147488a-f6f5-4113-8e2d-b22465e65bf6",
            "Key Vault Crypto Service Encryption User",
            &[
                "Microsoft.EventGrid/eventSubscriptions/write",
                "Microsoft.EventGrid/eventSubscriptions/read",
                "Microsoft.EventGrid/eventSubscriptions/delete",
            ],
            &[],
            &[
                &format!("{key}/read"),
                &format!("{key}/wrap/action"),
                &format!("{key}/unwrap/action"),
            ],
        ),
        role(
            "12338af0-0e69-4776-bea7-57ae8d297424",
            "Key Vault Crypto User",
            &[],
            &[],
            &[
                &format!("{key}/read"),
                &format!("{key}/update/action"),
                &format!("{key}/backup/action"),
                &format!("{key}/encrypt/action"),
                &format!("{key}/decrypt/action"),
                &format!("{key}/wrap/action"),
                &format!("{key}/unwrap/action"),
                &format!("{key}/sign/action"),
                &format!("{key}/verify/action"),
            ],
        ),
        role(
            "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
            "Key Vault Crypto Officer",
            &["Microsoft.KeyVault/vaults/read"],
            &[],
            &[
                &format!("{key}/*"),
                "Microsoft.KeyVault/vaults/keyrotationpolicies/*",
            ],
        ),
        role(
            "21090545-7ca7-4776-b22c-e363652d74d2",
            "Key Vault Reader",
            &["Microsoft.KeyVault/*/read"],
            &[],
            &["Microsoft.KeyVault/vaults/*/read"],
        ),
        role(
            "f25e0fa2-a7c8-4377-a976-54943a77a395",
            "Key Vault Contributor",
            &["Microsoft.KeyVault/*"],
            &["Microsoft.KeyVault/locations/deletedVaults/purge/action"],
            &[],
        ),
    ]
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
