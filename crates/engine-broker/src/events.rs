//! Who comes and goes, for observers; bounded, so that a slow observer misses events and never holds the broker up.

use std::sync::Arc;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use vocabulary::ids::AccountName;

use crate::gate::Transport;

/// One thing that an observer may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A client was welcomed.
    Connected {
        /// Its id.
        client_id: Arc<str>,
        /// Whose it is.
        account: AccountName,
        /// What it came over.
        transport: Transport,
    },
    /// A client that had been welcomed is gone; its will has been published.
    Disconnected {
        /// Its id.
        client_id: Arc<str>,
        /// Whose it was.
        account: AccountName,
    },
    /// The observer was too slow and missed some.
    Missed {
        /// How many.
        events: u64,
    },
}

/// The events since it was asked for.
#[derive(Debug)]
pub struct Events(pub(crate) Receiver<Event>);

impl Events {
    /// The next event, or nothing once the broker is gone.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(events)) => Some(Event::Missed { events }),
            Err(RecvError::Closed) => None,
        }
    }
}
