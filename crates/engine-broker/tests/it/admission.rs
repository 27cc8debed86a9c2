//! Who gets in, under which id and with which will; and that silence holds nobody up.

use std::time::Duration;

use engine_broker::{Broker, BrokerError, Limits, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::{
    raw::{BOTH, Hello, Level, Raw},
    stand::{PATIENCE, TableGate, account, broker, options, until},
};

#[tokio::test]
async fn credentials_ids_and_wills() {
    let (_broker, tcp, _) = broker().await;
    let hello = |user| Hello::new(Level::V5, "c", user);
    let will = |topic, retain| Hello { will: Some((topic, retain)), ..hello("alice") };
    let long_topic = "open/".to_owned() + &"x".repeat(200);
    // The codes of MQTT 5 and of 3.1.1.
    for (name, hello, expected) in [
        ("an account", hello("alice"), [0, 0]),
        ("no name", Hello { user: None, password: None, ..hello("") }, [0x86, 4]),
        ("no password", Hello { password: None, ..hello("alice") }, [0x86, 4]),
        ("another's password", Hello { password: Some("bob"), ..hello("alice") }, [0x86, 4]),
        ("an unknown account", hello("mallory"), [0x86, 4]),
        ("an account that may not", hello("banned"), [0x87, 5]),
        ("not now", hello("busy"), [0x89, 3]),
        ("a chosen id", Hello { id: "any-id_1.2", ..hello("alice") }, [0, 0]),
        ("an id given by the broker", Hello { id: "", ..hello("alice") }, [0, 0]),
        ("an id of a certificate", Hello { id: "cert:0123", ..hello("alice") }, [0x87, 5]),
        ("an id with a slash", Hello { id: "a/b", ..hello("alice") }, [0x85, 2]),
        ("an id that is too long", Hello { id: &"i".repeat(129), ..hello("alice") }, [0x85, 2]),
        ("a will", will("open/gone", false), [0, 0]),
        ("a retained will", will("kept/gone", true), [0, 0]),
        ("a will that may not be retained", will("open/gone", true), [0x87, 5]),
        ("a will to a closed topic", will("closed/gone", false), [0x87, 5]),
        ("a will to $SYS", will("$SYS/gone", false), [0x90, 5]),
        ("a will to a topic that is too long", will(&long_topic, false), [0x90, 5]),
    ] {
        for level in BOTH {
            let (_raw, code, present) = Raw::hello(tcp, &Hello { level, ..hello.clone() }).await;
            assert_eq!(code, expected[usize::from(level == Level::V311)], "{name} with {level:?}");
            assert!(!present, "{name}");
        }
    }
}

#[tokio::test]
async fn an_id_belongs_to_its_account() {
    let (broker, tcp, _) = broker().await;
    let taken = [0x85, 2];
    for level in BOTH {
        let expected = taken[usize::from(level == Level::V311)];
        let alice = Hello::new(level, "shared", "alice").staying();
        let mut owner = Raw::welcome(tcp, &alice).await;
        owner.subscribe("open/a").await;
        for intruder in [Hello::new(level, "shared", "bob"), Hello::new(level, "shared", "bob").staying()] {
            assert_eq!(Raw::hello(tcp, &intruder).await.1, expected, "while the owner is here, {level:?}");
            owner.expect_quiet().await;
        }
        owner.bye().await;
        until("alice is away", async || broker.clients().await.iter().all(|client| client.link.is_none())).await;
        for intruder in [Hello::new(level, "shared", "bob"), Hello::new(level, "shared", "bob").staying()] {
            assert_eq!(Raw::hello(tcp, &intruder).await.1, expected, "while the owner is away, {level:?}");
        }
        let (again, code, present) = Raw::hello(tcp, &alice).await;
        assert_eq!((code, present), (0, true), "the session is as it was, {level:?}");
        let (mut twin, code, present) = Raw::hello(tcp, &alice).await;
        assert_eq!((code, present), (0, true), "its owner may come again before the first is gone, {level:?}");
        until("the first is gone", async || broker.statistics().await.clients == 1).await;
        drop(again);
        twin.expect_quiet().await;
        assert_eq!(broker.clients().await.len(), 1);
        // A clean start ends the session, and with it the id is free.
        twin.bye().await;
        Raw::welcome(tcp, &Hello::new(level, "shared", "alice")).await.bye().await;
        until("nobody is left", async || broker.clients().await.is_empty()).await;
        Raw::welcome(tcp, &Hello::new(level, "shared", "bob")).await.bye().await;
        until("nobody is left", async || broker.clients().await.is_empty()).await;
    }
}

#[tokio::test]
async fn many_that_want_one_id_at_once() {
    let (broker, tcp, _) = broker().await;
    let connects = (0..20).map(|i| async move {
        let hello = Hello::new(Level::V5, "one", if i % 2 == 0 { "alice" } else { "bob" });
        let (raw, code, _) = Raw::hello(tcp, &hello).await;
        (i % 2, raw, code)
    });
    let outcomes = futures::future::join_all(connects).await;
    let welcome: Vec<_> = outcomes.iter().filter(|(_, _, code)| *code == 0).map(|(who, ..)| *who).collect();
    assert!(!welcome.is_empty() && welcome.iter().all(|who| *who == welcome[0]), "one account got the id: {welcome:?}");
    until("one connection is left", async || broker.statistics().await.clients == 1).await;
}

#[tokio::test]
async fn silence_holds_nobody_up_and_is_cut_off() {
    let gate = TableGate::new();
    let mut options = options(&gate);
    options.limits.handshake_deadline = Duration::from_millis(300);
    let broker = Broker::start(options).await.unwrap();
    let (tcp, websocket) = (broker.tcp_addresses()[0], broker.websocket_addresses()[0]);
    let started = Instant::now();
    let mut silent = Vec::new();
    for address in [tcp, tcp, websocket, websocket] {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    // One that stops in the middle of its CONNECT.
    let mut halfway = TcpStream::connect(tcp).await.unwrap();
    halfway.write_all(&[0x10, 24, 0]).await.unwrap();
    silent.push(halfway);
    for address in [tcp, tcp] {
        Raw::welcome(address, &Hello::new(Level::V5, "quick", "alice")).await.bye().await;
    }
    crate::peers::websocket_round_trip(websocket, "/mqtt").await;
    for mut stream in silent {
        let end = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 1])).await.expect("cut off in time");
        assert!(matches!(end, Ok(0) | Err(_)), "nothing is said to the silent");
    }
    assert!(started.elapsed() >= Duration::from_millis(250) && started.elapsed() < Duration::from_secs(5));
    assert_eq!(broker.statistics().await.clients, 0);
}

