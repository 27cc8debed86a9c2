//! What a broker weighs with a thousand clients that are connected, subscribed, and silent.

use crate::{
    Outcome,
    client::{Client, Qos},
    memory::{Share, share_of},
    server::{Both, Maker, Places, topic_of},
    table::{Goal, Table, Unit},
};

const CLIENTS: usize = 1_000;
const GOAL_BYTES: f64 = 45e6;
/// Memory repeats itself, so few rounds will do.
const ROUNDS_MAX: usize = 3;

/// A fresh broker each time, since none gives memory back.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let mut seen = Vec::new();
    for _ in 0..rounds.min(ROUNDS_MAX) {
        seen.push(Both::try_from_fn(|maker| weigh(places, maker))?);
    }
    let mut row = |figure: &str, goal: Goal, of: fn(&Weights) -> u64| {
        let figures = seen.iter().map(|Both { own, other }| Both { own: of(own) as f64, other: of(other) as f64 });
        table.compare(figure, Unit::Bytes, goal, &figures.collect::<Vec<_>>());
    };
    row("memory of the broker alone", Goal::None, |weights| weights.before);
    row("memory with 1,000 idle clients", Goal::AtMost(GOAL_BYTES), |weights| weights.with);
    row("  of which without program text", Goal::None, |weights| weights.made);
    Ok(())
}

struct Weights {
    before: u64,
    with: u64,
    made: u64,
}

fn weigh(places: &Places, maker: Maker) -> Outcome<Weights> {
    let server = places.broker(maker)?;
    let process = server.process.id();
    let before = share_of(process, Share::Whole)?;
    let mut idle = Vec::with_capacity(CLIENTS);
    for number in 0..CLIENTS {
        let mut client = Client::connect(&server.entrance, &format!("idle-{number}"))?;
        client.subscribe(&topic_of(&format!("bench-idle-{number}")), Qos::AtLeastOnce)?;
        idle.push(client);
    }
    let (with, made) = (share_of(process, Share::Whole)?, share_of(process, Share::Made)?);
    drop(idle);
    server.process.stop()?;
    Ok(Weights { before, with, made })
}
