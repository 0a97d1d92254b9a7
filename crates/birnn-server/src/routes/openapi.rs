//! The description of all this for programs.

use axum::Json;
use utoipa::OpenApi;

use super::{health, models, predict};

#[derive(OpenApi)]
#[openapi(
    info(title = "birnn", description = "Answers of bidirectional recurrent networks."),
    paths(
        health::healthy,
        health::ready,
        health::metrics,
        models::models,
        predict::predict,
        predict::explain,
        openapi
    )
)]
struct Document;

/// This document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI", body = Object)))]
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
