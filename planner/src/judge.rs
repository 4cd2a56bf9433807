//! What is thought of a hub: a verdict for each condition, and the facts for its status.
//!
//! Invariant: a verdict rests on what was read. Where nothing was learned the stored condition is kept.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use keyholder_crds::{
    AccessGrant, AgentCoverage, Bound, ComputeEncryption, ConditionType, DependentStatus, EncryptionMode,
    EncryptionStatus, KeyVersionStatus, ManagedResourceGroupStatus, Operation, OperationKind, PreflightCheck,
    Reason, ResourceStatus,
};

use crate::name::KeyIdentifier;
use crate::observed::{Live, Why};
use crate::plan::Input;
use crate::preflight::{Check, Outcome};
use crate::time::second;
use crate::transition::{self, Refusal};

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It is not known.
    Unknown,
}

impl Truth {
    /// As Kubernetes writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// A verdict on one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds.
    pub status: Truth,
    /// Why.
    pub reason: Reason,
    /// For people: what is the matter and what to do.
    pub message: String,
    /// Whether it cannot heal without somebody acting.
    pub stalled: bool,
}

impl Verdict {
    /// It holds.
    #[must_use]
    pub fn yes(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            status: Truth::True,
            reason,
            message: message.into(),
            stalled: false,
        }
    }

    /// It does not hold; whether somebody must act follows from the reason.
    #[must_use]
    pub fn no(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            status: Truth::False,
            reason,
            message: message.into(),
            stalled: needs_somebody(reason),
        }
    }

    /// It is not known; whether somebody must act follows from the reason.
    #[must_use]
    pub fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            status: Truth::Unknown,
            reason,
            message: message.into(),
            stalled: needs_somebody(reason),
        }
    }

    /// Not known for this cause.
    #[must_use]
    pub fn unknown_why(why: &Why) -> Self {
        Self::unknown(why.reason, why.message.clone())
    }

    /// The same, with somebody having to act.
    #[must_use]
    pub fn stalled(self) -> Self {
        Self {
            stalled: true,
            ..self
        }
    }
}

/// Whether a cause stays until somebody acts.
#[must_use]
pub fn needs_somebody(reason: Reason) -> bool {
    use Reason::{
        AccessLost, AccessMissing, AdoptionRefused, AssociatedResourceNotFound, CredentialRejected,
        DataLocationSwitchForbidden, DeletedInAzure, DependentUnsuitable, HsmNotActivated, IdentityNotFound,
        ImmutableFieldChanged, InvalidSpec, Irreversible, KeyDeleted, KeyDisabled, KeyExpired, KeyNotFound,
        KeyUnsuitable, Locked, Missing, ModeSwitchForbidden, NameReserved, NoIdentity, NotEncrypted,
        NotOwned, ObservedOnly, OperatorNotAuthorized, ParentUnsuitable, PolicyDenied, PolicyModifies,
        ProviderNotRegistered, PurgeProtectionDisabled, QuotaExceeded, RegionMismatch, ResourceGroupNotFound,
        ResourceMissing, SoftDeleteDisabled, Suspended, TenantMismatch, TransitionUnverified, Undecodable,
        VaultBlocksTrustedServices, VaultNotFound, VaultSwitchForbidden, WriteIgnored,
    };
    matches!(
        reason,
        AccessLost
            | AccessMissing
            | AdoptionRefused
            | AssociatedResourceNotFound
            | CredentialRejected
            | DataLocationSwitchForbidden
            | DeletedInAzure
            | DependentUnsuitable
            | HsmNotActivated
            | IdentityNotFound
            | ImmutableFieldChanged
            | InvalidSpec
            | Irreversible
            | KeyDeleted
            | KeyDisabled
            | KeyExpired
            | KeyNotFound
            | KeyUnsuitable
            | Locked
            | Missing
            | ModeSwitchForbidden
            | NameReserved
            | NoIdentity
            | NotEncrypted
            | NotOwned
            | ObservedOnly
            | Suspended
            | OperatorNotAuthorized
            | ParentUnsuitable
            | PolicyDenied
            | PolicyModifies
            | ProviderNotRegistered
            | PurgeProtectionDisabled
            | QuotaExceeded
            | RegionMismatch
            | ResourceGroupNotFound
            | ResourceMissing
            | SoftDeleteDisabled
            | TenantMismatch
            | TransitionUnverified
            | Undecodable
            | VaultBlocksTrustedServices
            | VaultNotFound
            | VaultSwitchForbidden
            | WriteIgnored
    )
}

