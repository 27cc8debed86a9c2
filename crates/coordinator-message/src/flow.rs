//! How many messages flow where, by prefix of their topics.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use catalog::{
    message::{Flow, Flows, MessageFlow},
    topic,
};
use coordinator::Cx;
use tokio::time::Instant;
use vocabulary::Fault;

use crate::Message;

/// How many prefixes are counted apart; anybody who may publish can make one.
const PREFIXES_MAX: usize = 1000;
/// The longest prefix that is counted apart, in bytes.
const PREFIX_BYTES_MAX: usize = 200;
/// Where the others are counted.
const OTHER: &str = "other";

/// Answers with the flow of messages.
pub(crate) async fn get(cx: Cx<Message>, _: MessageFlow) -> Result<Flows, Fault> {
    Ok(cx.flow.flows(Instant::now()))
}

/// Counters by prefix, and rates over the last whole interval.
#[derive(Debug)]
pub(crate) struct FlowMeter(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    counts: HashMap<String, Count>,
    rolled: Instant,
    /// The length of the last whole interval; nothing before the first has ended.
    interval: Option<Duration>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Count {
    messages: u64,
    bytes: u64,
    /// Messages when the running interval began.
    before: u64,
    /// Messages in the last whole interval.
    last: u64,
}

impl FlowMeter {
    /// A meter that begins to count at `now`.
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Inner { counts: HashMap::new(), rolled: now, interval: None }))
    }

    /// Counts a message.
    pub(crate) fn count(&self, topic: &str, bytes: usize) {
        let prefix = topic::flow_prefix(topic);
        let mut inner = self.lock();
        let is_apart = inner.counts.contains_key(&prefix)
            || (inner.counts.len() < PREFIXES_MAX && prefix.len() <= PREFIX_BYTES_MAX);
        let key = if is_apart { prefix } else { OTHER.to_owned() };
        let count = inner.counts.entry(key).or_default();
        count.messages += 1;
        count.bytes += bytes as u64;
    }

    /// When the running interval began.
    pub(crate) fn rolled_at(&self) -> Instant {
        self.lock().rolled
    }

    /// Ends an interval and begins the next.
    pub(crate) fn roll(&self, now: Instant) {
        let mut inner = self.lock();
        inner.interval = Some(now.duration_since(inner.rolled));
        inner.rolled = now;
        for count in inner.counts.values_mut() {
            count.last = count.messages - count.before;
            count.before = count.messages;
        }
    }

    /// The flow, the busiest prefix first. Before the first interval has ended rates refer to the time since the beginning.
    pub(crate) fn flows(&self, now: Instant) -> Flows {
        let inner = self.lock();
        let seconds = inner.interval.unwrap_or_else(|| now.duration_since(inner.rolled)).as_secs_f64();
        let flow = |(prefix, count): (&String, &Count)| Flow {
            prefix: prefix.clone(),
            messages: count.messages,
            bytes: count.bytes,
            messages_per_second: rate(if inner.interval.is_some() { count.last } else { count.messages }, seconds),
        };
        let mut flows: Vec<Flow> = inner.counts.iter().map(flow).collect();
        flows.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.prefix.cmp(&b.prefix)));
        Flows { flows, interval_seconds: seconds }
    }

    /// Messages per second under all prefixes.
    pub(crate) fn messages_per_second(&self, now: Instant) -> f64 {
        self.flows(now).flows.iter().map(|flow| flow.messages_per_second).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rate(messages: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { messages as f64 / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_refer_to_the_last_whole_interval() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let meter = FlowMeter::new(begin);
        let seen = |now| {
            let flows = meter.flows(now);
            let rates: Vec<_> = flows.flows.iter().map(|f| (f.messages, f.bytes, f.messages_per_second)).collect();
            (rates, flows.interval_seconds)
        };
        let reply = |id| topic::reply(&"ann".parse().unwrap(), &"c".parse().unwrap(), id);
        for _ in 0..20 {
            meter.count(&topic::state("telescope/position", "a"), 10);
        }
        meter.count(&reply("1"), 1);
        assert_eq!(seen(at(10)), (vec![(20, 200, 2.0), (1, 1, 0.1)], 10.0));
        meter.roll(at(20));
        meter.count(&reply("2"), 1);
        assert_eq!(seen(at(21)), (vec![(20, 200, 1.0), (2, 2, 0.05)], 20.0));
        meter.roll(at(40));
        assert_eq!(seen(at(41)), (vec![(20, 200, 0.0), (2, 2, 0.05)], 20.0));
        assert!((meter.messages_per_second(at(41)) - 0.05).abs() < 1e-9);
    }

    #[test]
    fn prefixes_are_bounded() {
        let meter = FlowMeter::new(Instant::now());
        for n in 0..PREFIXES_MAX + 50 {
            meter.count(&topic::inbound(&format!("{n}/x")), 1);
        }
        meter.count(&topic::inbound(&format!("{}/x", "y".repeat(PREFIX_BYTES_MAX))), 1);
        meter.count(&topic::inbound("0/x"), 1);
        let flows = meter.flows(Instant::now()).flows;
        assert_eq!(flows.len(), PREFIXES_MAX + 1);
        assert_eq!((flows[0].prefix.as_str(), flows[0].messages), (OTHER, 51));
        assert_eq!((flows[1].prefix.as_str(), flows[1].messages), (topic::inbound("0/x").as_str(), 2));
    }
}
