//! Every spelling of a topic and every example that the specification has for the coordinators that exist, word for word, bare and in an
//! envelope; and every other spelling that the catalogue promises.

use std::{path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use catalog::{Entry, Kind, Needs, Owner, topic};
use serde_json::{Value, json};
use testkit::{Broker, Clients, Clock, Database, Heard, Message, Observatory, Outgoing, Version, until};

use crate::voice::{ANSWER, outcome};

/// How long what follows from a message may take.
const SOON: Duration = Duration::from_secs(20);

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bare,
    Envelope,
}

impl Form {
    /// The message with this payload, under this id.
    fn write(self, kind: &str, id: &str, payload: &Value) -> Value {
        match self {
            Self::Bare => {
                let mut bare = payload.clone();
                bare["message_id"] = json!(id);
                bare
            }
            Self::Envelope => json!({
                "message_id": id, "type": kind, "source": "user:operator", "timestamp": Clock::system().now(), "payload": payload,
            }),
        }
    }
}

/// What a message leads to.
#[derive(Debug, Clone, Copy)]
enum Promise {
    /// An answer on the shared response topic, with this field.
    Answer(&'static str),
    /// The simulated telescope did this.
    Deed(&'static str),
    /// This was published: the topic behind `bigskies/coordinator/`, a field, its value.
    Told(&'static str, &'static str, &'static str),
    /// Nothing was published on this topic.
    Silence(&'static str),
}

use Promise::{Answer, Deed, Silence, Told};

/// The topic behind `bigskies/coordinator/`, the payload, what is promised. `$device`, `$telescope`, `$port` and `$form` stand for those of the
/// test. The two that the specification writes out stand as it has them.
const ROWS: &[(&str, &str, &[Promise])] = &[
    ("telescope/device/discover", r#"{"port": $port, "wait_seconds": 1}"#, &[Answer("devices")]),
    ("telescope/config/create", r#"{"name": "$form", "devices": {"telescope": "$device"}}"#, &[Answer("id")]),
    ("telescope/config/get", r#"{"id": "$telescope"}"#, &[Answer("config")]),
    ("telescope/config/update", r#"{"id": "$telescope", "description": "in the north"}"#, &[Answer("config")]),
    ("telescope/config/list", r#"{"user_id": "user-123"}"#, &[Answer("configs")]),
    (
        "telescope/device/connect",
        r#"{"device_id": "$device"}"#,
        &[Answer("device_id"), Deed("connect"), Told("telescope/state/device/$device", "state", "connected")],
    ),
    ("telescope/control/track", r#"{"device_id": "$device", "enabled": true}"#, &[Answer("success"), Deed("track")]),
    (
        "telescope/control/slew",
        r#"{"telescope_id": "$telescope", "right_ascension": 3.0, "declination": 75.0}"#,
        &[Answer("operation_id"), Deed("slew")],
    ),
    (
        "telescope/control/abort",
        r#"{"telescope_id": "$telescope"}"#,
        &[Answer("device_id"), Deed("abort"), Told("telescope/event/slew-ended", "outcome", "aborted")],
    ),
    (
        "telescope/control/park",
        r#"{"device_id": "$device"}"#,
        &[Answer("operation_id"), Deed("park"), Told("telescope/event/slew-ended", "outcome", "parked")],
    ),
    ("telescope/control/unpark", r#"{"device_id": "$device"}"#, &[Answer("success"), Deed("unpark")]),
    ("telescope/status/get", r#"{"device_id": "$device"}"#, &[Answer("status")]),
    (
        "telescope/device/disconnect",
        r#"{"device_id": "$device"}"#,
        &[Answer("success"), Deed("disconnect"), Told("telescope/state/device/$device", "state", "disconnected")],
    ),
    ("telescope/config/delete", r#"{"id": "$telescope"}"#, &[Answer("success")]),
    (
        "service/event/register",
        r#"{"id": "svc-123", "name": "weather", "endpoint": "http://127.0.0.1:9400", "metadata": {"written": "$form"}}"#,
        &[Told("service/state/service/svc-123", "status", "healthy"), Silence("service/response/register/response")],
    ),
    (
        "service/event/heartbeat",
        r#"{"id": "svc-123", "status": "degraded"}"#,
        &[
            Told("service/event/status-changed", "to", "degraded"),
            Told("service/state/service/svc-123", "status", "degraded"),
            Silence("service/response/heartbeat/response"),
        ],
    ),
    (
        "service/event/heartbeat",
        r#"{"id": "svc-123", "status": "healthy"}"#,
        &[
            Told("service/event/status-changed", "to", "healthy"),
            Told("service/state/service/svc-123", "status", "healthy"),
            Silence("service/response/heartbeat/response"),
        ],
    ),
];

/// What the placeholders stand for.
#[derive(Debug, Default)]
struct Known {
    device: String,
    telescope: String,
    port: u16,
    form: String,
}

impl Known {
    fn fill(&self, text: &str) -> String {
        let port = self.port.to_string();
        let all = [("$device", &self.device), ("$telescope", &self.telescope), ("$port", &port), ("$form", &self.form)];
        all.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// An observatory, and Debian's clients of MQTT 3.1.1 at it.
struct Stand {
    observatory: Observatory,
    clients: Clients,
    heard: Heard,
}

impl Stand {
    async fn start() -> Self {
        let observatory = Observatory::with(Broker::Embedded, Database::Private).start().await;
        let clients = observatory.mosquitto_clients(Version::V311);
        let readable = Observatory::readable();
        let readable: Vec<&str> = readable.iter().map(String::as_str).collect();
        let heard = clients.subscribe(&readable).await;
        Self { observatory, clients, heard }
    }

    async fn publish(&self, name: &str, payload: &str) {
        self.clients.publish(&topic::inbound(name), payload, &[]).await;
    }

    /// The answer under this id on a topic.
    async fn answer(&self, on: &str, id: &str) -> Value {
        let fits = |message: &Message| message.topic == on && message.payload["message_id"] == json!(id);
        self.heard.wait_for(&format!("answer to {id} on {on}"), ANSWER, fits).await.payload
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_specifications_rows() {
    let stand = Stand::start().await;
    let mut known = Known { port: stand.observatory.simulator().discovery_port(), ..Known::default() };
    for form in [Form::Bare, Form::Envelope] {
        known.form = format!("{form:?}");
        for (number, row) in ROWS.iter().enumerate() {
            check(&stand, &mut known, form, &format!("{form:?}-{number}"), row).await;
        }
    }
}

async fn check(stand: &Stand, known: &mut Known, form: Form, id: &str, row: &(&str, &str, &[Promise])) {
    let (name, payload, promises) = row;
    let simulator = stand.observatory.simulator();
    let (deeds_before, heard_before) = (simulator.effects().await.len(), stand.heard.messages().len());
    let payload: Value = serde_json::from_str(&known.fill(payload)).unwrap();
    let kind = if name.contains("/event/") { "event" } else { "command" };
    stand.publish(name, &form.write(kind, id, &payload).to_string()).await;
    for promise in *promises {
        let what = format!("{name} {payload} ({form:?}): {promise:?}");
        match promise {
            Answer(field) => {
                let answer =
                    outcome(stand.answer(&topic::response(name), id).await).unwrap_or_else(|e| panic!("{what}: {e:?}"));
                assert!(answer.get(*field).is_some(), "{what}: {answer}");
                learn(known, name, &answer);
            }
            Deed(deed) => {
                let done =
                    async || simulator.effects().await.iter().skip(deeds_before).any(|effect| effect.what == *deed);
                until(&what, SOON, done).await;
            }
            Told(topic, field, value) => {
                let on = topic::inbound(&known.fill(topic));
                let told = || stand.heard.messages().into_iter().skip(heard_before);
                let fits = |message: &Message| message.topic == on && message.field(field) == &json!(value);
                until(&what, SOON, async || told().any(|message| fits(&message))).await;
            }
            Silence(topic) => {
                let on = topic::inbound(topic);
                assert_eq!(stand.heard.find(|message| message.topic == on), None, "{what}");
            }
        }
    }
}

fn learn(known: &mut Known, name: &str, answer: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned();
    match name {
        "telescope/device/discover" => known.device = text(&answer["devices"][0]["device_id"]),
        "telescope/config/create" => known.telescope = text(&answer["id"]),
        _ => {}
    }
}

/// "Request-Response Pattern (Correlated)": the example as it stands, and the answer as it is promised there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_specifications_examples_word_for_word() {
    let stand = Stand::start().await;
    stand.publish("telescope/config/list", r#"{"message_id": "req-456", "user_id": "user-123"}"#).await;
    let answer = stand.answer("bigskies/coordinator/telescope/response/config/list/response", "req-456").await;
    assert_eq!((&answer["success"], &answer["configs"]), (&json!(true), &json!([])), "{answer}");

    // "Event Pattern": the heartbeat of a registered service is taken and not answered; that of another is answered with an error.
    stand.publish("service/event/heartbeat", r#"{"id": "svc-123", "status": "healthy"}"#).await;
    let refused = |m: &Message| m.topic == topic::response("service/heartbeat");
    let refused = stand.heard.wait_for("a stranger's heartbeat is refused", ANSWER, refused).await;
    assert_eq!(refused.payload["error"]["code"], json!("not-found"), "{refused:?}");

    handed_out(&stand).await;
    healths(&stand).await;
    envelopes(&stand).await;
    stand.observatory.healthy_again(SOON).await;
}

/// The bootstrap coordinator's two topics.
async fn handed_out(stand: &Stand) {
    // They are for processes of ours alone.
    let node = stand.observatory.clients_of_role("telescope-coordinator", Version::V311);
    let heard = node.subscribe(&[topic::CREDENTIALS]).await;
    let all = || heard.messages().into_iter().filter(|message| message.topic == topic::CREDENTIALS);
    for payload in
        ["", "telescope-coordinator", r#"{"coordinator": "telescope"}"#, r#"{"type": "event", "payload": {}}"#]
    {
        let before = all().count();
        node.publish(&topic::inbound("bootstrap/request"), payload, &[]).await;
        until(&format!("credentials after the request {payload:?}"), Duration::from_secs(5), async || {
            all().count() > before
        })
        .await;
    }
    let handed = all().next_back().unwrap();
    assert_eq!(handed.payload["version"], json!("1.0"), "{handed:?}");
    let path = STANDARD.decode(handed.payload["pgpass_path"].as_str().unwrap()).unwrap();
    let path = String::from_utf8(path).unwrap();
    assert!(Path::new(&path).is_absolute() && Path::new(&path).is_file(), "{path}");
}

/// "Status Pattern": the health of each coordinator, retained.
async fn healths(stand: &Stand) {
    for name in ["bootstrap", "message", "application", "telescope", "datastore"] {
        let on = format!("bigskies/coordinator/health/{name}-coordinator");
        let report = stand.heard.wait_for(&on, SOON, |message| message.topic == on).await;
        assert!(report.retained, "{report:?}");
        let whole = &report.payload;
        assert_eq!(
            (&whole["type"], &whole["source"]),
            (&json!("status"), &json!(format!("coordinator:{name}"))),
            "{whole}"
        );
        assert_eq!(
            (report.field("status"), report.field("component")),
            (&json!("healthy"), &json!(format!("{name}-coordinator")))
        );
        assert!(
            report.field("message").is_string() && report.field("details")["uptime_seconds"].is_number(),
            "{whole}"
        );
    }
}

/// "Message Envelope": each word for its type is understood.
async fn envelopes(stand: &Stand) {
    for kind in ["command", "event", "status", "request", "response"] {
        let id = format!("envelope-{kind}");
        stand.publish("datastore/ping", &Form::Envelope.write(kind, &id, &json!({})).to_string()).await;
        let pong = outcome(stand.answer("bigskies/coordinator/datastore/response/ping/response", &id).await).unwrap();
        assert!(pong["round_trip_milliseconds"].is_number(), "{pong}");
    }
}

/// "Runtime Configuration Updates": a row changed by hand holds once that is announced, with whatever payload.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_changed_by_hand() {
    let stand = Stand::start().await;
    let names = ["bootstrap", "message", "application", "telescope", "datastore"];
    for (number, name) in (31..).zip(names) {
        let coordinator = format!("{name}-coordinator");
        let payload = [
            String::new(),
            "changed".to_owned(),
            json!({"config_key": "health_interval_seconds"}).to_string(),
            Form::Envelope.write("event", "by-hand", &json!({"config_key": "health_interval_seconds"})).to_string(),
            Form::Bare.write("event", "by-hand-too", &json!({})).to_string(),
        ];
        stand.observatory.write_setting_by_hand(&coordinator, "health_interval_seconds", "int", &json!(number)).await;
        stand.publish(&format!("config/update/{coordinator}"), &payload[number - 31]).await;
        let word = if name == "application" { "service" } else { name };
        let asks = async || {
            let id = format!("{name}-{}", stand.heard.messages().len());
            let question = json!({"message_id": id, "key": "health_interval_seconds"});
            stand.publish(&format!("{word}/settings/get"), &question.to_string()).await;
            let answer = outcome(stand.answer(&topic::response(&format!("{word}/settings/get")), &id).await).unwrap();
            (&answer["setting"]["value"], &answer["setting"]["origin"]) == (&json!(number), &json!("row"))
        };
        until(&format!("the row of {coordinator} holds"), SOON, asks).await;
    }
}

/// Every topic on which a coordinator listens: each is answered on the response topic of its message, as it is or with a reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_spelling_of_the_catalogue() {
    let stand = Stand::start().await;
    let bus = stand.observatory.client("operator").await;
    let for_people = |entry: &Entry| entry.kind.is_inbound() && entry.needs != Needs::Node;
    let entries = Owner::ALL.into_iter().flat_map(Owner::messages).filter(for_people);
    let mut asked = 0;
    for entry in entries {
        for (spelling, topic) in entry.inbound_topics().into_iter().enumerate() {
            for form in [Form::Bare, Form::Envelope] {
                let id = format!("{}-{spelling}-{form:?}", entry.name);
                let (payload, answered_on) = question(&entry, form, &id);
                let outgoing =
                    Outgoing { topic: topic.clone(), payload: payload.to_string().into(), ..Outgoing::default() };
                bus.publish(outgoing).await.unwrap();
                let answer = outcome(stand.answer(&answered_on, &id).await);
                // What proves its sender by its fields does not, in an example.
                let expected = ["invalid", "not-found", "conflict", "busy"];
                let is_expected = |code: &str| {
                    let proves_itself = matches!(entry.needs, Needs::Nobody | Needs::Anybody);
                    expected.contains(&code) || (proves_itself && code == "unauthenticated")
                };
                let refusal = answer.err().filter(|refusal| !is_expected(&refusal.code));
                assert_eq!(refusal, None, "{topic} {payload}");
                asked += 1;
            }
        }
    }
    assert!(asked > 130, "{asked} questions are too few to be all");
    stand.observatory.healthy_again(SOON).await;
}

/// The example of a message, and where it is answered. A notice is answered only where it says so.
fn question(entry: &Entry, form: Form, id: &str) -> (Value, String) {
    let mut example = (entry.example)();
    if let Some(fields) = example.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        if entry.name == "datastore/backup/restore" {
            // One that worked would end every login, this one too.
            fields.insert("name".to_owned(), json!("none of this name"));
        }
    }
    let mut message = form.write("command", id, &example);
    let shared = entry.response_topic().unwrap_or_default();
    if entry.kind != Kind::Notice {
        return (message, shared);
    }
    let reply_to = "bigskies/client/operator/spelling/reply/notice";
    message["reply_to"] = json!(reply_to);
    (message, reply_to.to_owned())
}
