//! Admissions that end while clients are connected.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use engine_broker::{Broker, Options, StillProven};
use vocabulary::Clock;

use crate::{
    raw::{BOTH, Hello, Level, Raw},
    stand::{TableGate, account, broker, options, until},
};

/// A proof, and what it says.
fn proof() -> (Option<StillProven>, Arc<AtomicBool>) {
    let stands = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&stands);
    (Some(Arc::new(move || asked.load(Ordering::SeqCst))), stands)
}

#[tokio::test]
async fn a_connection_ends_with_what_it_was_admitted_by() {
    let (broker, tcp, gate) = broker().await;
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    root.subscribe("open/#").await;
    for level in BOTH {
        let now = Clock::system().now();
        gate.admit("alice", Some(now.plus(Duration::from_millis(400))), None);
        gate.admit("bob", Some(now.plus(Duration::from_secs(3600))), None);
        let will = Hello { will: Some(("open/will", false)), ..Hello::new(level, "brief", "alice").staying() };
        let mut brief = Raw::welcome(tcp, &will).await;
        let mut long = Raw::welcome(tcp, &Hello::new(level, "long", "bob")).await;
        brief.subscribe("open/mine").await;
        let goodbye = brief.next().await;
        assert!(Clock::system().now() >= now.plus(Duration::from_millis(400)), "not before its time");
        assert_eq!(goodbye.is_some(), level == Level::V5, "only MQTT 5 has a goodbye of the server: {goodbye:?}");
        assert_eq!(root.message().await.0, "open/will");
        long.expect_quiet().await;
        until("it is gone", async || broker.statistics().await.clients == 2).await;

        gate.admit("alice", None, None);
        let (again, code, present) = Raw::hello(tcp, &will).await;
        assert_eq!((code, present), (0, true), "its session was kept");
        again.bye().await;
        // What has ended before it began is not begun.
        gate.admit("alice", Some(now), None);
        let (_, code, _) = Raw::hello(tcp, &will).await;
        assert_eq!(code, if level == Level::V5 { 0x87 } else { 5 });
        long.bye().await;
        until("they are gone", async || broker.statistics().await.clients == 1).await;
    }
}

#[tokio::test]
async fn the_clock_decides_when_that_is() {
    let gate = TableGate::new();
    let clock = Clock::by_hand("2026-11-21T20:00:00Z".parse().unwrap());
    let broker = Broker::start(Options { clock: clock.clone(), ..options(&gate) }).await.unwrap();
    gate.admit("alice", Some(clock.now().plus(Duration::from_secs(1))), None);
    let mut raw = Raw::welcome(broker.tcp_addresses()[0], &Hello::new(Level::V5, "c", "alice")).await;
    assert_eq!(broker.review_connections(), 0);
    clock.advance(Duration::from_secs(2));
    // Sooner than any timer.
    assert_eq!(broker.review_connections(), 1);
    while raw.next().await.is_some() {}
}

#[tokio::test]
async fn what_is_not_proven_any_more_ends_on_review() {
    let (broker, tcp, gate) = broker().await;
    for level in BOTH {
        let (asked, stands) = proof();
        gate.admit("alice", None, asked);
        let hello = |id| Hello::new(level, id, "alice").staying();
        let mut one = Raw::welcome(tcp, &hello("one")).await;
        let mut two = Raw::welcome(tcp, &hello("two")).await;
        one.subscribe("open/#").await;
        let mut bob = Raw::welcome(tcp, &Hello::new(level, "bob", "bob")).await;
        assert_eq!(broker.review_connections(), 0, "it stands");
        stands.store(false, Ordering::SeqCst);
        one.expect_quiet().await;
        assert_eq!(broker.review_connections(), 2);
        for raw in [&mut one, &mut two] {
            while raw.next().await.is_some() {}
        }
        bob.expect_quiet().await;
        until("they are gone", async || broker.statistics().await.clients == 1).await;
        assert_eq!(broker.review_connections(), 0, "they are gone");
        let (_, code, _) = Raw::hello(tcp, &hello("one")).await;
        assert_eq!(code, if level == Level::V5 { 0x87 } else { 5 }, "nobody comes in by what was revoked");
        gate.admit("alice", None, None);
        let (one, code, present) = Raw::hello(tcp, &hello("one")).await;
        assert_eq!((code, present), (0, true), "its session was kept");
        one.bye().await;
        bob.bye().await;
        for id in ["one", "two"] {
            Raw::welcome(tcp, &Hello::new(level, id, "alice")).await.bye().await;
        }
        until("nobody is left", async || broker.clients().await.is_empty()).await;
    }
}

#[tokio::test]
async fn reviews_come_by_themselves_too() {
    let gate = TableGate::new();
    let mut options = options(&gate);
    options.limits.cleanup_interval = Duration::from_millis(50);
    let broker = Broker::start(options).await.unwrap();
    let (asked, stands) = proof();
    gate.admit("alice", None, asked);
    let mut raw = Raw::welcome(broker.tcp_addresses()[0], &Hello::new(Level::V311, "c", "alice")).await;
    raw.expect_quiet().await;
    stands.store(false, Ordering::SeqCst);
    assert_eq!(raw.next().await, None);
}

#[tokio::test]
async fn the_gate_learns_who_asks() {
    let (broker, tcp, gate) = broker().await;
    let mut alice = Raw::welcome(tcp, &Hello::new(Level::V5, "laptop", "alice").staying()).await;
    let from = alice.stream.local_addr().unwrap();
    alice.publish("open/a", b"x", 1, false).await;
    assert_eq!(gate.last_asker(), Some(("laptop".to_owned(), from)));
    alice.subscribe("$share/g/open/a").await;
    assert_eq!(gate.last_asker(), Some(("laptop".to_owned(), from)));
    broker.rights_changed(&account("alice")).await;
    assert_eq!(gate.last_asker(), Some(("laptop".to_owned(), engine_broker::Asker::NOWHERE)));
    broker.publish(&account("alice"), engine_broker::Message::new("open/b", "y")).await.unwrap();
    assert_eq!(gate.last_asker(), Some(("$inside".to_owned(), engine_broker::Asker::NOWHERE)));
    let will = Hello { will: Some(("open/will", false)), ..Hello::new(Level::V311, "phone", "alice") };
    let phone = Raw::welcome(tcp, &will).await;
    let from = phone.stream.local_addr().unwrap();
    assert_eq!(gate.last_asker(), Some(("phone".to_owned(), from)), "asked when it is left");
    drop(phone);
    let asked = || gate.last_asker() == Some(("phone".to_owned(), from));
    until("it is asked again when it is due", async || asked()).await;
}
