//! The store against real servers: private clusters in temporary folders, and one that listens on loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its stand is not as expected")]

mod audit;
mod backup;
mod certificates;
mod cluster;
mod inbox;
mod locks;
mod migrations;
mod plugins;
mod pool;
mod registries;
mod settings;
mod stand;
mod telescopes;
mod tokens;
