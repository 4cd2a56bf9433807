//! The operator's place in the cluster: its namespaces, the chart, and its own kubeconfig.
//!
//! Invariant: the operator's kubeconfig is its ServiceAccount's, so that it can do what the chart lets it and no more.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::azure::Trust;
use crate::binaries::helm;
use crate::chart::{self, IDENTITY, RELEASE};
use crate::control_plane::ControlPlane;
use crate::error::Error;
use crate::kubeconfig::{self, Proof};

/// An installed chart.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The operator's own namespace, which holds its identities and its lease.
    pub system_namespace: String,
    /// The namespace that it watches.
    pub namespace: String,
    token: String,
}

impl Installation {
    /// Creates its own namespace and those that `values` has it watch, and installs the chart with `values`.
    ///
    /// # Errors
    /// A namespace exists already, or Helm or the API server says no.
    pub fn new(
        plane: &ControlPlane,
        system_namespace: &str,
        namespace: &str,
        values: &Value,
    ) -> Result<Self, Error> {
        let kubectl = plane.kubectl();
        let helm = helm()?;
        let watched = values.get("watchNamespaces").and_then(Value::as_array);
        let watched = watched.into_iter().flatten().filter_map(Value::as_str);
        for name in watched.chain([system_namespace]) {
            kubectl.ok(&["create", "namespace", name])?;
        }
        let rendered = chart::render(&helm, system_namespace, values)?;
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=helm",
            "--filename=-",
        ];
        kubectl.with_input(&apply, &rendered)?.ok()?;
        kubectl.ok(&[
            "wait",
            "--for=condition=Established",
            "crd/aihubs.keyholder.dev",
            "crd/aiservicesaccounts.keyholder.dev",
            "crd/aiprojects.keyholder.dev",
            "--timeout=60s",
        ])?;
        let namespaced = format!("--namespace={system_namespace}");
        let token = kubectl.ok(&["create", "token", RELEASE, &namespaced, "--duration=24h"])?;
        Ok(Self {
            system_namespace: system_namespace.to_owned(),
            namespace: namespace.to_owned(),
            token: token.trim().to_owned(),
        })
    }

    /// The ServiceAccount that Azure trusts.
    #[must_use]
    pub fn trust(plane: &ControlPlane, system_namespace: &str) -> Trust {
        Trust {
            issuer: plane.url().to_owned(),
            authority: plane.authority().certificate().to_owned(),
            namespace: system_namespace.to_owned(),
            service_account: IDENTITY.to_owned(),
        }
    }

    /// Writes the operator's kubeconfig, for the API server at `url`: its own URL, or that of a proxy before it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn kubeconfig(&self, plane: &ControlPlane, url: &str, path: &Path) -> Result<PathBuf, Error> {
        kubeconfig::write(
            path,
            url,
            plane.authority().certificate(),
            &Proof::Token(&self.token),
        )
    }
}
