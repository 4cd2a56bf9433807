//! The controller shell: watches, queue, and what wakes an object.
//!
//! Invariant: one object is never worked on twice at once, at most `concurrency` at all, and an object that does not
//! decode stops no other.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Instant;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{BoxStream, StreamExt};
use keyholder_planner::Validate;
use kube::api::Api;
use kube::core::{DeserializeGuard, NamespaceResourceScope};
use kube::{Client, Resource, ResourceExt};
use kube_runtime::controller::{Action, Config, Controller};
use kube_runtime::reflector::{ObjectRef, Store, reflector, store};
use kube_runtime::{WatchStreamExt, watcher};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::family::Family;
use crate::reconcile::{Context, Failure, reconcile};

/// A custom resource that the operator works on.
pub trait Watched:
    Validate
    + Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
    + Send
    + Sync
    + 'static
{
}

impl<K> Watched for K where
    K: Validate
        + Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
        + Send
        + Sync
        + 'static
{
}

/// An object, or what could be read of one that does not decode.
pub type Guarded<K> = DeserializeGuard<K>;

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Its kind.
    pub kind: Cow<'static, str>,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Subject {
    /// That of an object.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        Self {
            kind: K::kind(&()),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        }
    }
}

/// The objects of one watch, whatever their kind.
pub trait Objects: Send + Sync {
    /// Shows each of them; `None`: it does not decode.
    fn each(&self, look: &mut dyn FnMut(Subject, Option<&dyn Validate>));
    /// Shows this one, if it is there; `None`: it does not decode.
    fn find(&self, subject: &Subject, look: &mut dyn FnMut(Option<&dyn Validate>));
}

impl<K: Watched> Objects for Store<Guarded<K>> {
    fn each(&self, look: &mut dyn FnMut(Subject, Option<&dyn Validate>)) {
        for object in self.state() {
            let decoded = object.0.as_ref().ok().map(|object| object as &dyn Validate);
            look(Subject::of(object.as_ref()), decoded);
        }
    }

    fn find(&self, subject: &Subject, look: &mut dyn FnMut(Option<&dyn Validate>)) {
        if subject.kind != K::kind(&()) {
            return;
        }
        let object = self.get(&ObjectRef::new(&subject.name).within(&subject.namespace));
        if let Some(object) = object {
            look(object.0.as_ref().ok().map(|object| object as &dyn Validate));
        }
    }
}

/// Wakes not taken in time are lost to the slowest watcher of them; the next sweep wakes again.
const WAKES: usize = 16_384;

/// What `kubectl apply` keeps on an object: all of it once more.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Tells controllers that something about an object changed in Azure.
#[derive(Clone, Debug)]
pub struct Waker(broadcast::Sender<Arc<Subject>>);

impl Waker {
    /// A waker that nobody listens to so far.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::channel(WAKES).0)
    }

    /// Has the object looked at soon.
    pub fn wake(&self, object: Subject) {
        // An error means that no controller runs, so there is nothing to wake.
        let _ = self.0.send(Arc::new(object));
    }

    fn stream<K: Watched>(&self, namespace: Option<String>) -> BoxStream<'static, ObjectRef<Guarded<K>>> {
        futures::stream::unfold(self.0.subscribe(), |mut receiver| async move {
            loop {
                match receiver.recv().await {
                    Ok(object) => return Some((object, receiver)),
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "wakes were missed; the next sweep repeats them");
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .filter_map(move |object| {
            let ours = object.kind == K::kind(&())
                && namespace
                    .as_ref()
                    .is_none_or(|namespace| *namespace == object.namespace);
            futures::future::ready(ours.then(|| ObjectRef::new(&object.name).within(&object.namespace)))
        })
        .boxed()
    }
}

/// One watch and its controller, whatever the kind of its objects.
pub trait Worker: Send {
    /// The objects as the watch shows them.
    fn objects(&self) -> Arc<dyn Objects>;
    /// Works until dropped, or until `shutdown`, after which it ends what it has begun.
    fn run(self: Box<Self>, context: Arc<Context>, shutdown: CancellationToken) -> BoxFuture<'static, ()>;
}

/// One watched namespace (or all of them): its objects, and the controller that works on them.
pub struct Shell<K: Watched> {
    store: Store<Guarded<K>>,
    controller: Controller<Guarded<K>>,
}

impl<K: Watched> Shell<K> {
    /// Prepares the watch of `namespace`, or of all namespaces.
    #[must_use]
    pub fn new(
        client: Client,
        namespace: Option<&str>,
        waker: &Waker,
        family: Arc<Family>,
        concurrency: u16,
    ) -> Self {
        let api: Api<Guarded<K>> = match namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let (reader, writer) = store();
        let kind = K::kind(&());
        family.fills(&kind);
        let mut filling = true;
        let stream = watcher(api, watcher::Config::default().streaming_lists())
            .default_backoff()
            .modify(forget_unread)
            .reflect(writer)
            .inspect(move |event| match event {
                Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                    let decoded = object.0.as_ref().ok().map(|object| object as &dyn Validate);
                    family.changed(&Subject::of(object), decoded);
                }
                Ok(watcher::Event::Delete(object)) => family.gone(&Subject::of(object)),
                Ok(watcher::Event::InitDone) if filling => {
                    filling = false;
                    family.filled(&kind);
                }
                Ok(watcher::Event::Init | watcher::Event::InitDone) | Err(_) => {}
            })
            .applied_objects()
            .inspect(|event| {
                if let Err(error) = event {
                    tracing::warn!(
                        error = keyholder_azure::chain(error),
                        kind = %K::kind(&()),
                        "a watch was interrupted; it is taken up again"
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
}

impl<K: Watched> Worker for Shell<K> {
    fn objects(&self) -> Arc<dyn Objects> {
        Arc::new(self.store.clone())
    }

    fn run(self: Box<Self>, context: Arc<Context>, shutdown: CancellationToken) -> BoxFuture<'static, ()> {
        self.controller
            .graceful_shutdown_on(shutdown.cancelled_owned())
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
            .boxed()
    }
}

/// Nothing reads these, and the object stays in memory.
fn forget_unread<K: Watched>(object: &mut Guarded<K>) {
    object.meta_mut().managed_fields = None;
    // An empty map still holds room for several.
    object.meta_mut().annotations.take_if(|annotations| {
        annotations.remove(APPLIED);
        annotations.is_empty()
    });
}

fn error_policy<K: Watched>(object: &Guarded<K>, failure: &Failure, context: &Context) -> Action {
    let wait = context
        .backoff
        .failed(&object.uid().unwrap_or_default(), Instant::now());
    tracing::warn!(
        kind = %K::kind(&()), namespace = object.namespace(), name = object.name_any(), retry_in = ?wait,
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
