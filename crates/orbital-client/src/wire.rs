//! Instants and spans as they travel: `google.protobuf.Timestamp` and `Duration`, whole microseconds of UTC on our side.

use std::time::Duration;

use time::OffsetDateTime;
use vocabulary::Timestamp;

/// The earliest second that is read: the year 1.
const SECONDS_MIN: i64 = -62_135_596_800;
/// The latest second that is read: the end of the year 9999.
const SECONDS_MAX: i64 = 253_402_300_799;

/// An instant for the wire.
pub fn of_instant(instant: Timestamp) -> prost_types::Timestamp {
    let instant = instant.instant();
    // A nanosecond of a second is below 10^9.
    prost_types::Timestamp { seconds: instant.unix_timestamp(), nanos: instant.nanosecond().cast_signed() }
}

/// An instant from the wire, cut to microseconds; nothing outside of the years 1 to 9999 (the range of the protobuf type).
pub fn instant(sent: &prost_types::Timestamp) -> Option<Timestamp> {
    let nanos = u32::try_from(sent.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    let whole = unix_seconds(sent.seconds)?;
    Some(whole.plus(Duration::from_micros(u64::from(nanos / 1000))))
}

/// An instant from whole seconds since 1970, as the earlier service counts; nothing outside of the years 1 to 9999.
pub fn unix_seconds(seconds: i64) -> Option<Timestamp> {
    let known = (SECONDS_MIN..=SECONDS_MAX).contains(&seconds);
    OffsetDateTime::from_unix_timestamp(seconds).ok().filter(|_| known).map(Timestamp::new)
}

/// The whole seconds since 1970 next to an instant.
pub fn to_unix_seconds(instant: Timestamp) -> i64 {
    let instant = instant.instant();
    instant.unix_timestamp() + i64::from(instant.nanosecond() >= 500_000_000)
}

/// A span for the wire; the longest that fits where it does not.
pub fn of_span(span: Duration) -> prost_types::Duration {
    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    prost_types::Duration { seconds, nanos: span.subsec_nanos().cast_signed() }
}

/// A span from the wire; nothing where it is negative.
pub fn span(sent: &prost_types::Duration) -> Option<Duration> {
    let nanos = u32::try_from(sent.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    u64::try_from(sent.seconds).ok().map(|seconds| Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_there_and_back() {
        for text in ["2026-11-21T20:15:00.123456Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"] {
            let ours: Timestamp = text.parse().unwrap();
            assert_eq!(instant(&of_instant(ours)), Some(ours), "{text}");
        }
        let check = |seconds, nanos, expected: Option<&str>| {
            let found = instant(&prost_types::Timestamp { seconds, nanos });
            assert_eq!(found.map(|found| found.to_string()).as_deref(), expected, "{seconds} {nanos}");
        };
        check(0, 1_999, Some("1970-01-01T00:00:00.000001Z"));
        check(0, -1, None);
        check(0, 1_000_000_000, None);
        check(i64::MAX, 0, None);
        check(SECONDS_MIN - 1, 0, None);
        check(SECONDS_MAX, 999_999_999, Some("9999-12-31T23:59:59.999999Z"));
    }

    #[test]
    fn whole_seconds_are_the_next_ones() {
        for (text, seconds) in
            [("1970-01-01T00:00:00.499999Z", 0), ("1970-01-01T00:00:00.5Z", 1), ("1969-12-31T23:59:59.4Z", -1)]
        {
            assert_eq!(to_unix_seconds(text.parse().unwrap()), seconds, "{text}");
        }
        assert_eq!(unix_seconds(i64::MIN), None);
    }

    #[test]
    fn spans() {
        for span_ in [Duration::ZERO, Duration::from_micros(1), Duration::from_secs(86_400)] {
            assert_eq!(span(&of_span(span_)), Some(span_));
        }
        assert_eq!(span(&prost_types::Duration { seconds: -1, nanos: 0 }), None);
        assert_eq!(span(&prost_types::Duration { seconds: 0, nanos: -1 }), None);
    }
}
