//! Topics that nobody owns, that belong to others, or that are the broker's.

use serde_json::json;

use super::{row::Row, stand::Stand};

pub(crate) fn rows(stand: &Stand) -> Vec<Row> {
    let slew = json!({"device_id": stand.mount, "right_ascension": 3.0, "declination": 75.0});
    let nobodys = |topic: &str| Row::json(&format!("to {topic}"), topic, &slew).barred();
    let long = format!("bigskies/coordinator/telescope/control/{}", "x".repeat(100));
    let mut rows = vec![
        nobodys("telescope/control/slwe"),
        nobodys("telescope/control/slew/"),
        nobodys("telescope/control/slew/now"),
        nobodys("telescope//control/slew"),
        nobodys("telescope/control/SLEW"),
        nobodys("telescope"),
        nobodys("application/register"),
        nobodys("dome/control/open"),
        nobodys("telescope/control/'; DROP TABLE dead_letters; --"),
        nobodys("telescope/control/%s%n"),
        nobodys("telescope/control/é\u{202e}"),
        nobodys("bigskies/coordinators/telescope/control/slew"),
        nobodys(&long),
        Row::bytes("binary to nobody", "telescope/control/binary", vec![0_u8, 0xff, 0x80]).barred(),
        Row::bytes("much to nobody", "telescope/control/much", vec![b'x'; 200_000]).barred(),
        Row::bytes("garbage for health", "health/telescope-coordinator", "{").silence(),
        Row::bytes("binary for health", "health/message-coordinator", vec![0xff_u8]).silence(),
        Row::bytes("the broker's own", "$SYS/broker/uptime", "0 seconds").silence().alone(),
        Row::bytes("the broker's own to be", "$SYS/bigskies", "{}").silence().alone(),
    ];
    for state in ["state/position/x", "event/slew-ended", "response/control/slew/response"] {
        rows.push(Row::bytes(&format!("garbage on {state}"), &format!("telescope/{state}"), "{").silence());
    }
    rows
}
