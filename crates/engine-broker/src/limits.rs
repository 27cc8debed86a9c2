//! The bounds within which the broker works.

use std::time::Duration;

/// One bound per thing that clients could make grow. The defaults suit an observatory of some thousand clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Clients connected at the same time; further ones are told that the server is busy.
    pub clients: usize,
    /// Connections whose client has not been admitted yet; further ones wait in the system's backlog.
    pub handshakes: usize,
    /// Time for a connection from its first byte, WebSocket included, to its admission; at most 10 s.
    pub handshake_deadline: Duration,
    /// Size of one packet in bytes.
    pub packet_bytes: usize,
    /// Messages that wait for one connected reader before QoS 0 is dropped and QoS 1 and 2 go to its queue.
    pub lane_messages: usize,
    /// QoS 1 and 2 messages on their way to one client, not acknowledged yet.
    pub outbound_inflight: u16,
    /// QoS 2 messages on their way from one client, not completed yet.
    pub inbound_inflight: u16,
    /// Messages that wait for one client that is away or slow; then the oldest goes.
    pub queued_messages: usize,
    /// Bytes that wait for one client that is away or slow; then the oldest goes.
    pub queued_bytes: usize,
    /// Subscriptions of one client.
    pub subscriptions: usize,
    /// Retained messages of all topics together.
    pub retained_messages: usize,
    /// Life of a session without its client, at most.
    pub session_expiry: Duration,
    /// Time between two rounds that drop what has expired.
    pub cleanup_interval: Duration,
    /// Time between two looks at the broker's own health.
    pub health_interval: Duration,
    /// Time in which the broker stops, clients that do not listen included.
    pub stop_deadline: Duration,
    /// Time in which it writes, after that, what its storage holds for clients that are away.
    pub write_deadline: Duration,
    /// Events that wait for one observer; then it misses the oldest and is told how many.
    pub events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 10_000,
            handshakes: 1_024,
            handshake_deadline: Duration::from_secs(10),
            packet_bytes: 1 << 20,
            lane_messages: 512,
            outbound_inflight: 64,
            inbound_inflight: 1_024,
            queued_messages: 10_000,
            queued_bytes: 16 << 20,
            subscriptions: 1_000,
            retained_messages: 100_000,
            session_expiry: Duration::from_secs(7 * 24 * 3600),
            cleanup_interval: Duration::from_secs(60),
            health_interval: Duration::from_secs(5),
            stop_deadline: Duration::from_secs(5),
            write_deadline: Duration::from_secs(30),
            events: 256,
        }
    }
}
