//! A connection that does what it is told and tells what came of it.

use std::time::Duration;

use rumqttc::v5::{
    AsyncClient, ConnectionError, Event, Incoming, MqttOptions,
    mqttbytes::{
        QoS,
        v5::{Disconnect, DisconnectReasonCode, LastWill, PubAckReason, SubscribeReasonCode},
    },
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    task::JoinHandle,
    time::timeout,
};

const LIMIT: Duration = Duration::from_secs(10);

/// A connection, without reconnecting.
pub(crate) struct Session {
    client: AsyncClient,
    events: UnboundedReceiver<Incoming>,
    heard: Vec<String>,
    task: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    /// Connects, if the broker lets it.
    pub(crate) async fn open(port: u16, account: &str, password: &str) -> Option<Self> {
        Self::with_will(port, account, password, None).await
    }

    /// The same with a last will on a topic.
    pub(crate) async fn with_will(port: u16, account: &str, password: &str, will: Option<&str>) -> Option<Self> {
        let id = format!("{account} {}", vocabulary::ids::fresh_uuid());
        let mut options = MqttOptions::new(id, "127.0.0.1", port);
        options.set_credentials(account, password).set_clean_start(true);
        if let Some(topic) = will {
            options.set_last_will(LastWill::new(topic, "gone", QoS::AtLeastOnce, false, None));
        }
        let (client, mut polled) = AsyncClient::new(options, 100);
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                match polled.poll().await {
                    Ok(Event::Incoming(incoming)) => {
                        if sender.send(incoming).is_err() {
                            return;
                        }
                    }
                    Ok(Event::Outgoing(_)) => {}
                    Err(error) => {
                        tracing_of(&error);
                        return;
                    }
                }
            }
        });
        let mut session = Self { client, events, heard: Vec::new(), task };
        match timeout(LIMIT, session.events.recv()).await.unwrap() {
            Some(Incoming::ConnAck(_)) => Some(session),
            _ => None,
        }
    }

    /// The next packet that is no message; nothing once the connection has ended.
    async fn next(&mut self) -> Option<Incoming> {
        loop {
            match timeout(LIMIT, self.events.recv()).await.unwrap() {
                Some(Incoming::Publish(publish)) => {
                    self.heard.push(String::from_utf8_lossy(&publish.topic).into_owned());
                }
                other => return other,
            }
        }
    }

    /// Whether the broker takes a message on this topic.
    pub(crate) async fn may_publish(&mut self, topic: &str, retain: bool) -> bool {
        self.client.publish(topic, QoS::AtLeastOnce, retain, "{}").await.unwrap();
        match self.next().await {
            Some(Incoming::PubAck(ack)) => {
                matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers)
            }
            other => panic!("{topic}: {other:?}"),
        }
    }

    /// Whether the broker grants this filter.
    pub(crate) async fn may_read(&mut self, filter: &str) -> bool {
        self.client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        match self.next().await {
            Some(Incoming::SubAck(ack)) => matches!(ack.return_codes.as_slice(), [SubscribeReasonCode::Success(_)]),
            other => panic!("{filter}: {other:?}"),
        }
    }

    /// What was delivered until now: all that came before the answer to a question of ours.
    pub(crate) async fn heard(&mut self) -> Vec<String> {
        assert!(!self.may_publish("nobody's/topic", false).await);
        std::mem::take(&mut self.heard)
    }

    /// Waits until the broker throws us out.
    pub(crate) async fn thrown_out(&mut self) -> bool {
        loop {
            match self.next().await {
                Some(Incoming::Disconnect(Disconnect { reason_code, .. })) => {
                    return reason_code == DisconnectReasonCode::AdministrativeAction;
                }
                None => return true,
                Some(_) => {}
            }
        }
    }

    /// Whether the connection still stands.
    pub(crate) fn stands(&self) -> bool {
        !self.task.is_finished()
    }
}

/// What a connection ended with is for a person who looks into a failed test.
fn tracing_of(error: &ConnectionError) {
    tracing::debug!(%error, "a test's connection ended");
}
