//! Seeds: what they bring, and how a wrong one says where.

use azure_simulator::{Config, Error, Seed, Simulator};

use crate::common::{Azure, SUBSCRIPTION, assert_has, hub, managed_group, workspace};

/// What starting with a seed says.
async fn error(text: &str) -> String {
    let seed = match Seed::parse(text) {
        Ok(seed) => seed,
        Err(error) => return error.to_string(),
    };
    let config = Config {
        seed: Some(seed),
        ..Config::default()
    };
    match Simulator::start(config).await {
        Ok(_) => panic!("a wrong seed was accepted: {text}"),
        Err(error @ Error::Seed(_)) => error.to_string(),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn wrong_seeds_say_where() {
    let cases: [(&str, &[&str]); 11] = [
        ("vaults: [", &["line 1"]),
        ("tenant: x\nvault: []\n", &["vault", "line 2"]),
        (
            "tenant: x\nvaults:\n  - location: westeurope\n",
            &["id", "line 3"],
        ),
        ("principals:\n  - name: [x]\n", &["line 2"]),
        ("settings: { pageSise: 3 }", &["settings", "pageSise"]),
        ("settings: { lies: { dropKeyWrite: 3 } }", &["lies.dropKeyWrite"]),
        (
            "settings: { forbiddenChange: Maybe }",
            &["forbiddenChange", "Maybe"],
        ),
        (
            "resourceGroups: [{ id: /subscriptions/x/ai, location: y }]",
            &["resourceGroups", "/subscriptions/x/ai"],
        ),
        ("vaults: [{ id: main, location: y }]", &["main is not the ARM id"]),
        (
            "roleAssignments: [{ principal: nobody, role: Reader, scope: / }]",
            &["roleAssignments", "no principal nobody"],
        ),
        (
            "principals: [{ name: x, clientId: y, objectId: z }]\nroleAssignments: [{ principal: x, role: King, scope: / }]",
            &["roleAssignments", "no role King"],
        ),
    ];
    for (text, parts) in cases {
        let error = error(text).await;
        for part in parts {
            assert_has(&error, part);
        }
    }
    let workspace = format!(
        "workspaces: [{{ id: '{}', body: {{ location: x, properties: {{ hbi: true }} }} }}]",
        workspace("hub")
    );
    assert_has(&error(&workspace).await, "Path 'properties.hbi'");
}

#[tokio::test]
async fn a_workspace_of_the_seed_is_as_one_that_was_made() {
    let azure = Azure::start().await;
    let seed = serde_json::json!({ "workspaces": [{ "id": workspace("hub"), "body": hub("main", "one") }] });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    let found = azure.get(&workspace("hub")).await.expect(200).body;
    assert_eq!(found["properties"]["provisioningState"], "Succeeded");
    azure.get(&managed_group(&found)).await.expect(200);
    // A PUT changes it, and does not make it again.
    azure
        .put(&workspace("hub"), &hub("main", "one"))
        .await
        .expect(200);
    let wrong = serde_json::json!({ "vaults": 1 });
    azure.control("POST", "/seed", Some(&wrong)).await.expect(400);
}

#[tokio::test]
async fn a_seed_adds_to_what_is_there() {
    let azure = Azure::start().await;
    let group = format!("{SUBSCRIPTION}/resourceGroups/more");
    let seed = serde_json::json!({ "resourceGroups": [{ "id": group, "location": "westeurope" }],
        "settings": { "pageSize": 1 } });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure.get(&group).await.expect(200);
    azure.get(crate::common::GROUP).await.expect(200);
    let settings = azure.control("GET", "/settings", None).await;
    assert_eq!(settings.at("/pageSize"), 1);
    assert_eq!(settings.at("/operationSeconds"), 0.02);
}

#[test]
fn an_absent_file_is_named() {
    let error = Seed::read("no/such/seed.yaml".as_ref()).unwrap_err();
    assert_has(&error.to_string(), "no/such/seed.yaml");
}
