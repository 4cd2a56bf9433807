//! The checks before a hub is created: everything that Azure would find out only inside the operation, an hour later.
//!
//! Invariant: a failed check blocks. Missing knowledge blocks only where acting without it could not be undone: the vault
//! and the key of a hub are fixed at creation.

use jiff::Timestamp;
use keyholder_crds::{CheckResult, PreflightCheck, PreflightCheckName, Reason};

use crate::arm_id::ArmId;
use crate::cure;
use crate::observed::{Fact, LiveVault, Observed, Why};
use crate::validate::{KeyUser, ValidEncryption, ValidHub};

mod associated;
mod key_access;
mod limits;
mod vault_and_key;

pub use associated::associated;
pub(crate) use key_access::{Access, Grantee, access_of, grantee, missing_own_access, principal, unsettled};
pub(crate) use limits::bill;
pub use limits::quotas;
pub(crate) use vault_and_key::problem as key_problem;

/// The resource provider that every hub needs.
const ALWAYS: &[&str] = &["Microsoft.MachineLearningServices"];
/// Those that a hub with a managed resource group needs (azure-ai-docs, how-to-setup-customer-managed-keys, 02/05/2025).
const WITH_MANAGED_GROUP: &[&str] = &[
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.DocumentDB",
    "Microsoft.Search",
];

/// What to do about a reference to something that is not there, besides making it.
const OTHERWISE: &str = "Correct the name, or give the whole ARM id if it is in another resource group: a name means the hub's own. Or make it.";

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

/// The resource providers that the hub needs in its subscription.
#[must_use]
pub fn providers(hub: &ValidHub) -> &'static [&'static str] {
    if hub.has_managed_group() {
        WITH_MANAGED_GROUP
    } else {
        ALWAYS
    }
}

/// Runs all checks, in their order.
#[must_use]
pub fn run(hub: &ValidHub, observed: &Observed, now: Timestamp) -> Vec<Check> {
    use PreflightCheckName::{
        Access, AssociatedResources, Cost, Identity, Key, Name, Policy, Providers, Quota, ResourceGroup,
        Vault,
    };
    let mut checks = vec![
        Check {
            name: Providers,
            outcome: check_providers(hub, observed),
        },
        Check {
            name: ResourceGroup,
            outcome: check_group(hub, observed),
        },
        Check {
            name: Name,
            outcome: check_name(observed),
        },
        Check {
            name: Identity,
            outcome: check_identities(hub, observed),
        },
        Check {
            name: AssociatedResources,
            outcome: associated::check(hub, observed),
        },
    ];
    if let ValidEncryption::CustomerManaged {
        vault,
        key,
        version,
        identity,
        ..
    } = &hub.encryption
    {
        checks.push(Check {
            name: Vault,
            outcome: vault_and_key::check_vault(hub, vault, tenant(identity, observed), observed),
        });
        // What would be in a vault that is not there is no second cause.
        if observed.vault != Fact::Absent {
            checks.push(Check {
                name: Key,
                outcome: vault_and_key::check_key(vault, key, version.as_ref(), observed, now),
            });
            checks.push(Check {
                name: Access,
                outcome: key_access::check(hub, vault, key, identity, observed),
            });
        }
    }
    checks.push(Check {
        name: Policy,
        outcome: limits::check_policy(hub, observed),
    });
    if hub.has_managed_group() {
        checks.push(Check {
            name: Quota,
            outcome: limits::check_quota(hub, observed),
        });
        checks.push(Check {
            name: Cost,
            outcome: Outcome::Passed {
                note: Some(bill(hub)),
            },
        });
    }
    checks
}

fn check_providers(hub: &ValidHub, observed: &Observed) -> Outcome {
    let mut missing = Vec::new();
    let mut unknown = None;
    for namespace in providers(hub) {
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
    let subscription = hub.id.subscription();
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

fn check_group(hub: &ValidHub, observed: &Observed) -> Outcome {
    match &observed.resource_group {
        Fact::Known(_) => Outcome::PASSED,
        Fact::Absent => Outcome::failed(
            Reason::ResourceGroupNotFound,
            &format!(
                "Resource group {} does not exist in subscription {}.",
                hub.id.resource_group(),
                hub.id.subscription()
            ),
            &[cure::create_group(
                hub.id.resource_group(),
                &hub.location,
                hub.id.subscription(),
            )],
        ),
        Fact::Unknown(why) => Outcome::unknown(why, false),
    }
}

/// Azure has no list of soft-deleted hubs, so that one of them holds the name is known only from the refusal.
fn check_name(observed: &Observed) -> Outcome {
    match &observed.hub {
        Fact::Known(_) | Fact::Absent => Outcome::PASSED,
        Fact::Unknown(why) => Outcome::unknown(why, true),
    }
}

fn check_identities(hub: &ValidHub, observed: &Observed) -> Outcome {
    let mut missing = Vec::new();
    let mut unknown = None;
    for id in &hub.user_assigned {
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
        .map(|id| cure::create_identity(id, &hub.location))
        .collect();
    Outcome::failed(
        Reason::IdentityNotFound,
        &format!("No such identity: {}. {OTHERWISE}", names.join(", ")),
        &commands,
    )
}

/// The fact about one identity of the spec.
pub(crate) fn identity<'a>(
    id: &ArmId,
    observed: &'a Observed,
) -> Option<&'a Fact<crate::observed::LiveIdentity>> {
    observed
        .identities
        .iter()
        .find(|(other, _)| other == id)
        .map(|(_, fact)| fact)
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
