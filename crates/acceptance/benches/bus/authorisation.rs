//! What it adds to a message that everybody's rights are looked at: an observatory as it is, beside one that lets everybody do everything.

use std::time::Duration;

use serde_json::json;

use crate::{
    Outcome,
    client::{Client, Entrance, Qos},
    command::{self, Asker},
    observatory::{Observatory, On},
    server::{Both, Places},
    table::Table,
    trip::{self, Trip},
};

/// How long each message took.
type Times = Vec<Duration>;

/// A plugin, and the topic that its manifest names.
const PLUGIN: &str = "bench";
const TOPIC: &str = "bench/trip";
/// What is asked by API key.
const COMMAND: &str = "telescope/health/get";

/// Into so many turns is a round cut, since what is looked for is less than what drifts within a second.
const TURNS: u16 = 20;

/// From one client of the broker to another, and to a coordinator and back.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let secured = places.up(&places.fresh("authorisation-secured")?, On::Own)?;
    let open = places.up(&places.fresh("authorisation-open")?, On::OwnOpen)?;
    let operators = Both { own: places.operator(&secured)?, other: places.operator(&open)? };
    let clients = Both { own: admitted(&secured, &operators.own)?, other: operators.other.clone() };
    for (name, qos) in trip::QUALITIES {
        let mut trips = clients.try_map(|client| Trip::connect(client, TOPIC, qos))?;
        trips.in_turn(0, |trip| trip.times(trip::COLD))?;
        let seen = turns(rounds, &mut trips, |trip| trip.times(trip::TRIPS / TURNS))?;
        show(table, &format!("round trip, QoS {name}"), &seen);
    }
    let mut askers = operators.try_map(Asker::connect)?;
    askers.in_turn(0, |asker| asker.times(COMMAND, command::COLD))?;
    let seen = turns(rounds, &mut askers, |asker| asker.times(COMMAND, command::COMMANDS_IN_A_ROUND / TURNS))?;
    show(table, COMMAND, &seen);
    secured.process.stop()?;
    open.process.stop()
}

fn turns<T>(
    rounds: usize,
    stands: &mut Both<T>,
    mut ask: impl FnMut(&mut T) -> Outcome<Times>,
) -> Outcome<Vec<Both<Times>>> {
    let mut seen = Vec::new();
    for _ in 0..rounds {
        let mut round = Both { own: Vec::new(), other: Vec::new() };
        for turn in 0..TURNS {
            let Both { own, other } = stands.in_turn(turn.into(), &mut ask)?;
            round.own.extend(own);
            round.other.extend(other);
        }
        seen.push(round);
    }
    Ok(seen)
}

fn show(table: &mut Table, figure: &str, rounds: &[Both<Times>]) {
    for (quantile, hundredth) in trip::QUANTILES {
        table.beside_open(&format!("{figure}, {quantile}"), &trip::quantiles(rounds, hundredth));
    }
}

/// A plugin that may publish and read one topic beside its own.
fn admitted(observatory: &Observatory, operator: &Entrance) -> Outcome<Entrance> {
    let manifest = json!({ "plugin_id": PLUGIN, "publishes": [TOPIC], "reads": [TOPIC] });
    let (answer, _) = Asker::connect(operator)?.ask("security/plugin/admit", 1, manifest)?;
    let field = |name: &str| answer[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {answer}"));
    let plugin = Entrance { account: field("account")?, password: Some(field("password")?), ..operator.clone() };
    observatory.admits(&plugin, || Client::connect(&plugin, "plugin")?.subscribe(TOPIC, Qos::AtLeastOnce))?;
    Ok(plugin)
}
