//! Payloads that are too large, too deep, ambiguous, too late or the same again; and SQL in every text of every message about security.

use std::time::Duration;

use catalog::{Kind, Owner};
use serde_json::{Value, json};

use super::{
    row::{Attack, Row, Why},
    stand::Stand,
    wire::{Met, Parcel},
};

/// What would end the accounts if it were executed, and is text.
const SQL: &str = "x'; DROP TABLE users; --";
/// What the handlers of such texts may say; nothing else, and nothing that names the database.
const ANSWERS: [&str; 6] = ["invalid", "not-found", "conflict", "forbidden", "unauthenticated", "unavailable"];

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    shapes(stand).into_iter().chain(again(stand)).chain(injections()).collect()
}

fn shapes(stand: &Stand) -> Vec<Row> {
    let ask = |name: &str, payload: Vec<u8>| {
        Row::ask(name, stand, "operator", "security/user/get", &json!({})).bytes(payload)
    };
    let deep = |open: &str, close: &str| {
        format!("{{\"user_id\":{}{}}}", open.repeat(10_000), close.repeat(10_000)).into_bytes()
    };
    let large = json!({"username": "a".repeat(300 * 1024)}).to_string().into_bytes();
    let mut huge = Row::publish(
        "a payload of two megabytes",
        "ann",
        "bigskies/coordinator/telescope/config/list",
        &json!({}),
        false,
    );
    huge = huge.why(Why::Ended).unaudited();
    huge.attack = Attack::Publish {
        who: "ann".to_owned(),
        parcel: Parcel {
            topic: b"bigskies/coordinator/telescope/config/list".to_vec(),
            payload: vec![b' '; 2 << 20],
            ..Parcel::default()
        },
    };
    let (ann, operator) = (stand.id("ann"), stand.id("operator"));
    vec![
        ask("a payload larger than any of ours", large).refused("invalid", "bytes"),
        ask("ten thousand lists in each other", deep("[", "]")).refused("invalid", ""),
        ask("ten thousand lists that never end", deep("[", "")).refused("invalid", ""),
        ask("ten thousand objects in each other", deep("{\"a\":", "1}")).refused("invalid", ""),
        ask("a payload that is no text", b"{\"username\":\"\xff\xfe\"}".to_vec()).refused("invalid", ""),
        ask("half a surrogate", br#"{"username":"\ud800"}"#.to_vec()).refused("invalid", ""),
        ask("a field twice", format!(r#"{{"user_id":"{ann}","user_id":"{operator}"}}"#).into_bytes())
            .refused("invalid", "ambiguous"),
        ask(
            "a field twice, once in other spelling",
            format!(r#"{{"user_id":"{ann}","user\u005fid":"{operator}"}}"#).into_bytes(),
        )
        .refused("invalid", "ambiguous"),
        ask("a field that there is not", json!({"username": "ann", "administrator": true}).to_string().into_bytes())
            .refused("invalid", "administrator"),
        ask("a prototype", json!({"username": "ann", "__proto__": {"administrator": true}}).to_string().into_bytes())
            .refused("invalid", "__proto__"),
        ask("a number without end", br#"{"username":1e999}"#.to_vec()).refused("invalid", ""),
        ask("an object in place of a name", json!({"username": {"$ne": null}}).to_string().into_bytes())
            .refused("invalid", ""),
        ask(
            "a message id of a thousand letters",
            json!({"username": "ann", "message_id": "m".repeat(1000)}).to_string().into_bytes(),
        )
        .refused("invalid", "message_id"),
        ask("a message id that is a list", json!({"username": "ann", "message_id": ["x"]}).to_string().into_bytes())
            .refused("invalid", "message_id"),
        huge,
    ]
}

/// Messages that were heard on their way and are sent again.
fn again(stand: &Stand) -> Vec<Row> {
    let embedded = stand.broker.is_embedded();
    vec![
        Row::scene("the same id with something else in it", |stand| {
            Box::pin(async {
                let make = |name: &str| json!({"message_id": "the-same-id", "name": name});
                stand.try_as("operator", "security/role/create", &make("first")).await;
                stand.try_as("operator", "security/role/create", &make("second")).await
            })
        })
        .why(Why::Fault("conflict", "")),
        Row::scene("the same command again has no second effect", |stand| {
            Box::pin(async {
                let make = json!({"message_id": "once-and-no-more", "name": "Repeated"});
                stand.try_as("ann", "telescope/config/create", &make).await;
                stand.try_as("ann", "telescope/config/create", &make).await;
                let all = stand.good("telescope/config/list", json!({})).await["configs"].take();
                let count = all.as_array().into_iter().flatten().filter(|config| config["name"] == "Repeated").count();
                if count == 1 { Met::NoEffect } else { Met::Passed }
            })
        }),
        Row::scene("another's command with its id", |stand| {
            Box::pin(async {
                let park = json!({"message_id": "anns-own-id", "device_id": stand.id("mount")});
                stand.try_as("bob", "telescope/control/park", &park).await
            })
        })
        .why(Why::Fault("forbidden", "bob lacks telescope:control"))
        .audited(super::row::Trace::refused("telescope/control/park", "bob", "forbidden")),
        Row::scene("an answer that was private, asked for again", |stand| {
            Box::pin(async {
                let make = json!({"message_id": "a-private-answer", "name": "mine"});
                let first = stand.try_as("ann", "security/key/create", &make).await;
                if let Met::Answer(answer) = &first {
                    stand.keep_secret(answer["key"].as_str().unwrap_or_default());
                }
                stand.try_as("ann", "security/key/create", &make).await
            })
        })
        .why(Why::Fault("conflict", "")),
        Row::scene("a command from an hour ago", |stand| {
            Box::pin(async {
                let earlier = stand.now().minus(Duration::from_secs(3600));
                let slew = json!({"device_id": stand.id("mount"), "right_ascension": 3.0, "declination": 75.0});
                let old = json!({"type": "command", "timestamp": earlier, "message_id": "old", "payload": slew});
                stand.try_as("ann", "telescope/control/slew", &old).await
            })
        })
        .why(Why::Fault("timeout", "has passed")),
        Row::scene("a command for the day after tomorrow", |stand| {
            Box::pin(async {
                let later = stand.now().plus(Duration::from_secs(172_800));
                let slew = json!({"device_id": stand.id("mount"), "right_ascension": 3.0, "declination": 75.0, "deadline": later});
                stand.try_as("ann", "telescope/control/slew", &slew).await
            })
        })
        .why(Why::Fault("invalid", "more than an hour away")),
        // What was heard with its token is good where the token is all that proves anybody; who sends it again gains no answer by it.
        Row::send("ann's message with its token, sent by eve", stand, "eve", "security/user/me", &json!({}))
            .token(stand.token("ann").as_deref())
            .refused("forbidden", if embedded { "is not eve's own" } else { "is not ann's own" })
            .by(if embedded { "eve" } else { "ann" }),
    ]
}

/// One row for each message about security that has a text in it: SQL in each of its texts, in turn.
fn injections() -> Vec<Row> {
    let commands = Owner::Security.messages().into_iter().filter(|entry| entry.kind == Kind::Command);
    commands
        .filter_map(|entry| {
            let example = (entry.example)();
            let texts: Vec<String> = example
                .as_object()?
                .iter()
                .filter(|(_, value)| holds_text(value))
                .map(|(name, _)| name.clone())
                .collect();
            (!texts.is_empty()).then(|| {
                let name = format!("SQL in {} of {}", texts.join(", "), entry.name);
                let command = entry.name.to_string();
                Row::scene(name, move |stand| Box::pin(async move { inject(stand, &command, &example, &texts).await }))
            })
        })
        .collect()
}

fn holds_text(value: &Value) -> bool {
    value.is_string() || value.is_null() || value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

async fn inject(stand: &Stand, command: &str, example: &Value, texts: &[String]) -> Met {
    for field in texts {
        let mut payload = elsewhere(stand, example);
        payload[field] = if example[field].is_array() { json!([SQL]) } else { json!(SQL) };
        let met = stand.try_as("operator", command, &payload).await;
        let Met::Answer(answer) = &met else { return met };
        let code = answer["error"]["code"].as_str().unwrap_or_default();
        let told = answer["error"].to_string();
        let is_known = answer["success"] == true || ANSWERS.contains(&code);
        if !is_known || told.contains("SQLSTATE") || told.contains("syntax") {
            return met;
        }
        for secret in ["key", "setup_secret", "password", "private_key_pem", "secret"] {
            if let Some(secret) = answer[secret].as_str() {
                stand.keep_secret(secret);
            }
        }
    }
    let users = stand.observatory.psql("SELECT count(*) FROM users").await;
    if users.is_ok_and(|users| users.parse::<u32>().is_ok_and(|users| users > 5)) { Met::NoEffect } else { Met::Passed }
}

/// The example about nothing that is there, so that it does no harm whatever is made of it.
fn elsewhere(stand: &Stand, example: &Value) -> Value {
    let mut payload = example.clone();
    let fresh = format!("nowhere-{}", stand.fresh());
    for name in ["role_id", "group_id", "user_id", "username", "plugin_id", "name", "domain", "id"] {
        if payload[name].is_string() {
            payload[name] = json!(fresh);
        }
    }
    if let Some(fields) = payload.as_object_mut() {
        fields.retain(|name, value| !value.is_null() || example.get(name).is_some());
    }
    payload
}
