//! Accounts and their projects as these tests ask for them.

use serde_json::{Value, json};

use crate::common::{Answer, Azure, GROUP, identity, key};

pub fn account(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.CognitiveServices/accounts/{name}")
}

/// One with Microsoft's keys.
pub fn plain() -> Value {
    json!({
        "kind": "AIServices",
        "location": "westeurope",
        "sku": { "name": "S0" },
        "identity": {
            "type": "SystemAssigned, UserAssigned",
            "userAssignedIdentities": { identity("hub-keys"): {}, identity("no-role"): {} },
        },
        "properties": {},
    })
}

pub fn vault_uri(vault: &str) -> String {
    key(vault, "").replace("keys/", "")
}

/// Encryption with a key, fetched by whoever has the client id.
pub fn own(vault: &str, key_name: &str, client: &str) -> Value {
    json!({
        "keySource": "Microsoft.KeyVault",
        "keyVaultProperties": {
            "keyVaultUri": vault_uri(vault),
            "keyName": key_name,
            "keyVersion": "",
            "identityClientId": client,
        },
    })
}

pub fn change(encryption: &Value) -> Value {
    json!({ "properties": { "encryption": encryption } })
}

pub fn microsofts() -> Value {
    change(&json!({ "keySource": "Microsoft.CognitiveServices" }))
}

/// The body of an account that can have projects.
pub fn parent() -> Value {
    let mut body = plain();
    body["properties"]["allowProjectManagement"] = json!(true);
    body
}

/// A project of the account `ai`.
pub fn project(name: &str) -> String {
    format!("{}/projects/{name}", account("ai"))
}

pub fn project_body() -> Value {
    json!({
        "location": "westeurope",
        "identity": { "type": "SystemAssigned" },
        "tags": { "team": "research" },
        "properties": { "displayName": "Chat", "description": "Talks" },
    })
}

impl Azure {
    /// With an account that can have projects.
    pub async fn with_parent(settings: &Value) -> Self {
        let azure = Self::with(settings).await;
        azure.make("ai", &parent()).await;
        azure
    }

    /// The project, once its operation has succeeded.
    pub async fn done_project(&self, name: &str, begun: &Answer) -> Value {
        let end = self.end_of(begun).await;
        assert_eq!(end["status"], "Succeeded", "{end}");
        self.get(&project(name)).await.expect(200).body
    }

    pub async fn make_project(&self, name: &str) -> Value {
        let begun = self.put(&project(name), &project_body()).await.expect(201);
        self.done_project(name, &begun).await
    }

    pub async fn remove_project(&self, name: &str) {
        let begun = self.delete(&project(name)).await.expect(202);
        assert_eq!(self.end_of(&begun).await["status"], "Succeeded");
        self.get(&project(name)).await.expect(404);
    }

    pub async fn client_id(&self, name: &str) -> String {
        let found = self.get(&identity(name)).await.expect(200);
        found.at("/properties/clientId").as_str().unwrap().to_owned()
    }

    /// A body with a key that `hub-keys` fetches.
    pub async fn keyed(&self, vault: &str, key_name: &str) -> Value {
        let mut body = plain();
        body["properties"]["encryption"] = own(vault, key_name, &self.client_id("hub-keys").await);
        body
    }

    /// How an operation ends that an answer of any code began.
    pub async fn end_of(&self, begun: &Answer) -> Value {
        let url = begun.header("azure-asyncoperation");
        assert!(!url.is_empty(), "{} {}", begun.status, begun.text);
        loop {
            let answer = self.get(url).await.expect(200);
            if answer.at("/status") != "InProgress" {
                return answer.body;
            }
        }
    }

    /// The account, once its operation has succeeded.
    pub async fn done(&self, name: &str, begun: &Answer) -> Value {
        let end = self.end_of(begun).await;
        assert_eq!(end["status"], "Succeeded", "{end}");
        self.get(&account(name)).await.expect(200).body
    }

    pub async fn make(&self, name: &str, body: &Value) -> Value {
        let begun = self.put(&account(name), body).await.expect(201);
        self.done(name, &begun).await
    }

    /// Code and message of an operation that fails.
    pub async fn failure(&self, begun: &Answer) -> (String, String) {
        let end = self.end_of(begun).await;
        assert_eq!(end["status"], "Failed", "{end}");
        let text = |name: &str| end["error"][name].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }

    pub async fn remove_account(&self, name: &str) {
        let begun = self.delete(&account(name)).await.expect(202);
        assert_eq!(self.end_of(&begun).await["status"], "Succeeded");
        self.get(&account(name)).await.expect(404);
    }
}
