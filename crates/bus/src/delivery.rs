//! A message as it was delivered, and a bounded stream of them.

use bytes::Bytes;
use catalog::{Qos, envelope::LARGEST_PAYLOAD_BYTES, topic};
use rumqttc::v5::mqttbytes::{QoS as WireQos, v5::Publish};
use tokio::sync::mpsc;
use vocabulary::ids::AccountName;

/// The user property with which our broker stamps the publisher's account on deliveries.
const SENDER_STAMP: &str = "x-mqtt-sender";
/// The same with its client id.
const SENDER_CLIENT: &str = "x-mqtt-client-id";
/// The user property that may bring a token.
const TOKEN: &str = "token";

/// A message as it was delivered.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Where it was published.
    pub topic: String,
    /// Its payload; of one that is too large, just so much that it is seen to be.
    pub payload: Bytes,
    /// The whole size of the payload.
    pub size_bytes: usize,
    /// Whether it is a retained message from before the subscription.
    pub retained: bool,
    /// The MQTT 5 response topic.
    pub response_topic: Option<String>,
    /// The MQTT 5 correlation data.
    pub correlation_data: Option<Bytes>,
    /// The stamp of the publisher's account. Only our own broker's is worth anything.
    pub sender_stamp: Option<AccountName>,
    /// The stamp of the publisher's client id; likewise.
    pub sender_client: Option<String>,
    /// A token brought as a user property.
    pub token: Option<String>,
    /// When it came.
    pub received: tokio::time::Instant,
}

impl Delivery {
    pub(crate) fn of(publish: Publish) -> Self {
        let topic = String::from_utf8_lossy(&publish.topic).into_owned();
        let size_bytes = publish.payload.len();
        let payload = if size_bytes > LARGEST_PAYLOAD_BYTES {
            // A copy, so that the large packet is freed now.
            Bytes::copy_from_slice(&publish.payload[..=LARGEST_PAYLOAD_BYTES])
        } else {
            publish.payload
        };
        let properties = publish.properties.unwrap_or_default();
        let property =
            |name: &str| properties.user_properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        Self {
            sender_stamp: property(SENDER_STAMP).and_then(|name| name.parse().ok()),
            sender_client: property(SENDER_CLIENT),
            token: property(TOKEN),
            topic,
            payload,
            size_bytes,
            retained: publish.retain,
            response_topic: properties.response_topic,
            correlation_data: properties.correlation_data,
            received: tokio::time::Instant::now(),
        }
    }
}

/// Messages under some filters, in the order of their delivery. What does not fit into its bound is dropped and counted.
#[derive(Debug)]
pub struct Watch {
    pub(crate) deliveries: mpsc::Receiver<Delivery>,
}

impl Watch {
    /// The next message; nothing once the bus is closed. Safe to cancel.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.deliveries.recv().await
    }
}

/// Where a delivery goes: who watches which filters.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) filters: Vec<(String, Qos)>,
    pub(crate) deliveries: mpsc::Sender<Delivery>,
}

impl Watcher {
    pub(crate) fn wants(&self, topic: &str) -> bool {
        self.filters.iter().any(|(filter, _)| topic::matches(filter, topic))
    }
}

pub(crate) const fn wire_qos(qos: Qos) -> WireQos {
    match qos {
        Qos::AtMostOnce => WireQos::AtMostOnce,
        Qos::AtLeastOnce => WireQos::AtLeastOnce,
        Qos::ExactlyOnce => WireQos::ExactlyOnce,
    }
}
