//! The desk where messages arrive: read, attributed, authorised, bounded, and put into their lane; it never waits for anything.

use std::{collections::HashMap, sync::Arc};

use bus::{Delivery, Outgoing, Watch};
use bytes::Bytes;
use catalog::{Effect, Lane as LaneName, Owner, Qos, envelope};
use observability::metrics;
use store::audit::Outcome;
use tokio_util::task::TaskTracker;
use vocabulary::Fault;

use crate::{
    Coordinator, FrameSettings,
    answers::ReplyTo,
    checks::{self, Arrival},
    execution::{Passed, count, execute, overtaken},
    lanes::{Job, Lane},
    routes::Route,
    shift::Shared,
    trail::{self, deed},
};

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
        let mut asker = None;
        match checks::pass(&self.shared, route, Arrival { delivery, read: &read }, &mut reply_to, &mut asker) {
            Ok(passed) => self.submit(delivery, passed, reply_to),
            Err(fault) => {
                count(route, fault.code.as_str(), delivery.received);
                if trail::outcome_of(&fault) == Outcome::Refused {
                    let caller = asker.unwrap_or_else(|| self.shared.authority.stranger(delivery));
                    self.shared.trail.record(deed(
                        &route.entry,
                        &caller,
                        &read.header,
                        Err(&fault),
                        self.shared.clock.now(),
                    ));
                }
                self.shared.answers.post(&reply_to, fault);
            }
        }
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
