//! Where a mount points: in full, as rows, and live.

use std::{collections::HashMap, fmt::Display};

use catalog::{State as _, telescope::Position, topic};
use vocabulary::{Equinox, Fault, Timestamp, ids::DeviceId};

use crate::terminal::{
    client::Client,
    listen::{Heard, Listener, payload},
    output::{Ending, Output, Paint},
    table::{self, Shown, marked, pairs},
    telescope::{
        arguments::WatchArgs,
        goal::equinox_words,
        roll::{Among, Roll},
    },
};

/// Everything that is known of where a mount points.
pub(crate) fn details(paint: Paint, label: &str, position: &Position) -> String {
    let mut lines = vec![("telescope", paint.name(label)), ("is", doings(position).painted(paint))];
    // A telescope has a name of its own; its mount's is another.
    let mount = marked(&position.name, position.simulated);
    if mount != label {
        lines.push(("mount", mount));
    }
    lines.extend([
        ("right ascension", told(position.right_ascension.as_ref())),
        ("declination", told(position.declination.as_ref())),
        ("equinox", equinox_words(position.equinox).to_owned()),
        ("altitude", told(position.altitude.as_ref())),
        ("azimuth", told(position.azimuth.as_ref())),
        ("sidereal time", position.sidereal_time.map_or_else(|| "-".to_owned(), sidereal)),
        ("its clock", told(position.utc_date.as_ref())),
        ("read", position.observed_at.to_string()),
    ]);
    if let Some(operation) = &position.operation_id {
        lines.push(("motion", operation.to_string()));
    }
    pairs(paint, &lines)
}

/// Mounts, one a row; of one that did not answer the reason.
pub(crate) fn table<'a>(paint: Paint, rows: impl Iterator<Item = (String, Result<&'a Position, &'a Fault>)>) -> String {
    let rows = rows.map(|(label, asked)| match asked {
        Ok(position) => vec![
            label.into(),
            doings(position),
            told(position.right_ascension.as_ref()).into(),
            told(position.declination.as_ref()).into(),
            told(position.altitude.as_ref()).into(),
            told(position.azimuth.as_ref()).into(),
        ],
        Err(fault) => vec![label.into(), Shown::bad(&fault.message)],
    });
    table::table(paint, &["telescope", "is", "right ascension", "declination", "altitude", "azimuth"], rows)
}

/// What a mount does, in words.
pub(crate) fn doings(position: &Position) -> Shown {
    if !position.connected {
        return Shown::bad("not connected");
    }
    let doings = [
        (position.slewing, "slewing"),
        (position.at_park, "parked"),
        (position.tracking, "tracking"),
        (position.at_home, "at home"),
    ];
    let words: Vec<&str> = doings.into_iter().filter_map(|(does, word)| does.then_some(word)).collect();
    let words = if words.is_empty() { "standing still".to_owned() } else { words.join(", ") };
    if position.slewing {
        Shown::doubtful(words)
    } else if position.tracking {
        Shown::good(words)
    } else {
        words.into()
    }
}

