//! The bodies, to the letter.

use keyholder_crds::PublicNetworkAccess;

use super::*;
use crate::encryption::KeyChange;
use crate::fixtures::*;
use crate::kind::{Hub, Kind};
use crate::name::KeyIdentifier;
use crate::validate::{USER_ASSIGNED_IDENTITY, ValidEncryption, Validate};

fn hub() -> Declared {
    object("Delete").validate("owner", None).unwrap()
}

fn key() -> KeyIdentifier {
    KeyIdentifier::parse(KEY).unwrap()
}

fn to_use(identifier: &KeyIdentifier) -> Option<KeyToUse<'_>> {
    Some(KeyToUse {
        identifier,
        client_id: Some("client"),
    })
}

fn path(kind: &str, name: &str) -> String {
    id(kind, name).to_string()
}

#[test]
fn a_hub_with_a_managed_group_is_put_whole() {
    let identity = path(USER_ASSIGNED_IDENTITY, "hub");
    let mut hub = hub();
    hub.tags.insert("team".to_owned(), "research".to_owned());
    hub.public_network_access = Some(PublicNetworkAccess::Disabled);
    assert_eq!(
        create(&hub, to_use(&key()), None),
        json!({
            "kind": "Hub",
            "location": "westeurope",
            "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity.clone(): {} } },
            "tags": { "keyholder-owner": "owner/ml-platform/research", "team": "research" },
            "properties": {
                "storageAccount": path("Microsoft.Storage/storageAccounts", "aihubdata"),
                "keyVault": path("Microsoft.KeyVault/vaults", "hub-secrets"),
                "hbiWorkspace": true,
                "publicNetworkAccess": "Disabled",
                "primaryUserAssignedIdentity": &identity,
                "encryption": {
                    "status": "Enabled",
                    "keyVaultProperties": {
                        "keyVaultArmId": path("Microsoft.KeyVault/vaults", "corp-keys"),
                        "keyIdentifier": KEY,
                    },
                    "identity": { "userAssignedIdentity": identity },
                },
            },
        })
    );
}

#[test]
fn a_service_side_hub_says_so_and_its_own_identity_is_not_named() {
    let mut object = object("Delete");
    object.spec.identity.user_assigned.clear();
    object.spec.identity.system_assigned = Some(true);
    object.spec.encryption.data_location = Some(keyholder_crds::DataLocation::ServiceSide);
    object
        .spec
        .encryption
        .customer_managed_key
        .as_mut()
        .unwrap()
        .identity = None;
    let hub = object.validate("owner", None).unwrap();
    let body = create(&hub, to_use(&key()), None);
    assert_eq!(body["identity"], json!({ "type": "SystemAssigned" }));
    assert_eq!(
        body["properties"],
        json!({
            "storageAccount": path("Microsoft.Storage/storageAccounts", "aihubdata"),
            "keyVault": path("Microsoft.KeyVault/vaults", "hub-secrets"),
            "hbiWorkspace": true,
            "encryption": {
                "status": "Enabled",
                "keyVaultProperties": {
                    "keyVaultArmId": path("Microsoft.KeyVault/vaults", "corp-keys"),
                    "keyIdentifier": KEY,
                },
            },
            "enableServiceSideCMKEncryption": true,
        })
    );
}

#[test]
fn microsoft_managed_keys_have_no_encryption_block() {
    let hub = Declared {
        encryption: ValidEncryption::MicrosoftManaged,
        kind: Kind::Hub(Hub {
            high_business_impact: false,
            ..of_hub(&hub()).clone()
        }),
        ..hub()
    };
    let body = create(&hub, None, None);
    assert_eq!(body["properties"]["hbiWorkspace"], json!(false));
    assert_eq!(body["properties"].get("encryption"), None);
    assert_eq!(body["properties"].get("enableServiceSideCMKEncryption"), None);
    assert_eq!(
        body["properties"]["primaryUserAssignedIdentity"],
        json!(path(USER_ASSIGNED_IDENTITY, "hub"))
    );
}

