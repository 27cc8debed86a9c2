//! A client of the bus: asks and is answered, tells, publishes events and states, watches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use catalog::{Command, Event, Notice, Owner, Qos, State, envelope, topic};
use observability::metrics;
use rumqttc::v5::mqttbytes::v5::{Filter, Publish, PublishProperties};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use vocabulary::{
    Clock, Fault,
    ids::{AccountName, ClientName, fresh_uuid},
};

use crate::{
    Address, Ask, Connection, Credentials, Delivery, Watch,
    delivery::{Watcher, wire_qos},
    link::{Link, Receiver, filter},
    peers::{Peers, owner_of_health},
    retained::{Retained, retained_publish},
};

/// The first and the longest pause before a question is sent again.
const REPEAT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));
/// How long publishing may wait for room on the connection.
const PUBLISH_LIMIT: Duration = Duration::from_secs(5);
/// The most questions that wait for their answers at once.
const MOST_QUESTIONS: usize = 20_000;

/// How to connect.
#[derive(Debug, Clone)]
pub struct BusOptions {
    /// Where the broker is.
    pub address: Address,
    /// The MQTT client id, unique at the broker.
    pub client_id: String,
    /// The login, where the broker asks for one.
    pub credentials: Option<Credentials>,
    /// The account that reply topics belong to: the login's, or `operator` on a broker that is not ours.
    pub account: AccountName,
    /// What to call oneself in `source`: `coordinator:telescope`, `user:ann`.
    pub source: String,
    /// Retained by the broker when the connection is lost: a topic and a payload.
    pub last_will: Option<(String, Vec<u8>)>,
    /// How TLS is spoken, where the address says so: whom we trust, and the certificate that we show.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Where now comes from.
    pub clock: Clock,
}

/// A client of the bus. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Bus {
    link: Link,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: BusOptions,
    client: ClientName,
    state: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    questions: HashMap<String, oneshot::Sender<Result<Bytes, Fault>>>,
    watchers: Vec<Watcher>,
    retained: Retained,
    peers: Peers,
    qos: HashMap<String, Qos>,
    token: Option<String>,
    dropped: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The receiving side of the connection.
struct Inbox {
    shared: Arc<Shared>,
    client: watch::Receiver<Option<rumqttc::v5::AsyncClient>>,
}

impl Receiver for Inbox {
    fn deliver(&mut self, publish: Publish) {
        let delivery = Delivery::of(publish);
        let mut inner = self.shared.lock();
        if topic::account_of_reply(&delivery.topic).is_some() {
            let id = delivery.topic.rsplit('/').next().unwrap_or_default();
            if let Some(question) = inner.questions.remove(id) {
                let _ = question.send(Ok(delivery.payload));
                return;
            }
        }
        if let Some(owner) = owner_of_health(&delivery.topic) {
            inner.peers.hear(owner, &delivery.payload);
        }
        if delivery.retained
            && !delivery.payload.is_empty()
            && let Some(clearing) = inner.retained.clearing(&delivery.topic)
        {
            if let Some(client) = self.client.borrow().as_ref() {
                let _ = client.try_publish(delivery.topic.clone(), clearing.qos, true, Bytes::new());
            }
            return;
        }
        let mut dropped = 0;
        inner.watchers.retain(|watcher| {
            if !watcher.wants(&delivery.topic) {
                return true;
            }
            match watcher.deliveries.try_send(delivery.clone()) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    dropped += 1;
                    true
                }
                Err(mpsc::error::TrySendError::Closed(_)) => false,
            }
        });
        if dropped > 0 {
            inner.dropped += dropped;
            metrics::counter!(metrics::DEAD_LETTERS_TOTAL, "reason" => "queue full").increment(dropped);
        }
    }

    fn connected(&mut self) -> Vec<Publish> {
        self.shared.lock().retained.all()
    }

    fn standing(&mut self) -> Vec<Publish> {
        self.shared.lock().retained.take_changed()
    }

    fn refused(&mut self) {
        let mut inner = self.shared.lock();
        // Which publish was refused is only plain where one question alone is open; the others end by their limits.
        if inner.questions.len() == 1 {
            let account = &self.shared.options.account;
            for (_, question) in inner.questions.drain() {
                let _ = question.send(Err(Fault::forbidden(format!("broker does not let {account} send this"))
                    .hint("ask an administrator for the right")));
            }
        }
    }

    fn filters(&self) -> Vec<Filter> {
        let inner = self.shared.lock();
        let replies = topic::replies(&self.shared.options.account, &self.shared.client);
        let mut wanted: Vec<Filter> = inner.watched().map(|(path, qos)| filter(path.clone(), *qos)).collect();
        wanted.push(filter(topic::EVERY_HEALTH.to_owned(), Qos::AtLeastOnce));
        let mut filters = vec![filter(replies, Qos::AtLeastOnce)];
        filters.extend(inner.retained.claimed().map(|claimed| claim(claimed.clone())));
        for (index, narrow) in wanted.iter().enumerate() {
            // Of two that cover each other, being the same, the first stays.
            let is_covered = wanted.iter().enumerate().any(|(other, wide)| {
                other != index
                    && topic::covers(&wide.path, &narrow.path)
                    && (other < index || !topic::covers(&narrow.path, &wide.path))
            });
            if !is_covered {
                filters.push(narrow.clone());
            }
        }
        filters
    }
}

