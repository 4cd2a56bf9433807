use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::*;

fn account(name: &str, namespaces: &str) -> ServiceAccount {
    let annotations = BTreeMap::from(
        [
            (NAMESPACES_ANNOTATION, namespaces),
            (CLIENT_ID_ANNOTATION, "client"),
            (TENANT_ID_ANNOTATION, "tenant"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    ServiceAccount {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        ..ServiceAccount::default()
    }
}

#[test]
fn the_one_account_that_lists_the_namespace_serves_it() {
    let accounts = [account("a", "one, two"), account("b", "three")];
    assert_eq!(
        choose(accounts.iter(), "two", "home").unwrap().service_account,
        "a"
    );
}

#[test]
fn a_namespace_is_matched_whole() {
    let accounts = [account("a", "team-one")];
    let why = choose(accounts.iter(), "team", "home").unwrap_err();
    assert_eq!(why.reason, Reason::NoIdentity);
    assert!(
        why.message.contains("kubectl -n home annotate"),
        "{}",
        why.message
    );
}

#[test]
fn two_accounts_for_one_namespace_are_not_guessed_between() {
    let accounts = [account("b", "*"), account("a", "one")];
    let why = choose(accounts.iter(), "one", "home").unwrap_err();
    assert!(why.message.contains("a, b"), "{}", why.message);
}

#[test]
fn an_account_without_client_id_is_named() {
    let mut lacking = account("a", "one");
    lacking.annotations_mut().remove(CLIENT_ID_ANNOTATION);
    let why = choose([lacking].iter(), "one", "home").unwrap_err();
    assert!(why.message.contains(CLIENT_ID_ANNOTATION), "{}", why.message);
}
