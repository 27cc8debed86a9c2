//! The orbital service over real connections.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where its stand is not as expected"
)]

mod bounds;
mod door;
mod earlier;
mod found;
mod kept;
mod lists;
mod python;
mod restarts;
mod stand;
mod states;
