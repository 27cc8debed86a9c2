//! Commands that move things: every field of a slew, and whom it is about.

use catalog::envelope;
use serde_json::{Value, json};

use super::{row::Row, stand::Stand};

const SLEW: &str = "telescope/control/slew";
const ALTAZ: &str = "telescope/control/slew-altaz";

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    [coordinates(stand), targets(stand), sky(stand), other(stand)].concat()
}

/// A slew of the mount that would be done, but for one field.
fn slew(stand: &Stand, name: &str, field: &str, value: Value) -> Row {
    let mut payload = json!({"device_id": stand.mount, "right_ascension": 3.0, "declination": 75.0});
    payload[field] = value;
    Row::json(name, SLEW, &payload)
}

fn coordinates(stand: &Stand) -> Vec<Row> {
    let slew = |name: &str, field: &str, value: Value| slew(stand, name, field, value);
    let altaz = |name: &str, altitude: Value, azimuth: Value| {
        Row::json(name, ALTAZ, &json!({"device_id": stand.mount, "altitude": altitude, "azimuth": azimuth}))
    };
    let raw = |name: &str, right_ascension: &str| {
        let id = &stand.mount;
        Row::bytes(
            name,
            SLEW,
            format!(r#"{{"device_id":"{id}","right_ascension":{right_ascension},"declination":75}}"#),
        )
    };
    vec![
        slew("24 hours", "right_ascension", json!(24)).invalid("right_ascension: 24 is not a right ascension"),
        slew("a little before 0 hours", "right_ascension", json!(-1e-9)).invalid("right ascension"),
        slew("hours as text", "right_ascension", json!("5h35m17s")).invalid("right_ascension: invalid type"),
        slew("hours that are true", "right_ascension", json!(true)).invalid("expected f64"),
        slew("hours in a list", "right_ascension", json!([5, 35, 17])).invalid("expected f64"),
        slew("hours that are null", "right_ascension", json!(null)).invalid("expected f64"),
        slew("degrees over the pole", "declination", json!(90.000_001)).invalid("declination"),
        slew("degrees as text", "declination", json!("-5d23m")).invalid("expected f64"),
        slew("an object for degrees", "declination", json!({"degrees": 1})).invalid("expected f64"),
        slew("an unknown equinox", "equinox", json!("b1950")).invalid("unknown variant `b1950`"),
        slew("an equinox that is a number", "equinox", json!(2000.0)).invalid("equinox"),
        slew("a target that is a number", "target_name", json!(42)).invalid("expected a string"),
        slew("a misspelt field", "declinaton", json!(1)).invalid("unknown field `declinaton`"),
        slew("a prototype", "__proto__", json!({"declination": 1})).invalid("unknown field `__proto__`"),
        raw("not a number of hours", "NaN").invalid("payload is not JSON"),
        raw("infinitely many hours", "1e999").invalid("payload is not JSON"),
        raw("very many hours", "1e308").invalid("right ascension"),
        raw("hours twice", r#"3,"right_ascension":4"#).invalid("right_ascension stands twice"),
        raw("hours twice in disguise", r#"3,"right_\u0061scension":4"#).invalid("right_ascension stands twice"),
        Row::json("no declination", SLEW, &json!({"device_id": stand.mount, "right_ascension": 3}))
            .invalid("missing field `declination`"),
        Row::bytes("nothing but a wish", SLEW, "{}").invalid("missing field `right_ascension`").shared(),
        altaz("over the zenith", json!(90.5), json!(0)).invalid("altitude"),
        altaz("all around", json!(45), json!(360)).invalid("azimuth"),
        altaz("half a turn back", json!(45), json!(-180)).invalid("azimuth"),
        altaz("text for the altitude", json!("45"), json!(180)).invalid("expected f64"),
        altaz("below the horizon", json!(-1), json!(180)).refused("unsafe", "below the horizon"),
        altaz("at the horizon", json!(4.9), json!(180)).refused("unsafe", "below the horizon"),
    ]
}

fn targets(stand: &Stand) -> Vec<Row> {
    let at = |name: &str, mut whom: Value| {
        whom["right_ascension"] = json!(3.0);
        whom["declination"] = json!(75.0);
        Row::json(name, SLEW, &whom)
    };
    let mut rows = vec![
        at("nobody", json!({})).invalid("neither device_id nor telescope_id"),
        at("both", json!({"device_id": stand.mount, "telescope_id": stand.telescope}))
            .invalid("both device_id and telescope_id"),
        at("an unknown device", json!({"device_id": "nobody"})).refused("not-found", "device nobody does not exist"),
        at("an unknown telescope", json!({"telescope_id": "nobody"}))
            .refused("not-found", "telescope nobody does not exist"),
        at("a device as a telescope", json!({"telescope_id": stand.mount})).refused("not-found", "telescope"),
        at("a telescope as a device", json!({"device_id": stand.telescope})).refused("not-found", "device"),
        at("a disabled telescope", json!({"telescope_id": stand.disabled})).refused("conflict", "is disabled"),
        at("a telescope without a mount", json!({"telescope_id": stand.bare})).refused("conflict", "has no mount"),
        at("a mount that is not connected", json!({"device_id": stand.unplugged})).refused("conflict", "not connected"),
        at("a camera", json!({"device_id": stand.camera})).invalid("telescope"),
        at("a device in a list", json!({"device_id": [stand.mount]})).invalid("expected a string"),
        at("a device that is a number", json!({"device_id": 0})).invalid("expected a string"),
    ];
    for id in [
        "",
        "+",
        "#",
        "a/b",
        "../mount",
        "a\0b",
        "a\u{1b}[2Jb",
        "a b",
        "é",
        "%s%s%s%n",
        "'; DROP TABLE devices; --",
        &"x".repeat(65),
    ] {
        rows.push(at(&format!("a device called {id:?}"), json!({"device_id": id})).invalid("is not an id"));
        rows.push(
            Row::json(&format!("aborting {id:?}"), "telescope/control/abort", &json!({"telescope_id": id}))
                .invalid("is not an id"),
        );
    }
    rows
}

fn sky(stand: &Stand) -> Vec<Row> {
    let (right_ascension, declination) = sun(stand.now().unix_seconds());
    let to = |name: &str, right_ascension: f64, declination: f64| {
        Row::json(
            name,
            SLEW,
            &json!({"telescope_id": stand.telescope, "right_ascension": right_ascension, "declination": declination}),
        )
    };
    vec![
        to("the other pole", 3.0, -90.0).refused("unsafe", "below the horizon"),
        // At night it is below the horizon, and no better a target.
        to("the Sun", right_ascension, declination).refused("unsafe", "target is"),
    ]
}

/// The Sun, to a tenth of a degree (The Astronomical Almanac, "Low precision formulas for the Sun"): hours and degrees.
fn sun(unix_seconds: f64) -> (f64, f64) {
    let days = unix_seconds / 86_400.0 - 10_957.5;
    let anomaly = (357.528 + 0.985_600_3 * days).to_radians();
    let longitude = 280.460 + 0.985_647_4 * days + 1.915 * anomaly.sin() + 0.020 * (2.0 * anomaly).sin();
    let (longitude, obliquity) = (longitude.to_radians(), 23.439_f64.to_radians());
    let right_ascension = (obliquity.cos() * longitude.sin()).atan2(longitude.cos());
    let declination = (obliquity.sin() * longitude.sin()).asin();
    (right_ascension.to_degrees().rem_euclid(360.0) / 15.0, declination.to_degrees())
}

fn other(stand: &Stand) -> Vec<Row> {
    let mount = &stand.mount;
    let envelope = |payload: Value| envelope::wrap("command", "user:operator", stand.now(), &payload);
    vec![
        Row::json("tracking that is text", "telescope/control/track", &json!({"device_id": mount, "enabled": "yes"}))
            .invalid("expected a boolean"),
        Row::json("tracking without a word", "telescope/control/track", &json!({"device_id": mount}))
            .invalid("missing field `enabled`"),
        Row::json("aborting nobody", "telescope/control/abort", &json!({}))
            .invalid("neither device_id nor telescope_id"),
        Row::json("aborting too much", "telescope/control/abort", &json!({"device_id": mount, "gently": true}))
            .invalid("unknown field `gently`"),
        Row::json("parking the unknown", "telescope/control/park", &json!({"device_id": "nobody"}))
            .refused("not-found", "device nobody"),
        Row::json("connecting nothing", "telescope/device/connect", &json!({"telescope_id": stand.bare}))
            .refused("conflict", "has no mount"),
        Row::json("connecting the dead", "telescope/device/connect", &json!({"device_id": stand.unplugged}))
            .refused("unavailable", ""),
        Row::json("status of the unconnected", "telescope/status/get", &json!({"device_id": stand.unplugged}))
            .done(r#""connected":false"#),
        Row::json(
            "an unknown role",
            "telescope/device/assign",
            &json!({"telescope_id": stand.bare, "role": "cook", "device_id": mount}),
        )
        .invalid("unknown variant `cook`"),
        Row::json(
            "a role for the unknown",
            "telescope/device/assign",
            &json!({"telescope_id": stand.bare, "role": "camera", "device_id": "nobody"}),
        )
        .refused("not-found", "device nobody"),
        Row::json(
            "leaving an empty role",
            "telescope/device/unassign",
            &json!({"telescope_id": stand.bare, "role": "dome"}),
        )
        .refused("not-found", "nothing in that role"),
        Row::json("forgetting the unknown", "telescope/device/unregister", &json!({"device_id": "nobody"}))
            .refused("not-found", "nobody"),
        Row::json("an enveloped slew of nothing", SLEW, &envelope(json!({})))
            .invalid("missing field `right_ascension`"),
    ]
}
