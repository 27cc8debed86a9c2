//! One MQTT connection: kept up with backoff, its subscriptions and unsent messages carried over from one connection to the next.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use observability::metrics;
use rumqttc::{
    Outgoing, TlsConfiguration, Transport,
    v5::{
        AsyncClient, ClientError, ConnectionError, Event, EventLoop, Incoming, MqttOptions, Request,
        mqttbytes::v5::{
            Filter, LastWill, PubAckReason, Publish, RetainForwardRule, SubAck, Subscribe, SubscribeReasonCode,
        },
    },
};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use vocabulary::Fault;

use crate::{BusOptions, delivery::wire_qos};

/// The shortest and the longest pause before connecting again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// The most messages that are carried over from one connection to the next.
const CARRIED_OVER: usize = 10_000;
/// Room for messages on their way to the connection.
const CHANNEL: usize = 1024;
/// The largest packet that is accepted, in bytes.
const LARGEST_PACKET_BYTES: u32 = 1024 * 1024 + 1024;

/// How a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// There is none yet, or not again yet; why, if that is known.
    Down(String),
    /// It stands, for the so-many-th time, with all subscriptions made.
    Up(u64),
}

/// What a link tells whoever owns it.
pub(crate) trait Receiver: Send + 'static {
    /// A message came.
    fn deliver(&mut self, publish: Publish);
    /// The connection stands again; what is returned is published before anything else.
    fn connected(&mut self) -> Vec<Publish>;
    /// Everybody knows now that it stands; what is returned changed too late to be among the first and too early to be sent by itself.
    fn standing(&mut self) -> Vec<Publish>;
    /// The broker does not let us publish something; it does not say what.
    fn refused(&mut self);
    /// The filters to subscribe to at every connection.
    fn filters(&self) -> Vec<Filter>;
}

/// Who waits for the acknowledgements of subscriptions, in the order in which these were sent; brokers acknowledge in that order.
type Acknowledged = Arc<Mutex<VecDeque<Awaited>>>;

/// An acknowledgement that is to come; nobody waits for that of a new connection.
type Awaited = Option<Arc<Waiting>>;

/// Who waits for it.
type Waiting = Mutex<Option<oneshot::Sender<Vec<bool>>>>;

/// Takes back that an acknowledgement is to come, unless the subscription was sent: it would not come, and each of those that come would
/// be taken for the one before it.
struct Unsent<'a> {
    acknowledged: &'a Acknowledged,
    waiting: Option<Arc<Waiting>>,
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = &self.waiting {
            let is_other = |awaited: &Awaited| awaited.as_ref().is_none_or(|other| !Arc::ptr_eq(other, waiting));
            lock(self.acknowledged).retain(is_other);
        }
    }
}

/// A handle on the connection.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) client: AsyncClient,
    pub(crate) connection: watch::Receiver<Connection>,
    subscribing: Arc<tokio::sync::Mutex<()>>,
    acknowledged: Acknowledged,
    stop: CancellationToken,
    stopped: watch::Receiver<bool>,
}

impl Link {
    /// Opens the connection in a task of its own; it is made again until the link is closed.
    pub(crate) fn open<R: Receiver>(options: &BusOptions, receiver: R) -> Self {
        let (client, events) = AsyncClient::new(mqtt_options(options), CHANNEL);
        let (up, connection) = watch::channel(Connection::Down("not connected yet".to_owned()));
        let (ended, stopped) = watch::channel(false);
        let stop = CancellationToken::new();
        let acknowledged = Acknowledged::default();
        let run = Run {
            acknowledged: Arc::clone(&acknowledged),
            events,
            receiver,
            up,
            stop: stop.clone(),
            name: Arc::from(options.client_id.as_str()),
            connections: 0,
            backoff: BACKOFF.0,
            subscribing: false,
        };
        tokio::spawn(async move {
            run.until_closed().await;
            let _ = ended.send(true);
        });
        Self { client, connection, subscribing: Arc::default(), acknowledged, stop, stopped }
    }

    /// Subscribes, and tells of each filter whether the broker granted it; nothing where the connection was lost meanwhile.
    pub(crate) async fn subscribe(&self, filters: Vec<Filter>) -> Result<Option<Vec<bool>>, ClientError> {
        let granted = {
            let _turn = self.subscribing.lock().await;
            let (sender, granted) = oneshot::channel();
            let waiting = Arc::new(Waiting::new(Some(sender)));
            lock(&self.acknowledged).push_back(Some(Arc::clone(&waiting)));
            let mut unsent = Unsent { acknowledged: &self.acknowledged, waiting: Some(waiting) };
            // Who waits for room may give up.
            self.client.subscribe_many(filters).await?;
            unsent.waiting = None;
            granted
        };
        Ok(granted.await.ok())
    }

