//! Verdicts and the history of keys.

use super::*;
use crate::fixtures::*;
use crate::observed::Observed;
use crate::transition::Refusal;
use keyholder_crds::PreflightCheckName;
use strum::IntoEnumIterator;

#[test]
fn what_heals_by_itself_is_not_stalled() {
    let own: Vec<Reason> = Reason::iter().filter(|reason| !needs_somebody(*reason)).collect();
    use Reason::*;
    assert_eq!(
        own,
        [
            Pending,
            AllConditionsMet,
            NoForbiddenChange,
            ChecksPassed,
            Succeeded,
            KeyInUse,
            FollowedByService,
            Inherited,
            MicrosoftManagedKey,
            KeyUsable,
            KeyExpiringSoon,
            RotationPolicyMissing,
            Complete,
            AccessPropagating,
            ParentNotFound,
            ParentNotReady,
            Creating,
            Updating,
            Deleting,
            ProvisioningFailed,
            Throttled,
            HasProjects,
            AzureUnreachable,
            AzureAnswerInvalid,
            EncryptionPending,
            KindChanged,
            RotationPending,
            KeyMismatch,
            Unverifiable,
            ResourceUnhealthy,
            ForeignResource,
            OtherKey,
            AllEncrypted,
            AuditFinding,
            Unreadable,
            Granted,
            BillableResources,
            Created,
            Updated,
            KeyChanged,
            Deleted,
            Retained,
        ]
    );
}

#[test]
fn a_verdict_knows_whether_somebody_must_act() {
    assert!(!Verdict::yes(Reason::AccessLost, "").stalled);
    assert!(Verdict::no(Reason::AccessLost, "").stalled);
    assert!(Verdict::unknown(Reason::CredentialRejected, "").stalled);
    assert!(!Verdict::no(Reason::KeyMismatch, "").stalled);
    assert!(Verdict::no(Reason::KeyMismatch, "").stalled().stalled);
    assert_eq!(
        [Truth::True, Truth::False, Truth::Unknown].map(Truth::as_str),
        ["True", "False", "Unknown"]
    );
}

#[test]
fn every_refusal_is_told_under_the_reason_of_the_first() {
    let refusal = |reason, message: &str| Refusal {
        reason,
        path: "spec",
        message: message.to_owned(),
    };
    let verdict = transition(&[
        refusal(Reason::VaultSwitchForbidden, "one"),
        refusal(Reason::ImmutableFieldChanged, "two"),
    ]);
    assert_eq!(
        (verdict.status, verdict.reason, verdict.message.as_str()),
        (Truth::False, Reason::VaultSwitchForbidden, "one\ntwo")
    );
    assert_eq!(transition(&[]).reason, Reason::NoForbiddenChange);
}

#[test]
fn checks_block_by_failure_before_ignorance() {
    let check = |outcome| Check {
        name: PreflightCheckName::Key,
        outcome,
    };
    let failed = |reason, message: &str| {
        check(Outcome::Failed {
            reason,
            message: message.to_owned(),
        })
    };
    let unknown = |blocks, retry: Option<i64>| {
        check(Outcome::Unknown {
            why: Why {
                reason: Reason::Throttled,
                message: "later".to_owned(),
                retry_at: retry.map(at_second),
            },
            blocks,
        })
    };
    let passed = check(Outcome::Passed { note: None });
    let (verdict, blocked) = prerequisites(&[passed.clone(), unknown(false, Some(9))]);
    assert_eq!(
        (verdict.status, verdict.reason, blocked),
        (Truth::True, Reason::ChecksPassed, false)
    );
    let (verdict, blocked) = prerequisites(&[passed, unknown(true, None)]);
    assert_eq!(
        (verdict.status, verdict.reason, blocked),
        (Truth::Unknown, Reason::Throttled, true)
    );
    let (verdict, blocked) = prerequisites(&[
        unknown(true, None),
        failed(Reason::KeyNotFound, "a"),
        failed(Reason::AccessMissing, "b"),
    ]);
    assert_eq!(
        (verdict.reason, verdict.message.as_str(), blocked),
        (Reason::KeyNotFound, "a\nb", true)
    );
    let all = [
        unknown(false, Some(9)),
        unknown(true, Some(3)),
        unknown(true, Some(5)),
        unknown(true, None),
    ];
    assert_eq!(retry_of(&all), Some(at_second(5)));
    assert_eq!(retry_of(&[]), None);
}