fn told(value: Option<&impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

fn sidereal(hours: f64) -> String {
    vocabulary::RightAscension::hours(hours).map_or_else(|_| hours.to_string(), |hours| hours.to_string())
}

/// Shows positions as they change, until there were enough or until Ctrl-C.
pub(crate) async fn watch(arguments: WatchArgs, client: &Client, out: &mut Output) -> Result<(), Ending> {
    let filter = match &arguments.name {
        Some(name) => {
            let roll = Roll::call(client).await?;
            let named = roll.target(Some(name), Among::Mounts)?;
            let device = roll.device_of(&named).ok_or_else(|| {
                Fault::conflict(format!("telescope {} has no mount", named.name()))
                    .hint("give it one: bigskies send telescope/device/assign")
            })?;
            topic::state(Position::NAME, device.device_id.as_str())
        }
        None => topic::states(Position::NAME),
    };
    let mut listener = Listener::new(client, vec![filter]).await?;
    let mut last = HashMap::new();
    let mut left = arguments.count;
    while left != Some(0) {
        let delivery = match listener.next().await? {
            Heard::Message(delivery) => delivery,
            Heard::Interrupted => break,
        };
        let Some(position) = payload::<Position>(&delivery) else { continue };
        if is_news(&mut last, &position) {
            out.show(&position, |paint| line(paint, &position))?;
            left = left.map(|left| left - 1);
        }
    }
    Ok(())
}

/// Whether something changed but the time.
fn is_news(last: &mut HashMap<DeviceId, Position>, position: &Position) -> bool {
    let timeless = Position {
        observed_at: Timestamp::new(time::OffsetDateTime::UNIX_EPOCH),
        utc_date: None,
        sidereal_time: None,
        ..position.clone()
    };
    let before = last.insert(position.device_id.clone(), timeless.clone());
    before != Some(timeless)
}

/// One line for a person.
fn line(paint: Paint, position: &Position) -> String {
    let instant = position.observed_at.instant();
    let time = format!("{:02}:{:02}:{:02}", instant.hour(), instant.minute(), instant.second());
    let equinox = match position.equinox {
        Equinox::J2000 => String::new(),
        other => format!(" ({})", equinox_words(other)),
    };
    format!(
        "{} {}  {} {}{equinox}  alt {} az {}  {}",
        paint.faint(&time),
        paint.name(&marked(&position.name, position.simulated)),
        told(position.right_ascension.as_ref()),
        told(position.declination.as_ref()),
        told(position.altitude.as_ref()),
        told(position.azimuth.as_ref()),
        doings(position).painted(paint),
    )
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn in_full() {
        assert_eq!(
            details(Paint::Plain, "North dome (simulated)", &Position::example()),
            "telescope        North dome (simulated)\n\
             is               slewing, tracking\n\
             mount            Simulated telescope (simulated)\n\
             right ascension  5h35m16.80s\n\
             declination      -5d23m27.6s\n\
             equinox          J2000\n\
             altitude         42d30m00.0s\n\
             azimuth          151d12m00.0s\n\
             sidereal time    4h15m00.00s\n\
             its clock        2026-11-21T20:15:00Z\n\
             read             2026-11-21T20:15:00Z\n\
             motion           0192f0c1-7a0e-7c3e-8a51-0d6f3f1f9a10"
        );
    }

    #[test]
    fn rows_and_lines() {
        let position = Position { altitude: None, ..Position::example() };
        let fault = Fault::unavailable("device does not answer");
        let rows = [("Main".to_owned(), Ok(&position)), ("Other".to_owned(), Err(&fault))];
        assert_eq!(
            table(Paint::Plain, rows.into_iter()),
            "TELESCOPE  IS                      RIGHT ASCENSION  DECLINATION  ALTITUDE  AZIMUTH\n\
             Main       slewing, tracking       5h35m16.80s      -5d23m27.6s  -         151d12m00.0s\n\
             Other      device does not answer"
        );
        assert_eq!(
            line(Paint::Plain, &position),
            "20:15:00 Simulated telescope (simulated)  5h35m16.80s -5d23m27.6s  alt - az 151d12m00.0s  slewing, tracking"
        );
    }

    #[test]
    fn what_a_mount_does() {
        let still = Position { slewing: false, tracking: false, ..Position::example() };
        for (position, words) in [
            (still.clone(), "standing still"),
            (Position { connected: false, ..still.clone() }, "not connected"),
            (Position { at_park: true, at_home: true, ..still }, "parked, at home"),
        ] {
            assert_eq!(doings(&position).text(), words);
        }
    }

    #[test]
    fn time_alone_is_no_news() {
        let mut last = HashMap::new();
        let position = Position::example();
        assert!(is_news(&mut last, &position));
        let later = position.observed_at.plus(std::time::Duration::from_secs(1));
        assert!(!is_news(&mut last, &Position { observed_at: later, sidereal_time: Some(5.0), ..position.clone() }));
        assert!(is_news(&mut last, &Position { tracking: false, ..position }));
    }
}
