//! Refusals as observers learn of them.

use std::{net::SocketAddr, time::Duration};

use engine_broker::{Attempt, Broker, Event, Events, Limits, Objection, Refused, Unacceptable};
use tokio::time::timeout;

use crate::{
    raw::{BOTH, Hello, Level, Raw, packet},
    stand::{PATIENCE, Rights, TableGate, account, broker, options, until},
};

/// The next refusal: whose client, under which id, wanted what, and why not.
async fn refusal(events: &mut Events, from: Option<SocketAddr>) -> (String, Option<String>, Attempt, Objection) {
    loop {
        match timeout(PATIENCE, events.next()).await.expect("an event in time").unwrap() {
            Event::Refused { client_id, account, peer, what, why } => {
                assert!(from.is_none_or(|from| from == peer), "{peer}");
                return (client_id.to_string(), account.map(String::from), what, why);
            }
            Event::Connected { .. } | Event::Disconnected { .. } => {}
            missed @ Event::Missed { .. } => unreachable!("{missed:?}"),
        }
    }
}

fn connect(username: &str) -> Attempt {
    Attempt::Connect { username: Some(username.to_owned()) }
}

#[tokio::test]
async fn of_connections() {
    let (broker, tcp, _) = broker().await;
    let mut events = broker.events();
    let _owner = Raw::welcome(tcp, &Hello::new(Level::V5, "owned", "alice")).await;
    let hello = |id| Hello::new(Level::V5, id, "bob");
    let will = |topic, retain| Hello { will: Some((topic, retain)), ..hello("c") };
    let by = |topic: &str, retain| Attempt::Will { topic: topic.to_owned(), retain };
    let id_of_certificate = |level| match level {
        // Refused before anybody is asked who it is.
        Level::V5 | Level::V311 => Attempt::Connect { username: None },
    };
    for level in BOTH {
        for (hello, id, whose, what, why) in [
            (Hello { user: Some("mallory"), ..hello("c") }, "c", None, connect("mallory"), Refused::Credentials.into()),
            (Hello { user: Some("banned"), ..hello("c") }, "c", None, connect("banned"), Refused::NotAllowed.into()),
            (Hello { user: Some("busy"), ..hello("c") }, "c", None, connect("busy"), Refused::Busy.into()),
            (hello("owned"), "owned", Some("bob"), connect("bob"), Objection::ForeignClientId),
            (hello("$inside"), "$inside", None, connect("bob"), Objection::ClientId),
            (hello("cert:0123"), "cert:", None, id_of_certificate(level), Objection::ClientId),
            (hello("a/b"), "a/b", None, Attempt::Connect { username: None }, Objection::ClientId),
            (will("closed/w", false), "c", Some("bob"), by("closed/w", false), Objection::Rights),
            (will("open/w", true), "c", Some("bob"), by("open/w", true), Objection::Rights),
            (will("$SYS/w", false), "c", Some("bob"), by("$SYS/w", false), Unacceptable::Reserved.into()),
        ] {
            let hello = Hello { level, ..hello };
            let (raw, code, _) = Raw::hello(tcp, &hello).await;
            assert_ne!(code, 0, "{hello:?}");
            let told = refusal(&mut events, Some(raw.stream.local_addr().unwrap())).await;
            assert_eq!(told, (id.to_owned(), whose.map(str::to_owned), what, why), "{hello:?}");
        }
    }
    // The owner is away, and its session is told of once.
    let mut owner = Raw::welcome(tcp, &Hello::new(Level::V5, "left", "alice").staying()).await;
    owner.expect_quiet().await;
    owner.bye().await;
    until("the owner is away", async || broker.statistics().await.clients == 1).await;
    for _ in 0..2 {
        assert_eq!(Raw::hello(tcp, &hello("left")).await.1, 0x85);
        let told = refusal(&mut events, None).await;
        assert_eq!(told, ("left".to_owned(), Some("bob".to_owned()), connect("bob"), Objection::ForeignClientId));
    }
    // Another way of authentication than there is (MQTT 5 only).
    let mut raw = tokio::net::TcpStream::connect(tcp).await.unwrap();
    let hello = [&[0, 4][..], b"MQTT", &[5, 2, 0, 60, 8, 0x15, 0, 5], b"SCRAM", &[0, 1], b"c"].concat();
    tokio::io::AsyncWriteExt::write_all(&mut raw, &packet(0x10, &hello)).await.unwrap();
    let (id, whose, _, why) = refusal(&mut events, Some(raw.local_addr().unwrap())).await;
    assert_eq!((id.as_str(), whose, why), ("c", None, Objection::Method));
}

