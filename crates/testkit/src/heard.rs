//! What was heard on the bus: every message since one began to listen, to be searched and waited for.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bus::{Bus, Delivery};
use catalog::Qos;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::wait::until_some;

/// How many messages may wait to be noted.
const CAPACITY: usize = 100_000;

/// A message as it was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Where.
    pub topic: String,
    /// What: JSON, text where it is none, null where there is nothing.
    pub payload: Value,
    /// Whether it stood before one listened.
    pub retained: bool,
}

impl Message {
    pub(crate) fn new(topic: &str, payload: &str, retained: bool) -> Self {
        let payload = match payload {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        Self { topic: topic.to_owned(), payload, retained }
    }

    /// The payload of the envelope, or the whole where there is none.
    pub fn inner(&self) -> &Value {
        self.payload.get("payload").unwrap_or(&self.payload)
    }

    /// A field of the payload of the envelope; null where there is none.
    pub fn field(&self, name: &str) -> &Value {
        self.inner().get(name).unwrap_or(&Value::Null)
    }
}

impl From<Delivery> for Message {
    fn from(delivery: Delivery) -> Self {
        Self::new(&delivery.topic, &String::from_utf8_lossy(&delivery.payload), delivery.retained)
    }
}

/// Messages that are noted as they come, until this is dropped.
#[derive(Debug)]
pub struct Heard {
    notes: Notes,
    listening: JoinHandle<()>,
}

/// Where messages are noted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<Message>>>);

impl Notes {
    pub(crate) fn add(&self, message: Message) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }

    /// Notes a line of `bigskies watch --json`.
    pub(crate) fn add_line(&self, line: &str) {
        let Ok(Value::Object(mut seen)) = serde_json::from_str(line) else { return };
        let retained = seen.get("retained").and_then(Value::as_bool).unwrap_or_default();
        let payload = seen.remove("payload").unwrap_or_default();
        if let Some(Value::String(topic)) = seen.remove("topic") {
            self.add(Message { topic, payload, retained });
        }
    }
}

impl Heard {
    /// Listens to filters over a bus.
    ///
    /// # Panics
    /// Where the bus can't be watched.
    pub async fn over(bus: &Bus, filters: &[&str]) -> Self {
        let filters: Vec<_> = filters.iter().map(|filter| ((*filter).to_owned(), Qos::AtLeastOnce)).collect();
        let mut watch = bus.watch(&filters, CAPACITY).await.unwrap_or_else(|e| panic!("{filters:?}: {e:?}"));
        Self::noting(async move |notes| {
            while let Some(delivery) = watch.next().await {
                notes.add(delivery.into());
            }
        })
    }

    pub(crate) fn noting<F, Fut>(listen: F) -> Self
    where
        F: FnOnce(Notes) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let notes = Notes::default();
        let listening = tokio::spawn(listen(notes.clone()));
        Self { notes, listening }
    }

    /// Everything so far.
    pub fn messages(&self) -> Vec<Message> {
        self.notes.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first message so far that fits.
    pub fn find(&self, fits: impl Fn(&Message) -> bool) -> Option<Message> {
        self.notes.0.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|message| fits(message)).cloned()
    }

    /// Waits for a message that fits; one that came before counts.
    ///
    /// # Panics
    /// Where none comes within `limit`; the last messages are shown.
    pub async fn wait_for(&self, what: &str, limit: Duration, fits: impl Fn(&Message) -> bool) -> Message {
        let come = until_some(what, limit * 2, async || self.find(&fits));
        match tokio::time::timeout(limit, come).await {
            Ok(message) => message,
            Err(_) => {
                let all = self.messages();
                let last = all.get(all.len().saturating_sub(12)..).unwrap_or_default();
                let last: Vec<String> = last.iter().map(|m| format!("  {} {}", m.topic, m.payload)).collect();
                panic!("{what}: not heard within {limit:?}; of {} messages the last:\n{}", all.len(), last.join("\n"))
            }
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
