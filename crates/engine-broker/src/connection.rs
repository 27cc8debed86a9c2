//! One connection: whether its client is admitted, and as whom; what it may publish and subscribe to.

use std::{
    collections::VecDeque,
    future::{Future, ready},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use mqtt5::{
    broker::{AuthProvider, AuthResult, storage::StorageBackend},
    packet::connect::ConnectPacket,
    protocol::v5::reason_codes::ReasonCode,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use vocabulary::ids::AccountName;

use crate::{
    events::Event,
    gate::{Credentials, Refused, Transport},
    rules,
    seats::{Link, NoSeat, Protocol, Seat},
    shared::Shared,
};

/// Ids that the protocol crate gives a meaning of its own (an account by certificate); nobody may choose one.
const RESERVED_ID_PREFIX: &str = "cert:";

/// A connection as the protocol crate's questions and the wire see it.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: SocketAddr,
    transport: Transport,
    number: u64,
    identity: OnceLock<Identity>,
    v311: AtomicBool,
    pub(crate) traffic: Arc<Traffic>,
    marks: Marks,
    /// Rings when the client is admitted.
    pub(crate) admitted: Notify,
    /// Ends the connection in an orderly way.
    pub(crate) kick: CancellationToken,
}

/// Who is at the other end.
#[derive(Debug)]
struct Identity {
    client_id: Arc<str>,
    account: AccountName,
    /// Its will was checked with this mark; it is asked about again when it is published.
    will_retained: bool,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, peer: SocketAddr, transport: Transport) -> Self {
        Self {
            number: shared.counters.connections.fetch_add(1, Ordering::Relaxed),
            kick: shared.stopping.child_token(),
            shared,
            peer,
            transport,
            identity: OnceLock::new(),
            v311: AtomicBool::new(false),
            traffic: Arc::default(),
            marks: Marks::default(),
            admitted: Notify::new(),
        }
    }

    /// Whether the client speaks MQTT 3.1.1.
    pub(crate) fn is_v311(&self) -> bool {
        self.v311.load(Ordering::Relaxed)
    }

    /// A message has arrived.
    pub(crate) fn note_arrival(&self, retain: bool) {
        self.marks.arrived(retain);
    }

    /// The client has been told that it is welcome.
    pub(crate) fn welcome(&self) {
        let Some(Identity { client_id, account, .. }) = self.identity.get() else { return };
        self.shared.seats.welcome(client_id, self.number);
        self.shared.tell(Event::Connected {
            client_id: Arc::clone(client_id),
            account: account.clone(),
            transport: self.transport,
        });
    }

    /// The connection is over.
    pub(crate) fn leave(&self) {
        let identity = self.identity.get();
        let seat = identity.and_then(|identity| self.shared.seats.free(&identity.client_id, self.number));
        self.shared.counters.departed.add(&self.traffic);
        let Some(Identity { client_id, account, .. }) = identity else { return };
        if seat.is_some_and(|seat| seat.welcomed) {
            self.shared.tell(Event::Disconnected { client_id: Arc::clone(client_id), account: account.clone() });
        }
    }

    async fn admit(&self, connect: &ConnectPacket) -> Result<String, ReasonCode> {
        if connect.client_id.starts_with(RESERVED_ID_PREFIX) {
            return Err(ReasonCode::ClientIdentifierNotValid);
        }
        let credentials = Credentials {
            client_id: connect.client_id.clone(),
            username: connect.username.clone(),
            password: connect.password.clone(),
            peer: self.peer,
            transport: self.transport,
        };
        let account = self.shared.gate.connect(&credentials).await.map_err(|refused| match refused {
            Refused::Credentials => ReasonCode::BadUsernameOrPassword,
            Refused::NotAllowed => ReasonCode::NotAuthorized,
            Refused::Busy => ReasonCode::ServerBusy,
        })?;
        self.check_will(&account, connect)?;
        self.v311.store(connect.protocol_version == 4, Ordering::Relaxed);
        self.take_seat(&account, connect).await?;
        Ok(account.into())
    }

    /// A will to a topic that may not be published to would be welcomed and then never be sent.
    fn check_will(&self, account: &AccountName, connect: &ConnectPacket) -> Result<(), ReasonCode> {
        let Some(will) = &connect.will else { return Ok(()) };
        if let Err(reason) = rules::check_topic(&will.topic) {
            tracing::debug!(client = connect.client_id, %account, %reason, "will has no good topic");
            return Err(ReasonCode::TopicNameInvalid);
        }
        if self.shared.gate.publish(account, &will.topic, will.retain) {
            Ok(())
        } else {
            Err(ReasonCode::NotAuthorized)
        }
    }

    /// Binds the client id to the account. Without this another account's clean start would throw the owner out and destroy its session.
    async fn take_seat(&self, account: &AccountName, connect: &ConnectPacket) -> Result<(), ReasonCode> {
        let protocol = if self.is_v311() { Protocol::V311 } else { Protocol::V5 };
        let link = Link { peer: self.peer, transport: self.transport, protocol, since: self.shared.clock.now() };
        let (connection, kick) = (self.number, self.kick.clone());
        let traffic = Arc::clone(&self.traffic);
        let seat = Seat { connection, account: account.clone(), link, welcomed: false, kick, traffic };
        let claimed = self.shared.seats.claim(&connect.client_id, seat, self.shared.limits.clients);
        claimed.map_err(|reason| match reason {
            NoSeat::Foreign => ReasonCode::ClientIdentifierNotValid,
            NoSeat::Full => ReasonCode::ServerBusy,
        })?;
        // From here on `leave` frees the seat.
        let will_retained = connect.will.as_ref().is_some_and(|will| will.retain);
        let client_id = Arc::from(connect.client_id.as_str());
        let _ = self.identity.set(Identity { client_id, account: account.clone(), will_retained });
        match self.shared.storage.get_session(&connect.client_id).await {
            Ok(None) => Ok(()),
            Ok(Some(session)) if session.user_id.as_deref() == Some(account.as_str()) => Ok(()),
            Ok(Some(_)) => Err(ReasonCode::ClientIdentifierNotValid),
            Err(error) => {
                tracing::error!(client = connect.client_id, %error, "session can't be read");
                Err(ReasonCode::ServerUnavailable)
            }
        }
    }

    fn may_publish(&self, topic: &str) -> bool {
        let Some(identity) = self.identity.get() else { return false };
        // Asked without an arrival only for the will.
        let retain = self.marks.asked().unwrap_or(identity.will_retained);
        let may = rules::check_topic(topic).is_ok() && self.shared.gate.publish(&identity.account, topic, retain);
        if !may {
            self.shared.counters.refused_publishes.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    fn may_subscribe(&self, subscription: &str) -> bool {
        let Some(identity) = self.identity.get() else { return false };
        let may = self.shared.may_subscribe(&identity.account, subscription);
        if !may {
            self.shared.counters.refused_subscribes.fetch_add(1, Ordering::Relaxed);
        }
        may
    }
}

/// Which of the messages that have arrived are to be retained. All calls come from the connection's own task, so that nothing here is
/// ever contended, and the lock is touched for retained messages only.
#[derive(Debug, Default)]
struct Marks {
    arrived: AtomicU64,
    asked: AtomicU64,
    any: AtomicBool,
    retained: Mutex<VecDeque<u64>>,
}

impl Marks {
    fn arrived(&self, retain: bool) {
        let number = self.arrived.load(Ordering::Relaxed);
        self.arrived.store(number + 1, Ordering::Relaxed);
        if retain {
            self.retained.lock().unwrap_or_else(PoisonError::into_inner).push_back(number);
            self.any.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the next message is to be retained; nothing where none has arrived.
    fn asked(&self) -> Option<bool> {
        let number = self.asked.load(Ordering::Relaxed);
        if number == self.arrived.load(Ordering::Relaxed) {
            return None;
        }
        self.asked.store(number + 1, Ordering::Relaxed);
        if !self.any.load(Ordering::Relaxed) {
            return Some(false);
        }
        let mut retained = self.retained.lock().unwrap_or_else(PoisonError::into_inner);
        let retain = retained.front() == Some(&number);
        if retain {
            retained.pop_front();
        }
        self.any.store(!retained.is_empty(), Ordering::Relaxed);
        Some(retain)
    }
}

/// Bytes of one connection. Each has its own, since one count for all would be fought over by all threads, message by message.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
}

impl Traffic {
    /// Counts bytes; only the connection's own task does.
    pub(crate) fn count(counter: &AtomicU64, bytes: usize) {
        counter.store(counter.load(Ordering::Relaxed) + bytes as u64, Ordering::Relaxed);
    }

    /// Adds another's, from any thread.
    pub(crate) fn add(&self, other: &Self) {
        self.bytes_in.fetch_add(other.bytes_in.load(Ordering::Relaxed), Ordering::Relaxed);
        self.bytes_out.fetch_add(other.bytes_out.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Connection {
    fn authenticate<'a>(&'a self, connect: &'a ConnectPacket, _: SocketAddr) -> Answer<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            let (client, peer) = (&connect.client_id, self.peer);
            match self.admit(connect).await {
                Ok(account) => {
                    tracing::debug!(client, account, %peer, transport = %self.transport, "client admitted");
                    self.admitted.notify_one();
                    Ok(AuthResult::success_with_user(account))
                }
                Err(code) => {
                    self.shared.counters.refused_connects.fetch_add(1, Ordering::Relaxed);
                    let user = connect.username.as_deref().unwrap_or_default();
                    tracing::warn!(client, user, %peer, transport = %self.transport, reason = ?code, "client refused");
                    Ok(AuthResult::fail(code))
                }
            }
        })
    }

    fn authorize_publish<'a>(&'a self, _: &str, _: Option<&'a str>, topic: &'a str) -> Answer<'a, bool> {
        Box::pin(ready(self.may_publish(topic)))
    }

    fn authorize_subscribe<'a>(&'a self, _: &str, _: Option<&'a str>, subscription: &'a str) -> Answer<'a, bool> {
        Box::pin(ready(self.may_subscribe(subscription)))
    }
}
