//! Who sits under which client id: claimed before a session is touched, so that nobody takes another account's.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;
use vocabulary::{Timestamp, ids::AccountName};

use crate::{admissions::Terms, connection::Traffic, gate::Transport};

/// A client, connected or awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub client_id: String,
    /// Whose it is.
    pub account: AccountName,
    /// What it has subscribed to, as it was asked for, sorted.
    pub filters: Vec<String>,
    /// Its connection; none where only its session is kept.
    pub link: Option<Link>,
}

/// A client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Where it comes from.
    pub peer: SocketAddr,
    /// What it came over.
    pub transport: Transport,
    /// What it speaks.
    pub protocol: Protocol,
    /// Since when.
    pub since: Timestamp,
}

/// The version of MQTT that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// MQTT 3.1.1.
    V311,
    /// MQTT 5.
    V5,
}

impl Protocol {
    /// The version as people write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V311 => "3.1.1",
            Self::V5 => "5",
        }
    }
}

/// One connection under a client id.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) connection: u64,
    pub(crate) account: AccountName,
    pub(crate) link: Link,
    /// How long the admission stands; nothing where it has no end.
    pub(crate) terms: Option<Arc<Terms>>,
    pub(crate) welcomed: bool,
    pub(crate) kick: CancellationToken,
    pub(crate) traffic: Arc<Traffic>,
}

/// Why a seat was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// Another account's client sits there.
    Foreign,
    /// As many clients as allowed are connected.
    Full,
}

/// All seats. For a moment two connections sit under one id: a client that comes back before its old connection is found dead.
#[derive(Debug, Default)]
pub(crate) struct Seats(Mutex<HashMap<String, Vec<Seat>>>);

impl Seats {
    /// Seats a connection under `client_id`.
    pub(crate) fn claim(&self, client_id: &str, seat: Seat, clients_max: usize) -> Result<(), NoSeat> {
        let mut seats = self.lock();
        let full = seats.len() >= clients_max;
        match seats.get_mut(client_id) {
            Some(taken) if taken.iter().any(|other| other.account != seat.account) => Err(NoSeat::Foreign),
            Some(taken) => {
                taken.push(seat);
                Ok(())
            }
            None if full => Err(NoSeat::Full),
            None => {
                seats.insert(client_id.to_owned(), vec![seat]);
                Ok(())
            }
        }
    }

    /// Marks a connection as welcomed.
    pub(crate) fn welcome(&self, client_id: &str, connection: u64) {
        for seat in self.lock().get_mut(client_id).into_iter().flatten() {
            seat.welcomed |= seat.connection == connection;
        }
    }

    /// Frees a connection's seat and gives it back.
    pub(crate) fn free(&self, client_id: &str, connection: u64) -> Option<Seat> {
        let mut seats = self.lock();
        let taken = seats.get_mut(client_id)?;
        let place = taken.iter().position(|seat| seat.connection == connection)?;
        let seat = taken.swap_remove(place);
        if taken.is_empty() {
            seats.remove(client_id);
        }
        Some(seat)
    }

    /// The newest welcomed connection of every client.
    pub(crate) fn all(&self) -> Vec<(String, Seat)> {
        let newest =
            |taken: &Vec<Seat>| taken.iter().filter(|seat| seat.welcomed).max_by_key(|s| s.connection).cloned();
        self.lock().iter().filter_map(|(id, taken)| Some((id.clone(), newest(taken)?))).collect()
    }

    /// All connections whose admission may end, of clients that are not welcomed yet too.
    pub(crate) fn with_terms(&self) -> Vec<(String, Seat)> {
        let seats = self.lock();
        let all = seats.iter().flat_map(|(id, taken)| taken.iter().map(move |seat| (id, seat)));
        all.filter(|(_, seat)| seat.terms.is_some()).map(|(id, seat)| (id.clone(), seat.clone())).collect()
    }

    /// Ends the connections that `chosen` picks and says how many they were.
    pub(crate) fn kick(&self, chosen: impl Fn(&str, &Seat) -> bool) -> usize {
        let seats = self.lock();
        let hit = seats.iter().flat_map(|(id, taken)| taken.iter().filter(|seat| chosen(id, seat)));
        hit.inspect(|seat| seat.kick.cancel()).count()
    }

    /// The bytes of all connections that have a seat.
    pub(crate) fn traffic(&self) -> Traffic {
        let sum = Traffic::default();
        self.lock().values().flatten().for_each(|seat| sum.add(&seat.traffic));
        sum
    }

    /// How many clients there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Seat>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
