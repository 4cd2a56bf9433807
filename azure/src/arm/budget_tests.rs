//! The budget as the client keeps to it, with a transport that counts what reaches it.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenRequestOptions};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, StatusCode};
use azure_core::time::OffsetDateTime;
use serde_json::json;

use super::*;
use crate::error::ErrorClass;

const ONE: &str = "/subscriptions/one/resourceGroups";
const OTHER: &str = "/subscriptions/other/resourceGroups";
const READS: &str = "x-ms-ratelimit-remaining-subscription-reads";

#[derive(Debug)]
struct Token;

#[async_trait]
impl TokenCredential for Token {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(
            "token",
            OffsetDateTime::now_utc() + azure_core::time::Duration::hours(1),
        ))
    }
}

/// Answers one status with some headers to everything.
#[derive(Debug, Default)]
struct Wire {
    asked: AtomicUsize,
    answer: Mutex<(u16, Vec<(&'static str, &'static str)>)>,
}

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (status, named) = self.answer.lock().unwrap().clone();
        let mut headers = Headers::new();
        for (name, value) in named {
            headers.insert(name, value);
        }
        let body = if status == 200 {
            json!({ "value": [], "properties": {} })
        } else {
            json!({ "error": { "code": "TooManyRequests", "message": "later" } })
        };
        let status = StatusCode::from(status);
        Ok(AsyncRawResponse::from_bytes(status, headers, body.to_string()))
    }
}

impl Wire {
    fn says(&self, status: u16, headers: &[(&'static str, &'static str)]) {
        *self.answer.lock().unwrap() = (status, headers.to_vec());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn client() -> (ArmClient, Arc<Wire>) {
    let wire = Arc::new(Wire::default());
    let transport = Transport::new(Arc::clone(&wire) as Arc<dyn HttpClient>);
    let client = ArmClient::new(Cloud::public().unwrap(), Arc::new(Token), transport);
    (client, wire)
}

async fn refused(client: &ArmClient, path: &str) -> ArmError {
    client.get(path, "v").await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn what_is_not_covered_is_sent_nowhere() {
    let (client, wire) = client();
    wire.says(200, &[(READS, "1")]);
    client.get(ONE, "v").await.unwrap();
    wire.says(200, &[(READS, "0")]);
    client.get(ONE, "v").await.unwrap();
    let error = refused(&client, ONE).await;
    assert!(
        matches!(error.cause(), Cause::Withheld { kind: "reads", .. }),
        "{error}"
    );
    assert_eq!(error.class(), ErrorClass::Throttled);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!((wire.asked(), client.requests().reads), (2, 2));
    // Another subscription, and another kind of request, have their own.
    wire.says(200, &[]);
    client.get(OTHER, "v").await.unwrap();
    client.put(ONE, "v", &json!({})).await.unwrap();
    client.covers(Method::Put, ONE).unwrap();
    client.covers(Method::Get, ONE).unwrap_err();
    // What it said is when it may be sent.
    tokio::time::advance(Duration::from_secs(1)).await;
    client.get(ONE, "v").await.unwrap();
    assert_eq!(client.budget().withheld(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_azure_throttles_is_left_alone_until_it_says() {
    let (client, wire) = client();
    wire.says(429, &[(READS, "0"), ("retry-after", "17")]);
    assert_eq!(refused(&client, ONE).await.status(), Some(429));
    let error = refused(&client.for_sweeps(), ONE).await;
    assert_eq!(
        (error.status(), error.retry_after()),
        (None, Some(Duration::from_secs(17)))
    );
    assert_eq!(wire.asked(), 1);
    wire.says(200, &[]);
    client.list(OTHER, "v", &[]).await.unwrap();
    tokio::time::advance(Duration::from_secs(17)).await;
    client.get(ONE, "v").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_providers_own_429_pauses_nothing() {
    let (client, wire) = client();
    wire.says(429, &[("retry-after", "17")]);
    let error = refused(&client, ONE).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(17)));
    assert!(!error.throttles_subscription());
    wire.says(200, &[]);
    client.get(ONE, "v").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn sweeps_leave_a_reserve_and_passes_use_it() {
    let (client, wire) = client();
    wire.says(200, &[(READS, "249")]);
    client.get(ONE, "v").await.unwrap();
    wire.says(200, &[(READS, "50")]);
    client.get(ONE, "v").await.unwrap();
    // A fifth of what was seen is kept.
    let sweeps = client.for_sweeps();
    sweeps.list(ONE, "v", &[]).await.unwrap();
    wire.says(200, &[(READS, "49")]);
    client.get(ONE, "v").await.unwrap();
    let asked = wire.asked();
    sweeps.list(ONE, "v", &[]).await.unwrap_err();
    assert_eq!(wire.asked(), asked);
    client.get(ONE, "v").await.unwrap();
    // What has begun is brought to its end.
    let url = Url::parse("https://management.azure.com/subscriptions/one/operationresults/x").unwrap();
    sweeps.operation(&url).await.unwrap();
}
