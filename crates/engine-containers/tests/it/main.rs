//! The engine room against a real Docker daemon: over its socket, over TLS, and behind a real SSH server; and against a script of one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it should be")]

mod images;
mod life;
mod mistakes;
mod output;
mod reach;
mod roundtrip;
mod scripted;
mod stand;
