//! An object of Keyholder's as the API server shows it, and waiting for it to become as it should.

use std::fmt;
use std::time::Duration;

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::wait::await_condition;
use kube::{Client, ResourceExt as _};
use serde_json::Value;

use crate::error::Error;

/// Between the end of a watch and the next.
const PAUSE: Duration = Duration::from_millis(100);

/// An object of one of Keyholder's kinds.
#[derive(Clone, Debug)]
pub struct Object(DynamicObject);

/// One of its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Type.
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Reason.
    pub reason: String,
    /// Message.
    pub message: String,
}

impl Object {
    /// The objects of a kind in a namespace.
    #[must_use]
    pub fn api(client: Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
        let plural = format!("{}s", kind.to_lowercase());
        let kind = GroupVersionKind::gvk("keyholder.dev", "v1alpha1", kind);
        Api::namespaced_with(
            client,
            namespace,
            &ApiResource::from_gvk_with_plural(&kind, &plural),
        )
    }

    /// The object.
    #[must_use]
    pub fn object(&self) -> &DynamicObject {
        &self.0
    }

    /// A value by JSON pointer, for example `/status/resourceId`; null when it is not there.
    #[must_use]
    pub fn at(&self, pointer: &str) -> &Value {
        static NULL: Value = Value::Null;
        self.0.data.pointer(pointer).unwrap_or(&NULL)
    }

    /// Text by JSON pointer; empty when it is not there.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// All conditions.
    #[must_use]
    pub fn conditions(&self) -> Vec<Condition> {
        let text = |condition: &Value, field: &str| {
            condition
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let conditions = self
            .at("/status/conditions")
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        conditions
            .iter()
            .map(|one| Condition {
                kind: text(one, "type"),
                status: text(one, "status"),
                reason: text(one, "reason"),
                message: text(one, "message"),
            })
            .collect()
    }

    /// One condition.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<Condition> {
        self.conditions().into_iter().find(|one| one.kind == kind)
    }

    /// Whether a condition has this status, for example `object.is("Ready", "True")`.
    #[must_use]
    pub fn is(&self, kind: &str, status: &str) -> bool {
        self.condition(kind).is_some_and(|one| one.status == status)
    }

    /// Whether a condition has this reason.
    #[must_use]
    pub fn says(&self, kind: &str, reason: &str) -> bool {
        self.condition(kind).is_some_and(|one| one.reason == reason)
    }

    /// Whether the conditions speak of the spec as it is now.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        let generation = self.0.metadata.generation;
        generation.is_some() && self.at("/status/observedGeneration").as_i64() == generation
    }

    /// Ready, and for the spec as it is now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_observed() && self.is("Ready", "True")
    }
}

impl From<DynamicObject> for Object {
    fn from(object: DynamicObject) -> Self {
        Self(object)
    }
}

/// Its conditions, one a line.
impl fmt::Display for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {} (generation {})",
            self.0
                .types
                .as_ref()
                .map_or("object", |types| types.kind.as_str()),
            self.0.name_any(),
            self.0.metadata.generation.unwrap_or_default()
        )?;
        for one in self.conditions() {
            write!(
                formatter,
                "\n  {}={} {}: {}",
                one.kind, one.status, one.reason, one.message
            )?;
        }
        Ok(())
    }
}

/// Waits until the object is as `condition` wants it, and gives it as it was then.
///
/// # Errors
/// It is not so in time; the error holds its conditions.
pub async fn until(
    api: &Api<DynamicObject>,
    name: &str,
    what: &str,
    patience: Duration,
    condition: impl Fn(&Object) -> bool,
) -> Result<Object, Error> {
    let wanted = |object: Option<&DynamicObject>| object.is_some_and(|one| condition(&Object(one.clone())));
    match watched(api, name, patience, wanted).await {
        Some(Some(object)) => Ok(Object(object)),
        Some(None) | None => Err(not_so(api, name, what, patience).await),
    }
}

/// Waits until the object does not exist any more.
///
/// # Errors
/// It still does when the time is over; the error holds its conditions.
pub async fn until_gone(api: &Api<DynamicObject>, name: &str, patience: Duration) -> Result<(), Error> {
    let gone = |object: Option<&DynamicObject>| object.is_none();
    match watched(api, name, patience, gone).await {
        Some(_) => Ok(()),
        None => Err(not_so(api, name, "gone", patience).await),
    }
}

/// The object as it was when `wanted` held; `None` when the time is over. A watch that ends is begun anew.
async fn watched(
    api: &Api<DynamicObject>,
    name: &str,
    patience: Duration,
    wanted: impl Fn(Option<&DynamicObject>) -> bool,
) -> Option<Option<DynamicObject>> {
    let watching = async {
        loop {
            if let Ok(object) = await_condition(api.clone(), name, &wanted).await {
                return object;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(patience, watching).await.ok()
}

async fn not_so(api: &Api<DynamicObject>, name: &str, what: &str, waited: Duration) -> Error {
    let last = match api.get_opt(name).await {
        Ok(Some(object)) => Object(object).to_string(),
        Ok(None) => "there is no such object".to_owned(),
        Err(error) => error.to_string(),
    };
    Error::TimedOut {
        what: format!("{name} was not {what}"),
        waited,
        last,
    }
}
