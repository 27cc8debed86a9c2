//! Why the face can't be shown, and how a fault looks over HTTP.

use std::{io, net::SocketAddr};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use vocabulary::Fault;

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address can't be listened on.
    #[error("address {address} can't be listened on for HTTP: {reason}; free it, or choose another by --http")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: io::Error,
    },
    /// The address for TLS can't be listened on.
    #[error("address {address} can't be listened on for HTTPS: {reason}; free it, or choose another by --https")]
    SecuredAddress {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: io::Error,
    },
    /// TLS would let clients choose a protocol that is not spoken here.
    #[error("protocol {name} is not spoken over HTTPS; let the TLS configuration name http/1.1 and acme-tls/1 at most")]
    Protocol {
        /// Its name (RFC 7301).
        name: String,
    },
    /// The health of coordinators can't be watched.
    #[error(transparent)]
    Bus(#[from] Fault),
}

impl From<GatewayError> for Fault {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Address { address, reason } => {
                Self::conflict(format!("address {address} can't be listened on for HTTP: {reason}"))
                    .hint("free it, or choose another by --http")
            }
            GatewayError::SecuredAddress { address, reason } => {
                Self::conflict(format!("address {address} can't be listened on for HTTPS: {reason}"))
                    .hint("free it, or choose another by --https")
            }
            GatewayError::Protocol { .. } => Self::internal(error.to_string()),
            GatewayError::Bus(fault) => fault,
        }
    }
}

/// A fault over HTTP: the status of its code, and the same object as on the bus.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Fault);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(fault) = self;
        let status = StatusCode::from_u16(fault.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let Fault { code, message, hint } = fault;
        let error = json!({ "code": code, "message": message, "hint": hint });
        (status, Json(json!({ "success": false, "error": error }))).into_response()
    }
}
