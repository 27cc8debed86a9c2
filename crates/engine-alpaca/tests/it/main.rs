//! The engine beside simulated telescopes that fail on request, a server that reads the standard loosely, and other people's simulators.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod faults;
mod finding;
mod links;
mod motion;
mod sloppy;
mod stand;
mod strangers;
