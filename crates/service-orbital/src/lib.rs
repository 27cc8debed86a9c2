//! The gRPC face: positions, passes and close approaches of satellites, with health, reflection and metrics.

mod answers;
mod call;
mod face;
mod known;
mod limits;
mod listener;
mod methods;
mod pages;
mod refusal;
mod registry;
mod service;
mod ticket;
mod wants;
mod work;

pub use limits::Limits;
pub use methods::{Guard, READ, WRITE_SATELLITES, WRITE_STATIONS};
pub use registry::Rows;
pub use service::{Orbital, OrbitalError, OrbitalOptions};