impl Inner {
    /// Every filter that somebody watches.
    fn watched(&self) -> impl Iterator<Item = &(String, Qos)> {
        self.watchers.iter().flat_map(|watcher| watcher.filters.iter())
    }
}

/// The subscription to one's own states: what stands is wanted, what one publishes oneself is not.
fn claim(path: String) -> Filter {
    Filter { nolocal: true, ..filter(path, Qos::AtLeastOnce) }
}

impl Bus {
    /// Opens a connection, which is made and kept up in the background.
    pub fn open(options: BusOptions) -> Self {
        let shared = Arc::new(Shared { client: ClientName::fresh(), state: Mutex::default(), options });
        let (client, known) = watch::channel(None);
        let link = Link::open(&shared.options, Inbox { shared: Arc::clone(&shared), client: known });
        let _ = client.send(Some(link.client.clone()));
        Self { link, shared }
    }

    /// Opens a connection and waits until it stands.
    ///
    /// # Errors
    /// `unavailable` where it does not stand within `limit`; nothing is left behind then.
    pub async fn connect(options: BusOptions, limit: Duration) -> Result<Self, Fault> {
        let bus = Self::open(options);
        if let Err(fault) = bus.ready(limit).await {
            bus.abandon();
            return Err(fault);
        }
        Ok(bus)
    }

    /// Waits until the connection stands.
    ///
    /// # Errors
    /// `unavailable` where it does not within `limit`.
    pub async fn ready(&self, limit: Duration) -> Result<(), Fault> {
        self.link.up(limit).await
    }

