//! The checks before a resource is created: everything that Azure would find out only inside the operation, an hour later.
//!
//! Invariant: a failed check blocks. Missing knowledge blocks only where acting without it could not be undone: the vault
//! and the key of a hub are fixed at creation.

use jiff::Timestamp;
use keyholder_crds::{CheckResult, PreflightCheck, PreflightCheckName, Reason};

use crate::arm_id::ArmId;
use crate::cure;
use crate::observed::{Fact, LiveIdentity, LiveVault, Observed, Why};
use crate::validate::{Declared, KeyUser, ValidEncryption};

mod associated;
mod key_access;
mod limits;
mod parent;
mod vault_and_key;

pub use associated::associated;
pub(crate) use key_access::{Access, Grantee, access_of, grantee, missing_access, principal, unsettled};
pub(crate) use limits::bill;
pub use limits::quotas;
pub(crate) use vault_and_key::problem as key_problem;

/// What to do about a reference to something that is not there, besides making it.
fn otherwise(declared: &Declared) -> String {
    format!(
        "Correct the name, or give the whole ARM id if it is in another resource group: a name means the {}'s own. Or make it.",
        declared.kind.noun()
    )
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it must be.
    Passed {
        /// What is worth knowing all the same.
        note: Option<String>,
    },
    /// Not as it must be.
    Failed {
        /// The condition's reason.
        reason: Reason,
        /// What is wrong, where, and the cure.
        message: String,
    },
    /// Not known.
    Unknown {
        /// Why.
        why: Why,
        /// Whether nothing may be created before it is known.
        blocks: bool,
    },
}

impl Outcome {
    const PASSED: Self = Self::Passed { note: None };

    fn failed(reason: Reason, text: &str, commands: &[String]) -> Self {
        Self::Failed {
            reason,
            message: cure::message(text, commands),
        }
    }

    fn unknown(why: &Why, blocks: bool) -> Self {
        Self::Unknown {
            why: why.clone(),
            blocks,
        }
    }
}

/// What the checks come before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// A creation, or another try of one that failed.
    Creation,
    /// The declared key, of a resource that is there with Microsoft's.
    Key,
}

/// One check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: PreflightCheckName,
    /// What came of it.
    pub outcome: Outcome,
}

impl Check {
    /// As it is told in status.
    #[must_use]
    pub fn to_status(&self) -> PreflightCheck {
        let (result, message) = match &self.outcome {
            Outcome::Passed { note } => (CheckResult::Passed, note.clone()),
            Outcome::Failed { message, .. } => (CheckResult::Failed, Some(message.clone())),
            Outcome::Unknown { why, .. } => (CheckResult::Unknown, Some(why.message.clone())),
        };
        PreflightCheck {
            check: self.name,
            result,
            message,
        }
    }
}

/// The checks of a hub that was created since: what was worth knowing before is said elsewhere now, or is over.
pub(crate) fn without_notes(checks: &[PreflightCheck]) -> Vec<PreflightCheck> {
    let mut checks = checks.to_vec();
    for check in &mut checks {
        if check.result == CheckResult::Passed {
            check.message = None;
        }
    }
    checks
}

/// The resource providers that the resource needs in its subscription.
#[must_use]
pub fn providers(declared: &Declared) -> &'static [&'static str] {
    declared.kind.rules().providers(declared.has_managed_group())
}

/// Runs all checks, in their order.
#[must_use]
pub fn run(declared: &Declared, observed: &Observed, before: Before, now: Timestamp) -> Vec<Check> {
    use PreflightCheckName::{
        Access, AssociatedResources, Cost, Identity, Key, Name, Parent, Policy, Providers, Quota,
        ResourceGroup, Vault,
    };
    let of_parent = declared.kind.rules().parent().map(|project| Check {
        name: Parent,
        outcome: parent::check(declared, project, observed),
    });
    // What would be under a parent that is not in order is no second cause.
    if let Some(check) = of_parent
        .as_ref()
        .filter(|check| matches!(check.outcome, Outcome::Failed { .. }))
    {
        return vec![check.clone()];
    }
    let mut checks = vec![
        Check {
            name: Providers,
            outcome: check_providers(declared, observed),
        },
        Check {
            name: ResourceGroup,
            outcome: check_group(declared, observed),
        },
        Check {
            name: Name,
            outcome: check_name(declared, observed),
        },
        Check {
            name: Identity,
            outcome: check_identities(declared, observed),
        },
        Check {
            name: AssociatedResources,
            outcome: associated::check(declared, observed),
        },
    ];
    if let Some(check) = of_parent {
        checks.insert(0, check);
    }
    if let ValidEncryption::CustomerManaged {
        vault,
        key,
        version,
        identity,
        ..
    } = &declared.encryption
    {
        checks.push(Check {
            name: Vault,
            outcome: vault_and_key::check_vault(declared, vault, tenant(identity, observed), observed),
        });
        // What would be in a vault that is not there is no second cause.
        if observed.vault != Fact::Absent {
            checks.push(Check {
                name: Key,
                outcome: vault_and_key::check_key(vault, key, version.as_ref(), observed, now),
            });
            checks.push(Check {
                name: Access,
                outcome: key_access::check(declared, vault, key, identity, observed, before),
            });
        }
    }
    checks.push(Check {
        name: Policy,
        outcome: limits::check_policy(declared, observed),
    });
    if declared.has_managed_group() {
        checks.push(Check {
            name: Quota,
            outcome: limits::check_quota(declared, observed),
        });
        checks.push(Check {
            name: Cost,
            outcome: Outcome::Passed {
                note: Some(bill(declared)),
            },
        });
    }
    checks
}

