//! Messages from inside: what the protocol crate's router would take unchecked.

use std::time::Duration;

use bytes::Bytes;
use mqtt5::{QoS, packet::publish::PublishPacket};
use vocabulary::ids::AccountName;

use crate::{error::PublishError, gate::Asker, rules, shared::Shared};

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its bytes.
    pub payload: Bytes,
    /// How surely it is delivered.
    pub quality: Quality,
    /// Whether it is kept for those who subscribe later; without a payload it clears what is kept.
    pub retain: bool,
    /// After which time it is of no use any more, in whole seconds.
    pub expiry: Option<Duration>,
}

impl Message {
    /// A message that is delivered at least once and not retained.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        let (topic, payload) = (topic.into(), payload.into());
        Self { topic, payload, quality: Quality::AtLeastOnce, retain: false, expiry: None }
    }

    /// The same message, retained.
    #[must_use]
    pub fn retained(mut self) -> Self {
        self.retain = true;
        self
    }
}

/// The quality of service of MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
    /// QoS 2.
    ExactlyOnce,
}

impl From<Quality> for QoS {
    fn from(quality: Quality) -> Self {
        match quality {
            Quality::AtMostOnce => Self::AtMostOnce,
            Quality::AtLeastOnce => Self::AtLeastOnce,
            Quality::ExactlyOnce => Self::ExactlyOnce,
        }
    }
}

/// Publishes as `account`, after the checks that a client of it would have met.
pub(crate) async fn publish(shared: &Shared, account: &AccountName, message: Message) -> Result<(), PublishError> {
    let Message { topic, payload, quality, retain, expiry } = message;
    if shared.stopping.is_cancelled() {
        return Err(PublishError::Stopped);
    }
    if let Err(reason) = rules::check_topic(&topic) {
        return Err(PublishError::Topic { topic: topic.chars().take(80).collect(), reason });
    }
    if payload.len() > shared.limits.packet_bytes {
        return Err(PublishError::TooLarge { topic, bytes: payload.len(), limit: shared.limits.packet_bytes });
    }
    if !shared.gate.publish(&Asker::inside(account), &topic, retain) {
        return Err(PublishError::NotAllowed { account: account.clone(), topic });
    }
    let mut packet = PublishPacket::new(topic, payload, quality.into()).with_retain(retain);
    packet.properties.inject_sender(Some(account.as_str()));
    if let Some(expiry) = expiry {
        packet.properties.set_message_expiry_interval(u32::try_from(expiry.as_secs()).unwrap_or(u32::MAX));
    }
    shared.stats.publish_received(packet.payload.len());
    shared.router.route_message(&packet, None).await;
    Ok(())
}
