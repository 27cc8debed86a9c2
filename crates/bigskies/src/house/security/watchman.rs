//! Watches our own broker: ends what lost its right to stand, and records who came and who was refused what.

use std::net::SocketAddr;

use catalog::{Party, topic};
use engine_broker::{Attempt, Broker, Event, Events};
use serde_json::{Map, json};
use store::audit::{Entry, Outcome};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vocabulary::ids::AccountName;

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
    let (events, observed) = (broker.events(), security.clone());
    let stopped = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = record(events, &observed) => {}
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

async fn record(mut events: Events, security: &Security) {
    while let Some(event) = events.next().await {
        if let Some(entry) = entry_of(event, security) {
            security.trail.record(entry);
        }
    }
}

/// What the trail keeps of an event: who came, and who was refused what.
fn entry_of(event: Event, security: &Security) -> Option<Entry> {
    let entry = |account: String, action: &str, peer: Option<SocketAddr>, client: &str| {
        let mut details = Map::new();
        details.insert("client_id".to_owned(), json!(client));
        if let Some(peer) = peer {
            details.insert("port".to_owned(), json!(peer.port()));
        }
        // Without the port, so that who tries again and again stands in one entry.
        let peer = peer.map(|peer| peer.ip().to_string()).unwrap_or_default();
        Entry {
            at: security.clock.now(),
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
            let mut came = entry(account.to_string(), "bus/connect", Some(peer), &client_id);
            came.details.insert("transport".to_owned(), json!(transport.as_str()));
            Some(came)
        }
        // Every client of ours asks for it, whether or not it may.
        Event::Refused { what: Attempt::Subscribe { filter }, .. } if filter == topic::EVERY_HEALTH => None,
        Event::Refused { client_id, account, peer, what, why } => {
            let account = account.map(|account| account.to_string()).unwrap_or_default();
            let (action, object) = attempted(&what, security);
            let refused = entry(account, action, Some(peer), &client_id);
            Some(Entry { object, outcome: Outcome::Refused, code: why.to_string(), ..refused })
        }
        Event::Missed { events } => {
            let mut missed = entry(String::new(), "audit/lost", None, "");
            missed.details.insert("entries".to_owned(), json!(events));
            Some(Entry { outcome: Outcome::Failed, code: "overload".to_owned(), ..missed })
        }
        Event::Disconnected { .. } => None,
    }
}

/// A name that somebody has; of others it is only told that they are none, since it may be a password in the wrong field.
fn known(name: &str, security: &Security) -> String {
    let account = name.parse::<AccountName>().ok();
    let is_somebodys = account.is_some_and(|account| match Party::of(&account) {
        Party::User(user) | Party::Lobby(user) => security.rights.user_id(&user).is_some(),
        Party::Plugin(_) => security.rights.user_id(&account).is_some(),
        Party::Coordinator(_) | Party::Face(_) | Party::Node | Party::Key(_) => true,
    });
    if is_somebodys { name.to_owned() } else { "an unknown name".to_owned() }
}

/// What was attempted, and on what.
fn attempted(what: &Attempt, security: &Security) -> (&'static str, String) {
    match what {
        Attempt::Connect { username } => {
            ("bus/connect", username.as_deref().map_or_else(String::new, |name| known(name, security)))
        }
        Attempt::Will { topic, .. } => ("bus/will", topic.clone()),
        Attempt::Publish { topic, .. } => ("bus/publish", topic.clone()),
        Attempt::Subscribe { filter } => ("bus/subscribe", filter.clone()),
        Attempt::Packet => ("bus/packet", String::new()),
    }
}
