//! How the broker is: the way of a message of our own through it, and the figures of our own one.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::{Bus, Connection, Outgoing, Watch};
use catalog::{
    Qos,
    message::{BrokerNow, BrokerStatus},
    topic,
};
use coordinator::Cx;
use engine::Engine as _;
use health::{Report, Status};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use vocabulary::{
    Clock, Fault, Timestamp,
    ids::{ClientName, fresh_uuid},
};

use crate::{Given, Message, MessageSettings, closed};

/// How long a message of our own may take to come back before the probe has failed.
const ECHO_LIMIT: Duration = Duration::from_secs(5);
/// How soon is probed again while the broker is not well.
const AGAIN: Duration = Duration::from_secs(1);
/// Room for messages of our own that come back late.
const ROOM: usize = 16;
/// After how many intervals without a probe the last one says nothing any longer.
const SILENT_INTERVALS: u32 = 3;
/// The key of the one state.
const KEY: &str = "bus";

/// Answers with what the last probe found.
pub(crate) async fn status(cx: Cx<Message>, _: BrokerStatus) -> Result<BrokerNow, Fault> {
    let messages_per_second = cx.flow.messages_per_second(Instant::now());
    Ok(BrokerNow { messages_per_second, ..cx.line.now() })
}

/// What the last probe found.
#[derive(Debug)]
pub(crate) struct Line {
    now: Mutex<BrokerNow>,
    cell: health::Cell,
}

impl Line {
    pub(crate) fn new(given: &Given, clock: Clock) -> Self {
        let broker = given.kind.as_str().to_owned();
        let now = BrokerNow { broker, address: given.address.clone(), ..BrokerNow::default() };
        Self { now: Mutex::new(now), cell: health::Cell::new("broker", clock) }
    }

    pub(crate) fn now(&self) -> BrokerNow {
        self.lock().clone()
    }

    pub(crate) fn health(&self, interval: Duration, now: Timestamp) -> Report {
        self.cell.get().at_age(now, interval * SILENT_INTERVALS + 2 * ECHO_LIMIT)
    }

    fn lock(&self) -> MutexGuard<'_, BrokerNow> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a probe found.
struct Found {
    connection: Connection,
    echo: Result<Duration, String>,
    /// Probes that failed one after the other, this one included.
    failures: u32,
}

/// Sends messages to ourselves over the bus.
#[derive(Debug)]
pub(crate) struct Probe {
    place: String,
    echoes: Watch,
    failures: u32,
}

impl Probe {
    /// Begins to listen for messages of our own.
    pub(crate) async fn open(bus: &Bus) -> Result<Self, Fault> {
        let place = topic::reply(&bus.options().account, &ClientName::fresh(), "probe");
        let echoes = bus.watch(&[(place.clone(), Qos::AtLeastOnce)], ROOM).await?;
        Ok(Self { place, echoes, failures: 0 })
    }

    async fn find(&mut self, bus: &Bus, connection: Connection) -> Found {
        let echo = match &connection {
            Connection::Up(_) => self.echo(bus).await,
            Connection::Down(why) => Err(why.clone()),
        };
        self.failures = if echo.is_ok() { 0 } else { self.failures + 1 };
        Found { connection, echo, failures: self.failures }
    }

