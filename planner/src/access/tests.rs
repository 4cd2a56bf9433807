//! Rights by roles and by policies.

use super::*;
use crate::observed::Why;
use keyholder_crds::Reason;

const ROLE: &str = "/providers/Microsoft.Authorization/roleDefinitions/CRYPTO";
const VAULT: &str = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/corp-keys";

fn key() -> ArmId {
    ArmId::parse(&format!("{VAULT}/keys/ai-hub")).unwrap()
}

fn at(scope: &str) -> RoleAssignment {
    RoleAssignment {
        scope: scope.to_owned(),
        role_definition_id: ROLE.to_owned(),
        conditional: false,
    }
}

fn definitions(fact: Fact<RoleDefinition>) -> BTreeMap<String, Fact<RoleDefinition>> {
    BTreeMap::from([(ROLE.to_lowercase(), fact)])
}

fn role(permissions: &[(&[&str], &[&str])]) -> Fact<RoleDefinition> {
    let texts = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<String>>();
    Fact::Known(RoleDefinition {
        name: "role".to_owned(),
        permissions: permissions
            .iter()
            .map(|(actions, not)| (texts(actions), texts(not)))
            .collect(),
    })
}

fn all(fact: Fact<RoleDefinition>, assignments: &[RoleAssignment]) -> Right {
    by_roles(assignments, &definitions(fact), &key()).all()
}

const EVERYTHING: &[(&[&str], &[&str])] = &[(&[READ, WRAP, UNWRAP], &[])];

#[test]
fn a_role_counts_at_the_key_and_above_it() {
    for scope in [
        key().as_str(),
        VAULT,
        "/subscriptions/S/resourceGroups/rg",
        "/subscriptions/S",
        "/",
        "/providers/Microsoft.Management/managementGroups/corp",
    ] {
        assert_eq!(all(role(EVERYTHING), &[at(scope)]), Right::Held, "{scope}");
    }
    for scope in [
        &format!("{VAULT}/keys/other"),
        &format!("{VAULT}2"),
        "/subscriptions/S/resourceGroups/other",
    ] {
        assert_eq!(all(role(EVERYTHING), &[at(scope)]), Right::Missing, "{scope}");
    }
    assert_eq!(all(role(EVERYTHING), &[]), Right::Missing);
}

#[test]
fn each_right_stands_for_itself() {
    let table: [(&[&str], [Right; 3], &[&str]); 4] = [
        (
            &[READ],
            [Right::Held, Right::Missing, Right::Missing],
            &["wrap", "unwrap"],
        ),
        (
            &[READ, WRAP],
            [Right::Held, Right::Held, Right::Missing],
            &["unwrap"],
        ),
        (
            &[UNWRAP, WRAP],
            [Right::Missing, Right::Held, Right::Held],
            &["get"],
        ),
        (&[READ, WRAP, UNWRAP], [Right::Held; 3], &[]),
    ];
    for (actions, expected, missing) in table {
        let rights = by_roles(&[at(VAULT)], &definitions(role(&[(actions, &[])])), &key());
        assert_eq!([rights.get, rights.wrap, rights.unwrap], expected);
        assert_eq!(rights.missing(), missing);
        let all = if missing.is_empty() {
            Right::Held
        } else {
            Right::Missing
        };
        assert_eq!(rights.all(), all);
    }
}

#[test]
fn what_a_permission_excepts_it_does_not_allow() {
    let except = role(&[(&["*"], &["Microsoft.KeyVault/vaults/keys/wrap/action"])]);
    let rights = by_roles(&[at(VAULT)], &definitions(except), &key());
    assert_eq!(rights.missing(), ["wrap"]);
    // Another permission of the same role may allow it all the same.
    let both = role(&[(&["*"], &[WRAP]), (&[WRAP], &[])]);
    assert_eq!(all(both, &[at(VAULT)]), Right::Held);
}

#[test]
fn what_cannot_be_decided_is_unknown() {
    let conditional = RoleAssignment {
        conditional: true,
        ..at(VAULT)
    };
    assert_eq!(
        all(role(EVERYTHING), std::slice::from_ref(&conditional)),
        Right::Unknown
    );
    assert_eq!(all(role(&[]), std::slice::from_ref(&conditional)), Right::Missing);
    assert_eq!(all(role(EVERYTHING), &[conditional, at(VAULT)]), Right::Held);
    let unreadable = Fact::Unknown(Why {
        reason: Reason::Throttled,
        message: String::new(),
        retry_at: None,
    });
    assert_eq!(all(unreadable, &[at(VAULT)]), Right::Unknown);
    assert_eq!(all(Fact::Absent, &[at(VAULT)]), Right::Missing);
    assert_eq!(
        by_roles(&[at(VAULT)], &BTreeMap::new(), &key()).all(),
        Right::Unknown
    );
}

#[test]
fn a_wildcard_stands_for_any_text() {
    for pattern in [
        "*",
        "Microsoft.KeyVault/*",
        "*/action",
        "microsoft.keyvault/VAULTS/keys/*/action",
        "*/keys/*",
        "Microsoft.KeyVault/vaults/keys/wrap/action",
        "Microsoft.KeyVault/vaults/keys/wrap/action*",
        "*Microsoft.KeyVault/**wrap*",
    ] {
        assert!(matches(pattern, WRAP), "{pattern}");
    }
    for pattern in [
        "",
        "Microsoft.KeyVault",
        "Microsoft.KeyVault/vaults/keys/wrap/action/",
        "*/read",
        "*/secrets/*/action",
        "Microsoft.Storage/*",
        "*/unwrap/*",
        "*/action/*/wrap/*",
        "Microsoft.KeyVault/vaults/keys/wrap/actions*",
    ] {
        assert!(!matches(pattern, WRAP), "{pattern}");
    }
}

#[test]
fn policies_count_for_their_principal_alone() {
    let policy = |object: &str, keys: &[&str]| AccessPolicy {
        object_id: object.to_owned(),
        keys: keys.iter().map(|one| (*one).to_owned()).collect(),
    };
    let policies = [
        policy("Me", &["Get", "WRAPKEY"]),
        policy("other", &["unwrapKey"]),
        policy("boss", &["All"]),
    ];
    let mine = by_policies(&policies, "me");
    assert_eq!(
        [mine.get, mine.wrap, mine.unwrap],
        [Right::Held, Right::Held, Right::Missing]
    );
    assert_eq!(by_policies(&policies, "boss").all(), Right::Held);
    assert_eq!(
        by_policies(&policies, "nobody").missing(),
        ["get", "wrap", "unwrap"]
    );
}
