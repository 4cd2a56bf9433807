//! Every mistake in a spec is told with its field.

use keyholder_crds::{CustomerManagedKey, ResourceStatus};
use serde_json::{Value, json};

use keyholder_crds::{AIHub, EncryptionMode};

use super::*;
use crate::fixtures::*;

mod dependents;

/// The object with one field set (or removed, by null).
fn with(path: &str, value: Value) -> AIHub {
    let mut json = serde_json::to_value(object("Delete")).unwrap();
    let (parent, field) = path.rsplit_once('/').unwrap();
    let parent = json.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(field).unwrap();
    } else {
        parent.insert(field.to_owned(), value);
    }
    serde_json::from_value(json).unwrap()
}

fn errors(hub: &AIHub) -> Vec<FieldError> {
    hub.validate("owner", None).unwrap_err()
}

/// The one mistake in an object: its path and its message.
fn only(hub: &AIHub) -> (String, String) {
    let mut errors = errors(hub);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.remove(0);
    (error.path, error.message)
}

const CMK: &str = "/spec/encryption/customerManagedKey";

#[test]
fn a_whole_spec_becomes_types() {
    let hub = object("Delete").validate("owner", None).unwrap();
    assert_eq!(hub.id, id(WORKSPACE, "research"));
    assert_eq!(hub.owner_tag, "owner/ml-platform/research");
    assert_eq!(of_hub(&hub).storage_account, id(STORAGE_ACCOUNT, "aihubdata"));
    assert_eq!(of_hub(&hub).key_vault, id(VAULT, "hub-secrets"));
    assert_eq!(hub.generation, 1);
    assert!(of_hub(&hub).high_business_impact && !hub.system_assigned);
    assert!(hub.has_managed_group());
    let ValidEncryption::CustomerManaged {
        vault, key, identity, ..
    } = &hub.encryption
    else {
        panic!("{:?}", hub.encryption)
    };
    assert_eq!((vault, key.as_str()), (&id(VAULT, "corp-keys"), "ai-hub"));
    let user = id(USER_ASSIGNED_IDENTITY, "hub");
    assert_eq!(identity, &KeyUser::UserAssigned(user.clone()));
    assert_eq!(hub.primary_identity(), Some(&user));
    assert_eq!(hub.all_tags()[OWNER_TAG], "owner/ml-platform/research");
}

#[test]
fn every_mistake_is_told_at_once() {
    let mut hub = object("Delete");
    hub.spec.subscription_id = "mine".to_owned();
    hub.spec.resource_group = "ends.".to_owned();
    hub.spec.azure_name = Some("x".to_owned());
    hub.spec.location = "west-europe".to_owned();
    hub.spec.storage_account = "A-B".to_owned();
    hub.spec.key_vault = "9vault".to_owned();
    hub.spec.identity.user_assigned = vec!["a".to_owned(), "hub".to_owned(), "?".to_owned()];
    hub.spec.encryption.customer_managed_key = Some(CustomerManagedKey {
        vault: "v".to_owned(),
        key: KEY.to_owned(),
        version: Some("latest".to_owned()),
        identity: Some("other".to_owned()),
        access: keyholder_crds::KeyAccess::Verify,
    });
    hub.spec
        .tags
        .insert("Keyholder-Owner".to_owned(), "me".to_owned());
    hub.spec.high_business_impact = Some(false);
    let paths: Vec<String> = errors(&hub).into_iter().map(|error| error.path).collect();
    assert_eq!(
        paths,
        [
            "spec.storageAccount",
            "spec.keyVault",
            "spec.highBusinessImpact",
            "spec.subscriptionId",
            "spec.resourceGroup",
            "spec.azureName",
            "spec.location",
            "spec.identity.userAssigned[0]",
            "spec.identity.userAssigned[2]",
            "spec.encryption.customerManagedKey.vault",
            "spec.encryption.customerManagedKey.key",
            "spec.encryption.customerManagedKey.version",
            "spec.encryption.customerManagedKey.identity",
            "spec.tags[Keyholder-Owner]",
        ]
    );
}

