//! The pages beside gRPC: metrics of the process, and whether the service works.

use axum::{
    Json, Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;

/// The routes.
pub(crate) fn router() -> Router {
    Router::new().route("/metrics", get(metrics)).route("/health", get(health))
}

/// All metrics of this process.
async fn metrics() -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, observability::metrics::render()).into_response()
}

/// Pages are served from when calls are until the service ends.
async fn health() -> Response {
    Json(json!({ "status": "healthy", "version": env!("CARGO_PKG_VERSION") })).into_response()
}
