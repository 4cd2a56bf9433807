//! What is read of and around an account, before and after it has its key.

use super::*;
use crate::name::KeyName;
use crate::needs::{AccessOf, Needs, needs};

const STORAGE: &str = "Microsoft.Storage/storageAccounts";

fn with_a_dependent(change: impl Fn(&mut Value)) -> Declared {
    account(|object| {
        object["spec"]["dependents"] = json!([{ "type": STORAGE, "resource": "data" }]);
        change(object);
    })
}

fn of_its_own(object: &mut Value) {
    object["spec"]["identity"] = json!({ "systemAssigned": true });
    object["spec"]["encryption"]["customerManagedKey"] = json!({ "vault": "corp-keys", "key": "ai-hub" });
}

/// What each pass over one with a key asks for.
fn of_the_key(access_of: AccessOf) -> Needs {
    Needs {
        key: true,
        vault: Some(id("Microsoft.KeyVault/vaults", "corp-keys")),
        key_name: Some(KeyName::parse("ai-hub").unwrap()),
        access: access_of != AccessOf::Nobody,
        access_of,
        ..Needs::nothing()
    }
}

#[test]
fn before_it_is_created_and_before_it_gets_its_key_all_is_read_that_a_check_asks_for() {
    let declared = with_a_dependent(of_its_own);
    let before = Needs {
        preflight: true,
        providers: &["Microsoft.CognitiveServices"],
        policy: true,
        ..of_the_key(AccessOf::Nobody)
    };
    let nothing = ResourceStatus::default();
    assert_eq!(
        needs(&declared, &nothing, false, &Fact::Absent),
        Needs {
            deleted: declared.kind.rules().deleted(&declared),
            ..before.clone()
        }
    );
    let have = live(&declared, None);
    let status = settled(&declared, &have);
    assert_eq!(
        needs(&declared, &status, false, &Fact::Known(have)),
        Needs {
            access: true,
            access_of: AccessOf::Principal("own".to_owned()),
            dependents: vec![id(STORAGE, "data")],
            ..before
        }
    );
}

#[test]
fn at_rest_the_key_is_read_and_the_dependents() {
    let declared = with_a_dependent(|_| {});
    let have = live(&declared, Some(FOLLOWED));
    let status = settled(&declared, &have);
    let observed = there(&declared, &status, have);
    assert_eq!(
        needs(&declared, &status, false, &observed.live),
        Needs {
            identities: declared.user_assigned.clone(),
            dependents: vec![id(STORAGE, "data")],
            ..of_the_key(AccessOf::UserAssigned(declared.user_assigned[0].clone()))
        }
    );
    let plain =
        with_a_dependent(|object| object["spec"]["encryption"] = json!({ "mode": "MicrosoftManaged" }));
    let have = live(&plain, None);
    let status = settled(&plain, &have);
    assert_eq!(
        needs(&plain, &status, false, &Fact::Known(have)),
        Needs {
            dependents: vec![id(STORAGE, "data")],
            ..Needs::nothing()
        }
    );
}
