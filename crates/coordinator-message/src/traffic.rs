//! What flows over the bus: everything is counted, and what nobody owns becomes a dead letter.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use bus::Delivery;
use catalog::{Directory, topic};
use tokio::time::Instant;
use vocabulary::Fault;

use crate::{Message, closed, letters};

/// How many topics of health are told apart when what is delivered twice is left out.
const HEALTH_TOPICS_MAX: usize = 64;

/// Listens until the bus is closed.
pub(crate) async fn follow(message: &Message) -> Result<(), Fault> {
    let (directory, mut doubles) = (Directory::default(), Doubles::default());
    let mut everything = message.ear.listen().await?;
    let mut settings = message.settings.subscribe();
    loop {
        let next = message.flow.rolled_at() + message.interval();
        tokio::select! {
            delivery = everything.next() => {
                let delivery = delivery.ok_or_else(closed)?;
                // What is retained was heard when it was published.
                if !delivery.retained && !doubles.is_one(&delivery) {
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

/// Knows what is delivered twice: every connection of the bus subscribes to health by itself, and a broker may deliver a message once for each
/// subscription that it matches.
#[derive(Debug, Default)]
struct Doubles {
    last: HashMap<String, u64>,
}

impl Doubles {
    /// Whether the same was the last on its topic of health. Two reports differ at least in their id.
    fn is_one(&mut self, delivery: &Delivery) -> bool {
        if !topic::matches(topic::EVERY_HEALTH, &delivery.topic) {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        delivery.payload.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(last) = self.last.get_mut(&delivery.topic) {
            return std::mem::replace(last, hash) == hash;
        }
        if self.last.len() < HEALTH_TOPICS_MAX {
            self.last.insert(delivery.topic.clone(), hash);
        }
        false
    }
}
