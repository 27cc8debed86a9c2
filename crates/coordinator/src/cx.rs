//! What a handler works with: its coordinator, who asks, until when, and the transaction that remembers the answer with the effect.

use std::{
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bus::Bus;
use catalog::{Kind, envelope::Header};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{
    Store, Tx,
    audit::{self, Entry},
};
use tokio_util::sync::CancellationToken;
use vocabulary::{Clock, Fault, Timestamp};

use crate::{Caller, Coordinator, memory::Remembered, routes::Route, shift::Shared, trail::deed};

/// Where the object of a message stands among its notes.
pub(crate) const OBJECT: &str = "object!";

/// What a handler noted for the audit trail.
#[derive(Debug, Clone)]
pub(crate) struct Notes(Arc<Mutex<Map<String, Value>>>);

impl Notes {
    /// Notes of what is about this one thing.
    pub(crate) fn about(scope: Option<&str>) -> Self {
        let object = scope.map(|scope| (OBJECT.to_owned(), Value::String(scope.to_owned())));
        Self(Arc::new(Mutex::new(object.into_iter().collect())))
    }

    /// The entry with what was noted.
    pub(crate) fn added_to(&self, mut entry: Entry) -> Entry {
        let mut notes = self.lock().clone();
        if let Some(Value::String(object)) = notes.remove(OBJECT) {
            entry.object = object;
        }
        entry.details.extend(notes);
        entry
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The context of one message.
pub struct Cx<C: Coordinator> {
    pub(crate) shared: Arc<Shared<C>>,
    pub(crate) caller: Caller,
    pub(crate) header: Header,
    pub(crate) route: Arc<Route<C>>,
    pub(crate) deadline: Timestamp,
    pub(crate) remembered: Option<Remembered>,
    /// Whether the answer was already recorded, with the effect.
    pub(crate) recorded: Arc<AtomicBool>,
    pub(crate) overtaken: CancellationToken,
    pub(crate) notes: Notes,
}

impl<C: Coordinator> Deref for Cx<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.shared.coordinator
    }
}

impl<C: Coordinator> Cx<C> {
    /// The coordinator, to be kept beyond the handler.
    pub fn coordinator(&self) -> Arc<C> {
        Arc::clone(&self.shared.coordinator)
    }

    /// Who asks.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Until when the answer is of use; the frame ends the handler then.
    pub const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The bus.
    pub fn bus(&self) -> &Bus {
        &self.shared.bus
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Whether safety (abort, park) came for the same thing since this was received: what it has begun to move must be stopped again.
    pub fn is_overtaken(&self) -> bool {
        self.overtaken.is_cancelled()
    }

    /// What the audit trail keeps of this message besides who, what, when and how it ended. Never a secret.
    pub fn note(&self, what: &str, value: impl Into<Value>) {
        self.notes.lock().insert(what.to_owned(), value.into());
    }

    /// What the message is about, as the audit trail names it, where its scope does not say it.
    pub fn is_about(&self, object: impl Into<String>) {
        self.notes.lock().insert(OBJECT.to_owned(), Value::String(object.into()));
    }

    /// Begins the transaction of an effect.
    ///
    /// # Errors
    /// The database does not answer within its bounds.
    pub async fn begin(&self) -> Result<Tx, Fault> {
        Ok(self.shared.store.begin().await?)
    }

    /// Commits an effect together with the answer that a repeat of the message gets, and with its entry in the audit trail.
    ///
    /// # Errors
    /// The database does not answer within its bounds; then neither lasts, or it is unknown and the message says so.
    pub async fn commit<R: Serialize>(&self, mut tx: Tx, reply: R) -> Result<R, Fault> {
        if let Some(remembered) = &self.remembered {
            let answer = serde_json::to_value(&reply).map_err(|e| Fault::internal(e.to_string()))?;
            remembered.finish_in(&mut tx, &answer, self.now()).await?;
        }
        // What others tell us again and again, such as heartbeats, is no deed.
        if self.route.entry.kind == Kind::Command {
            let entry = deed(&self.route.entry, &self.caller, &self.header, Ok(()), self.now());
            audit::append_in(&mut tx, &[self.notes.added_to(entry)]).await?;
        }
        tx.commit().await?;
        self.recorded.store(true, Ordering::Release);
        Ok(reply)
    }
}
