//! Every message on the bus, declared once: its topic and aliases, who may send it, what it does, its shape and an example.
//!
//! A message is a plain serde struct with an `impl` of one of the five kinds ([`Command`], [`Notice`], [`Event`], [`State`]; health is a
//! report of the `health` room) and a row in the `MESSAGES` of its owner. Everything else derives from [`all`]: routes, rights, documents.

mod access;
mod address;
mod directory;
mod entry;
pub mod envelope;
mod kinds;
mod manifest;
mod owner;
mod party;
pub mod render;
mod secret;
pub mod topic;

pub mod application;
pub mod bootstrap;
pub mod datastore;
pub mod frame;
pub mod message;
pub mod security;
pub mod telescope;

pub use access::{Access, Capacity, READ_RESPONSES};
pub use address::Paging;
pub use directory::Directory;
pub use entry::{Entry, Kind};
pub use kinds::{Command, Done, Effect, Event, Lane, Needs, Notice, Privacy, Qos, Shape, State, UserField};
pub use manifest::{plugin_may_ask_for, plugin_reads_need};
pub use owner::Owner;
pub use party::{Face, Party};
pub use secret::Secret;

/// Every message of every owner, those that the frame gives to all included.
pub fn all() -> Vec<Entry> {
    Owner::ALL.iter().flat_map(|owner| owner.messages()).collect()
}
