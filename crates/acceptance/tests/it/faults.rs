//! Processes are killed in the middle of work: no command has two effects, each ends at its sender once, and soon all is well again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use catalog::Owner;
use serde_json::{Map, Value, json};
use testkit::{
    Arrangement, Ask, Broker, Bus, Code, Database, Fault, FaultKind, Heard, Observatory, ScriptedFault, until,
};

use crate::stand::{self, Chance, ask, connected, declination, is_soak, limit, slew_to};

/// How long a sender waits for an answer.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long after one command the next is sent.
const PACE: Duration = Duration::from_millis(120);
/// How long the whole may take to be well again after the last kill.
const WELL: Duration = Duration::from_secs(10);
/// How long states may take to stand again after the broker does.
const STAND: Duration = Duration::from_secs(1);

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Telescope,
    Broker,
    Database,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_on_the_embedded_broker() {
    kills(Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_on_mosquitto() {
    kills(Broker::Mosquitto).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_after_a_restart_of_the_embedded_broker() {
    states_stand_again(Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_after_a_restart_of_mosquitto() {
    states_stand_again(Broker::Mosquitto).await;
}

/// A sample: each victim once in a few commands. The whole: two hundred commands for each victim.
async fn kills(broker: Broker) {
    let mut chance = Chance::seeded();
    let plan = Observatory::with(broker, Database::Private).arrangement(Arrangement::Apart).slewing_at(180.0);
    let mut observatory = plan.start().await;
    if is_soak() {
        for (round, victim) in [Victim::Telescope, Victim::Broker, Victim::Database].into_iter().enumerate() {
            Round::new(round, 200, &[victim; 6], &mut chance).run(&mut observatory, broker).await;
        }
    } else {
        let victims = [Victim::Database, Victim::Broker, Victim::Telescope];
        Round::new(0, 50, &victims, &mut chance).run(&mut observatory, broker).await;
    }
}

/// What a command is for.
#[derive(Debug, Clone, PartialEq)]
enum Errand {
    /// A slew to this declination, which no other has.
    Slew(f64),
    /// A configuration of this name, which no other has.
    Create(String),
    /// Tracking on or off.
    Track(bool),
}

impl Errand {
    fn new(round: usize, number: usize) -> Self {
        match number % 5 {
            0 => Self::Create(format!("round {round} number {number}")),
            1 => Self::Track(number.is_multiple_of(2)),
            // Sixteenths are the same numbers in text and in binary.
            _ => Self::Slew(72.0 + 4.0 * round as f64 + number as f64 / 64.0),
        }
    }

    fn message(&self, device: &Value) -> (&'static str, Value) {
        match self {
            Self::Slew(declination) => ("telescope/control/slew", slew_to(device, *declination)),
            Self::Create(name) => ("telescope/config/create", json!({ "name": name })),
            Self::Track(enabled) => ("telescope/control/track", json!({ "device_id": device, "enabled": enabled })),
        }
    }
}

type Outcome = Result<Map<String, Value>, Fault>;

/// Commands, and who is killed once so many of them were sent.
#[derive(Debug)]
struct Round {
    number: usize,
    commands: usize,
    kills: Vec<(usize, Victim)>,
}

impl Round {
    fn new(number: usize, commands: usize, victims: &[Victim], chance: &mut Chance) -> Self {
        let mut points: Vec<usize> = victims.iter().map(|_| 2 + chance.below(commands - 10)).collect();
        points.sort_unstable();
        let first = chance.below(victims.len());
        let kills = points.into_iter().zip(victims.iter().copied().cycle().skip(first)).collect();
        Self { number, commands, kills }
    }

    async fn run(&self, observatory: &mut Observatory, broker: Broker) {
        println!("{broker:?}: {self:?}");
        let bus = observatory.client("operator").await;
        let device = connected(observatory, &bus).await;
        let simulator = observatory.simulator();
        let before = simulator.effects().await.len();
        // So that calls to the device are under way when somebody is killed.
        let slow = ScriptedFault::new(FaultKind::Slow { milliseconds: 40 });
        simulator.set_faults(&[slow.on(&["slewtocoordinatesasync", "tracking"])]).await;
        let sent = Arc::new(AtomicUsize::new(0));
        let sending = tokio::spawn(send(bus.clone(), device, self.number, self.commands, Arc::clone(&sent)));
        let mut last_kill = Instant::now();
        for (point, victim) in &self.kills {
            until("the point of a kill", Duration::from_secs(120), async || sent.load(Ordering::SeqCst) >= *point)
                .await;
            last_kill = Instant::now();
            strike(observatory, *victim, broker).await;
        }
        well_again(observatory, last_kill).await;
        let outcomes = sending.await.unwrap();
        simulator.clear_faults().await;
        let effects = simulator.effects().await;
        let mut slews: HashMap<u64, usize> = HashMap::new();
        for effect in effects[before..].iter().filter(|effect| effect.what == "slew") {
            *slews.entry(declination(effect).to_bits()).or_default() += 1;
        }
        let configurations = configurations(&bus).await;
        self.judge(&outcomes, |errand| match errand {
            Errand::Slew(declination) => Some(slews.get(&declination.to_bits()).copied().unwrap_or_default()),
            Errand::Create(name) => Some(configurations.get(name).copied().unwrap_or_default()),
            Errand::Track(_) => None,
        });
        bus.close().await;
    }

    /// Every command has at most one effect, just one where it was answered well, and none where it was refused.
    fn judge(&self, outcomes: &[(Errand, Outcome)], effects: impl Fn(&Errand) -> Option<usize>) {
        assert_eq!(outcomes.len(), self.commands, "a command had no outcome");
        let mut tally: HashMap<String, usize> = HashMap::new();
        let mut wrong = Vec::new();
        for (errand, outcome) in outcomes {
            let allowed = match outcome {
                Ok(_) => 1..=1,
                Err(fault) if [Code::Unavailable, Code::Timeout].contains(&fault.code) => 0..=1,
                Err(_) => 0..=0,
            };
            let had = effects(errand);
            if had.is_some_and(|had| !allowed.contains(&had)) {
                wrong.push(format!("{errand:?} had {had:?} effects after {outcome:?}"));
            }
            if let Err(fault) = outcome
                && let Some(why) = unhelpful(fault)
            {
                wrong.push(format!("{errand:?}: {why}: {fault:?}"));
            }
            let name = match outcome {
                Ok(_) => "answered".to_owned(),
                Err(fault) => {
                    format!("{}: {}", fault.code.as_str(), fault.message.split(':').next().unwrap_or_default())
                }
            };
            *tally.entry(name).or_default() += 1;
        }
        println!("outcomes: {tally:#?}");
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }
}

/// What is missing in a fault that leaves open whether something happened.
fn unhelpful(fault: &Fault) -> Option<&'static str> {
    let is_open = [Code::Unavailable, Code::Timeout].contains(&fault.code);
    // These say themselves that nothing happened.
    let had_no_effect =
        ["is not running", "can't be reached", "was not accepted", "was not executed", "nothing reached"];
    let says_so = had_no_effect.iter().any(|text| fault.message.contains(text) || fault.hint.contains(text));
    let asks_for_state = ["state", "status"].iter().any(|word| fault.hint.contains(word));
    (is_open && !says_so && !asks_for_state).then_some("no hint to ask for the state")
}

/// Sends commands at a pace, each under an id of its own; what became of each.
async fn send(
    bus: Bus,
    device: Value,
    round: usize,
    commands: usize,
    sent: Arc<AtomicUsize>,
) -> Vec<(Errand, Outcome)> {
    let mut pace = tokio::time::interval(PACE);
    let mut asking = Vec::new();
    for number in 0..commands {
        pace.tick().await;
        let (bus, device) = (bus.clone(), device.clone());
        asking.push(tokio::spawn(async move {
            let errand = Errand::new(round, number);
            let (name, payload) = errand.message(&device);
            let id = format!("fault-{}-{round}-{number}", std::process::id());
            let how = Ask { id: Some(id), limit: Some(PATIENCE), ..Ask::default() };
            let outcome = tokio::time::timeout(PATIENCE * 2, ask(&bus, name, payload, how)).await;
            (errand, outcome.unwrap())
        }));
        sent.fetch_add(1, Ordering::SeqCst);
    }
    let mut outcomes = Vec::new();
    for asked in asking {
        outcomes.push(asked.await.unwrap());
    }
    outcomes
}

/// Kills, and starts again what nobody else does.
async fn strike(observatory: &mut Observatory, victim: Victim, broker: Broker) {
    let name = match victim {
        Victim::Telescope => "telescope",
        Victim::Broker if broker.is_embedded() => "broker",
        Victim::Broker => testkit::Mosquitto::NAME,
        Victim::Database => {
            let postmaster = observatory.postmaster();
            postmaster.kill().await;
            return until("PostgreSQL started again", WELL, async || postmaster.is_ready()).await;
        }
    };
    observatory.kill(name).await;
    observatory.start_again_unready(name);
}

/// Waits until every coordinator says of itself that it is healthy, and the one that watches them says it of the whole.
async fn well_again(observatory: &Observatory, since: Instant) {
    let bus = observatory.client("operator").await;
    let allowed = limit(WELL, WELL * 4);
    let mut last = None;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let looks = async {
        while let Some(ill) = ill(observatory, &bus).await {
            ticks.tick().await;
            if last.as_ref() != Some(&ill) {
                println!("  after {:?}: {ill}", since.elapsed());
            }
            last = Some(ill);
        }
    };
    let come = tokio::time::timeout(allowed.saturating_sub(since.elapsed()), looks).await;
    assert!(come.is_ok(), "not healthy again within {allowed:?} after the last kill: {last:?}");
    println!("healthy again {:?} after the last kill", since.elapsed());
    bus.close().await;
}

/// What is not healthy, if anything is.
async fn ill(observatory: &Observatory, bus: &Bus) -> Option<String> {
    if !observatory.process("telescope").log().contains("coordinator is ready") {
        return Some("telescope-coordinator is not ready".to_owned());
    }
    let each = Owner::ALL.map(|owner| format!("{}/health/get", owner.word()));
    for name in each.iter().map(String::as_str).chain(["message/system/health"]) {
        let how = Ask { limit: Some(Duration::from_millis(500)), ..Ask::default() };
        match ask(bus, name, json!({}), how).await {
            Ok(health) if health["status"] == "healthy" => {}
            Ok(health) => return Some(format!("{name}: {} {}", health["status"], health["message"])),
            Err(fault) => return Some(format!("{name}: {fault}")),
        }
    }
    None
}

/// How many configurations there are of each name.
async fn configurations(bus: &Bus) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    let mut asked = json!({ "limit": 100 });
    loop {
        let page = stand::good(bus, "telescope/config/list", asked.clone()).await;
        for config in page["configs"].as_array().into_iter().flatten() {
            *names.entry(config["name"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        match page.get("next") {
            Some(Value::String(next)) => asked = json!({ "limit": 100, "cursor": next }),
            _ => return names,
        }
    }
}

async fn states_stand_again(broker: Broker) {
    let plan = Observatory::with(broker, Database::Private).arrangement(Arrangement::Apart);
    let mut observatory = plan.start().await;
    let name = if broker.is_embedded() { "broker" } else { testkit::Mosquitto::NAME };
    let bus = observatory.client("operator").await;
    let device = connected(&observatory, &bus).await;
    let position = format!("bigskies/coordinator/telescope/state/position/{}", device.as_str().unwrap_or_default());
    let readable = Observatory::readable();
    let heard = Heard::over(&bus, &readable.iter().map(String::as_str).collect::<Vec<_>>()).await;
    heard.wait_for("a position", Duration::from_secs(10), |message| message.topic == position).await;
    bus.close().await;
    let wanted = standing(&observatory, |states| states.contains(&position)).await;
    let mut took = Vec::new();
    for _ in 0..if is_soak() { 20 } else { 2 } {
        observatory.kill(name).await;
        observatory.start_again_unready(name);
        let address = observatory.mqtt();
        until("the broker listens", Duration::from_secs(20), async || {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
        let begun = Instant::now();
        standing(&observatory, |states| wanted.is_subset(states)).await;
        took.push(begun.elapsed());
        well_again(&observatory, begun).await;
    }
    println!("{broker:?}: {} states stood again after {took:?}", wanted.len());
    let allowed = limit(STAND, STAND * 5);
    assert!(took.iter().all(|took| *took <= allowed), "{took:?}, and {allowed:?} are allowed");
}

/// Waits until enough states stand at the broker, as somebody who comes anew sees them.
async fn standing(observatory: &Observatory, enough: impl Fn(&BTreeSet<String>) -> bool) -> BTreeSet<String> {
    let bus = observatory.client("operator").await;
    let readable = Observatory::readable();
    let heard = Heard::over(&bus, &readable.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut states = BTreeSet::new();
    until("all states stand", Duration::from_secs(20), async || {
        let is_state = |topic: &str| topic.contains("/state/") || topic.contains("/health/");
        let messages = heard.messages().into_iter().filter(|message| is_state(&message.topic));
        states = messages.filter(|message| !message.payload.is_null()).map(|message| message.topic).collect();
        enough(&states)
    })
    .await;
    bus.close().await;
    states
}
