//! UT1-UTC and polar motion from a table of the IERS, and how well they are known.

use std::{f64::consts::TAU, sync::LazyLock};

use vocabulary::Timestamp;

use super::ARCSECOND_RADIANS;
use astrometry::{AstrometryError, EarthOrientation};

const SECONDS_PER_DAY: f64 = 86_400.0;
/// 1970-01-01 as a modified Julian date.
const UNIX_MJD: f64 = 40_587.0;
/// Neighbouring days of one table differ by milliseconds, but for a leap second between them.
const LEAP_SECONDS_MIN: f64 = 0.5;
/// UT1 over a turn of the Earth: km at the equator for each second.
const EQUATOR_KM_S: f64 = 6_378.137 * TAU / 86_164.1;

static BUNDLED: LazyLock<Orientations> = LazyLock::new(|| {
    Orientations::from_finals2000a(include_str!("../../data/finals2000A.2021-2027.txt")).unwrap_or_default()
});

/// How the Earth is turned beyond what can be computed, at one instant, and how well that is known.
///
/// The default is what holds without any table: zeros, which are [`Knowledge::Assumed`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orientation {
    earth: EarthOrientation,
    knowledge: Knowledge,
    ut1_bound_seconds: f64,
    pole_bound_arcseconds: f64,
}

/// Where an orientation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Knowledge {
    /// Measured by the IERS.
    Observed,
    /// Predicted by the IERS.
    Predicted,
    /// Zero: no table was given, or the instant is outside of it.
    Assumed,
}

impl Default for Orientation {
    fn default() -> Self {
        Self {
            earth: EarthOrientation::default(),
            knowledge: Knowledge::Assumed,
            ut1_bound_seconds: EarthOrientation::UT1_MINUS_UTC_SECONDS_MAX,
            pole_bound_arcseconds: 0.6,
        }
    }
}

impl Orientation {
    /// The three numbers, as astrometry takes them.
    pub const fn earth(&self) -> EarthOrientation {
        self.earth
    }

    /// UT1-UTC in seconds.
    pub const fn ut1_minus_utc_seconds(&self) -> f64 {
        self.earth.ut1_minus_utc_seconds()
    }

    /// Where it comes from.
    pub const fn knowledge(&self) -> Knowledge {
        self.knowledge
    }

    /// How far UT1-UTC may be off, in seconds: the standard deviation that the IERS gives, or the limit that leap seconds
    /// keep it in where it is assumed.
    pub const fn ut1_bound_seconds(&self) -> f64 {
        self.ut1_bound_seconds
    }

    /// How far the pole may be off, in arcseconds; 0.6, which it has never exceeded, where it is assumed.
    pub const fn pole_bound_arcseconds(&self) -> f64 {
        self.pole_bound_arcseconds
    }

    /// How far a place on the ground may be off because of both, in kilometres at the equator (the worst place for UT1).
    pub fn ground_bound_km(&self) -> f64 {
        let pole = self.pole_bound_arcseconds * ARCSECOND_RADIANS * 6_378.137;
        (self.ut1_bound_seconds * EQUATOR_KM_S).hypot(pole)
    }

    pub(crate) fn polar_motion_radians(&self) -> [f64; 2] {
        let (x, y) = self.earth.polar_motion_arcseconds();
        [x * ARCSECOND_RADIANS, y * ARCSECOND_RADIANS]
    }
}

/// Orientations of the Earth day by day, interpolated between; the default knows none and assumes zeros.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Orientations {
    /// One a day, in order, without a gap.
    days: Vec<Day>,
}

/// One row of the table, at 0 h UTC.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Day {
    mjd: f64,
    is_observed: bool,
    pole_arcseconds: [f64; 2],
    pole_bound_arcseconds: f64,
    ut1_seconds: f64,
    ut1_bound_seconds: f64,
}

/// Why a text is not a table of orientations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOrientations {
    /// A row that cannot be read.
    #[error(
        "line {line} has no {what} in columns {first} to {last}: give the file finals2000A.all of the IERS as it is published"
    )]
    Row {
        /// Counted from 1.
        line: usize,
        /// What was looked for.
        what: &'static str,
        /// The first column, counted from 1.
        first: usize,
        /// The last column.
        last: usize,
    },
    /// Days that do not follow each other.
    #[error("line {line} is not the day after the one before: give a table without gaps")]
    Gap {
        /// Counted from 1.
        line: usize,
    },
    /// Not one row with UT1-UTC.
    #[error("the table has no day with ut1-utc: give the file finals2000A.all of the IERS")]
    Empty,
}