#[test]
fn a_change_of_key_names_nothing_but_the_key() {
    let hub = hub();
    assert_eq!(
        hub.kind
            .rules()
            .key_change(&hub, &KeyChange::To(key()), None)
            .unwrap(),
        json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": KEY } } } })
    );
}

#[test]
fn nothing_differs_when_all_is_as_declared() {
    let hub = hub();
    let mut live = live(&hub, "Succeeded");
    assert_eq!(update(&hub, &live), None);
    // Azure spells ids, tag names and values of its own in another case.
    live.user_assigned = vec![path(USER_ASSIGNED_IDENTITY, "HUB").parse().unwrap()];
    let owner = live.tags.remove("keyholder-owner").unwrap();
    live.tags.insert("Keyholder-Owner".to_owned(), owner);
    live.tags.insert("others".to_owned(), "stay".to_owned());
    live.public_network_access = Some("disabled".to_owned());
    let hub = Declared {
        public_network_access: Some(PublicNetworkAccess::Disabled),
        ..hub
    };
    assert_eq!(update(&hub, &live), None);
}

#[test]
fn an_identity_is_taken_away_by_null() {
    let mut hub = hub();
    let mut live = live(&hub, "Succeeded");
    let old: ArmId = path(USER_ASSIGNED_IDENTITY, "old").parse().unwrap();
    live.user_assigned.push(old.clone());
    let (fields, body) = update(&hub, &live).unwrap();
    assert_eq!(fields, ["identity"]);
    let kept = path(USER_ASSIGNED_IDENTITY, "hub");
    assert_eq!(
        body,
        json!({ "identity": { "type": "UserAssigned", "userAssignedIdentities": { kept: {}, old.as_str(): null } } })
    );

    // With none left the type alone says it.
    hub.user_assigned.clear();
    hub.system_assigned = true;
    let (_, body) = update(&hub, &live).unwrap();
    assert_eq!(body, json!({ "identity": { "type": "SystemAssigned" } }));
    // Where none is declared, what is there stays.
    hub.system_assigned = false;
    assert_eq!(update(&hub, &live), None);
}

#[test]
fn an_identity_is_added() {
    let mut hub = hub();
    let mut live = live(&hub, "Succeeded");
    hub.system_assigned = true;
    let (fields, body) = update(&hub, &live).unwrap();
    assert_eq!(fields, ["identity"]);
    assert_eq!(body["identity"]["type"], "SystemAssigned,UserAssigned");
    hub.system_assigned = false;
    live.user_assigned.clear();
    let (fields, body) = update(&hub, &live).unwrap();
    assert_eq!(fields, ["identity"]);
    assert_eq!(
        body["identity"]["userAssignedIdentities"],
        json!({ path(USER_ASSIGNED_IDENTITY, "hub"): {} })
    );
}

#[test]
fn tags_are_merged_with_those_of_others() {
    let mut hub = hub();
    hub.tags.insert("Team".to_owned(), "research".to_owned());
    let mut live = live(&hub, "Succeeded");
    live.tags.remove("Team");
    live.tags.insert("team".to_owned(), "old".to_owned());
    live.tags.insert("cost".to_owned(), "42".to_owned());
    let (fields, body) = update(&hub, &live).unwrap();
    assert_eq!(fields, ["tags"]);
    assert_eq!(
        body,
        json!({ "tags": { "Team": "research", "cost": "42", "keyholder-owner": "owner/ml-platform/research" } })
    );
}

#[test]
fn public_access_is_changed_only_where_it_is_declared() {
    let mut hub = hub();
    let mut live = live(&hub, "Succeeded");
    for have in [Some("Enabled".to_owned()), None] {
        live.public_network_access = have;
        hub.public_network_access = None;
        assert_eq!(update(&hub, &live), None);
        hub.public_network_access = Some(PublicNetworkAccess::Disabled);
        let (fields, body) = update(&hub, &live).unwrap();
        assert_eq!(fields, ["publicNetworkAccess"]);
        assert_eq!(
            body,
            json!({ "properties": { "publicNetworkAccess": "Disabled" } })
        );
    }
    hub.tags.insert("a".to_owned(), "b".to_owned());
    hub.system_assigned = true;
    let (fields, _) = update(&hub, &live).unwrap();
    assert_eq!(fields, ["identity", "tags", "publicNetworkAccess"]);
}

