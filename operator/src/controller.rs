//! The controller shell: watches, queue, and what wakes an object.
//!
//! Invariant: one object is never worked on twice at once, at most `concurrency` at all, and an object that does not
//! decode stops no other.

use std::sync::Arc;
use std::time::Instant;

use futures::stream::{BoxStream, StreamExt};
use keyholder_crds::AIHub;
use kube::api::Api;
use kube::core::DeserializeGuard;
use kube::{Client, Resource, ResourceExt};
use kube_runtime::controller::{Action, Config, Controller};
use kube_runtime::reflector::{ObjectRef, Store, reflector, store};
use kube_runtime::{WatchStreamExt, watcher};
use tokio::sync::broadcast;

use crate::reconcile::{Context, Failure, reconcile};

/// An AIHub, or what could be read of one that does not decode.
pub type Guarded = DeserializeGuard<AIHub>;

/// Wakes not taken in time are lost to the slowest watcher of them; the next sweep wakes again.
const WAKES: usize = 16_384;

/// What `kubectl apply` keeps on an object: all of it once more.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Tells controllers that something about an object changed in Azure.
#[derive(Clone, Debug)]
pub struct Waker(broadcast::Sender<Arc<ObjectRef<Guarded>>>);

impl Waker {
    /// A waker that nobody listens to so far.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::channel(WAKES).0)
    }

    /// Has the object looked at soon.
    pub fn wake(&self, object: ObjectRef<Guarded>) {
        // An error means that no controller runs, so there is nothing to wake.
        let _ = self.0.send(Arc::new(object));
    }

    fn stream(&self, namespace: Option<String>) -> BoxStream<'static, ObjectRef<Guarded>> {
        futures::stream::unfold(self.0.subscribe(), |mut receiver| async move {
            loop {
                match receiver.recv().await {
                    Ok(object) => return Some((Arc::unwrap_or_clone(object), receiver)),
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "wakes were missed; the next sweep repeats them");
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .filter(move |object| {
            let ours = namespace.is_none() || object.namespace == namespace;
            futures::future::ready(ours)
        })
        .boxed()
    }
}

/// One watched namespace (or all of them): its objects, and the controller that works on them.
pub struct Shell {
    /// The objects as the watch shows them.
    pub store: Store<Guarded>,
    controller: Controller<Guarded>,
}

impl Shell {
    /// Prepares the watch of `namespace`, or of all namespaces.
    #[must_use]
    pub fn new(client: Client, namespace: Option<&str>, waker: &Waker, concurrency: u16) -> Self {
        let api: Api<Guarded> = match namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let (reader, writer) = store();
        let stream = watcher(api, watcher::Config::default().streaming_lists())
            .default_backoff()
            .modify(forget_unread)
            .reflect(writer)
            .applied_objects()
            .inspect(|event| {
                if let Err(error) = event {
                    tracing::warn!(
                        error = keyholder_azure::chain(error),
                        "the watch of AIHubs was interrupted; it is taken up again"
                    );
                }
            });
        let controller = Controller::for_stream(stream, reader.clone())
            .with_config(Config::default().concurrency(concurrency))
            .reconcile_on(waker.stream(namespace.map(str::to_owned)));
        Self {
            store: reader,
            controller,
        }
    }

    /// Works until dropped, or until `shutdown`, after which it ends what it has begun.
    pub async fn run(
        self,
        context: Arc<Context>,
        shutdown: impl Future<Output = ()> + Send + Sync + 'static,
    ) {
        self.controller
            .graceful_shutdown_on(shutdown)
            .run(
                reconcile,
                |object, failure, context| error_policy(&object, failure, &context),
                context,
            )
            .for_each(|result| {
                if let Err(error) = result {
                    tracing::debug!(error = keyholder_azure::chain(&error), "a pass did not end");
                }
                futures::future::ready(())
            })
            .await;
    }
}

/// Nothing reads these, and the object stays in memory.
fn forget_unread(object: &mut Guarded) {
    object.meta_mut().managed_fields = None;
    // An empty map still holds room for several.
    object.meta_mut().annotations.take_if(|annotations| {
        annotations.remove(APPLIED);
        annotations.is_empty()
    });
}

fn error_policy(object: &Guarded, failure: &Failure, context: &Context) -> Action {
    let wait = context
        .backoff
        .failed(&object.uid().unwrap_or_default(), Instant::now());
    tracing::warn!(
        namespace = object.namespace(), name = object.name_any(), retry_in = ?wait,
        error = keyholder_azure::chain(failure), "a pass failed"
    );
    Action::requeue(wait)
}

/// Reflects a watch into a store, for ever.
pub async fn reflect_accounts(
    client: Client,
    namespace: String,
    writer: store::Writer<k8s_openapi::api::core::v1::ServiceAccount>,
    changed: impl Fn() + Send,
) {
    let api = Api::namespaced(client, &namespace);
    let stream = watcher(api, watcher::Config::default().streaming_lists()).default_backoff();
    reflector(writer, stream)
        .for_each(|event| {
            match event {
                Ok(watcher::Event::Apply(_) | watcher::Event::Delete(_) | watcher::Event::InitDone) => {
                    changed();
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(
                    error = keyholder_azure::chain(&error),
                    namespace,
                    "the watch of identities was interrupted; it is taken up again"
                ),
            }
            futures::future::ready(())
        })
        .await;
}