#[test]
fn each_judged_condition_has_its_opinion() {
    let mut judgement = Judgement::kept(&ResourceStatus::default());
    let verdict = |text: &str| Opinion::Is(Verdict::yes(Reason::Complete, text));
    judgement.transition = verdict("TransitionAllowed");
    judgement.prerequisites = verdict("PrerequisitesMet");
    judgement.provisioned = verdict("Provisioned");
    judgement.key_applied = verdict("KeyApplied");
    judgement.key_healthy = verdict("KeyHealthy");
    judgement.managed_group = verdict("ManagedResourceGroupHealthy");
    judgement.dependents_encrypted = verdict("DependentsEncrypted");
    for of in ConditionType::iter() {
        match judgement.opinion(of) {
            Some(Opinion::Is(verdict)) => assert_eq!(verdict.message, of.to_string()),
            other => {
                assert_eq!(other, None);
                assert!(
                    matches!(
                        of,
                        ConditionType::Ready | ConditionType::Reconciling | ConditionType::Stalled
                    ),
                    "{of}"
                );
            }
        }
    }
}

#[test]
fn stored_conditions_are_found() {
    let (_, status) = ready_hub();
    assert!(was(&status, ConditionType::Ready, Truth::True));
    assert!(!was(&status, ConditionType::Ready, Truth::False));
    assert!(!was(&status, ConditionType::Stalled, Truth::True));
    assert_eq!(
        stored_reason(&status, ConditionType::KeyApplied),
        Some(Reason::KeyInUse)
    );
    assert_eq!(stored_reason(&status, ConditionType::Stalled), None);
}

#[test]
fn the_history_of_keys_grows_and_never_shrinks() {
    let (hub, status) = ready_hub();
    let observed = Observed::nothing();
    let first = status.encryption.clone().unwrap();
    assert_eq!(first.mode, EncryptionMode::CustomerManaged);
    assert_eq!(first.key_identifier.as_deref(), Some(KEY));
    assert_eq!(first.version.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(first.applied_at, Some(Time(at_second(20))));
    assert_eq!(first.versions.len(), 1);

    // The same key in another case, later: nothing moves, and the newest version known is kept.
    let input = input(&hub, &status, &observed, 500);
    let mut seen = live(&hub, "Succeeded");
    seen.encryption.as_mut().unwrap().key = KeyIdentifier::parse(&KEY.to_uppercase()).unwrap();
    assert_eq!(encryption(&input, &seen, None), first);

    let next = KeyIdentifier::parse(NEXT_KEY).unwrap();
    seen.encryption.as_mut().unwrap().key = next.clone();
    let changed = encryption(&input, &seen, Some(&next));
    assert_eq!(changed.key_identifier.as_deref(), Some(NEXT_KEY));
    assert_eq!(changed.applied_at, Some(Time(at_second(500))));
    assert_eq!(
        changed.latest_version.as_deref(),
        Some("fedcba9876543210fedcba9876543210")
    );
    let history: Vec<(&str, &Time)> = changed
        .versions
        .iter()
        .map(|one| (one.key_identifier.as_str(), &one.history_since))
        .collect();
    assert_eq!(
        history,
        [(KEY, &Time(at_second(20))), (NEXT_KEY, &Time(at_second(500)))]
    );

    seen.encryption = None;
    let plain = encryption(&input, &seen, None);
    assert_eq!(
        (plain.mode, plain.key_identifier, plain.applied_at),
        (EncryptionMode::MicrosoftManaged, None, None)
    );
    assert_eq!(plain.versions, first.versions);
}

#[test]
fn what_was_noted_binds_before_what_azure_has() {
    let (hub, mut status) = ready_hub();
    let observed = Observed::nothing();
    let mut seen = live(&hub, "Succeeded");
    seen.location = crate::name::Location::parse("eastus").unwrap();
    assert_eq!(
        bound(&input(&hub, &status, &observed, 0), &seen, None).location,
        "westeurope"
    );
    status.bound = None;
    assert_eq!(
        bound(&input(&hub, &status, &observed, 0), &seen, None).location,
        "eastus"
    );
}
