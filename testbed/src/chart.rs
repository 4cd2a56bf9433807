//! The Helm chart, rendered: the operator runs with exactly the rights that it gives.

use std::process::Command;

use crate::binaries::{Binaries, repository};
use crate::error::Error;

/// Values of one installation.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Release name, which is the ServiceAccount's name.
    pub release: String,
    /// The operator's namespace.
    pub namespace: String,
    /// Namespaces it watches.
    pub watch_namespaces: Vec<String>,
}

/// Renders the chart.
///
/// # Errors
/// Helm says no.
pub fn render(binaries: &Binaries, installation: &Installation) -> Result<String, Error> {
    let chart = repository().join("charts").join("keyholder");
    let mut command = Command::new(binaries.helm());
    command
        .arg("template")
        .arg(&installation.release)
        .arg(&chart)
        .args(["--namespace", &installation.namespace, "--set", "ownerId=testbed", "--set", "image.repository=keyholder"])
        .arg("--set-json")
        .arg(format!("watchNamespaces={}", serde_json::Value::from(installation.watch_namespaces.clone())));
    let output = command.output().map_err(|source| Error::Start { program: "helm".to_owned(), source })?;
    if !output.status.success() {
        return Err(Error::Command {
            command: "helm template".to_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
