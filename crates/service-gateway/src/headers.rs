//! What every answer tells browsers to forbid; a page that needs more says so itself.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, header},
};

/// Nothing is loaded, framed or sent anywhere, nothing is kept, and no other site's page gets at it.
const ALWAYS: [(HeaderName, HeaderValue); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];
/// For a year browsers come over TLS only (RFC 6797). They heed it over TLS alone, so it is said there alone.
const OVER_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// How an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// As it is.
    Plain,
    /// Over TLS.
    Tls,
}

/// The answer with what it does not say itself.
pub(crate) fn guard(mut response: Response<Body>, way: Way) -> Response<Body> {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(value);
    }
    if way == Way::Tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, OVER_TLS);
    }
    response
}
