//! Management locks: what they refuse, where they hold, and how the refusal names them.

use serde_json::{Value, json};

use crate::common::{Azure, GROUP, SUBSCRIPTION, identity, plain_hub, storage, vault, workspace};

fn lock(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/locks/{name}?api-version=2020-05-01")
}

fn level(level: &str) -> Value {
    json!({ "properties": { "level": level, "notes": "keep" } })
}

#[tokio::test]
async fn can_not_delete_lets_writes_through() {
    let azure = Azure::start().await;
    let made = azure
        .put(&lock(GROUP, "keep"), &level("CanNotDelete"))
        .await
        .expect(201);
    assert_eq!(made.at("/properties/level"), "CanNotDelete");
    assert_eq!(azure.get(&lock(GROUP, "keep")).await.expect(200).body, made.body);
    azure
        .put(&lock(GROUP, "keep"), &level("CanNotDelete"))
        .await
        .expect(200);
    azure.create("hub", &plain_hub()).await;
    azure
        .delete(&workspace("hub"))
        .await
        .refused(409, "ScopeLocked", "cannot perform delete operation");
    azure.delete(&workspace("hub")).await.refused(
        409,
        "ScopeLocked",
        &format!("are locked: '{GROUP}'. Please remove the lock"),
    );
    azure.get(&workspace("hub")).await.expect(200);
    azure.delete(&lock(GROUP, "keep")).await.expect(200);
    azure.delete(&lock(GROUP, "keep")).await.expect(204);
    azure.delete(&workspace("hub")).await.expect(202);
}

#[tokio::test]
async fn read_only_refuses_writes_and_is_inherited() {
    let azure = Azure::start().await;
    azure
        .put(&lock(SUBSCRIPTION, "frozen"), &level("ReadOnly"))
        .await
        .expect(201);
    azure.put(&workspace("hub"), &plain_hub()).await.refused(
        409,
        "ScopeLocked",
        "cannot perform write operation",
    );
    azure
        .patch(&vault("main"), &json!({ "tags": {} }))
        .await
        .expect(409);
    azure.delete(&storage("artifacts")).await.expect(409);
    azure
        .put(GROUP, &json!({ "location": "westeurope" }))
        .await
        .expect(409);
    let secrets = format!("{}/listKeys?api-version=2026-04-01", storage("artifacts"));
    azure
        .send("owner", "POST", &secrets, None)
        .await
        .refused(409, "ScopeLocked", "write operation");
    azure.get(&vault("main")).await.expect(200);
    let list = azure
        .get(&format!(
            "{GROUP}/providers/Microsoft.Authorization/locks?api-version=2020-05-01"
        ))
        .await
        .expect(200);
    assert_eq!(list.at("/value/0/name"), "frozen");
    // A lock does not lock itself in.
    azure.delete(&lock(SUBSCRIPTION, "frozen")).await.expect(200);
}

#[tokio::test]
async fn what_contains_a_locked_resource_stays_too() {
    let azure = Azure::start().await;
    azure
        .put(&lock(&vault("main"), "keep"), &level("CanNotDelete"))
        .await
        .expect(201);
    azure.delete(GROUP).await.expect(409);
    azure.delete(&vault("other")).await.expect(200);
    azure.delete(&identity("no-role")).await.expect(200);
}

#[tokio::test]
async fn the_refusal_names_the_lock_under_the_other_answer() {
    let azure = Azure::with(&json!({ "scopeLockedNames": "Lock" })).await;
    azure
        .put(&lock(GROUP, "keep"), &level("CanNotDelete"))
        .await
        .expect(201);
    azure.delete(&vault("main")).await.refused(
        409,
        "ScopeLocked",
        &format!("'{GROUP}/providers/Microsoft.Authorization/locks/keep'"),
    );
}

#[tokio::test]
async fn a_lock_needs_a_level_and_the_right_to_set_it() {
    let azure = Azure::start().await;
    azure.put(&lock(GROUP, "x"), &level("Sometimes")).await.refused(
        400,
        "InvalidRequestContent",
        "Sometimes",
    );
    azure
        .send("writer", "PUT", &lock(GROUP, "x"), Some(&level("ReadOnly")))
        .await
        .refused(403, "AuthorizationFailed", "locks/write");
    azure
        .get(&lock(GROUP, "x"))
        .await
        .refused(404, "LockNotFound", "x");
}

#[tokio::test]
async fn a_seed_brings_locks() {
    let azure = Azure::start().await;
    let id = format!("{GROUP}/providers/Microsoft.Authorization/locks/keep");
    let seed = json!({ "locks": [{ "id": id, "level": "ReadOnly" }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure.put(&workspace("hub"), &plain_hub()).await.expect(409);
}
