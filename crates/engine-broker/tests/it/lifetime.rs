//! Starting, stopping, and what outlives a restart.

use std::{path::Path, sync::Arc, time::Duration};

use engine::Engine;
use engine_broker::{Broker, BrokerError, Message, Options};
use health::Status;
use tokio::{net::TcpStream, time::Instant};
use vocabulary::Clock;

use crate::{
    raw::{BOTH, Hello, Level, Raw},
    stand::{TableGate, account, options, until},
};

fn kept_in(folder: &Path, gate: &Arc<TableGate>) -> Options {
    Options { storage: Some(folder.to_owned()), ..options(gate) }
}

async fn stop(broker: Broker) -> Duration {
    let started = Instant::now();
    broker.stop().await;
    broker.stop().await;
    assert_eq!(broker.health().status, Status::Unhealthy);
    started.elapsed()
}

#[tokio::test]
async fn fifty_starts_on_one_folder() {
    let (gate, folder) = (TableGate::new(), tempfile::tempdir().unwrap());
    let started = Instant::now();
    let mut address = None;
    for round in 0..50 {
        let mut options = kept_in(folder.path(), &gate);
        // The same port each time: it is free again at once.
        options.tcp = address.map_or(options.tcp, |address| vec![address]);
        let broker = Broker::start(options).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!((broker.name(), broker.health().status), ("broker", Status::Healthy));
        let tcp = broker.tcp_addresses()[0];
        let mut raw = Raw::welcome(tcp, &Hello::new(Level::V5, "c", "alice")).await;
        raw.publish("kept/round", round.to_string().as_bytes(), 1, true).await;
        address = Some(tcp);
        assert!(stop(broker).await < Duration::from_secs(1));
        assert!(matches!(raw.next().await, None | Some(_)));
        assert!(TcpStream::connect(tcp).await.is_err(), "nobody listens any more");
    }
    println!("50 starts and stops with a client took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_restart_keeps_what_was_told() {
    let (gate, folder) = (TableGate::new(), tempfile::tempdir().unwrap());
    for level in BOTH {
        let broker = Broker::start(kept_in(folder.path(), &gate)).await.unwrap();
        let tcp = broker.tcp_addresses()[0];
        let mut alice = Raw::welcome(tcp, &Hello::new(level, "alice", "alice").staying()).await;
        alice.subscribe("open/#").await;
        alice.bye().await;
        until("alice is away", async || broker.clients().await.iter().all(|client| client.link.is_none())).await;
        let mut root = Raw::welcome(tcp, &Hello::new(level, "root", "root")).await;
        root.publish("kept/state", b"stands", 1, true).await;
        let long = "kept/".to_owned() + &"x".repeat(193);
        root.publish(&long, b"stands too", 1, true).await;
        root.publish("kept/cleared", b"stands", 1, true).await;
        root.publish("kept/cleared", b"", 1, true).await;
        for i in 0..100_u8 {
            root.publish("open/queued", &[i], 1, false).await;
        }
        stop(broker).await;

        let broker = Broker::start(kept_in(folder.path(), &gate)).await.unwrap();
        let tcp = broker.tcp_addresses()[0];
        let known = broker.clients().await;
        assert_eq!(
            (known.len(), known[0].filters.clone()),
            (1, vec!["open/#".to_owned()]),
            "known before it comes back"
        );
        assert_eq!(
            Raw::hello(tcp, &Hello { level, ..Hello::new(level, "alice", "bob") }).await.1,
            [0x85, 2][usize::from(level == Level::V311)]
        );
        let (mut alice, code, present) = Raw::hello(tcp, &Hello::new(level, "alice", "alice").staying()).await;
        assert_eq!((code, present), (0, true));
        for i in 0..100_u8 {
            assert_eq!(alice.message().await.1, [i], "queued messages come in order");
        }
        alice.subscribe("kept/#").await;
        let mut kept = [alice.message().await, alice.message().await];
        kept.sort();
        assert_eq!(kept, [("kept/state".to_owned(), b"stands".to_vec()), (long, b"stands too".to_vec())]);
        alice.expect_quiet().await;
        alice.bye().await;
        Raw::welcome(tcp, &Hello::new(level, "alice", "alice")).await.bye().await;
        stop(broker).await;
    }
}

#[tokio::test]
async fn what_expired_meanwhile_is_gone() {
    let (gate, folder) = (TableGate::new(), tempfile::tempdir().unwrap());
    let root = account("root");
    let kept = |topic: &str, seconds| Message {
        expiry: Some(Duration::from_secs(seconds)),
        ..Message::new(topic, "x").retained()
    };
    let broker = Broker::start(kept_in(folder.path(), &gate)).await.unwrap();
    for message in [kept("kept/minute", 60), kept("kept/hour", 3600), Message::new("kept/ever", "x").retained()] {
        broker.publish(&root, message).await.unwrap();
    }
    stop(broker).await;
    for (shift, expected) in [
        (0, &["kept/ever", "kept/hour", "kept/minute"][..]),
        (120, &["kept/ever", "kept/hour"]),
        (0, &["kept/ever", "kept/hour"]),
        (7200, &["kept/ever"]),
        (0, &["kept/ever"]),
    ] {
        let clock = Clock::shifted(time::Duration::seconds(shift));
        let broker = Broker::start(Options { clock, ..kept_in(folder.path(), &gate) }).await.unwrap();
        let mut raw = Raw::welcome(broker.tcp_addresses()[0], &Hello::new(Level::V311, "root", "root")).await;
        raw.subscribe("kept/#").await;
        let mut seen = Vec::new();
        for _ in expected {
            seen.push(raw.message().await.0);
        }
        raw.expect_quiet().await;
        seen.sort();
        assert_eq!(seen, expected, "{shift} s later");
        assert_eq!(broker.statistics().await.retained, expected.len());
        stop(broker).await;
    }
}

#[tokio::test]
async fn what_was_loaded_still_expires() {
    let (gate, folder) = (TableGate::new(), tempfile::tempdir().unwrap());
    let broker = Broker::start(kept_in(folder.path(), &gate)).await.unwrap();
    let brief = Message { expiry: Some(Duration::from_secs(3)), ..Message::new("kept/brief", "x").retained() };
    broker.publish(&account("root"), brief).await.unwrap();
    stop(broker).await;
    let broker = Broker::start(kept_in(folder.path(), &gate)).await.unwrap();
    let mut raw = Raw::welcome(broker.tcp_addresses()[0], &Hello::new(Level::V311, "root", "root")).await;
    until("it is served no more", async || {
        let mut reader = Raw::welcome(broker.tcp_addresses()[0], &Hello::new(Level::V311, "reader", "root")).await;
        reader.subscribe("kept/brief").await;
        reader.send(&[0xc0, 0]).await;
        reader.next().await.is_some_and(|packet| packet[0] == 0xd0)
    })
    .await;
    raw.expect_quiet().await;
}

#[tokio::test]
async fn stopping_is_bounded() {
    let gate = TableGate::new();
    let mut options = options(&gate);
    options.limits.stop_deadline = Duration::from_secs(2);
    let broker = Broker::start(options).await.unwrap();
    let (tcp, websocket) = (broker.tcp_addresses()[0], broker.websocket_addresses()[0]);
    let _silent = [TcpStream::connect(tcp).await.unwrap(), TcpStream::connect(websocket).await.unwrap()];
    let _idle = Raw::welcome(tcp, &Hello::new(Level::V5, "idle", "alice")).await;
    // One that subscribes and never reads, so that the broker's writes to it stall.
    let mut stalled = Raw::welcome(tcp, &Hello::new(Level::V5, "stalled", "alice")).await;
    stalled.subscribe("open/#").await;
    let mut root = Raw::welcome(tcp, &Hello::new(Level::V5, "root", "root")).await;
    let large = vec![0; 1 << 19];
    for _ in 0..100 {
        root.publish("open/large", &large, 0, false).await;
    }
    root.expect_quiet().await;
    let took = stop(broker).await;
    println!("stopping with silent and stalled connections took {took:?}");
    assert!(took < Duration::from_millis(2_500), "{took:?}");
}

#[tokio::test]
async fn the_last_handle_stops_it_too() {
    let gate = TableGate::new();
    let broker = Broker::start(options(&gate)).await.unwrap();
    let tcp = broker.tcp_addresses()[0];
    let mut raw = Raw::welcome(tcp, &Hello::new(Level::V311, "c", "alice")).await;
    let other = broker.clone();
    drop(broker);
    raw.expect_quiet().await;
    drop(other);
    assert_eq!(raw.next().await, None);
    until("nobody listens", async || TcpStream::connect(tcp).await.is_err()).await;
}

#[tokio::test]
async fn a_folder_is_for_one_broker() {
    use std::os::unix::fs::PermissionsExt;
    let (gate, folder) = (TableGate::new(), tempfile::tempdir().unwrap());
    let kept = folder.path().join("deep/broker");
    let broker = Broker::start(kept_in(&kept, &gate)).await.unwrap();
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o700);
    let second = Broker::start(kept_in(&kept, &gate)).await.unwrap_err();
    assert!(matches!(&second, BrokerError::StorageTaken { path } if *path == kept), "{second}");
    stop(broker).await;
    stop(Broker::start(kept_in(&kept, &gate)).await.unwrap()).await;
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let third = Broker::start(kept_in(&file, &gate)).await.unwrap_err();
    assert!(matches!(third, BrokerError::Storage { .. }), "{third}");
}