#[test]
fn each_wrong_value_is_told_at_its_field() {
    let long = "a".repeat(34);
    let arm = |kind: &str, name: &str| json!(id(kind, name).as_str());
    let table = [
        (
            "/spec/subscriptionId",
            json!("00000000-0000-0000-0000-00000000000g"),
            "spec.subscriptionId",
            "GUID",
        ),
        (
            "/spec/subscriptionId",
            json!("00000000-0000-0000-0000-0000000000010"),
            "spec.subscriptionId",
            "GUID",
        ),
        (
            "/spec/subscriptionId",
            json!("00000000-0000-0000-0000-000000000001-0"),
            "spec.subscriptionId",
            "GUID",
        ),
        (
            "/spec/subscriptionId",
            json!("000000000000-0000-0000-000000000001"),
            "spec.subscriptionId",
            "GUID",
        ),
        (
            "/spec/resourceGroup",
            json!(""),
            "spec.resourceGroup",
            "resource group",
        ),
        (
            "/spec/resourceGroup",
            json!("a".repeat(91)),
            "spec.resourceGroup",
            "resource group",
        ),
        (
            "/spec/resourceGroup",
            json!("a/b"),
            "spec.resourceGroup",
            "resource group",
        ),
        ("/spec/azureName", json!("ab"), "spec.azureName", "3 to 33"),
        ("/spec/azureName", json!(long), "spec.azureName", "3 to 33"),
        ("/spec/azureName", json!("-ab"), "spec.azureName", "3 to 33"),
        ("/spec/azureName", json!("a.bc"), "spec.azureName", "3 to 33"),
        (
            "/spec/azureName",
            json!("my-Microsoft-hub"),
            "spec.azureName",
            "MICROSOFT",
        ),
        (
            "/spec/azureName",
            json!("for-windows"),
            "spec.azureName",
            "WINDOWS",
        ),
        ("/spec/azureName", json!("login-hub"), "spec.azureName", "LOGIN"),
        ("/spec/azureName", json!("XboxHub"), "spec.azureName", "XBOX"),
        ("/metadata/name", json!("ab"), "metadata.name", "spec.azureName"),
        ("/metadata/name", json!("xbox"), "metadata.name", "XBOX"),
        ("/spec/location", json!("west/europe"), "spec.location", "region"),
        (
            "/spec/storageAccount",
            json!("ab"),
            "spec.storageAccount",
            "3 to 24",
        ),
        (
            "/spec/storageAccount",
            json!("a".repeat(25)),
            "spec.storageAccount",
            "3 to 24",
        ),
        (
            "/spec/storageAccount",
            json!("has-dash"),
            "spec.storageAccount",
            "3 to 24",
        ),
        (
            "/spec/storageAccount",
            json!("/subscriptions/x"),
            "spec.storageAccount",
            "resourceGroups is missing",
        ),
        (
            "/spec/keyVault",
            json!("/subscriptions/x/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/abc"),
            "spec.keyVault",
            "not a GUID",
        ),
        (
            "/spec/storageAccount",
            arm(VAULT, "abc"),
            "spec.storageAccount",
            "not of a Microsoft.Storage",
        ),
        (
            "/spec/storageAccount",
            arm(STORAGE_ACCOUNT, "a-b"),
            "spec.storageAccount",
            "3 to 24",
        ),
        (
            "/spec/keyVault",
            json!("https://corp-keys.vault.azure.net/"),
            "spec.keyVault",
            "3 to 24",
        ),
        (
            "/spec/encryption/customerManagedKey/key",
            json!(KEY),
            "spec.encryption.customerManagedKey.key",
            "not the URL",
        ),
        (
            "/spec/encryption/customerManagedKey/version",
            json!("12"),
            "spec.encryption.customerManagedKey.version",
            "32 hex",
        ),
        (
            "/spec/encryption/customerManagedKey/vault",
            json!("a"),
            "spec.encryption.customerManagedKey.vault",
            "3 to 24",
        ),
        (
            "/spec/encryption/customerManagedKey/identity",
            json!("other"),
            "spec.encryption.customerManagedKey.identity",
            "userAssigned",
        ),
        (
            "/spec/encryption/customerManagedKey/identity",
            json!("a"),
            "spec.encryption.customerManagedKey.identity",
            "3 to 128",
        ),
        (
            "/spec/encryption/customerManagedKey/identity",
            Value::Null,
            "spec.encryption.customerManagedKey.identity",
            "systemAssigned",
        ),
        (
            CMK,
            Value::Null,
            "spec.encryption.customerManagedKey",
            "vault and key",
        ),
        (
            "/spec/encryption/mode",
            json!("MicrosoftManaged"),
            "spec.encryption.customerManagedKey",
            "leave it out",
        ),
        (
            "/spec/highBusinessImpact",
            json!(false),
            "spec.highBusinessImpact",
            "leave it out",
        ),
        (
            "/spec/tags",
            json!({ "KEYHOLDER-owner": "x" }),
            "spec.tags[KEYHOLDER-owner]",
            "own",
        ),
        (
            "/spec/tags",
            json!({ "a": "x".repeat(257) }),
            "spec.tags[a]",
            "at most 256",
        ),
        ("/spec/tags", json!({ "": "x" }), "spec.tags[]", "empty"),
        (
            "/spec/tags",
            json!({ "a/b": "x" }),
            "spec.tags[a/b]",
            "empty tag name",
        ),
    ];
    for (at, value, path, needle) in table {
        let (told, message) = only(&with(at, value.clone()));
        assert_eq!(told, path, "{at} = {value}");
        assert!(message.contains(needle), "{at} = {value}: {message}");
    }
}

