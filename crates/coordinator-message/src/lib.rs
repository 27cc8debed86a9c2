//! The bus itself: broker status, system-wide health, message flow, dead letters. It observes and never stands between sender and owner.

mod broker;
mod ear;
mod flow;
mod letters;
mod message_settings;
mod pulses;
mod system;
mod traffic;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bus::{BrokerKind, Bus};
use catalog::Owner;
use coordinator::{Coordinator, Routes, Start};
use engine::Engine;
use engine_broker::Broker;
use health::Report;
use store::Store;
use tokio::sync::watch;
use vocabulary::{Clock, Fault};

pub use message_settings::MessageSettings;

use crate::{
    broker::{Line, Probe},
    ear::Ear,
    flow::FlowMeter,
    letters::Letters,
    pulses::Pulses,
};

/// What the composition root hands in.
#[derive(Debug, Clone)]
pub struct Given {
    /// Our own broker where it runs in this process, for its figures. It is observed and never stopped.
    pub broker: Option<Broker>,
    /// Whose broker it is.
    pub kind: BrokerKind,
    /// Host and port of the broker, for people.
    pub address: String,
}

/// The message coordinator.
#[derive(Debug)]
pub struct Message {
    settings: watch::Sender<MessageSettings>,
    bus: Bus,
    store: Store,
    clock: Clock,
    given: Given,
    ear: Arc<Ear>,
    flow: FlowMeter,
    letters: Letters,
    line: Line,
    /// Handed over from the start to the work.
    probe: Mutex<Option<Probe>>,
    pulses: Pulses,
}

impl Coordinator for Message {
    const OWNER: Owner = Owner::Message;
    type Settings = MessageSettings;
    type Given = Given;

    async fn start(start: Start<Self>) -> Result<Self, Fault> {
        let Start { settings, bus, store, clock, given } = start;
        let mut probe = Probe::open(&bus).await?;
        let mut message = Self {
            settings: watch::Sender::new(settings),
            ear: Arc::new(Ear::open(&bus, clock.clone())),
            flow: FlowMeter::new(tokio::time::Instant::now()),
            letters: Letters::default(),
            line: Line::new(&given, clock.clone()),
            probe: Mutex::default(),
            pulses: Pulses::default(),
            bus,
            store,
            clock,
            given,
        };
        // The first report shall not tell of troubles that are only those of a beginning.
        tokio::join!(message.ear.begin(), broker::probe_once(&message, &mut probe));
        message.probe = Mutex::new(Some(probe));
        Ok(message)
    }

    fn routes() -> Routes<Self> {
        Routes::default()
            .on(broker::status)
            .on(system::health)
            .on(system::history)
            .on(flow::get)
            .on(letters::list)
            .on(letters::clear)
    }

    fn engines(&self) -> Vec<Arc<dyn Engine>> {
        vec![Arc::clone(&self.ear) as Arc<dyn Engine>]
    }

    async fn apply(&self, settings: &MessageSettings) -> Result<(), Fault> {
        self.settings.send_replace(settings.clone());
        Ok(())
    }

    async fn work(self: Arc<Self>) -> Result<(), Fault> {
        tokio::try_join!(
            system::follow(&self),
            system::record(&self),
            traffic::follow(&self),
            letters::write(&self),
            letters::sweep(&self),
            broker::keep_probing(&self),
        )
        .map(|_| ())
    }

    fn health(&self) -> Vec<Report> {
        vec![self.line.health(self.interval(), self.clock.now()), self.letters.health(self.clock.now())]
    }
}

impl Message {
    /// The settings that hold now.
    fn settings(&self) -> MessageSettings {
        self.settings.borrow().clone()
    }

    /// How often the system is looked at.
    fn interval(&self) -> Duration {
        Duration::from_secs(self.settings.borrow().monitor_interval.into())
    }
}

/// Why background work can't go on.
fn closed() -> Fault {
    Fault::unavailable("bus is closed")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use catalog::message::MESSAGES;

    use super::*;

    #[test]
    fn every_message_has_a_handler() {
        let inbound = MESSAGES.iter().filter(|entry| entry.kind.is_inbound());
        let declared: BTreeSet<String> = inbound.map(|entry| entry.name.to_string()).collect();
        assert_eq!(Message::routes().names(), declared);
    }
}
