//! What the operator writes to Kubernetes: status, finalizer, events.
//!
//! Invariant: every patch carries the resourceVersion that the decision rests on, so that a decision made on a stale
//! object, or by a leader that lost its lease, is refused with 409.

use k8s_controller::events::{Event, EventRecorder, MAX_NOTE_BYTES};
use k8s_openapi::api::core::v1::ObjectReference;
use keyholder_crds::ResourceStatus;
use keyholder_crds::vocabulary::{FINALIZER, FINALIZER_MANAGER, STATUS_MANAGER};
use keyholder_planner::{Note, cure};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use kube_runtime::events::EventType;
use serde_json::json;

use crate::controller::Watched;
use crate::metrics::Metrics;

/// Writes about one object.
#[derive(Debug)]
pub struct Writer<'a, K> {
    api: Api<K>,
    events: &'a EventRecorder,
    metrics: &'a Metrics,
}

impl<'a, K: Watched> Writer<'a, K> {
    /// For objects of `namespace`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, events: &'a EventRecorder, metrics: &'a Metrics) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            events,
            metrics,
        }
    }

    /// Replaces the status of `object`, if it is still the one that was read.
    ///
    /// # Errors
    /// The API server's; 409 when somebody changed the object meanwhile.
    pub async fn status(&self, object: &K, status: &ResourceStatus) -> Result<K, kube::Error> {
        let patch = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": { "name": object.name_any(), "resourceVersion": object.resource_version() },
            "status": status,
        });
        let parameters = PatchParams::apply(STATUS_MANAGER).force();
        let patched = self
            .api
            .patch_status(&object.name_any(), &parameters, &Patch::Apply(patch))
            .await?;
        self.metrics.status_patched();
        Ok(patched)
    }

    /// Adds the finalizer.
    ///
    /// # Errors
    /// The API server's; 409 when somebody changed the object meanwhile.
    pub async fn add_finalizer(&self, object: &K) -> Result<K, kube::Error> {
        let mut finalizers = object.finalizers().to_vec();
        finalizers.push(FINALIZER.to_owned());
        self.finalizers(object, &finalizers).await
    }

    /// Removes the finalizer.
    ///
    /// # Errors
    /// The API server's; 409 when somebody changed the object meanwhile.
    pub async fn remove_finalizer(&self, object: &K) -> Result<K, kube::Error> {
        let finalizers: Vec<String> = object
            .finalizers()
            .iter()
            .filter(|one| *one != FINALIZER)
            .cloned()
            .collect();
        self.finalizers(object, &finalizers).await
    }

    async fn finalizers(&self, object: &K, finalizers: &[String]) -> Result<K, kube::Error> {
        let patch = json!({
            "metadata": { "resourceVersion": object.resource_version(), "finalizers": finalizers },
        });
        let parameters = PatchParams {
            field_manager: Some(FINALIZER_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        self.api
            .patch(&object.name_any(), &parameters, &Patch::Merge(patch))
            .await
    }

    /// Emits events. That one does not arrive changes nothing.
    pub async fn events(&self, object: &K, notes: &[Note]) {
        for note in notes {
            let event = Event {
                type_: if note.warning {
                    EventType::Warning
                } else {
                    EventType::Normal
                },
                reason: note.reason.to_string(),
                action: "Reconcile".to_owned(),
                note: Some(cure::within(&note.message, MAX_NOTE_BYTES)),
                related: None::<ObjectReference>,
            };
            if let Err(error) = self.events.publish(object, &event).await {
                tracing::warn!(object = %object.name_any(), reason = %note.reason, %error, "an event was not published");
            }
        }
    }
}

/// Whether the API server refused a patch because the object is not what was read any more, or is gone.
#[must_use]
pub fn is_stale(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_conflict() || status.is_not_found())
}
