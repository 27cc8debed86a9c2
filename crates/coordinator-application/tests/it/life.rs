//! A service comes, says how it is, falls silent, comes back, goes, is forgotten; the coordinator is started anew in between.

use std::time::Duration;

use bus::{Ask, Outgoing};
use bytes::Bytes;
use catalog::{
    Event, Owner, Qos, State,
    application::{
        GetService, Heartbeat, ListServices, Register, Service, ServiceRegistered, ServiceStatusChanged,
        ServiceUnregistered, Unregister,
    },
    datastore::BackupEnded,
    frame::{GetHealth, SetSetting},
    topic,
};
use health::Status;
use serde_json::json;
use store::services;
use vocabulary::{Code, ids::ServiceId};

use crate::stand::{Stand, next_where, payload, until};

fn id(text: &str) -> ServiceId {
    text.parse().unwrap()
}

async fn set(stand: &Stand, key: &str, value: impl Into<serde_json::Value>) {
    let set = SetSetting { key: key.to_owned(), value: value.into() };
    stand.bus.ask_of(Owner::Application, &set).await.unwrap();
}

async fn get(stand: &Stand, name: &str) -> Option<Service> {
    stand.bus.ask(&GetService { id: id(name) }).await.ok().map(|one| one.service)
}

async fn status(stand: &Stand, name: &str) -> Option<Status> {
    get(stand, name).await.map(|service| service.status)
}

