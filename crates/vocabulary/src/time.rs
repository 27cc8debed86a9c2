//! Instants on the wire (RFC 3339, UTC when ours) and the clock that is passed in wherever the time matters.

use std::{
    borrow::Cow,
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// An instant in UTC. Read with any offset, written with `Z` and microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(OffsetDateTime);

/// Why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time: RFC 3339 is expected, for example 2026-11-21T20:15:00Z")]
pub struct NotATime {
    /// The text, cut to 80 characters.
    pub text: String,
}

impl Timestamp {
    /// From an instant with any offset.
    pub fn new(instant: OffsetDateTime) -> Self {
        let utc = instant.to_offset(UtcOffset::UTC);
        // PostgreSQL keeps microseconds; what we hold equals what comes back from a row.
        Self(utc.replace_nanosecond(utc.nanosecond() / 1000 * 1000).unwrap_or(utc))
    }

    /// The instant, in UTC.
    pub const fn instant(self) -> OffsetDateTime {
        self.0
    }

    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
    pub fn unix_seconds(self) -> f64 {
        self.0.unix_timestamp_nanos() as f64 / 1e9
    }

    /// The time from `earlier` to this instant, zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        (self.0 - earlier.0).try_into().unwrap_or_default()
    }

    /// This instant plus `by`, or the largest instant if that overflows.
    #[must_use]
    pub fn plus(self, by: std::time::Duration) -> Self {
        Self(self.0.saturating_add(by.try_into().unwrap_or(time::Duration::MAX)))
    }

    /// This instant minus `by`, or the smallest instant if that overflows.
    #[must_use]
    pub fn minus(self, by: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(by.try_into().unwrap_or(time::Duration::MAX)))
    }
}

impl FromStr for Timestamp {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        // Near the ends of the calendar an offset leads out of the years that RFC 3339 can write.
        let utc = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|read| read.checked_to_offset(UtcOffset::UTC));
        utc.filter(|utc| (0..=9999).contains(&utc.year()))
            .map(Self::new)
            .ok_or_else(|| NotATime { text: text.chars().take(80).collect() })
    }
}

impl TryFrom<String> for Timestamp {
    type Error = NotATime;
    fn try_from(text: String) -> Result<Self, NotATime> {
        text.parse()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl From<Timestamp> for String {
    fn from(instant: Timestamp) -> Self {
        instant.to_string()
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Where "now" comes from: the system, the system with an offset (a wrong clock), or an instant set by hand.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    Shifted(time::Duration),
    ByHand(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// The system's clock, wrong by `offset`.
    pub const fn shifted(offset: time::Duration) -> Self {
        Self(Source::Shifted(offset))
    }

    /// A clock that stands at `start` until it is moved.
    pub fn by_hand(start: Timestamp) -> Self {
        Self(Source::ByHand(Arc::new(AtomicI64::new(micros(start.0)))))
    }

    /// Moves a clock that is set by hand; every clone sees it. Others do not move.
    pub fn advance(&self, by: std::time::Duration) {
        if let Source::ByHand(now) = &self.0 {
            now.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::new(OffsetDateTime::now_utc()),
            Source::Shifted(offset) => Timestamp::new(OffsetDateTime::now_utc().saturating_add(*offset)),
            Source::ByHand(now) => {
                let nanoseconds = i128::from(now.load(Ordering::SeqCst)) * 1000;
                Timestamp(OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH))
            }
        }
    }
}

fn micros(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_comes_in_and_utc_goes_out() {
        for (text, ours) in [
            ("2026-11-21T20:15:00Z", "2026-11-21T20:15:00Z"),
            ("2026-11-21T21:15:00+01:00", "2026-11-21T20:15:00Z"),
            ("2026-11-21T20:15:00.1234567Z", "2026-11-21T20:15:00.123456Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), ours);
        }
        for text in ["yesterday", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_clock_by_hand_moves_for_all_its_clones() {
        let clock = Clock::by_hand("2026-11-21T20:15:00Z".parse().unwrap());
        let clone = clock.clone();
        clock.advance(std::time::Duration::from_secs(60));
        assert_eq!(clone.now().to_string(), "2026-11-21T20:16:00Z");
    }
}
