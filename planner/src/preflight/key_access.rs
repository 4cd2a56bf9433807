//! Whether the identity that unwraps may do so: a user-assigned one's access is known before the hub, its own only after.
//!
//! Invariant: nobody is said to lack a right that could not be read.

use keyholder_crds::Reason;

use super::{Before, Outcome, identity, not_read};
use crate::access::{self, Right};
use crate::arm_id::ArmId;
use crate::cure;
use crate::key_store::KeyStore;
use crate::kind::Kind;
use crate::name::KeyName;
use crate::observed::{Fact, Live, Observed, Permissions, Why};
use crate::validate::{Declared, KeyUser, ValidEncryption};

/// Application id of Azure Cosmos DB in public Azure (azure-ai-docs, how-to-setup-customer-managed-keys).
pub(super) const COSMOS_DB_APPLICATION: &str = "a232010e-820c-4083-83bb-3ace5fc29d0b";

pub(super) fn check(
    declared: &Declared,
    vault: &ArmId,
    key: &KeyName,
    user: &KeyUser,
    observed: &Observed,
    before: Before,
) -> Outcome {
    let KeyUser::UserAssigned(id) = user else {
        let noun = declared.kind.noun();
        let message = match own_access(&declared.kind, vault, key, observed) {
            Some(Access::Held) => return Outcome::PASSED,
            Some(Access::NotRead(why)) => return Outcome::unknown(&why, false),
            // A key that is given afterwards needs the access before.
            Some(Access::Missing(message)) if before == Before::Key => {
                return Outcome::Failed {
                    reason: Reason::AccessMissing,
                    message,
                };
            }
            Some(Access::Missing(message)) => unsettled(noun, &message),
            Some(Access::Undecidable(message)) => message,
            None if KeyStore::of(vault) == KeyStore::ManagedHsm => {
                format!(
                    "The {noun}'s own identity comes into being with the {noun}; whether the managed HSM then gives it access to the key \
                     cannot be seen from here."
                )
            }
            None => {
                format!(
                    "The {noun}'s own identity comes into being with the {noun}: its access is checked then."
                )
            }
        };
        let why = Why {
            reason: Reason::Unverifiable,
            message,
            retry_at: None,
        };
        return Outcome::unknown(&why, false);
    };
    let principal = match identity(id, observed) {
        Some(Fact::Known(live)) => live.principal_id.as_str(),
        Some(Fact::Unknown(why)) => return Outcome::unknown(why, true),
        Some(Fact::Absent) | None => {
            return Outcome::unknown(&not_read(&format!("the principal of identity {id}")), true);
        }
    };
    match access_of(&declared.kind, vault, key, principal, observed) {
        Access::Held => Outcome::Passed {
            note: declared.has_managed_group().then(|| {
                format!(
                    "Azure Cosmos DB's own application ({COSMOS_DB_APPLICATION}) needs the same access for the managed \
                     resource group; that cannot be seen from here."
                )
            }),
        },
        Access::Missing(message) => Outcome::Failed { reason: Reason::AccessMissing, message },
        Access::Undecidable(message) => {
            Outcome::Unknown { why: Why { reason: Reason::Unverifiable, message, retry_at: None }, blocks: false }
        }
        Access::NotRead(why) => Outcome::unknown(&why, true),
    }
}

/// What is to be said of access that the resource's own identity lacks as far as it can be seen.
pub(crate) fn unsettled(noun: &str, message: &str) -> String {
    format!(
        "No source settles whether Azure gives a {noun}'s own identity access to the key by itself; if it does not, this is missing: {message}"
    )
}

/// Access of the resource's own identity, once a creation was tried. That it cannot be seen does not block: no source settles
/// whether Azure gives it by itself.
fn own_access(kind: &Kind, vault: &ArmId, key: &KeyName, observed: &Observed) -> Option<Access> {
    let principal = principal(&KeyUser::SystemAssigned, observed.live.known(), observed)?;
    Some(access_of(kind, vault, key, principal, observed))
}

/// A key, and who is to work with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grantee {
    /// ARM id of the key.
    pub key: ArmId,
    /// Object id of the principal.
    pub principal: String,
}

/// Who is to work with the declared key and what is known of its access, once both are there, in a vault with RBAC.
pub(crate) fn grantee(declared: &Declared, observed: &Observed) -> Option<(Grantee, Access)> {
    let ValidEncryption::CustomerManaged {
        vault,
        key,
        identity: user,
        ..
    } = &declared.encryption
    else {
        return None;
    };
    let live = observed
        .vault
        .known()
        .filter(|live| live.permissions == Permissions::Roles)?;
    let principal = principal(user, observed.live.known(), observed)?.to_owned();
    let access = access_of(&declared.kind, vault, key, &principal, observed);
    let key = live.id.child("keys", key.as_str());
    Some((Grantee { key, principal }, access))
}

