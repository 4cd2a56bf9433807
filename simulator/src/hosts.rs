//! Which service a request is for: the hosts of vaults are served apart from everything else.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::server::Azure;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Azure Resource Manager.
    ResourceManager,
    /// The data plane of a vault, by its name.
    Vault(String),
}

/// Sends a request to the vault that its host names, or on to everything else.
pub(crate) async fn by_host(State(azure): State<Arc<Azure>>, request: Request, next: Next) -> Response {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = request.uri().host().or(named).unwrap_or_default();
    let Some(vault) = crate::data_plane::vault_in(host).map(str::to_owned) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    match Bytes::from_request(Request::new(body), &()).await {
        Ok(body) => {
            let service = Service::Vault(vault);
            crate::server::exchange(azure, service, parts.method, parts.uri, parts.headers, body).await
        }
        Err(rejection) => rejection.into_response(),
    }
}
