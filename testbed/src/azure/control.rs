//! The simulator's control API: what a test does that nobody can do to Azure.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;

/// A client of the control API.
#[derive(Clone, Debug)]
pub struct Control {
    http: reqwest::Client,
    base: String,
}

/// One request with its answer, as the simulator recorded it.
#[derive(Clone, Debug, Deserialize)]
pub struct Exchange {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// Body of the request.
    #[serde(default)]
    pub request: Value,
    /// Body of the answer.
    #[serde(default)]
    pub response: Value,
    /// Whose it was, if that is known.
    #[serde(default)]
    pub principal: Option<String>,
    /// When, as RFC 3339.
    #[serde(default)]
    pub at: String,
    /// The fault that it met on purpose.
    #[serde(default)]
    pub fault: Value,
}

impl Exchange {
    /// Whether it asks for a change.
    #[must_use]
    pub fn is_write(&self) -> bool {
        // A question, although it is a POST.
        let asks = self.path().ends_with("/checkPolicyRestrictions");
        self.method != "GET" && self.method != "HEAD" && !asks
    }

    /// Its path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }
}

impl Control {
    /// Of the simulator at `endpoint`.
    #[must_use]
    pub fn new(http: reqwest::Client, endpoint: &str) -> Self {
        Self {
            http,
            base: format!("{endpoint}/_simulator"),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Adds what a seed holds.
    ///
    /// # Errors
    /// It was refused.
    pub async fn seed(&self, seed: &str) -> Result<(), Error> {
        let request = self
            .http
            .post(format!("{}/seed", self.base))
            .header("content-type", "application/yaml");
        answer("seeding the simulator", request.body(seed.to_owned()))
            .await
            .map(drop)
    }

    /// Changes settings; those not named stay.
    ///
    /// # Errors
    /// It was refused.
    pub async fn settings(&self, settings: &Value) -> Result<(), Error> {
        self.ask(Method::PATCH, "settings", Some(settings))
            .await
            .map(drop)
    }

    /// Requests counted so far.
    ///
    /// # Errors
    /// It did not answer.
    pub async fn counters(&self) -> Result<Value, Error> {
        self.ask(Method::GET, "counters", None).await
    }

    /// Starts counting anew.
    ///
    /// # Errors
    /// It did not answer.
    pub async fn reset_counters(&self) -> Result<(), Error> {
        self.ask(Method::POST, "counters/reset", None).await.map(drop)
    }

    /// Somebody makes a private endpoint to a workspace.
    ///
    /// # Errors
    /// There is no such workspace.
    pub async fn private_endpoint(&self, workspace: &str) -> Result<(), Error> {
        let made = json!({ "workspace": workspace });
        self.ask(Method::POST, "private-endpoints", Some(&made))
            .await
            .map(drop)
    }

    /// Puts a fault in the way of requests.
    ///
    /// # Errors
    /// It was refused.
    pub async fn fault(&self, fault: &Value) -> Result<Value, Error> {
        self.ask(Method::POST, "faults", Some(fault)).await
    }

    /// Takes all faults away.
    ///
    /// # Errors
    /// It did not answer.
    pub async fn clear_faults(&self) -> Result<(), Error> {
        self.ask(Method::DELETE, "faults", None).await.map(drop)
    }

    /// Requests that a fault holds.
    ///
    /// # Errors
    /// It did not answer.
    pub async fn holds(&self) -> Result<Value, Error> {
        self.ask(Method::GET, "holds", None).await
    }

    /// Waits, half a minute at the most, until a fault holds a request.
    ///
    /// # Errors
    /// It did not answer, or nothing is held.
    pub async fn until_held(&self) -> Result<Value, Error> {
        let held = self.ask(Method::GET, "holds?wait=30", None).await?;
        match held.get(0) {
            Some(first) => Ok(first.clone()),
            None => Err(Error::azure("waiting for a request to be held")("none was")),
        }
    }

    /// Lets go a request that a fault holds.
    ///
    /// # Errors
    /// There is none of that id.
    pub async fn release(&self, id: &str) -> Result<(), Error> {
        self.ask(Method::DELETE, &format!("holds/{id}"), None)
            .await
            .map(drop)
    }

    /// Moves a resource's stored dates back.
    ///
    /// # Errors
    /// There is no such resource.
    pub async fn age(&self, resource_id: &str, days: u32) -> Result<(), Error> {
        let body = json!({ "resourceId": resource_id, "days": days });
        self.ask(Method::POST, "age", Some(&body)).await.map(drop)
    }

    /// Does to a key, or to a version of it, what only its vault can: `"rotate"`, `"disable"`, `"enable"`, `"delete"`,
    /// `"recover"`, `{"expire": seconds since 1970}`.
    ///
    /// # Errors
    /// There is no such key.
    pub async fn key(&self, id: &str, action: &Value) -> Result<(), Error> {
        let body = json!({ "key": id, "action": action });
        self.ask(Method::POST, "keys", Some(&body)).await.map(drop)
    }

    /// Exchanges from number `since` on.
    ///
    /// # Errors
    /// It did not answer, or not with exchanges.
    pub async fn log(&self, since: usize) -> Result<Vec<Exchange>, Error> {
        let listed = self.ask(Method::GET, &format!("log?since={since}"), None).await?;
        serde_json::from_value(listed).map_err(Error::azure("understanding the simulator's log"))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        let doing = format!("{method} {path} of the simulator's control API");
        let mut request = self.http.request(method, format!("{}/{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(&doing, request).await
    }
}

async fn answer(doing: &str, request: reqwest::RequestBuilder) -> Result<Value, Error> {
    let answer = request.send().await.map_err(Error::azure(doing))?;
    let status = answer.status();
    let body = answer.text().await.map_err(Error::azure(doing))?;
    if !status.is_success() {
        return Err(Error::Answer {
            doing: doing.to_owned(),
            status: status.as_u16(),
            body,
        });
    }
    Ok(serde_json::from_str(&body).unwrap_or_default())
}