    /// How the connection stands, and changes.
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.link.connection.clone()
    }

    /// The options that it was opened with.
    pub fn options(&self) -> &BusOptions {
        &self.shared.options
    }

    /// How many deliveries were dropped because nobody took them in time.
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    /// Lets settings override the quality of service of messages, by name.
    pub fn override_qos(&self, qos: HashMap<String, Qos>) {
        self.shared.lock().qos = qos;
    }

    /// Brings this token with every question and notice from now on: on a broker that is not ours it is all that tells who asks.
    pub fn bring(&self, token: Option<String>) {
        self.shared.lock().token = token;
    }

    /// Disconnects in good order, after what is on its way was sent.
    pub async fn close(&self) {
        self.link.close().await;
    }

    /// Drops the connection as a crash would.
    pub fn abandon(&self) {
        self.link.abandon();
    }

    /// A topic under our own reply prefix. What comes there and answers no question goes to whoever watches it.
    pub fn own_topic(&self, level: &str) -> String {
        topic::reply(&self.shared.options.account, &self.shared.client, level)
    }

    /// Watches some filters, from now on and across reconnections, with room for `capacity` messages.
    ///
    /// # Errors
    /// `unavailable` where the subscription can't be sent; `forbidden`, naming them, where the broker refuses some of the filters.
    pub async fn watch(&self, filters: &[(String, Qos)], capacity: usize) -> Result<Watch, Fault> {
        let (sender, deliveries) = mpsc::channel(capacity);
        self.shared.lock().watchers.push(Watcher { filters: filters.to_vec(), deliveries: sender });
        let wanted = filters.iter().map(|(path, qos)| filter(path.clone(), *qos)).collect::<Vec<_>>();
        // While the connection is down the next one subscribes.
        if matches!(*self.link.connection.borrow(), Connection::Up(_)) {
            let subscribed = tokio::time::timeout(PUBLISH_LIMIT, self.link.subscribe(wanted)).await;
            let granted = subscribed.map_err(|_| full())?.map_err(|_| closed())?.unwrap_or_default();
            let refused = filters.iter().zip(granted).filter(|(_, granted)| !granted);
            let refused: Vec<&str> = refused.map(|((path, _), _)| path.as_str()).collect();
            if !refused.is_empty() {
                drop(deliveries);
                self.shared.lock().watchers.retain(|watcher| !watcher.deliveries.is_closed());
                return Err(not_for_us(&self.shared.options.account, &refused));
            }
            let covers_health = |path: &str| path != topic::EVERY_HEALTH && topic::covers(path, topic::EVERY_HEALTH);
            if filters.iter().any(|(path, _)| covers_health(path)) {
                let leaving = self.link.client.unsubscribe(topic::EVERY_HEALTH);
                tokio::time::timeout(PUBLISH_LIMIT, leaving).await.map_err(|_| full())?.map_err(|_| closed())?;
            }
        }
        Ok(Watch { deliveries })
    }

    /// Which of these filters the broker lets us read.
    ///
    /// # Errors
    /// `unavailable` where the broker does not say.
    pub async fn granted(&self, filters: Vec<String>) -> Result<Vec<String>, Fault> {
        let wanted = filters.iter().map(|path| filter(path.clone(), Qos::AtLeastOnce)).collect();
        let subscribed = tokio::time::timeout(PUBLISH_LIMIT, self.link.subscribe(wanted)).await;
        let granted = subscribed.map_err(|_| full())?.map_err(|_| closed())?.ok_or_else(closed)?;
        Ok(filters.into_iter().zip(granted).filter(|(_, granted)| *granted).map(|(path, _)| path).collect())
    }

    /// Publishes bytes on a topic.
    ///
    /// # Errors
    /// `unavailable` where there is no room on the connection for a while.
    pub async fn publish(&self, publish: Outgoing) -> Result<(), Fault> {
        let Outgoing { topic, payload, qos, retain, response_topic, correlation_data, token } = publish;
        let properties = PublishProperties {
            response_topic,
            correlation_data,
            user_properties: token.map(|token| ("token".to_owned(), token)).into_iter().collect(),
            ..PublishProperties::default()
        };
        let sending = self.link.client.publish_with_properties(topic, wire_qos(qos), retain, payload, properties);
        tokio::time::timeout(PUBLISH_LIMIT, sending).await.map_err(|_| full())?.map_err(|_| closed())
    }

    /// Asks for what a command promises.
    ///
    /// # Errors
    /// The owner's fault; `timeout` where no answer came (acceptance unknown); `unavailable` where the owner or the broker is gone.
    pub async fn ask<C: Command>(&self, command: &C) -> Result<C::Reply, Fault> {
        self.ask_as(C::NAME, command, C::LIMIT, C::QOS, Ask::default()).await
    }

    /// The same for a command that the frame gives to every coordinator.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_of<C: Command>(&self, owner: Owner, command: &C) -> Result<C::Reply, Fault> {
        let name = format!("{}/{}", owner.word(), C::NAME);
        self.ask_as(&name, command, C::LIMIT, C::QOS, Ask::default()).await
    }

    async fn ask_as<C: Serialize, R: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        command: &C,
        limit: Duration,
        qos: Qos,
        ask: Ask,
    ) -> Result<R, Fault> {
        let payload = serde_json::to_value(command).map_err(|e| Fault::internal(e.to_string()))?;
        let ask = Ask { limit: ask.limit.or(Some(limit)), ..ask };
        let reply = self.ask_topic(&topic::inbound(name), without_nulls(payload), qos, ask).await?;
        serde_json::from_value(Value::Object(reply))
            .map_err(|e| Fault::internal(format!("answer to {name} can't be read: {e}")))
    }

    /// Asks on a topic with any payload; the answer's own fields come back. The question is repeated under the same id until the limit.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_topic(
        &self,
        topic: &str,
        payload: Value,
        qos: Qos,
        ask: Ask,
    ) -> Result<Map<String, Value>, Fault> {
        let limit = ask.limit.unwrap_or(Duration::from_secs(30));
        let end = tokio::time::Instant::now() + limit;
        let options = &self.shared.options;
        let now = options.clock.now();
        let level = fresh_uuid().to_string();
        let reply_to = self.own_topic(&level);
        let mut question = envelope::wrap("command", &options.source, ask.timestamp.unwrap_or(now), &payload);
        question["reply_to"] = json!(reply_to);
        question["deadline"] = json!(ask.deadline.unwrap_or_else(|| now.plus(limit)));
        if let Some(id) = &ask.id {
            question["message_id"] = json!(id);
        }
        let brought = self.shared.lock().token.clone();
        let mut asking = Asking { bus: self, level: level.clone(), answer: self.expect_answer(&level)? };
        let publish = Outgoing {
            topic: topic.to_owned(),
            payload: Bytes::from(question.to_string()),
            qos,
            retain: false,
            response_topic: Some(reply_to),
            correlation_data: Some(Bytes::from(level)),
            token: ask.token.or(brought),
        };
        asking.until(end, publish).await
    }

    fn expect_answer(&self, level: &str) -> Result<oneshot::Receiver<Result<Bytes, Fault>>, Fault> {
        let (answered, answer) = oneshot::channel();
        let mut inner = self.shared.lock();
        if inner.questions.len() >= MOST_QUESTIONS {
            return Err(Fault::busy(format!("{MOST_QUESTIONS} questions wait for their answers")).hint("ask later"));
        }
        inner.questions.insert(level.to_owned(), answered);
        Ok(answer)
    }

    /// Tells a notice.
    ///
    /// # Errors
    /// `unavailable` where it can't be sent.
    pub async fn tell<N: Notice>(&self, notice: &N) -> Result<(), Fault> {
        let token = self.shared.lock().token.clone();
        let options = &self.shared.options;
        let wrapped = envelope::wrap("event", &options.source, options.clock.now(), notice);
        let (topic, qos) = (topic::inbound(N::NAME), self.qos_of(N::NAME, N::QOS));
        let payload = Bytes::from(wrapped.to_string());
        self.publish(Outgoing { topic, payload, qos, token, ..Outgoing::default() }).await
    }

    /// Publishes an event.
    ///
    /// # Errors
    /// `unavailable` where it can't be sent.
    pub async fn emit<E: Event>(&self, event: &E) -> Result<(), Fault> {
        self.publish_wrapped(topic::event(E::NAME), E::NAME, "event", event, E::QOS).await
    }

    async fn publish_wrapped(
        &self,
        topic: String,
        name: &str,
        kind: &str,
        payload: &impl Serialize,
        qos: Qos,
    ) -> Result<(), Fault> {
        let options = &self.shared.options;
        let wrapped = envelope::wrap(kind, &options.source, options.clock.now(), payload);
        let qos = self.qos_of(name, qos);
        self.publish(Outgoing { topic, payload: Bytes::from(wrapped.to_string()), qos, ..Outgoing::default() }).await
    }

    fn qos_of(&self, name: &str, declared: Qos) -> Qos {
        self.shared.lock().qos.get(name).copied().unwrap_or(declared)
    }

    /// Publishes a state, which stands until it is published again; it is published again by itself after every reconnection.
    ///
    /// # Errors
    /// `busy` where too many states are kept; `unavailable` where it can't be sent.
    pub async fn retain<S: State>(&self, key: &str, state: &S) -> Result<(), Fault> {
        let options = &self.shared.options;
        let wrapped = envelope::wrap("status", &options.source, options.clock.now(), state);
        self.retain_bytes(&topic::state(S::NAME, key), Bytes::from(wrapped.to_string()), self.qos_of(S::NAME, S::QOS))
            .await
    }

    /// Publishes the one state that has no key, bare.
    ///
    /// # Errors
    /// As [`Self::retain`].
    pub async fn retain_bare<S: State>(&self, state: &S) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(state).map_err(|e| Fault::internal(e.to_string()))?;
        self.retain_bytes(&topic::inbound(S::NAME), Bytes::from(bytes), S::QOS).await
    }

    /// Publishes the health of a coordinator.
    ///
    /// # Errors
    /// As [`Self::retain`].
    pub async fn report(&self, owner: Owner, report: &health::Report) -> Result<(), Fault> {
        let wrapped = envelope::wrap("status", &owner.source(), self.shared.options.clock.now(), report);
        self.retain_bytes(&topic::health(owner), Bytes::from(wrapped.to_string()), Qos::AtLeastOnce).await
    }

    async fn retain_bytes(&self, topic: &str, payload: Bytes, qos: Qos) -> Result<(), Fault> {
        if !self.shared.lock().retained.keep(topic, payload.clone(), qos) {
            return Err(Fault::busy(format!("{topic} is one state too many")).hint("clear states that are over"));
        }
        // While the connection is down the next one publishes it.
        if matches!(*self.link.connection.borrow(), Connection::Up(_)) {
            let Publish { qos: wire, .. } = retained_publish(topic, Bytes::new(), qos);
            let sending = self.link.client.publish(topic, wire, true, payload);
            tokio::time::timeout(PUBLISH_LIMIT, sending).await.map_err(|_| full())?.map_err(|_| closed())?;
        }
        Ok(())
    }

    /// Takes a state away.
    ///
    /// # Errors
    /// `unavailable` where that can't be sent.
    pub async fn clear<S: State>(&self, key: &str) -> Result<(), Fault> {
        let topic = topic::state(S::NAME, key);
        self.shared.lock().retained.forget(&topic);
        self.publish(Outgoing { topic, qos: Qos::AtLeastOnce, retain: true, ..Outgoing::default() }).await
    }

    /// From now on clears every state of `owner` that stands at the broker and was not published by this client: dead keys.
    ///
    /// # Errors
    /// `unavailable` where the subscription can't be sent.
    pub async fn claim_states(&self, owner: Owner) -> Result<(), Fault> {
        let claimed = topic::state(&format!("{}/+", owner.word()), "#");
        self.shared.lock().retained.claim(claimed.clone());
        if matches!(*self.link.connection.borrow(), Connection::Up(_)) {
            let subscribing = self.link.client.subscribe_many([claim(claimed)]);
            tokio::time::timeout(PUBLISH_LIMIT, subscribing).await.map_err(|_| full())?.map_err(|_| closed())?;
        }
        Ok(())
    }
}

