//! Abort reaches the telescope at once, whatever else is wrong, and what waited before it does not move the mount any more.

use std::time::Duration;

use catalog::topic;
use serde_json::{Value, json};
use testkit::{
    Ask, Broker, Bus, Database, Effect, FaultKind, Heard, Observatory, Outgoing, Plan, ScriptedFault, Simulator, http,
    until,
};

use crate::stand::{ask, connected, happened_at, is_soak, limit, percentiles, slew_to};

/// From the sender to the device.
const AT_ONCE: Duration = Duration::from_millis(200);
/// How long all else may take.
const LIMIT: Duration = Duration::from_secs(60);
/// How many commands wait while the abort comes.
const MANY: usize = 10_000;

/// What is wrong when the abort comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    ManyCommandsQueue,
    DeviceHangs,
    DatabaseStopped,
    ClockAnHourFast,
    ClockAnHourSlow,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abort_at_rest() {
    aborts(Broker::Embedded, &[Wrong::Nothing, Wrong::ClockAnHourFast, Wrong::ClockAnHourSlow]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abort_while_ten_thousand_commands_queue() {
    aborts(Broker::Embedded, &[Wrong::ManyCommandsQueue]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abort_while_the_device_hangs_or_the_database_is_stopped() {
    aborts(Broker::Embedded, &[Wrong::DeviceHangs, Wrong::DatabaseStopped]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn abort_over_mosquitto() {
    let all = [Wrong::ManyCommandsQueue, Wrong::DeviceHangs, Wrong::DatabaseStopped, Wrong::ClockAnHourSlow];
    aborts(Broker::Mosquitto, &all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_an_abort_does_not_move_the_mount_after_it() {
    for broker in [Broker::Embedded, Broker::Mosquitto] {
        let observatory = plan(broker).start().await;
        let bus = observatory.client("operator").await;
        let device = connected(&observatory, &bus).await;
        let stand = Stand { observatory: &observatory, bus: &bus, device: &device };
        for _ in 0..if is_soak() { 20 } else { 2 } {
            stand.set_in_motion().await;
            // The abort comes right behind them from the same sender, and overtakes those that are still on their way.
            let (sender, answers) = stand.pour().await;
            let abort = json!({ "device_id": device });
            ask(&sender, "telescope/control/abort", abort, Ask::default()).await.unwrap();
            let effects = observatory.simulator().effects().await;
            let stopped = effects.into_iter().rfind(|effect| effect.what == "abort").unwrap();
            answered(&answers).await;
            observatory.simulator().clear_faults().await;
            stand.stays_at_rest(&stopped).await;
        }
    }
}

/// The simulator's record must not have to share a processor's attention with what is measured.
fn plan(broker: Broker) -> Plan {
    Observatory::with(broker, Database::Private).simulator(Simulator::Apart).slewing_at(0.5)
}

async fn aborts(broker: Broker, wrongs: &[Wrong]) {
    let observatory = plan(broker).start().await;
    let bus = observatory.client("operator").await;
    let device = connected(&observatory, &bus).await;
    let times = if is_soak() { 50 } else { 2 };
    for wrong in wrongs {
        let mut took = Vec::new();
        for _ in 0..times {
            took.push(Stand { observatory: &observatory, bus: &bus, device: &device }.abort_while(*wrong).await);
        }
        let (p50, p99) = percentiles(took.clone());
        println!("{broker:?}, {wrong:?}: abort at the device, {times} times: p50 {p50:?}, p99 {p99:?}");
        let allowed = limit(AT_ONCE, AT_ONCE * 10);
        assert!(p99 <= allowed, "{broker:?}, {wrong:?}: {took:?}, and {allowed:?} are allowed");
    }
}

struct Stand<'a> {
    observatory: &'a Observatory,
    bus: &'a Bus,
    device: &'a Value,
}

impl Stand<'_> {
    /// From publishing an abort to its effect at the device.
    async fn abort_while(&self, wrong: Wrong) -> Duration {
        self.set_in_motion().await;
        let simulator = self.observatory.simulator();
        let flood = match wrong {
            Wrong::ManyCommandsQueue => Some(self.flood().await),
            Wrong::DeviceHangs => {
                self.hang().await;
                None
            }
            Wrong::DatabaseStopped => {
                self.observatory.postmaster().freeze();
                None
            }
            Wrong::Nothing | Wrong::ClockAnHourFast | Wrong::ClockAnHourSlow => None,
        };
        // Waits behind whatever is wrong, and must not move the mount later.
        let received = self.received().await;
        let waiting = tokio::spawn({
            let (bus, slew) = (self.bus.clone(), slew_to(self.device, 80.0));
            async move { ask(&bus, "telescope/control/slew", slew, Ask::default()).await }
        });
        until("a slew at the desk", LIMIT, async || self.received().await > received).await;
        let (took, at) = self.abort(wrong).await;
        if let Some(answers) = flood {
            answered(&answers).await;
        }
        simulator.clear_faults().await;
        if wrong == Wrong::DatabaseStopped {
            self.observatory.postmaster().thaw();
        }
        self.stays_at_rest(&at).await;
        let outcome = waiting.await;
        assert!(outcome.is_ok(), "a slew that waited has no outcome");
        took
    }

    /// Makes the mount slew, once it does what it is told.
    async fn set_in_motion(&self) {
        let is_moved = async || {
            let how = Ask { limit: Some(Duration::from_secs(5)), ..Ask::default() };
            ask(self.bus, "telescope/control/slew", slew_to(self.device, 72.0), how).await.is_ok()
        };
        until("the mount obeys", LIMIT, is_moved).await;
    }

    async fn abort(&self, wrong: Wrong) -> (Duration, Effect) {
        let simulator = self.observatory.simulator();
        let before = simulator.effects().await.last().map_or(0, |effect| effect.number);
        // As the terminal does, which must be able to stop a mount when the database is gone.
        let sender = self.observatory.client_by_key().await;
        let now = sender.options().clock.now();
        let hour = Duration::from_secs(3600);
        let clock = match wrong {
            Wrong::ClockAnHourFast => now.plus(hour),
            Wrong::ClockAnHourSlow => now.minus(hour),
            _ => now,
        };
        let how = Ask { timestamp: Some(clock), deadline: Some(clock.plus(Duration::from_secs(30))), ..Ask::default() };
        let published = sender.options().clock.now();
        ask(&sender, "telescope/control/abort", json!({ "device_id": self.device }), how)
            .await
            .unwrap_or_else(|fault| panic!("{wrong:?}: abort was refused: {fault:?}"));
        sender.close().await;
        let effects = simulator.effects().await;
        let stopped = effects.into_iter().find(|effect| effect.number > before && effect.what == "abort");
        let stopped = stopped.unwrap_or_else(|| panic!("{wrong:?}: the device was not told to stop"));
        (happened_at(&stopped).since(published), stopped)
    }

    /// After an abort nothing moves the mount: a slew that was under way to it when the abort came is stopped again.
    async fn stays_at_rest(&self, abort: &Effect) {
        let simulator = self.observatory.simulator();
        until("nothing waits", LIMIT, async || self.queued().await == 0).await;
        // The lane is free again when one that comes behind all others is answered.
        until("the lane is free", LIMIT, async || {
            let how = Ask { limit: Some(Duration::from_secs(5)), ..Ask::default() };
            let track = json!({ "device_id": self.device, "enabled": true });
            ask(self.bus, "telescope/control/track", track, how).await.is_ok()
        })
        .await;
        let after: Vec<Effect> =
            simulator.effects().await.into_iter().filter(|effect| effect.number > abort.number).collect();
        let slews = after.iter().filter(|effect| effect.what.starts_with("slew")).count();
        let last = after.iter().rev().find(|effect| effect.what.starts_with("slew") || effect.what == "abort");
        let is_stopped = last.is_none_or(|last| last.what == "abort");
        assert!(slews <= 1 && is_stopped, "the mount was moved after it was stopped: {after:?}");
    }

    /// Every call to the device hangs but the one that stops it.
    async fn hang(&self) {
        let simulator = self.observatory.simulator();
        let struck = simulator.struck().await;
        simulator.set_faults(&[ScriptedFault::new(FaultKind::Hang).except(&["abortslew"])]).await;
        until("a call that hangs", LIMIT, async || simulator.struck().await > struck).await;
    }

    /// Many slews wait at the coordinator, while one takes its time.
    async fn flood(&self) -> Heard {
        let (_, answers) = self.pour().await;
        until("the commands wait", LIMIT, async || self.queued().await >= MANY - 10).await;
        answers
    }

    /// Sends many slews, of which each takes its time.
    async fn pour(&self) -> (Bus, Heard) {
        let slow = ScriptedFault::new(FaultKind::Slow { milliseconds: 3000 });
        self.observatory.simulator().set_faults(&[slow.on(&["slewtocoordinatesasync"])]).await;
        let sender = self.observatory.client("operator").await;
        let answers = Heard::over(&sender, &["bigskies/client/operator/flood/reply/+"]).await;
        let token = self.observatory.token();
        for number in 0..MANY {
            let mut slew = slew_to(self.device, 75.0 + number as f64 / 4096.0);
            slew["message_id"] = json!(format!("flood-{number}-{}", sender.options().clock.now()));
            let publish = Outgoing {
                topic: topic::inbound("telescope/control/slew"),
                payload: slew.to_string().into(),
                response_topic: Some(format!("bigskies/client/operator/flood/reply/{number}")),
                token: token.clone(),
                ..Outgoing::default()
            };
            sender.publish(publish).await.unwrap();
        }
        (sender, answers)
    }

    /// How many commands wait in the coordinator.
    async fn queued(&self) -> usize {
        self.figure("bigskies_queue_depth", &["owner=\"telescope\"", "lane=\"ordinary\""]).await
    }

    /// How many slews have come to the coordinator.
    async fn received(&self) -> usize {
        self.figure("bigskies_messages_total", &["message=\"telescope/control/slew\""]).await
    }

    async fn figure(&self, metric: &str, labels: &[&str]) -> usize {
        let page = http::get(self.observatory.http(), "/metrics").await.map(|page| page.body).unwrap_or_default();
        let fits = |line: &&str| line.starts_with(metric) && labels.iter().all(|label| line.contains(label));
        let value = page.lines().find(fits).and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        value.map_or(0, |value| value as usize)
    }
}

/// Every command of the flood was answered once.
async fn answered(answers: &Heard) {
    until("answers to all that waited", LIMIT, async || answers.messages().len() >= MANY).await;
    let answers = answers.messages();
    let mut topics: Vec<&str> = answers.iter().map(|answer| answer.topic.as_str()).collect();
    topics.sort_unstable();
    topics.dedup();
    assert_eq!((topics.len(), answers.len()), (MANY, MANY));
    let stopped = answers.iter().filter(|answer| answer.payload["error"]["code"] == "conflict").count();
    println!("{stopped} of {MANY} were told that they were stopped");
}
