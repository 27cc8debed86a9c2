//! The engine against a real PostgreSQL: a private cluster in a temporary folder, a database for each test.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod api_keys;
mod attacks;
mod forge;
mod keys;
mod machines;
mod noise;
mod restoration;
mod revocation;
mod sessions;
mod stand;
mod taken_back;
