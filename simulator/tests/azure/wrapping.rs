//! Keys are real: what one wraps, only the same one unwraps; and which states of a key allow what.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::common::{Answer, Azure, vault_refused};

const SECRET: &[u8] = b"thirty-two bytes, as of AES keys";

async fn turn(azure: &Azure, path: &str, algorithm: &str, value: &str) -> Answer {
    let body = json!({ "alg": algorithm, "value": value });
    azure.key_request("POST", path, Some(&body)).await
}

fn text(answer: &Answer) -> String {
    answer.at("/value").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_algorithm_there_and_back() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let plain = BASE64_URL_SAFE_NO_PAD.encode(SECRET);
    for algorithm in ["RSA-OAEP-256", "RSA-OAEP", "RSA1_5"] {
        let wrapped = turn(&azure, "main/keys/one/wrapkey", algorithm, &plain)
            .await
            .expect(200);
        let value = text(&wrapped);
        // As long as the modulus of 3072 bits.
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(&value).unwrap().len(), 384);
        assert_ne!(value, plain);
        let kid = wrapped.at("/kid").as_str().unwrap();
        let version = kid.rsplit('/').next().unwrap();
        let path = format!("main/keys/one/{version}/unwrapkey");
        let back = turn(&azure, &path, algorithm, &value).await.expect(200);
        assert_eq!(text(&back), plain);
        assert_eq!(back.at("/kid"), kid);
        // Another key cannot, and neither can the same one otherwise.
        let other = turn(&azure, "main/keys/two/unwrapkey", algorithm, &value).await;
        assert!(other.status == 400 || text(&other) != plain, "{}", other.text);
    }
    let answer = turn(&azure, "main/keys/one/wrapkey", "A256KW", &plain).await;
    vault_refused(&answer, 400, "BadParameter", None, "A256KW");
    let answer = turn(&azure, "main/keys/one/wrapkey", "RSA-OAEP-256", "not base64!").await;
    vault_refused(&answer, 400, "BadParameter", None, "value");
    let long = BASE64_URL_SAFE_NO_PAD.encode([7; 400]);
    let answer = turn(&azure, "main/keys/one/wrapkey", "RSA-OAEP-256", &long).await;
    vault_refused(&answer, 400, "BadParameter", None, "does not fit");
}

#[tokio::test]
async fn what_an_old_version_wrapped_it_unwraps_after_rotation() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let plain = BASE64_URL_SAFE_NO_PAD.encode(SECRET);
    let wrapped = turn(&azure, "main/keys/two/wrapkey", "RSA-OAEP-256", &plain)
        .await
        .expect(200);
    let old = wrapped.at("/kid").as_str().unwrap().to_owned();
    azure
        .key_request("POST", "main/keys/two/rotate", None)
        .await
        .expect(200);
    let version = old.rsplit('/').next().unwrap();
    let path = format!("main/keys/two/{version}/unwrapkey");
    let back = turn(&azure, &path, "RSA-OAEP-256", &text(&wrapped))
        .await
        .expect(200);
    assert_eq!(text(&back), plain);
    let answer = turn(&azure, "main/keys/two/unwrapkey", "RSA-OAEP-256", &text(&wrapped)).await;
    vault_refused(&answer, 400, "BadParameter", None, "does not fit");
}

#[tokio::test]
async fn states_of_a_key() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let plain = BASE64_URL_SAFE_NO_PAD.encode(SECRET);
    let wrap = async |key: &str| {
        turn(
            &azure,
            &format!("main/keys/{key}/wrapkey"),
            "RSA-OAEP-256",
            &plain,
        )
        .await
    };
    let wrapped = text(&wrap("one").await.expect(200));
    let unwrap = async || turn(&azure, "main/keys/one/unwrapkey", "RSA-OAEP-256", &wrapped).await;
    let change = async |attributes: Value| {
        let body = json!({ "attributes": attributes });
        azure
            .key_request("PATCH", "main/keys/one", Some(&body))
            .await
            .expect(200);
    };
    for (key, inner, part) in [
        ("blocked", Some("KeyDisabled"), "disabled key"),
        ("ended", None, "an expired key"),
        ("not-yet", None, "a not yet valid key"),
        ("curve", None, "wrapKey"),
    ] {
        vault_refused(&wrap(key).await, 403, "Forbidden", inner, part);
    }
    // Outside its time a key unwraps.
    change(json!({ "exp": 1_000_000_000 })).await;
    vault_refused(&wrap("one").await, 403, "Forbidden", None, "expired");
    assert_eq!(text(&unwrap().await.expect(200)), plain);
    change(json!({ "exp": 32_503_680_000_i64, "nbf": 32_503_600_000_i64 })).await;
    vault_refused(&wrap("one").await, 403, "Forbidden", None, "not yet valid");
    assert_eq!(text(&unwrap().await.expect(200)), plain);
    // A disabled one does not.
    change(json!({ "nbf": 1_000_000_000, "enabled": false })).await;
    vault_refused(
        &unwrap().await,
        403,
        "Forbidden",
        Some("KeyDisabled"),
        "unwrapKey",
    );
    vault_refused(
        &wrap("one").await,
        403,
        "Forbidden",
        Some("KeyDisabled"),
        "wrapKey",
    );
    change(json!({ "enabled": true })).await;
    assert_eq!(text(&unwrap().await.expect(200)), plain);
}

/// Under both answers of `disabledKeyWraps` a disabled key does not unwrap.
#[tokio::test]
async fn a_disabled_key_may_wrap() {
    let azure = Azure::with(&json!({ "disabledKeyWraps": true })).await;
    azure.make_officer("main").await;
    let plain = BASE64_URL_SAFE_NO_PAD.encode(SECRET);
    let wrapped = turn(&azure, "main/keys/blocked/wrapkey", "RSA-OAEP", &plain)
        .await
        .expect(200);
    let answer = turn(&azure, "main/keys/blocked/unwrapkey", "RSA-OAEP", &text(&wrapped)).await;
    vault_refused(&answer, 403, "Forbidden", Some("KeyDisabled"), "disabled");
}

#[tokio::test]
async fn only_what_a_key_is_for() {
    let azure = Azure::start().await;
    azure.make_officer("main").await;
    let body = json!({ "kty": "RSA", "key_ops": ["wrapKey"] });
    azure
        .key_request("POST", "main/keys/for-wrapping/create", Some(&body))
        .await
        .expect(200);
    let plain = BASE64_URL_SAFE_NO_PAD.encode(SECRET);
    let wrapped = turn(&azure, "main/keys/for-wrapping/wrapkey", "RSA-OAEP", &plain)
        .await
        .expect(200);
    let answer = turn(
        &azure,
        "main/keys/for-wrapping/unwrapkey",
        "RSA-OAEP",
        &text(&wrapped),
    )
    .await;
    vault_refused(&answer, 403, "Forbidden", None, "unwrapKey is not permitted");
}
