//! Topics that are somebody else's: read, written, left as a will, retained, escaped from; and names that are not one's own.

use serde_json::{Value, json};

use super::{
    row::{Attack, Back, NOT_AUTHORIZED, Row, Trace, Why},
    stand::Stand,
    wire::{Connect, LIMIT, Met, Parcel},
};

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    reading()
        .into_iter()
        .chain(writing())
        .chain(escapes(stand))
        .chain(wills(stand))
        .chain(takeovers(stand))
        .chain(stamps(stand))
        .collect()
}

fn reading() -> Vec<Row> {
    let key = "plugin.weather";
    [
        ("eve", "#"),
        ("eve", "+/#"),
        ("eve", "bigskies/#"),
        ("eve", "bigskies/client/operator/#"),
        ("eve", "bigskies/client/+/+/reply/#"),
        ("eve", "bigskies/client/lobby.eve/x/reply/+"),
        ("eve", "bigskies/coordinator/security/auth/login"),
        ("eve", "bigskies/coordinator/telescope/state/#"),
        ("eve", "$share/mine/#"),
        ("eve", "$share/mine/bigskies/client/operator/#"),
        ("eve", "$share/mine/bigskies/coordinator/security/auth/login"),
        ("eve", "$CONTROL/#"),
        ("bob", "bigskies/coordinator/security/event/#"),
        ("bob", "bigskies/coordinator/+/response/#"),
        ("bob", "bigskies/coordinator/telescope/control/#"),
        ("ann", "bigskies/coordinator/bootstrap/credentials"),
        ("ann", "bigskies/coordinator/security/plugin/weather/token"),
        ("ann", "bigskies/coordinator/security/plugin/+/token"),
        ("ann", "bigskies/plugin/weather/control/#"),
        ("ann", "bigskies/client/key.1/#"),
        ("operator", "#"),
        ("operator", "bigskies/client/ann/#"),
        ("operator", "bigskies/coordinator/security/auth/login"),
        ("operator", "bigskies/coordinator/bootstrap/credentials"),
        ("telescope-coordinator", "bigskies/coordinator/security/auth/login"),
        ("telescope-coordinator", "bigskies/client/ann/x/reply/#"),
        ("gateway", "bigskies/client/ann/x/reply/#"),
        ("gateway", "bigskies/coordinator/bootstrap/credentials"),
        ("node", "bigskies/coordinator/telescope/control/slew"),
        (key, "bigskies/coordinator/telescope/state/#"),
        (key, "bigskies/plugin/+/health"),
        (key, "bigskies/coordinator/security/plugin/other/token"),
    ]
    .into_iter()
    .map(|(who, filter)| Row::subscribe(who, filter))
    .chain([
        // Reserved for the broker, whoever asks; ours says so and another's says that there is no right.
        Row::subscribe("ann", "$SYS/#").why(Why::Broker(&[NOT_AUTHORIZED, 0x8f])).unaudited(),
    ])
    .collect()
}

