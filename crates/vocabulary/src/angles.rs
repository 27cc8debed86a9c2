//! Angles as types: what they measure and in which unit is in the name, and a value out of range cannot be made.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Why a number or a text is not such an angle.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{text} is not a {kind}: {expected} is expected")]
pub struct NotAnAngle {
    kind: &'static str,
    text: String,
    expected: &'static str,
}

/// Declares an angle kept in one unit within one range.
macro_rules! angles {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $unit:ident, $low:literal to $high:literal $bound:ident, $expected:literal, $sexagesimal:ident);* $(;)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            #[doc = concat!("From ", stringify!($unit), ", refused out of range or when not finite.")]
            pub fn $unit(value: f64) -> Result<Self, NotAnAngle> {
                if value.is_finite() && in_range!(value, $low, $high, $bound) {
                    Ok(Self(value))
                } else {
                    Err(NotAnAngle { kind: $kind, text: value.to_string(), expected: $expected })
                }
            }

            /// The number, in the unit of the type.
            pub const fn value(self) -> f64 { self.0 }
        }

        impl TryFrom<f64> for $name {
            type Error = NotAnAngle;
            fn try_from(value: f64) -> Result<Self, NotAnAngle> { Self::$unit(value) }
        }

        impl From<$name> for f64 {
            fn from(angle: $name) -> f64 { angle.0 }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "number", "description": $expected, "minimum": $low, (maximum!($bound)): $high })
            }
        }

        impl FromStr for $name {
            type Err = NotAnAngle;
            /// Reads decimal numbers and sexagesimal text as people write it.
            fn from_str(text: &str) -> Result<Self, NotAnAngle> {
                sexagesimal(text, Notation::$sexagesimal)
                    .and_then(|value| Self::$unit(value).ok())
                    .ok_or_else(|| NotAnAngle { kind: $kind, text: format!("{text:?}"), expected: $expected })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { Notation::$sexagesimal.write(self.0, f) }
        }
    )* };
}

macro_rules! in_range {
    ($value:ident, $low:literal, $high:literal, excluded) => {
        ($low..$high).contains(&$value)
    };
    ($value:ident, $low:literal, $high:literal, included) => {
        ($low..=$high).contains(&$value)
    };
}

macro_rules! maximum {
    (excluded) => {
        "exclusiveMaximum"
    };
    (included) => {
        "maximum"
    };
}

angles! {
    /// Right ascension, in hours of 15 degrees, from 0 up to but not including 24.
    RightAscension, "right ascension", hours, 0.0 to 24.0 excluded, "hours from 0 to 24 (5h35m17s, 5:35:17 or 5.588)", Hours;
    /// Declination, in degrees, from -90 (south pole) to 90 (north pole).
    Declination, "declination", degrees, -90.0 to 90.0 included, "degrees from -90 to 90 (-5d23m28s, -5:23:28 or -5.391)", Degrees;
    /// Altitude above the horizon, in degrees, from -90 to 90.
    Altitude, "altitude", degrees, -90.0 to 90.0 included, "degrees from -90 to 90 (45d30m or 45.5)", Degrees;
    /// Azimuth, in degrees from north through east, from 0 up to but not including 360.
    Azimuth, "azimuth", degrees, 0.0 to 360.0 excluded, "degrees from 0 to 360, from north through east (180 or 180d0m)", Degrees;
    /// Geodetic latitude (WGS-84), in degrees, north positive.
    Latitude, "latitude", degrees, -90.0 to 90.0 included, "degrees from -90 to 90, north positive", Degrees;
    /// Geodetic longitude (WGS-84), in degrees, east positive.
    Longitude, "longitude", degrees, -180.0 to 180.0 included, "degrees from -180 to 180, east positive", Degrees;
}

/// Which letters part the numbers of a sexagesimal text.
#[derive(Clone, Copy)]
enum Notation {
    Hours,
    Degrees,
}

