//! Azure Resource Manager as another principal than the operator uses it.

use std::hash::{DefaultHasher, Hash, Hasher};

use reqwest::Method;
use serde_json::{Value, json};

use super::names::{self, TENANT, subscription};
use crate::error::Error;

/// Audience of tokens for Azure Resource Manager in the public cloud.
pub const ARM_AUDIENCE: &str = "https://management.azure.com";

/// Key Vault Crypto Service Encryption User (role-based-access-control, built-in roles, security).
const ENCRYPTION_USER: &str = "e147488a-f6f5-4113-8e2d-b22465e65bf6";

/// A client with the token of one service principal.
#[derive(Clone, Debug)]
pub struct RestClient {
    http: reqwest::Client,
    endpoint: String,
    token: String,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null when there is none.
    pub body: Value,
}

impl RestClient {
    /// Signs in with a client secret.
    ///
    /// # Errors
    /// There is no token to be had.
    pub async fn sign_in(
        http: reqwest::Client,
        endpoint: &str,
        client_id: &str,
        secret: &str,
    ) -> Result<Self, Error> {
        let doing = format!("signing in as {client_id}");
        let scope = format!("{ARM_AUDIENCE}/.default");
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client_id)
            .append_pair("client_secret", secret)
            .append_pair("scope", &scope)
            .finish();
        let answer = http
            .post(format!("{endpoint}/{TENANT}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .map_err(Error::azure(doing.clone()))?;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.map_err(Error::azure(doing.clone()))?;
        match body.get("access_token").and_then(Value::as_str) {
            Some(token) => Ok(Self {
                http,
                endpoint: endpoint.to_owned(),
                token: token.to_owned(),
            }),
            None => Err(Error::Answer {
                doing,
                status,
                body: body.to_string(),
            }),
        }
    }

    /// Sends one request; `path` may carry a query beside the api-version.
    ///
    /// # Errors
    /// No answer came. That it says no is not an error here.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Error> {
        let doing = format!("{method} {path}");
        let mark = if path.contains('?') { '&' } else { '?' };
        let mut request = self
            .http
            .request(
                method,
                format!("{}{path}{mark}api-version={version}", self.endpoint),
            )
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(Error::azure(doing.clone()))?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(Error::azure(doing))?;
        Ok(Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        })
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// It is not there, or may not be read.
    pub async fn get(&self, id: &str, version: &str) -> Result<Value, Error> {
        self.send(Method::GET, id, version, None).await?.ok("GET", id)
    }

    /// Creates or replaces a resource.
    ///
    /// # Errors
    /// It was refused.
    pub async fn put(&self, id: &str, version: &str, body: &Value) -> Result<Value, Error> {
        self.send(Method::PUT, id, version, Some(body))
            .await?
            .ok("PUT", id)
    }

    /// Gives a principal the role Key Vault Crypto Service Encryption User at a vault or a key.
    ///
    /// # Errors
    /// It was refused.
    pub async fn let_unwrap(&self, principal: &str, scope: &str) -> Result<(), Error> {
        let mut hasher = DefaultHasher::new();
        (principal, scope).hash(&mut hasher);
        let name = hasher.finish() & 0xffff_ffff_ffff;
        let id = format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments/44444444-0000-0000-0000-{name:012x}"
        );
        let role = format!(
            "{}/providers/Microsoft.Authorization/roleDefinitions/{ENCRYPTION_USER}",
            subscription()
        );
        let properties = json!({ "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal" });
        let body = json!({ "properties": properties });
        self.put(&id, "2022-04-01", &body).await.map(drop)
    }

    /// The PATCH that has the hub's identity encrypt a storage account with the examples' key.
    ///
    /// # Errors
    /// The vault cannot be read.
    pub async fn storage_encryption(&self) -> Result<Value, Error> {
        let found = self.get(&names::vault(names::VAULT), "2026-02-01").await?;
        let user = names::identity(names::HUB_IDENTITY);
        let encryption = json!({
            "keySource": "Microsoft.Keyvault",
            "keyvaultproperties": { "keyname": names::KEY, "keyvaulturi": found.pointer("/properties/vaultUri") },
            "identity": { "userAssignedIdentity": user },
        });
        Ok(json!({
            "identity": { "type": "UserAssigned", "userAssignedIdentities": { user: {} } },
            "properties": { "encryption": encryption },
        }))
    }

    /// Changes a resource.
    ///
    /// # Errors
    /// It was refused.
    pub async fn patch(&self, id: &str, version: &str, body: &Value) -> Result<Value, Error> {
        self.send(Method::PATCH, id, version, Some(body))
            .await?
            .ok("PATCH", id)
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// It was refused.
    pub async fn delete(&self, id: &str, version: &str) -> Result<Value, Error> {
        self.send(Method::DELETE, id, version, None)
            .await?
            .ok("DELETE", id)
    }
}

impl Answer {
    /// The body, if the request was accepted.
    ///
    /// # Errors
    /// It was refused.
    pub fn ok(self, method: &str, path: &str) -> Result<Value, Error> {
        if self.status < 400 {
            Ok(self.body)
        } else {
            let doing = format!("{method} {path}");
            Err(Error::Answer {
                doing,
                status: self.status,
                body: self.body.to_string(),
            })
        }
    }
}
