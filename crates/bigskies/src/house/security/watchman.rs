//! Watches our own broker: ends what lost its right to stand, and records who came and who was refused what.

use catalog::topic;
use coordinator::Trail;
use engine_broker::{Attempt, Broker, Event, Events};
use serde_json::{Map, json};
use store::audit::{Entry, Outcome};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vocabulary::Clock;

use super::{Security, Watch};

/// Begins to watch.
pub(crate) fn start(broker: &Broker, security: &Security, watch: &Watch) {
    let Watch { tasks, stop } = watch;
    let (watched, stopped) = (broker.clone(), stop.clone());
    let changes = [
        Some(security.rights.generations()),
        Some(security.verifier.changed()),
        security.sealed.as_ref().map(|sealed| sealed.keyring.changed()),
    ];
    for change in changes.into_iter().flatten() {
        tasks.spawn(review(watched.clone(), change, stopped.clone()));
    }
    let (events, trail, clock) = (broker.events(), security.trail.clone(), security.clock.clone());
    let stopped = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = record(events, &trail, &clock) => {}
            () = stopped.cancelled() => {}
        }
    });
}

/// Asks the gate again about everything that stands, whenever rights, tokens or certificates changed.
async fn review(broker: Broker, mut change: watch::Receiver<u64>, stop: CancellationToken) {
    loop {
        let changed = tokio::select! {
            changed = change.changed() => changed,
            () = stop.cancelled() => return,
        };
        if changed.is_err() {
            return;
        }
        let connections = broker.review_connections();
        let subscriptions = broker.review_subscriptions().await;
        if connections + subscriptions > 0 {
            tracing::info!(connections, subscriptions, "what lost its right to stand was ended");
        }
    }
}

async fn record(mut events: Events, trail: &Trail, clock: &Clock) {
    while let Some(event) = events.next().await {
        if let Some(entry) = entry_of(event, clock) {
            trail.record(entry);
        }
    }
}

/// What the trail keeps of an event: who came, and who was refused what.
fn entry_of(event: Event, clock: &Clock) -> Option<Entry> {
    let entry = |account: String, action: &str, peer: String, client: &str| {
        let mut details = Map::new();
        details.insert("client_id".to_owned(), json!(client));
        Entry {
            at: clock.now(),
            account,
            user_id: None,
            action: action.to_owned(),
            object: String::new(),
            outcome: Outcome::Done,
            code: String::new(),
            peer,
            source: String::new(),
            message_id: String::new(),
            details,
        }
    };
    match event {
        Event::Connected { client_id, account, peer, transport } => {
            let mut came = entry(account.to_string(), "bus/connect", peer.to_string(), &client_id);
            came.details.insert("transport".to_owned(), json!(transport.as_str()));
            Some(came)
        }
        // Every client of ours asks for it, whether or not it may.
        Event::Refused { what: Attempt::Subscribe { filter }, .. } if filter == topic::EVERY_HEALTH => None,
        Event::Refused { client_id, account, peer, what, why } => {
            let account = account.map(|account| account.to_string()).unwrap_or_default();
            let (action, object) = attempted(&what);
            let refused = entry(account, action, peer.to_string(), &client_id);
            Some(Entry { object, outcome: Outcome::Refused, code: why.to_string(), ..refused })
        }
        Event::Missed { events } => {
            let mut missed = entry(String::new(), "audit/lost", String::new(), "");
            missed.details.insert("entries".to_owned(), json!(events));
            Some(Entry { outcome: Outcome::Failed, code: "overload".to_owned(), ..missed })
        }
        Event::Disconnected { .. } => None,
    }
}

/// What was attempted, and on what.
fn attempted(what: &Attempt) -> (&'static str, String) {
    match what {
        Attempt::Connect { username } => ("bus/connect", username.clone().unwrap_or_default()),
        Attempt::Will { topic, .. } => ("bus/will", topic.clone()),
        Attempt::Publish { topic, .. } => ("bus/publish", topic.clone()),
        Attempt::Subscribe { filter } => ("bus/subscribe", filter.clone()),
        Attempt::Packet => ("bus/packet", String::new()),
    }
}
