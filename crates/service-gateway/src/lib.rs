//! The HTTP face: health, metrics.

mod error;
mod gateway;
mod heard;
mod listener;
mod pages;
mod watch;

pub use error::GatewayError;
pub use gateway::{Gateway, GatewayOptions};