/// Publishes text as any MQTT client would.
async fn publish(stand: &Stand, name: &str, text: &str) {
    let (topic, payload) = (topic::inbound(name), Bytes::copy_from_slice(text.as_bytes()));
    stand.bus.publish(Outgoing { topic, payload, ..Outgoing::default() }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_lives() {
    let mut stand = Stand::start().await;
    set(&stand, "registry_check_interval", 1).await;
    let mut states = stand.watch(&topic::states(Service::NAME)).await;
    let mut events = stand.watch(&topic::event(ServiceStatusChanged::NAME)).await;
    let mut arrivals = stand.watch(&topic::event(ServiceRegistered::NAME)).await;
    let mut departures = stand.watch(&topic::event(ServiceUnregistered::NAME)).await;

    // The specification's topic, without an envelope.
    let register = r#"{"id": "svc-1", "name": "weather", "endpoint": "http://h:1", "metadata": {"rack": 4}}"#;
    publish(&stand, "service/event/register", register).await;
    let arrived = next_where(&mut arrivals, |_: &ServiceRegistered| true).await.service;
    assert_eq!((arrived.name.as_str(), arrived.status), ("weather", Status::Healthy));
    let state = next_where(&mut states, |state: &Service| state.id == id("svc-1")).await;
    assert_eq!(state, arrived);

    // Its own word.
    publish(&stand, "service/event/heartbeat", r#"{"id": "svc-1", "status": "degraded"}"#).await;
    let changed = next_where(&mut events, |_: &ServiceStatusChanged| true).await;
    assert_eq!((changed.from, changed.to), (Status::Healthy, Status::Degraded));
    next_where(&mut states, |state: &Service| state.status == Status::Degraded).await;
    publish(&stand, "service/heartbeat", r#"{"id": "svc-1"}"#).await;
    next_where(&mut states, |state: &Service| state.status == Status::Healthy).await;
    next_where(&mut events, |changed: &ServiceStatusChanged| changed.to == Status::Healthy).await;

    // Silence, and the end of it.
    stand.clock.advance(Duration::from_secs(181));
    let changed = next_where(&mut events, |_: &ServiceStatusChanged| true).await;
    assert_eq!((changed.from, changed.to), (Status::Healthy, Status::Unhealthy));
    next_where(&mut states, |state: &Service| state.status == Status::Unhealthy).await;
    let health = stand.bus.ask_of(Owner::Application, &GetHealth::default()).await.unwrap();
    assert_eq!(health.status, Status::Degraded);
    assert!(health.message.contains("1 of 1 services are unhealthy: svc-1"), "{}", health.message);
    publish(&stand, "service/heartbeat", r#"{"id": "svc-1"}"#).await;
    next_where(&mut states, |state: &Service| state.status == Status::Healthy).await;
    let health = stand.bus.ask_of(Owner::Application, &GetHealth::default()).await.unwrap();
    assert_eq!(health.status, Status::Healthy, "{}", health.message);

    // Heartbeats alone are published with the next check.
    stand.clock.advance(Duration::from_secs(30));
    publish(&stand, "service/heartbeat", r#"{"id": "svc-1"}"#).await;
    let now = stand.clock.now();
    next_where(&mut states, |state: &Service| state.last_heartbeat == now).await;

    // A new start; what happened meanwhile was not heard, so silence counts from the start on.
    stand.end().await;
    stand.clock.advance(Duration::from_secs(1000));
    let mut states = stand.watch(&topic::states(Service::NAME)).await;
    stand.run().await;
    let state = next_where(&mut states, |state: &Service| state.id == id("svc-1")).await;
    assert_eq!(state, get(&stand, "svc-1").await.unwrap());
    stand.clock.advance(Duration::from_secs(170));
    publish(&stand, "service/register", r#"{"id": "witness", "name": "of a check"}"#).await;
    next_where(&mut states, |state: &Service| state.id == id("witness")).await;
    stand.clock.advance(Duration::from_secs(1));
    let now = stand.clock.now();
    publish(&stand, "service/heartbeat", r#"{"id": "witness"}"#).await;
    next_where(&mut states, |state: &Service| state.id == id("witness") && state.last_heartbeat == now).await;
    assert_eq!(status(&stand, "svc-1").await, Some(Status::Healthy));
    stand.clock.advance(Duration::from_secs(11));
    next_where(&mut states, |state: &Service| state.status == Status::Unhealthy).await;

    // Forgotten after seven days.
    stand.clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(next_where(&mut departures, |_: &ServiceUnregistered| true).await.id, id("svc-1"));
    assert_eq!(get(&stand, "svc-1").await, None);
    until("a cleared state", || async {
        let mut kept = stand.watch(&topic::state(Service::NAME, "svc-1")).await;
        let kept = tokio::time::timeout(Duration::from_millis(300), kept.next()).await;
        kept.is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_and_coming_again() {
    let stand = Stand::start().await;
    let mut arrivals = stand.watch(&topic::event(ServiceRegistered::NAME)).await;
    let mut states = stand.watch(&topic::state(Service::NAME, "svc-1")).await;
    let register = Register { id: id("svc-1"), name: "one".to_owned(), endpoint: String::new(), metadata: [].into() };
    stand.bus.tell(&register).await.unwrap();
    let first = next_where(&mut arrivals, |_: &ServiceRegistered| true).await.service;
    // The same again is no news; another entry is, with the first instant of all.
    stand.clock.advance(Duration::from_secs(5));
    let (topic, again) = (topic::inbound("service/register"), json!(register));
    stand.bus.ask_topic(&topic, again, Qos::AtLeastOnce, Ask::default()).await.unwrap();
    stand.bus.tell(&Register { name: "two".to_owned(), ..register.clone() }).await.unwrap();
    let second = next_where(&mut arrivals, |_: &ServiceRegistered| true).await.service;
    assert_eq!((second.name.as_str(), second.registered_at), ("two", first.registered_at));
    next_where(&mut states, |state: &Service| state.name == "two").await;

    stand.bus.ask(&Unregister { id: id("svc-1") }).await.unwrap();
    let gone = stand.bus.ask(&Unregister { id: id("svc-1") }).await.unwrap_err();
    assert_eq!(gone.code, Code::NotFound);
    let cleared = async {
        loop {
            if states.next().await.unwrap().payload.is_empty() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), cleared).await.unwrap();
    assert_eq!(get(&stand, "svc-1").await, None);
    let heartbeat = json!(Heartbeat { id: id("svc-1"), status: None });
    let topic = topic::inbound("service/heartbeat");
    let unheard = stand.bus.ask_topic(&topic, heartbeat, Qos::AtLeastOnce, Ask::default()).await.unwrap_err();
    assert_eq!((unheard.code, unheard.message.as_str()), (Code::NotFound, "service svc-1 is not registered"));
    stand.bus.tell(&register).await.unwrap();
    next_where(&mut arrivals, |_: &ServiceRegistered| true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_that_are_refused() {
    let stand = Stand::start().await;
    set(&stand, "services_max", 2).await;
    let topic = topic::inbound("service/register");
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    for (payload, code) in [
        (json!({"id": "a", "name": "x"}), None),
        (json!({"id": "a", "name": ""}), Some(Code::Invalid)),
        (json!({"id": "a", "name": " "}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x".repeat(257)}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x\u{0}"}), Some(Code::Invalid)),
        (json!({"id": "a"}), Some(Code::Invalid)),
        (json!({"name": "x"}), Some(Code::Invalid)),
        (json!({"id": "+", "name": "x"}), Some(Code::Invalid)),
        (json!({"id": "a/b", "name": "x"}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x", "endpoint": 1}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x", "endpoint": "y".repeat(2049)}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x", "metadata": []}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x", "metadata": {"k": "y".repeat(8192)}}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x", "metadata": {"k": "\u{0}"}}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x", "metadata": {"k": deep}}), Some(Code::Invalid)),
        (json!({"id": "a", "name": "x", "more": 1}), None),
        (json!({"id": "b", "name": "x"}), None),
        (json!({"id": "c", "name": "x"}), Some(Code::Busy)),
        (json!({"id": "b", "name": "y"}), None),
    ] {
        let answer = stand.bus.ask_topic(&topic, payload.clone(), Qos::AtLeastOnce, Ask::default()).await;
        assert_eq!(answer.as_ref().err().map(|fault| fault.code), code, "{payload}: {answer:?}");
    }
    let health = stand.bus.ask_of(Owner::Application, &GetHealth::default()).await.unwrap();
    assert!(health.message.contains("registry is full: 2 services"), "{}", health.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restoration_the_table_is_read_again() {
    let stand = Stand::start().await;
    let mut states = stand.watch(&topic::states(Service::NAME)).await;
    let service = services::Service {
        id: id("restored"),
        name: "from a backup".to_owned(),
        endpoint: String::new(),
        metadata: serde_json::Map::new(),
        status: Status::Healthy,
        registered_at: stand.clock.now(),
        last_heartbeat: stand.clock.now(),
    };
    let mut tx = stand.store.begin().await.unwrap();
    services::upsert(&mut tx, &service).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(&stand, "restored").await, None);
    stand.bus.emit(&<BackupEnded as catalog::Shape>::example()).await.unwrap();
    let state = next_where(&mut states, |state: &Service| state.id == id("restored")).await;
    assert_eq!(get(&stand, "restored").await, Some(state));
    let all = stand.bus.ask(&ListServices::default()).await.unwrap();
    assert_eq!(all.services.len(), 1);
    let mut kept = stand.watch(&topic::state(Service::NAME, "restored")).await;
    assert!(payload::<Service>(&kept.next().await.unwrap()).is_some());
}
