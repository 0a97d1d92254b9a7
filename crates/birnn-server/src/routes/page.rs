//! The page on which people ask.

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::routing::get;
use birnn_page::{POLICY, served};

use crate::app::App;

/// The page, at `/`, and its files.
pub(crate) fn page() -> Router<App> {
    let (page, assets) = served();
    let html = move || async move {
        ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)], page)
    };
    assets.fold(Router::new().route("/", get(html)), |router, asset| {
        let file = move || async move { ([(CONTENT_TYPE, asset.kind)], asset.text) };
        router.route(&format!("/{}", asset.path), get(file))
    })
}
