//! ASCOM Alpaca devices: finding them, connecting them, watching over them, and moving telescopes.
//!
//! The client is our own and not a library's, because a shared telescope needs what the published ones lack: a bound on every call, an
//! error that tells an unreachable device from one that refuses, an abort that overtakes a call that hangs, and patience
//! with servers that read the standard loosely.

mod discovery;
mod endpoint;
mod engine;
mod error;
mod registry;
pub mod standard;
mod survey;
mod telescope;
mod watch;
mod wire;

pub use discovery::{Discovery, Reach, Search, ServerTrouble};
pub use endpoint::{DeviceType, Endpoint, ServerUrl};
pub use engine::{AlpacaEngine, Options};
pub use error::AlpacaError;
pub use registry::{DeviceLink, Link};
pub use survey::FoundDevice;
pub use telescope::{Capabilities, EquatorialSystem, Site, TelescopeStatus, Tracking};