fn writing() -> Vec<Row> {
    let healthy = json!({"type": "status", "payload": {"component": "telescope-coordinator", "status": "unhealthy"}});
    let parked = json!({"type": "status", "payload": {"device_id": "x", "slewing": false}});
    let answer = json!({"success": true, "correlation_id": "guessed"});
    let slew = "bigskies/coordinator/telescope/control/slew";
    [
        ("health of a coordinator", "eve", "bigskies/coordinator/health/telescope-coordinator", &healthy, false),
        (
            "health of a coordinator, retained",
            "ann",
            "bigskies/coordinator/health/telescope-coordinator",
            &healthy,
            true,
        ),
        (
            "health of a coordinator by the administrator",
            "operator",
            "bigskies/coordinator/health/telescope-coordinator",
            &healthy,
            true,
        ),
        (
            "health of one coordinator by another",
            "telescope-coordinator",
            "bigskies/coordinator/health/security-coordinator",
            &healthy,
            true,
        ),
        ("an event", "ann", "bigskies/coordinator/telescope/event/slew-ended", &parked, false),
        ("an event of the trail", "operator", "bigskies/coordinator/security/event/audit-broken", &parked, false),
        ("a state, retained", "ann", "bigskies/coordinator/telescope/state/position/x", &parked, true),
        (
            "the public keys of tokens, retained",
            "operator",
            "bigskies/coordinator/security/state/keys/jwks",
            &parked,
            true,
        ),
        (
            "the public keys of tokens by another coordinator",
            "telescope-coordinator",
            "bigskies/coordinator/security/state/keys/jwks",
            &parked,
            true,
        ),
        ("a shared response", "ann", "bigskies/coordinator/telescope/response/control/slew/response", &answer, false),
        ("an answer to somebody else", "ann", "bigskies/client/operator/x/reply/1", &answer, false),
        ("an answer to oneself", "ann", "bigskies/client/ann/x/reply/1", &answer, false),
        ("an answer by the gateway", "gateway", "bigskies/client/ann/x/reply/1", &answer, false),
        ("the database's password", "ann", "bigskies/coordinator/bootstrap/credentials", &parked, true),
        ("a plugin's token", "ann", "bigskies/coordinator/security/plugin/weather/token", &parked, false),
        ("health of a plugin", "ann", "bigskies/plugin/weather/health", &healthy, false),
        ("health of one plugin by another", "plugin.weather", "bigskies/plugin/other/health", &healthy, false),
        ("a command by a plugin", "plugin.weather", slew, &parked, false),
        (
            "a state by a plugin, retained",
            "plugin.weather",
            "bigskies/coordinator/telescope/state/position/x",
            &parked,
            true,
        ),
        ("a command by who looks on", "bob", slew, &parked, false),
        ("a command by who looks on, retained", "bob", slew, &parked, true),
        ("a command by who is nobody here", "eve", slew, &parked, false),
        ("an account by who is nobody here", "eve", "bigskies/coordinator/security/user/create", &parked, false),
        (
            "a notice that rows were changed",
            "ann",
            "bigskies/coordinator/config/update/security-coordinator",
            &parked,
            false,
        ),
        ("a topic of nobody", "ann", "elsewhere/1", &parked, false),
        ("a topic one level up", "ann", "bigskies/coordinator/telescope/control/slew/..", &parked, false),
        ("a topic in other letters", "bob", "bigskies/coordinator/telescope/control/Slew", &parked, false),
        ("the settings of another's broker", "operator", "$CONTROL/dynamic-security/v1", &parked, false),
    ]
    .into_iter()
    .map(|(what, who, topic, payload, retain)| {
        let row = Row::publish(format!("{who} publishes {what}"), who, topic, payload, retain);
        // To what begins with $ our broker has another objection first.
        if topic.starts_with('$') { row.why(Why::Ended).unaudited() } else { row }
    })
    .collect()
}

