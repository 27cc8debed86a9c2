//! How long a command takes to a coordinator and back, on our broker and the same coordinators on Mosquitto.

use std::time::{Duration, Instant};

use catalog::topic;
use serde_json::{Value, json};

use crate::{
    Outcome,
    client::{Client, Entrance, Message, PUBLISH, Qos},
    observatory::On,
    server::{Both, Places},
    table::{Goal, Table},
    trip,
};

/// What is asked: one answer out of memory, one out of the database.
const COMMANDS: [&str; 2] = ["telescope/health/get", "telescope/device/list"];
/// Commands in a round; the first ones, which find everything cold, don't count.
pub(crate) const COMMANDS_IN_A_ROUND: u16 = 500;
pub(crate) const COLD: u16 = 50;

/// Both commands on both stands, by API key.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let mosquitto = places.mosquitto_for_observatory()?;
    let own = places.up(&places.fresh("command-own")?, On::Own)?;
    let other = places.up(&places.fresh("command-mosquitto")?, On::Mosquitto(&mosquitto))?;
    let mut stands = Both { own: places.operator(&own)?, other: places.operator(&other)? };
    for command in COMMANDS {
        let mut seen = Vec::new();
        for round in 0..rounds {
            seen.push(stands.in_turn(round, |stand| answers(stand, command))?);
        }
        trip::show(table, command, Goal::None, &seen);
    }
    own.process.stop()?;
    other.process.stop()?;
    mosquitto.process.stop()
}

fn answers(entrance: &Entrance, command: &str) -> Outcome<Vec<Duration>> {
    let mut asker = Asker::connect(entrance)?;
    asker.times(command, COLD)?;
    asker.times(command, COMMANDS_IN_A_ROUND)
}

/// A client that sends commands and reads its answers.
pub(crate) struct Asker {
    client: Client,
    replies: String,
    token: Option<String>,
}

impl Asker {
    /// Connects and subscribes to its answers.
    pub(crate) fn connect(entrance: &Entrance) -> Outcome<Self> {
        let mut client = Client::connect(entrance, "bench-asker")?;
        let replies = format!("{}/client/{}/bench/reply", topic::ROOT, entrance.account);
        client.subscribe(&format!("{replies}/#"), Qos::AtLeastOnce)?;
        Ok(Self { client, replies, token: entrance.token.clone() })
    }

    /// How long so many answers to a command take, one after the other.
    pub(crate) fn times(&mut self, command: &str, count: u16) -> Outcome<Vec<Duration>> {
        (1..=count).map(|id| Ok(self.ask(command, id, json!({}))?.1)).collect()
    }

    /// The answer, and how long it took.
    pub(crate) fn ask(&mut self, command: &str, id: u16, mut fields: Value) -> Outcome<(Value, Duration)> {
        let reply_to = format!("{}/{id}", self.replies);
        fields["reply_to"] = json!(reply_to);
        if let Some(token) = &self.token {
            fields["token"] = json!(token);
        }
        let (topic, payload) = (topic::inbound(command), fields.to_string());
        let message = Message {
            topic: &topic,
            qos: Qos::AtLeastOnce,
            retain: false,
            id,
            response_topic: Some(&reply_to),
            payload: payload.as_bytes(),
        };
        let message = message.packet();
        let started = Instant::now();
        self.client.send(&message)?;
        let answered = self.client.expect(PUBLISH)?;
        let took = started.elapsed();
        let answer: Value = serde_json::from_slice(self.client.delivery(&answered)?.payload)?;
        self.client.acknowledge(&answered)?;
        if answer["success"] != true {
            return Err(format!("{command} was answered {answer}").into());
        }
        Ok((answer, took))
    }
}
