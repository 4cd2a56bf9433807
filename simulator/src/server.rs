//! What is served: one host for Azure Resource Manager, Entra and the control API, and one for each key vault.
//!
//! Invariant: each exchange is recorded once, with what became of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::assertion::Issuers;
use crate::entra::{Audience, Tokens};
use crate::faults::{Action, Fault, Faults, Seen, When};
use crate::front::{Reply, Request, kind_of};
use crate::hosts::Service;
use crate::key_material::KeyMaterial;
use crate::refusal::Refusal;
use crate::traffic::{Exchange, Traffic};
use crate::types::Type;
use crate::world::{Principal, World};

/// Marks an answer that must not be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropped;

/// Everything that the handlers share.
#[derive(Debug)]
pub(crate) struct Azure {
    pub(crate) endpoint: String,
    world: Mutex<World>,
    traffic: Mutex<Traffic>,
    pub(crate) faults: Faults,
    pub(crate) tokens: Tokens,
    pub(crate) issuers: Issuers,
    pub(crate) key_material: KeyMaterial,
}

impl Azure {
    /// One that nobody has asked yet.
    pub(crate) fn new(endpoint: &str, world: World, traffic: Traffic) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            world: Mutex::new(world),
            traffic: Mutex::new(traffic),
            faults: Faults::default(),
            tokens: Tokens::new(),
            issuers: Issuers::default(),
            key_material: KeyMaterial::default(),
        }
    }

    /// The world, for as long as the guard lives.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The traffic, for as long as the guard lives.
    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that is served.
pub(crate) fn router(azure: Arc<Azure>) -> Router {
    Router::new()
        .nest("/_simulator", crate::control::routes())
        .route("/metadata/endpoints", get(crate::entra::endpoints))
        .route("/{tenant}/oauth2/v2.0/token", post(crate::entra::token))
        .route("/common/discovery/instance", get(crate::entra::instances))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(crate::entra::openid_configuration),
        )
        .fallback(resource_manager)
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&azure),
            crate::hosts::by_host,
        ))
        .with_state(azure)
}

/// Azure Resource Manager.
async fn resource_manager(
    State(azure): State<Arc<Azure>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    exchange(azure, Service::ResourceManager, method, uri, headers, body).await
}

/// One request with its answer, recorded, and spoilt by a fault that meets it.
pub(crate) async fn exchange(
    azure: Arc<Azure>,
    service: Service,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let (url, kind, audience) = match &service {
        Service::ResourceManager => (asked, kind_of(uri.path()), Audience::ResourceManager),
        Service::Vault(vault) => (
            format!("https://{vault}.{}{asked}", azure.world().vault_suffix),
            crate::data_plane::kind_of(uri.path()),
            Audience::KeyVault,
        ),
    };
    let parsed: Result<Option<Value>, serde_json::Error> = if body.is_empty() {
        Ok(None)
    } else {
        serde_json::from_slice(&body).map(Some)
    };
    let sent = parsed.as_ref().ok().and_then(Option::as_ref);
    let sent = crate::data_plane::recorded(uri.path(), sent);
    let mut exchange = Exchange::new(method.as_str(), &url, sent);
    let caller = azure.tokens.caller(&headers, &azure, audience);
    exchange.principal = caller.as_ref().ok().map(|caller| caller.name.clone());
    let fault = azure.faults.meet(Seen {
        principal: exchange.principal.as_deref().unwrap_or_default(),
        method: method.as_str(),
        kind: &kind,
        url: &url,
    });
    exchange.fault = fault
        .as_ref()
        .and_then(|fault| serde_json::to_value(&fault.action).ok());
    let action = fault.map(|fault: Fault| fault.action);
    let held = json!({ "method": method.as_str(), "url": url, "principal": exchange.principal });
    let mut unanswered = Unanswered {
        azure: &azure,
        kind: &kind,
        exchange: Some(exchange),
    };
    match &action {
        Some(Action::DelayMs(wait)) => tokio::time::sleep(Duration::from_millis(*wait)).await,
        Some(Action::Hold(When::Before)) => azure.faults.hold(held.clone()).await,
        Some(Action::DropBefore) => return dropped(),
        _ => {}
    }
    let Some(mut exchange) = unanswered.exchange.take() else {
        return dropped();
    };
    let refused = action.as_ref().and_then(Action::refusal);
    let reply = match (service, caller, parsed) {
        (_, Ok(_), Ok(_)) if let Some(reply) = refused => reply,
        (Service::ResourceManager, Err(refusal), _) => Reply::from(refusal),
        (_, _, Err(error)) => Reply::from(Refusal::bad_request(
            "InvalidRequestContent",
            format!("The request content was invalid and could not be deserialized: '{error}'."),
        )),
        (Service::ResourceManager, Ok(caller), Ok(body)) => {
            answer(&azure, &method, &uri, &caller, body, action.as_ref())
        }
        (Service::Vault(vault), caller, Ok(body)) => {
            let (here, method, uri) = (Arc::clone(&azure), method.clone(), uri.clone());
            let made = tokio::task::spawn_blocking(move || {
                crate::data_plane::answer(&here, &vault, method.as_str(), &uri, caller, body.as_ref())
            });
            match made.await {
                Ok(Some(reply)) => reply,
                Ok(None) | Err(_) => {
                    azure.traffic().record(exchange, &kind);
                    return dropped();
                }
            }
        }
    };
    let reply = if method == Method::HEAD {
        existence(&reply)
    } else {
        reply
    };
    let reply = spoilt(&azure, &uri, reply, action.as_ref());
    exchange.status = reply.status.as_u16();
    exchange.response = crate::data_plane::recorded(uri.path(), reply.body.as_ref());
    azure.traffic().record(exchange, &kind);
    match action {
        Some(Action::DropAfter) => return dropped(),
        Some(Action::Hold(When::After)) => azure.faults.hold(held).await,
        _ => {}
    }
    send(reply, action == Some(Action::Truncate))
}