/// Wildcards, paths, zero bytes where a name is wanted.
fn escapes(stand: &Stand) -> Vec<Row> {
    let names = [
        "+",
        "#",
        "a/b",
        "../../etc/passwd",
        "/etc/passwd",
        "%2e%2e%2f",
        "$SYS",
        "a\0b",
        "a\nb",
        "",
        "ａ",
        "a".repeat(65).leak(),
    ];
    let ids = names.iter().map(|name| {
        Row::ask(format!("an id that is {name:?}"), stand, "operator", "telescope/config/get", &json!({ "id": name }))
            .refused("invalid", "is not an id")
    });
    let fields: [(&str, Value); 8] = [
        ("telescope/control/slew", json!({"device_id": "../x", "right_ascension": 1.0, "declination": 1.0})),
        ("security/user/create", json!({"username": "a/../b"})),
        ("security/plugin/admit", json!({"plugin_id": "../weather"})),
        ("security/role/assign", json!({"user_id": "+", "role": "observer"})),
        ("security/key/revoke", json!({"id": "../../key"})),
        ("security/cert/account", json!({"username": "../operator"})),
        ("security/cert/node", json!({"name": "a/b"})),
        ("service/get", json!({"service_id": "#"})),
    ];
    let fields = fields.into_iter().map(|(command, payload)| {
        Row::ask(format!("{command} for {payload}"), stand, "operator", command, &payload).refused("invalid", "")
    });
    let manifests = [
        json!({"plugin_id": "mole", "publishes": ["bigskies/coordinator/telescope/event/slew-ended"]}),
        json!({"plugin_id": "mole", "publishes": ["bigskies/coordinator/+/control/slew"]}),
        json!({"plugin_id": "mole", "publishes": ["$CONTROL/dynamic-security/v1"]}),
        json!({"plugin_id": "mole", "reads": ["#"]}),
        json!({"plugin_id": "mole", "reads": ["bigskies/client/operator/#"]}),
        json!({"plugin_id": "mole", "reads": ["bigskies/coordinator/security/auth/login"]}),
        json!({"plugin_id": "mole", "reads": ["bigskies/coordinator/security/plugin/+/token"]}),
        json!({"plugin_id": "mole", "reads": ["$SYS/#"]}),
    ];
    let manifests = manifests.into_iter().map(|manifest| {
        Row::ask(format!("the manifest {manifest}"), stand, "operator", "security/plugin/admit", &manifest)
            .refused("invalid", "")
    });
    let replies = [
        "bigskies/client/gateway/+/reply/1",
        "bigskies/client/gateway/#",
        "bigskies/client/gateway/x/reply/1\0",
        "$SYS/x",
        "",
    ]
    .into_iter()
    .map(|place| {
        Row::ask(format!("an answer wanted on {place:?}"), stand, "ann", "telescope/config/list", &json!({}))
            .back(Back::Field(place.to_owned()))
            .why(Why::Fault("forbidden", "own"))
    });
    let raw = [
        ("a wildcard in a topic", b"bigskies/coordinator/telescope/control/+".as_slice()),
        ("every topic", b"#"),
        ("a zero byte in a topic", b"bigskies/coordinator/telescope/control/slew\0"),
        ("a topic that is no text", b"bigskies/\xff\xfe"),
        ("no topic at all", b""),
    ];
    let raw = raw.into_iter().map(|(what, place)| {
        let parcel = Parcel { topic: place.to_vec(), payload: b"{}".to_vec(), ..Parcel::default() };
        let mut row =
            Row::publish(format!("ann publishes to {what}"), "ann", "", &json!({}), false).why(Why::Ended).unaudited();
        row.attack = Attack::Publish { who: "ann".to_owned(), parcel };
        row
    });
    ids.chain(fields).chain(manifests).chain(replies).chain(raw).collect()
}

/// What is left behind for when the connection breaks.
fn wills(stand: &Stand) -> Vec<Row> {
    let embedded = stand.broker.is_embedded();
    [
        ("eve", "bigskies/coordinator/health/telescope-coordinator", true),
        ("ann", "bigskies/coordinator/health/security-coordinator", true),
        ("bob", "bigskies/coordinator/telescope/control/park", false),
        ("ann", "bigskies/client/operator/x/reply/1", false),
        ("ann", "bigskies/coordinator/telescope/state/position/will", true),
    ]
    .into_iter()
    .map(|(who, place, retain)| {
        let row = Row::scene(format!("the will of {who} on {place}"), move |stand| {
            Box::pin(async move {
                let mark = format!("the will of {who} number {}", stand.fresh());
                let payload = json!({"type": "status", "payload": {"status": "unhealthy", "message": mark}});
                let will = Some((place.to_owned(), payload.to_string().into_bytes(), retain));
                match stand.connect(&Connect { will, ..stand.hello(who) }).await {
                    Err(met) => met,
                    // Another's broker looks at the right when the will is due.
                    Ok(wire) => {
                        drop(wire);
                        stand.settled().await;
                        let is_mine = |heard: &testkit::Message| heard.payload.to_string().contains(&mark);
                        if stand.heard.find(is_mine).is_some() { Met::Passed } else { Met::NoEffect }
                    }
                }
            })
        });
        if embedded {
            row.why(Why::Broker(&[NOT_AUTHORIZED])).audited(Trace::of_broker("bus/will", who, place, "no right"))
        } else {
            row
        }
    })
    .collect()
}

