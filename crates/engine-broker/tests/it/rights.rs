//! Rights that change while clients are connected or away.

use engine_broker::{Broker, Client};

use crate::{
    raw::{BOTH, Hello, Level, Raw},
    stand::{Rights, account, broker, until},
};

async fn client(broker: &Broker, id: &str) -> Option<Client> {
    broker.clients().await.into_iter().find(|client| client.client_id == id)
}

#[tokio::test]
async fn subscriptions_end_with_the_right_to_them() {
    for level in BOTH {
        let (broker, tcp, gate) = broker().await;
        let mut root = Raw::welcome(tcp, &Hello::new(level, "root", "root")).await;
        let mut here = Raw::welcome(tcp, &Hello::new(level, "here", "alice").staying()).await;
        let mut bob = Raw::welcome(tcp, &Hello::new(level, "bob", "bob")).await;
        let away_hello = Hello::new(level, "away", "alice").staying();
        let mut away = Raw::welcome(tcp, &away_hello).await;
        for raw in [&mut here, &mut bob, &mut away] {
            for filter in ["open/+", "$share/g/open/#", "kept/#"] {
                assert_eq!(raw.subscribe(filter).await, 1);
            }
        }
        away.bye().await;
        until("one is away", async || client(&broker, "away").await.is_some_and(|client| client.link.is_none())).await;

        assert_eq!(broker.rights_changed(&account("alice")).await, 0, "nothing has changed yet");
        gate.set("alice", Rights { publish: vec!["open/"], subscribe: vec!["kept/"] });
        assert_eq!(broker.rights_changed(&account("alice")).await, 4);
        for id in ["here", "away"] {
            assert_eq!(client(&broker, id).await.unwrap().filters, ["kept/#"], "{id}");
        }
        assert_eq!(client(&broker, "bob").await.unwrap().filters.len(), 3, "another account keeps its own");

        root.publish("open/a", b"1", 1, false).await;
        root.publish("kept/a", b"2", 1, false).await;
        assert_eq!(here.message().await.1, b"2");
        here.expect_quiet().await;
        let (mut away, _, present) = Raw::hello(tcp, &away_hello).await;
        assert!(present);
        assert_eq!(away.message().await.1, b"2");
        away.expect_quiet().await;
        assert!(here.subscribe("open/+").await >= 0x80, "it can't have it back");

        // Publishing is asked about each time, so that nothing has to end.
        assert!(here.publish("open/b", b"3", 1, false).await.is_some());
        gate.set("alice", Rights::default());
        let before = broker.statistics().await.refused_publishes;
        assert!(here.publish("open/b", b"4", 1, false).await.is_some());
        assert_eq!(broker.statistics().await.refused_publishes, before + 1);
        assert_eq!(broker.rights_changed(&account("alice")).await, 2);
    }
}

#[tokio::test]
async fn what_waited_goes_with_the_last_subscription() {
    let (broker, tcp, gate) = broker().await;
    let hello = Hello::new(Level::V5, "away", "alice").staying();
    let mut away = Raw::welcome(tcp, &hello).await;
    away.subscribe("open/#").await;
    away.bye().await;
    until("it is away", async || client(&broker, "away").await.is_some_and(|client| client.link.is_none())).await;
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    root.publish("open/a", b"waits", 1, false).await;
    gate.set("alice", Rights::default());
    assert_eq!(broker.rights_changed(&account("alice")).await, 1);
    let (mut away, _, present) = Raw::hello(tcp, &hello).await;
    assert!(present);
    away.expect_quiet().await;
}

#[tokio::test]
async fn disconnecting() {
    let (broker, tcp, _) = broker().await;
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    root.subscribe("open/#").await;
    for level in BOTH {
        let hello = |id| Hello { will: Some(("open/will", false)), ..Hello::new(level, id, "alice").staying() };
        let mut one = Raw::welcome(tcp, &hello("one")).await;
        let mut two = Raw::welcome(tcp, &hello("two")).await;
        one.subscribe("open/a").await;
        assert!(broker.disconnect("one"));
        let goodbye = one.next().await;
        assert_eq!(goodbye.is_some(), level == Level::V5, "only MQTT 5 has a goodbye of the server: {goodbye:?}");
        assert_eq!(one.next().await, None);
        assert_eq!(root.message().await.0, "open/will");
        two.expect_quiet().await;
        until("one is gone", async || client(&broker, "one").await.is_some_and(|client| client.link.is_none())).await;
        assert!(!broker.disconnect("one"), "it is gone already");
        let (mut one, code, present) = Raw::hello(tcp, &hello("one")).await;
        assert_eq!((code, present), (0, true), "it may come back to its session");

        assert_eq!(broker.disconnect_account(&account("alice")), 2);
        for raw in [&mut one, &mut two] {
            while raw.next().await.is_some() {}
            assert_eq!(root.message().await.0, "open/will");
        }
        root.expect_quiet().await;
        until("both are gone", async || broker.statistics().await.clients == 1).await;
    }
}

/// What was retained with a right stays when the right is gone: it is the topic's last word, whoever said it. Who lost the right can't
/// take it back either.
#[tokio::test]
async fn what_was_retained_stays() {
    let (broker, tcp, gate) = broker().await;
    let mut alice = Raw::welcome(tcp, &Hello::new(Level::V5, "a", "alice")).await;
    alice.publish("kept/a", b"1", 1, true).await;
    gate.set("alice", Rights { publish: vec!["kept/"], subscribe: vec![] });
    broker.rights_changed(&account("alice")).await;
    for payload in [&b"2"[..], b""] {
        let answer = alice.publish("kept/a", payload, 1, true).await.unwrap();
        assert_eq!(answer[4], 0x87, "neither replaced nor cleared");
    }
    assert_eq!(broker.statistics().await.retained, 1);
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    root.subscribe("kept/#").await;
    assert_eq!(root.message().await.1, b"1");
}
