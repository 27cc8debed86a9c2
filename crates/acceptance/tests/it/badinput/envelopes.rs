//! What stands around a payload: ids, deadlines, ways back, tokens, and forms that are almost an envelope.

use std::time::Duration;

use serde_json::{Value, json};

use super::{row::Row, stand::Stand};

const LOOK: &str = "telescope/config/list";
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    [forms(stand), ids(stand), times(stand), ways_back(stand), callers(stand)].concat()
}

/// An envelope that is good but for some fields.
fn envelope(stand: &Stand, fields: &Value) -> Value {
    let mut envelope =
        json!({"type": "request", "source": "user:operator", "timestamp": stand.now(), "payload": {"limit": 1}});
    for (field, value) in fields.as_object().unwrap() {
        envelope[field] = value.clone();
    }
    envelope
}

fn enveloped(stand: &Stand, name: &str, fields: Value) -> Row {
    Row::json(name, LOOK, &envelope(stand, &fields))
}

fn forms(stand: &Stand) -> Vec<Row> {
    vec![
        enveloped(stand, "a type that is none", json!({"type": "wish"})).invalid("unknown field"),
        enveloped(stand, "a type that is a number", json!({"type": 1})).invalid("unknown field"),
        enveloped(stand, "a payload that is a list", json!({"payload": []})).invalid("unknown field"),
        enveloped(stand, "a payload that is text", json!({"payload": "{\"limit\": 1}"})).invalid("unknown field"),
        enveloped(stand, "a payload in a payload", json!({"payload": {"payload": {}}}))
            .invalid("unknown field `payload`"),
        enveloped(stand, "a source that is a list", json!({"source": ["user"]})).invalid("source is not text"),
        enveloped(stand, "a source that is a lie", json!({"source": "coordinator:telescope"})).done("configs"),
        enveloped(stand, "a trace that is a number", json!({"trace_parent": 1})).invalid("trace_parent is not text"),
        enveloped(stand, "what an envelope has not", json!({"x-colour": "blue"})).done("configs"),
    ]
}

