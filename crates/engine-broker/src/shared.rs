//! What all connections of one broker share.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use mqtt5::broker::{
    BrokerConfig, DynamicStorage, ResourceMonitor, resource_monitor::ResourceLimits, router::MessageRouter,
    sys_topics::BrokerStats,
};
use tokio::{
    sync::{Semaphore, broadcast},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::{Clock, ids::AccountName};

use crate::{
    broker::Options,
    connection::Traffic,
    events::{Attempt, Event, Objection},
    gate::{Asker, Gate},
    limits::Limits,
    rules,
    seats::Seats,
};

/// How much of a refused client's id is told.
const CLIENT_ID_CHARACTERS_MAX: usize = 128;
/// mqtt5's storage waits 5 s for what writes its files and does not say whether that was enough; an answer within less says so.
const STORAGE_PATIENCE: Duration = Duration::from_millis(4_900);

/// The parts of a broker, made once at its start.
pub(crate) struct Shared {
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) origins: Vec<String>,
    pub(crate) tls: OnceLock<Arc<rustls::ServerConfig>>,
    pub(crate) config: Arc<BrokerConfig>,
    pub(crate) router: Arc<MessageRouter>,
    pub(crate) storage: Arc<DynamicStorage>,
    pub(crate) stats: Arc<BrokerStats>,
    pub(crate) monitor: Arc<ResourceMonitor>,
    pub(crate) seats: Seats,
    pub(crate) counters: Counters,
    pub(crate) handshakes: Arc<Semaphore>,
    pub(crate) health: health::Cell,
    pub(crate) started: Instant,
    /// Ends everything in an orderly way.
    pub(crate) stopping: CancellationToken,
    /// Ends what did not end in time.
    pub(crate) abandoned: CancellationToken,
    pub(crate) tasks: TaskTracker,
    events: broadcast::Sender<Event>,
}

/// What we count ourselves.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    /// Bytes of the connections that are over.
    pub(crate) departed: Traffic,
    pub(crate) refused_connects: AtomicU64,
    pub(crate) refused_publishes: AtomicU64,
    pub(crate) refused_subscribes: AtomicU64,
    /// Listeners that take connections.
    pub(crate) listening: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(options: Options, storage: Arc<DynamicStorage>) -> Self {
        let config = config(&options.limits);
        let router = MessageRouter::with_storage(Arc::clone(&storage))
            .with_retained_limits(config.max_retained_messages, config.max_retained_message_size);
        Self {
            gate: options.gate,
            health: health::Cell::new("broker", options.clock.clone()),
            clock: options.clock,
            origins: options.origins,
            tls: options.tls_config.map(OnceLock::from).unwrap_or_default(),
            config: Arc::new(config),
            router: Arc::new(router),
            storage,
            stats: Arc::new(BrokerStats::new()),
            monitor: Arc::new(ResourceMonitor::new(unlimited())),
            seats: Seats::default(),
            counters: Counters::default(),
            handshakes: Arc::new(Semaphore::new(options.limits.handshakes)),
            started: Instant::now(),
            stopping: CancellationToken::new(),
            abandoned: CancellationToken::new(),
            tasks: TaskTracker::new(),
            events: broadcast::Sender::new(options.limits.events.max(1)),
            limits: options.limits,
        }
    }

    /// Whether the asker may have this subscription, `$share` or not.
    pub(crate) fn may_subscribe(&self, asker: &Asker<'_>, subscription: &str) -> Result<(), Objection> {
        let filter = rules::check_filter(subscription)?;
        if self.gate.subscribe(asker, filter) { Ok(()) } else { Err(Objection::Rights) }
    }

    /// Tells whoever observes.
    pub(crate) fn tell(&self, event: Event) {
        // An error means that nobody does.
        let _ = self.events.send(event);
        let clients = u32::try_from(self.seats.count()).unwrap_or(u32::MAX);
        observability::metrics::gauge!(observability::metrics::BROKER_CLIENTS).set(f64::from(clients));
    }

    /// Tells whoever observes that somebody may not. The client's texts may be long and are cut.
    pub(crate) fn tell_refused(
        &self,
        client_id: &str,
        account: Option<&AccountName>,
        peer: SocketAddr,
        what: Attempt,
        why: Objection,
    ) {
        if self.is_observed() {
            let client_id: String = client_id.chars().take(CLIENT_ID_CHARACTERS_MAX).collect();
            let (client_id, account) = (client_id.into(), account.cloned());
            let _ = self.events.send(Event::Refused { client_id, account, peer, what, why });
        }
    }

    /// Whether anybody observes.
    pub(crate) fn is_observed(&self) -> bool {
        self.events.receiver_count() > 0
    }

    pub(crate) fn observe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Ends connections and tasks, first in an orderly way, and what is left then at once; writes down what storage still holds.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        let patience = self.limits.stop_deadline.mul_f64(0.8);
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "connections did not end in time and are dropped");
            self.abandoned.cancel();
            let _ = tokio::time::timeout(patience / 8, self.tasks.wait()).await;
        }
        self.write_down().await;
    }

    /// Waits until storage has written what it holds: messages for clients that are away are lost otherwise.
    async fn write_down(&self) {
        let deadline = Instant::now() + self.limits.write_deadline;
        loop {
            let asked = Instant::now();
            match tokio::time::timeout_at(deadline, self.storage.shutdown()).await {
                Ok(Ok(())) if asked.elapsed() < STORAGE_PATIENCE => return,
                Ok(Ok(())) => tracing::warn!("broker's storage is slow; it is waited for"),
                Ok(Err(error)) => return tracing::error!(%error, "broker's storage can't be written"),
                Err(_) => return tracing::error!("broker's storage was not written in time"),
            }
        }
    }

    /// How many listeners take connections.
    pub(crate) fn listening(&self) -> usize {
        self.counters.listening.load(Ordering::Relaxed)
    }
}

fn config(limits: &Limits) -> BrokerConfig {
    let mut config = BrokerConfig::default()
        .with_max_clients(limits.clients)
        .with_session_expiry(limits.session_expiry)
        .with_max_packet_size(limits.packet_bytes)
        .with_max_subscriptions_per_client(limits.subscriptions)
        .with_max_retained_messages(limits.retained_messages)
        .with_max_retained_message_size(limits.packet_bytes);
    config.client_channel_capacity = limits.lane_messages.max(1);
    config.max_outbound_inflight = limits.outbound_inflight.max(1);
    config.server_receive_maximum = Some(limits.inbound_inflight.max(1));
    config.topic_alias_maximum = 32;
    config.sys_topics_enabled = false;
    // Hooks cost allocations for every message; the wire tells what we need.
    config.event_handler = None;
    config
}

/// The monitor counts and refuses nothing: what it could refuse is refused at the seat, with a reason.
fn unlimited() -> ResourceLimits {
    ResourceLimits {
        max_connections: usize::MAX,
        max_connections_per_ip: usize::MAX,
        max_message_rate_per_client: 0,
        max_bandwidth_per_client: 0,
        max_connection_rate: u32::MAX,
        rate_limit_window: Duration::from_secs(1),
    }
}
