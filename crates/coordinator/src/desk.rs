//! The desk where messages arrive: read, attributed, authorised, bounded, and put into their lane; it never waits for anything.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use bus::{Delivery, Outgoing, Watch};
use bytes::Bytes;
use catalog::{Effect, Kind, Lane as LaneName, Owner, Privacy, Qos, envelope};
use envelope::{Header, LARGEST_PAYLOAD_BYTES};
use futures::FutureExt;
use observability::metrics;
use serde_json::{Map, Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vocabulary::{Fault, Timestamp};

use crate::{
    Caller, Coordinator, Cx, FrameSettings,
    answers::ReplyTo,
    cx::Notes,
    lanes::{Job, Lane},
    memory::{Remembered, Todo, fingerprint},
    routes::{Prepared, Route},
    shift::Shared,
};

/// A deadline may be this far away at most.
const FARTHEST_DEADLINE: Duration = Duration::from_secs(3600);
/// How many commands of the instant and the slow lane are executed at once, each.
const FEW: usize = 8;
/// How many safety commands are executed at once.
const SAFETY_CONCURRENCY: usize = 256;
/// The level of our own reply topic on which the messages of fences come back.
pub(crate) const FENCE: &str = "fence";

/// The lanes of a coordinator.
#[derive(Clone)]
pub(crate) struct Lanes {
    instant: Lane,
    ordinary: Lane,
    slow: Lane,
    safety: Lane,
}

impl Lanes {
    pub(crate) fn new(owner: Owner, settings: &FrameSettings, tracker: &TaskTracker) -> Self {
        let lane = |name: LaneName, concurrency: usize| {
            let capacity = settings.queue_capacity as usize;
            Lane::new(owner.name(), name.as_str(), capacity, concurrency, tracker.clone())
        };
        Self {
            instant: lane(LaneName::Instant, FEW),
            ordinary: lane(LaneName::Ordinary, settings.concurrency as usize),
            slow: lane(LaneName::Slow, FEW),
            safety: lane(LaneName::Safety, SAFETY_CONCURRENCY),
        }
    }

    pub(crate) fn resize(&self, settings: &FrameSettings) {
        self.ordinary.resize(settings.queue_capacity as usize, settings.concurrency as usize);
        self.slow.resize(settings.queue_capacity as usize, FEW);
    }

    fn named(&self, name: LaneName) -> &Lane {
        match name {
            LaneName::Instant => &self.instant,
            LaneName::Ordinary => &self.ordinary,
            LaneName::Slow => &self.slow,
            LaneName::Safety => &self.safety,
        }
    }
}

/// The desk.
pub(crate) struct Desk<C: Coordinator> {
    shared: Arc<Shared<C>>,
    routes: HashMap<String, Arc<Route<C>>>,
}

/// A message that passed the desk.
struct Passed<C: Coordinator> {
    route: Arc<Route<C>>,
    caller: Caller,
    header: Header,
    fingerprint: [u8; 32],
    deadline: Timestamp,
    prepared: Prepared<C>,
    overtaken: CancellationToken,
}

impl<C: Coordinator> Desk<C> {
    pub(crate) fn new(shared: Arc<Shared<C>>, routes: &[Arc<Route<C>>]) -> Self {
        let by_topic = |route: &Arc<Route<C>>| {
            let route = Arc::clone(route);
            route.entry.inbound_topics().into_iter().map(move |topic| (topic, Arc::clone(&route)))
        };
        Self { shared, routes: routes.iter().flat_map(by_topic).collect() }
    }

    /// Takes messages until the bus is closed. Waits only where refusals come faster than the bus takes them.
    pub(crate) async fn attend(&self, mut messages: Watch) {
        let fence_topic = self.shared.bus.own_topic(FENCE);
        while let Some(delivery) = messages.next().await {
            self.shared.answers.room().await;
            if delivery.topic == fence_topic {
                self.shared.fences.fall(&delivery.payload);
            } else {
                self.receive(&delivery);
            }
        }
    }

    /// Takes messages of safety, which wait for nothing, where there are any.
    pub(crate) async fn attend_safety(&self, messages: Option<Watch>) {
        let Some(mut messages) = messages else { return std::future::pending().await };
        while let Some(delivery) = messages.next().await {
            self.receive(&delivery);
        }
    }

    fn receive(&self, delivery: &Delivery) {
        // A retained command is one from the past; whoever retained it did not mean us now.
        if delivery.retained {
            return;
        }
        let Some(route) = self.routes.get(&delivery.topic) else { return };
        let labels = [("owner", C::OWNER.name().to_owned()), ("message", route.entry.name.to_string())];
        metrics::counter!(metrics::MESSAGES_TOTAL, &labels).increment(1);
        let read = envelope::read(&delivery.payload, &route.fields);
        let mut reply_to = ReplyTo::new(&route.entry, delivery, &read.header);
        match self.pass(route, delivery, read, &mut reply_to) {
            Ok(passed) => self.submit(delivery, passed, reply_to),
            Err(fault) => {
                count(route, fault.code.as_str(), delivery.received);
                self.shared.answers.post(&reply_to, fault);
            }
        }
    }

    /// Everything that is checked before a message may wait for its turn.
    fn pass(
        &self,
        route: &Arc<Route<C>>,
        delivery: &Delivery,
        read: envelope::Read,
        reply_to: &mut ReplyTo,
    ) -> Result<Passed<C>, Fault> {
        let entry = &route.entry;
        let header = read.header;
        let caller = self.shared.authority.caller(entry, delivery, &header)?;
        reply_to.allow(&caller)?;
        self.shared.authority.permits(&caller, entry.needs, None)?;
        if entry.privacy == Privacy::Private && !reply_to.is_private() {
            return Err(Fault::invalid(format!("{} is answered privately and brings no reply topic", entry.name))
                .hint("add an MQTT 5 response topic or reply_to of your own"));
        }
        // Who is to be stopped is known; when that was asked, and under which id, does not matter then.
        if let Some(complaint) = read.complaint.filter(|_| entry.lane != LaneName::Safety) {
            return Err(complaint);
        }
        let payload = payload_of(entry.kind, delivery, read.payload)?;
        on_whose_behalf(&caller, &payload)?;
        let now = self.shared.clock.now();
        let deadline = match entry.lane {
            LaneName::Safety => now.plus(entry.limit),
            _ => deadline_of(entry.limit, &header, now)?,
        };
        let fingerprint = fingerprint(&entry.name, &payload);
        let mut prepared = (route.prepare)(payload)?;
        prepared.scope = prepared.scope.map(|named| self.shared.coordinator.scope(named));
        Ok(Passed {
            route: Arc::clone(route),
            caller,
            header,
            fingerprint,
            deadline,
            prepared,
            overtaken: CancellationToken::new(),
        })
    }

    fn submit(&self, delivery: &Delivery, passed: Passed<C>, reply_to: ReplyTo) {
        let route = Arc::clone(&passed.route);
        let scope = passed.prepared.scope.clone();
        if let Some(fault) = self.stopped_on_its_way(&passed) {
            count(&route, fault.code.as_str(), delivery.received);
            return self.shared.answers.post(&reply_to, fault);
        }
        let received = delivery.received;
        let (shared, dropped_to, dropped_route) = (Arc::clone(&self.shared), reply_to.clone(), Arc::clone(&route));
        let (caller, id) = (passed.caller.account.to_string(), passed.header.message_id.clone());
        let refused_to = reply_to.clone();
        let job = Job {
            scope: scope.clone().filter(|_| route.entry.lane != LaneName::Safety),
            moves: route.entry.effect == Effect::Moves,
            overtaken: passed.overtaken.clone(),
            run: Box::pin(execute(Arc::clone(&self.shared), passed, reply_to, received)),
            drop_with: Box::new(move |fault| {
                if let Some(id) = id {
                    shared.recent.stop(&caller, &id, fault.clone());
                }
                Box::pin(async move {
                    count(&dropped_route, fault.code.as_str(), received);
                    shared.answers.send(&dropped_to, &Err(fault)).await;
                })
            }),
        };
        if let (LaneName::Safety, Some(scope)) = (route.entry.lane, &scope) {
            self.overtake(scope, &route.entry.name);
        }
        if self.shared.lanes.named(route.entry.lane).submit(job).is_err() {
            let fault = Fault::busy(format!("queue of {} is full", C::OWNER.component())).hint("try again later");
            count(&route, fault.code.as_str(), received);
            self.shared.answers.post(&refused_to, fault);
        }
    }

    /// The fault of a command that was sent to move something before safety stopped it. Its repeats get it too.
    fn stopped_on_its_way(&self, passed: &Passed<C>) -> Option<Fault> {
        let entry = &passed.route.entry;
        let scope = passed
            .prepared
            .scope
            .as_deref()
            .filter(|_| entry.effect == Effect::Moves && entry.lane != LaneName::Safety)?;
        let fault = overtaken(scope, &self.shared.fences.stopped(scope)?);
        if let Some(id) = &passed.header.message_id {
            self.shared.recent.stop(passed.caller.account.as_str(), id, fault.clone());
        }
        Some(fault)
    }

    /// Safety takes out what waits to move the same thing, and stops what is still on its way here: it must not move again once it was
    /// stopped.
    fn overtake(&self, scope: &str, by: &str) {
        let fence = self.shared.fences.raise(scope, by);
        let lanes = [&self.shared.lanes.ordinary, &self.shared.lanes.slow];
        let stopped: Vec<Job> = lanes.into_iter().flat_map(|lane| lane.take_moves(scope)).collect();
        // Apart from the desk, since ten thousand take their time, and spawned before safety's own command, which therefore goes first.
        self.shared.tracker.spawn(dismiss(Arc::clone(&self.shared), stopped, overtaken(scope, by), fence));
    }
}

/// How many commands are dismissed before others get their turn on the processor.
const DISMISSED_AT_ONCE: usize = 64;

/// Notes that commands were stopped, so that their repeats are too; then lets the fence fall, and answers them.
async fn dismiss<C: Coordinator>(shared: Arc<Shared<C>>, stopped: Vec<Job>, fault: Fault, fence: [(Qos, Bytes); 2]) {
    let mut answers = Vec::with_capacity(stopped.len());
    for job in stopped {
        answers.push((job.drop_with)(fault.clone()));
        if answers.len().is_multiple_of(DISMISSED_AT_ONCE) {
            tokio::task::yield_now().await;
        }
    }
    for (qos, payload) in fence {
        let topic = shared.bus.own_topic(FENCE);
        let sent = shared.urgent.publish(Outgoing { topic, payload, qos, ..Outgoing::default() }).await;
        if let Err(fault) = sent {
            tracing::warn!(%fault, "fence stands for its whole time, since its message was not sent");
        }
    }
    for answer in answers {
        answer.await;
    }
}

/// The fault of what safety overtook.
fn overtaken(scope: &str, by: &str) -> Fault {
    Fault::conflict(format!("{scope} was stopped by {by} before this began"))
        .hint("send it again if it is still wanted")
}

/// The payload as the message has it. A notice may be empty or plain text.
fn payload_of(kind: Kind, delivery: &Delivery, payload: Result<Value, Fault>) -> Result<Value, Fault> {
    match payload {
        Ok(payload) if payload.is_object() || kind != Kind::Notice => Ok(payload),
        Ok(_) => Ok(json!({})),
        Err(fault) if kind != Kind::Notice || delivery.size_bytes > LARGEST_PAYLOAD_BYTES => Err(fault),
        Err(fault) => {
            let is_text = std::str::from_utf8(&delivery.payload).is_ok_and(|text| {
                !text.trim_start().starts_with(['{', '[', '"']) && !text.chars().any(char::is_control)
            });
            if is_text { Ok(json!({})) } else { Err(fault) }
        }
    }
}

/// A `user_id` must be the caller's own unless an administrator asks.
fn on_whose_behalf(caller: &Caller, payload: &Value) -> Result<(), Fault> {
    match payload.get("user_id").and_then(Value::as_str) {
        Some(user) if user != caller.account.as_str() && !caller.administrator => {
            Err(Fault::forbidden(format!("{} may not ask for {user}", caller.account)).hint("leave user_id out"))
        }
        _ => Ok(()),
    }
}

/// Until when a command is of use: its own deadline, else its timestamp plus the message's limit.
fn deadline_of(limit: Duration, header: &Header, now: Timestamp) -> Result<Timestamp, Fault> {
    let deadline = header.deadline.unwrap_or_else(|| header.timestamp.unwrap_or(now).plus(limit));
    if deadline > now.plus(FARTHEST_DEADLINE) {
        return Err(Fault::invalid(format!("deadline {deadline} is more than an hour away"))
            .hint("set a nearer one, and see that the sender's clock is right"));
    }
    if deadline <= now {
        return Err(late(deadline));
    }
    Ok(deadline)
}

fn late(deadline: Timestamp) -> Fault {
    Fault::timeout(format!("deadline {deadline} has passed, so it was not executed"))
        .hint("send it again, and see that the sender's clock is right")
}

/// Executes a message whose turn it is, and answers it.
async fn execute<C: Coordinator>(
    shared: Arc<Shared<C>>,
    passed: Passed<C>,
    reply_to: ReplyTo,
    received: tokio::time::Instant,
) {
    let route = Arc::clone(&passed.route);
    if let Some(outcome) = remembered(&shared, passed).await {
        count(&route, outcome.as_ref().map_or_else(|fault| fault.code.as_str(), |_| "ok"), received);
        shared.answers.send(&reply_to, &outcome).await;
    }
}

type Answer = Result<Map<String, Value>, Fault>;

/// Looks in the memory, executes where it is the first time, and remembers the answer. Nothing is returned while the first is executed.
async fn remembered<C: Coordinator>(shared: &Arc<Shared<C>>, passed: Passed<C>) -> Option<Answer> {
    let entry = &passed.route.entry;
    if passed.deadline <= shared.clock.now() {
        return Some(Err(late(passed.deadline)));
    }
    let Some(id) = passed.header.message_id.clone() else {
        return Some(if passed.overtaken.is_cancelled() {
            Err(overtaken(passed.prepared.scope.as_deref().unwrap_or_default(), "safety"))
        } else {
            call(shared, passed, None).await.0
        });
    };
    let caller = passed.caller.account.to_string();
    let durable = entry.effect != Effect::Reads && entry.lane != LaneName::Safety && entry.kind == Kind::Command;
    let memory = Remembered {
        inbox: shared.inbox.clone(),
        caller,
        id,
        message: entry.name.to_string(),
        fingerprint: passed.fingerprint,
        private: entry.privacy == Privacy::Private,
        deadline: passed.deadline,
    };
    if durable { once(shared, passed, memory).await } else { at_once(shared, passed, memory).await }
}

/// What does no harm when it is repeated, and safety: remembered in this process. Safety is recorded afterwards, as well as that goes.
async fn at_once<C: Coordinator>(shared: &Arc<Shared<C>>, passed: Passed<C>, memory: Remembered) -> Option<Answer> {
    match shared.recent.accept(&memory.caller, &memory.id, memory.fingerprint) {
        Todo::Execute => {
            let is_safety = passed.route.entry.lane == LaneName::Safety;
            let outcome = call(shared, passed, None).await.0;
            shared.recent.finish(&memory.caller, &memory.id, &outcome);
            if is_safety {
                let (outcome, now) = (outcome.clone(), shared.clock.now());
                shared.tracker.spawn(async move { memory.record_afterwards(&outcome, now).await });
            }
            Some(outcome)
        }
        Todo::Answer(answer) => Some(answer),
        Todo::Wait => None,
    }
}

/// What changes or moves things: recorded in the database before its effect, and executed at most once.
async fn once<C: Coordinator>(shared: &Arc<Shared<C>>, passed: Passed<C>, memory: Remembered) -> Option<Answer> {
    // What safety took out of a lane was answered; its repeat must not move anything either.
    if let Some(fault) = shared.recent.stopped(&memory.caller, &memory.id) {
        return Some(Err(fault));
    }
    match memory.accept(shared.clock.now()).await {
        Ok(Todo::Execute) => {
            let (outcome, recorded) = if passed.overtaken.is_cancelled() {
                let scope = passed.prepared.scope.as_deref().unwrap_or_default();
                (Err(overtaken(scope, "safety")), false)
            } else {
                call(shared, passed, Some(memory.clone())).await
            };
            if !recorded && !memory.finish(&outcome, shared.clock.now()).await {
                // Until the database is back the answer is known here alone.
                shared.recent.keep(&memory.caller, &memory.id, memory.fingerprint, &outcome);
                let (kept, clock) = (outcome.clone(), shared.clock.clone());
                shared.tracker.spawn(async move { memory.finish_later(&kept, &clock).await });
            }
            Some(outcome)
        }
        Ok(Todo::Answer(answer)) => Some(answer),
        Ok(Todo::Wait) => shared.recent.known(&memory.caller, &memory.id),
        Err(fault) => Some(Err(fault)),
    }
}

/// Calls the handler: until the deadline, and without letting a panic out. Tells whether the answer was recorded with the effect.
async fn call<C: Coordinator>(
    shared: &Arc<Shared<C>>,
    passed: Passed<C>,
    remembered: Option<Remembered>,
) -> (Answer, bool) {
    let name = passed.route.entry.name.clone();
    let left = passed.deadline.since(shared.clock.now());
    let recorded = Arc::new(AtomicBool::new(false));
    let cx = Cx {
        shared: Arc::clone(shared),
        caller: passed.caller,
        deadline: passed.deadline,
        remembered,
        recorded: Arc::clone(&recorded),
        overtaken: passed.overtaken,
        notes: Notes::default(),
    };
    let handler = AssertUnwindSafe(async move { (passed.prepared.run)(cx).await }).catch_unwind();
    let outcome = match tokio::time::timeout(left, handler).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => {
            tracing::error!(message = %name, "handler panicked");
            Err(Fault::internal(format!("{name} failed in a way that is a defect"))
                .hint("please report it, with the log"))
        }
        Err(_) => Err(Fault::timeout(format!("{name} was not done by its deadline"))
            .hint("its outcome is unknown: ask for the state before sending it again")),
    };
    (outcome, recorded.load(std::sync::atomic::Ordering::Acquire))
}

fn count<C: Coordinator>(route: &Route<C>, outcome: &'static str, received: tokio::time::Instant) {
    let labels = [("message", route.entry.name.to_string()), ("outcome", outcome.to_owned())];
    metrics::histogram!(metrics::COMMAND_SECONDS, &labels).record(received.elapsed().as_secs_f64());
}
