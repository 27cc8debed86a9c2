//! The message coordinator on a real broker and a real database.

#![expect(clippy::unwrap_used, reason = "a test ends where its stand is not as expected")]

mod stand;

use bus::{Delivery, Outgoing, Watch};
use catalog::{
    Event, Owner, Qos, State,
    frame::GetHealth,
    message::{
        BrokerNow, BrokerStatus, ClearDeadLetters, Flows, HealthChanged, HealthHistory, HealthTransitions,
        ListDeadLetters, MessageFlow, SystemHealth, SystemHealthNow,
    },
    telescope::SlewEnded,
    topic,
};
use health::{Report, Status};
use serde_json::Value;
use vocabulary::{Clock, Code};

use crate::stand::{Stand, soon, until};

const TELESCOPE: &str = "telescope-coordinator";

async fn say(stand: &Stand, status: Status, text: &str) {
    let report = Report::new("whatever", status, text, Clock::system().now());
    stand.client.report(Owner::Telescope, &report).await.unwrap();
}

async fn publish(stand: &Stand, topic: &str, payload: impl Into<Vec<u8>>) {
    let payload: Vec<u8> = payload.into();
    let outgoing = Outgoing { topic: topic.to_owned(), payload: payload.into(), ..Outgoing::default() };
    stand.client.publish(outgoing).await.unwrap();
}

async fn next(watch: &mut Watch) -> Delivery {
    soon(watch.next()).await.unwrap()
}

/// Waits until everything is heard: the answers to this test are.
async fn listens(stand: &Stand) {
    let heard = |flows: &Flows| flows.flows.iter().any(|flow| flow.prefix == "bigskies/client");
    stand.ask_until(&MessageFlow {}, heard).await;
}

