//! The control plane is a real one: what the other tests take for granted of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testbed::chart;
use testbed::installation::Installation;
use testbed::kubeconfig;
use testbed::object::Object;
use testbed::proxy::Proxy;
use testbed::scenario::control_plane;
use testbed::{Kubectl, tls};

/// As an example, without what does not matter here.
const HUB: &str = r#"
apiVersion: keyholder.dev/v1alpha1
kind: AIHub
metadata: { name: research }
spec:
  subscriptionId: 00000000-0000-0000-0000-000000000001
  resourceGroup: rg-ai
  location: westeurope
  identity: { systemAssigned: true }
  storageAccount: aihubdata
  keyVault: hub-secrets
  encryption: { mode: MicrosoftManaged }
"#;

#[tokio::test]
async fn a_control_plane_serves_kubectl_deletes_namespaces_and_publishes_the_keys_of_its_tokens() {
    let plane = control_plane().await.unwrap();
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

#[tokio::test]
async fn the_operator_can_do_what_the_chart_lets_it_and_nothing_else() {
    let plane = control_plane().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let installed = Installation::new(
        plane,
        "rights-system",
        "rights",
        &chart::values("testbed", "rights"),
    )
    .unwrap();
    let kubeconfig = installed
        .kubeconfig(plane, plane.url(), &folder.path().join("kubeconfig"))
        .unwrap();
    let operator = Kubectl::new(plane.binaries().program("kubectl"), kubeconfig);
    let can = |namespace: &str, question: &[&str]| {
        let namespace = format!("--namespace={namespace}");
        let said = operator
            .run(&[&["auth", "can-i", &namespace], question].concat())
            .unwrap();
        match said.stdout.trim() {
            "yes" => true,
            "no" => false,
            _ => panic!("{said:?}"),
        }
    };
    assert!(can("rights", &["list", "aihubs.keyholder.dev"]));
    assert!(can(
        "rights",
        &["patch", "aihubs.keyholder.dev", "--subresource=status"]
    ));
    assert!(can(
        "rights-system",
        &["create", "serviceaccounts", "--subresource=token"]
    ));
    assert!(can("rights-system", &["update", "leases.coordination.k8s.io"]));

    assert!(!can(
        "rights",
        &["create", "serviceaccounts", "--subresource=token"]
    ));
    assert!(!can("rights", &["delete", "aihubs.keyholder.dev"]));
    assert!(!can("rights", &["get", "secrets"]));
    assert!(!can("rights-system", &["get", "secrets"]));
    assert!(!can("default", &["list", "aihubs.keyholder.dev"]));
}

#[tokio::test]
async fn a_proxy_lets_watches_through_and_holds_the_answer_of_a_write_that_took_effect() {
    let plane = control_plane().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let installed =
        Installation::new(plane, "held-system", "held", &chart::values("testbed", "held")).unwrap();
    let proxy = Proxy::start(plane).await.unwrap();
    let kubeconfig = installed
        .kubeconfig(plane, proxy.url(), &folder.path().join("kubeconfig"))
        .unwrap();
    let through_proxy = Object::api(kubeconfig::client(&kubeconfig).await.unwrap(), "held", "AIHub");
    let kubectl = plane.kubectl();

    // A watch through the proxy sees what is written past it.
    let watching = through_proxy.clone();
    let seen = tokio::spawn(async move {
        testbed::object::until(&watching, "research", "there", Duration::from_secs(60), |_| true).await
    });
    kubectl
        .with_input(&["apply", "--namespace=held", "--filename=-"], HUB)
        .unwrap()
        .ok()
        .unwrap();
    seen.await.unwrap().unwrap();

    let label = |value: &str| Patch::Merge(json!({ "metadata": { "labels": { "touched": value } } }));
    let mut held = proxy.hold_after(1);
    through_proxy
        .patch("research", &PatchParams::default(), &label("once"))
        .await
        .unwrap();
    let patching = through_proxy.clone();
    let second = label("twice");
    let answer =
        tokio::spawn(async move { patching.patch("research", &PatchParams::default(), &second).await });
    let write = held.reached().await.unwrap();
    assert_eq!((write.method.as_str(), write.status), ("PATCH", 200));
    let labels = [
        "get",
        "aihub",
        "research",
        "--namespace=held",
        "--output=jsonpath={.metadata.labels.touched}",
    ];
    assert_eq!(kubectl.ok(&labels).unwrap(), "twice");
    assert!(!answer.is_finished(), "the answer was not held");
    drop(held);
    answer.await.unwrap().unwrap();
    assert_eq!(
        proxy
            .writes()
            .iter()
            .filter(|write| write.is_about_objects())
            .count(),
        2
    );

    proxy.cut(true);
    assert!(through_proxy.get("research").await.is_err());
    proxy.cut(false);
    through_proxy.get("research").await.unwrap();
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
