//! The embedded MQTT broker behind an API and listeners of our own.
//!
//! The protocol is `mqtt5`'s; its types stay inside. Ours are the listeners, who may connect under which client id, what a
//! topic may look like, the list of clients, rights that end while a client is connected, and publishing from inside.

mod admissions;
mod broker;
mod connection;
mod error;
mod events;
mod gate;
mod limits;
mod listeners;
mod message;
mod origins;
mod retained;
mod rights;
mod rules;
mod seats;
mod shared;
mod statistics;
mod tls;
mod upkeep;
mod wire;

pub use broker::{Broker, Options};
pub use error::{BrokerError, PublishError};
pub use events::{Attempt, Event, Events, Objection};
pub use gate::{Admission, Asker, Credentials, Gate, Refused, StillProven, Transport};
pub use limits::Limits;
pub use message::{Message, Quality};
pub use rules::{Unacceptable, check_filter, check_topic};
pub use seats::{Client, Link, Protocol};
pub use statistics::Statistics;