impl Notation {
    fn write(self, value: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A tenth of an arcsecond, a hundredth of a second of time: what a mount can point to.
        let (letter, decimals, scale) = match self {
            Self::Hours => ('h', 2, 360_000.0),
            Self::Degrees => ('d', 1, 36_000.0),
        };
        let ticks = (value.abs() * scale).round() as u64;
        let per_minute = if decimals == 2 { 6_000 } else { 600 };
        let (whole, rest) = (ticks / (per_minute * 60), ticks % (per_minute * 60));
        let (minutes, rest) = (rest / per_minute, rest % per_minute);
        let unit = per_minute / 60;
        let sign = if value < 0.0 { "-" } else { "" };
        write!(f, "{sign}{whole}{letter}{minutes:02}m{:02}.{:0decimals$}s", rest / unit, rest % unit)
    }
}

/// Reads `5h35m17.3s`, `5:35:17.3`, `5 35 17.3`, `-5d23m`, `-5°23'28"` or a plain number, in the unit of the notation.
fn sexagesimal(text: &str, notation: Notation) -> Option<f64> {
    let text = text.trim();
    let (negative, unsigned) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let wrong_letter = match notation {
        Notation::Hours => ['d', '°'],
        Notation::Degrees => ['h', 'h'],
    };
    if unsigned.contains(wrong_letter) {
        return None;
    }
    let is_separator =
        |c: char| matches!(c, 'h' | 'd' | '°' | 'm' | 's' | ':' | '\'' | '"' | '′' | '″') || c.is_whitespace();
    let parts: Vec<&str> = unsigned.split(is_separator).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() || parts.len() > 3 {
        return None;
    }
    let mut value = 0.0;
    let mut scale = 1.0;
    for (index, part) in parts.iter().enumerate() {
        let number: f64 = part.parse().ok()?;
        let is_last = index + 1 == parts.len();
        let in_range = number.is_finite() && number >= 0.0 && (index == 0 || number < 60.0);
        if !in_range || !(is_last || part.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        value += number / scale;
        scale *= 60.0;
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn right_ascensions_as_people_write_them() {
        for (text, hours) in [
            ("5h35m17s", Some(5.0 + 35.0 / 60.0 + 17.0 / 3600.0)),
            ("5:35:17.3", Some(5.0 + 35.0 / 60.0 + 17.3 / 3600.0)),
            ("5 35 17", Some(5.0 + 35.0 / 60.0 + 17.0 / 3600.0)),
            ("5.588", Some(5.588)),
            ("0h", Some(0.0)),
            ("23h59m59.99s", Some(23.0 + 59.0 / 60.0 + 59.99 / 3600.0)),
            ("24h", None),
            ("-1h", None),
            ("5h60m", None),
            ("5.5h30m", None),
            ("5d30m", None),
            ("", None),
            ("h", None),
            ("1:2:3:4", None),
            ("nan", None),
        ] {
            match (text.parse::<RightAscension>(), hours) {
                (Ok(angle), Some(hours)) => assert!((angle.value() - hours).abs() < 1e-12, "{text}"),
                (Err(_), None) => {}
                (got, wanted) => panic!("{text}: {got:?}, wanted {wanted:?}"),
            }
        }
    }

    #[test]
    fn declinations_as_people_write_them() {
        for (text, degrees) in [
            ("-5d23m", Some(-(5.0 + 23.0 / 60.0))),
            ("-0d30m", Some(-0.5)),
            ("+41:16:09", Some(41.0 + 16.0 / 60.0 + 9.0 / 3600.0)),
            ("-5°23′28″", Some(-(5.0 + 23.0 / 60.0 + 28.0 / 3600.0))),
            ("−5.391", Some(-5.391)),
            ("90", Some(90.0)),
            ("90.0001", None),
            ("5h30m", None),
        ] {
            match (text.parse::<Declination>(), degrees) {
                (Ok(angle), Some(degrees)) => assert!((angle.value() - degrees).abs() < 1e-12, "{text}"),
                (Err(_), None) => {}
                (got, wanted) => panic!("{text}: {got:?}, wanted {wanted:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(hours in 0.0..23.9999_f64, degrees in -89.999..89.999_f64) {
            let right_ascension = RightAscension::hours(hours).unwrap();
            let declination = Declination::degrees(degrees).unwrap();
            let again: RightAscension = right_ascension.to_string().parse().unwrap();
            prop_assert!((again.value() - hours).abs() < 0.006 / 3600.0);
            let again: Declination = declination.to_string().parse().unwrap();
            prop_assert!((again.value() - degrees).abs() < 0.06 / 3600.0);
        }
    }
}
