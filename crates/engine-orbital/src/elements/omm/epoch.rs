//! Instants as CCSDS writes them (301.0-B, ASCII time codes A and B): calendar or day of year, UTC without an offset.

use time::{Date, Duration, Month};
use vocabulary::Timestamp;

/// An instant, rounded to the microsecond, which is 8 mm of a low orbit. A leap second has no place in UTC as SGP4 counts it.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.strip_suffix('Z').unwrap_or(text).split_once(['T', ' '])?;
    let microseconds = microseconds_of_day(clock)?;
    day(date)?
        .midnight()
        .assume_utc()
        .checked_add(Duration::microseconds(microseconds))
        .filter(|instant| instant.year() <= 9999)
        .map(Timestamp::new)
}

/// `2021-08-22T16:38:31.244351`, or nothing outside of the years 0 to 9999.
pub(super) fn written(instant: Timestamp) -> Option<String> {
    let instant = instant.instant();
    let ((year, month, day), (hour, minute, second, microsecond)) =
        (instant.to_calendar_date(), instant.to_hms_micro());
    let month = u8::from(month);
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}");
    (0..=9999).contains(&year).then_some(text)
}

fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, second, third) = (parts.next()?, parts.next()?, parts.next());
    let year = i32::try_from(digits(year, 4)?).ok()?;
    match (third, parts.next()) {
        (None, _) => Date::from_ordinal_date(year, u16::try_from(digits(second, 3)?).ok()?).ok(),
        (Some(third), None) => {
            let month = Month::try_from(u8::try_from(digits(second, 2)?).ok()?).ok()?;
            Date::from_calendar_date(year, month, u8::try_from(digits(third, 2)?).ok()?).ok()
        }
        (Some(_), Some(_)) => None,
    }
}

fn microseconds_of_day(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nine = format!("{fraction:0<9}");
    let nanoseconds = digits(nine.get(..9)?, 9)?;
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + (nanoseconds + 500) / 1000)
}

/// Just so many digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_ccsds() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(read(text).and_then(written).as_deref(), expected, "{text:?}");
        };
        let same = Some("2021-08-22T16:38:31.244351");
        check("2021-08-22T16:38:31.244351", same);
        check("2021-08-22T16:38:31.244351Z", same);
        check("2021-08-22 16:38:31.2443514", same);
        check("2021-234T16:38:31.244351", same);
        check("2020-366T00:00:00", Some("2020-12-31T00:00:00.000000"));
        check("2021-12-31T23:59:59.9999996", Some("2022-01-01T00:00:00.000000"));
        check("9999-12-31T23:59:59.9999996", None);
        check("2021-366T00:00:00", None);
        check("2016-12-31T23:59:60", None);
        check("2021-02-29T00:00:00", None);
        check("2021-08-22T16:38:31+01:00", None);
        check("2021-08-22T16:38", None);
        check("2021-08-22", None);
        check("21-08-22T16:38:31", None);
        check("", None);
    }
}
