//! Requests to the vaults of a test's Azure.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{
    Answer, Azure, CRYPTO_OFFICER, WRITER, assert_has, assignment, grant, port, received, vault,
};

impl Azure {
    /// A request to a vault itself, for example GET `main/keys/one`.
    pub async fn ask_vault(&self, who: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let token = self.token_for(who, &vault_audience()).await;
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, vault_url(path)).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        received(request.send().await.unwrap()).await
    }

    /// Gives `writer` everything that one can do with the keys of a vault.
    pub async fn make_officer(&self, vault_name: &str) {
        let path = assignment(&vault(vault_name), 900);
        self.put(&path, &grant(CRYPTO_OFFICER, WRITER)).await.expect(201);
    }

    /// A request to a vault by `writer`.
    pub async fn key_request(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_vault("writer", method, path, body).await
    }
}

/// What a token for vaults is for.
pub fn vault_audience() -> String {
    format!("https://vault.localhost:{}", port())
}

/// Where a vault answers: of `main/keys/one`, with its api-version unless it has one.
pub fn vault_url(path: &str) -> String {
    if path.starts_with("https://") {
        return path.to_owned();
    }
    let (vault, path) = path.split_once('/').unwrap();
    let mark = if path.contains('?') { '&' } else { '?' };
    let version = if path.contains("api-version") {
        String::new()
    } else {
        format!("{mark}api-version=7.6")
    };
    format!("https://{vault}.vault.localhost:{}/{path}{version}", port())
}

/// Key Vault's error: status, code, inner code or none, and a message with `part` in it.
#[track_caller]
pub fn vault_refused(answer: &Answer, status: u16, code: &str, inner: Option<&str>, part: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.at("/error/code"), code, "{}", answer.text);
    let found = answer.at("/error/innererror/code");
    assert_eq!(found, &json!(inner), "{}", answer.text);
    assert_has(answer.at("/error/message").as_str().unwrap(), part);
}
