use super::*;

const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";
const ROLE: &str = "e147488a-f6f5-4113-8e2d-b22465e65bf6";

/// The form that Azure's portal writes for "constrain roles and principal types".
const CONSTRAINED: &str = "(
 (
  !(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})
 )
 OR
 (
  @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {e147488a-f6f5-4113-8e2d-b22465e65bf6, 12338af0-0e69-4776-bea7-57ae8d297424}
  AND
  @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}
 )
)
AND
(
 (
  !(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})
 )
 OR
 (
  @Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {e147488a-f6f5-4113-8e2d-b22465e65bf6}
 )
)";

fn of(role: &str, kind: &str) -> Assigned {
    Assigned {
        role: Some(role.to_owned()),
        principal: Some("p".to_owned()),
        principal_type: Some(kind.to_owned()),
    }
}

fn writes(role: &str, kind: &str) -> bool {
    let attributes = Attributes {
        request: of(role, kind),
        resource: Assigned::default(),
    };
    admits(CONSTRAINED, WRITE, &attributes)
}

#[test]
fn a_constrained_granter_gives_its_roles_to_service_principals() {
    assert!(writes(ROLE, "ServicePrincipal"));
    assert!(writes(&ROLE.to_uppercase(), "serviceprincipal"));
    assert!(writes("12338af0-0e69-4776-bea7-57ae8d297424", "ServicePrincipal"));
    assert!(!writes(ROLE, "User"));
    assert!(!writes(
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "ServicePrincipal"
    ));
}

#[test]
fn a_delete_is_judged_by_what_is_there() {
    let deletes = |role: &str| {
        let attributes = Attributes {
            request: Assigned::default(),
            resource: of(role, "User"),
        };
        admits(CONSTRAINED, DELETE, &attributes)
    };
    assert!(deletes(ROLE));
    assert!(!deletes("12338af0-0e69-4776-bea7-57ae8d297424"));
}

#[test]
fn other_actions_are_not_touched() {
    assert!(admits(
        CONSTRAINED,
        "Microsoft.Authorization/roleAssignments/read",
        &Attributes::default()
    ));
    assert!(!admits(CONSTRAINED, WRITE, &Attributes::default()));
}

#[test]
fn what_is_not_understood_grants_nothing() {
    for condition in [
        "",
        "(",
        "ActionMatches{'*'",
        "@Principal[x:y] StringEquals 'z'",
        "ActionMatches{'*'} XOR ActionMatches{'*'}",
        "ActionMatches{'*'} OR @Request[Microsoft.Storage/x:y] StringEquals 'z'",
        "ActionMatches{'*'} OR Exists @Request[x]",
        "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] Like 'S*'",
    ] {
        assert!(!admits(condition, WRITE, &Attributes::default()), "{condition}");
    }
    assert!(admits("ActionMatches{'*'}", WRITE, &Attributes::default()));
}

#[test]
fn negative_comparisons() {
    let attributes = Attributes {
        request: of(ROLE, "User"),
        resource: Assigned::default(),
    };
    let one = "Microsoft.Authorization/roleAssignments";
    for (text, holds) in [
        (format!("@Request[{one}:PrincipalId] StringEquals 'p'"), true),
        (format!("@Request[{one}:PrincipalId] StringEquals 'P'"), false),
        (format!("@Request[{one}:PrincipalId] StringNotEquals 'P'"), true),
        (
            format!("@Request[{one}:RoleDefinitionId] ForAnyOfAllValues:GuidNotEquals {{{ROLE}}}"),
            false,
        ),
        (
            format!("NOT @Request[{one}:PrincipalType] StringEqualsIgnoreCase 'user'"),
            false,
        ),
        (format!("@Resource[{one}:PrincipalId] StringNotEquals 'P'"), false),
    ] {
        assert_eq!(admits(&text, WRITE, &attributes), holds, "{text}");
    }
}
