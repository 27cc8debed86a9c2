//! What a broker weighs with a thousand clients that are connected, subscribed, and silent.

use crate::{
    Outcome,
    client::{Client, Qos},
    memory::share_of,
    server::{Both, Maker, Places},
    table::{Goal, Table, Unit},
};

const CLIENTS: usize = 1_000;
const GOAL_BYTES: f64 = 45e6;
/// Memory repeats itself, so few rounds will do.
const ROUNDS_MAX: usize = 3;

/// A fresh broker each time, since none gives memory back.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let (mut before, mut with) = (Vec::new(), Vec::new());
    for _ in 0..rounds.min(ROUNDS_MAX) {
        let Both { own, mosquitto } = Both::try_from_fn(|maker| weights(places, maker))?;
        before.push(Both { own: own.0, mosquitto: mosquitto.0 });
        with.push(Both { own: own.1, mosquitto: mosquitto.1 });
    }
    table.compare("memory of the broker alone", Unit::Bytes, Goal::None, &before);
    table.compare("memory with 1,000 idle clients", Unit::Bytes, Goal::AtMost(GOAL_BYTES), &with);
    Ok(())
}

/// Without clients and with them.
fn weights(places: &Places, maker: Maker) -> Outcome<(f64, f64)> {
    let server = places.broker(maker)?;
    let before = share_of(server.process.id())?;
    let mut idle = Vec::with_capacity(CLIENTS);
    for number in 0..CLIENTS {
        let mut client = Client::connect(server.address, &format!("idle-{number}"), &server.login)?;
        client.subscribe(&format!("bench/idle/{number}"), Qos::AtLeastOnce)?;
        idle.push(client);
    }
    let with = share_of(server.process.id())?;
    drop(idle);
    server.process.stop()?;
    Ok((before as f64, with as f64))
}
