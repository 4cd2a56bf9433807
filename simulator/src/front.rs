//! Azure Resource Manager's front door: from one authenticated request to one answer.
//!
//! Invariant: the order is Azure's: subscription, throttling, api-version, authorization, registration, name, body, and only
//! then the resource provider.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use crate::address::{self, Address, ResourceId};
use crate::refusal::Refusal;
use crate::types::{self, RESOURCES_VERSIONS, SUBSCRIPTIONS_VERSIONS, TYPES, Type};
use crate::world::{Principal, World};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Put,
    Patch,
    Post,
    Delete,
}

impl Method {
    /// Of HTTP's.
    pub(crate) fn of(method: &axum::http::Method) -> Option<Self> {
        match method.as_str() {
            "GET" | "HEAD" => Some(Self::Get),
            "PUT" => Some(Self::Put),
            "PATCH" => Some(Self::Patch),
            "POST" => Some(Self::Post),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Get => "read",
            Self::Put | Self::Patch => "write",
            Self::Delete => "delete",
            Self::Post => "action",
        }
    }
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) caller: &'a Principal,
    /// `https://host:port`
    pub(crate) endpoint: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) api_version: String,
    /// The operation that it begins shall fail.
    pub(crate) fails: Option<Refusal>,
    /// It is answered as if done, and is not done.
    pub(crate) ignores_write: bool,
    /// Its effect is seen by reads only then.
    pub(crate) lag_until: Option<Timestamp>,
}

impl Request<'_> {
    /// A value of the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body, which must be there.
    pub(crate) fn required_body(&self) -> Result<&Value, Refusal> {
        self.body.as_ref().ok_or_else(|| {
            Refusal::bad_request(
                "InvalidRequestContent",
                "The request content was invalid: there is no body.",
            )
        })
    }

    /// What reads say while the effect lags behind.
    pub(crate) fn lag(&self, before: Option<Value>) -> Option<(Timestamp, Option<Value>)> {
        self.lag_until.map(|until| (until, before))
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

impl Reply {
    /// Without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
        }
    }

    /// 200.
    pub(crate) fn ok(body: Value) -> Self {
        Self::with(StatusCode::OK, body)
    }

    /// With a body.
    pub(crate) fn with(status: StatusCode, body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::empty(status)
        }
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::with(refusal.status, refusal.body())
    }
}

/// Refuses all methods but one.
pub(crate) fn only(request: &Request<'_>, method: Method) -> Result<(), Refusal> {
    if request.method == method {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "The resource provider does not know this method here.",
    ))
}

/// The type that a path is about, in lower case, for faults and counters.
pub(crate) fn kind_of(path: &str) -> String {
    match address::parse(path) {
        Some(Address::Resource(resource)) => resource.kind.to_lowercase(),
        Some(Address::Collection { kind, .. }) => kind.to_lowercase(),
        Some(Address::Action { resource, .. }) => resource.kind.to_lowercase(),
        Some(Address::Group { .. } | Address::Groups { .. }) => {
            "microsoft.resources/resourcegroups".to_owned()
        }
        Some(Address::Subscriptions | Address::Subscription { .. }) => {
            "microsoft.resources/subscriptions".to_owned()
        }
        Some(Address::Resources { .. }) => "microsoft.resources/resources".to_owned(),
        Some(Address::Provider { .. }) => "microsoft.resources/providers".to_owned(),
        Some(Address::Operation { .. }) => "microsoft.resources/operationresults".to_owned(),
        Some(Address::PolicyCheck { .. }) => "microsoft.policyinsights/checkpolicyrestrictions".to_owned(),
        Some(Address::Usages { namespace, .. }) => format!("{namespace}/locations/usages").to_lowercase(),
        None => "unknown".to_owned(),
    }
}

/// 409 for a namespace that is not registered.
pub(crate) fn not_registered(namespace: &str) -> Refusal {
    Refusal::conflict(
        "MissingSubscriptionRegistration",
        format!(
            "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how \
             to register subscriptions."
        ),
    )
}

impl World {
    /// Answers a request.
    pub(crate) fn answer(&mut self, request: &Request<'_>) -> Reply {
        self.advance(request.now);
        let subscription = address::subscription_of(request.path);
        if !self.subscriptions.contains_key(&subscription.to_lowercase()) {
            return self.route(request).unwrap_or_else(Reply::from);
        }
        match self.take_token(request, subscription) {
            Err(refused) => refused,
            Ok(left) => {
                let reply = self.route(request).unwrap_or_else(Reply::from);
                match left {
                    Some((header, left)) => reply.header(header, &left.to_string()),
                    None => reply,
                }
            }
        }
    }

