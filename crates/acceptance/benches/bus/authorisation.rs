//! What it adds to a message that everybody's rights are looked at: an observatory as it is, beside one that lets everybody do everything.

use serde_json::json;

use crate::{
    Outcome,
    client::{Client, Entrance, Qos},
    command::{self, Asker},
    observatory::{Observatory, On},
    server::{Both, Places},
    table::Table,
    trip,
};

/// A plugin, and the topic that its manifest names.
const PLUGIN: &str = "bench";
const TOPIC: &str = "bench/trip";
/// What is asked by API key.
const COMMAND: &str = "telescope/health/get";

/// From one client of the broker to another, and to a coordinator and back.
pub(crate) fn measure(places: &Places, rounds: usize, table: &mut Table) -> Outcome<()> {
    let secured = places.up(&places.fresh("authorisation-secured")?, On::Own)?;
    let open = places.up(&places.fresh("authorisation-open")?, On::OwnOpen)?;
    let operators = Both { own: places.operator(&secured)?, other: places.operator(&open)? };
    let clients = Both { own: admitted(&secured, &operators.own)?, other: operators.other.clone() };
    for (name, qos) in trip::QUALITIES {
        let mut seen = Vec::new();
        for round in 0..rounds {
            seen.push(clients.in_turn(round, |client| trip::trips(client, TOPIC, qos))?);
        }
        for (quantile, hundredth) in trip::QUANTILES {
            table.beside_open(&format!("round trip, QoS {name}, {quantile}"), &trip::quantiles(&seen, hundredth));
        }
    }
    let mut seen = Vec::new();
    for round in 0..rounds {
        seen.push(operators.in_turn(round, |operator| command::answers(operator, COMMAND))?);
    }
    for (quantile, hundredth) in trip::QUANTILES {
        table.beside_open(&format!("{COMMAND}, {quantile}"), &trip::quantiles(&seen, hundredth));
    }
    secured.process.stop()?;
    open.process.stop()
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
