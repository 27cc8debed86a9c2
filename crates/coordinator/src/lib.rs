//! The frame that coordinators live in: routes, lanes, authorisation, delivery, settings, supervision, health.
//!
//! A coordinator is a type with engines, routes and settings ([`Coordinator`]); [`run`] does the rest. Its handlers are plain functions
//! from a context and a message to a reply or a fault.

mod answers;
mod authority;
mod checks;
mod coordinator;
mod cx;
mod desk;
mod execution;
mod fences;
mod frame;
mod frame_settings;
mod given;
mod lanes;
mod live;
mod memory;
mod pulse;
mod routes;
mod seals;
mod shift;
mod trail;

pub use authority::{Authority, Caller, Trust};
pub use coordinator::{Coordinator, Start};
pub use cx::Cx;
pub use frame::{Frame, run};
pub use frame_settings::FrameSettings;
pub use routes::Routes;
pub use trail::{Trail, outcome_of};