#[tokio::test]
async fn a_gate_that_never_answers() {
    let gate = TableGate::new();
    let mut options = options(&gate);
    options.limits.handshake_deadline = Duration::from_millis(200);
    let broker = Broker::start(options).await.unwrap();
    let tcp = broker.tcp_addresses()[0];
    let stuck = tokio::spawn(async move {
        let mut stream = TcpStream::connect(tcp).await.unwrap();
        let hello = [&[0x10, 24, 0, 4][..], b"MQTT", &[4, 0xc2, 0, 60, 0, 0, 0, 5], b"stuck", &[0, 3], b"abc"].concat();
        stream.write_all(&hello).await.unwrap();
        stream.read(&mut [0; 8]).await
    });
    let end = tokio::time::timeout(PATIENCE, stuck).await.expect("cut off in time").unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn no_more_clients_than_allowed() {
    let gate = TableGate::new();
    let mut options = options(&gate);
    options.limits = Limits { clients: 2, ..options.limits };
    let broker = Broker::start(options).await.unwrap();
    let tcp = broker.tcp_addresses()[0];
    let one = Raw::welcome(tcp, &Hello::new(Level::V5, "one", "alice")).await;
    let _two = Raw::welcome(tcp, &Hello::new(Level::V5, "two", "alice")).await;
    assert_eq!(Raw::hello(tcp, &Hello::new(Level::V5, "three", "alice")).await.1, 0x89);
    assert_eq!(Raw::hello(tcp, &Hello::new(Level::V311, "three", "alice")).await.1, 3);
    one.bye().await;
    until("there is room again", async || Raw::hello(tcp, &Hello::new(Level::V5, "three", "alice")).await.1 == 0).await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let gate = TableGate::new();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    for transport in [Transport::Tcp, Transport::WebSocket] {
        let mut options = options(&gate);
        match transport {
            Transport::Tcp => options.tcp = vec![address],
            _ => options.websocket = vec![address],
        }
        let error = Broker::start(options).await.unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        match error {
            BrokerError::AddressTaken { address: a, transport: t } => assert_eq!((a, t), (address, transport)),
            other => panic!("{other}"),
        }
    }
    let mut options = options(&gate);
    options.tcp = vec!["192.0.2.1:0".parse().unwrap()];
    assert!(matches!(Broker::start(options).await, Err(BrokerError::Listen { .. })));
}

#[tokio::test]
async fn who_comes_and_goes() {
    use engine_broker::{Attempt, Event, Objection, Refused};
    let (broker, tcp, _) = broker().await;
    let mut events = broker.events();
    let raw = Raw::welcome(tcp, &Hello::new(Level::V5, "seen", "alice")).await;
    let (client_id, alice) = (std::sync::Arc::from("seen"), account("alice"));
    match events.next().await {
        Some(Event::Connected { client_id: seen, account, peer, transport: Transport::Tcp }) => {
            assert_eq!((seen, account, peer.ip()), (std::sync::Arc::clone(&client_id), alice.clone(), tcp.ip()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(Raw::hello(tcp, &Hello::new(Level::V5, "unseen", "mallory")).await.1, 0x86);
    match events.next().await {
        Some(Event::Refused { client_id, account: None, what, why, .. }) => {
            assert_eq!(&*client_id, "unseen");
            assert_eq!(what, Attempt::Connect { username: Some("mallory".to_owned()) });
            assert_eq!(why, Objection::Gate(Refused::Credentials));
        }
        other => panic!("{other:?}"),
    }
    raw.bye().await;
    assert_eq!(events.next().await, Some(Event::Disconnected { client_id, account: alice }));
    for _ in 0..200 {
        Raw::welcome(tcp, &Hello::new(Level::V5, "again", "alice")).await.bye().await;
    }
    until("all are gone", async || broker.statistics().await.clients == 0).await;
    assert!(
        matches!(events.next().await, Some(Event::Missed { events: 1.. })),
        "a slow observer is told what it missed"
    );
    drop(broker);
}