/// Whether a reason of a True condition warns of something.
#[must_use]
pub fn is_warning(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::AuditFinding
            | Reason::ForeignResource
            | Reason::KeyExpiringSoon
            | Reason::KindChanged
            | Reason::OtherKey
            | Reason::RotationPolicyMissing
    )
}

/// What a pass thinks of one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// Nothing new: the stored condition stands.
    Keep,
    /// The condition does not apply: it is not shown.
    NotApplicable,
    /// This.
    Is(Verdict),
}

/// Everything that a pass thinks and knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// TransitionAllowed.
    pub transition: Opinion,
    /// PrerequisitesMet.
    pub prerequisites: Opinion,
    /// Provisioned.
    pub provisioned: Opinion,
    /// KeyApplied.
    pub key_applied: Opinion,
    /// KeyHealthy.
    pub key_healthy: Opinion,
    /// ManagedResourceGroupHealthy.
    pub managed_group: Opinion,
    /// DependentsEncrypted.
    pub dependents_encrypted: Opinion,
    /// The checks before creation; `None` when they were not made.
    pub preflight: Option<Vec<PreflightCheck>>,
    /// ARM id of the hub, once seen.
    pub resource_id: Option<String>,
    /// What the object is bound to.
    pub bound: Option<Bound>,
    /// Encryption as Azure has it.
    pub encryption: Option<EncryptionStatus>,
    /// What the disks of its compute are encrypted with.
    pub compute_encryption: Option<ComputeEncryption>,
    /// The managed resource group as Azure has it.
    pub managed_resource_group: Option<ManagedResourceGroupStatus>,
    /// What is known of the dependents.
    pub dependents: Vec<DependentStatus>,
    /// Where what its agents keep lies.
    pub agent_coverage: Option<AgentCoverage>,
    /// The write that is under way, when no other is made.
    pub operation: Option<Operation>,
    /// The access that Keyholder gave.
    pub access_grant: Option<AccessGrant>,
}

impl Judgement {
    /// Nothing new against the stored status.
    #[must_use]
    pub fn kept(status: &ResourceStatus) -> Self {
        Self {
            transition: Opinion::Keep,
            prerequisites: Opinion::Keep,
            provisioned: Opinion::Keep,
            key_applied: Opinion::Keep,
            key_healthy: Opinion::Keep,
            managed_group: Opinion::Keep,
            dependents_encrypted: Opinion::Keep,
            preflight: None,
            resource_id: status.resource_id.clone(),
            bound: status.bound.clone(),
            encryption: status.encryption.clone(),
            compute_encryption: status.compute_encryption.clone(),
            managed_resource_group: status.managed_resource_group.clone(),
            dependents: status.dependents.clone(),
            agent_coverage: status.agent_coverage.clone(),
            operation: status.operation.clone(),
            access_grant: status.access_grant.clone(),
        }
    }

    /// The opinion on a condition; those that are derived have none.
    #[must_use]
    pub fn opinion(&self, of: ConditionType) -> Option<&Opinion> {
        match of {
            ConditionType::TransitionAllowed => Some(&self.transition),
            ConditionType::PrerequisitesMet => Some(&self.prerequisites),
            ConditionType::Provisioned => Some(&self.provisioned),
            ConditionType::KeyApplied => Some(&self.key_applied),
            ConditionType::KeyHealthy => Some(&self.key_healthy),
            ConditionType::ManagedResourceGroupHealthy => Some(&self.managed_group),
            ConditionType::DependentsEncrypted => Some(&self.dependents_encrypted),
            ConditionType::Ready | ConditionType::Reconciling | ConditionType::Stalled => None,
        }
    }
}

/// The stored condition of a type, if there is one.
#[must_use]
pub fn stored(
    status: &ResourceStatus,
    of: ConditionType,
) -> Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    let name: &str = of.into();
    status.conditions.iter().find(|condition| condition.type_ == name)
}

/// Whether the stored condition has this status.
#[must_use]
pub fn was(status: &ResourceStatus, of: ConditionType, truth: Truth) -> bool {
    stored(status, of).is_some_and(|condition| condition.status == truth.as_str())
}

/// The reason of the stored condition.
#[must_use]
pub fn stored_reason(status: &ResourceStatus, of: ConditionType) -> Option<Reason> {
    stored(status, of).and_then(|condition| condition.reason.parse().ok())
}

/// The verdict on TransitionAllowed.
#[must_use]
pub fn transition(refusals: &[Refusal]) -> Verdict {
    match refusals.first() {
        None => Verdict::yes(
            Reason::NoForbiddenChange,
            "The spec asks for nothing that Azure forbids.",
        ),
        Some(first) => {
            let messages: Vec<&str> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
            Verdict::no(first.reason, messages.join("\n"))
        }
    }
}