    /// Waits until the connection stands.
    pub(crate) async fn up(&self, limit: Duration) -> Result<(), Fault> {
        let mut connection = self.connection.clone();
        let up = connection.wait_for(|c| matches!(c, Connection::Up(_)));
        match tokio::time::timeout(limit, up).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Fault::unavailable("bus is closed")),
            Err(_) => {
                let why = match &*self.connection.borrow() {
                    Connection::Down(why) => why.clone(),
                    Connection::Up(_) => String::new(),
                };
                Err(Fault::unavailable(format!("broker can't be reached: {why}"))
                    .hint("see that it runs and that address and credentials are right"))
            }
        }
    }

    /// Sends what is on its way, disconnects and ends the task; bounded.
    pub(crate) async fn close(&self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.client.disconnect()).await;
        let mut stopped = self.stopped.clone();
        if tokio::time::timeout(Duration::from_secs(2), stopped.wait_for(|s| *s)).await.is_err() {
            self.stop.cancel();
        }
    }

    /// Drops the connection as a crash would, without a word to the broker.
    pub(crate) fn abandon(&self) {
        self.stop.cancel();
    }
}

/// The options of the client library.
fn mqtt_options(options: &BusOptions) -> MqttOptions {
    let mut mqtt = MqttOptions::new(&options.client_id, &options.address.host, options.address.port);
    mqtt.set_keep_alive(Duration::from_secs(15)).set_clean_start(true).set_connection_timeout(5);
    mqtt.set_max_packet_size(Some(LARGEST_PACKET_BYTES));
    mqtt.set_outgoing_inflight_upper_limit(1000);
    if let Some(login) = &options.credentials {
        mqtt.set_credentials(login.account.as_str(), &login.password);
    }
    if let Some((topic, payload)) = &options.last_will {
        let will = LastWill::new(topic, payload.clone(), wire_qos(catalog::Qos::AtLeastOnce), true, None);
        mqtt.set_last_will(will);
    }
    // An address with TLS and no configuration is refused before it comes here.
    if let Some(config) = options.tls.as_ref().filter(|_| options.address.tls) {
        mqtt.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::clone(config))));
    }
    let mut network = mqtt.network_options();
    // Otherwise a round trip takes 44 ms: Nagle on our side, delayed acknowledgements on the other.
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(5);
    mqtt.set_network_options(network);
    mqtt
}

/// The task behind a link.
struct Run<R> {
    events: EventLoop,
    acknowledged: Acknowledged,
    receiver: R,
    up: watch::Sender<Connection>,
    stop: CancellationToken,
    name: Arc<str>,
    connections: u64,
    backoff: Duration,
    subscribing: bool,
}

impl<R: Receiver> Run<R> {
    async fn until_closed(mut self) {
        let mut carried = VecDeque::new();
        loop {
            let polled = tokio::select! {
                polled = self.events.poll() => polled,
                () = self.stop.cancelled() => break,
            };
            match polled {
                Ok(Event::Incoming(Incoming::Publish(publish))) => self.receiver.deliver(publish),
                Ok(Event::Incoming(Incoming::ConnAck(_))) => self.resume(std::mem::take(&mut carried)),
                Ok(Event::Incoming(Incoming::SubAck(answer))) => self.granted(&answer),
                Ok(Event::Incoming(Incoming::PubAck(answer))) if answer.reason == PubAckReason::NotAuthorized => {
                    self.receiver.refused();
                }
                Ok(Event::Outgoing(Outgoing::Disconnect)) => break,
                Ok(_) => {}
                Err(ConnectionError::RequestsDone) => break,
                Err(error) => {
                    carried.extend(self.events.pending.drain(..).filter_map(carry_over));
                    carried.truncate(CARRIED_OVER);
                    if self.pause(&error).await.is_err() {
                        break;
                    }
                }
            }
        }
        let _ = self.up.send(Connection::Down("closed".to_owned()));
    }

