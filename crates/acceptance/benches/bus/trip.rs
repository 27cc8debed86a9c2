//! How long a message takes from one client through a broker to another.

use std::time::{Duration, Instant};

use crate::{
    Outcome,
    client::{Client, Message, PUBACK, PUBLISH, Qos},
    rate::PAYLOAD,
    server::{Both, Places, Server},
    table::{Goal, Table, Unit},
};

const TOPIC: &str = "bench/trip";
/// Trips in a round; the first ones, which find everything cold, don't count.
const TRIPS: u16 = 10_000;
const COLD: u16 = 1_000;

/// Trips at QoS 0 and 1.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let mut servers = Both::try_from_fn(|maker| places.broker(maker))?;
    for (name, qos) in [("0", Qos::AtMostOnce), ("1", Qos::AtLeastOnce)] {
        let mut seen = Vec::new();
        for round in 0..rounds {
            seen.push(servers.in_turn(round, |server| trips(server, qos))?);
        }
        show(table, &format!("round trip, QoS {name}"), Goal::RatioAtMost(1.1), seen);
    }
    Ok(())
}

/// The two rows of a round trip; the goal is for the middle.
pub(crate) fn show(table: &mut Table, figure: &str, goal: Goal, rounds: Vec<Both<Vec<Duration>>>) {
    for (name, hundredth, goal) in [("p50", 50, goal), ("p99", 99, Goal::None)] {
        let figures = rounds.iter().map(|round| Both {
            own: quantile(&round.own, hundredth),
            mosquitto: quantile(&round.mosquitto, hundredth),
        });
        table.compare(&format!("{figure}, {name}"), Unit::Seconds, goal, &figures.collect::<Vec<_>>());
    }
}

fn quantile(times: &[Duration], hundredth: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() * hundredth / 100).map_or(f64::NAN, Duration::as_secs_f64)
}

/// One thread has both ends, so that no switch between threads of ours is measured.
fn trips(server: &mut Server, qos: Qos) -> Outcome<Vec<Duration>> {
    let mut receiver = Client::connect(server.address, "trip-receiver", &server.login)?;
    receiver.subscribe(TOPIC, qos)?;
    let mut sender = Client::connect(server.address, "trip-sender", &server.login)?;
    let payload = [7; PAYLOAD];
    let mut times = Vec::with_capacity(usize::from(TRIPS));
    for id in 1..=COLD + TRIPS {
        let message =
            Message { topic: TOPIC, qos, id, retain: false, response_topic: None, payload: &payload }.packet();
        let started = Instant::now();
        sender.send(&message)?;
        let delivered = receiver.expect(PUBLISH)?;
        let took = started.elapsed();
        receiver.acknowledge(&delivered)?;
        if qos == Qos::AtLeastOnce {
            sender.expect(PUBACK)?;
        }
        if id > COLD {
            times.push(took);
        }
    }
    Ok(times)
}
