//! Topic rights on a real Mosquitto with its dynamic-security plugin, seen from connections of those who have them.

mod broker;
mod mirror;
mod session;
mod stand;
mod topics;
