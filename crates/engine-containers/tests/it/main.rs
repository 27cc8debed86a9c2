//! The engine room against a real Docker daemon: over its socket, over TLS, and behind a real SSH server.

mod images;
mod life;
mod mistakes;
mod output;
mod reach;
mod roundtrip;
mod stand;
