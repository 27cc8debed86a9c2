//! The store against real servers: private clusters in temporary folders, and one that listens on loopback.

mod cluster;
mod inbox;
mod migrations;
mod pool;
mod settings;
mod stand;