fn check_providers(declared: &Declared, observed: &Observed) -> Outcome {
    let mut missing = Vec::new();
    let mut unknown = None;
    for namespace in providers(declared) {
        match observed.providers.get(*namespace) {
            Some(Fact::Known(true)) => {}
            Some(Fact::Known(false) | Fact::Absent) => missing.push(*namespace),
            Some(Fact::Unknown(why)) => unknown = Some(Outcome::unknown(why, false)),
            None => {
                unknown = Some(Outcome::unknown(
                    &not_read("whether the providers are registered"),
                    false,
                ));
            }
        }
    }
    if missing.is_empty() {
        return unknown.unwrap_or(Outcome::PASSED);
    }
    let subscription = declared.id.subscription();
    let commands: Vec<String> = missing
        .iter()
        .map(|namespace| cure::register(namespace, subscription))
        .collect();
    Outcome::failed(
        Reason::ProviderNotRegistered,
        &format!(
            "Not registered in subscription {subscription}: {}.",
            missing.join(", ")
        ),
        &commands,
    )
}

fn check_group(declared: &Declared, observed: &Observed) -> Outcome {
    match &observed.resource_group {
        Fact::Known(_) => Outcome::PASSED,
        Fact::Absent => Outcome::failed(
            Reason::ResourceGroupNotFound,
            &format!(
                "Resource group {} does not exist in subscription {}.",
                declared.id.resource_group(),
                declared.id.subscription()
            ),
            &[cure::create_group(
                declared.id.resource_group(),
                &declared.location,
                declared.id.subscription(),
            )],
        ),
        Fact::Unknown(why) => Outcome::unknown(why, false),
    }
}

/// Whether a soft-deleted resource holds the name. Azure has no list of such hubs: of them it is known only from the refusal.
fn check_name(declared: &Declared, observed: &Observed) -> Outcome {
    if let Fact::Known(_) = &observed.deleted {
        return Outcome::failed(
            Reason::NameReserved,
            &format!(
                "A deleted {} holds the name {} in {}. Recover it, or choose another spec.azureName, or give up its data for good: {}.",
                declared.kind.noun(),
                declared.id.name(),
                declared.location,
                cure::purge_account(&declared.id, &declared.location)
            ),
            &[cure::recover_account(&declared.id, &declared.location)],
        );
    }
    match &observed.live {
        Fact::Known(_) | Fact::Absent => Outcome::PASSED,
        Fact::Unknown(why) => Outcome::unknown(why, true),
    }
}

fn check_identities(declared: &Declared, observed: &Observed) -> Outcome {
    let mut missing = Vec::new();
    let mut unknown = None;
    for id in &declared.user_assigned {
        match identity(id, observed) {
            Some(Fact::Known(_)) => {}
            Some(Fact::Absent) => missing.push(id),
            Some(Fact::Unknown(why)) => unknown = Some(Outcome::unknown(why, true)),
            None => unknown = Some(Outcome::unknown(&not_read(&format!("identity {id}")), true)),
        }
    }
    if missing.is_empty() {
        return unknown.unwrap_or(Outcome::PASSED);
    }
    let names: Vec<&str> = missing.iter().map(|id| id.as_str()).collect();
    let commands: Vec<String> = missing
        .iter()
        .map(|id| cure::create_identity(id, &declared.location))
        .collect();
    Outcome::failed(
        Reason::IdentityNotFound,
        &format!("No such identity: {}. {}", names.join(", "), otherwise(declared)),
        &commands,
    )
}

/// The fact about one identity of the spec.
pub(crate) fn identity<'a>(id: &ArmId, observed: &'a Observed) -> Option<&'a Fact<LiveIdentity>> {
    observed
        .identities
        .iter()
        .find(|(other, _)| other == id)
        .map(|(_, fact)| fact)
}

/// Whether an identity was read not to exist.
pub(crate) fn is_absent(id: &ArmId, observed: &Observed) -> bool {
    identity(id, observed) == Some(&Fact::Absent)
}

/// The user-assigned identity that is to unwrap, as it was read.
fn unwraps<'a>(declared: &Declared, observed: &'a Observed) -> Option<&'a Fact<LiveIdentity>> {
    match &declared.encryption {
        ValidEncryption::CustomerManaged {
            identity: KeyUser::UserAssigned(id),
            ..
        } => identity(id, observed),
        _ => None,
    }
}

/// The client id of the user-assigned identity that unwraps, as it was read.
#[must_use]
pub fn client_id<'a>(declared: &Declared, observed: &'a Observed) -> Option<&'a str> {
    Some(unwraps(declared, observed)?.known()?.client_id.as_str())
}

/// Whether the user-assigned identity that is to unwrap does not exist.
pub(crate) fn has_no_identity(declared: &Declared, observed: &Observed) -> bool {
    unwraps(declared, observed) == Some(&Fact::Absent)
}

fn tenant<'a>(user: &KeyUser, observed: &'a Observed) -> Option<&'a str> {
    let KeyUser::UserAssigned(id) = user else {
        return None;
    };
    identity(id, observed)
        .and_then(Fact::known)
        .map(|live| live.tenant_id.as_str())
}

fn not_read(what: &str) -> Why {
    Why {
        reason: Reason::Pending,
        message: format!("Not known so far: {what}."),
        retry_at: None,
    }
}

#[cfg(test)]
mod tests;
