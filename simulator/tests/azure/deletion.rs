//! Deletion: soft or for good, and the managed resource group.

use serde_json::json;

use crate::common::{Azure, hub, managed_group, plain_hub, workspace};

#[tokio::test]
async fn a_deleted_hub_keeps_its_name_and_its_group() {
    let azure = Azure::start().await;
    let group = managed_group(&azure.create("hub", &hub("main", "one")).await);
    let accepted = azure.delete(&workspace("hub")).await;
    assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
    azure
        .get(&workspace("hub"))
        .await
        .refused(404, "ResourceNotFound", "hub");
    azure.get(&group).await.expect(200);
    azure.put(&workspace("hub"), &hub("main", "one")).await.refused(
        409,
        "Conflict",
        "Soft-deleted workspace exists with the name 'hub'",
    );
    // Deleting what is deleted is nothing.
    azure.delete(&workspace("hub")).await.expect(204);

    let accepted = azure
        .delete(&format!("{}?forceToPurge=true", workspace("hub")))
        .await;
    assert_eq!(azure.finish(&accepted).await["status"], "Succeeded");
    azure
        .get(&group)
        .await
        .refused(404, "ResourceGroupNotFound", "azureml-rg-hub");
    azure.create("hub", &hub("main", "one")).await;
}

#[tokio::test]
async fn a_purge_takes_the_group_at_once() {
    let azure = Azure::start().await;
    let group = managed_group(&azure.create("hub", &hub("main", "one")).await);
    let accepted = azure
        .delete(&format!("{}?forceToPurge=true", workspace("hub")))
        .await
        .expect(202);
    let location = accepted.header("location").to_owned();
    azure.finish(&accepted).await;
    azure.get(&location).await.expect(204);
    azure.get(&workspace("hub")).await.expect(404);
    azure.get(&group).await.expect(404);
    azure.put(&workspace("hub"), &plain_hub()).await.expect(202);
}

#[tokio::test]
async fn force_to_purge_must_be_true() {
    let azure = Azure::start().await;
    azure.create("hub", &plain_hub()).await;
    let accepted = azure
        .delete(&format!("{}?forceToPurge=false", workspace("hub")))
        .await;
    azure.finish(&accepted).await;
    azure
        .put(&workspace("hub"), &plain_hub())
        .await
        .refused(409, "Conflict", "Soft-deleted");
}

#[tokio::test]
async fn while_a_hub_is_deleted() {
    let azure = Azure::start().await;
    azure.create("hub", &plain_hub()).await;
    azure.settings(&json!({ "operationSeconds": 3600 })).await;
    let first = azure.delete(&workspace("hub")).await.expect(202);
    let again = azure.delete(&workspace("hub")).await.expect(202);
    assert_eq!(
        first.header("azure-asyncoperation"),
        again.header("azure-asyncoperation")
    );
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(hub.at("/properties/provisioningState"), "Deleting");
    azure
        .put(&workspace("hub"), &plain_hub())
        .await
        .refused(409, "Conflict", "in progress");
}

#[tokio::test]
async fn deletion_that_fails_leaves_the_hub() {
    let azure = Azure::start().await;
    azure.create("hub", &plain_hub()).await;
    azure
        .fault(&json!({ "method": "DELETE", "times": 1,
            "action": { "failOperation": { "code": "InternalServerError", "message": "not now" } } }))
        .await;
    let accepted = azure.delete(&workspace("hub")).await;
    let end = azure.finish(&accepted).await;
    assert_eq!(end["status"], "Failed");
    assert_eq!(end["error"]["code"], "InternalServerError");
    let hub = azure.get(&workspace("hub")).await.expect(200);
    assert_eq!(hub.at("/properties/provisioningState"), "Succeeded");
}

#[tokio::test]
async fn other_resources_go_at_once() {
    let azure = Azure::start().await;
    let vault = crate::common::vault("main");
    azure.delete(&vault).await.expect(200);
    azure.get(&vault).await.expect(404);
    azure.get(&format!("{vault}/keys/one")).await.expect(404);
    azure.delete(&vault).await.expect(204);
    azure.delete(crate::common::GROUP).await.expect(200);
    azure.get(crate::common::GROUP).await.expect(404);
}
