//! The broker against real clients: raw bytes, `rumqttc`, Debian's `mosquitto_pub` and `mosquitto_sub`, WebSockets.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod admission;
mod admissions;
mod delivery;
mod figures;
mod lifetime;
mod papers;
mod peers;
mod raw;
mod refusals;
mod rights;
mod stand;
mod tls;