    fn route(&mut self, request: &Request<'_>) -> Result<Reply, Refusal> {
        let Some(address) = address::parse(request.path) else {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "InvalidResourceType",
                format!(
                    "The resource type could not be found for the path '{}'.",
                    request.path
                ),
            ));
        };
        let subscription = address::subscription_of(request.path);
        if address != Address::Subscriptions && !self.subscriptions.contains_key(&subscription.to_lowercase())
        {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "SubscriptionNotFound",
                format!("The subscription '{subscription}' could not be found."),
            ));
        }
        check_version(request, &address)?;
        self.look_for_versions(&address, request.now);
        for provider in [Self::key_vault, Self::cognitive_services] {
            if let Some(reply) = provider(self, request, &address)? {
                return Ok(reply);
            }
        }
        match &address {
            Address::Operation { id, .. } => {
                let action = "Microsoft.Resources/subscriptions/operationresults/read";
                self.authorize(request.caller, action, request.path, request.now)?;
                self.operation(request, id)
            }
            Address::Provider {
                subscription,
                namespace,
                register,
            } => self.provider(request, subscription, namespace, *register),
            Address::Subscriptions => self.list_subscriptions(request),
            Address::Subscription { subscription } => self.read_subscription(request, subscription),
            Address::Groups { subscription } => Ok(self.list_groups(request, subscription)),
            Address::Group { subscription, name } => self.resource_group(request, subscription, name),
            Address::Resources { scope } => self.list_resources(request, scope),
            Address::Collection { scope, kind } => self.list_collection(request, scope, kind),
            Address::Resource(id) => self.resource(request, id),
            Address::PolicyCheck { scope } => self.check_restrictions(request, scope),
            Address::Usages {
                subscription,
                namespace,
                location,
            } => self.usages(request, subscription, namespace, location),
            Address::Action { resource, action } => {
                let action = format!("{}/{action}/action", resource.kind);
                self.authorize(request.caller, &action, &resource.id, request.now)?;
                self.check_locks(&resource.id, request.method)?;
                Err(Refusal::bad_request(
                    "InvalidResourceOperation",
                    format!("This Azure does not have the action '{action}'."),
                ))
            }
        }
    }

    fn resource(&mut self, request: &Request<'_>, id: &ResourceId) -> Result<Reply, Refusal> {
        let Some(kind) = Type::named(&id.kind) else {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "InvalidResourceType",
                format!("The resource type '{}' could not be found.", id.kind),
            ));
        };
        let action = format!("{}/{}", kind.name, request.method.verb());
        let attributes = self.attributes(request, id);
        self.authorize_with(request.caller, &action, &id.id, &attributes, request.now)?;
        if kind.name == types::LOCKS {
            return self.lock(request, id);
        }
        self.check_locks(&id.id, request.method)?;
        if let Some(reply) = self.authorization_resource(request, id)? {
            return Ok(reply);
        }
        if self.group(address::subscription_of(&id.id), id.group()).is_none() {
            return Err(Refusal::group_not_found(id.group()));
        }
        match request.method {
            Method::Get => self.read(request, id),
            Method::Put | Method::Patch => self.write(request, id, kind),
            Method::Delete if request.ignores_write => Ok(Reply::empty(StatusCode::OK)),
            Method::Delete => (kind.behaviour.delete)(self, request, id),
            Method::Post => Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "A resource has no POST of its own.",
            )),
        }
    }

    fn write(
        &mut self,
        request: &Request<'_>,
        id: &ResourceId,
        kind: &'static Type,
    ) -> Result<Reply, Refusal> {
        let namespace = kind.name.split('/').next().unwrap_or_default();
        if !self.is_registered(address::subscription_of(&id.id), namespace) {
            return Err(not_registered(namespace));
        }
        if !kind.allows_name(&id.name) {
            return Err(Refusal::bad_request(
                "InvalidResourceName",
                format!(
                    "The name '{}' is not allowed for a resource of type '{}'.",
                    id.name, kind.name
                ),
            ));
        }
        crate::shape::check(
            kind.body,
            request.required_body()?,
            request.method == Method::Patch,
        )?;
        let partial = request.method == Method::Patch;
        let body = self.apply_policies(&id.id, kind.name, request.required_body()?, partial)?;
        let request = &Request {
            body: Some(body),
            ..request.clone()
        };
        if request.ignores_write {
            let body = self.get(&id.id).map(|one| one.body.clone());
            return Ok(Reply::ok(
                body.or_else(|| request.body.clone()).unwrap_or_default(),
            ));
        }
        if partial {
            (kind.behaviour.patch)(self, request, id)
        } else {
            (kind.behaviour.put)(self, request, id)
        }
    }
}

/// The api-version must be there and be known.
fn check_version(request: &Request<'_>, address: &Address) -> Result<(), Refusal> {
    let (kind, versions) = match address {
        Address::Resource(id) => (id.kind.as_str(), Type::named(&id.kind).map(|kind| kind.versions)),
        Address::Action { resource, .. } => (
            resource.kind.as_str(),
            Type::named(&resource.kind).map(|kind| kind.versions),
        ),
        Address::Collection { kind, .. } => (kind.as_str(), Type::named(kind).map(|kind| kind.versions)),
        Address::Subscriptions | Address::Subscription { .. } => {
            ("Microsoft.Resources/subscriptions", Some(SUBSCRIPTIONS_VERSIONS))
        }
        // The URL of an operation is whoever's that began it.
        Address::Operation { .. } => ("operationresults", None),
        Address::PolicyCheck { .. } => (
            "checkPolicyRestrictions",
            Some(&["2020-07-01", "2022-03-01", "2023-03-01", "2024-10-01"][..]),
        ),
        Address::Usages { namespace, .. } => (
            "locations/usages",
            TYPES
                .iter()
                .find(|kind| {
                    kind.name
                        .split('/')
                        .next()
                        .is_some_and(|one| one.eq_ignore_ascii_case(namespace))
                })
                .map(|kind| kind.versions),
        ),
        _ => ("Microsoft.Resources", Some(RESOURCES_VERSIONS)),
    };
    if request.api_version.is_empty() {
        return Err(Refusal::bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    }
    match versions {
        Some(versions) if !versions.contains(&request.api_version.as_str()) => Err(Refusal::bad_request(
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for API version '{}' for type '{kind}'. The supported api-versions \
                 are '{}'.",
                request.api_version,
                versions.join(", ")
            ),
        )),
        _ => Ok(()),
    }
}
