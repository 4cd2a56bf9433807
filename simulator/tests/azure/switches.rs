//! Each switch, both ways.

use serde_json::{Value, json};

use crate::common::{
    Azure, ENCRYPTION_USER, GROUP, SUBSCRIPTION, assignment, grant, hub, identity, key, managed_group,
    plain_hub, vault, workspace,
};

/// A hub whose system-assigned identity fetches the key.
fn system_hub() -> Value {
    let mut body = hub("main", "one");
    body["identity"] = json!({ "type": "SystemAssigned" });
    for pointer in ["/properties", "/properties/encryption"] {
        let object = body.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        object.remove("primaryUserAssignedIdentity");
        object.remove("identity");
    }
    body
}

fn other_key(name: &str) -> Value {
    json!({ "properties": { "encryption": { "keyVaultProperties": { "keyIdentifier": key("main", name) } } } })
}

#[tokio::test]
async fn defaults_are_azures_pace() {
    let azure = Azure::with(&json!({ "limits": {} })).await;
    let now = azure.control("GET", "/settings", None).await.expect(200).body;
    let defaults = serde_json::to_value(azure_simulator::Settings::default()).unwrap();
    let mut expected = defaults.clone();
    expected["operationSeconds"] = json!(0.02);
    expected["retryAfterSeconds"] = json!(1);
    expected["propagationSeconds"] = json!(0.0);
    assert_eq!(now, expected);
    assert_eq!(defaults["operationSeconds"], 30.0);
    assert_eq!(defaults["retryAfterSeconds"], 10);
    assert_eq!(defaults["propagationSeconds"], 60.0);
    assert_eq!(
        defaults["lies"],
        json!({ "dropKeyWrite": false, "showPurgeProtection": false, "managedGroupSurvivesPurge": false })
    );
    let wrong = json!({ "pageSise": 1 });
    azure
        .control("PATCH", "/settings", Some(&wrong))
        .await
        .expect(400);
}

#[tokio::test]
async fn token_seconds() {
    let azure = Azure::with(&json!({ "tokenSeconds": 120 })).await;
    let answer = azure
        .sign_in(
            crate::common::TENANT,
            &[
                ("grant_type", "client_credentials"),
                ("client_id", "22222222-0000-0000-0000-000000000001"),
                ("client_secret", "of-owner"),
                ("scope", "https://management.azure.com/.default"),
            ],
        )
        .await
        .expect(200);
    assert_eq!(answer.at("/expires_in"), 119);
}

#[tokio::test]
async fn failed_change_leaves() {
    for state in ["Succeeded", "Failed"] {
        let azure = Azure::with(&json!({ "failedChangeLeaves": state })).await;
        let before = azure.create("hub", &hub("main", "one")).await;
        let accepted = azure.patch(&workspace("hub"), &other_key("blocked")).await;
        assert_eq!(azure.finish(&accepted).await["status"], "Failed");
        let mut after = azure.get(&workspace("hub")).await.expect(200).body;
        assert_eq!(after["properties"]["provisioningState"], state);
        after["properties"]["provisioningState"] = json!("Succeeded");
        assert_eq!(after, before);
        // A PUT is a change still, not another creation, and what is made good is good again.
        let accepted = azure.put(&workspace("hub"), &hub("main", "two")).await;
        assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
        let good = azure.get(&workspace("hub")).await.expect(200).body;
        assert_eq!(good["properties"]["provisioningState"], "Succeeded");
        assert_eq!(managed_group(&good), managed_group(&before));
    }
}

#[tokio::test]
async fn failed_creation_leaves_group() {
    for leaves in [false, true] {
        let azure = Azure::with(&json!({ "failedCreationLeavesGroup": leaves })).await;
        azure.fail("hub", &hub("loose", "one")).await;
        let groups = azure.get(&format!("{SUBSCRIPTION}/resourceGroups")).await;
        let count = groups.at("/value").as_array().unwrap().len();
        assert_eq!(count, if leaves { 2 } else { 1 });
        if leaves {
            let group = managed_group(&azure.get(&workspace("hub")).await.body);
            let inside = azure.get(&format!("{group}/resources")).await.expect(200);
            assert_eq!(inside.at("/value"), &json!([]));
            let purge = format!("{}?forceToPurge=true", workspace("hub"));
            let accepted = azure.delete(&purge).await;
            azure.finish(&accepted).await;
            azure.get(&group).await.expect(404);
        }
    }
}