/// What to do about a write that Azure failed while the resource's own identity has no access to the key, as far as that was read, or while
/// whoever unwraps may have none in a managed HSM; `names_access`: whether Azure says that the failure is one of access.
pub(crate) fn missing_access(declared: &Declared, observed: &Observed, names_access: bool) -> Option<String> {
    let ValidEncryption::CustomerManaged {
        vault,
        key,
        identity: user,
        ..
    } = &declared.encryption
    else {
        return None;
    };
    let principal = principal(user, observed.live.known(), observed)?;
    match access_of(&declared.kind, vault, key, principal, observed) {
        Access::Missing(message) if *user == KeyUser::SystemAssigned => Some(message),
        // Nothing but the failure tells.
        Access::Undecidable(message) if names_access && KeyStore::of(vault) == KeyStore::ManagedHsm => {
            Some(message)
        }
        _ => None,
    }
}

/// What is known of a principal's access to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Get, wrap and unwrap are granted.
    Held,
    /// Something is not granted; the message has the cure.
    Missing(String),
    /// It depends on a condition or on a role that cannot be read; the message says so.
    Undecidable(String),
    /// It could not be read.
    NotRead(Why),
}

/// Judges a principal's access to a key.
pub(crate) fn access_of(
    kind: &Kind,
    vault: &ArmId,
    key: &KeyName,
    principal: &str,
    observed: &Observed,
) -> Access {
    let live = match &observed.vault {
        Fact::Known(live) => live,
        Fact::Unknown(why) => return Access::NotRead(why.clone()),
        Fact::Absent => return Access::NotRead(not_read(&format!("vault {vault}"))),
    };
    let scope = live.id.child("keys", key.as_str());
    let who = named(kind, principal, observed);
    let grant = [cure::grant(&live.id, key, principal, &live.permissions)];
    let (rights, policies) = match &live.permissions {
        Permissions::Local => {
            return Access::Undecidable(cure::message(
                &format!(
                    "Whether the {who} may get, wrap and unwrap with key {scope} cannot be seen from here: a managed HSM holds its role \
                     assignments itself. Azure finds out when it applies the key."
                ),
                &grant,
            ));
        }
        Permissions::Roles => match &observed.role_assignments {
            Fact::Known(assignments) => (
                access::by_roles(assignments, &observed.role_definitions, &scope),
                [].as_slice(),
            ),
            Fact::Absent => (
                access::by_roles(&[], &observed.role_definitions, &live.id),
                [].as_slice(),
            ),
            Fact::Unknown(why) => return Access::NotRead(why.clone()),
        },
        Permissions::Policies(policies) => (access::by_policies(policies, principal), policies.as_slice()),
    };
    match rights.all() {
        Right::Held => Access::Held,
        Right::Missing if access::others_hold(policies, principal) => Access::Undecidable(cure::message(
            &format!(
                "No access policy of vault {} names the {who}; whether it is in a group that one names cannot be \
                 seen from here.",
                live.id
            ),
            &grant,
        )),
        Right::Missing => Access::Missing(cure::message(
            &format!("The {who} lacks {} on key {scope}.", rights.missing().join(", ")),
            &grant,
        )),
        Right::Unknown => Access::Undecidable(cure::message(
            &format!(
                "Whether the {who} may get, wrap and unwrap with key {scope} depends on a role assignment that \
                 is conditional or whose role cannot be read."
            ),
            &grant,
        )),
    }
}

/// A principal as people know it: by the identity whose it is.
fn named(kind: &Kind, principal: &str, observed: &Observed) -> String {
    let user_assigned = observed.identities.iter().find(|(_, fact)| {
        fact.known()
            .is_some_and(|identity| identity.principal_id.eq_ignore_ascii_case(principal))
    });
    match user_assigned {
        Some((id, _)) => format!("identity {id} (principal {principal})"),
        None => format!("{}'s own identity (principal {principal})", kind.noun()),
    }
}

/// The principal that unwraps, where it is known: a user-assigned identity's, or the resource's own once it exists.
pub(crate) fn principal<'a>(
    user: &KeyUser,
    live: Option<&'a Live>,
    observed: &'a Observed,
) -> Option<&'a str> {
    match user {
        KeyUser::UserAssigned(id) => identity(id, observed)
            .and_then(Fact::known)
            .map(|identity| identity.principal_id.as_str()),
        KeyUser::SystemAssigned => live?.system_assigned_principal.as_deref(),
    }
}