#[tokio::test]
async fn of_clients_beyond_the_limit() {
    let gate = TableGate::new();
    let mut options = options(&gate);
    options.limits = Limits { clients: 1, ..options.limits };
    let broker = Broker::start(options).await.unwrap();
    let (tcp, mut events) = (broker.tcp_addresses()[0], broker.events());
    let _one = Raw::welcome(tcp, &Hello::new(Level::V5, "one", "alice")).await;
    assert_eq!(Raw::hello(tcp, &Hello::new(Level::V5, "two", "alice")).await.1, 0x89);
    let told = refusal(&mut events, None).await;
    assert_eq!(told, ("two".to_owned(), Some("alice".to_owned()), connect("alice"), Objection::Full));
}

#[tokio::test]
async fn of_messages_and_filters() {
    let (broker, tcp, _) = broker().await;
    let mut events = broker.events();
    let deep = "open/".to_owned() + &"a/".repeat(32);
    let long = "open/".to_owned() + &"x".repeat(200);
    for level in BOTH {
        let mut alice = Raw::welcome(tcp, &Hello::new(level, "a", "alice")).await;
        let from = alice.stream.local_addr().unwrap();
        for (topic, retain, why) in [
            ("closed/a", false, Objection::Rights),
            ("open/a", true, Objection::Rights),
            ("$SYS/broker/uptime", false, Unacceptable::Reserved.into()),
            ("open/a\nb", false, Unacceptable::Character.into()),
            (&deep, false, Unacceptable::TooDeep.into()),
            (&long, true, Unacceptable::TooLong.into()),
        ] {
            alice.publish(topic, b"x", 1, retain).await;
            let what = Attempt::Publish { topic: topic.to_owned(), retain };
            let told = refusal(&mut events, Some(from)).await;
            assert_eq!(told, ("a".to_owned(), Some("alice".to_owned()), what, why), "{level:?}");
        }
        for (filter, why) in [
            ("#", Objection::Rights),
            ("$share/workers/closed/#", Objection::Rights),
            ("$SYS/#", Objection::Rights),
            (&deep, Unacceptable::TooDeep.into()),
            (&long, Unacceptable::TooLong.into()),
            ("$share//open/a", Unacceptable::Group.into()),
            // Refused by the protocol crate unasked.
            ("open/a#", Objection::Filter),
            ("open/#/a", Objection::Filter),
        ] {
            assert!(alice.subscribe(filter).await >= 0x80);
            let filter = if why == Objection::Filter { "" } else { filter };
            let what = Attempt::Subscribe { filter: filter.to_owned() };
            let told = refusal(&mut events, Some(from)).await;
            assert_eq!(told, ("a".to_owned(), Some("alice".to_owned()), what, why), "{level:?}");
        }
        assert_eq!(alice.subscribe("open/#").await, 1);
        alice.bye().await;
    }
}

/// What ends the connection besides.
#[tokio::test]
async fn of_packets() {
    let (broker, tcp, _) = broker().await;
    let mut events = broker.events();
    let topic = |topic: &[u8]| packet(0x30, &[&(topic.len() as u16).to_be_bytes()[..], topic, b"\0"].concat());
    let filter = |filter: &[u8]| [&(filter.len() as u16).to_be_bytes()[..], filter, &[0]].concat();
    for level in BOTH {
        let behind_id = if level == Level::V5 { &[0, 1, 0][..] } else { &[0, 1] };
        for (name, bytes) in [
            ("a topic with NUL", topic(b"open/\0")),
            ("a topic with a wildcard", topic(b"open/+")),
            ("a topic that is no text", topic(b"open/\xff\xfe")),
            ("an empty topic", topic(b"")),
            ("a filter with NUL", packet(0x82, &[behind_id, &filter(b"open/\0")].concat())),
            ("no filter", packet(0x82, behind_id)),
            ("a packet of no kind", vec![0x00, 0]),
            ("a second hello", Hello::new(level, "a", "alice").bytes()),
            ("too large a packet", vec![0x30, 0xff, 0xff, 0xff, 0x7f]),
        ] {
            let mut alice = Raw::welcome(tcp, &Hello::new(level, "a", "alice")).await;
            let from = alice.stream.local_addr().unwrap();
            alice.send(&bytes).await;
            while alice.next().await.is_some() {}
            let (id, whose, what, why) = refusal(&mut events, Some(from)).await;
            assert_eq!((id.as_str(), whose.as_deref(), what), ("a", Some("alice"), Attempt::Packet), "{name} {why}");
            let expected = if name.starts_with("too large") { "larger than allowed" } else { "spoken wrongly" };
            assert!(why.to_string().contains(expected), "{name}, {level:?}: {why}");
        }
    }
    for (name, bytes) in [
        ("another protocol", format!("GET / HTTP/1.1\r\nuser-agent: {}\r\n\r\n", "x".repeat(80)).into_bytes()),
        ("another version", packet(0x10, &[&[0, 4][..], b"MQTT", &[9, 2, 0, 60, 0, 1], b"c"].concat())),
        ("a message before the hello", topic(b"open/a")),
    ] {
        let mut stream = tokio::net::TcpStream::connect(tcp).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await.unwrap();
        let (_, whose, what, why) = refusal(&mut events, Some(stream.local_addr().unwrap())).await;
        assert_eq!((whose, what), (None, Attempt::Connect { username: None }), "{name}: {why}");
    }
}