#[test]
fn a_managed_network_is_created_and_tightened_where_it_is_declared() {
    let mut object = object("Delete");
    let declared = |object: &keyholder_crds::AIHub| object.validate("owner", None).unwrap();
    let mut live = live(&declared(&object), "Succeeded");
    live.network_isolation = Some("Disabled".to_owned());
    assert_eq!(update(&declared(&object), &live), None);
    let created = |hub: &Declared| create(hub, to_use(&key()), None)["properties"]["managedNetwork"].clone();
    assert_eq!(created(&declared(&object)), serde_json::Value::Null);

    object.spec.managed_network = Some(keyholder_crds::ManagedNetwork {
        isolation: Some(keyholder_crds::NetworkIsolation::AllowInternetOutbound),
        ..keyholder_crds::ManagedNetwork::default()
    });
    let hub = declared(&object);
    let setting = json!({ "isolationMode": "AllowInternetOutbound" });
    assert_eq!(created(&hub), setting);
    for have in [Some("Disabled".to_owned()), None] {
        live.network_isolation = have;
        let (fields, body) = update(&hub, &live).unwrap();
        assert_eq!(fields, ["managedNetwork"]);
        assert_eq!(body, json!({ "properties": { "managedNetwork": &setting } }));
    }
    for have in ["allowInternetOutbound", "AllowOnlyApprovedOutbound"] {
        live.network_isolation = Some(have.to_owned());
        assert_eq!(update(&hub, &live), None, "{have}");
    }
}

#[test]
fn a_policys_field_is_one_of_an_update() {
    let mut hub = object("Delete").validate("owner", None).unwrap();
    hub.tags.insert("cost.center".to_owned(), "7".to_owned());
    for (field, expected) in [
        ("tags", Some("tags")),
        ("tags['cost.center']", Some("tags")),
        ("Tags.Cost.Center", Some("tags")),
        ("tags[other]", None),
        (
            "Microsoft.MachineLearningServices/workspaces/publicNetworkAccess",
            Some("publicNetworkAccess"),
        ),
        ("identity.type", Some("identity")),
        (
            "Microsoft.MachineLearningServices/workspaces/managedNetwork.isolationMode",
            Some("managedNetwork"),
        ),
        (
            "Microsoft.MachineLearningServices/workspaces/encryption.status",
            None,
        ),
    ] {
        assert_eq!(field_of(field, &hub), expected, "{field}");
    }
}

#[test]
fn the_question_to_azure_policy_is_the_body_of_the_creation_with_its_type_and_name() {
    let question = policy_question(&hub(), to_use(&key()), None, "2026-05-01");
    let details = &question["resourceDetails"];
    assert_eq!(details["apiVersion"], "2026-05-01");
    let mut content = details["resourceContent"].clone();
    let envelope = content.as_object_mut().unwrap();
    assert_eq!(
        envelope.remove("type").unwrap(),
        "Microsoft.MachineLearningServices/workspaces"
    );
    assert_eq!(envelope.remove("name").unwrap(), "research");
    assert_eq!(content, create(&hub(), to_use(&key()), None));
}

#[test]
fn a_put_over_what_an_earlier_try_left_keeps_the_tags_of_others() {
    let mut hub = hub();
    hub.tags.insert("team".to_owned(), "research".to_owned());
    let mut left = live(&hub, "Failed");
    left.tags.insert("cost-centre".to_owned(), "42".to_owned());
    let tags = |left: &Live| create(&hub, to_use(&key()), Some(left))["tags"].clone();
    let expected = json!({
        "cost-centre": "42", "keyholder-owner": "owner/ml-platform/research", "team": "research",
    });
    assert_eq!(tags(&left), expected);
    left.tags.insert("team".to_owned(), "sales".to_owned());
    assert_eq!(tags(&left), expected);
}