#[test]
fn what_is_at_the_limit_is_taken() {
    let arm = "/subscriptions/0ABCDEF0-0000-0000-0000-00000000000a/resourcegroups/rg-security/providers/\
               microsoft.keyvault/Vaults/Corp-Keys";
    let table = [
        ("/spec/resourceGroup", json!("a".repeat(90))),
        ("/spec/resourceGroup", json!("é-_.()a")),
        ("/spec/azureName", json!("abc")),
        ("/spec/azureName", json!(format!("9_{}", "-".repeat(31)))),
        ("/spec/azureName", json!("my-login-xbox")),
        ("/spec/location", json!("West Europe")),
        ("/spec/storageAccount", json!("abc")),
        ("/spec/storageAccount", json!("a".repeat(24))),
        ("/spec/keyVault", json!(arm)),
        ("/spec/encryption/customerManagedKey/vault", json!(arm)),
        (
            "/spec/encryption/customerManagedKey/version",
            json!("ABCDEF0123456789abcdef0123456789"),
        ),
        (
            "/spec/identity/userAssigned",
            json!(["hub", "a_-", "b".repeat(128)]),
        ),
        ("/spec/tags", json!({ "a".repeat(512): "b".repeat(256) })),
        ("/spec/highBusinessImpact", json!(true)),
    ];
    for (at, value) in table {
        let result = with(at, value.clone()).validate("owner", None);
        assert!(result.is_ok(), "{at} = {value}: {result:?}");
    }
    for name in ["-bc".to_owned(), "b.c".to_owned(), "b".repeat(129)] {
        let (path, _) = only(&with("/spec/identity/userAssigned", json!(["hub", name])));
        assert_eq!(path, "spec.identity.userAssigned[1]");
    }
    let (path, _) = only(&with("/spec/tags", json!({ "a".repeat(513): "" })));
    assert!(path.starts_with("spec.tags[aaa"));
}

#[test]
fn the_number_of_tags_is_limited() {
    let tags = |count: usize| {
        let map: BTreeMap<String, String> = (0..count).map(|n| (format!("t{n}"), String::new())).collect();
        with("/spec/tags", json!(map))
    };
    assert!(tags(49).validate("owner", None).is_ok());
    assert_eq!(only(&tags(50)).0, "spec.tags");
}

