//! Simulated devices that speak their true protocols over true sockets and fail on request.

pub mod alpaca;

pub use alpaca::{AlpacaSimulator, EquatorialSystem, Options, SimulatorError, Site};
