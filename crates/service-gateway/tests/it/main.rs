//! The gateway as a client sees it: over HTTP on port 0, with a broker and without one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod health;
mod pages;
mod secured;
mod stand;
