//! What the pages say as coordinators come, fall ill, and go.

use std::time::Duration;

use bus::{Bus, BusOptions, Outgoing};
use bytes::Bytes;
use catalog::{Owner, Qos, State, envelope, message::SystemHealthNow, topic};
use health::{Report, Status};
use serde_json::json;
use vocabulary::Clock;

use crate::stand::{Broker, ask, client, gateway, options, until};

fn report(owner: Owner, status: Status, message: &str) -> Report {
    Report::new(owner.component(), status, message, Clock::system().now())
}

/// A connection as a coordinator has it: when it breaks, the broker says so.
async fn coordinator(broker: &Broker, owner: Owner) -> Bus {
    let lost = envelope::wrap(
        "status",
        &owner.source(),
        Clock::system().now(),
        &report(owner, Status::Unhealthy, "connection to the broker is lost"),
    );
    let last_will = Some((topic::health(owner), lost.to_string().into_bytes()));
    let options = BusOptions { last_will, ..options(broker.address, &owner.component()) };
    Bus::connect(options, Duration::from_secs(10)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn coordinators_come_and_go() {
    let broker = Broker::start().await;
    let gateway = gateway(client(broker.address, "gateway").await, &[Owner::Datastore, Owner::Telescope]).await;
    let address = gateway.address();
    let silent = until(address, "/health/ready", 503).await;
    let named = "not ready: datastore-coordinator: has not said anything; telescope-coordinator: has not said anything";
    assert_eq!(silent.json()["error"]["message"], named);
    let (datastore, telescope) =
        (coordinator(&broker, Owner::Datastore).await, coordinator(&broker, Owner::Telescope).await);
    datastore.report(Owner::Datastore, &report(Owner::Datastore, Status::Healthy, "all is well")).await.unwrap();
    for (status, ready, health) in [
        (Status::Healthy, 200, 200),
        (Status::Unknown, 503, 503),
        (Status::Degraded, 200, 200),
        (Status::Unhealthy, 503, 503),
        (Status::Healthy, 200, 200),
    ] {
        telescope.report(Owner::Telescope, &report(Owner::Telescope, status, "as the row says")).await.unwrap();
        until(address, "/health/ready", ready).await;
        let whole = until(address, "/health", health).await.json();
        assert_eq!(whole["components"]["telescope-coordinator"]["status"], status.as_str());
        assert_eq!(whole["status"], status.as_str());
    }
    telescope.abandon();
    let lost = until(address, "/health/ready", 503).await.json();
    assert_eq!(lost["error"]["message"], "not ready: telescope-coordinator: connection to the broker is lost");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_kept_must_be_confirmed() {
    let broker = Broker::start().await;
    let earlier = client(broker.address, "earlier").await;
    earlier.report(Owner::Telescope, &report(Owner::Telescope, Status::Healthy, "of an earlier life")).await.unwrap();
    earlier.close().await;
    let gateway = gateway(client(broker.address, "gateway").await, &[Owner::Telescope]).await;
    let kept = "not ready: telescope-coordinator: has not confirmed what it said before";
    let address = gateway.address();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let heard = async {
        while ask(address, "GET", "/health/ready").await.json()["error"]["message"] != kept {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    let telescope = client(broker.address, "telescope").await;
    let question = (topic::inbound("telescope/health/get"), Qos::AtLeastOnce);
    let mut questions = telescope.watch(&[question], 16).await.unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(30), questions.next()).await.unwrap().unwrap();
    let Report { component, status, message, details, observed_at } =
        report(Owner::Telescope, Status::Degraded, "alive");
    let answer = json!({
        "message_id": null, "correlation_id": null, "type": "response", "source": "coordinator:telescope",
        "timestamp": observed_at, "success": true, "component": component, "status": status, "message": message,
        "details": details, "observed_at": observed_at,
    });
    let topic = asked.response_topic.unwrap();
    let payload = Bytes::from(answer.to_string());
    telescope.publish(Outgoing { topic, payload, ..Outgoing::default() }).await.unwrap();
    until(address, "/health/ready", 200).await;
    assert_eq!(until(address, "/health", 200).await.json()["status"], "degraded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_coordinators_view_counts_while_it_is_there() {
    let broker = Broker::start().await;
    let gateway = gateway(client(broker.address, "gateway").await, &[Owner::Message]).await;
    let address = gateway.address();
    let message = coordinator(&broker, Owner::Message).await;
    message.report(Owner::Message, &report(Owner::Message, Status::Healthy, "all is well")).await.unwrap();
    until(address, "/health", 200).await;
    let system = SystemHealthNow {
        status: Status::Unhealthy,
        message: "plugin of somebody: ill".to_owned(),
        components: [("somebody".to_owned(), report(Owner::Message, Status::Unhealthy, "ill"))].into(),
        observed_at: Clock::system().now(),
    };
    message.retain("system", &system).await.unwrap();
    let whole = until(address, "/health", 503).await.json();
    assert_eq!(whole["message"], "plugin of somebody: ill");
    assert_eq!(ask(address, "GET", "/health/ready").await.status, 200);
    message.abandon();
    let lost = until(address, "/health/ready", 503).await;
    assert!(lost.body.contains("message-coordinator: connection to the broker is lost"), "{lost:?}");
    assert_eq!(topic::state(SystemHealthNow::NAME, "system"), "bigskies/coordinator/message/state/health/system");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_on_health_topics_changes_nothing() {
    let broker = Broker::start().await;
    let bus = client(broker.address, "gateway").await;
    let gateway = gateway(bus, &[Owner::Telescope]).await;
    let address = gateway.address();
    let telescope = coordinator(&broker, Owner::Telescope).await;
    telescope.report(Owner::Telescope, &report(Owner::Telescope, Status::Healthy, "all is well")).await.unwrap();
    until(address, "/health/ready", 200).await;
    for payload in ["nonsense", "{}", "[]", "\u{0}", r#"{"component":"someone-else","status":"unhealthy"}"#] {
        let (topic, payload) = (topic::health(Owner::Telescope), Bytes::from(payload));
        telescope.publish(Outgoing { topic, payload, ..Outgoing::default() }).await.unwrap();
    }
    let degraded = report(Owner::Telescope, Status::Degraded, "still there");
    telescope.report(Owner::Telescope, &degraded).await.unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let heard = async {
        while ask(address, "GET", "/health").await.json()["status"] != "degraded" {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    assert_eq!(ask(address, "GET", "/health/ready").await.status, 200);
}
