//! One connection: whether its client is admitted, and as whom; what it may publish and subscribe to.

use std::{
    collections::VecDeque,
    future::{Future, ready},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use mqtt5::{
    broker::{AuthProvider, AuthResult, EnhancedAuthResult, storage::StorageBackend},
    packet::connect::ConnectPacket,
    protocol::v5::reason_codes::ReasonCode,
};
use rustls::pki_types::CertificateDer;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use vocabulary::ids::AccountName;

mod refusal;

use self::refusal::Refusal;
use crate::{
    admissions::{self, Terms},
    events::{Attempt, Event, Objection, cut},
    gate::{Admission, Asker, Credentials, Transport},
    rules,
    seats::{Link, NoSeat, Protocol, Seat},
    shared::Shared,
};

/// What no client id begins with: the protocol crate takes the first for an account by certificate, the second is ours.
const RESERVED_ID_PREFIXES: [&str; 2] = ["cert:", "$"];

/// A connection as the protocol crate's questions and the wire see it.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) peer: SocketAddr,
    transport: Transport,
    number: u64,
    /// What TLS has proven, for the gate.
    certificate: OnceLock<Box<[CertificateDer<'static>]>>,
    identity: OnceLock<Identity>,
    v311: AtomicBool,
    pub(crate) traffic: Arc<Traffic>,
    marks: Marks,
    /// Whether the client was told that it may not connect, and observers with it.
    refused: AtomicBool,
    /// Filters that were refused here since the last SUBACK.
    refused_filters: AtomicU32,
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
    /// Its will, which is asked about again when it is published.
    will: Option<Box<Will>>,
}

/// Where a will goes, and whether it is to be retained.
#[derive(Debug)]
struct Will {
    topic: String,
    retain: bool,
}

impl Identity {
    fn asker(&self, peer: SocketAddr) -> Asker<'_> {
        Asker { account: &self.account, client_id: &self.client_id, peer }
    }
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, peer: SocketAddr, transport: Transport) -> Self {
        Self {
            number: shared.counters.connections.fetch_add(1, Ordering::Relaxed),
            kick: shared.stopping.child_token(),
            shared,
            peer,
            transport,
            certificate: OnceLock::new(),
            identity: OnceLock::new(),
            v311: AtomicBool::new(false),
            traffic: Arc::default(),
            marks: Marks::default(),
            refused: AtomicBool::new(false),
            refused_filters: AtomicU32::new(0),
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

    /// The client has shown this certificate, and TLS has found it good; empty where it showed none.
    pub(crate) fn note_certificate(&self, certificate: Vec<CertificateDer<'static>>) {
        if !certificate.is_empty() {
            let _ = self.certificate.set(certificate.into());
        }
    }

    /// The client has been told that it is welcome.
    pub(crate) fn welcome(&self) {
        let Some(Identity { client_id, account, .. }) = self.identity.get() else { return };
        self.shared.seats.welcome(client_id, self.number);
        self.shared.tell(Event::Connected {
            client_id: Arc::clone(client_id),
            account: account.clone(),
            peer: self.peer,
            transport: self.transport,
        });
    }

    /// The connection is over.
    pub(crate) fn leave(&self) {
        // Whatever waits for the end of the connection need not wait any more.
        self.kick.cancel();
        let identity = self.identity.get();
        let seat = identity.and_then(|identity| self.shared.seats.free(&identity.client_id, self.number));
        self.shared.counters.departed.add(&self.traffic);
        let Some(Identity { client_id, account, .. }) = identity else { return };
        if seat.is_some_and(|seat| seat.welcomed) {
            self.shared.tell(Event::Disconnected { client_id: Arc::clone(client_id), account: account.clone() });
        }
    }

    /// In steps of which each leaves little behind, since what lies here while others are admitted tears holes into memory.
    async fn admit(&self, connect: &ConnectPacket) -> Result<String, Box<Refusal>> {
        if RESERVED_ID_PREFIXES.iter().any(|prefix| connect.client_id.starts_with(prefix)) {
            return Err(Refusal::connect(Objection::ClientId));
        }
        let admission = self.ask_gate(connect).await?;
        let account = String::from(admission.account.clone());
        self.v311.store(connect.protocol_version == 4, Ordering::Relaxed);
        self.take_seat(admission, connect).map_err(|refusal| refusal.of(&account))?;
        self.check_session(connect, &account).await.map_err(|refusal| refusal.of(&account))?;
        Ok(account)
    }

    async fn ask_gate(&self, connect: &ConnectPacket) -> Result<Admission, Box<Refusal>> {
        let credentials = Credentials {
            client_id: connect.client_id.clone(),
            username: connect.username.clone(),
            password: connect.password.clone(),
            peer: self.peer,
            transport: self.transport,
            certificate: self.certificate.get().map(|chain| chain.to_vec()).unwrap_or_default(),
        };
        self.shared.gate.connect(&credentials).await.map_err(|why| Refusal::connect(why.into()))
    }

    /// A will to a topic that may not be published to would be welcomed and then never be sent.
    fn check_will(&self, account: &AccountName, connect: &ConnectPacket) -> Result<Option<Box<Will>>, Box<Refusal>> {
        let Some(will) = &connect.will else { return Ok(None) };
        let (topic, retain) = (&will.topic, will.retain);
        let refused = |why| Refusal::new(Attempt::Will { topic: cut(topic), retain }, why);
        rules::check_topic(topic).map_err(|reason| refused(reason.into()))?;
        let asker = Asker { account, client_id: &connect.client_id, peer: self.peer };
        if self.shared.gate.publish(&asker, topic, retain) {
            Ok(Some(Box::new(Will { topic: topic.clone(), retain })))
        } else {
            Err(refused(Objection::Rights))
        }
    }

    /// Binds the client id to the account. Without this another account's clean start would throw the owner out and destroy its session.
    fn take_seat(&self, admission: Admission, connect: &ConnectPacket) -> Result<(), Box<Refusal>> {
        let Admission { account, until, proof } = admission;
        let will = self.check_will(&account, connect)?;
        let terms = Terms::of(until, proof);
        let protocol = if self.is_v311() { Protocol::V311 } else { Protocol::V5 };
        let link = Link { peer: self.peer, transport: self.transport, protocol, since: self.shared.clock.now() };
        let (connection, kick, traffic) = (self.number, self.kick.clone(), Arc::clone(&self.traffic));
        let (owner, limit) = (account.clone(), terms.clone());
        let seat = Seat { connection, account: owner, link, terms: limit, welcomed: false, kick, traffic };
        let claimed = self.shared.seats.claim(&connect.client_id, seat, self.shared.limits.clients);
        claimed.map_err(|reason| match reason {
            NoSeat::Foreign => Refusal::connect(Objection::ForeignClientId),
            NoSeat::Full => Refusal::connect(Objection::Full),
        })?;
        // From here on `leave` frees the seat.
        let client_id = Arc::from(connect.client_id.as_str());
        let _ = self.identity.set(Identity { client_id, account, will });
        let Some(terms) = terms else { return Ok(()) };
        // A review that came between the gate's answer and the seat has not seen this connection.
        if !terms.hold(self.shared.clock.now()) {
            return Err(Refusal::connect(Objection::Lapsed));
        }
        admissions::watch(&self.shared, &terms, &self.kick);
        Ok(())
    }

    /// A session that waits for another account's client is not to be had.
    async fn check_session(&self, connect: &ConnectPacket, account: &str) -> Result<(), Box<Refusal>> {
        match self.shared.storage.get_session(&connect.client_id).await {
            Ok(None) => Ok(()),
            Ok(Some(session)) if session.user_id.as_deref() == Some(account) => Ok(()),
            Ok(Some(_)) => Err(Refusal::connect(Objection::ForeignClientId)),
            Err(error) => {
                tracing::error!(client = connect.client_id, %error, "session can't be read");
                Err(Refusal::connect(Objection::Storage))
            }
        }
    }

    fn may_publish(&self, topic: &str) -> bool {
        let Some(identity) = self.identity.get() else { return false };
        let asker = identity.asker(self.peer);
        // Asked without an arrival only for the will.
        let arrived = self.marks.asked();
        let will = identity.will.as_deref().filter(|will| will.topic == topic);
        let retain = arrived.or(will.map(|will| will.retain)).unwrap_or_default();
        let allowed = |retain| self.shared.gate.publish(&asker, topic, retain);
        let may = rules::check_topic(topic).map_err(Objection::from).and_then(|()| {
            // A message that arrived and was never asked about, since the connection broke, must not lend its mark to the will.
            let both = will.is_none_or(|will| will.retain == retain || allowed(will.retain));
            if both && allowed(retain) { Ok(()) } else { Err(Objection::Rights) }
        });
        may.map_err(|why| self.note_refused_publish(topic, retain, arrived.is_none(), why)).is_ok()
    }

    fn may_subscribe(&self, subscription: &str) -> bool {
        let Some(identity) = self.identity.get() else { return false };
        let may = self.shared.may_subscribe(&identity.asker(self.peer), subscription);
        may.map_err(|why| {
            self.shared.counters.refused_subscribes.fetch_add(1, Ordering::Relaxed);
            self.refused_filters.fetch_add(1, Ordering::Relaxed);
            if self.shared.is_observed() {
                self.tell_refused(Attempt::Subscribe { filter: cut(subscription) }, why);
            }
        })
        .is_ok()
    }
}

/// Which of the messages that have arrived are to be retained. All calls come from the connection's own task, so that nothing here is
/// ever contended, and the lock is touched for retained messages only.
#[derive(Debug, Default)]
struct Marks {
    arrived: AtomicU64,
    asked: AtomicU64,
    any: AtomicBool,
    /// Made with the first one, since most clients retain nothing.
    retained: OnceLock<Box<Mutex<VecDeque<u64>>>>,
}

impl Marks {
    fn arrived(&self, retain: bool) {
        let number = self.arrived.load(Ordering::Relaxed);
        self.arrived.store(number + 1, Ordering::Relaxed);
        if retain {
            self.retained().push_back(number);
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
        let mut retained = self.retained();
        let retain = retained.front() == Some(&number);
        if retain {
            retained.pop_front();
        }
        self.any.store(!retained.is_empty(), Ordering::Relaxed);
        Some(retain)
    }

    fn retained(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.retained.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner)
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
                Err(refusal) => Ok(AuthResult::fail(self.note_refused_connect(connect, *refusal))),
            }
        })
    }

    /// There is no other way than name and password, or a certificate; but only who says so here learns who tried.
    fn supports_enhanced_auth(&self) -> bool {
        true
    }

    fn authenticate_enhanced<'a>(
        &'a self,
        method: &'a str,
        _: Option<&'a [u8]>,
        client_id: &'a str,
    ) -> Answer<'a, mqtt5::Result<EnhancedAuthResult>> {
        self.refused.store(true, Ordering::Relaxed);
        self.shared.counters.refused_connects.fetch_add(1, Ordering::Relaxed);
        let what = Attempt::Connect { username: None };
        self.shared.tell_refused(client_id, None, self.peer, what, Objection::Method);
        tracing::warn!(client = client_id, peer = %self.peer, reason = %Objection::Method, "client refused");
        let answer = EnhancedAuthResult::fail(method, ReasonCode::BadAuthenticationMethod);
        Box::pin(ready(Ok(answer)))
    }

    fn authorize_publish<'a>(&'a self, _: &str, _: Option<&'a str>, topic: &'a str) -> Answer<'a, bool> {
        Box::pin(ready(self.may_publish(topic)))
    }

    fn authorize_subscribe<'a>(&'a self, _: &str, _: Option<&'a str>, subscription: &'a str) -> Answer<'a, bool> {
        Box::pin(ready(self.may_subscribe(subscription)))
    }
}
