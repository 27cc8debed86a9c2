//! Certificates against a real database, real handshakes over loopback, and a real ACME directory.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod acme;
mod handshakes;
mod imports;
mod pebble;
mod renewals;
mod rows;
mod stand;
mod wire;
