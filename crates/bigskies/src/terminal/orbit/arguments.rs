//! What the commands for orbits can be told: instants, durations, stations.

use std::{fmt, str::FromStr, time::Duration};

use astrometry::Site;
use clap::{Args, ValueEnum};
use engine_orbital::{Gravity, Grid};
use vocabulary::{Clock, Fault, Latitude, Longitude, Timestamp};

/// So many instants are computed at most; each keeps how the Earth is turned.
const INSTANTS_MAX: usize = 200_000;

/// How results are written, besides tables and `--json`.
#[derive(Debug, Args)]
pub(crate) struct ShapeArgs {
    /// Write results as CSV, with names in the first line.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// A window of time.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct WindowArgs {
    /// Where the window begins: 2026-11-21T20:15:00Z, 2026-11-21T20:15 (UTC), 2026-11-21 or now.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) from: Timestamp,
    /// Where it ends: a time as for --from, or how long it is, as +24h.
    #[arg(long, value_name = "TIME", value_parser = end)]
    pub(crate) to: End,
}

impl WindowArgs {
    /// Where it ends.
    pub(crate) fn until(&self) -> Timestamp {
        self.to.after(self.from)
    }
}

/// The end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    At(Timestamp),
    After(Duration),
}

impl End {
    pub(crate) fn after(self, from: Timestamp) -> Timestamp {
        match self {
            Self::At(instant) => instant,
            Self::After(duration) => from.plus(duration),
        }
    }
}

/// The instants from one to another; refused where there are none or too many.
pub(crate) fn grid(from: Timestamp, to: Timestamp, step: Duration) -> Result<Grid, Fault> {
    if to < from {
        return Err(Fault::invalid(format!("the window ends at {to}, before it begins at {from}"))
            .hint("give --to a later time, or a duration as +24h"));
    }
    let grid = Grid::between(from, to, step);
    if grid.count() > INSTANTS_MAX {
        let message = format!("{} instants are too many, {INSTANTS_MAX} are the most", grid.count());
        return Err(Fault::invalid(message).hint("shorten the window or lengthen --step"));
    }
    Ok(grid)
}

/// Which Earth pulls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GravityWord {
    /// As the elements were made.
    Wgs72,
    /// The newer constants, where somebody asks for them.
    Wgs84,
}

impl From<GravityWord> for Gravity {
    fn from(word: GravityWord) -> Self {
        match word {
            GravityWord::Wgs72 => Self::Wgs72,
            GravityWord::Wgs84 => Self::Wgs84,
        }
    }
}

/// A place to look from, as LAT,LON,ALT_M.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place(pub(crate) Site);

impl FromStr for Place {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let &[latitude, longitude, metres] = parts.as_slice() else {
            return Err("latitude, longitude and metres are expected, as 52.52,13.405,34".to_owned());
        };
        let latitude: Latitude = latitude.parse().map_err(|e: vocabulary::angles::NotAnAngle| e.to_string())?;
        let longitude: Longitude = longitude.parse().map_err(|e: vocabulary::angles::NotAnAngle| e.to_string())?;
        let metres = metres.parse::<f64>().map_err(|_| format!("{metres:?} is no height in metres"))?;
        Site::new(latitude, longitude, metres).map(Self).map_err(|e| e.to_string())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (latitude, longitude) = (self.0.latitude().value(), self.0.longitude().value());
        write!(f, "{latitude:.4}, {longitude:.4}, {:.0} m", self.0.elevation_metres())
    }
}

/// An instant, as people write it; UTC where no offset is given.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    if text == "now" {
        return Ok(Clock::system().now());
    }
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => text.to_owned(),
    };
    let read = whole.replacen(' ', "T", 1);
    read.parse().or_else(|_| format!("{read}Z").parse()).map_err(|_: vocabulary::time::NotATime| {
        "a time is expected, as 2026-11-21T20:15:00Z, 2026-11-21T20:15, 2026-11-21 or now".to_owned()
    })
}

pub(crate) fn end(text: &str) -> Result<End, String> {
    match text.strip_prefix('+') {
        Some(span) => duration(span).map(End::After),
        None => instant(text).map(End::At),
    }
}

/// A duration as `60`, `90s`, `1.5m`, `1h30m` or `7d`; seconds where no unit is given.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let refused = || "a duration above zero is expected, as 60, 90s, 10m, 1h30m or 7d".to_owned();
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let units = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(units);
        let factor = match unit {
            "" | "s" => 1.0,
            "ms" => 0.001,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(refused()),
        };
        seconds += number.parse::<f64>().map_err(|_| refused())? * factor;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|read| read.as_micros() > 0).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(instant(text).ok().map(|read| read.to_string()).as_deref(), expected, "{text:?}");
        };
        check("2026-11-21T20:15:00Z", Some("2026-11-21T20:15:00Z"));
        check("2026-11-21T20:15:00+01:00", Some("2026-11-21T19:15:00Z"));
        check("2026-11-21T20:15:00", Some("2026-11-21T20:15:00Z"));
        check("2026-11-21 20:15", Some("2026-11-21T20:15:00Z"));
        check("2026-11-21", Some("2026-11-21T00:00:00Z"));
        check("tomorrow", None);
        check("", None);
        assert!(instant("now").is_ok());
    }

    #[test]
    fn durations() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(duration(text).ok().map(|read| read.as_secs_f64()), expected, "{text:?}");
        };
        check("60", Some(60.0));
        check("90s", Some(90.0));
        check("1.5m", Some(90.0));
        check("1h30m", Some(5_400.0));
        check("7d", Some(604_800.0));
        check("250ms", Some(0.25));
        check("0", None);
        check("", None);
        check("-5s", None);
        check("5 parsecs", None);
        check("1e300d", None);
        check("99999999999999999999d", None);
    }

    #[test]
    fn stations() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(text.parse::<Place>().ok().map(|place| place.to_string()).as_deref(), expected, "{text:?}");
        };
        check("52.52,13.405,34", Some("52.5200, 13.4050, 34 m"));
        check("-33d30m, -70.5 , 2400", Some("-33.5000, -70.5000, 2400 m"));
        check("52.52,13.405", None);
        check("95,13.405,34", None);
        check("52,13,up", None);
        check("52,13,1e9", None);
    }

    #[test]
    fn windows() {
        let (from, hour) = (instant("2026-11-21").unwrap(), Duration::from_secs(3_600));
        assert_eq!(end("+1h").unwrap().after(from), from.plus(hour));
        assert_eq!(grid(from, from.plus(hour), Duration::from_secs(60)).unwrap().count(), 61);
        assert!(grid(from.plus(hour), from, hour).unwrap_err().message.contains("before it begins"));
        assert!(grid(from, from.plus(hour), Duration::from_millis(1)).unwrap_err().message.contains("too many"));
    }
}
