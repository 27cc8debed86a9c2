//! The second connection, over which everything on the bus is heard: apart, so that a flood delays no command and no answer.

use std::time::Duration;

use bus::{Bus, BusOptions, Connection, Watch};
use catalog::{Qos, topic};
use engine::{Boxed, Engine};
use health::{Report, Status};
use vocabulary::{Clock, Fault};

/// Room for messages that were not looked at yet.
const ROOM: usize = 32_768;
/// How long the start waits for the connection.
const BEGIN_LIMIT: Duration = Duration::from_secs(5);

/// The connection that hears everything.
#[derive(Debug)]
pub(crate) struct Ear {
    bus: Bus,
    clock: Clock,
}

impl Ear {
    /// Opens a connection beside `bus`, with the same login.
    pub(crate) fn open(bus: &Bus, clock: Clock) -> Self {
        let options = bus.options();
        let client_id = format!("{}-watch", options.client_id);
        Self { bus: Bus::open(BusOptions { client_id, last_will: None, ..options.clone() }), clock }
    }

    /// Waits for the connection, for a while.
    pub(crate) async fn begin(&self) {
        if let Err(fault) = self.bus.ready(BEGIN_LIMIT).await {
            tracing::warn!(%fault, "connection that hears everything does not stand yet");
        }
    }

    /// Everything from now on; what does not fit is dropped and counted.
    pub(crate) async fn listen(&self) -> Result<Watch, Fault> {
        self.bus.watch(&[(topic::EVERYTHING.to_owned(), Qos::AtMostOnce)], ROOM).await
    }
}

impl Engine for Ear {
    fn name(&self) -> &'static str {
        "watch"
    }

    fn health(&self) -> Report {
        let (status, message) = match &*self.bus.connection().borrow() {
            Connection::Up(_) => (Status::Healthy, "everything is heard".to_owned()),
            Connection::Down(why) => (Status::Degraded, format!("connection that hears everything is down: {why}")),
        };
        Report::new(self.name(), status, message, self.clock.now()).detail("dropped_deliveries", self.bus.dropped())
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(self.bus.close())
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // A life that failed before its end must not leave a client behind that the next one has to fight for its id.
        self.bus.abandon();
    }
}
