//! The security coordinator beside what it works with.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod mosquitto;