    /// Sends a message and waits for it.
    async fn echo(&mut self, bus: &Bus) -> Result<Duration, String> {
        let id = fresh_uuid().to_string();
        let sent = Instant::now();
        let outgoing = Outgoing { topic: self.place.clone(), payload: id.clone().into(), ..Outgoing::default() };
        bus.publish(outgoing).await.map_err(|fault| fault.to_string())?;
        let came_back = async {
            while let Some(delivery) = self.echoes.next().await {
                if delivery.payload == id.as_bytes() {
                    return Ok(delivery.received.duration_since(sent));
                }
            }
            Err("bus is closed".to_owned())
        };
        let late = |_| Err(format!("own message did not come back within {} s", ECHO_LIMIT.as_secs()));
        tokio::time::timeout_at(sent + ECHO_LIMIT, came_back).await.unwrap_or_else(late)
    }
}

/// Probes the broker once, before anybody asks.
pub(crate) async fn probe_once(message: &Message, probe: &mut Probe) {
    let standing = message.bus.connection().borrow().clone();
    let found = probe.find(&message.bus, standing).await;
    note(message, &found).await;
}

/// Probes the broker until the bus is closed: at intervals, sooner while it is not well, and when the connection changes.
pub(crate) async fn keep_probing(message: &Message) -> Result<(), Fault> {
    let first = message.probe.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut probe = match first {
        Some(probe) => probe,
        None => Probe::open(&message.bus).await?,
    };
    let mut connection = message.bus.connection();
    let mut settings = message.settings.subscribe();
    loop {
        let standing = connection.borrow_and_update().clone();
        let found = probe.find(&message.bus, standing).await;
        let is_well = note(message, &found).await;
        tokio::select! {
            () = tokio::time::sleep(if is_well { message.interval() } else { AGAIN }) => {}
            changed = connection.changed() => changed.map_err(|_| closed())?,
            changed = settings.changed() => changed.map_err(|_| closed())?,
        }
    }
}

/// Keeps and publishes what was found. Says whether all is well.
async fn note(message: &Message, found: &Found) -> bool {
    let figures = match &message.given.broker {
        Some(broker) => Some((broker.statistics().await, broker.health())),
        None => None,
    };
    let (status, text) = judge(found, &message.settings(), figures.as_ref().map(|(_, report)| report));
    let statistics = figures.map(|(statistics, _)| statistics);
    let milliseconds = found.echo.as_ref().ok().map(|took| took.as_secs_f64() * 1e3);
    let now = {
        let mut now = message.line.lock();
        if let Connection::Up(times) = found.connection {
            now.reconnects = times.saturating_sub(1);
        }
        now.connected = matches!(found.connection, Connection::Up(_));
        now.round_trip_milliseconds = milliseconds;
        now.clients = statistics.map(|figures| figures.clients as u64);
        now.subscriptions = statistics.map(|figures| figures.filters as u64);
        now.retained = statistics.map(|figures| figures.retained as u64);
        now.messages_per_second = message.flow.messages_per_second(Instant::now());
        now.clone()
    };
    message.line.cell.set(status, text, details(&now));
    // While the connection is down the state is kept and published with the next one.
    if let Err(fault) = message.bus.retain(KEY, &now).await {
        tracing::warn!(%fault, "state of the broker was not published");
    }
    status == Status::Healthy
}

fn details(now: &BrokerNow) -> Map<String, Value> {
    match json!(now) {
        Value::Object(details) => details,
        _ => Map::new(),
    }
}

/// How well the broker is: as ill as our own finding, or as what our own broker says of itself.
fn judge(found: &Found, settings: &MessageSettings, own: Option<&Report>) -> (Status, String) {
    let limit = settings.round_trip_milliseconds_max;
    let finding = match (&found.connection, &found.echo) {
        (Connection::Down(why), _) => (Status::Unhealthy, format!("connection is down: {why}")),
        (Connection::Up(_), Err(why)) if found.failures >= settings.max_reconnect_attempts => {
            (Status::Unhealthy, format!("{} probes failed one after the other: {why}", settings.max_reconnect_attempts))
        }
        (Connection::Up(_), Err(why)) => (Status::Degraded, why.clone()),
        (Connection::Up(_), Ok(took)) if *took > Duration::from_millis(limit.into()) => {
            (Status::Degraded, format!("round trip takes more than {limit} ms"))
        }
        (Connection::Up(_), Ok(_)) => (Status::Healthy, "messages come back".to_owned()),
    };
    match own {
        Some(report) if report.status > finding.0 => (report.status, report.message.clone()),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_well_the_broker_is() {
        use Status::{Degraded, Healthy, Unhealthy};
        let up = || Connection::Up(1);
        let took = |milliseconds| Ok(Duration::from_millis(milliseconds));
        let late = || Err("late".to_owned());
        let own = |status| Report::new("broker", status, "own", "2026-11-21T20:00:00Z".parse().unwrap());
        for (connection, echo, failures, own, expected) in [
            (up(), took(1), 0, None, (Healthy, "messages come back")),
            (up(), took(250), 0, None, (Healthy, "messages come back")),
            (up(), took(251), 0, None, (Degraded, "round trip takes more than 250 ms")),
            (up(), late(), 4, None, (Degraded, "late")),
            (up(), late(), 5, None, (Unhealthy, "5 probes failed one after the other: late")),
            (Connection::Down("refused".to_owned()), late(), 1, None, (Unhealthy, "connection is down: refused")),
            (up(), took(1), 0, Some(own(Healthy)), (Healthy, "messages come back")),
            (up(), took(1), 0, Some(own(Degraded)), (Degraded, "own")),
            (up(), late(), 9, Some(own(Degraded)), (Unhealthy, "5 probes failed one after the other: late")),
        ] {
            let found = Found { connection, echo, failures };
            let (status, text) = judge(&found, &MessageSettings::default(), own.as_ref());
            assert_eq!((status, text.as_str()), expected);
        }
    }
}
