//! The hand-out: retained, asked for, followed when the file changes, refused when it is broken.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use bus::Outgoing;
use bytes::Bytes;
use catalog::{Owner, bootstrap::Credentials, frame::GetHealth, topic};
use coordinator::{Coordinator as _, Start};
use coordinator_bootstrap::{Bootstrap, BootstrapSettings, Facts, Given, await_credentials, follow_credentials};
use health::Status;
use serde_json::json;
use store::{Endpoint, PoolSettings, Store, endpoint::pgpass};
use vocabulary::{Clock, Code};

use crate::stand::{Stand, next_where, until};

async fn health(stand: &Stand) -> (Status, String) {
    let health = stand.bus.ask_of(Owner::Bootstrap, &GetHealth::default()).await.unwrap();
    (health.status, health.message)
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_handed_out_and_followed() {
    let stand = Stand::start().await;
    let mut handouts = stand.watch(topic::CREDENTIALS).await;

    // Retained, as the specification's bare object.
    let first = handouts.next().await.unwrap();
    assert!(first.retained);
    let bare: serde_json::Value = serde_json::from_slice(&first.payload).unwrap();
    assert_eq!(bare["version"], "1.0");
    let encoded = bare["pgpass_path"].as_str().unwrap().to_owned();
    assert!(!String::from_utf8_lossy(&first.payload).contains(stand.path.to_str().unwrap()), "{bare}");

    // On request, in plain text.
    let request = Outgoing {
        topic: topic::inbound("bootstrap/request"),
        payload: Bytes::from_static(b"telescope"),
        ..Outgoing::default()
    };
    stand.bus.publish(request).await.unwrap();
    let again = next_where(&mut handouts, |_: &Credentials| true).await;
    assert_eq!(again.pgpass_path, encoded);

    // A role in another process.
    let apart = stand.another_client("apart").await;
    let endpoint = await_credentials(&apart, Duration::from_secs(30)).await.unwrap();
    assert_eq!(endpoint, stand.store.endpoint());
    let store = Store::connect(endpoint, PoolSettings::default()).await.unwrap();
    let following = tokio::spawn(follow_credentials(apart, store.clone()));

    // The file names another database: both move there.
    let second = stand.another_database().await;
    pgpass::write(&stand.path, &second).unwrap();
    next_where(&mut handouts, |handout: &Credentials| handout.database.as_ref() == Some(&second.database)).await;
    assert_eq!(stand.store.endpoint(), second);
    until("the other process to follow", || async { store.endpoint() == second }).await;
    assert!(store.ping().await.is_ok());
    assert_eq!(health(&stand).await.0, Status::Healthy);

    // Files that can't be followed: all stays, and the health says why.
    let nowhere = second.with_database("nowhere");
    for (what, part) in [
        (Broken::OpenToOthers, "chmod 600"),
        (Broken::Nonsense, "no line fits"),
        (Broken::Missing, "No such file"),
        (Broken::Names(nowhere), "does not work"),
    ] {
        what.make(&stand.path);
        until(part, || async {
            let (status, message) = health(&stand).await;
            status == Status::Degraded && message.contains(part)
        })
        .await;
        assert_eq!(stand.store.endpoint(), second, "{part}");
        assert!(stand.store.ping().await.is_ok(), "{part}");
    }
    pgpass::write(&stand.path, &second).unwrap();
    until("health", || async { health(&stand).await.0 == Status::Healthy }).await;
    assert_eq!(store.endpoint(), second);
    following.abort();
}

/// How a file is broken.
enum Broken {
    OpenToOthers,
    Nonsense,
    Missing,
    Names(Endpoint),
}

impl Broken {
    fn make(&self, path: &std::path::Path) {
        match self {
            Self::OpenToOthers => fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap(),
            Self::Nonsense => {
                fs::write(path, "nonsense\n").unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
            }
            Self::Missing => fs::remove_file(path).unwrap(),
            Self::Names(endpoint) => pgpass::write(path, endpoint).unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_has_an_end_and_a_reason() {
    let stand = Stand::without_coordinator().await;
    let short = Duration::from_millis(400);
    let fault = await_credentials(&stand.bus, short).await.unwrap_err();
    assert_eq!(fault.code, Code::Unavailable);
    assert!(fault.message.contains("bootstrap-coordinator published none"), "{fault}");
    assert!(fault.hint.contains("--database"), "{}", fault.hint);
    for (payload, part) in [
        ("nonsense".to_owned(), "not JSON"),
        (json!({"pgpass_path": "L25vd2hlcmUvLnBncGFzcw==", "version": "1.0"}).to_string(), "No such file"),
        (json!({"pgpass_path": "L25vd2hlcmUvLnBncGFzcw==", "version": "9"}).to_string(), "version"),
    ] {
        let (topic, payload) = (topic::CREDENTIALS.to_owned(), Bytes::from(payload));
        stand.bus.publish(Outgoing { topic, payload, retain: true, ..Outgoing::default() }).await.unwrap();
        until(part, || async { await_credentials(&stand.bus, short).await.unwrap_err().message.contains(part) }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_waited_for() {
    let mut stand = Stand::without_coordinator().await;
    let apart = stand.another_client("apart").await;
    let waiting = tokio::spawn(async move { await_credentials(&apart, Duration::from_secs(30)).await });
    let mut requests = stand.watch(&topic::inbound("bootstrap/request")).await;
    assert!(requests.next().await.is_some());
    stand.run().await;
    assert_eq!(waiting.await.unwrap().unwrap(), stand.store.endpoint());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relative_path_is_not_handed_out() {
    let stand = Stand::without_coordinator().await;
    let start = Start {
        settings: BootstrapSettings::default(),
        bus: stand.bus.clone(),
        store: stand.store.clone(),
        clock: Clock::system(),
        given: Given { pgpass_path: ".pgpass".into(), facts: Facts::default() },
    };
    let fault = Bootstrap::start(start).await.unwrap_err();
    assert!(fault.message.contains("not absolute"), "{fault}");
}
