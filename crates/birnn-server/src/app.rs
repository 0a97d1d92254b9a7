//! All routes, and what every request goes through on its way to one and back.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, EXPECT, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use birnn_data::escape;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::problem::Problem;
use crate::room::Room;
use crate::routes;
use crate::unread::Unread;

/// What all requests share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) models: Arc<Models>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) room: Room,
    pub(crate) hosts: Hosts,
    stopping: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
}

/// By which names the server may be called. A page elsewhere could have a browser look a name of its own up
/// as this machine, and would so read what is meant for this machine alone: it is told by that name. By an
/// address none is.
#[derive(Clone, Debug)]
pub(crate) enum Hosts {
    Any,
    These(Arc<[String]>),
}

impl Hosts {
    /// Those that were named, and this machine's own; where none were, and others can reach the server, any.
    pub(crate) fn new(named: &[String], address: SocketAddr) -> Hosts {
        match (named, address.ip().is_loopback()) {
            ([], false) => Hosts::Any,
            _ => Hosts::These(named.iter().cloned().chain(["localhost".to_owned()]).collect()),
        }
    }

    pub(crate) fn allow(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
            _ => host,
        };
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        match self {
            Hosts::Any => true,
            Hosts::These(_) if address.parse::<IpAddr>().is_ok() => true,
            Hosts::These(names) => names.iter().any(|known| known.eq_ignore_ascii_case(name)),
        }
    }
}

impl App {
    pub(crate) fn new(models: Models, limits: Limits, metrics: Arc<Metrics>, hosts: Hosts) -> App {
        App {
            models: Arc::new(models),
            limits,
            metrics,
            room: Room::new(limits.bodies),
            hosts,
            stopping: Arc::default(),
            requests: Arc::default(),
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// What answers requests.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(routes::healthy))
            .route("/readyz", get(routes::ready))
            .route("/metrics", get(routes::metrics))
            .route("/openapi.json", get(routes::openapi))
            .route("/v1/models", get(routes::models))
            .route("/v1/models/{name}/predict", post(routes::predict))
            .route("/v1/models/{name}/explain", post(routes::explain))
            .merge(routes::page())
            .fallback(|| async {
                Problem::new(
                    StatusCode::NOT_FOUND,
                    "there is nothing at this path; /openapi.json tells what there is",
                )
            })
            .method_not_allowed_fallback(|| async {
                Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "this path has other methods; /openapi.json tells which",
                )
            })
            .layer(CatchPanicLayer::custom(panicked))
            .layer(RequestBodyTimeoutLayer::new(self.limits.idle_body))
            .layer(from_fn_with_state(self.clone(), within))
            .with_state(self)
    }
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request made the server fail; this is a defect of birnn's");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a defect of the server; its log says more")
        .into_response()
}

const KNOWN: [Method; 4] = [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS];

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Every answer: never kept, never taken for what it is not, never a page that loads others.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// A request from a host that may ask, counted and told of.
async fn within(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = app.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let refused = (!app.hosts.allow(host)).then(|| {
        let host = escape::line(host);
        let detail = format!("`{host}` is no name of this server; --host allows others");
        Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
    });
    let asks_first = request.headers().contains_key(EXPECT);
    let (request, unread) = Unread::of(request);
    let mut response = match refused {
        Some(response) => response,
        None => next.run(request).await,
    };
    let (status, seconds) = (response.status(), begun.elapsed().as_secs_f64());
    let is_refused =
        (status.is_client_error() || status.is_server_error()) && status != StatusCode::REQUEST_TIMEOUT;
    // Who asks first whether to send it was told so once it was begun, and else sends nothing where the
    // answer is a refusal.
    if is_refused && (!asks_first || unread.is_begun()) {
        // Who takes longer is let go.
        let _ = timeout(app.limits.idle_body, unread.discard(app.limits.bodies)).await;
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
    headers.insert(REQUEST_ID, HeaderValue::from(id));
    if app.is_stopping() {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let status = status.as_u16();
    // Of methods there are as many as a client makes up.
    let counted = if KNOWN.contains(&method) { method.as_str() } else { "other" };
    app.metrics.answered(counted, &route, status, seconds);
    tracing::debug!(
        target: "birnn_server::access",
        "{id} {method} {} {status} {:.3} ms",
        escape::line(&path),
        1000.0 * seconds
    );
    response
}
