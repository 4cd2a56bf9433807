//! An Azure of its own for each test, and a client for it.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use azure_simulator::{Config, Seed, Simulator};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

pub const TENANT: &str = "99999999-0000-0000-0000-000000000001";
pub const SUBSCRIPTION: &str = "/subscriptions/11111111-0000-0000-0000-000000000001";
pub const BARE: &str = "/subscriptions/11111111-0000-0000-0000-000000000002";
pub const GROUP: &str = "/subscriptions/11111111-0000-0000-0000-000000000001/resourceGroups/ai";
/// Object id of the identity `hub-keys`, which may use the keys.
pub const HUB_KEYS: &str = "33333333-0000-0000-0000-000000000001";
/// Object id of the identity `no-role`, which may not.
pub const NO_ROLE: &str = "33333333-0000-0000-0000-000000000002";
/// The role that lets an identity use keys.
pub const ENCRYPTION_USER: &str = "e147488a-f6f5-4113-8e2d-b22465e65bf6";

/// The role that lets somebody do everything with keys.
pub const CRYPTO_OFFICER: &str = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";
/// Object ids of principals of the seed.
pub const WRITER: &str = "22222222-0000-0000-0001-000000000003";
pub const MICROSOFT: &str = "22222222-0000-0000-0001-000000000005";

/// api-versions by the type that is last in a path.
const VERSIONS: [(&str, &str); 13] = [
    ("Microsoft.MachineLearningServices/workspaces", "2026-05-01"),
    ("Microsoft.CognitiveServices/", "2026-07-01"),
    ("Microsoft.KeyVault/vaults", "2026-02-01"),
    ("Microsoft.KeyVault/managedHSMs", "2026-02-01"),
    ("Microsoft.KeyVault/deletedVaults", "2026-02-01"),
    ("Microsoft.KeyVault/locations", "2026-02-01"),
    ("Microsoft.ManagedIdentity/userAssignedIdentities", "2024-11-30"),
    ("Microsoft.Storage/storageAccounts", "2026-04-01"),
    ("Microsoft.Search/searchServices", "2025-05-01"),
    ("Microsoft.DocumentDB/databaseAccounts", "2026-03-15"),
    ("Microsoft.ContainerRegistry/registries", "2025-11-01"),
    ("Microsoft.Authorization/", "2022-04-01"),
    ("", "2025-04-01"),
];

pub use crate::vault_requests::{vault_audience, vault_refused, vault_url};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Vaults of the tests' seed, and some that tests make: their hosts do not resolve everywhere.
const VAULTS: [&str; 9] = [
    "main", "other", "loose", "away", "foreign", "closed", "trusting", "policies", "new",
];

/// The port of this test's Azure.
pub fn port() -> u16 {
    PORT.get()
}

thread_local! {
    /// The port of this test's Azure: each test has a thread of its own.
    static PORT: Cell<u16> = const { Cell::new(0) };
}

pub struct Azure {
    simulator: Simulator,
    pub client: reqwest::Client,
    tokens: Mutex<HashMap<String, String>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// `null` when there is none, or when it is no JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn at(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or(&Value::Null)
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Azure's error: status, code, JSON, nothing beside it, and a message with `part` in it.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, part: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            "application/json; charset=utf-8",
            "{}",
            self.text
        );
        assert!(!self.header("x-ms-request-id").is_empty());
        assert_eq!(self.at("/error/code"), code, "{}", self.text);
        assert_eq!(self.body.as_object().unwrap().len(), 1, "{}", self.text);
        assert_has(self.at("/error/message").as_str().unwrap(), part);
        self
    }
}

#[track_caller]
pub fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "no '{part}' in: {text}");
}

impl Azure {
    /// With the seed of these tests.
    pub async fn start() -> Self {
        Self::with(&json!({})).await
    }

    /// With other settings.
    pub async fn with(settings: &Value) -> Self {
        let mut seed: Value = serde_saphyr::from_str(include_str!("seed.yaml")).unwrap();
        for (name, value) in settings.as_object().unwrap() {
            seed["settings"][name] = value.clone();
        }
        let config = Config {
            seed: Some(Seed::parse(&seed.to_string()).unwrap()),
            traffic_log: Some(traffic_log()),
            ..Config::default()
        };
        let simulator = Simulator::start(config).await.unwrap();
        let authority = reqwest::Certificate::from_pem(simulator.ca_pem().as_bytes()).unwrap();
        let port = simulator.endpoint().rsplit(':').next().unwrap().parse().unwrap();
        PORT.set(port);
        let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([authority]);
        for vault in VAULTS {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            client = client.resolve(&format!("{vault}.vault.localhost"), address);
        }
        let client = client.build().unwrap();
        Self {
            simulator,
            client,
            tokens: Mutex::default(),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.endpoint())
    }

    pub fn proxy(&self) -> &str {
        self.simulator.proxy()
    }

    pub fn authority(&self) -> reqwest::Certificate {
        reqwest::Certificate::from_pem(self.simulator.ca_pem().as_bytes()).unwrap()
    }

    /// The token endpoint's answer.
    pub async fn sign_in(&self, tenant: &str, form: &[(&str, &str)]) -> Answer {
        let url = self.url(&format!("/{tenant}/oauth2/v2.0/token"));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = self
            .client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        received(request.send().await.unwrap()).await
    }

    /// An access token of a principal of the seed, for Azure Resource Manager.
    pub async fn token(&self, who: &str) -> String {
        self.token_for(who, "https://management.azure.com").await
    }

