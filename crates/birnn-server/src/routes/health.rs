//! For those who watch over the server.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::problem::Problem;

/// It runs.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "the server runs")))]
pub(crate) async fn healthy() -> &'static str {
    "ok\n"
}

/// It takes requests: it is not about to stop.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "the server takes requests"),
    (status = 503, description = "the server is about to stop", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn ready(State(app): State<App>) -> Response {
    match app.is_stopping() {
        true => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is about to stop").into_response(),
        false => "ok\n".into_response(),
    }
}

/// What happened so far, in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "counters, for Prometheus", body = String)))]
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, format)], app.metrics.text()).into_response()
}
