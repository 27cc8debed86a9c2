//! What takes more than one message: repeats, safety with a wrong clock, parking, names that are stored as they are, retained commands.

use std::time::Duration;

use catalog::envelope;
use serde_json::{Map, Value, json};
use testkit::until;

use super::{
    row::Row,
    stand::{ANSWER, Stand},
};

/// How long a motion may take.
const MOTION: Duration = Duration::from_secs(40);
const SLEW: &str = "telescope/control/slew";
/// High for where the simulated mount stands, whenever the test runs, and far from the Sun.
const DECLINATION: f64 = 75.0;

pub(crate) async fn play(stand: &Stand) {
    repeats(stand).await;
    wrong_clocks(stand).await;
    parked(stand).await;
    odd_names(stand).await;
    ill_health(stand).await;
}

fn slew(stand: &Stand, right_ascension: f64) -> Value {
    json!({"device_id": stand.mount, "right_ascension": right_ascension, "declination": DECLINATION})
}

async fn effects(stand: &Stand, what: &str) -> usize {
    stand.observatory.simulator().effects_of(what).await.len()
}

/// Sends a row that must come out as it says; its answer.
async fn sent(stand: &Stand, row: Row) -> Value {
    let (token, outcome) = stand.check(&row).await;
    outcome.unwrap_or_else(|complaint| panic!("{}: {complaint}", row.name));
    stand.answers(&token).remove(0).1
}

/// The same id again: the first answer and no second effect; with something else in it, a conflict.
async fn repeats(stand: &Stand) {
    let with_id = |mut payload: Value| {
        payload["message_id"] = json!("the same again");
        payload
    };
    let before = effects(stand, "slew").await;
    let first = sent(stand, Row::json("the first", SLEW, &with_id(slew(stand, 3.0)))).await;
    let again = sent(stand, Row::json("a repeat", SLEW, &with_id(slew(stand, 3.0)))).await;
    assert_eq!(again["operation_id"], first["operation_id"], "{again}");
    let mut enveloped = envelope::wrap("command", "user:operator", stand.now(), &slew(stand, 3.0));
    enveloped["message_id"] = json!("the same again");
    let again = sent(stand, Row::json("a repeat in an envelope", SLEW, &enveloped)).await;
    assert_eq!(again["operation_id"], first["operation_id"], "{again}");
    let other = Row::json("another place under the same id", SLEW, &with_id(slew(stand, 4.0)));
    sent(stand, other.refused("conflict", "was used for something else")).await;
    let park = with_id(json!({"device_id": stand.unplugged, "enabled": true}));
    let other = Row::json("another command under the same id", "telescope/control/track", &park);
    sent(stand, other.refused("conflict", "was used for something else")).await;
    assert_eq!(effects(stand, "slew").await, before + 1, "one effect for one id");
    let look = |limit: u32| json!({"message_id": "the same look", "limit": limit});
    let list = "telescope/config/list";
    let first = sent(stand, Row::json("a look", list, &look(1))).await;
    let again = sent(stand, Row::json("a repeated look", list, &look(1))).await;
    assert_eq!(again["configs"], first["configs"]);
    sent(stand, Row::json("another look", list, &look(2)).refused("conflict", "was used for something else")).await;
    let nul = json!({"message_id": "a refusal", "key": "a\0b", "value": 1});
    for name in ["a refusal", "the refusal again"] {
        let set = Row::json(name, "telescope/settings/set", &nul);
        sent(stand, set.refused("not-found", "does not exist")).await;
    }
}