fn payload<T: serde::de::DeserializeOwned>(delivery: &Delivery) -> T {
    let mut read: Value = serde_json::from_slice(&delivery.payload).unwrap();
    serde_json::from_value(read["payload"].take()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_of_the_whole_is_followed_told_and_recorded() {
    let stand = Stand::start().await;
    stand.set("health_interval_seconds", 1).await.unwrap();
    stand.set("monitor_interval", 1).await.unwrap();
    let mut events = stand.client.watch(&[(topic::event(HealthChanged::NAME), Qos::AtLeastOnce)], 100).await.unwrap();
    let state = topic::state(SystemHealthNow::NAME, "system");
    let mut states = stand.client.watch(&[(state, Qos::AtLeastOnce)], 1000).await.unwrap();

    say(&stand, Status::Healthy, "fine").await;
    let well = |now: &SystemHealthNow| now.components.contains_key(TELESCOPE) && now.status == Status::Healthy;
    stand.ask_until(&SystemHealth {}, well).await;
    say(&stand, Status::Degraded, "a device is away").await;
    let ill = stand.ask_until(&SystemHealth {}, |now| now.status == Status::Degraded).await;
    assert_eq!(ill.message, "telescope-coordinator: a device is away");
    let silent = |now: &SystemHealthNow| now.components[TELESCOPE].status == Status::Unhealthy;
    let silent = stand.ask_until(&SystemHealth {}, silent).await;
    assert_eq!(silent.components[TELESCOPE].message, "silent for more than 3 s (last said: a device is away)");
    assert_eq!(silent.components["message-coordinator"].status, Status::Healthy, "{}", silent.message);
    until("the state stands", async || payload::<SystemHealthNow>(&next(&mut states).await).status == silent.status)
        .await;

    let mut told = Vec::new();
    while told.len() < 3 {
        let event: HealthChanged = payload(&next(&mut events).await);
        if event.component == TELESCOPE {
            told.push((event.from, event.to));
        }
    }
    use Status::{Degraded, Healthy, Unhealthy, Unknown};
    assert_eq!(told, [(Unknown, Healthy), (Healthy, Degraded), (Degraded, Unhealthy)]);
    let asked = HealthHistory { component: Some(TELESCOPE.to_owned()), limit: Some(2), cursor: None };
    let page = stand.ask_until(&asked, |page| page.transitions[0].status == Unhealthy).await;
    let statuses = |page: &HealthTransitions| page.transitions.iter().map(|report| report.status).collect::<Vec<_>>();
    assert_eq!(statuses(&page), [Unhealthy, Degraded]);
    let rest = stand.client.ask(&HealthHistory { cursor: page.next, ..asked.clone() }).await.unwrap();
    assert_eq!((statuses(&rest), rest.next), (vec![Healthy], None));
    let wrong = HealthHistory { cursor: Some("!".to_owned()), ..asked };
    assert_eq!(stand.client.ask(&wrong).await.unwrap_err().code, Code::Invalid);
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_life_knows_how_things_stood() {
    let mut stand = Stand::start().await;
    say(&stand, Status::Degraded, "a device is away").await;
    let all = HealthHistory::default();
    stand.ask_until(&all, |page| page.transitions.len() == 2).await;
    stand.stop_coordinator().await;
    stand.start_coordinator().await;
    stand.ask_until(&SystemHealth {}, |now| now.components.len() == 2).await;
    say(&stand, Status::Healthy, "fine").await;
    let page = stand.ask_until(&all, |page| page.transitions[0].status == Status::Healthy).await;
    assert_eq!(page.transitions.len(), 3, "{page:?}");
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_owns_becomes_a_dead_letter() {
    let stand = Stand::start().await;
    listens(&stand).await;
    let long = "x".repeat(5000);
    for (path, payload) in [
        ("bigskies/coordinator/telescope/control/slwe", "{}".as_bytes()),
        ("bigskies/coordinator/health/nobody-coordinator", b"\xff\xfe"),
        ("bigskies/coordinator/health/telescope-coordinator", b"nonsense"),
        ("bigskies/elsewhere", long.as_bytes()),
        // These have owners.
        ("bigskies/plugin/p1/data", b"{}"),
        ("bigskies/coordinator/telescope/control/slew", b"{}"),
        (&topic::event(SlewEnded::NAME), b"{}"),
        ("bigskies/client/operator/c/reply/1", b"{}"),
    ] {
        publish(&stand, path, payload).await;
    }
    let list = ListDeadLetters::default();
    let page = stand.ask_until(&list, |page| page.letters.len() >= 4).await;
    let mut seen: Vec<_> =
        page.letters.iter().map(|l| (l.topic.as_str(), l.size_bytes, l.payload.len(), l.reason.as_str())).collect();
    // Health comes over another connection and so in an order of its own.
    seen.sort_unstable();
    let (unowned, unreadable) = ("no message has this topic", "health report can't be read");
    assert_eq!(
        seen,
        [
            ("bigskies/coordinator/health/nobody-coordinator", 2, "\u{fffd}\u{fffd}".len(), unowned),
            ("bigskies/coordinator/health/telescope-coordinator", 8, 8, unreadable),
            ("bigskies/coordinator/telescope/control/slwe", 2, 2, unowned),
            ("bigskies/elsewhere", 5000, 4096, unowned),
        ]
    );
    assert!(page.letters.iter().all(|letter| letter.publisher.as_deref() == Some("operator")));
    let first = stand.client.ask(&ListDeadLetters { limit: Some(3), cursor: None }).await.unwrap();
    let rest = stand.client.ask(&ListDeadLetters { limit: Some(3), cursor: first.next }).await.unwrap();
    assert_eq!((first.letters.len(), rest.letters.len(), rest.next), (3, 1, None));
    stand.client.ask(&ClearDeadLetters {}).await.unwrap();
    assert!(stand.client.ask(&list).await.unwrap().letters.is_empty());
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_counted_and_bounded() {
    let stand = Stand::start().await;
    stand.set("max_queue_size", 10).await.unwrap();
    let prefix = "bigskies/coordinator/nobody/flood";
    listens(&stand).await;
    for n in 0..500 {
        publish(&stand, &format!("{prefix}/{n}"), "four").await;
    }
    let all = |flows: &Flows| {
        flows.flows.iter().any(|flow| flow.prefix == prefix && flow.messages == 500 && flow.bytes == 2000)
    };
    let flows = stand.ask_until(&MessageFlow {}, all).await;
    assert!(flows.flows.iter().find(|flow| flow.prefix == prefix).unwrap().messages_per_second > 0.0);
    let lost = async || {
        let now = stand.client.ask_of(Owner::Message, &GetHealth {}).await.unwrap();
        now.details["dead-letters"]["lost"].as_u64().unwrap()
    };
    let kept = async || {
        let list = ListDeadLetters { limit: Some(1000), cursor: None };
        stand.client.ask(&list).await.unwrap().letters.len() as u64
    };
    until("each is kept or lost", async || kept().await + lost().await == 500).await;
    let kept = kept().await;
    assert!(kept >= 10, "{kept} were kept");
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_probed() {
    let stand = Stand::start().await;
    let probed = |now: &BrokerNow| now.connected && now.round_trip_milliseconds.is_some();
    let now = stand.ask_until(&BrokerStatus {}, probed).await;
    assert_eq!((now.broker.as_str(), now.reconnects), ("embedded", 0));
    assert_eq!(now.address, stand.broker.tcp_addresses()[0].to_string());
    let of = |figure: Option<u64>| figure.unwrap();
    assert!(of(now.clients) >= 3 && of(now.subscriptions) >= 10 && of(now.retained) >= 1, "{now:?}");
    assert!(now.round_trip_milliseconds.unwrap() < 250.0, "{now:?}");

    let state = topic::state(BrokerNow::NAME, "bus");
    let mut states = stand.client.watch(&[(state, Qos::AtLeastOnce)], 1000).await.unwrap();
    assert!(next(&mut states).await.retained);
    assert!(stand.broker.disconnect("message-coordinator"));
    let again = |now: &BrokerNow| now.reconnects == 1 && probed(now);
    stand.ask_until(&BrokerStatus {}, again).await;
    until("the state stands", async || again(&payload(&next(&mut states).await))).await;
    stand.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_and_take_effect() {
    let stand = Stand::start().await;
    for (key, value, code) in [
        ("monitor_interval", Value::from(0), Some(Code::Invalid)),
        ("monitor_interval", Value::from("often"), Some(Code::Invalid)),
        ("max_queue_size", Value::from(0), Some(Code::Invalid)),
        ("dead_letters_max", Value::from(1), None),
        ("rbac_enabled", Value::from(true), None),
        ("validation_timeout", Value::from(5), None),
        ("round_trip_milliseconds_max", Value::from(1), None),
        ("colour", Value::from(1), Some(Code::NotFound)),
        ("broker_port", Value::from(1), Some(Code::NotFound)),
    ] {
        assert_eq!(stand.set(key, value.clone()).await.err().map(|fault| fault.code), code, "{key} {value}");
    }
    stand.stop().await;
}
