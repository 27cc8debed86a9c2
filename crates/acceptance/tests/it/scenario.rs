//! The path that a user knows: discover a telescope, make a configuration, connect, slew, watch it arrive, park, and find all of it again
//! after a restart. The same on every stand and in every way to talk.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Arrangement, Broker, Database, Observatory, Plan, until};

use crate::voice::{Voice, Way};

/// How long a motion, and all that follows from it, may take.
const MOTION: Duration = Duration::from_secs(40);
/// Far enough from the pole to be seen to move, near enough to be above the horizon whenever the test runs, and far from the Sun.
const DECLINATION: f64 = 75.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_broker_private_database() {
    scenario(Observatory::with(Broker::Embedded, Database::Private), Way::Bus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_broker_given_database() {
    scenario(Observatory::with(Broker::Embedded, Database::Given), Way::Bus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquitto_private_database() {
    scenario(Observatory::with(Broker::Mosquitto, Database::Private), Way::Bus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquitto_given_database() {
    scenario(Observatory::with(Broker::Mosquitto, Database::Given), Way::Bus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_apart() {
    let plan = Observatory::with(Broker::Embedded, Database::Private);
    scenario(plan.arrangement(Arrangement::Apart), Way::Bus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_apart_on_mosquitto_and_a_given_database() {
    let plan = Observatory::with(Broker::Mosquitto, Database::Given);
    scenario(plan.arrangement(Arrangement::Apart), Way::SharedTopics).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquittos_clients_3_1_1_on_shared_topics() {
    scenario(Observatory::with(Broker::Embedded, Database::Private), Way::SharedTopics).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquittos_clients_3_1_1_with_reply_to() {
    scenario(Observatory::with(Broker::Mosquitto, Database::Private), Way::ReplyTo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquittos_clients_5() {
    scenario(Observatory::with(Broker::EmbeddedOpen, Database::Private), Way::ResponseTopic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminals_send_and_watch() {
    scenario(Observatory::with(Broker::Embedded, Database::Private), Way::Terminal).await;
}

async fn scenario(plan: Plan, way: Way) {
    let mut observatory = plan.slewing_at(20.0).start().await;
    let (device, telescope) = first_night(&observatory, &way.open(&observatory).await).await;
    observatory.restart().await;
    second_night(&observatory, &way.open(&observatory).await, &device, &telescope).await;
}

/// Everything from the first discovery to the parking position; the device and the telescope.
async fn first_night(observatory: &Observatory, voice: &Voice<'_>) -> (Value, Value) {
    let search = json!({"port": observatory.simulator().discovery_port(), "wait_seconds": 1});
    let found = voice.good("telescope/device/discover", search).await;
    assert_eq!((&found["count"], &found["failures"]), (&json!(1), &json!([])), "{found}");
    let mount = &found["devices"][0];
    assert_eq!((&mount["simulated"], &mount["connected"]), (&json!(true), &json!(false)), "{mount}");
    let device = mount["device_id"].clone();

    let configuration = json!({"name": "North dome", "description": "the 40 cm", "devices": {"telescope": device}});
    let made = voice.good("telescope/config/create", configuration.clone()).await;
    let twice = voice.ask("telescope/config/create", configuration).await.unwrap_err();
    assert_eq!(twice.code, "conflict", "{twice:?}");
    let telescope = made["id"].clone();

    let connected = voice.good("telescope/device/connect", json!({"telescope_id": telescope})).await;
    assert_eq!(connected["device_id"], device);
    let state = format!("bigskies/coordinator/telescope/state/device/{}", text(&device));
    voice
        .heard
        .wait_for("the device's state", MOTION, |m| m.topic == state && m.field("connected") == &json!(true))
        .await;

    let below = json!({"telescope_id": telescope, "right_ascension": 3.0, "declination": -75.0});
    let refused = voice.ask("telescope/control/slew", below).await.unwrap_err();
    assert!(refused.code == "unsafe" && !refused.hint.is_empty(), "{refused:?}");

    slew(voice, &device, json!({"telescope_id": telescope}), 3.0).await;
    // Across the pole.
    slew(voice, &device, json!({"device_id": device}), 15.0).await;
    assert_eq!(
        observatory.simulator().effects_of("slew").await.len(),
        2,
        "one effect for each slew, and none for the refused one"
    );

    let parking = voice.good("telescope/control/park", json!({"telescope_id": telescope})).await;
    ended(voice, &parking, "parked").await;
    let at_park = |m: &testkit::Message| m.topic == position(&device) && m.field("at_park") == &json!(true);
    voice.heard.wait_for("a position in park", MOTION, at_park).await;
    let status = voice.good("telescope/status/get", json!({"telescope_id": telescope})).await;
    assert_eq!(status["status"]["at_park"], json!(true), "{status}");
    (device, telescope)
}

/// Everything is known again, without being told again.
async fn second_night(observatory: &Observatory, voice: &Voice<'_>, device: &Value, telescope: &Value) {
    let config = voice.good("telescope/config/get", json!({"id": telescope})).await;
    assert_eq!((&config["config"]["name"], &config["config"]["devices"]["telescope"]), (&json!("North dome"), device));
    let listed = voice.good("telescope/config/list", json!({})).await;
    assert_eq!(listed["configs"].as_array().map(Vec::len), Some(1), "{listed}");
    until("the device connected again by itself", MOTION, async || {
        let devices = voice.good("telescope/device/list", json!({})).await;
        assert_eq!(devices["devices"][0]["device_id"], *device, "{devices}");
        devices["devices"][0]["state"] == "connected"
    })
    .await;
    slew(voice, device, json!({"telescope_id": telescope}), 9.0).await;
    assert_eq!(observatory.simulator().effects_of("slew").await.len(), 1);
}

/// Slews and watches the mount move and arrive.
async fn slew(voice: &Voice<'_>, device: &Value, whom: Value, right_ascension: f64) {
    let mut payload = json!({"right_ascension": right_ascension, "declination": DECLINATION});
    payload.as_object_mut().unwrap().extend(whom.as_object().unwrap().clone());
    let started = voice.good("telescope/control/slew", payload).await;
    assert_eq!(started["device_id"], *device);
    ended(voice, &started, "arrived").await;
    let of_it = |m: &testkit::Message| m.topic == position(device);
    let moving = |m: &testkit::Message| {
        of_it(m) && m.field("operation_id") == &started["operation_id"] && m.field("slewing") == &json!(true)
    };
    voice.heard.wait_for("a position on the way", MOTION, moving).await;
    let there = |m: &testkit::Message| {
        let at = |name: &str| m.field(name).as_f64().unwrap_or(f64::NAN);
        let near =
            (at("right_ascension") - right_ascension).abs() < 0.02 && (at("declination") - DECLINATION).abs() < 0.02;
        of_it(m) && near && m.field("slewing") == &json!(false) && m.field("tracking") == &json!(true)
    };
    voice.heard.wait_for("a position at the target", MOTION, there).await;
}

/// Waits for the end of a motion.
async fn ended(voice: &Voice<'_>, started: &Value, outcome: &str) {
    let operation = &started["operation_id"];
    assert!(operation.is_string(), "{started}");
    let end =
        |m: &testkit::Message| m.topic.ends_with("telescope/event/slew-ended") && m.field("operation_id") == operation;
    let ended = voice.heard.wait_for("the end of the motion", MOTION, end).await;
    assert_eq!((ended.field("outcome"), ended.field("simulated")), (&json!(outcome), &json!(true)), "{ended:?}");
}

fn position(device: &Value) -> String {
    format!("bigskies/coordinator/telescope/state/position/{}", text(device))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
