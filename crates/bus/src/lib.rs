//! Carries the messages of the catalogue over MQTT: ask, answer, tell, retain. The only client of MQTT in the house.

mod address;
mod ask;
mod client;
mod credentials;
mod delivery;
mod link;
mod peers;
mod retained;

pub use address::Address;
pub use ask::Ask;
pub use client::{Bus, BusOptions, Outgoing};
pub use credentials::{BrokerKind, Credentials, CredentialsError};
pub use delivery::{Delivery, Watch};
pub use link::Connection;