#[tokio::test]
async fn grants_system_assigned() {
    let azure = Azure::with(&json!({ "grantsSystemAssigned": true })).await;
    azure.create("hub", &system_hub()).await;
    let azure = Azure::with(&json!({ "grantsSystemAssigned": false })).await;
    let message = azure.fail("hub", &system_hub()).await;
    crate::common::assert_has(&message, "lacks get, wrap, unwrap");
    // The identity is there now, and the next try is as the same one.
    let failed = azure.get(&workspace("hub")).await.expect(200);
    let principal = failed.at("/identity/principalId").as_str().unwrap();
    azure
        .put(&assignment(&vault("main"), 1), &grant(ENCRYPTION_USER, principal))
        .await
        .expect(201);
    let made = azure.create("hub", &system_hub()).await;
    assert_eq!(made["identity"]["principalId"], principal);
}

#[tokio::test]
async fn hubs_soft_delete() {
    for soft in [true, false] {
        let azure = Azure::with(&json!({ "hubsSoftDelete": soft })).await;
        let group = managed_group(&azure.create("hub", &hub("main", "one")).await);
        let accepted = azure.delete(&workspace("hub")).await;
        azure.finish(&accepted).await;
        azure.get(&group).await.expect(if soft { 200 } else { 404 });
        let again = azure.put(&workspace("hub"), &plain_hub()).await;
        again.expect(if soft { 409 } else { 202 });
        // Other workspaces are kept in any case.
        let mut other = plain_hub();
        other["kind"] = json!("Default");
        azure.create("other", &other).await;
        let accepted = azure.delete(&workspace("other")).await;
        azure.finish(&accepted).await;
        azure.put(&workspace("other"), &other).await.expect(409);
    }
}

#[tokio::test]
async fn managed_by() {
    for says in [false, true] {
        let azure = Azure::with(&json!({ "managedBy": says })).await;
        let group = managed_group(&azure.create("hub", &hub("main", "one")).await);
        let group = azure.get(&group).await.expect(200);
        let expected = if says {
            json!(workspace("hub"))
        } else {
            Value::Null
        };
        assert_eq!(group.at("/managedBy"), &expected);
    }
}

#[tokio::test]
async fn identity_id_case() {
    for (case, lower) in [("AsSent", false), ("Lower", true)] {
        let azure = Azure::with(&json!({ "identityIdCase": case })).await;
        let hub = azure.create("hub", &hub("main", "one")).await;
        let expected = identity("hub-keys");
        let expected = if lower { expected.to_lowercase() } else { expected };
        let assigned = hub["identity"]["userAssignedIdentities"].as_object().unwrap();
        assert_eq!(assigned.keys().collect::<Vec<_>>(), [&expected]);
        let accepted = azure.patch(&workspace("hub"), &other_key("two")).await;
        assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
    }
}

#[tokio::test]
async fn lie_drop_key_write() {
    for (lies, name) in [(false, "two"), (true, "one")] {
        let azure = Azure::with(&json!({ "lies": { "dropKeyWrite": lies } })).await;
        azure.create("hub", &hub("main", "one")).await;
        let accepted = azure.patch(&workspace("hub"), &other_key("two")).await;
        assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
        let after = azure.get(&workspace("hub")).await;
        assert_eq!(
            after.at("/properties/encryption/keyVaultProperties/keyIdentifier"),
            &json!(key("main", name))
        );
    }
}

#[tokio::test]
async fn lie_show_purge_protection() {
    for (lies, shown) in [(false, Value::Null), (true, json!(true))] {
        let azure = Azure::with(&json!({ "lies": { "showPurgeProtection": lies } })).await;
        let found = azure.get(&vault("loose")).await.expect(200);
        assert_eq!(found.at("/properties/enablePurgeProtection"), &shown);
        let list = azure
            .get(&format!("{GROUP}/providers/Microsoft.KeyVault/vaults"))
            .await;
        let loose = list.at("/value").as_array().unwrap()[3].clone();
        assert_eq!(loose["name"], "loose");
        assert_eq!(loose["properties"]["enablePurgeProtection"], shown);
        // The hub is not deceived.
        azure.fail("hub", &hub("loose", "one")).await;
    }
}

#[tokio::test]
async fn lie_managed_group_survives_purge() {
    for (lies, status) in [(false, 404), (true, 200)] {
        let azure = Azure::with(&json!({ "lies": { "managedGroupSurvivesPurge": lies } })).await;
        let group = managed_group(&azure.create("hub", &hub("main", "one")).await);
        let purge = format!("{}?forceToPurge=true", workspace("hub"));
        let accepted = azure.delete(&purge).await;
        assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
        azure.get(&group).await.expect(status);
    }
}
