//! The message coordinator's messages: the broker, the health of all, the flow of messages, dead letters.

use std::collections::BTreeMap;

use health::{Report, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    Entry,
    frame::example_time,
    kinds::{Command, Done, Effect, Event, Needs, Shape, State},
};

/// Its rows.
pub const MESSAGES: &[Entry] = &[
    Entry::command::<BrokerStatus>(),
    Entry::command::<SystemHealth>(),
    Entry::command::<HealthHistory>(),
    Entry::command::<MessageFlow>(),
    Entry::command::<ListDeadLetters>(),
    Entry::command::<ClearDeadLetters>(),
    Entry::event::<HealthChanged>(),
    Entry::state::<SystemHealthNow>(),
    Entry::state::<BrokerNow>(),
];

const READ: Needs = Needs::right("message", "read");

/// Asks how the broker is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokerStatus {}

impl Shape for BrokerStatus {
    fn example() -> Self {
        Self {}
    }
}

impl Command for BrokerStatus {
    const NAME: &'static str = "message/broker/status";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = BrokerNow;
}

/// How the broker is, as its watcher sees it. Figures that only our own broker gives are null on another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrokerNow {
    /// `embedded` or `external`.
    pub broker: String,
    /// Host and port of the connection.
    pub address: String,
    /// Whether the watcher is connected.
    pub connected: bool,
    /// How often the watcher had to connect again.
    pub reconnects: u64,
    /// From publishing to receiving one's own message, in milliseconds.
    pub round_trip_milliseconds: Option<f64>,
    /// Clients that are connected.
    pub clients: Option<u64>,
    /// Filters that are subscribed to.
    pub subscriptions: Option<u64>,
    /// Topics with a retained message.
    pub retained: Option<u64>,
    /// Messages per second over the last interval, as the watcher counts them.
    pub messages_per_second: f64,
}

impl Shape for BrokerNow {
    fn example() -> Self {
        Self {
            broker: "embedded".to_owned(),
            address: "127.0.0.1:1883".to_owned(),
            connected: true,
            reconnects: 0,
            round_trip_milliseconds: Some(0.4),
            clients: Some(12),
            subscriptions: Some(60),
            retained: Some(9),
            messages_per_second: 4.2,
        }
    }
}

impl State for BrokerNow {
    const NAME: &'static str = "message/broker";
    const NEEDS: Needs = READ;
    const KEY: &'static str = "always `bus`";
}

/// Asks for the health of the whole system.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemHealth {}

impl Shape for SystemHealth {
    fn example() -> Self {
        Self {}
    }
}

impl Command for SystemHealth {
    const NAME: &'static str = "message/system/health";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = SystemHealthNow;
}

/// The health of the whole system: as ill as its worst part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SystemHealthNow {
    /// How well the whole is.
    pub status: Status,
    /// The parts that are not well, in one sentence.
    pub message: String,
    /// Each part's last report; one that fell silent counts as unhealthy.
    pub components: BTreeMap<String, Report>,
    /// When this was put together.
    pub observed_at: Timestamp,
}

impl Shape for SystemHealthNow {
    fn example() -> Self {
        let report = Report::example();
        Self {
            status: Status::Healthy,
            message: "all is well".to_owned(),
            components: BTreeMap::from([(report.component.clone(), report)]),
            observed_at: example_time(),
        }
    }
}

impl State for SystemHealthNow {
    const NAME: &'static str = "message/health";
    const NEEDS: Needs = READ;
    const KEY: &'static str = "always `system`";
}

/// Asks when which part became ill or well, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthHistory {
    /// Only this component, for example `telescope-coordinator`.
    pub component: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for HealthHistory {
    fn example() -> Self {
        Self { component: Some("telescope-coordinator".to_owned()), limit: Some(10), cursor: None }
    }
}

impl Command for HealthHistory {
    const NAME: &'static str = "message/system/history";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = HealthTransitions;
}

/// A page of reports that differed in status from the one before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HealthTransitions {
    /// Newest first.
    pub transitions: Vec<Report>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for HealthTransitions {
    fn example() -> Self {
        Self { transitions: vec![Report::example()], next: None }
    }
}

/// Asks how many messages flow where.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageFlow {}

impl Shape for MessageFlow {
    fn example() -> Self {
        Self {}
    }
}

impl Command for MessageFlow {
    const NAME: &'static str = "message/flow/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Flows;
}

/// The flow under one prefix of topics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flow {
    /// The first levels of the topics.
    pub prefix: String,
    /// Messages since the watcher started.
    pub messages: u64,
    /// Bytes of payload since the watcher started.
    pub bytes: u64,
    /// Messages per second over the last interval.
    pub messages_per_second: f64,
}

/// The flow of messages by prefix.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Flows {
    /// The busiest first.
    pub flows: Vec<Flow>,
    /// The length of the interval that rates refer to, in seconds.
    pub interval_seconds: f64,
}

impl Shape for Flows {
    fn example() -> Self {
        let flow = Flow {
            prefix: "bigskies/coordinator/telescope/state".to_owned(),
            messages: 1200,
            bytes: 480_000,
            messages_per_second: 1.0,
        };
        Self { flows: vec![flow], interval_seconds: 30.0 }
    }
}

/// Asks for messages on topics that nobody owns, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListDeadLetters {
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListDeadLetters {
    fn example() -> Self {
        Self { limit: Some(10), cursor: None }
    }
}

impl Command for ListDeadLetters {
    const NAME: &'static str = "message/deadletter/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = DeadLetters;
}

/// A message that nobody owns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// Where it was published.
    pub topic: String,
    /// Its beginning, as text; what is not UTF-8 is replaced.
    pub payload: String,
    /// Its whole size.
    pub size_bytes: u64,
    /// Why it is here.
    pub reason: String,
    /// The account that published it, where the broker says so.
    pub publisher: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
}

/// A page of dead letters.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetters {
    /// Newest first.
    pub letters: Vec<DeadLetter>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for DeadLetters {
    fn example() -> Self {
        let letter = DeadLetter {
            topic: "bigskies/coordinator/telescope/control/slwe".to_owned(),
            payload: "{}".to_owned(),
            size_bytes: 2,
            reason: "no message has this topic".to_owned(),
            publisher: Some("operator".to_owned()),
            received_at: example_time(),
        };
        Self { letters: vec![letter], next: None }
    }
}

/// Throws all dead letters away.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClearDeadLetters {}

impl Shape for ClearDeadLetters {
    fn example() -> Self {
        Self {}
    }
}

impl Command for ClearDeadLetters {
    const NAME: &'static str = "message/deadletter/clear";
    const NEEDS: Needs = Needs::right("message", "configure");
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;
}

/// A part of the system became ill or well.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct HealthChanged {
    /// Which part.
    pub component: String,
    /// How it was.
    pub from: Status,
    /// How it is.
    pub to: Status,
    /// One sentence for a person.
    pub message: String,
    /// When that was found.
    pub observed_at: Timestamp,
}

impl Shape for HealthChanged {
    fn example() -> Self {
        Self {
            component: "telescope-coordinator".to_owned(),
            from: Status::Healthy,
            to: Status::Degraded,
            message: "alpaca: 1 of 2 devices does not answer".to_owned(),
            observed_at: example_time(),
        }
    }
}

impl Event for HealthChanged {
    const NAME: &'static str = "message/health-changed";
    const NEEDS: Needs = READ;
}