impl Orientations {
    /// Nothing known: zeros everywhere, with honest bounds.
    pub const fn unknown() -> Self {
        Self { days: Vec::new() }
    }

    /// The table that comes with the product: 2021 to October 2026 observed, to October 2027 predicted.
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// Reads the IERS's `finals2000A` form (Bulletin A values: columns 8 to 78 of its readme); rows without UT1-UTC, which stand
    /// at the end, are skipped.
    pub fn from_finals2000a(text: &str) -> Result<Self, NotOrientations> {
        let mut days: Vec<Day> = Vec::new();
        for (line, row) in (1..).zip(text.lines()) {
            // A row without a mark in column 58 has no UT1-UTC.
            if row.as_bytes().get(57).is_none_or(u8::is_ascii_whitespace) {
                continue;
            }
            let day = Day::read(line, row)?;
            if days.last().is_some_and(|last| last.mjd + 1.0 != day.mjd) {
                return Err(NotOrientations::Gap { line });
            }
            days.push(day);
        }
        if days.is_empty() { Err(NotOrientations::Empty) } else { Ok(Self { days }) }
    }

    /// The orientation at an instant, linear between two days (leap seconds are stepped over); assumed zeros outside of the table.
    pub fn at(&self, when: Timestamp) -> Orientation {
        self.row(when.unix_seconds() / SECONDS_PER_DAY + UNIX_MJD).unwrap_or_default()
    }

    fn row(&self, mjd: f64) -> Option<Orientation> {
        let (first, last) = (self.days.first()?, self.days.last()?);
        if !(first.mjd..=last.mjd).contains(&mjd) {
            return None;
        }
        let index = (mjd - first.mjd) as usize;
        let before = self.days.get(index)?;
        let after = self.days.get(index + 1).unwrap_or(before);
        let part = mjd - before.mjd;
        let mix = |a: f64, b: f64| a + part * (b - a);
        let step = after.ut1_seconds - before.ut1_seconds;
        let leap = if step.abs() > LEAP_SECONDS_MIN { step.round() } else { 0.0 };
        let pole: [f64; 2] = std::array::from_fn(|axis| mix(before.pole_arcseconds[axis], after.pole_arcseconds[axis]));
        Some(Orientation {
            earth: orientation(mix(before.ut1_seconds, after.ut1_seconds - leap), pole).ok()?,
            knowledge: if before.is_observed && after.is_observed { Knowledge::Observed } else { Knowledge::Predicted },
            ut1_bound_seconds: before.ut1_bound_seconds.max(after.ut1_bound_seconds),
            pole_bound_arcseconds: before.pole_bound_arcseconds.max(after.pole_bound_arcseconds),
        })
    }
}

fn orientation(ut1_minus_utc_seconds: f64, [x, y]: [f64; 2]) -> Result<EarthOrientation, AstrometryError> {
    EarthOrientation::new(ut1_minus_utc_seconds)?.with_polar_motion(x, y)
}

impl Day {
    fn read(line: usize, row: &str) -> Result<Self, NotOrientations> {
        let number = |what: &'static str, first: usize, last: usize| {
            let text = row.get(first - 1..last).map(str::trim);
            let number: Option<f64> = text.and_then(|text| text.parse().ok()).filter(|number: &f64| number.is_finite());
            number.ok_or(NotOrientations::Row { line, what, first, last })
        };
        let pole_arcseconds = [number("polar motion x", 19, 27)?, number("polar motion y", 38, 46)?];
        let pole_bound = [number("error of polar motion x", 28, 36)?, number("error of polar motion y", 47, 55)?];
        let ut1_seconds = number("ut1-utc", 59, 68)?;
        if orientation(ut1_seconds, pole_arcseconds).is_err() {
            return Err(NotOrientations::Row { line, what: "ut1-utc within 0.9 s", first: 59, last: 68 });
        }
        Ok(Self {
            mjd: number("modified julian date", 8, 15)?,
            is_observed: row.as_bytes().get(57) == Some(&b'I'),
            pole_arcseconds,
            pole_bound_arcseconds: pole_bound[0].hypot(pole_bound[1]),
            ut1_seconds,
            ut1_bound_seconds: number("error of ut1-utc", 69, 78)?,
        })
    }
}