/// Safety does not care for clocks; the rest does.
async fn wrong_clocks(stand: &Stand) {
    let hour = Duration::from_secs(3600);
    let now = stand.now();
    let (ago, ahead) = (json!(now.minus(hour)), json!(now.plus(hour)));
    let enveloped = |payload: &Value, field: &str, time: &Value| {
        let mut envelope = envelope::wrap("command", "user:operator", stand.now(), payload);
        envelope[field] = time.clone();
        envelope
    };
    let before = effects(stand, "slew").await;
    for (name, field, time, code) in [
        ("an old slew", "timestamp", &ago, "timeout"),
        ("a slew from the future", "timestamp", &ahead, "invalid"),
        ("a slew that is too late", "deadline", &ago, "timeout"),
    ] {
        sent(stand, Row::json(name, SLEW, &enveloped(&slew(stand, 5.0), field, time)).refused(code, "deadline")).await;
    }
    assert_eq!(effects(stand, "slew").await, before, "no effect of what is refused");
    let abort = json!({"telescope_id": stand.telescope});
    for (name, field, time) in [
        ("an old abort", "timestamp", &ago),
        ("an abort from the future", "timestamp", &ahead),
        ("an abort that is too late", "deadline", &ago),
        ("an abort with a far deadline", "deadline", &json!("9999-12-31T23:59:59Z")),
        ("an abort with an unreadable deadline", "deadline", &json!("at once!")),
        ("an abort with an unreadable timestamp", "timestamp", &json!(0)),
        ("an abort without a usable id", "message_id", &json!("")),
    ] {
        let before = effects(stand, "abort").await;
        sent(stand, Row::json(name, "telescope/control/abort", &enveloped(&abort, field, time))).await;
        assert_eq!(effects(stand, "abort").await, before + 1, "{name}");
    }
}

async fn parked(stand: &Stand) {
    let mount = json!({"device_id": stand.mount});
    stand.good("telescope/control/park", mount.clone()).await;
    until("the mount in park", MOTION, async || {
        stand.good("telescope/status/get", mount.clone()).await["status"]["at_park"] == true
    })
    .await;
    let before = effects(stand, "slew").await;
    let refused = stand.bad(SLEW, slew(stand, 6.0)).await;
    assert!(refused.code.as_str() == "conflict" && !refused.hint.is_empty(), "{refused:?}");
    assert_eq!(effects(stand, "slew").await, before);
    stand.good("telescope/control/unpark", mount).await;
}

/// What is only odd is stored and comes back as it was sent.
async fn odd_names(stand: &Stand) {
    let names = [
        "Robert'); DROP TABLE telescope_configurations; --",
        "%s%s%s%n {0} ${jndi:ldap://x} {{7*7}}",
        "<script>alert(1)</script> \\ \" ' `",
        "Größe 望遠鏡 🔭 \u{202e}emod",
        "../../etc/passwd",
        &"望".repeat(85),
    ];
    let field = |config: &Map<String, Value>, name: &str| config["config"][name].clone();
    for name in names {
        let new = json!({"name": name, "description": name, "owner_id": "operator"});
        let id = stand.good("telescope/config/create", new).await["id"].clone();
        let config = stand.good("telescope/config/get", json!({"id": id})).await;
        assert_eq!((field(&config, "name"), field(&config, "description")), (json!(name), json!(name)));
        let found = stand.good("telescope/config/list", json!({"name": name})).await;
        assert_eq!(found["configs"].as_array().map(Vec::len), Some(1), "{found:?}");
        stand.good("telescope/config/delete", json!({"id": id})).await;
        let service = json!({"id": "odd", "name": name, "metadata": {name: [name]}});
        sent(stand, Row::json("an odd service", "service/register", &service)).await;
        let known = stand.good("service/list", json!({"name": name, "metadata": {name: [name]}})).await;
        assert_eq!(known["services"][0]["metadata"][name], json!([name]), "{known:?}");
        stand.good("service/unregister", json!({"id": "odd"})).await;
    }
}

/// What others say of a coordinator's health is not heard.
async fn ill_health(stand: &Stand) {
    until("a healthy whole", ANSWER * 9, async || {
        stand.good("message/system/health", json!({})).await["status"] == "healthy"
    })
    .await;
}

/// A command that shall be kept is none: ours does not take it, another keeps it, and nobody does it when its owner comes back.
pub(crate) async fn after_a_restart(stand: &mut Stand) {
    let topic = "bigskies/coordinator/telescope/control/slew";
    stand.retain(topic, &slew(stand, 7.0)).await;
    stand.restart().await;
    until("the mount connected again", MOTION, async || {
        let devices = stand.good("telescope/device/list", json!({})).await;
        devices["devices"].as_array().unwrap().iter().any(|device| device["state"] == "connected")
    })
    .await;
    stand.catch_up().await;
    assert_eq!(effects(stand, "slew").await, 0, "a retained command is one from the past");
    stand.is_undisturbed().await;
}
