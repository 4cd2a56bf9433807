//! Tokens of another issuer in place of a secret.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::routing::get;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::common::{Answer, Azure, GROUP, TENANT, received, versioned};
use crate::tokens::refused;

const ROBOT: &str = "77777777-0000-0000-0000-000000000001";
const SUBJECT: &str = "system:serviceaccount:robots:robot";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Somebody who signs tokens, and publishes the key over HTTPS.
struct Issuer {
    url: String,
    key: KeyPair,
    authority: String,
    handle: Handle<std::net::SocketAddr>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let key = KeyPair::generate().unwrap();
        let (x, y) = key.public_key_raw()[1..].split_at(32);
        let keys = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "first",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }]});
        let configuration = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(|| async { Json(configuration) }),
            )
            .route("/keys", get(|| async { Json(keys) }));
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let private = rustls::pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let tls = rustls::ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], private)
        .unwrap();
        let handle = Handle::new();
        let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(tls)))
            .unwrap()
            .handle(handle.clone());
        tokio::spawn(server.serve(router.into_make_service()));
        Self {
            url,
            key,
            authority: own.cert.pem(),
            handle,
        }
    }

    fn claims(&self) -> Value {
        let now = Timestamp::now().as_second();
        json!({
            "iss": self.url, "sub": SUBJECT, "aud": [AUDIENCE],
            "iat": now - 10, "nbf": now - 10, "exp": now + 600,
        })
    }

    fn sign(&self, claims: &Value) -> String {
        signed(&self.key, "first", claims)
    }
}

fn signed(key: &KeyPair, kid: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(kid.to_owned());
    let key = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap();
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

async fn azure_that_trusts(url: &str, authority: &str) -> Azure {
    let azure = Azure::start().await;
    let seed = json!({
        "identities": [{
            "id": crate::common::identity("robot"),
            "location": "westeurope",
            "clientId": ROBOT,
            "federatedCredentials": [{
                "name": "robot", "issuer": url, "subject": SUBJECT,
                "audiences": [AUDIENCE], "issuerCa": authority,
            }],
        }],
        "roleAssignments": [{ "principal": "robot", "role": "Reader", "scope": GROUP }],
    });
    azure.control("POST", "/seed", Some(&seed)).await.expect(200);
    azure
}

async fn present(azure: &Azure, assertion: &str) -> Answer {
    azure
        .sign_in(
            TENANT,
            &[
                ("grant_type", "client_credentials"),
                ("client_id", ROBOT),
                ("scope", "https://management.azure.com/.default"),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", assertion),
            ],
        )
        .await
}

#[tokio::test]
async fn the_right_assertion_gives_a_token_of_its_identity() {
    let issuer = Issuer::start();
    let azure = azure_that_trusts(&issuer.url, &issuer.authority).await;
    for _ in 0..2 {
        let answer = present(&azure, &issuer.sign(&issuer.claims())).await.expect(200);
        let token = answer.at("/access_token").as_str().unwrap().to_owned();
        let ask = |path: &str| azure.client.get(azure.url(&versioned(path))).bearer_auth(&token);
        received(ask(GROUP).send().await.unwrap()).await.expect(200);
        // It is known, and may not do everything.
        let subscription = format!("{}?api-version=2022-12-01", crate::common::SUBSCRIPTION);
        received(ask(&subscription).send().await.unwrap()).await.refused(
            403,
            "AuthorizationFailed",
            "subscriptions/read",
        );
    }
}

#[tokio::test]
async fn each_wrong_assertion_is_refused() {
    let issuer = Issuer::start();
    let azure = azure_that_trusts(&issuer.url, &issuer.authority).await;
    let with = |name: &str, value: Value| {
        let mut claims = issuer.claims();
        claims[name] = value;
        issuer.sign(&claims)
    };
    let now = Timestamp::now().as_second();
    let other = KeyPair::generate().unwrap();
    let other_signature = signed(&other, "first", &issuer.claims());
    let other_key = signed(&other, "second", &issuer.claims());
    let cases = [
        (
            with("iss", json!("https://elsewhere")),
            700_211,
            "https://elsewhere",
        ),
        (
            with("sub", json!("system:serviceaccount:robots:thief")),
            700_213,
            "thief",
        ),
        (with("aud", json!("api://other")), 700_212, "api://other"),
        (with("aud", json!([])), 700_212, "audience"),
        (with("exp", json!(now - 5)), 700_024, "time range"),
        (with("nbf", json!(now + 500)), 700_024, "time range"),
        (other_signature, 700_027, "signature"),
        (other_key, 700_027, "signature"),
        ("a.b.c".to_owned(), 50027, "malformed"),
    ];
    for (assertion, code, part) in cases {
        let answer = present(&azure, &assertion).await;
        let (status, error) = match code {
            700_024 | 700_027 => (401, "invalid_client"),
            _ => (400, "invalid_request"),
        };
        refused(&answer, status, error, code, part);
    }
    // Unsigned, or signed with what everybody can read.
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("first".to_owned());
    let public = EncodingKey::from_secret(issuer.key.public_key_raw());
    let assertion = jsonwebtoken::encode(&header, &issuer.claims(), &public).unwrap();
    refused(
        &present(&azure, &assertion).await,
        401,
        "invalid_client",
        700_027,
        "signature",
    );
    present(&azure, &issuer.sign(&issuer.claims())).await.expect(200);
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked() {
    let issuer = Issuer::start();
    // Trusted, but under another authority than it has.
    let azure = azure_that_trusts(&issuer.url, &Issuer::start().authority).await;
    let answer = present(&azure, &issuer.sign(&issuer.claims())).await;
    refused(&answer, 400, "invalid_request", 5_007_001, &issuer.url);
}

#[tokio::test]
async fn a_principal_without_federated_credentials_trusts_nobody() {
    let issuer = Issuer::start();
    let azure = azure_that_trusts(&issuer.url, &issuer.authority).await;
    let assertion = issuer.sign(&issuer.claims());
    let answer = azure
        .sign_in(
            TENANT,
            &[
                ("grant_type", "client_credentials"),
                ("client_id", "22222222-0000-0000-0000-000000000001"),
                ("scope", "https://management.azure.com/.default"),
                ("client_assertion", &assertion),
            ],
        )
        .await;
    refused(&answer, 400, "invalid_request", 700_211, &issuer.url);
}