    /// An access token of a principal of the seed.
    pub async fn token_for(&self, who: &str, audience: &str) -> String {
        let place = format!("{who} {audience}");
        let known = self.tokens.lock().unwrap().get(&place).cloned();
        if let Some(token) = known {
            return token;
        }
        let number = ["owner", "reader", "writer", "stranger", "microsoft", "careless"]
            .iter()
            .position(|one| *one == who)
            .unwrap();
        let answer = self
            .sign_in(
                TENANT,
                &[
                    ("grant_type", "client_credentials"),
                    (
                        "client_id",
                        &format!("22222222-0000-0000-0000-00000000000{}", number + 1),
                    ),
                    ("client_secret", &format!("of-{who}")),
                    ("scope", &format!("{audience}/.default")),
                ],
            )
            .await
            .expect(200);
        let token = answer.at("/access_token").as_str().unwrap().to_owned();
        self.tokens.lock().unwrap().insert(place, token.clone());
        token
    }

    /// A request that is not sent yet.
    pub async fn request(
        &self,
        who: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::RequestBuilder {
        let url = if path.starts_with("https://") {
            path.to_owned()
        } else {
            self.url(&versioned(path))
        };
        let request = self
            .client
            .request(Method::from_bytes(method.as_bytes()).unwrap(), url)
            .bearer_auth(self.token(who).await);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    pub async fn send(&self, who: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(who, method, path, body).await;
        received(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("owner", "GET", path, None).await
    }

    /// By the one whose requests are no example for anybody.
    pub async fn ask_carelessly(&self, path: &str) -> Answer {
        self.send("careless", "GET", path, None).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("owner", "PUT", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("owner", "PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("owner", "DELETE", path, None).await
    }

    /// The control API.
    pub async fn control(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self
            .client
            .request(method, self.url(&format!("/_simulator{path}")));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        received(request.send().await.unwrap()).await
    }

    pub async fn fault(&self, fault: &Value) {
        self.control("POST", "/faults", Some(fault)).await.expect(200);
    }

    pub async fn settings(&self, change: &Value) {
        self.control("PATCH", "/settings", Some(change)).await.expect(200);
    }

    /// What an accepted operation says at its end.
    #[track_caller]
    pub fn finish(&self, accepted: &Answer) -> impl Future<Output = Value> {
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        let url = accepted.header("azure-asyncoperation").to_owned();
        assert!(!url.is_empty());
        async move {
            loop {
                let answer = self.get(&url).await.expect(200);
                if answer.at("/status") != "InProgress" {
                    return answer.body;
                }
            }
        }
    }

    /// Creates a hub, and gives it back as it is then.
    pub async fn create(&self, name: &str, body: &Value) -> Value {
        let accepted = self.put(&workspace(name), body).await;
        let end = self.finish(&accepted).await;
        assert_eq!(end["status"], "Succeeded", "{end}");
        self.get(&workspace(name)).await.expect(200).body
    }

    /// The message of a creation that fails inside its operation.
    pub async fn fail(&self, name: &str, body: &Value) -> String {
        let accepted = self.put(&workspace(name), body).await;
        let end = self.finish(&accepted).await;
        assert_eq!(end["status"], "Failed", "{end}");
        assert_eq!(end["error"]["code"], "BadRequest", "{end}");
        end["error"]["message"].as_str().unwrap().to_owned()
    }
}

pub async fn received(response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

/// A path with its api-version, unless it has one.
pub fn versioned(path: &str) -> String {
    if path.contains("api-version") || path.starts_with("/_") {
        return path.to_owned();
    }
    let tail = path.rsplit_once("/providers/").map_or("", |(_, tail)| tail);
    let version = VERSIONS
        .iter()
        .find(|(kind, _)| tail.starts_with(kind))
        .unwrap()
        .1;
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}api-version={version}")
}

/// Where a test's exchanges are recorded.
fn traffic_log() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("azure-simulator");
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(format!("traffic-{}.jsonl", NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub fn workspace(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{name}")
}

pub fn vault(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.KeyVault/vaults/{name}")
}

pub fn identity(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}")
}

pub fn storage(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/{name}")
}

pub fn assignment(scope: &str, number: u32) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/44444444-0000-0000-0000-{number:012}")
}

/// The body of a role assignment.
pub fn grant(role: &str, principal: &str) -> Value {
    json!({ "properties": {
        "roleDefinitionId": format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }})
}

pub fn key(vault: &str, name: &str) -> String {
    format!("https://{vault}.vault.localhost:{}/keys/{name}", PORT.get())
}

/// A hub with a key and a managed resource group.
pub fn hub(vault_name: &str, key_name: &str) -> Value {
    hub_as("hub-keys", vault_name, key_name)
}

/// The same, with an identity of one's choice.
pub fn hub_as(identity_name: &str, vault_name: &str, key_name: &str) -> Value {
    let mut body = plain_hub();
    let identity = identity(identity_name);
    body["identity"] = json!({ "type": "UserAssigned", "userAssignedIdentities": { &identity: {} } });
    body["properties"]["primaryUserAssignedIdentity"] = json!(identity);
    body["properties"]["encryption"] = json!({
        "status": "Enabled",
        "identity": { "userAssignedIdentity": identity },
        "keyVaultProperties": {
            "keyVaultArmId": vault(vault_name),
            "keyIdentifier": key(vault_name, key_name),
        },
    });
    body
}

/// A hub with Microsoft's keys.
pub fn plain_hub() -> Value {
    json!({
        "kind": "Hub",
        "location": "westeurope",
        "identity": { "type": "SystemAssigned" },
        "properties": { "friendlyName": "Hub", "storageAccount": storage("artifacts") },
    })
}

/// The name of a hub's managed resource group.
pub fn managed_group(hub: &Value) -> String {
    let name = hub["properties"]["serviceProvisionedResourceGroup"]
        .as_str()
        .unwrap();
    format!("{SUBSCRIPTION}/resourceGroups/{name}")
}