/// An exchange without an answer, recorded also when its client goes away.
struct Unanswered<'a> {
    azure: &'a Azure,
    kind: &'a str,
    exchange: Option<Exchange>,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            self.azure.traffic().record(exchange, self.kind);
        }
    }
}

fn answer(
    azure: &Azure,
    method: &Method,
    uri: &Uri,
    caller: &Principal,
    body: Option<Value>,
    action: Option<&Action>,
) -> Reply {
    let now = Timestamp::now();
    let Some(method) = crate::front::Method::of(method) else {
        return Reply::empty(StatusCode::METHOD_NOT_ALLOWED);
    };
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let mut body = body;
    if let (Some(kind), Some(body)) = (Type::named(&kind_of(uri.path())), &mut body) {
        crate::shape::spell(kind.body, body);
    }
    let api_version = query
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("api-version"))
        .map(|(_, value)| value.clone())
        .unwrap_or_default();
    let request = Request {
        method,
        path: uri.path(),
        query,
        body,
        caller,
        endpoint: &azure.endpoint,
        now,
        api_version,
        fails: match action {
            Some(Action::FailOperation { code, message }) => {
                Some(Refusal::bad_request(code, message.clone()))
            }
            _ => None,
        },
        ignores_write: action == Some(&Action::IgnoreWrite),
        lag_until: match action {
            Some(Action::LagSeconds(seconds)) => Some(crate::operations::later(now, *seconds)),
            _ => None,
        },
    };
    azure.world().answer(&request)
}

/// HEAD tells whether something is there: 204 or 404, without a body (resource groups, Check Existence).
fn existence(read: &Reply) -> Reply {
    Reply::empty(if read.status == StatusCode::OK {
        StatusCode::NO_CONTENT
    } else {
        read.status
    })
}

/// An answer as a fault leaves it.
fn spoilt(azure: &Azure, uri: &Uri, mut reply: Reply, action: Option<&Action>) -> Reply {
    match action {
        Some(Action::WrongType) => {
            reply.body = Some(json!({ "value": "this is not a list", "properties": [1, 2] }));
        }
        Some(Action::EndlessList) => {
            if let Some(body) = &mut reply.body {
                let token = crate::text::new_guid();
                let link = format!("{}{}&$skiptoken={token}", azure.endpoint, uri);
                crate::text::set(body, "nextLink", link);
            }
        }
        _ => {}
    }
    reply
}

fn send(reply: Reply, truncate: bool) -> Response {
    let text = reply.body.map(|body| body.to_string()).unwrap_or_default();
    let text = if truncate {
        text.chars().take(text.chars().count() / 2).collect()
    } else {
        text
    };
    let mut response = (reply.status, Body::from(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let id = crate::text::new_guid();
    let also = [
        ("x-ms-request-id", id.clone()),
        ("x-ms-correlation-request-id", id),
    ];
    let also = also.map(|(name, value)| (name.to_owned(), value));
    for (name, value) in reply.headers.into_iter().chain(also) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
    response
}

fn dropped() -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Dropped);
    response
}
