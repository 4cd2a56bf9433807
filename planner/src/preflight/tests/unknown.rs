//! What is not known, what is known only later, and who unwraps.

use super::*;

/// What is not known blocks only where a wrong guess could not be undone.
#[test]
fn what_is_not_known_blocks_only_what_cannot_be_undone() {
    use PreflightCheckName as P;
    type Change = fn(&mut Observed);
    let table: [(Change, P, bool); 13] = [
        (
            |o| {
                o.providers
                    .insert("Microsoft.Search".to_owned(), Fact::Unknown(why("x")));
            },
            P::Providers,
            false,
        ),
        (|o| o.providers.clear(), P::Providers, false),
        (
            |o| o.resource_group = Fact::Unknown(why("x")),
            P::ResourceGroup,
            false,
        ),
        (|o| o.live = Fact::Unknown(why("x")), P::Name, true),
        (|o| o.identities[0].1 = Fact::Unknown(why("x")), P::Identity, true),
        (|o| o.identities.clear(), P::Identity, true),
        (|o| o.identities.clear(), P::Access, true),
        (
            |o| o.associated[0].1 = Fact::Unknown(why("x")),
            P::AssociatedResources,
            false,
        ),
        (|o| o.associated.clear(), P::AssociatedResources, false),
        (|o| o.vault = Fact::Unknown(why("x")), P::Vault, true),
        (|o| o.key = Fact::Unknown(why("x")), P::Key, true),
        (|o| o.vault = Fact::Unknown(why("x")), P::Access, true),
        (|o| o.role_assignments = Fact::Unknown(why("x")), P::Access, true),
    ];
    for (change, check, expected) in table {
        let checks = run_with(change);
        let Outcome::Unknown { blocks, .. } = outcome(&checks, check) else {
            panic!("{check}: {checks:?}")
        };
        assert_eq!(*blocks, expected, "{check}");
        let status = checks.iter().find(|one| one.name == check).unwrap().to_status();
        assert_eq!(status.result, CheckResult::Unknown);
        assert!(status.message.is_some());
        assert_eq!(crate::judge::prerequisites(&checks).1, expected, "{check}");
    }
}

#[test]
fn a_condition_on_a_role_assignment_is_told_and_does_not_block() {
    let checks = run_with(|observed| {
        let Fact::Known(assignments) = &mut observed.role_assignments else {
            panic!()
        };
        assignments[0].conditional = true;
    });
    let Outcome::Unknown { why, blocks } = outcome(&checks, PreflightCheckName::Access) else {
        panic!()
    };
    assert_eq!((why.reason, *blocks), (Reason::Unverifiable, false));
    assert!(
        why.message.contains("az role assignment create"),
        "{}",
        why.message
    );
}

#[test]
fn access_policies_count_where_the_vault_has_no_rbac() {
    let checks = run_with(|observed| {
        vault(observed).permissions = Permissions::Policies(vec![AccessPolicy {
            object_id: "principal".to_owned(),
            keys: ["get", "wrapKey", "unwrapKey"].map(str::to_owned).to_vec(),
        }]);
        observed.role_assignments = Fact::Known(Vec::new());
    });
    assert!(matches!(
        outcome(&checks, PreflightCheckName::Access),
        Outcome::Passed { .. }
    ));
}

#[test]
fn a_policy_of_somebody_else_may_be_a_groups() {
    let of = |keys: &[&str]| AccessPolicy {
        object_id: "somebody".to_owned(),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
    };
    let access = |policy: AccessPolicy| {
        let checks = run_with(|observed| {
            vault(observed).permissions = Permissions::Policies(vec![policy.clone()]);
        });
        outcome(&checks, PreflightCheckName::Access).clone()
    };
    let Outcome::Unknown { why, blocks: false } = access(of(&["Get", "WrapKey", "UnwrapKey"])) else {
        panic!()
    };
    assert_eq!(why.reason, Reason::Unverifiable);
    assert!(why.message.contains("az keyvault set-policy"), "{}", why.message);
    let few = access(of(&["get", "wrapKey"]));
    assert!(
        matches!(
            few,
            Outcome::Failed {
                reason: Reason::AccessMissing,
                ..
            }
        ),
        "{few:?}"
    );
}

#[test]
fn the_hubs_own_identity_is_checked_later() {
    let mut object = object("Delete");
    object.spec.identity.system_assigned = Some(true);
    object
        .spec
        .encryption
        .customer_managed_key
        .as_mut()
        .unwrap()
        .identity = None;
    let hub = object.validate("owner", None).unwrap();
    let mut observed = ready_for_creation(&hub);
    vault(&mut observed).tenant_id = "of nobody".to_owned();
    let checks = run(&hub, &observed, Before::Creation, at_second(0));
    let Outcome::Unknown { why, blocks } = outcome(&checks, PreflightCheckName::Access) else {
        panic!()
    };
    assert_eq!((why.reason, *blocks), (Reason::Unverifiable, false));
    assert_eq!(outcome(&checks, PreflightCheckName::Vault), &Outcome::PASSED);
}

#[test]
fn the_principal_that_unwraps_is_found_where_it_is() {
    let hub = hub();
    let observed = ready_for_creation(&hub);
    let mut live = live(&hub, "Succeeded");
    let user = KeyUser::UserAssigned(hub.user_assigned[0].clone());
    assert_eq!(principal(&user, Some(&live), &observed), Some("principal"));
    assert_eq!(principal(&user, Some(&live), &Observed::nothing()), None);
    assert_eq!(principal(&KeyUser::SystemAssigned, Some(&live), &observed), None);
    live.system_assigned_principal = Some("own".to_owned());
    assert_eq!(
        principal(&KeyUser::SystemAssigned, Some(&live), &observed),
        Some("own")
    );
    let other = LiveIdentity {
        principal_id: "other".to_owned(),
        tenant_id: "tenant".to_owned(),
        client_id: "client".to_owned(),
    };
    let mut two = observed;
    two.identities.insert(
        0,
        (
            id("Microsoft.ManagedIdentity/userAssignedIdentities", "other"),
            Fact::Known(other),
        ),
    );
    assert_eq!(principal(&user, Some(&live), &two), Some("principal"));
}

#[test]
fn what_no_source_settles_is_said_before_what_is_missing() {
    let told = unsettled("hub", "the principal lacks unwrap");
    assert!(told.starts_with("No source settles whether"), "{told}");
    assert!(
        told.ends_with("this is missing: the principal lacks unwrap"),
        "{told}"
    );
}
