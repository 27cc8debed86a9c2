//! How long a message takes from one client through a broker to another.

use std::time::{Duration, Instant};

use crate::{
    Outcome,
    client::{Client, Entrance, Message, PUBACK, PUBLISH, Qos},
    rate::PAYLOAD,
    server::{Both, Places, topic_of},
    table::{Goal, Table, Unit},
};

/// Trips in a round; the first ones, which find everything cold, don't count.
pub(crate) const TRIPS: u16 = 10_000;
pub(crate) const COLD: u16 = 1_000;
/// How surely messages travel.
pub(crate) const QUALITIES: [(&str, Qos); 2] = [("0", Qos::AtMostOnce), ("1", Qos::AtLeastOnce)];
/// What of many times is shown, and how many of a hundred are below it.
pub(crate) const QUANTILES: [(&str, usize); 2] = [("p50", 50), ("p99", 99)];

/// Trips at QoS 0 and 1.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let mut servers = Both::try_from_fn(|maker| places.broker(maker))?;
    let topic = topic_of("bench-trip");
    for (name, qos) in QUALITIES {
        let mut seen = Vec::new();
        for round in 0..rounds {
            seen.push(servers.in_turn(round, |server| trips(&server.entrance, &topic, qos))?);
        }
        show(table, &format!("round trip, QoS {name}"), Goal::RatioAtMost(1.1), &seen);
    }
    Ok(())
}

/// The two rows of a round trip; the goal is for the middle.
pub(crate) fn show(table: &mut Table, figure: &str, goal: Goal, rounds: &[Both<Vec<Duration>>]) {
    for ((name, hundredth), goal) in QUANTILES.into_iter().zip([goal, Goal::None]) {
        table.compare(&format!("{figure}, {name}"), Unit::Seconds, goal, &quantiles(rounds, hundredth));
    }
}

/// One quantile of each round.
pub(crate) fn quantiles(rounds: &[Both<Vec<Duration>>], hundredth: usize) -> Vec<Both<f64>> {
    let of = |round: &Both<Vec<Duration>>| Both {
        own: quantile(&round.own, hundredth),
        other: quantile(&round.other, hundredth),
    };
    rounds.iter().map(of).collect()
}

fn quantile(times: &[Duration], hundredth: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() * hundredth / 100).map_or(f64::NAN, Duration::as_secs_f64)
}

fn trips(entrance: &Entrance, topic: &str, qos: Qos) -> Outcome<Vec<Duration>> {
    let mut trip = Trip::connect(entrance, topic, qos)?;
    trip.times(COLD)?;
    trip.times(TRIPS)
}

/// Both ends of a trip. One thread has them, so that no switch between threads of ours is measured.
pub(crate) struct Trip {
    receiver: Client,
    sender: Client,
    topic: String,
    qos: Qos,
}

impl Trip {
    /// Connects both.
    pub(crate) fn connect(entrance: &Entrance, topic: &str, qos: Qos) -> Outcome<Self> {
        let mut receiver = Client::connect(entrance, "trip-receiver")?;
        receiver.subscribe(topic, qos)?;
        Ok(Self { receiver, sender: Client::connect(entrance, "trip-sender")?, topic: topic.to_owned(), qos })
    }

    /// How long so many messages take, one after the other.
    pub(crate) fn times(&mut self, count: u16) -> Outcome<Vec<Duration>> {
        let Self { receiver, sender, topic, qos } = self;
        let (qos, payload) = (*qos, [7; PAYLOAD]);
        let mut times = Vec::with_capacity(usize::from(count));
        for id in 1..=count {
            let message = Message { topic, qos, id, retain: false, response_topic: None, payload: &payload }.packet();
            let started = Instant::now();
            sender.send(&message)?;
            let delivered = receiver.expect(PUBLISH)?;
            times.push(started.elapsed());
            receiver.acknowledge(&delivered)?;
            if qos == Qos::AtLeastOnce {
                sender.expect(PUBACK)?;
            }
        }
        Ok(times)
    }
}