    /// The broker answered a subscription: that of a new connection, or a later one.
    fn granted(&mut self, answer: &SubAck) {
        let granted: Vec<bool> =
            answer.return_codes.iter().map(|code| matches!(code, SubscribeReasonCode::Success(_))).collect();
        if granted.contains(&false) {
            tracing::debug!(client = %self.name, ?granted, "broker refused to send something");
        }
        let awaited = lock(&self.acknowledged).pop_front().flatten();
        if let Some(waiting) = awaited.and_then(|waiting| lock(&waiting).take()) {
            let _ = waiting.send(granted);
        }
        if self.subscribing {
            self.stand();
        }
    }

    /// A new connection: subscriptions first, then what the receiver wants published, then what was left unsent.
    fn resume(&mut self, carried: VecDeque<Request>) {
        let filters = self.receiver.filters();
        self.subscribing = !filters.is_empty();
        {
            let mut acknowledged = lock(&self.acknowledged);
            acknowledged.clear();
            if self.subscribing {
                acknowledged.push_back(None);
            }
        }
        let mut requests = VecDeque::new();
        if self.subscribing {
            requests.push_back(Request::Subscribe(Subscribe::new_many(filters, None)));
        }
        requests.extend(self.receiver.connected().into_iter().map(Request::Publish));
        requests.extend(carried);
        requests.extend(self.events.pending.drain(..));
        self.events.pending = requests;
        if !self.subscribing {
            self.stand();
        }
    }

    fn stand(&mut self) {
        self.subscribing = false;
        self.connections += 1;
        self.backoff = BACKOFF.0;
        if self.connections > 1 {
            metrics::counter!(metrics::RECONNECTS_TOTAL, "client" => self.name.to_string()).increment(1);
        }
        tracing::debug!(client = %self.name, connection = self.connections, "bus is connected");
        let _ = self.up.send(Connection::Up(self.connections));
        self.events.pending.extend(self.receiver.standing().into_iter().map(Request::Publish));
    }

    /// Waits before the next attempt: longer each time, with some chance in it so that clients don't come back all at once.
    async fn pause(&mut self, error: &ConnectionError) -> Result<(), ()> {
        let was_up = matches!(*self.up.borrow(), Connection::Up(_));
        let _ = self.up.send(Connection::Down(error.to_string()));
        if was_up {
            tracing::warn!(client = %self.name, %error, "bus lost its connection");
        } else {
            tracing::debug!(client = %self.name, %error, "bus can't connect");
        }
        let wait = self.backoff.mul_f64(rand::random_range(0.5..1.5));
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.stop.cancelled() => Err(()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What of the last connection goes into the next: messages with a promise, as new ones, and changes of subscriptions not at all,
/// since all are made anew.
fn carry_over(request: Request) -> Option<Request> {
    match request {
        Request::Publish(publish) if publish.qos != wire_qos(catalog::Qos::AtMostOnce) => {
            Some(Request::Publish(Publish { pkid: 0, dup: false, ..publish }))
        }
        Request::Disconnect => Some(Request::Disconnect),
        _ => None,
    }
}

/// A subscription; retained messages are sent with it.
pub(crate) fn filter(path: String, qos: catalog::Qos) -> Filter {
    Filter {
        path,
        qos: wire_qos(qos),
        nolocal: false,
        preserve_retain: false,
        retain_forward_rule: RetainForwardRule::OnEverySubscribe,
    }
}

#[cfg(test)]
mod tests {
    use rumqttc::v5::mqttbytes::QoS;

    use super::*;

    #[tokio::test]
    async fn who_gives_up_before_it_is_sent_leaves_no_gap() {
        // What is sent stays on its way, since nobody looks after the connection.
        let (client, _events) = AsyncClient::new(MqttOptions::new("tester", "127.0.0.1", 1), CHANNEL);
        let (_up, connection) = watch::channel(Connection::Up(1));
        let (_ended, stopped) = watch::channel(false);
        let (subscribing, acknowledged) = (Arc::default(), Acknowledged::default());
        let link = Link { client, connection, subscribing, acknowledged, stop: CancellationToken::new(), stopped };
        let wait = Duration::from_millis(50);
        let subscribe = || link.subscribe(vec![filter("x".to_owned(), catalog::Qos::AtLeastOnce)]);
        assert!(tokio::time::timeout(wait, subscribe()).await.is_err());
        assert_eq!(lock(&link.acknowledged).len(), 1, "the broker will answer what was sent, though nobody waits");
        while link.client.try_publish("x", QoS::AtLeastOnce, false, "x").is_ok() {}
        assert!(tokio::time::timeout(wait, subscribe()).await.is_err());
        assert_eq!(lock(&link.acknowledged).len(), 1);
    }
}
