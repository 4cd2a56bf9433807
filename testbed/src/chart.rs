//! The Helm chart, rendered: the operator runs with exactly the rights that it gives.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::azure::names::{OPERATOR_CLIENT_ID, TENANT};
use crate::binaries::repository;
use crate::error::Error;

/// Name of the release, which is also that of the operator's ServiceAccount.
pub const RELEASE: &str = "keyholder";

/// Name of the ServiceAccount that is the operator's identity in Azure.
pub const IDENTITY: &str = "azure";

/// The values of an installation that watches one namespace and serves it with one identity.
#[must_use]
pub fn values(owner_id: &str, namespace: &str) -> Value {
    json!({
        "ownerId": owner_id,
        "image": { "repository": "keyholder" },
        "watchNamespaces": [namespace],
        "identities": [{
            "name": IDENTITY,
            "clientId": OPERATOR_CLIENT_ID,
            "tenantId": TENANT,
            "namespaces": [namespace],
        }],
    })
}

/// The same values with another tenant: a namespace and an identity of its own.
pub fn add_tenant(values: &mut Value, namespace: &str, identity: &str, client_id: &str) {
    let identity = json!({
        "name": identity, "clientId": client_id, "tenantId": TENANT, "namespaces": [namespace],
    });
    for (list, item) in [("watchNamespaces", json!(namespace)), ("identities", identity)] {
        if let Some(items) = values.get_mut(list).and_then(Value::as_array_mut) {
            items.push(item);
        }
    }
}

/// Renders the chart with Helm, as `helm install` would.
///
/// # Errors
/// Helm refuses the values, or cannot be started.
pub fn render(helm: &Path, namespace: &str, values: &Value) -> Result<String, Error> {
    let mut command = Command::new(helm);
    command
        .args(["template", RELEASE])
        .arg(repository().join("charts/keyholder"))
        .args(["--namespace", namespace, "--kube-version", "1.36.3"]);
    for (name, value) in values.as_object().into_iter().flatten() {
        command.arg("--set-json").arg(format!("{name}={value}"));
    }
    let output = command.output().map_err(|source| Error::Start {
        program: "helm".to_owned(),
        source,
    })?;
    if !output.status.success() {
        return Err(Error::Command {
            command: "helm template".to_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
