//! What can't be read at all, is too large or too deep, and fields that are wrong in messages that are not about a device.

use catalog::envelope::{DEEPEST_NESTING, LARGEST_PAYLOAD_BYTES};
use serde_json::json;

use super::{row::Row, stand::Stand};

/// A command that only looks, with one field, which must be there.
const LOOK: &str = "telescope/settings/get";
/// What it answers if there is no such setting.
const UNKNOWN: &str = "does not exist";

pub(crate) fn rows(_: &Stand) -> Vec<Row> {
    [reading(), bounds(), settings(), lists(), services(), notices(), backups(), discovery(), configurations()].concat()
}

fn reading() -> Vec<Row> {
    let unreadable: [(&str, &[u8]); 16] = [
        ("words", b"slew to M 42, please"),
        ("cut JSON", br#"{"key": "discovery"#),
        ("two objects", br#"{"key": "a"} {"key": "b"}"#),
        ("a comma too many", br#"{"key": "a",}"#),
        ("single quotes", b"{'key': 'a'}"),
        ("a comment", b"{\"key\": \"a\"} // the port"),
        ("invalid UTF-8", b"{\"key\": \"\xff\xfe\"}"),
        ("an overlong NUL", b"{\"key\": \"\xc0\x80\"}"),
        ("UTF-16", b"{\0\"\0k\0e\0y\0\"\0"),
        ("a byte order mark", b"\xef\xbb\xbf{\"key\": \"a\"}"),
        ("a lone surrogate", br#"{"key": "\ud800"}"#),
        ("a raw line break in text", b"{\"key\": \"a\nb\"}"),
        ("not a number", br#"{"key": NaN}"#),
        ("infinity", br#"{"key": -Infinity}"#),
        ("a number beyond all", br#"{"key": 1e999}"#),
        ("only NULs", b"\0\0\0\0"),
    ];
    let other: [(&str, &[u8]); 5] =
        [("a list", b"[1, 2]"), ("a number", b"42"), ("a text", br#""key""#), ("null", b"null"), ("true", b"true")];
    let rows = unreadable.map(|(name, bytes)| Row::bytes(name, LOOK, bytes).invalid("payload is not JSON"));
    let others =
        other.map(|(name, bytes)| Row::bytes(name, LOOK, bytes).invalid("settings/get is not an object").shared());
    rows.into_iter().chain(others).chain([Row::bytes("nothing", LOOK, b"").invalid("missing field `key`")]).collect()
}

fn bounds() -> Vec<Row> {
    let padded = |bytes: usize| format!("{}{}", r#"{"key": "a"}"#, " ".repeat(bytes - 12));
    let nested = |depth: usize| format!(r#"{{"key": {}{}}}"#, "[".repeat(depth - 1), "]".repeat(depth - 1));
    let many = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    vec![
        Row::bytes("as large as may be", LOOK, padded(LARGEST_PAYLOAD_BYTES)).refused("not-found", UNKNOWN),
        Row::bytes("a byte too large", LOOK, padded(LARGEST_PAYLOAD_BYTES + 1)).invalid("more than 262144 bytes"),
        Row::bytes("1 MB", LOOK, padded(1_000_000)).invalid("more than 262144 bytes"),
        Row::bytes("1 MB of binary", LOOK, vec![0x80; 1_000_000]).invalid("more than 262144 bytes").shared(),
        Row::bytes("more than a broker takes", LOOK, padded(3 << 20)).silence().alone(),
        Row::bytes("as deep as may be", LOOK, nested(DEEPEST_NESTING)).invalid("expected a string"),
        Row::bytes("one too deep", LOOK, nested(DEEPEST_NESTING + 1)).invalid("nested deeper than 32"),
        Row::bytes("far too deep", LOOK, nested(10_000)).invalid("nested deeper than 32"),
        Row::bytes("deep and open", LOOK, "[".repeat(10_000)).invalid("nested deeper than 32"),
        Row::bytes("deep objects", LOOK, many(r#"{"key":"#, 200_000)).invalid("nested deeper than 32"),
        Row::bytes("brackets in text", LOOK, format!(r#"{{"key": "{}"}}"#, "[".repeat(100)))
            .refused("not-found", UNKNOWN),
        Row::json("a long unknown field", LOOK, &json!({"key": "a", "x".repeat(200_000): 1}))
            .invalid("settings/get is wrong: xxx"),
        Row::json("a long key", LOOK, &json!({"key": "x".repeat(200_000)})).refused("not-found", "setting xxx"),
        // Written out, each of these takes seven bytes.
        Row::json("long and to be escaped", LOOK, &json!({"key": "\u{7f}".repeat(200_000)})).refused("not-found", ""),
    ]
}

fn settings() -> Vec<Row> {
    let set = |name: &str, key: &str, value: serde_json::Value| {
        Row::json(
            name,
            "telescope/settings/set",
            &json!({"message_id": format!("setting: {name}"), "key": key, "value": value}),
        )
    };
    let rollback = |id: serde_json::Value| {
        Row::json(&format!("change {id}"), "telescope/settings/rollback", &json!({"change_id": id}))
    };
    vec![
        set("an unknown setting", "dicovery_port", json!(1))
            .refused("not-found", "setting dicovery_port does not exist"),
        set("a setting in SQL", "x'; DROP TABLE coordinator_config; --", json!(1)).refused("not-found", UNKNOWN),
        set("a setting with a NUL", "a\0b", json!(1)).refused("not-found", UNKNOWN),
        set("a setting of a wrong type", "discovery_port", json!("32227"))
            .invalid("setting discovery_port can't be so"),
        set("a setting that is null", "discovery_port", json!(null)).invalid("setting discovery_port can't be so"),
        set("a setting that is a list", "discovery_reach", json!(["networks"])).invalid("discovery_reach"),
        set("a word that is none", "discovery_reach", json!("everywhere")).invalid("discovery_reach"),
        set("a setting out of range", "position_rate_hertz", json!(1e300)).invalid("is not between 0.01 and 20"),
        set("a negative port", "discovery_port", json!(-1)).invalid("setting discovery_port can't be so"),
        set("a port too high", "discovery_port", json!(65_536)).invalid("setting discovery_port can't be so"),
        set("half a site", "site_latitude_degrees", json!(50.0)).invalid("latitude and longitude go together"),
        set("a boot setting", "database_url", json!("postgres://elsewhere/x")).invalid("boot setting"),
        Row::json("a setting without a value", "telescope/settings/set", &json!({"key": "discovery_port"}))
            .invalid("value"),
        Row::json("an unset of nothing known", "telescope/settings/unset", &json!({"key": "%s%n"}))
            .refused("not-found", "setting %s%n does not exist"),
        rollback(json!("999999999")).refused("not-found", "999999999"),
        rollback(json!("yesterday")).invalid("change_id"),
        rollback(json!("9223372036854775808")).invalid("change_id"),
        rollback(json!("-1")).refused("not-found", "-1"),
        rollback(json!(7)).invalid("expected a string"),
    ]
}

fn lists() -> Vec<Row> {
    let list = |name: &str, message: &str, payload: serde_json::Value| Row::json(name, message, &payload);
    let history = "telescope/settings/history";
    vec![
        list("a cursor that is none", history, json!({"cursor": "!"})).invalid("cursor"),
        list("a cursor of another list", history, json!({"cursor": "Tm9ydGg"})).invalid("cursor"),
        list("a cursor that is a number", history, json!({"cursor": 3})).invalid("expected a string"),
        list("a cursor in SQL", "message/deadletter/list", json!({"cursor": "1 OR 1=1"})).invalid("cursor"),
        list("a cursor of configurations", "telescope/config/list", json!({"cursor": "!"})).invalid("cursor"),
        list("a cursor of services", "service/list", json!({"cursor": "!"})).invalid("cursor"),
        list("a limit of 0", "telescope/device/list", json!({"limit": 0})).done("devices"),
        list("the largest limit", "telescope/device/list", json!({"limit": u32::MAX})).done("devices"),
        list("a larger limit", "telescope/device/list", json!({"limit": 1_u64 << 32})).invalid("expected u32"),
        list("a limit beyond 64 bits", history, json!({"limit": 1e19})).invalid("expected u32"),
        list("a negative limit", "message/system/history", json!({"limit": -1})).invalid("expected u32"),
        list("half a limit", "telescope/config/list", json!({"limit": 1.5})).invalid("expected u32"),
        list("a component with a NUL", "message/system/history", json!({"component": "a\0b"})).invalid("NUL"),
        list("a user with a slash", "telescope/config/list", json!({"user_id": "a/b"})).invalid("is not an id"),
        list("a user that is a number", "telescope/config/list", json!({"user_id": 7})).invalid("expected a string"),
        list("somebody else's, by an administrator", "telescope/config/list", json!({"user_id": "mallory"}))
            .done(r#""configs":[]"#),
        list("an unknown health", "service/list", json!({"status": "splendid"})).invalid("unknown variant `splendid`"),
        list("a field for what has none", "telescope/health/get", json!({"verbose": true}))
            .invalid("unknown field `verbose`"),
        list("a field for a ping", "datastore/ping", json!({"host": "127.0.0.1; reboot"}))
            .invalid("unknown field `host`"),
    ]
}

fn services() -> Vec<Row> {
    let register = |name: &str, payload: serde_json::Value| Row::json(name, "service/register", &payload);
    let good = |field: &str, value: serde_json::Value| {
        let mut payload = json!({"id": "bad-input", "name": "weather", "endpoint": "http://127.0.0.1:9400"});
        payload[field] = value;
        payload
    };
    let mut rows = vec![
        register("metadata that is text", good("metadata", json!("v1"))).invalid("metadata"),
        register("metadata that is a list", good("metadata", json!([1]))).invalid("metadata"),
        register("too much metadata", good("metadata", json!({"x": "x".repeat(9000)}))).invalid("metadata of service"),
        register("metadata with a NUL", good("metadata", json!({"x": "a\0b"}))).invalid("NUL"),
        register("a field of metadata with a NUL", good("metadata", json!({"a\0b": 1}))).invalid("NUL"),
        register("an empty name", good("name", json!(" "))).invalid("name of service bad-input is empty"),
        register("a long name", good("name", json!("x".repeat(257)))).invalid("more than 256 bytes"),
        register("a name with a NUL", good("name", json!("a\0b"))).invalid("NUL"),
        register("a long endpoint", good("endpoint", json!("x".repeat(3000)))).invalid("more than 2048 bytes"),
        register("no name", json!({"id": "bad-input"})).invalid("missing field `name`"),
        register("a field that nobody knows", good("colour", json!("blue"))).done("bad-input"),
        Row::json("an unknown service", "service/get", &json!({"id": "nobody"})).refused("not-found", "service nobody"),
        Row::json("an unknown service leaves", "service/unregister", &json!({"id": "nobody"}))
            .refused("not-found", "nobody"),
        Row::json("an unknown service lives", "service/heartbeat", &json!({"id": "nobody"}))
            .refused("not-found", "nobody"),
        Row::json("no service at all", "service/heartbeat", &json!({})).invalid("missing field `id`").shared(),
    ];
    for id in ["", "a/b", "+", "#", "a\0b", "a b", "é", "a\u{202e}b", &"x".repeat(65), "..%2f", "$SYS/x"] {
        rows.push(register(&format!("a service called {id:?}"), good("id", json!(id))).invalid("is not an id"));
    }
    rows
}

/// Notices are answered only where they bring a way back, or with an error.
fn notices() -> Vec<Row> {
    let update = "config/update/telescope-coordinator";
    vec![
        Row::bytes("a notice that is cut", update, r#"{"config_key""#).invalid("payload is not JSON").shared(),
        Row::bytes("a notice of binary", update, b"\xff\xfe\xfd").invalid("payload is not JSON"),
        Row::bytes("a notice too large", update, vec![b' '; LARGEST_PAYLOAD_BYTES + 1]).invalid("bytes").shared(),
        Row::bytes("a notice of a list", "service/register", "[1]").invalid("missing field"),
        Row::bytes("a notice of plain text", update, "please").silence().shared(),
        Row::bytes("a notice of nothing", update, "").silence().shared(),
        Row::json("a notice with fields of its own", update, &json!({"who": ["me"]})).silence().shared(),
        Row::json("a notice of a wrong type", "service/heartbeat", &json!({"id": 7})).invalid("string").shared(),
        Row::json("a notice of processes of ours alone", "bootstrap/request", &json!({"who": ["me"]})).barred(),
    ]
}

fn backups() -> Vec<Row> {
    let backup =
        |name: &str| Row::json(&format!("a backup called {name:?}"), "datastore/backup/create", &json!({"name": name}));
    let restore =
        |name: &str| Row::json(&format!("restoring {name:?}"), "datastore/backup/restore", &json!({"name": name}));
    let mut rows: Vec<Row> = [
        "../../etc/cron.d/x",
        "/etc/passwd",
        "..",
        ".",
        ".hidden",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "",
        "~root",
        "$(reboot)",
    ]
    .into_iter()
    .map(|name| backup(name).invalid("can't be one of a backup"))
    .collect();
    rows.extend([
        backup(&"x".repeat(65)).invalid("can't be one of a backup"),
        restore("../postgres/PG_VERSION").invalid("can't be one of a backup"),
        restore("never-made").refused("not-found", "backup never-made does not exist"),
        Row::json("a backup without a name", "datastore/backup/restore", &json!({})).invalid("missing field `name`"),
    ]);
    rows
}

fn discovery() -> Vec<Row> {
    let discover = |name: &str, payload: serde_json::Value| Row::json(name, "telescope/device/discover", &payload);
    let register = |name: &str, url: &str, device_type: &str| {
        let payload = json!({"server_url": url, "device_type": device_type});
        Row::json(name, "telescope/device/register", &payload)
    };
    vec![
        discover("port 0", json!({"port": 0})).invalid("port 0"),
        discover("port -1", json!({"port": -1})).invalid("expected u16"),
        discover("port 65536", json!({"port": 65_536})).invalid("expected u16"),
        discover("no time", json!({"wait_seconds": 0})).invalid("wait_seconds 0 is not between"),
        discover("negative time", json!({"wait_seconds": -1e300})).invalid("is not between 0.1 and 20"),
        discover("all the time", json!({"wait_seconds": 1e300})).invalid("is not between 0.1 and 20"),
        discover("too many hosts", json!({"hosts": vec!["127.0.0.1"; 65]})).invalid("65 hosts are too many"),
        discover("hosts that are numbers", json!({"hosts": [1]})).invalid("expected a string"),
        register("a server that is a file", "file:///etc/passwd", "telescope").invalid("another scheme"),
        register("a server that is no URL", "127.0.0.1", "telescope").invalid("can't be read"),
        register("a server with a path", "http://127.0.0.1:9/../admin?x=1", "telescope").invalid("path"),
        register("a server with a password", "http://a:b@127.0.0.1:9", "telescope").invalid("user name"),
        register("a server with port 65536", "http://127.0.0.1:65536", "telescope").invalid("can't be read"),
        register("a toaster", "http://127.0.0.1:9", "toaster").invalid("toaster"),
        Row::json(
            "a device number beyond all",
            "telescope/device/register",
            &json!({"server_url": "http://127.0.0.1:9", "device_type": "telescope", "device_number": 1_u64 << 32}),
        )
        .invalid("expected u32"),
        Row::json(
            "a device number beyond the table",
            "telescope/device/register",
            &json!({"server_url": "http://127.0.0.1:9", "device_type": "telescope", "device_number": u32::MAX}),
        )
        .invalid("device number is too large"),
        Row::json(
            "a device called with a NUL",
            "telescope/device/register",
            &json!({"server_url": "http://127.0.0.1:9", "device_type": "dome", "name": "a\0b"}),
        )
        .invalid("NUL"),
    ]
}

fn configurations() -> Vec<Row> {
    let create = |name: &str, payload: serde_json::Value| Row::json(name, "telescope/config/create", &payload);
    vec![
        create("no name", json!({})).invalid("missing field `name`"),
        create("an empty name", json!({"name": ""})).invalid("name of 0 characters"),
        create("a name of blanks", json!({"name": "   "})).invalid("can't be kept"),
        create("a long name", json!({"name": "x".repeat(256)})).invalid("name of 256 characters"),
        create("a name with a line break", json!({"name": "North\ndome"})).invalid("can't be kept"),
        create("a description with a NUL", json!({"name": "East dome", "description": "a\0b"})).invalid("NUL"),
        create("a description that is a list", json!({"name": "East dome", "description": []}))
            .invalid("expected a string"),
        create("an unknown mount", json!({"name": "East dome", "mount_type": "hexapod"}))
            .invalid("unknown variant `hexapod`"),
        create("an unknown role", json!({"name": "East dome", "devices": {"toaster": "a"}}))
            .invalid("unknown variant `toaster`"),
        create("a device that is a wildcard", json!({"name": "East dome", "devices": {"telescope": "+"}}))
            .invalid("is not an id"),
        create("a device that nobody knows", json!({"name": "East dome", "devices": {"telescope": "nobody"}}))
            .refused("not-found", "device nobody does not exist"),
        create("a site that nobody knows", json!({"name": "East dome", "site_id": "nowhere"}))
            .refused("not-found", "site nowhere does not exist"),
        create("an owner with a wildcard", json!({"name": "East dome", "owner_id": "#"})).invalid("is not an id"),
        Row::json("a telescope that nobody knows", "telescope/config/get", &json!({"id": "nobody"}))
            .refused("not-found", "nobody"),
        Row::json("deleting what nobody knows", "telescope/config/delete", &json!({"id": "nobody"}))
            .refused("not-found", "nobody"),
    ]
}
