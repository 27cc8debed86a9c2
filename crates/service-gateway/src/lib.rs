//! The HTTP face, with TLS and without: health, metrics, answers to the challenges of ACME.

mod error;
mod gateway;
mod headers;
mod heard;
mod listener;
mod pages;
mod watch;

pub use error::GatewayError;
pub use gateway::{Challenge, Gateway, GatewayOptions};