fn ids(stand: &Stand) -> Vec<Row> {
    let long = "x".repeat(129);
    let mut rows = vec![
        enveloped(stand, "id for message_id", json!({"id": "by another name"}))
            .done(r#""message_id":"by another name""#),
        enveloped(stand, "both ids", json!({"id": "one", "message_id": "the other"}))
            .done(r#""message_id":"the other""#),
        Row::json("id in a bare payload", LOOK, &json!({"id": "a"})).invalid("unknown field `id`"),
        enveloped(stand, "the longest id", json!({"message_id": "é".repeat(64)})).done("configs"),
        enveloped(stand, "an id in SQL", json!({"message_id": "'); DROP TABLE inbox; --"})).done("DROP TABLE inbox"),
        enveloped(stand, "an id that is a format", json!({"message_id": "%s%n{0}${jndi:x}"})).done("%s%n{0}${jndi:x}"),
    ];
    for (what, id) in [
        ("empty", json!("")),
        ("129 bytes long", json!(long)),
        ("65 characters of two bytes", json!("é".repeat(65))),
        ("with a NUL", json!("a\0b")),
        ("with a line break", json!("a\nb")),
        ("with an escape", json!("a\u{1b}[2Jb")),
    ] {
        rows.push(
            enveloped(stand, &format!("an id {what}"), json!({"message_id": id})).invalid("message_id is not usable"),
        );
        rows.push(
            enveloped(stand, &format!("a correlation id {what}"), json!({"correlation_id": id}))
                .invalid("correlation_id is not usable"),
        );
        rows.push(
            Row::json(&format!("a bare id {what}"), LOOK, &json!({"message_id": id}))
                .invalid("message_id is not usable")
                .shared(),
        );
    }
    for id in [json!(7), json!(["a"]), json!({"a": 1}), json!(true)] {
        rows.push(
            enveloped(stand, &format!("an id that is {id}"), json!({"message_id": id}))
                .invalid("message_id is not text"),
        );
    }
    rows
}

fn times(stand: &Stand) -> Vec<Row> {
    let now = stand.now();
    let (ago, ahead) = (now.minus(HOUR), now.plus(HOUR));
    let mut rows = vec![
        enveloped(stand, "a deadline that has passed", json!({"deadline": ago}))
            .refused("timeout", "has passed, so it was not executed"),
        enveloped(stand, "a deadline that is far", json!({"deadline": ahead.plus(HOUR)}))
            .invalid("more than an hour away"),
        enveloped(stand, "a deadline in another age", json!({"deadline": "9999-12-31T23:59:59Z"}))
            .invalid("more than an hour away"),
        enveloped(stand, "a deadline before the calendar", json!({"deadline": "0000-01-01T00:00:00Z"}))
            .refused("timeout", "has passed"),
        enveloped(stand, "an hour old", json!({"timestamp": ago})).refused("timeout", "has passed"),
        enveloped(stand, "an hour ahead", json!({"timestamp": ahead})).invalid("more than an hour away"),
        enveloped(stand, "as old as a computer", json!({"timestamp": "1970-01-01T00:00:00Z"}))
            .refused("timeout", "has passed"),
        enveloped(stand, "an hour old with time left", json!({"timestamp": ago, "deadline": now.plus(HOUR / 2)}))
            .done("configs"),
        Row::json("a bare deadline that has passed", LOOK, &json!({"deadline": ago}))
            .refused("timeout", "has passed")
            .shared(),
        Row::json("a bare timestamp", LOOK, &json!({"timestamp": now})).invalid("unknown field `timestamp`"),
    ];
    for text in [
        "soon",
        "",
        "2026-11-21",
        "2026-11-21 20:15",
        "2026-13-45T99:99:99Z",
        "1795300000",
        // In UTC these are in a year that has not four digits.
        "9999-12-31T23:59:59-23:59",
        "0000-01-01T00:00:00+23:59",
    ] {
        rows.push(
            enveloped(stand, &format!("deadline {text:?}"), json!({"deadline": text}))
                .invalid("deadline can't be read"),
        );
        rows.push(
            enveloped(stand, &format!("timestamp {text:?}"), json!({"timestamp": text}))
                .invalid("timestamp can't be read"),
        );
    }
    for value in [json!(1_795_300_000), json!(-1), json!([]), json!(1e300)] {
        rows.push(
            enveloped(stand, &format!("deadline {value}"), json!({"deadline": value})).invalid("deadline is not text"),
        );
    }
    rows
}

fn ways_back(stand: &Stand) -> Vec<Row> {
    let own = stand.own_topic("by-envelope");
    let mut rows = vec![
        enveloped(stand, "reply_to", json!({"reply_to": own})).answered_on(&own),
        enveloped(stand, "reply_to beside a response topic", json!({"reply_to": own})),
        enveloped(stand, "reply_to of a number", json!({"reply_to": 7})).invalid("reply_to is not text").shared(),
        enveloped(
            stand,
            "another's reply_to beside an own response topic",
            json!({"reply_to": "bigskies/client/mallory/x/reply/1"}),
        ),
        enveloped(stand, "an own reply_to beside another's response topic", json!({"reply_to": own}))
            .back_to("bigskies/client/mallory/x/reply/1")
            .refused("forbidden", "is not operator's own"),
        enveloped(stand, "garbage with a way back", json!({"reply_to": own, "deadline": "soon"}))
            .invalid("deadline can't be read")
            .answered_on(&own),
        enveloped(
            stand,
            "the shared topic by name",
            json!({"reply_to": "bigskies/coordinator/telescope/response/config/list/response"}),
        )
        .shared(),
        Row::bytes("not JSON, with another's response topic", LOOK, "{")
            .back_to("bigskies/client/mallory/x/reply/1")
            .refused("forbidden", "own"),
    ];
    rows.extend(not_ones_own(stand));
    rows
}

fn not_ones_own(stand: &Stand) -> Vec<Row> {
    let mut rows = Vec::new();
    for topic in [
        "bigskies/client/mallory/x/reply/1",
        "bigskies/client/operator2/x/reply/1",
        "bigskies/client/Operator/x/reply/1",
        "bigskies/client/operator/x/1",
        "bigskies/client/operator//reply/1",
        "bigskies/client//x/reply/1",
        "bigskies/client/operator/x/reply/+",
        "bigskies/client/operator/x/reply/#",
        "bigskies/client/+/x/reply/1",
        "#",
        "bigskies/coordinator/telescope/control/park",
        "bigskies/coordinator/telescope/state/position/x",
        "bigskies/coordinator/health/telescope-coordinator",
        "bigskies/coordinator/message/response/deadletter/list/response",
        "$SYS/broker/uptime",
        "",
        "a\0b",
        "bigskies/client/operator/x/reply/a\nb",
    ] {
        let fields = json!({"reply_to": topic});
        rows.push(
            enveloped(stand, &format!("reply_to {topic:?}"), fields)
                .refused("forbidden", "is not operator's own")
                .shared(),
        );
    }
    let long = format!("bigskies/client/operator/x/reply/{}", "x".repeat(60_000));
    rows.push(
        enveloped(stand, "a long reply_to", json!({"reply_to": long})).refused("forbidden", "reply topic").shared(),
    );
    let escaped = format!("bigskies/client/operator/x/reply/{}", "\u{7f}".repeat(60_000));
    rows.push(
        enveloped(stand, "a long reply_to to be escaped", json!({"reply_to": escaped}))
            .refused("forbidden", "reply topic")
            .shared(),
    );
    for topic in ["bigskies/client/mallory/x/reply/1", "bigskies/coordinator/telescope/control/park", "elsewhere"] {
        rows.push(
            enveloped(stand, &format!("response topic {topic:?}"), json!({}))
                .back_to(topic)
                .refused("forbidden", "is not operator's own"),
        );
    }
    rows
}

fn callers(stand: &Stand) -> Vec<Row> {
    vec![
        enveloped(stand, "a token that is a number", json!({"token": 7})).invalid("token is not text"),
        Row::json("a user_id that is an object", LOOK, &json!({"user_id": {"name": "operator"}}))
            .invalid("expected a string"),
        Row::json("a user_id where there is none", "telescope/device/list", &json!({"user_id": "mallory"}))
            .invalid("unknown field `user_id`"),
    ]
}
