//! The angles that astrometry returns and the vocabulary does not have, and the ways from radians to all of them.

use std::f64::consts::{PI, TAU};

use sofars::vm::{c2s, s2c};
use vocabulary::{Altitude, Azimuth, Declination, Equatorial, Equinox, Horizontal, RightAscension, angles::NotAnAngle};

/// The angle between two directions, in degrees from 0 to 180.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Separation(f64);

impl Separation {
    /// The number, in degrees.
    pub const fn degrees(self) -> f64 {
        self.0
    }

    /// The number, in arcseconds.
    pub fn arcseconds(self) -> f64 {
        self.0 * 3600.0
    }

    pub(crate) fn from_radians(radians: f64) -> Self {
        Self(radians.to_degrees())
    }
}

/// Sidereal time: the right ascension (true equator and equinox of date) on the meridian, in hours from 0 up to 24.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct SiderealTime(f64);

impl SiderealTime {
    /// The number, in sidereal hours.
    pub const fn hours(self) -> f64 {
        self.0
    }

    pub(crate) fn from_radians(radians: f64) -> Self {
        Self(hours_of_turn(radians))
    }
}

/// Hour angle: sidereal time since the position crossed the meridian, in hours from -12 (east) up to 12 (west).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct HourAngle(f64);

impl HourAngle {
    /// The number, in sidereal hours, negative east of the meridian.
    pub const fn hours(self) -> f64 {
        self.0
    }

    pub(crate) fn from_radians(radians: f64) -> Self {
        let hours = hours_of_turn(radians);
        Self(if hours >= 12.0 { hours - 24.0 } else { hours })
    }
}

/// A right ascension and declination from a direction in Cartesian coordinates.
pub(crate) fn equatorial(direction: &[f64; 3], equinox: Equinox) -> Result<Equatorial, NotAnAngle> {
    let (right_ascension, declination) = c2s(direction);
    equatorial_from_radians(right_ascension, declination, equinox)
}

pub(crate) fn equatorial_from_radians(
    right_ascension: f64,
    declination: f64,
    equinox: Equinox,
) -> Result<Equatorial, NotAnAngle> {
    Ok(Equatorial {
        right_ascension: RightAscension::hours(hours_of_turn(right_ascension))?,
        declination: Declination::degrees(degrees_of_quarter(declination))?,
        equinox,
    })
}

pub(crate) fn horizontal_from_radians(altitude: f64, azimuth: f64) -> Result<Horizontal, NotAnAngle> {
    Ok(Horizontal {
        altitude: Altitude::degrees(degrees_of_quarter(altitude))?,
        azimuth: Azimuth::degrees(degrees_of_turn(azimuth))?,
    })
}

/// Right ascension and declination, in radians.
pub(crate) fn radians(position: &Equatorial) -> (f64, f64) {
    (position.right_ascension.value() * PI / 12.0, position.declination.value().to_radians())
}

/// The direction of a position, as a unit vector.
pub(crate) fn direction(position: &Equatorial) -> [f64; 3] {
    let (right_ascension, declination) = radians(position);
    s2c(right_ascension, declination)
}

fn hours_of_turn(radians: f64) -> f64 {
    turn(radians * 12.0 / PI, 24.0)
}

pub(crate) fn degrees_of_turn(radians: f64) -> f64 {
    turn(radians * 360.0 / TAU, 360.0)
}

/// `rem_euclid` of a tiny negative number rounds to the modulus itself, which is no longer in the range.
fn turn(value: f64, whole: f64) -> f64 {
    let wrapped = value.rem_euclid(whole);
    if wrapped >= whole { 0.0 } else { wrapped }
}

/// The conversion of a right angle to degrees may round beyond 90; a NaN stays one, to be refused.
fn degrees_of_quarter(radians: f64) -> f64 {
    radians.to_degrees().clamp(-90.0, 90.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_where_it_begins() {
        for (radians, hours) in [(0.0, 0.0), (-1e-18, 0.0), (TAU, 0.0), (-PI, 12.0), (5.0 * PI, 12.0), (PI / 2.0, 6.0)]
        {
            assert!((hours_of_turn(radians) - hours).abs() < 1e-12, "{radians}");
        }
        for (radians, hours) in [(0.0, 0.0), (PI, -12.0), (-PI / 2.0, -6.0), (1.5 * PI, -6.0), (PI / 2.0, 6.0)] {
            assert!((HourAngle::from_radians(radians).hours() - hours).abs() < 1e-12, "{radians}");
        }
    }

    #[test]
    fn a_pole_is_not_overshot() {
        let pole = equatorial_from_radians(1.0, (PI / 2.0).next_up(), Equinox::OfDate).unwrap();
        assert_eq!(pole.declination.value(), 90.0);
        assert!(equatorial_from_radians(f64::NAN, 0.0, Equinox::OfDate).is_err());
        assert!(equatorial_from_radians(0.0, f64::NAN, Equinox::OfDate).is_err());
    }
}
