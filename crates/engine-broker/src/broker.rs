//! The broker: started with its options, asked and told things while it runs, stopped in bounded time.

use std::{
    fmt,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use engine::{Boxed, Engine};
use rustls::ServerConfig;
use tokio::{net::TcpListener, sync::Mutex};
use tokio_util::sync::DropGuard;
use vocabulary::{Clock, ids::AccountName};

use crate::{
    admissions,
    error::{BrokerError, PublishError},
    events::Events,
    gate::{Gate, Transport},
    limits::Limits,
    listeners, message,
    message::Message,
    retained, rights,
    seats::Client,
    shared::Shared,
    statistics::{self, Statistics},
    upkeep,
};

/// How to start a broker.
#[derive(Clone)]
pub struct Options {
    /// Addresses for MQTT over TCP; port 0 lets the system choose.
    pub tcp: Vec<SocketAddr>,
    /// Addresses for MQTT over WebSocket, on the paths `/` and `/mqtt`; port 0 lets the system choose.
    pub websocket: Vec<SocketAddr>,
    /// Addresses for MQTT over TLS; port 0 lets the system choose.
    pub tls: Vec<SocketAddr>,
    /// Addresses for MQTT over WebSocket over TLS, on the same paths; port 0 lets the system choose.
    pub secure_websocket: Vec<SocketAddr>,
    /// How TLS is spoken: which certificate is shown (asked at each handshake, so that it may change), whose clients' certificates are
    /// trusted, which versions. Where it names protocols (ALPN), `mqtt` and for WebSocket `http/1.1` should be among them.
    pub tls_config: Option<Arc<ServerConfig>>,
    /// Origins of web pages (`https://console.example.org`, or `*` for all) that may connect besides those of this machine.
    pub origins: Vec<String>,
    /// Folder that keeps retained messages, sessions and their queues over a restart; without one they end with the broker.
    pub storage: Option<PathBuf>,
    /// Who may what.
    pub gate: Arc<dyn Gate>,
    /// Where "now" comes from.
    pub clock: Clock,
    /// The bounds.
    pub limits: Limits,
}

impl Options {
    /// Options without addresses and storage.
    pub fn new(gate: Arc<dyn Gate>, clock: Clock) -> Self {
        Self {
            tcp: Vec::new(),
            websocket: Vec::new(),
            tls: Vec::new(),
            secure_websocket: Vec::new(),
            tls_config: None,
            origins: Vec::new(),
            storage: None,
            gate,
            clock,
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tcp", &self.tcp)
            .field("websocket", &self.websocket)
            .field("tls", &self.tls)
            .field("secure_websocket", &self.secure_websocket)
            .field("origins", &self.origins)
            .field("storage", &self.storage)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A running broker. Clones are handles on the same one; when the last is dropped it stops, unhurried and unobserved, so call
/// [`Engine::stop`] and wait for it. Its folder is free for another broker once it has stopped and the last handle is dropped.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    tcp: Vec<SocketAddr>,
    websocket: Vec<SocketAddr>,
    secured: OnceLock<Secured>,
    stopped: Mutex<bool>,
    _stop_on_drop: DropGuard,
}

/// Where TLS is spoken.
#[derive(Debug, Default)]
struct Secured {
    tls: Vec<SocketAddr>,
    websocket: Vec<SocketAddr>,
}

impl Broker {
    /// Starts a broker; once this returns, clients can connect.
    ///
    /// # Errors
    /// An address can't be listened on, there is one for TLS and no configuration of it, or the folder can't be used.
    pub async fn start(options: Options) -> Result<Self, BrokerError> {
        check_tls(&options)?;
        let tcp = bind(&options.tcp, Transport::Tcp).await?;
        let websocket = bind(&options.websocket, Transport::WebSocket).await?;
        let tls = bind(&options.tls, Transport::Tls).await?;
        let secure_websocket = bind(&options.secure_websocket, Transport::SecureWebSocket).await?;
        let folder = options.storage.clone();
        let storage = retained::open(folder.as_deref(), &options.limits).await?;
        let shared = Arc::new(Shared::new(options, storage));
        retained::recover(&shared)
            .await
            .map_err(|error| BrokerError::Storage { path: folder.unwrap_or_default(), reason: error.to_string() })?;
        let inner = Inner {
            tcp: addresses(&tcp),
            websocket: addresses(&websocket),
            secured: OnceLock::new(),
            stopped: Mutex::new(false),
            _stop_on_drop: shared.stopping.clone().drop_guard(),
            shared: Arc::clone(&shared),
        };
        listeners::listen(&shared, tcp, Transport::Tcp);
        listeners::listen(&shared, websocket, Transport::WebSocket);
        upkeep::start(&shared).await;
        tracing::info!(tcp = ?inner.tcp, websocket = ?inner.websocket, "broker listens");
        let broker = Self(Arc::new(inner));
        if !(tls.is_empty() && secure_websocket.is_empty()) {
            broker.secure(tls, secure_websocket);
        }
        Ok(broker)
    }

    /// Speaks TLS from now on, at these addresses for MQTT and for MQTT over WebSocket: for who has no certificate at the start. Once.
    ///
    /// # Errors
    /// An address can't be listened on, or TLS is spoken already.
    pub async fn speak_tls(
        &self,
        tls: &[SocketAddr],
        secure_websocket: &[SocketAddr],
        config: Arc<ServerConfig>,
    ) -> Result<(), BrokerError> {
        let listeners = bind(tls, Transport::Tls).await?;
        let secure = bind(secure_websocket, Transport::SecureWebSocket).await?;
        if self.0.shared.tls.set(config).is_err() {
            return Err(BrokerError::TlsSpoken);
        }
        self.secure(listeners, secure);
        Ok(())
    }

    fn secure(&self, tls: Vec<TcpListener>, websocket: Vec<TcpListener>) {
        let secured = Secured { tls: addresses(&tls), websocket: addresses(&websocket) };
        tracing::info!(tls = ?secured.tls, secure_websocket = ?secured.websocket, "broker speaks TLS");
        let _ = self.0.secured.set(secured);
        listeners::listen(&self.0.shared, tls, Transport::Tls);
        listeners::listen(&self.0.shared, websocket, Transport::SecureWebSocket);
    }

    /// The addresses for MQTT over TCP as they were bound, in the order of the options.
    pub fn tcp_addresses(&self) -> &[SocketAddr] {
        &self.0.tcp
    }

    /// The addresses for MQTT over WebSocket as they were bound, in the order of the options.
    pub fn websocket_addresses(&self) -> &[SocketAddr] {
        &self.0.websocket
    }

    /// The addresses for MQTT over TLS as they were bound, in the order of the options.
    pub fn tls_addresses(&self) -> &[SocketAddr] {
        self.0.secured.get().map_or(&[], |secured| &secured.tls)
    }

    /// The addresses for MQTT over WebSocket over TLS as they were bound, in the order of the options.
    pub fn secure_websocket_addresses(&self) -> &[SocketAddr] {
        self.0.secured.get().map_or(&[], |secured| &secured.websocket)
    }

    /// All clients, sorted by id: those that are connected and those whose session is kept for them.
    pub async fn clients(&self) -> Vec<Client> {
        statistics::clients(&self.0.shared).await
    }

    /// Figures since the start.
    pub async fn statistics(&self) -> Statistics {
        statistics::now(&self.0.shared).await
    }

    /// Who comes and goes and who is refused what, from now on.
    pub fn events(&self) -> Events {
        Events(self.0.shared.observe())
    }

    /// The account's rights are others now: asks the gate about all its subscriptions, of absent clients too, ends those that it may no
    /// longer have and says how many they were. (Publishing is asked about message by message.) Clients stay connected.
    pub async fn rights_changed(&self, account: &AccountName) -> usize {
        rights::review(&self.0.shared, Some(account)).await
    }

    /// Something may have been revoked: ends every connection whose [`Admission`](crate::Admission) does not stand any more and says how
    /// many they were. Wills are published, sessions are kept; who is admitted again may come back.
    pub fn review_connections(&self) -> usize {
        admissions::review(&self.0.shared)
    }

    /// Asks the gate again about every subscription of every client, of absent ones too, ends those that it refuses and says how many they
    /// were: for when everybody's rights may have changed.
    pub async fn review_subscriptions(&self) -> usize {
        rights::review(&self.0.shared, None).await
    }

    /// Ends the connection of a client, says whether there was one. Its will is published, its session is kept; it may come back.
    pub fn disconnect(&self, client_id: &str) -> bool {
        self.0.shared.seats.kick(|id, _| id == client_id) > 0
    }

    /// Ends all connections of an account and says how many there were; for accounts that may no longer connect.
    pub fn disconnect_account(&self, account: &AccountName) -> usize {
        self.0.shared.seats.kick(|_, seat| &seat.account == account)
    }

    /// Publishes from inside, with the rights and the stamp of `account`.
    ///
    /// # Errors
    /// The topic is none, the account may not, the message is too large, or the broker is stopped.
    pub async fn publish(&self, account: &AccountName, message: Message) -> Result<(), PublishError> {
        message::publish(&self.0.shared, account, message).await
    }
}

impl Engine for Broker {
    fn name(&self) -> &'static str {
        "broker"
    }

    fn health(&self) -> health::Report {
        self.0.shared.health.get()
    }

    fn stop(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            let mut stopped = self.0.stopped.lock().await;
            if !*stopped {
                self.0.shared.stop().await;
                upkeep::note_stopped(&self.0.shared);
                *stopped = true;
                tracing::info!("broker stopped");
            }
        })
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("tcp", &self.0.tcp).field("websocket", &self.0.websocket).finish_non_exhaustive()
    }
}

/// Addresses for TLS need a configuration of it.
fn check_tls(options: &Options) -> Result<(), BrokerError> {
    let of = |addresses: &[SocketAddr], transport| addresses.first().map(|address| (*address, transport));
    let first = of(&options.tls, Transport::Tls).or(of(&options.secure_websocket, Transport::SecureWebSocket));
    match (first, &options.tls_config) {
        (Some((address, transport)), None) => Err(BrokerError::NoTls { address, transport }),
        _ => Ok(()),
    }
}

async fn bind(addresses: &[SocketAddr], transport: Transport) -> Result<Vec<TcpListener>, BrokerError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for &address in addresses {
        let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => BrokerError::AddressTaken { address, transport },
            _ => BrokerError::Listen { address, transport, source },
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}
