//! Durations as the file writes them: `10s`, `500ms`, `1m30s`, or a number of seconds.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
/// Nothing in the file waits longer than a day.
const SECONDS_MAX: f64 = 86_400.0;

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(f64),
    Text(String),
}

/// Reads a duration that may be left out.
pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let written = Option::<Written>::deserialize(deserializer)
        .map_err(|_| D::Error::custom("is not a duration: write 10s, 500ms or 1m30s"))?;
    written
        .map(|written| match written {
            Written::Seconds(seconds) => of_seconds(seconds, &seconds.to_string()),
            Written::Text(text) => parse(&text),
        })
        .transpose()
        .map_err(D::Error::custom)
}

fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration: write 10s, 500ms or 1m30s");
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<f64>() {
        return of_seconds(seconds, text);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, unit) = rest.split_at(digits);
        let letters = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at(letters);
        let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        seconds += number.parse::<f64>().map_err(|_| wrong())? * factor;
        rest = after;
    }
    of_seconds(seconds, text)
}

fn of_seconds(seconds: f64, text: &str) -> Result<Duration, String> {
    if seconds > 0.0 && seconds <= SECONDS_MAX {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("{text:?} is not a duration above zero and up to 24h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("10s", Some(10_000)),
            ("500ms", Some(500)),
            ("1m30s", Some(90_000)),
            ("1.5s", Some(1500)),
            ("24h", Some(86_400_000)),
            ("7", Some(7000)),
            ("0s", None),
            ("25h", None),
            ("-1s", None),
            ("ten seconds", None),
            ("10 s", None),
            ("10d", None),
            ("s", None),
            ("", None),
            ("inf", None),
            ("NaN", None),
        ] {
            assert_eq!(parse(text).ok(), milliseconds.map(Duration::from_millis), "{text}");
        }
    }
}
