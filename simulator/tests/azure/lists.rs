//! Lists: page by page, and only what the caller may read.

use serde_json::{Value, json};

use crate::common::{Azure, BARE, GROUP, SUBSCRIPTION, hub, plain_hub, storage, vault, workspace};

/// All items of a list, and how many pages they came in.
async fn all(azure: &Azure, who: &str, path: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut next) = (Vec::new(), 0, path.to_owned());
    loop {
        let page = azure.send(who, "GET", &next, None).await.expect(200);
        items.extend(page.at("/value").as_array().unwrap().clone());
        pages += 1;
        match page.at("/nextLink").as_str() {
            Some(link) => link.clone_into(&mut next),
            None => return (items, pages),
        }
    }
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages() {
    let azure = Azure::with(&json!({ "pageSize": 3 })).await;
    let (vaults, pages) = all(
        &azure,
        "owner",
        &format!("{GROUP}/providers/Microsoft.KeyVault/vaults"),
    )
    .await;
    assert_eq!(
        names(&vaults),
        [
            "away", "closed", "foreign", "loose", "main", "other", "policies", "trusting"
        ]
    );
    assert_eq!(pages, 3);
    for size in [8, 7] {
        azure.settings(&json!({ "pageSize": size })).await;
        let (vaults, pages) = all(
            &azure,
            "owner",
            &format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/vaults"),
        )
        .await;
        assert_eq!(vaults.len(), 8);
        assert_eq!(pages, if size == 8 { 1 } else { 2 });
    }
}

#[tokio::test]
async fn next_links_keep_the_query() {
    let azure = Azure::with(&json!({ "pageSize": 1 })).await;
    let path =
        format!("{GROUP}/resources?$filter=resourceType eq 'Microsoft.KeyVault/vaults'&$expand=createdTime");
    let (items, pages) = all(&azure, "owner", &path).await;
    assert_eq!((items.len(), pages), (8, 8));
    assert!(items.iter().all(|one| one["createdTime"].is_string()));
}

#[tokio::test]
async fn workspaces_of_a_group_with_their_properties() {
    let azure = Azure::start().await;
    azure.create("hub-b", &hub("main", "one")).await;
    azure.create("hub-a", &plain_hub()).await;
    let (hubs, _) = all(
        &azure,
        "owner",
        &format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"),
    )
    .await;
    assert_eq!(names(&hubs), ["hub-a", "hub-b"]);
    assert_eq!(hubs[1], azure.get(&workspace("hub-b")).await.body);
    azure
        .get(&format!(
            "{SUBSCRIPTION}/resourceGroups/gone/providers/Microsoft.MachineLearningServices/workspaces"
        ))
        .await
        .refused(404, "ResourceGroupNotFound", "'gone'");
}

#[tokio::test]
async fn resources_of_all_types() {
    let azure = Azure::start().await;
    let (items, _) = all(&azure, "owner", &format!("{GROUP}/resources")).await;
    // Vaults, identities and the storage account; no keys.
    assert_eq!(items.len(), 8 + 2 + 1);
    assert!(items.iter().all(|one| one.get("properties").is_none()));
    let (items, _) = all(
        &azure,
        "owner",
        &format!("{SUBSCRIPTION}/resources?$filter=resourceGroup eq 'AI' and name eq 'Artifacts' and resourceType eq 'microsoft.storage/storageaccounts'&$expand=provisioningState,changedTime"),
    )
    .await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["id"], storage("artifacts"));
    assert_eq!(items[0]["provisioningState"], "Succeeded");
    assert!(items[0]["changedTime"].is_string());
    azure
        .get(&format!("{SUBSCRIPTION}/resources?$filter=tagName eq 'x'"))
        .await
        .refused(400, "InvalidFilterInQueryString", "tagName");
}

#[tokio::test]
async fn only_what_the_caller_may_read() {
    let azure = Azure::start().await;
    azure.create("hub", &plain_hub()).await;
    let (items, _) = all(&azure, "writer", &format!("{SUBSCRIPTION}/resources")).await;
    assert_eq!(names(&items), ["hub"]);
    let (items, _) = all(&azure, "stranger", &format!("{SUBSCRIPTION}/resourceGroups")).await;
    assert!(items.is_empty());
    let (items, _) = all(&azure, "reader", &format!("{SUBSCRIPTION}/resourceGroups")).await;
    assert_eq!(names(&items), ["ai"]);
}

#[tokio::test]
async fn keys_and_their_versions() {
    let azure = Azure::start().await;
    let (keys, _) = all(&azure, "owner", &format!("{}/keys", vault("main"))).await;
    assert_eq!(
        names(&keys),
        ["blocked", "curve", "ended", "not-yet", "one", "two"]
    );
    let one = format!("{}/keys/one", vault("main"));
    let (versions, _) = all(&azure, "owner", &format!("{one}/versions")).await;
    assert_eq!(versions.len(), 2);
    let current = azure.get(&one).await.expect(200);
    let newest = versions
        .iter()
        .max_by_key(|one| one["properties"]["attributes"]["created"].as_i64())
        .unwrap();
    assert_eq!(
        &newest["properties"]["keyUriWithVersion"],
        current.at("/properties/keyUriWithVersion")
    );
    let rotate = json!({ "key": one, "action": "rotate" });
    azure.control("POST", "/keys", Some(&rotate)).await.expect(200);
    let (versions, _) = all(&azure, "owner", &format!("{one}/versions")).await;
    assert_eq!(versions.len(), 3);
    assert_ne!(
        azure.get(&one).await.at("/properties/keyUriWithVersion"),
        current.at("/properties/keyUriWithVersion")
    );
    azure
        .get(&format!("{}/keys", vault("none")))
        .await
        .refused(404, "ResourceNotFound", "none");
}

#[tokio::test]
async fn subscriptions() {
    let azure = Azure::start().await;
    let names = async |who: &str| {
        let list = azure
            .send(who, "GET", "/subscriptions?api-version=2022-12-01", None)
            .await
            .expect(200);
        let items = list.at("/value").as_array().unwrap().clone();
        items
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("owner").await, [SUBSCRIPTION, BARE]);
    // A role anywhere in it is enough to see it, and not to read it.
    assert_eq!(names("writer").await, [SUBSCRIPTION]);
    assert!(names("stranger").await.is_empty());
    let one = format!("{SUBSCRIPTION}?api-version=2022-12-01");
    let found = azure.get(&one).await.expect(200);
    assert_eq!(found.at("/state"), "Enabled");
    azure
        .send("writer", "GET", &one, None)
        .await
        .refused(403, "AuthorizationFailed", "subscriptions/read");
    azure
        .delete(&one)
        .await
        .refused(405, "MethodNotAllowed", "only be read");
}