/// Another's client id.
fn takeovers(stand: &Stand) -> Vec<Row> {
    let embedded = stand.broker.is_embedded();
    let takes = |name: &str, client_id: &'static str| {
        let row = Row::scene(name, move |stand| {
            Box::pin(async move {
                let connect = Connect { client_id: client_id.to_owned(), ..stand.hello("eve") };
                match stand.connect(&connect).await {
                    Err(met) => met,
                    // Another's broker gives the id to the last who comes, with no right but his own; the other comes back.
                    Ok(mut wire) => {
                        let read = wire.subscribe(b"bigskies/coordinator/telescope/control/slew").await;
                        drop(wire);
                        let is_back = async || {
                            let asked = ["telescope/config/list", "security/user/me"];
                            stand.ask(asked[0], json!({})).await.is_ok() && stand.ask(asked[1], json!({})).await.is_ok()
                        };
                        testkit::until("who was pushed out is back", LIMIT, is_back).await;
                        if matches!(read, Met::Broker(NOT_AUTHORIZED)) { Met::NoEffect } else { Met::Passed }
                    }
                }
            })
        });
        if embedded {
            row.why(Why::Broker(&[NOT_AUTHORIZED, 0x85])).audited(Trace::of_broker(
                "bus/connect",
                "eve",
                "",
                "another account's",
            ))
        } else {
            row
        }
    };
    vec![
        takes("the client id of the telescope coordinator", "telescope-coordinator"),
        takes("the client id of its safety", "telescope-coordinator-safety"),
        takes("the client id of the security coordinator", "security-coordinator"),
    ]
}

/// What our own broker writes on messages, written by somebody else.
fn stamps(stand: &Stand) -> Vec<Row> {
    let embedded = stand.broker.is_embedded();
    let forged =
        |row: Row| row.property("x-mqtt-sender", "operator").property("x-mqtt-client-id", "telescope-coordinator");
    let read =
        forged(Row::send("a forged stamp and one's own token", stand, "ann", "security/audit/query", &json!({})));
    let without =
        Row::send("a forged stamp and no token", stand, "ann", "telescope/control/park", &json!({"device_id": "none"}));
    let without = forged(without.token(None));
    let false_source = json!({"type": "command", "source": "coordinator:telescope", "message_id": "m1", "payload": {}});
    vec![
        // What is refused by the broker never reaches whoever would look at a stamp.
        read.why(Why::Broker(&[NOT_AUTHORIZED])).audited(Trace::of_broker(
            "bus/publish",
            "ann",
            "security/audit/query",
            "no right",
        )),
        // On our broker she is herself, who may park what there is; on another's nobody, and the trail does not name the operator.
        if embedded {
            without.refused("not-found", "")
        } else {
            without.refused("unauthenticated", "brings no token").by("nobody")
        },
        Row::ask("a source that is another's", stand, "eve", "security/audit/query", &false_source)
            .refused("forbidden", "eve lacks"),
        Row::scene("a stamp is no caller", move |stand| {
            Box::pin(async move {
                let mut message = stand.message("ann", stand.token("ann"), "security/user/me", &json!({}));
                message.properties.push(("x-mqtt-sender".to_owned(), "operator".to_owned()));
                match stand.deliver(&message).await {
                    Met::Answer(answer) if answer["user"]["username"] == "ann" => Met::NoEffect,
                    other => other,
                }
            })
        }),
    ]
}
