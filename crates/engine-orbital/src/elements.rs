//! Mean elements of one satellite at an epoch, as SGP4 wants them: what a TLE or an OMM says.

mod form;
mod misread;
mod omm;
mod tle;

use std::{fmt, str::FromStr};

use vocabulary::Timestamp;

pub use self::{
    form::{Checksums, Form, Origin},
    misread::{Misfit, Misread, Position, Problem},
};

/// The elements of one satellite. They mean something to SGP4 alone: mean elements of Brouwer's theory in TEME of epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Elements {
    /// The object's name, where one was given.
    pub name: Option<String>,
    /// Catalogue number.
    pub norad: NoradId,
    /// `U` unclassified, `C` classified, `S` secret.
    pub classification: char,
    /// International designator in the form `1998-067A`; empty where none was given.
    pub designator: String,
    /// Epoch, UTC.
    pub epoch: Timestamp,
    /// Mean motion (Kozai), revolutions a day.
    pub mean_motion_revolutions_per_day: f64,
    /// First derivative of the mean motion divided by two, revolutions a day squared. SGP4 makes no use of it.
    pub mean_motion_dot: f64,
    /// Second derivative of the mean motion divided by six, revolutions a day cubed. SGP4 makes no use of it.
    pub mean_motion_ddot: f64,
    /// Drag term, in inverse Earth radii.
    pub bstar: f64,
    /// 0 to 1, 1 excluded.
    pub eccentricity: f64,
    /// Inclination.
    pub inclination: Angle,
    /// Right ascension of the ascending node.
    pub ascending_node: Angle,
    /// Argument of perigee.
    pub argument_of_perigee: Angle,
    /// Mean anomaly.
    pub mean_anomaly: Angle,
    /// 0 for SGP4 as published; blank reads as 0.
    pub ephemeris_type: u8,
    /// Number of the element set.
    pub element_set: u32,
    /// Revolution number at epoch.
    pub revolution: u32,
}

/// An angle of an orbit, kept in degrees just as it was written.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Angle(f64);

impl Angle {
    /// From degrees.
    pub const fn degrees(value: f64) -> Self {
        Self(value)
    }

    /// In degrees.
    pub const fn to_degrees(self) -> f64 {
        self.0
    }

    /// In radians.
    pub const fn to_radians(self) -> f64 {
        self.0.to_radians()
    }
}

/// A catalogue number: up to nine digits in an OMM; in a TLE up to 339999, from 100000 on written as alpha-5 (`T0036` is 270036).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoradId(u32);

/// Why a text is not a catalogue number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a catalogue number: up to nine digits are expected, or a letter other than I and O and four digits"
)]
pub struct NotANoradId {
    /// The text.
    pub text: String,
}

impl NoradId {
    /// The largest: nine digits.
    pub const MAX: u32 = 999_999_999;

    /// Refused above nine digits.
    pub fn new(number: u32) -> Result<Self, NotANoradId> {
        if number <= Self::MAX { Ok(Self(number)) } else { Err(NotANoradId { text: number.to_string() }) }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The five characters of a TLE, or nothing where the number does not fit.
    pub fn alpha5(self) -> Option<String> {
        let (head, rest) = (self.0 / 10_000, self.0 % 10_000);
        match head {
            0..10 => Some(format!("{:05}", self.0)),
            10..34 => ALPHA.get(head as usize - 10).map(|letter| format!("{}{rest:04}", char::from(*letter))),
            _ => None,
        }
    }
}

/// The letters for 10 to 33: without I and O, which look like digits.
const ALPHA: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

impl FromStr for NoradId {
    type Err = NotANoradId;
    /// Digits, or alpha-5; blanks around it are skipped.
    fn from_str(text: &str) -> Result<Self, NotANoradId> {
        let refused = || NotANoradId { text: text.to_owned() };
        let trimmed = text.trim();
        let digits = |part: &str| -> Option<u32> {
            let fits = (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            if fits { part.parse().ok() } else { None }
        };
        if let Some(number) = digits(trimmed) {
            return Self::new(number);
        }
        let letter = trimmed.bytes().next().ok_or_else(refused)?;
        let head = ALPHA.iter().position(|known| *known == letter).ok_or_else(refused)?;
        let rest = trimmed.get(1..).filter(|rest| rest.len() == 4).and_then(digits).ok_or_else(refused)?;
        u32::try_from(head).map_err(|_| refused()).and_then(|head| Self::new((head + 10) * 10_000 + rest))
    }
}

impl fmt::Display for NoradId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A name or designator, unless it says that it is not known.
fn known(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty() && *text != "UNKNOWN")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_numbers() {
        let check = |text: &str, expected: Option<u32>| {
            assert_eq!(text.parse::<NoradId>().ok().map(NoradId::number), expected, "{text:?}");
        };
        check("00005", Some(5));
        check("    5", Some(5));
        check("T0036", Some(270_036));
        check("A0000", Some(100_000));
        check("Z9999", Some(339_999));
        check("123456789", Some(123_456_789));
        check("I0000", None);
        check("O0000", None);
        check("a0000", None);
        check("A000", None);
        check("A00é", None);
        check("+1234", None);
        check("", None);
    }

    #[test]
    fn alpha5_goes_back_and_forth() {
        for number in [0, 5, 99_999, 100_000, 179_999, 180_000, 270_036, 339_999] {
            let id = NoradId::new(number).unwrap();
            assert_eq!(id.alpha5().unwrap().parse(), Ok(id));
        }
        assert_eq!(NoradId::new(340_000).unwrap().alpha5(), None);
        assert!(NoradId::new(1_000_000_000).is_err());
    }
}
