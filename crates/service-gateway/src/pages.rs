//! The pages: health in three kinds, metrics, and what is said where there is no page.

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use catalog::Owner;
use health::Status;
use serde_json::json;
use vocabulary::{Clock, Fault};

use crate::{error::Refusal, gateway::Challenge, watch::Ear};

/// The longest token of a challenge that is looked up; RFC 8555 asks for 22 characters at least.
const TOKEN_CHARACTERS_MAX: usize = 256;

/// What the pages show.
#[derive(Clone)]
pub(crate) struct Pages {
    pub(crate) ear: Ear,
    pub(crate) expected: Vec<Owner>,
    pub(crate) clock: Clock,
    pub(crate) challenge: Option<Challenge>,
}

impl Pages {
    /// The routes.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/health", get(health))
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .route("/metrics", get(metrics))
            .route("/.well-known/acme-challenge/{token}", get(challenge))
            .fallback(nothing)
            .method_not_allowed_fallback(only_get)
            .with_state(self)
    }
}

/// The health of the whole: 200 while it does what it is for, else 503.
async fn health(State(pages): State<Pages>) -> Response {
    let whole = pages.ear.heard().whole(&pages.expected, pages.clock.now());
    let code = match whole.status {
        Status::Healthy | Status::Degraded => StatusCode::OK,
        Status::Unknown | Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(whole)).into_response()
}

/// Whether this process answers.
async fn live() -> Response {
    Json(json!({ "status": "live" })).into_response()
}

/// Whether everybody who is expected is there.
async fn ready(State(pages): State<Pages>) -> Response {
    let missing = pages.ear.heard().missing(&pages.expected, pages.clock.now());
    if missing.is_empty() {
        return Json(json!({ "status": "ready" })).into_response();
    }
    let fault = Fault::unavailable(format!("not ready: {}", missing.join("; ")))
        .hint("/health shows each part; `bigskies doctor` looks for causes");
    Refusal(fault).into_response()
}

/// All metrics of this process.
async fn metrics() -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, observability::metrics::render()).into_response()
}

/// The answer to a challenge of ACME (RFC 8555, section 8.3), for the directory that looks whether the domain is ours.
async fn challenge(State(pages): State<Pages>, Path(token): Path<String>) -> Response {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let good = token.len() <= TOKEN_CHARACTERS_MAX && token.bytes().all(is_token);
    match pages.challenge.filter(|_| good).and_then(|lookup| lookup(&token)) {
        Some(answer) => ([(header::CONTENT_TYPE, "application/octet-stream")], answer).into_response(),
        None => Refusal(
            Fault::not_found("no challenge has this token").hint("order the certificate again, and look at once"),
        )
        .into_response(),
    }
}

async fn nothing(request: Request) -> Refusal {
    let path: String = request.uri().path().chars().take(200).collect();
    Refusal(
        Fault::not_found(format!("page {path} does not exist"))
            .hint("there are /health, /health/live, /health/ready, /metrics"),
    )
}

/// 405, which no code of ours maps to, with the same object.
async fn only_get(request: Request) -> Response {
    let fault = Fault::invalid(format!("method {} is not one of {}", request.method(), request.uri().path()))
        .hint("use GET or HEAD");
    let mut response = Refusal(fault).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
