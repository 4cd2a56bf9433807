//! The control plane is a real one: what the other tests take for granted of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use testbed::binaries::Binaries;
use testbed::control_plane::ControlPlane;
use testbed::run_directory::RunDirectory;
use testbed::tls;

#[tokio::test]
async fn a_control_plane_serves_kubectl_deletes_namespaces_and_publishes_the_keys_of_its_tokens() {
    let run = RunDirectory::new().unwrap();
    let binaries = tokio::task::spawn_blocking(Binaries::provide)
        .await
        .unwrap()
        .unwrap();
    let plane = ControlPlane::start(&binaries, &run.path().join("control-plane"))
        .await
        .unwrap();
    let kubectl = plane.kubectl();

    let version: Value = serde_json::from_str(&kubectl.ok(&["version", "--output=json"]).unwrap()).unwrap();
    assert_eq!(version["serverVersion"]["gitVersion"], "v1.36.3");
    assert_eq!(version["clientVersion"]["gitVersion"], "v1.36.3");

    kubectl.ok(&["create", "namespace", "tokens"]).unwrap();
    kubectl.ok(&["create", "namespace", "short-lived"]).unwrap();
    // Ends only when the namespace is really gone, which needs the controller manager.
    kubectl
        .ok(&["delete", "namespace", "short-lived", "--timeout=60s"])
        .unwrap();
    let gone = kubectl.run(&["get", "namespace", "short-lived"]).unwrap();
    assert!(!gone.success && gone.stderr.contains("NotFound"), "{gone:?}");

    kubectl
        .ok(&["create", "serviceaccount", "operator", "--namespace=tokens"])
        .unwrap();
    let audience = "--audience=api://AzureADTokenExchange";
    let token = kubectl
        .ok(&["create", "token", "operator", "--namespace=tokens", audience])
        .unwrap();
    let claims = claims(&token);
    assert_eq!(claims["aud"][0], "api://AzureADTokenExchange");
    assert_eq!(claims["iss"], plane.url());
    assert_eq!(claims["sub"], "system:serviceaccount:tokens:operator");

    let anonymous = tls::client(plane.authority().certificate()).unwrap();
    let get = async |url: &str| -> Value {
        let answer = anonymous
            .get(url)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap();
        answer.json().await.unwrap()
    };
    let discovery = get(&format!("{}/.well-known/openid-configuration", plane.url())).await;
    assert_eq!(discovery["issuer"], plane.url());
    let keys = get(discovery["jwks_uri"].as_str().unwrap()).await;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1), "{keys}");
}

/// What a token says, without its signature being checked.
fn claims(token: &str) -> Value {
    token
        .split('.')
        .nth(1)
        .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}
