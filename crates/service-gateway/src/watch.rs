//! Listens to the health of coordinators on the bus, and asks those whose health is in doubt.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::{Bus, Connection, Delivery, Watch};
use catalog::{
    Owner, Qos, State, envelope,
    frame::{GetHealth, HealthNow},
    message::SystemHealthNow,
    topic,
};
use health::Report;
use serde::de::DeserializeOwned;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use vocabulary::Fault;

use crate::heard::{Heard, Source, owner_of};

/// Room for reports that were not looked at yet.
const REPORTS: usize = 1024;
/// How often doubts are looked for, how long an answer may take, and how soon the same one is asked again.
const LOOK: Duration = Duration::from_millis(250);
const ANSWER: Duration = Duration::from_secs(3);
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// What was heard, shared with the pages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ear(Arc<Mutex<Heard>>);

impl Ear {
    /// What was heard so far.
    pub(crate) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins to listen.
pub(crate) async fn begin(bus: &Bus) -> Result<Watch, Fault> {
    let system = topic::state(SystemHealthNow::NAME, "+");
    bus.watch(&[(topic::EVERY_HEALTH.to_owned(), Qos::AtLeastOnce), (system, Qos::AtLeastOnce)], REPORTS).await
}

/// Listens until the bus is closed.
pub(crate) async fn listen(ear: Ear, bus: Bus, mut reports: Watch, expected: Vec<Owner>) {
    let mut connection = bus.connection();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked: HashMap<Owner, Instant> = HashMap::new();
    let mut asking = JoinSet::new();
    loop {
        let down = why_down(&connection.borrow_and_update());
        ear.heard().bus(down);
        tokio::select! {
            delivery = reports.next() => match delivery {
                Some(delivery) => hear(&mut ear.heard(), &delivery),
                None => break,
            },
            Some(answer) = asking.join_next() => if let Ok(Some(report)) = answer {
                ear.heard().report(report, Source::Component);
            },
            changed = connection.changed() => if changed.is_err() { break },
            _ = looks.tick() => {
                let is_due = |owner: &Owner| asked.get(owner).is_none_or(|at| at.elapsed() >= ASK_AGAIN);
                let due: BTreeSet<Owner> = ear.heard().doubtful(&expected).into_iter().filter(is_due).collect();
                for owner in due {
                    asked.insert(owner, Instant::now());
                    asking.spawn(ask(bus.clone(), owner));
                }
            }
        }
    }
    ear.heard().bus(Some("closed".to_owned()));
}

fn why_down(connection: &Connection) -> Option<String> {
    match connection {
        Connection::Up(_) => None,
        Connection::Down(why) => Some(format!("broker can't be reached: {why}")),
    }
}

/// Asks a coordinator for its health; nothing if it does not say.
async fn ask(bus: Bus, owner: Owner) -> Option<Report> {
    let question = GetHealth::default();
    let HealthNow { component, status, message, details, observed_at } =
        timeout(ANSWER, bus.ask_of(owner, &question)).await.ok()?.ok()?;
    Some(Report { component, status, message, details, observed_at })
}

/// Notes a report or the aggregate. What can't be read is left: it was published by none of ours.
fn hear(heard: &mut Heard, delivery: &Delivery) {
    let name = delivery.topic.rsplit('/').next().unwrap_or_default();
    let is_gone = delivery.payload.is_empty();
    if !topic::matches(topic::EVERY_HEALTH, &delivery.topic) {
        heard.system((!is_gone).then(|| read(delivery)).flatten());
    } else if is_gone {
        heard.forget(name);
    } else if let Some(report) = read::<Report>(delivery).filter(|report| report.component == name) {
        let source = if delivery.retained { Source::Broker } else { Source::Component };
        // Who is no coordinator can't be asked; what the broker kept of it must do.
        heard.report(report, if owner_of(name).is_some() { source } else { Source::Component });
    }
}

fn read<T: DeserializeOwned>(delivery: &Delivery) -> Option<T> {
    let payload = envelope::read(&delivery.payload, &BTreeSet::new()).payload.ok()?;
    serde_json::from_value(payload).ok()
}