/// The verdict on PrerequisitesMet, and whether nothing may be created.
#[must_use]
pub fn prerequisites(checks: &[Check]) -> (Verdict, bool) {
    let mut failures = checks.iter().filter_map(|check| match &check.outcome {
        Outcome::Failed { reason, message } => Some((*reason, message.as_str())),
        Outcome::Passed { .. } | Outcome::Unknown { .. } => None,
    });
    if let Some((reason, first)) = failures.next() {
        let rest = failures.map(|(_, message)| message);
        let messages: Vec<&str> = std::iter::once(first).chain(rest).collect();
        return (Verdict::no(reason, messages.join("\n")), true);
    }
    let blocking = checks.iter().find_map(|check| match &check.outcome {
        Outcome::Unknown { why, blocks: true } => Some(why),
        _ => None,
    });
    match blocking {
        Some(why) => (Verdict::unknown_why(why), true),
        None => (
            Verdict::yes(Reason::ChecksPassed, "Every check before creation passed."),
            false,
        ),
    }
}

/// When what preflight could not find out may be asked again.
#[must_use]
pub fn retry_of(checks: &[Check]) -> Option<jiff::Timestamp> {
    checks
        .iter()
        .filter_map(|check| match &check.outcome {
            Outcome::Unknown { why, blocks: true } => why.retry_at,
            _ => None,
        })
        .max()
}

/// Encryption as Azure has it, with the history that the stored status knows.
#[must_use]
pub fn encryption(input: &Input<'_>, live: &Live, latest: Option<&KeyIdentifier>) -> EncryptionStatus {
    let stored = input.status.encryption.as_ref();
    let mut versions = stored.map(|stored| stored.versions.clone()).unwrap_or_default();
    let Some(encryption) = &live.encryption else {
        return EncryptionStatus {
            mode: EncryptionMode::MicrosoftManaged,
            key_identifier: None,
            version: None,
            applied_at: None,
            latest_version: None,
            versions,
        };
    };
    let is = |text: &str, key: &KeyIdentifier| KeyIdentifier::parse(text).is_ok_and(|other| other == *key);
    let same = |text: &str| is(text, &encryption.key);
    let now = Time(second(input.now));
    // Of a key that the service follows it does not tell the version: each that was the newest may be in use.
    let of_this_key = latest.filter(|latest| latest.same_key(&encryption.key));
    let used = encryption.key.version().map(|_| &encryption.key).or(of_this_key);
    if let Some(used) = used
        && !versions.iter().any(|version| is(&version.key_identifier, used))
    {
        versions.push(KeyVersionStatus {
            key_identifier: used.as_str().to_owned(),
            history_since: now.clone(),
        });
    }
    let unchanged = stored.filter(|stored| stored.key_identifier.as_deref().is_some_and(same));
    EncryptionStatus {
        mode: EncryptionMode::CustomerManaged,
        key_identifier: Some(
            unchanged
                .and_then(|stored| stored.key_identifier.clone())
                .unwrap_or_else(|| encryption.key.as_str().to_owned()),
        ),
        version: encryption.key.version().map(ToString::to_string),
        applied_at: unchanged
            .and_then(|stored| stored.applied_at.clone())
            .or(Some(now)),
        latest_version: latest
            .and_then(KeyIdentifier::version)
            .map(ToString::to_string)
            .or_else(|| stored.and_then(|stored| stored.latest_version.clone())),
        versions,
    }
}

/// What the object is bound to once its resource is there: what was noted, or else what Azure has. Where the mode can change, it is
/// what Azure has as soon as no change is under way. `operation`: what is.
#[must_use]
pub fn bound(input: &Input<'_>, live: &Live, operation: Option<&Operation>) -> Bound {
    let kind = &input.declared.kind;
    let noted = input.status.bound.as_ref();
    let noted = noted.filter(|_| !kind.rules().encrypts_later() || changes_key(operation));
    let mut bound = noted
        .cloned()
        .unwrap_or_else(|| transition::of_live(kind, live, &transition::of_declared(input.declared)));
    if !operation.is_some_and(|operation| operation.state.may_have_effect()) {
        kind.rules().rebind(live, &mut bound);
    }
    bound
}

/// Whether a write that changes the encryption may still have effect.
fn changes_key(operation: Option<&Operation>) -> bool {
    operation.is_some_and(|operation| {
        matches!(operation.kind, OperationKind::Create | OperationKind::ChangeKey)
            && operation.state.may_have_effect()
    })
}

#[cfg(test)]
mod tests;
