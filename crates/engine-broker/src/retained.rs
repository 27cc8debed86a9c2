//! What outlives the broker: opening its storage, and putting right what it loads.

use std::{os::unix::fs::DirBuilderExt, path::Path, sync::Arc, time::Duration};

use mqtt5::{
    broker::{
        DynamicStorage, FileBackend, MemoryBackend,
        storage::{QueueLimits, RetainedMessage, StorageBackend},
    },
    packet::publish::PublishPacket,
};
use vocabulary::Timestamp;

use crate::{error::BrokerError, limits::Limits, shared::Shared};

/// Storage in `folder`, or in memory without one. The folder is made for its owner alone, since messages may be private.
pub(crate) async fn open(folder: Option<&Path>, limits: &Limits) -> Result<Arc<DynamicStorage>, BrokerError> {
    let queues = QueueLimits { max_messages: limits.queued_messages, max_bytes: limits.queued_bytes };
    let Some(folder) = folder else {
        return Ok(Arc::new(DynamicStorage::Memory(MemoryBackend::with_queue_limits(queues))));
    };
    let path = folder.to_owned();
    let make = folder.to_owned();
    let made = tokio::task::spawn_blocking(move || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(make));
    match made.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(BrokerError::Storage { path, reason: error.to_string() }),
        Err(error) => return Err(BrokerError::Storage { path, reason: error.to_string() }),
    }
    match FileBackend::with_queue_limits(folder, queues).await {
        Ok(files) => Ok(Arc::new(DynamicStorage::File(files))),
        Err(error) if is_locked(folder) => {
            tracing::debug!(%error, "broker's folder is locked");
            Err(BrokerError::StorageTaken { path })
        }
        Err(error) => Err(BrokerError::Storage { path, reason: error.to_string() }),
    }
}

/// Whether another broker holds the folder's lock; the protocol crate says so in words only.
fn is_locked(folder: &Path) -> bool {
    std::fs::File::open(folder.join(".lock"))
        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

/// Loads retained messages and sessions.
///
/// The protocol crate forgets at a restart when a retained message expires, and would serve it for ever. So the expired are dropped and
/// the others retained anew with the time that is left, before the sessions come back: their subscribers have had these messages.
pub(crate) async fn recover(shared: &Shared) -> mqtt5::Result<()> {
    shared.router.initialize().await?;
    let now = shared.clock.now();
    for (topic, message) in shared.storage.get_retained_messages("#").await? {
        let Some(left) = life_left(&message, now) else { continue };
        let anew = if left.is_zero() { cleared(&topic) } else { again(&message, left) };
        shared.router.route_message(&anew, None).await;
    }
    let longest = u32::try_from(shared.limits.session_expiry.as_secs()).unwrap_or(u32::MAX);
    shared.router.recover_sessions(longest).await?;
    shared.storage.cleanup_expired().await
}

/// The life that is left of a message that expires, zero where it is over.
fn life_left(message: &RetainedMessage, now: Timestamp) -> Option<Duration> {
    let life = Duration::from_secs(u64::from(message.message_expiry_interval?));
    let age = Duration::try_from_secs_f64(now.unix_seconds() - message.stored_at_secs as f64).unwrap_or_default();
    let left = life.saturating_sub(age);
    Some(Duration::from_secs(left.as_secs()))
}

fn cleared(topic: &str) -> PublishPacket {
    PublishPacket::new(topic, Vec::new(), mqtt5::QoS::AtMostOnce).with_retain(true)
}

fn again(message: &RetainedMessage, left: Duration) -> PublishPacket {
    let mut packet = message.to_publish_packet().with_retain(true);
    packet.properties.set_message_expiry_interval(u32::try_from(left.as_secs()).unwrap_or(u32::MAX));
    packet
}
