//! Durations as the file writes them: `10s`, `500ms`, `1m30s`, or a number of seconds.

use std::{fmt, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
/// Nothing in the file waits longer than a day.
const SECONDS_MAX: f64 = 86_400.0;

/// A duration as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Complains while it reads, since only then the complaint gets the key and the line.
struct Reader;

impl Visitor<'_> for Reader {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration as 10s, 500ms or 1m30s")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
        parse(text).map(Span).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Span, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Span, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Span, E> {
        self.visit_str(&seconds.to_string())
    }
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
