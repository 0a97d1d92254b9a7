//! Which networks there are.

use axum::Json;
use axum::extract::State;
use birnn_page::About;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// The networks that are served.
#[derive(Serialize, ToSchema)]
pub(crate) struct AllModels {
    models: Vec<About>,
}

/// The networks that are served, by name.
#[utoipa::path(get, path = "/v1/models", responses((status = 200, description = "the networks", body = AllModels)))]
pub(crate) async fn models(State(app): State<App>) -> Json<AllModels> {
    Json(AllModels { models: app.models.each().map(|loaded| loaded.about.clone()).collect() })
}