#[test]
fn the_owner_tag_must_fit() {
    let owner = |length: usize| "o".repeat(length - "/ml-platform/research".len());
    assert!(object("Delete").validate(&owner(256), None).is_ok());
    let errors = object("Delete").validate(&owner(257), None).unwrap_err();
    assert_eq!(errors[0].path, "metadata.name");
    assert!(errors[0].to_string().starts_with("metadata.name: the owner tag"));
}

#[test]
fn a_hub_needs_an_identity() {
    let mut two = object("Delete");
    two.spec.identity.user_assigned.insert(0, "first".to_owned());
    let valid = two.validate("owner", None).unwrap();
    assert_eq!(
        valid.primary_identity().unwrap().name(),
        "hub",
        "the one that unwraps"
    );

    let mut hub = object("Delete");
    hub.spec.identity.user_assigned.clear();
    hub.spec
        .encryption
        .customer_managed_key
        .as_mut()
        .unwrap()
        .identity = None;
    let paths: Vec<String> = errors(&hub).into_iter().map(|error| error.path).collect();
    assert_eq!(
        paths,
        ["spec.identity", "spec.encryption.customerManagedKey.identity"]
    );
    hub.spec.identity.system_assigned = Some(true);
    let valid = hub.validate("owner", None).unwrap();
    let ValidEncryption::CustomerManaged { identity, .. } = &valid.encryption else {
        panic!("{valid:?}")
    };
    assert_eq!(identity, &KeyUser::SystemAssigned);
    assert_eq!(valid.primary_identity(), None);
}

#[test]
fn microsoft_managed_keys_take_no_data_location() {
    let mut hub = object("Delete");
    hub.spec.encryption.mode = EncryptionMode::MicrosoftManaged;
    hub.spec.encryption.customer_managed_key = None;
    let valid = hub.validate("owner", None).unwrap();
    assert_eq!(valid.encryption, ValidEncryption::MicrosoftManaged);
    assert_eq!(valid.encryption.data_location(), None);
    assert!(!of_hub(&valid).high_business_impact && !valid.has_managed_group());
    assert_eq!(valid.primary_identity(), valid.user_assigned.first());
    hub.spec.encryption.data_location = Some(DataLocation::ServiceSide);
    assert_eq!(only(&hub).0, "spec.encryption.dataLocation");
}

#[test]
fn the_same_identity_named_twice_is_one() {
    let twice = json!(["hub", id(USER_ASSIGNED_IDENTITY, "HUB").as_str(), "more"]);
    let hub = with("/spec/identity/userAssigned", twice)
        .validate("owner", None)
        .unwrap();
    let names: Vec<&str> = hub.user_assigned.iter().map(ArmId::name).collect();
    assert_eq!(names, ["hub", "more"]);
}

#[test]
fn an_object_goes_unread_only_when_nothing_can_be_lost() {
    let mut hub = object("Delete");
    assert!(may_go_unread(&hub));
    hub.status = Some(ResourceStatus::default());
    assert!(may_go_unread(&hub));
    let (_, ready) = ready_hub();
    let status = |change: fn(&mut ResourceStatus, ResourceStatus)| {
        let mut status = ResourceStatus::default();
        change(&mut status, ready.clone());
        Some(status)
    };
    for touched in [
        status(|status, ready| status.bound = ready.bound),
        status(|status, ready| status.resource_id = ready.resource_id),
        status(|status, _| {
            status.operation = serde_json::from_value(json!({
                "kind": "Create", "state": "Intended", "intent": "x", "startedAt": "2027-01-01T00:00:00Z",
            }))
            .unwrap();
        }),
    ] {
        hub.status = touched;
        assert!(!may_go_unread(&hub));
        hub.spec.deletion_policy = DeletionPolicy::Retain;
        assert!(may_go_unread(&hub));
        hub.spec.deletion_policy = DeletionPolicy::Delete;
    }
}
