//! A reverse proxy before the API server: sees each write of one operator, and can stop one before or after it took effect.
//!
//! Invariant: answers go through as they are, watches as they come. A write whose answer is held has taken effect; one that
//! is held before has not.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::sync::oneshot;

use crate::background;
use crate::control_plane::ControlPlane;
use crate::error::Error;
use crate::tls;

/// The longest request body that Kubernetes itself would take.
const LONGEST_BODY: usize = 3 * 1024 * 1024;

/// A write to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// HTTP method.
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// Status of the answer.
    pub status: u16,
}

impl Write {
    /// Whether it is about an object of Keyholder's: not about a lease, a token or an event, which come when they come.
    #[must_use]
    pub fn is_about_objects(&self) -> bool {
        self.path.contains("/keyholder.dev/")
    }
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
}

/// Stands for a write that is to be held. Dropping it lets it go.
#[derive(Debug)]
pub struct Held {
    reached: oneshot::Receiver<Write>,
    _let_go: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the write is held; it is until this value is dropped.
    ///
    /// # Errors
    /// The proxy ended, or another hold took this one's place.
    pub async fn reached(&mut self) -> Result<Write, Error> {
        (&mut self.reached)
            .await
            .map_err(Error::kubernetes("no write was held"))
    }
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    http: reqwest::Client,
    requests: Mutex<BTreeMap<String, u64>>,
    writes: Mutex<Vec<Write>>,
    hold: Mutex<Option<Hold>>,
    is_cut: AtomicBool,
}

#[derive(Debug)]
struct Hold {
    left: usize,
    before: bool,
    reached: oneshot::Sender<Write>,
    let_go: oneshot::Receiver<()>,
}

impl Proxy {
    /// Starts one before `plane`, with a certificate of the same authority.
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn start(plane: &ControlPlane) -> Result<Self, Error> {
        let certificate = RustlsConfig::from_config(tls::server(&plane.authority().server("proxy")?)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .map_err(Error::file("binding a port of", "127.0.0.1"))?;
        listener
            .set_nonblocking(true)
            .map_err(Error::file("preparing a port of", "127.0.0.1"))?;
        let address = listener
            .local_addr()
            .map_err(Error::file("reading a port of", "127.0.0.1"))?;
        let shared = Arc::new(Shared {
            upstream: plane.url().to_owned(),
            http: tls::client(plane.authority().certificate())?,
            requests: Mutex::default(),
            writes: Mutex::default(),
            hold: Mutex::default(),
            is_cut: AtomicBool::new(false),
        });
        let routes = Router::new().fallback(forward).with_state(Arc::clone(&shared));
        let handle = Handle::new();
        let server = handle.clone();
        background::run(async move {
            let server = axum_server::from_tcp_rustls(listener, certificate)?.handle(server);
            tokio::spawn(server.serve(routes.into_make_service()));
            Ok::<(), std::io::Error>(())
        })
        .await?
        .map_err(Error::kubernetes("starting the proxy"))?;
        Ok(Self {
            url: format!("https://{address}"),
            shared,
            handle,
        })
    }

    /// Where it listens, for a kubeconfig.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests came so far, by method. A watch is one, for as long as it lasts.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        lock(&self.shared.requests).clone()
    }

    /// The writes that went through so far.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        lock(&self.shared.writes).clone()
    }

    /// From now on, lets `first` writes about AIHubs through, and holds the next before it has its effect.
    #[must_use]
    pub fn hold_before(&self, first: usize) -> Held {
        self.hold(first, true)
    }

    /// From now on, lets `first` writes about AIHubs through, and holds the answer of the next after it took effect.
    #[must_use]
    pub fn hold_after(&self, first: usize) -> Held {
        self.hold(first, false)
    }

    fn hold(&self, first: usize, before: bool) -> Held {
        let (reached, when_reached) = oneshot::channel();
        let (let_go, when_let_go) = oneshot::channel();
        *lock(&self.shared.hold) = Some(Hold {
            left: first,
            before,
            reached,
            let_go: when_let_go,
        });
        Held {
            reached: when_reached,
            _let_go: let_go,
        }
    }

    /// Makes the API server unreachable (503 for everything new), or reachable again.
    pub fn cut(&self, is_cut: bool) {
        self.shared.is_cut.store(is_cut, Ordering::Release);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if shared.is_cut.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "cut off").into_response();
    }
    *lock(&shared.requests)
        .entry(request.method().to_string())
        .or_default() += 1;
    let is_write = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let mut write = Write {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        status: 0,
    };
    let hold = if is_write { shared.due(&write) } else { None };
    let hold = match hold {
        Some(hold) if hold.before => {
            wait(hold, write.clone()).await;
            None
        }
        other => other,
    };
    let answer = match send(&shared, request).await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.chain()).into_response(),
    };
    if !is_write {
        // A watch: its events go through as they come.
        return axum::http::Response::<reqwest::Body>::from(answer).map(Body::new);
    }
    write.status = answer.status().as_u16();
    let answer = axum::http::Response::<reqwest::Body>::from(answer).map(Body::new);
    lock(&shared.writes).push(write.clone());
    if let Some(hold) = hold {
        wait(hold, write).await;
    }
    answer
}

async fn wait(hold: Hold, write: Write) {
    // Errors mean that the other end was dropped, which is how a write is let go.
    let _ = hold.reached.send(write);
    let _ = hold.let_go.await;
}

impl Shared {
    /// The hold that this write meets, if it meets one.
    fn due(&self, write: &Write) -> Option<Hold> {
        let mut hold = lock(&self.hold);
        if !write.is_about_objects() {
            return None;
        }
        match hold.as_mut() {
            Some(hold) if hold.left > 0 => {
                hold.left -= 1;
                None
            }
            _ => hold.take(),
        }
    }
}

async fn send(shared: &Shared, request: Request) -> Result<reqwest::Response, Error> {
    let (mut parts, body) = request.into_parts();
    let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str());
    let url = format!("{}{asked}", shared.upstream);
    let body = axum::body::to_bytes(body, LONGEST_BODY)
        .await
        .map_err(Error::kubernetes("reading a request"))?;
    // Of the hop from the operator to here.
    for name in [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ] {
        parts.headers.remove(name);
    }
    let request = shared
        .http
        .request(parts.method, url)
        .headers(parts.headers)
        .body(body);
    request
        .send()
        .await
        .map_err(Error::kubernetes("passing a request on"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
