//! What flows over the bus: everything is counted, and what nobody owns becomes a dead letter.

use bus::Delivery;
use catalog::Directory;
use tokio::time::Instant;
use vocabulary::Fault;

use crate::{Message, closed, letters};

/// Listens until the bus is closed.
pub(crate) async fn follow(message: &Message) -> Result<(), Fault> {
    let directory = Directory::default();
    let mut everything = message.ear.listen().await?;
    let mut settings = message.settings.subscribe();
    loop {
        let next = message.flow.rolled_at() + message.interval();
        tokio::select! {
            delivery = everything.next() => {
                let delivery = delivery.ok_or_else(closed)?;
                // What is retained was heard when it was published.
                if !delivery.retained {
                    hear(message, &directory, &delivery);
                }
            }
            () = tokio::time::sleep_until(next) => message.flow.roll(Instant::now()),
            changed = settings.changed() => changed.map_err(|_| closed())?,
        }
    }
}

fn hear(message: &Message, directory: &Directory, delivery: &Delivery) {
    message.flow.count(&delivery.topic, delivery.size_bytes);
    if !directory.owns(&delivery.topic) {
        letters::post(message, delivery, letters::UNOWNED);
    }
}
