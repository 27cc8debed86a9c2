//! The parts that a process of the observatory runs, put together from the rooms: broker, database, coordinators, faces.

pub(crate) mod accounts;
pub(crate) mod boot;
pub(crate) mod broker;
pub(crate) mod coordinators;
pub(crate) mod database;
pub(crate) mod folder;
pub(crate) mod gateway;
pub(crate) mod ready;
pub(crate) mod serve;
pub(crate) mod signals;

use bus::{Bus, BusOptions};
use coordinator::Frame;
use vocabulary::ids::fresh_uuid;

/// A connection of the process itself, to see how its parts are.
pub(crate) fn own_bus(frame: &Frame) -> Bus {
    Bus::open(BusOptions {
        address: frame.address.clone(),
        client_id: format!("node-{}", fresh_uuid()),
        credentials: frame.credentials.clone(),
        account: frame.account.clone(),
        source: "node".to_owned(),
        last_will: None,
        clock: frame.clock.clone(),
    })
}