/// A message to be published as it is.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Bytes,
    /// How.
    pub qos: Qos,
    /// Whether the broker keeps it.
    pub retain: bool,
    /// The MQTT 5 response topic.
    pub response_topic: Option<String>,
    /// The MQTT 5 correlation data.
    pub correlation_data: Option<Bytes>,
    /// A token, as a user property.
    pub token: Option<String>,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            topic: String::new(),
            payload: Bytes::new(),
            qos: Qos::AtLeastOnce,
            retain: false,
            response_topic: None,
            correlation_data: None,
            token: None,
        }
    }
}

/// A question on its way; dropped, it waits no longer.
struct Asking<'a> {
    bus: &'a Bus,
    level: String,
    answer: oneshot::Receiver<Result<Bytes, Fault>>,
}

impl Asking<'_> {
    /// Sends the question, again and again under the same id, until it is answered or the end has come.
    async fn until(&mut self, end: tokio::time::Instant, publish: Outgoing) -> Result<Map<String, Value>, Fault> {
        let mut pause = REPEAT.0;
        let mut sent_over = None;
        let mut connection = self.bus.link.connection.clone();
        loop {
            let standing = match *connection.borrow_and_update() {
                Connection::Up(number) => Some(number),
                Connection::Down(_) => None,
            };
            if let Some(number) = standing {
                if sent_over.is_none()
                    && let Some(owner) = self.bus.shared.lock().peers.is_gone(&publish.topic)
                {
                    return Err(Fault::unavailable(format!("{} is not running", owner.component()))
                        .hint("start it, or see `bigskies doctor`"));
                }
                self.bus.publish(publish.clone()).await?;
                sent_over = Some(number);
            }
            tokio::select! {
                answer = &mut self.answer => return match answer {
                    Ok(answer) => envelope::read_answer(&answer?),
                    Err(_) => Err(closed()),
                },
                () = tokio::time::sleep_until(end) => return Err(self.unanswered(&publish.topic, sent_over.is_some())),
                () = tokio::time::sleep(pause), if standing.is_some() => pause = (pause * 2).min(REPEAT.1),
                // A new connection: what was asked over the old one may be lost.
                changed = connection.changed() => if changed.is_err() { return Err(closed()) },
            }
        }
    }

    fn unanswered(&self, topic: &str, sent: bool) -> Fault {
        if sent {
            Fault::timeout(format!("no answer came from {topic}"))
                .hint("whether it was accepted is unknown: ask for the state before asking again")
        } else {
            let why = match &*self.bus.link.connection.borrow() {
                Connection::Down(why) => why.clone(),
                Connection::Up(_) => "the connection came too late".to_owned(),
            };
            Fault::unavailable(format!("broker can't be reached: {why}"))
                .hint("it was never sent; see that the broker runs, then ask again")
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.bus.shared.lock().questions.remove(&self.level);
    }
}

/// The same object without fields that are null: optional fields need not be named.
fn without_nulls(mut payload: Value) -> Value {
    if let Some(object) = payload.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    payload
}

fn not_for_us(account: &AccountName, refused: &[&str]) -> Fault {
    Fault::forbidden(format!("broker does not let {account} read {}", refused.join(", ")))
        .hint("name narrower filters; an administrator can give the right to read more")
}

fn full() -> Fault {
    Fault::unavailable("bus has no room: the broker takes messages too slowly").hint("try again later")
}

fn closed() -> Fault {
    Fault::unavailable("bus is closed")
}
