//! How long a command takes to a coordinator and back, on our broker and the same coordinators on Mosquitto.

use std::time::{Duration, Instant};

use catalog::topic;
use serde_json::{Value, json};

use crate::{
    Outcome,
    client::{Client, Message, PUBLISH, Qos},
    server::{Both, Maker, Places, Server},
    table::{Goal, Table},
    trip,
};

/// What is asked: one answer out of memory, one out of the database.
const COMMANDS: [&str; 2] = ["telescope/health/get", "telescope/device/list"];
/// Commands in a round; the first ones, which find everything cold, don't count.
const COMMANDS_IN_A_ROUND: u16 = 500;
const COLD: u16 = 50;

/// Both commands on both stands.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let mosquitto = places.broker(Maker::Mosquitto)?;
    let mut stands = Both::try_from_fn(|maker| match maker {
        Maker::Own => places.up(&places.fresh("command-own")?, None),
        Maker::Mosquitto => places.up(&places.fresh("command-mosquitto")?, Some(&mosquitto)),
    })?;
    for command in COMMANDS {
        let mut seen = Vec::new();
        for round in 0..rounds {
            seen.push(stands.in_turn(round, |stand| answers(stand, command))?);
        }
        trip::show(table, command, Goal::None, seen);
    }
    stands.own.process.stop()?;
    stands.mosquitto.process.stop()?;
    mosquitto.process.stop()
}

fn answers(stand: &mut Server, command: &str) -> Outcome<Vec<Duration>> {
    let mut client = Client::connect(stand.address, "command-sender", &stand.login)?;
    let replies = format!("{}/client/{}/bench/reply", topic::ROOT, stand.login.account);
    client.subscribe(&format!("{replies}/#"), Qos::AtLeastOnce)?;
    let topic = topic::inbound(command);
    let mut times = Vec::with_capacity(usize::from(COMMANDS_IN_A_ROUND));
    for id in 1..=COLD + COMMANDS_IN_A_ROUND {
        let reply_to = format!("{replies}/{id}");
        let payload = json!({ "reply_to": reply_to }).to_string();
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
        client.send(&message)?;
        let answered = client.expect(PUBLISH)?;
        let took = started.elapsed();
        let answer: Value = serde_json::from_slice(client.delivery(&answered)?.payload)?;
        client.acknowledge(&answered)?;
        if answer["success"] != true {
            return Err(format!("{command} was answered {answer}").into());
        }
        if id > COLD {
            times.push(took);
        }
    }
    Ok(times)
}
