//! Listening to the bus until a person has heard enough.

use bus::{Connection, Delivery, Watch};
use catalog::{Qos, envelope};
use serde::de::DeserializeOwned;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use vocabulary::Fault;

use crate::terminal::{client::Client, output::remark};

/// What comes while one listens.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message.
    Message(Box<Delivery>),
    /// Ctrl-C.
    Interrupted,
}

/// Listens to some filters. A lost connection is remarked upon and made again.
#[derive(Debug)]
pub(crate) struct Listener {
    watch: Watch,
    connection: watch::Receiver<Connection>,
    interrupt: Signal,
    is_lost: bool,
}

impl Listener {
    /// Listens from now on; what is retained comes first.
    ///
    /// # Errors
    /// `unavailable` where it can't be subscribed to.
    pub(crate) async fn new(client: &Client, filters: Vec<String>) -> Result<Self, Fault> {
        let filters: Vec<(String, Qos)> = filters.into_iter().map(|filter| (filter, Qos::AtLeastOnce)).collect();
        let interrupt = signal(SignalKind::interrupt())
            .map_err(|e| Fault::unavailable(format!("interrupts can't be heard: {e}")))?;
        let watch = client.watch(&filters).await?;
        let mut connection = client.bus().connection();
        connection.mark_unchanged();
        Ok(Self { watch, connection, interrupt, is_lost: false })
    }

    /// What comes next.
    ///
    /// # Errors
    /// `unavailable` once the connection is given up.
    pub(crate) async fn next(&mut self) -> Result<Heard, Fault> {
        let closed = || Fault::unavailable("bus is closed");
        loop {
            tokio::select! {
                delivery = self.watch.next() => return delivery.map(|delivery| Heard::Message(Box::new(delivery))).ok_or_else(closed),
                _ = self.interrupt.recv() => return Ok(Heard::Interrupted),
                changed = self.connection.changed() => {
                    changed.map_err(|_| closed())?;
                    self.remark_on_change();
                }
            }
        }
    }

    /// Says once that the connection is lost, however often making it again fails.
    fn remark_on_change(&mut self) {
        match &*self.connection.borrow_and_update() {
            Connection::Up(_) => remark("connected again"),
            Connection::Down(_) if self.is_lost => {}
            Connection::Down(why) => remark(&format!("connection lost: {why}; it is made again")),
        }
        self.is_lost = matches!(*self.connection.borrow(), Connection::Down(_));
    }
}

/// The payload of a message of the catalogue; nothing where it is something else, or a state that was taken away.
pub(crate) fn payload<T: DeserializeOwned>(delivery: &Delivery) -> Option<T> {
    if delivery.payload.is_empty() {
        return None;
    }
    let read = envelope::read(&delivery.payload, &std::collections::BTreeSet::new());
    read.payload.ok().and_then(|payload| serde_json::from_value(payload).ok())
}