#[tokio::test]
async fn of_silence_and_of_foreign_pages() {
    let gate = TableGate::new();
    let mut options = options(&gate);
    options.limits.handshake_deadline = Duration::from_millis(200);
    let broker = Broker::start(options).await.unwrap();
    let (tcp, websocket, mut events) = (broker.tcp_addresses()[0], broker.websocket_addresses()[0], broker.events());
    for address in [tcp, websocket] {
        let silent = tokio::net::TcpStream::connect(address).await.unwrap();
        let (id, whose, what, why) = refusal(&mut events, Some(silent.local_addr().unwrap())).await;
        assert_eq!((id.as_str(), whose, what, why), ("", None, Attempt::Connect { username: None }, Objection::Late));
    }
    for (path, origin, why) in [
        ("/mqtt", "https://evil.example", Objection::Origin("https://evil.example".to_owned())),
        ("/mqtt", "null", Objection::Origin("null".to_owned())),
    ] {
        let mut stream = tokio::net::TcpStream::connect(websocket).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\norigin: {origin}\r\n\r\n"
        );
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
        assert_eq!(refusal(&mut events, Some(stream.local_addr().unwrap())).await.3, why);
    }
}

/// A will that was good when it was left, and is asked about again.
#[tokio::test]
async fn of_wills_whose_right_is_lost() {
    let (broker, tcp, gate) = broker().await;
    let mut events = broker.events();
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    root.subscribe("#").await;
    for level in BOTH {
        gate.set("alice", Rights { publish: vec!["open/", "retain:kept/"], subscribe: vec![] });
        let hello = Hello { will: Some(("kept/will", true)), ..Hello::new(level, "mortal", "alice") };
        let mut mortal = Raw::welcome(tcp, &hello).await;
        // It may publish there, but not for good any more; a message that breaks the connection lends the will no mark of its own.
        gate.set("alice", Rights { publish: vec!["open/", "kept/"], subscribe: vec![] });
        mortal.send(&packet(0x30, b"\0\x06open/+\0")).await;
        while mortal.next().await.is_some() {}
        until("it is gone", async || broker.statistics().await.clients == 1).await;
        root.expect_quiet().await;
        let mut told = Vec::new();
        for _ in 0..2 {
            told.push(refusal(&mut events, None).await);
        }
        told.sort_by_key(|(_, _, what, _)| *what == Attempt::Packet);
        let (id, whose, what, why) = &told[0];
        assert_eq!((id.as_str(), whose.as_deref(), why), ("mortal", Some("alice"), &Objection::Rights));
        let topic = "kept/will".to_owned();
        assert!(
            matches!(what, Attempt::Will { topic: t, .. } | Attempt::Publish { topic: t, .. } if *t == topic),
            "{what}"
        );
        assert_eq!(told[1].2, Attempt::Packet);
    }
    assert_eq!(broker.statistics().await.retained, 0);
}

#[tokio::test]
async fn nobody_waits_for_who_observes() {
    let (broker, tcp, _) = broker().await;
    let mut events = broker.events();
    let mut alice = Raw::welcome(tcp, &Hello::new(Level::V5, "a", "alice")).await;
    for _ in 0..1000 {
        alice.publish("closed/a", b"x", 0, false).await;
    }
    alice.expect_quiet().await;
    assert_eq!(broker.statistics().await.refused_publishes, 1000);
    let missed = timeout(Duration::from_secs(5), events.next()).await.unwrap();
    assert!(matches!(missed, Some(Event::Missed { events: 500.. })), "{missed:?}");
    assert_eq!(refusal(&mut events, None).await.1.as_deref(), Some(account("alice").as_str()));
}
