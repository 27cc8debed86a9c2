//! Figures and lists for who looks at the broker.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use mqtt5::broker::storage::StorageBackend;

use crate::{seats::Client, shared::Shared};

/// Figures since the broker's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Clients that are connected.
    pub clients: usize,
    /// The most clients that were connected at the same time.
    pub clients_highest: usize,
    /// Connections that were taken, whatever became of them.
    pub connections: u64,
    /// Sessions, of connected and of absent clients.
    pub sessions: usize,
    /// Different filters that someone has subscribed to.
    pub filters: usize,
    /// Retained messages.
    pub retained: usize,
    /// Messages from clients and from inside.
    pub messages_in: u64,
    /// Messages to clients.
    pub messages_out: u64,
    /// Bytes from clients, of MQTT itself.
    pub bytes_in: u64,
    /// Bytes to clients, of MQTT itself.
    pub bytes_out: u64,
    /// Clients that were not admitted.
    pub refused_connects: u64,
    /// Messages and wills that were refused.
    pub refused_publishes: u64,
    /// Subscriptions that were refused.
    pub refused_subscribes: u64,
    /// Time since the start.
    pub uptime: Duration,
}

/// The figures now.
pub(crate) async fn now(shared: &Shared) -> Statistics {
    let (stats, counters) = (&shared.stats, &shared.counters);
    let traffic = shared.seats.traffic();
    traffic.add(&counters.departed);
    Statistics {
        clients: stats.clients_connected.load(Ordering::Relaxed),
        clients_highest: stats.clients_maximum.load(Ordering::Relaxed),
        connections: counters.connections.load(Ordering::Relaxed),
        sessions: shared.storage.session_client_ids().await.map_or(0, |ids| ids.len()),
        filters: shared.router.topic_count().await,
        retained: shared.router.retained_count().await,
        messages_in: stats.publish_received.load(Ordering::Relaxed),
        messages_out: stats.publish_sent.load(Ordering::Relaxed),
        bytes_in: traffic.bytes_in.load(Ordering::Relaxed),
        bytes_out: traffic.bytes_out.load(Ordering::Relaxed),
        refused_connects: counters.refused_connects.load(Ordering::Relaxed),
        refused_publishes: counters.refused_publishes.load(Ordering::Relaxed),
        refused_subscribes: counters.refused_subscribes.load(Ordering::Relaxed),
        uptime: shared.started.elapsed(),
    }
}

/// Everybody who is connected or awaited, by id.
pub(crate) async fn clients(shared: &Shared) -> Vec<Client> {
    let mut clients = BTreeMap::new();
    for (client_id, seat) in shared.seats.all() {
        let client =
            Client { client_id: client_id.clone(), account: seat.account, filters: vec![], link: Some(seat.link) };
        clients.insert(client_id, client);
    }
    for client_id in shared.storage.session_client_ids().await.unwrap_or_default() {
        let Ok(Some(session)) = shared.storage.get_session(&client_id).await else { continue };
        let Some(account) = session.user_id.as_deref().and_then(|name| name.parse().ok()) else { continue };
        let mut filters: Vec<String> = session.subscriptions.into_keys().collect();
        filters.sort_unstable();
        let absent = || Client { client_id: client_id.clone(), account, filters: vec![], link: None };
        clients.entry(client_id.clone()).or_insert_with(absent).filters = filters;
    }
    clients.into_values().collect()
}
